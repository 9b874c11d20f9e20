# SPDX-License-Identifier: Apache-2.0
"""What came from a member after a moment is set aside, and comes back as it is."""

from datetime import timedelta

import pytest
from tests.support.fleet import Fleet
from tests.support.members import fetched

from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.charter import QuarantineAnswer
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.members.quarantine import (
    Ending,
    QuarantineEnd,
    QuarantineRequest,
    came_after,
)
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

OLAF = Principal("olaf", Role.OPERATOR)
TWO = Person("rita", Role.REVIEWER), Person("dora", Role.DPO)
EARLY, LATE, LATER = "early@mail.example", "late@mail.example", "later@mail.example"


def seconds(fleet: Fleet) -> int:
    return int(fleet.clock.now().timestamp())


async def begin(
    fleet: Fleet, after: int, member: str = "a.demo", at: str = "b.demo"
) -> QuarantineAnswer:
    request = QuarantineRequest(member=member, after=after)
    return await fleet[at].services.quarantines.begin(request, OLAF)


async def end(fleet: Fleet, said: QuarantineAnswer, at: str = "b.demo") -> None:
    base = fleet[at].base
    effect = QuarantineEnd(base.office, base.situation)
    asked = Ending(member=said.member, since=said.after, first=said.first)
    learn = await base.store.write(lambda tx: effect.carry_out(tx, encode(asked), *TWO))
    await learn()


async def matched(fleet: Fleet, *values: str, at: str = "b.demo") -> list[bool]:
    return [bool((await fleet.look_up(at, each)).matches) for each in values]


@pytest.fixture
async def drilled(trio: Fleet) -> tuple[Fleet, int]:
    """Give a federation, and a moment between two signals of a.demo."""
    await trio.publish(EARLY)
    moment = seconds(trio)
    trio.clock.advance(timedelta(seconds=30))
    await trio.publish(LATE)
    return trio, moment


async def test_what_came_later_matches_nobody_here_and_the_rest_does(
    drilled: tuple[Fleet, int],
) -> None:
    fleet, moment = drilled
    said = await begin(fleet, moment)
    await fleet.publish(LATER)

    assert (said.records, said.whole) == (1, False)
    assert await matched(fleet, EARLY, LATE, LATER) == [True, False, False]
    assert await matched(fleet, EARLY, LATE, LATER, at="c.demo") == [True, True, True]
    answer = await fleet.look_up("b.demo", LATE)
    assert answer.result is Result.INCOMPLETE
    assert answer.not_covered == ["a.demo"]
    shown = await fleet["b.demo"].services.governance.show()
    assert [(each.member, each.records) for each in shown.quarantines] == [
        ("a.demo", 2)
    ]
    checks = await fleet["b.demo"].services.node.checks()
    assert "quarantine" in checks["feed of a.demo"]
    (event,) = await fleet.audit("b.demo", "origin.quarantined")
    assert '"origin":"a.demo"' in event.text


async def test_undoing_it_gives_all_back(drilled: tuple[Fleet, int]) -> None:
    fleet, moment = drilled
    said = await begin(fleet, moment)
    await fleet.publish(LATER)
    await end(fleet, said)

    assert await matched(fleet, EARLY, LATE, LATER) == [True, True, True]
    assert (await fleet.look_up("b.demo", "none@mail.example")).not_covered == []
    (event,) = await fleet.audit("b.demo", "origin.quarantine_ended")
    assert '"records":2' in event.text
    with pytest.raises(WrongStateError):
        await end(fleet, said)


async def test_a_restart_keeps_what_is_set_aside(drilled: tuple[Fleet, int]) -> None:
    fleet, moment = drilled
    said = await begin(fleet, moment)
    await fleet.stop("b.demo")
    await fleet.start("b.demo")
    await fleet.attested()

    assert await matched(fleet, EARLY, LATE) == [True, False]
    await end(fleet, said)
    assert await matched(fleet, EARLY, LATE) == [True, True]


async def test_a_revocation_counts_for_what_is_set_aside(
    drilled: tuple[Fleet, int],
) -> None:
    fleet, moment = drilled
    signal = await fleet.publish(LATER)
    said = await begin(fleet, moment)
    await fleet.revoke(signal, by=("b.demo",))
    await end(fleet, said)

    assert await matched(fleet, LATE, LATER) == [True, False]


async def test_nothing_of_it_is_carried_to_others_but_restrictions(
    drilled: tuple[Fleet, int],
) -> None:
    fleet, moment = drilled
    signal = await fleet.publish(LATER)
    said = await begin(fleet, moment)
    await fleet.revoke(signal, by=("b.demo", "c.demo"))
    shared = fleet["c.demo"].base.situation.shared
    assert shared is not None
    courier = shared.membership.charter.member("b.demo")
    client = fleet["c.demo"].client
    data = await fetched(client, courier, FeedRequest("a.demo", 0, 0, 0))
    behind = await fetched(client, courier, FeedRequest("a.demo", said.first, 0, 0))
    batch, late = decode_batch("a.demo", data), decode_batch("a.demo", behind)

    assert len(batch.records) == said.first
    assert batch.restrictions
    assert late.records == []
    assert late.restrictions


async def test_a_later_moment_gives_nothing_back_and_an_earlier_one_takes_more(
    drilled: tuple[Fleet, int],
) -> None:
    fleet, moment = drilled
    said = await begin(fleet, moment)
    narrower = await begin(fleet, seconds(fleet))
    wider = await begin(fleet, moment - 60)

    assert narrower == said
    assert wider.first < said.first
    assert await matched(fleet, EARLY, LATE) == [False, False]
    with pytest.raises(WrongStateError):
        await end(fleet, said)


async def test_what_the_log_does_not_tell_counts_as_come_later(
    drilled: tuple[Fleet, int],
) -> None:
    fleet, _ = drilled
    base = fleet["b.demo"].base
    log = base.trail.log
    size = await base.store.read(lambda reader: reader.log_size(log))

    class Pruned:
        def __init__(self, reader: object) -> None:
            self._reader = reader

        def __getattr__(self, name: str) -> object:
            return getattr(self._reader, name)

        async def minimum(self, _log: str) -> int:
            return size - 1

    found = await base.store.read(
        lambda reader: came_after(Pruned(reader), log, "a.demo", 0)  # type: ignore[arg-type]
    )

    assert (found.first, found.known) == (0, False)


@pytest.mark.parametrize("member", ["b.demo", "stranger.demo"])
async def test_only_another_member_is_set_aside(trio: Fleet, member: str) -> None:
    with pytest.raises(NotFoundError):
        await begin(trio, 0, member)


async def test_no_moment_is_ahead(trio: Fleet) -> None:
    with pytest.raises(BadRequestError) as raised:
        await begin(trio, seconds(trio) + 60)

    assert raised.value.pointer == "/after"
