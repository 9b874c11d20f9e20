# SPDX-License-Identifier: Apache-2.0
"""Nobody deals for a threshold that its own people have not agreed on."""

from datetime import timedelta

import pytest
from tests.support.ceremony_rounds import agree_on
from tests.support.council import TWO, show
from tests.support.fleet import NAMES, PATIENCE, Fleet, eventually
from tests.support.resharing_fleet import (
    OLAF,
    at_generation,
    ceremonies_of,
    due,
    entry_of,
    joined,
    left,
    scene_of,
    tend,
)

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.charter import ReshareRequest
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.members.ceremonies.resharing_requests import Rotation, RotationEffect

A, B, C = NAMES


async def states(fleet: Fleet) -> list[list[str]]:
    return [[e.state for e in (await show(fleet, name)).attempts] for name in NAMES]


@pytest.mark.timeout(180)
async def test_a_lower_threshold_takes_two_people_at_each_member(trio: Fleet) -> None:
    await joined(trio, "d.demo")
    await due(trio)
    await at_generation(trio, 2, *NAMES, "d.demo")
    assert entry_of(trio, A).threshold == 3
    await left(trio, "d.demo")
    await trio.stop("d.demo")
    for _ in range(2):  # nobody proposes by itself that two make a token of three
        await due(trio)

    assert await states(trio) == [[], [], []]
    (told,) = (await trio[A].services.node.status()).keys_departed
    assert "threshold of 2 instead of 3" in told
    await agree_on(trio, A, 2)

    async def waits() -> bool:
        return await states(trio) == [["under_way"], ["waits"], ["waits"]]

    await eventually(waits, PATIENCE * 3)
    files = [list(trio.place(name).keys.glob("renewal-*")) for name in NAMES]
    assert [bool(each) for each in files] == [True, False, False]
    await agree_on(trio, B, 2)
    await agree_on(trio, C, 2)
    await at_generation(trio, 3, *NAMES)

    entry = entry_of(trio, A)
    assert (entry.threshold, len(entry.pins)) == (2, 3)
    (key,) = (await show(trio, B)).keys
    assert (key.threshold, key.holders, key.need) == (2, [*NAMES], None)
    await tend(trio)
    event = (await trio.audit(B, "federation.resharing"))[-1]
    assert '"threshold":2' in event.text


async def test_others_take_part_by_themselves_once_a_generation_is_a_day_old(
    trio: Fleet,
) -> None:
    trio.clock.advance(timedelta(days=2))
    await agree_on(trio, A, 2)
    await at_generation(trio, 2, *NAMES)

    assert entry_of(trio, C).threshold == 2


async def test_two_people_at_each_member_begin_another_epoch(trio: Fleet) -> None:
    for name in NAMES:
        await agree_on(trio, name, 2, opens=True)

    async def begun() -> bool:
        return all(entry_of(trio, name).epoch == 2 for name in NAMES)

    await eventually(begun, 6 * PATIENCE)
    keys = (await show(trio, A)).keys
    assert [(each.epoch, each.generation) for each in keys] == [(1, 1), (2, 1)]
    with pytest.raises(WrongStateError, match="has not ended"):
        await trio[A].services.rotations.ask(ReshareRequest(opens=True), OLAF)


async def test_what_was_agreed_on_for_an_older_generation_is_overtaken(
    trio: Fleet,
) -> None:
    effect = RotationEffect(ceremonies_of(trio, A), trio[A]._made.tending.run)  # noqa: SLF001
    old = Rotation(epoch=1, generation=7, threshold=2, version=1, changes=[])

    with pytest.raises(WrongStateError) as overtaken:
        await trio[A].base.store.write(
            lambda tx: effect.carry_out(tx, encode(old), *TWO)
        )

    assert overtaken.value.code == "act_changed"
    assert (await scene_of(trio, A)).kept.wish is None


@pytest.mark.parametrize("threshold", [1, 3, 4])
async def test_no_sharing_has_such_a_threshold(trio: Fleet, threshold: int) -> None:
    rotations = trio[A].services.rotations

    with pytest.raises(BadRequestError) as refused:
        await rotations.ask(ReshareRequest(threshold=threshold), OLAF)

    assert refused.value.pointer == "/threshold"
