# SPDX-License-Identifier: Apache-2.0
"""Members begin a new epoch: since people want it, or since the old one ends."""

import asyncio
from datetime import timedelta

from msgspec.structs import replace
from tests.support.fleet import NAMES, PATIENCE, Fleet, eventually
from tests.support.resharing_fleet import due, entry_of, membership_of, tend

from fedsafe_federation.charter.renewal_rules import FORTNIGHT, MONTH
from fedsafe_node.acts.lookup import Result
from fedsafe_node.keys.own_keys import load_media_keys, load_shares
from fedsafe_node.members.ceremonies.record import Wish, keep, read_scene
from fedsafe_node.store.transaction import Transaction

WHO = "somebody@mail.example"


async def wish(fleet: Fleet, *names: str) -> None:
    """Let two people of some members want a new epoch."""
    until = int(fleet.clock.now().timestamp()) + MONTH

    async def act(tx: Transaction) -> None:
        scene = await read_scene(tx)
        assert scene is not None
        entry = scene.version.charter.newest
        wanted = Wish(entry.epoch, entry.generation, entry.threshold, until, opens=True)
        await keep(tx, replace(scene.kept, wish=wanted))

    for name in names:
        await fleet[name].base.store.write(act)


async def at_epoch(fleet: Fleet, epoch: int, *names: str) -> None:
    async def there() -> bool:
        return all(entry_of(fleet, each).epoch == epoch for each in names)

    await eventually(there, 6 * PATIENCE)


def days_before_its_end(fleet: Fleet, seconds: int) -> timedelta:
    ends = entry_of(fleet, "a.demo").ends
    return timedelta(seconds=ends - seconds - int(fleet.clock.now().timestamp()))


async def test_people_of_all_members_begin_an_epoch_while_lookups_run(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    await wish(trio, *NAMES)
    found: list[Result] = []

    async def ask() -> None:
        while True:
            found.append((await trio.look_up("b.demo", WHO)).result)

    asking = asyncio.create_task(ask())
    await tend(trio, "a.demo")
    await at_epoch(trio, 2, *NAMES)
    asking.cancel()
    await asyncio.wait([asking])

    assert set(found) == {Result.REVIEW}
    [old, new] = membership_of(trio, "c.demo").charter.epochs
    assert (old.epoch, new.epoch, new.generation) == (1, 2, 1)
    assert new.public != old.public
    again = await trio.publish("other@mail.example", at="c.demo", by=("a.demo",))
    for value, name in ((WHO, signal), ("other@mail.example", again)):
        answer = await trio.look_up("a.demo", value)
        assert [each.signal for each in answer.matches] == [name]
    for name in NAMES:
        assert (await trio[name].base.store.check_seal()).faults == ()
        place = trio.place(name)
        assert set(await asyncio.to_thread(load_shares, place)) == {(1, 1), (2, 1)}
        assert set(await asyncio.to_thread(load_media_keys, place)) == {(1, 1), (2, 1)}


async def test_nobody_deals_for_an_epoch_that_their_people_do_not_want(
    trio: Fleet,
) -> None:
    await wish(trio, "a.demo", "b.demo")
    await tend(trio)

    async def proposed() -> bool:
        scene = await trio["c.demo"].base.store.read(read_scene)
        return bool(scene and scene.kept.attempts)

    await eventually(proposed)
    await tend(trio)
    scene = await trio["c.demo"].base.store.read(read_scene)
    assert scene is not None
    said = {m.signer for each in scene.kept.attempts for m in each.messages}
    assert "c.demo" not in said


async def test_an_epoch_begins_by_itself_before_the_old_one_ends(trio: Fleet) -> None:
    trio.clock.advance(days_before_its_end(trio, FORTNIGHT) + timedelta(seconds=1))
    await trio.attested()
    await due(trio)
    await at_epoch(trio, 2, *NAMES)

    [old, new] = membership_of(trio, "a.demo").charter.epochs
    assert new.starts < old.ends


async def test_none_begins_by_itself_sooner(trio: Fleet) -> None:
    trio.clock.advance(days_before_its_end(trio, FORTNIGHT + 3600))
    await due(trio)

    scene = await trio["a.demo"].base.store.read(read_scene)
    assert scene is not None
    targets = {
        each.proposal.payload.count(b'"ends":null') for each in scene.kept.attempts
    }
    assert targets <= {1}
