# SPDX-License-Identifier: Apache-2.0
"""Whoever deviates, vanishes or dies in a resharing holds nobody up."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from tests.support.ceremonies import MemoryStates
from tests.support.fleet import NAMES, PATIENCE, Fleet, eventually, found, make
from tests.support.resharing_fleet import (
    WAIT,
    at_generation,
    carrying_of,
    ceremonies_of,
    entry_of,
    membership_of,
    scene_of,
    shares_of,
    tend,
)

from fedsafe_crypto.dkg.resharing import Held
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import MemberState
from fedsafe_federation.charter.renewal import Attendant, Resharing
from fedsafe_federation.charter.renewal_rules import MONTH
from fedsafe_federation.errors import ResharingError
from fedsafe_federation.wire.signed import Signed, sign_payload
from fedsafe_node.acts.charter import CarriedRequest
from fedsafe_node.app import parts
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.members.ceremonies.service import Ceremonies

A, B, C = NAMES
LATER = timedelta(seconds=MONTH + 1)
Lie = Callable[[Signed, str], Signed | None]
"""What is said instead of a message to a member; None says nothing."""


@dataclass
class Cheat:
    """A member whose node is another program: it says what it likes."""

    fleet: Fleet
    name: str
    key: SigningKey
    held: Held
    lie: Lie

    @classmethod
    async def at(cls, fleet: Fleet, name: str, lie: Lie) -> "Cheat":
        """Take the place of a node that ran."""
        membership, key = membership_of(fleet, name), fleet[name].base.keys.statement
        share = membership.shares[1]
        held = Held(share=share, token_key=membership.media[1, 1].token)
        await fleet.stop(name)
        return cls(fleet, name, key, held, lie)

    async def take_part(self, states: MemoryStates) -> None:
        """Say what is owed to all, as it is or not."""
        scene = await scene_of(self.fleet, A)
        if not scene.kept.attempts:
            return
        [attempt, *_] = scene.kept.attempts
        attendant = Attendant(self.name, self.key, self.held)
        side = Resharing(attendant, scene.version, attempt.proposal, states)
        heard = [each for each in attempt.messages if each.signer != self.name]
        try:
            owed = side.step(heard, now=ceremonies_of(self.fleet, A).now()).owed
        except ResharingError:
            return
        for name in self.fleet.running:
            said = [lied for e in owed if (lied := self.lie(e, name)) is not None]
            request = CarriedRequest(
                version=scene.version.charter.version,
                charter=scene.version.digest,
                statements=said,
                have=[],
                lacks=[],
            )
            await carrying_of(self.fleet, name).exchange(request, self.name)

    def signed(self, message: Signed, payload: bytes) -> Signed:
        return sign_payload(
            payload,
            type_=message.type,
            signer=self.name,
            key=self.key,
            federation=membership_of(self.fleet, A).charter.federation,
        )


async def failed_by(fleet: Fleet, name: str) -> set[str]:
    scene = await scene_of(fleet, name)
    return {gone for each in scene.kept.attempts for gone in each.gone}


def altered(payload: bytes) -> bytes:
    at = len(payload) // 2
    return payload[:at] + bytes([payload[at] ^ 1]) + payload[at + 1 :]


@pytest.mark.parametrize(
    ("type_", "shown"),
    [
        ("resharing.verdict", [A, B]),
        ("resharing.deal", [A, B]),
        ("resharing.deal", [A]),
        ("resharing.deal", [B]),
    ],
)
async def test_all_name_who_deviates_and_go_on_without(
    trio: Fleet, type_: str, shown: list[str]
) -> None:
    def lie(message: Signed, to: str) -> Signed | None:
        if message.type != type_:
            return message
        if to not in shown:
            return None
        return cheat.signed(message, altered(message.payload))

    cheat, states = await Cheat.at(trio, C, lie), MemoryStates()
    await month_later(trio, A, B)

    async def named() -> bool:
        await cheat.take_part(states)
        return [await failed_by(trio, name) for name in (A, B)] == [{C}, {C}]

    await eventually(named, 6 * PATIENCE)
    await repeated(trio, A, B)

    for name in (A, B):
        assert [pin.index for pin in entry_of(trio, name).pins] == [1, 2]
        events = await trio.audit(name, "federation.resharing_failed")
        gone = [json.loads(event.openings["detail"])["gone"] for event in events]
        assert gone
        assert set(gone) == {C}


async def test_whoever_hears_a_complaint_hears_what_it_is_about(trio: Fleet) -> None:
    def lie(message: Signed, to: str) -> Signed | None:
        if message.type != "resharing.deal":
            return message
        return cheat.signed(message, altered(message.payload)) if to == A else None

    cheat, states = await Cheat.at(trio, C, lie), MemoryStates()
    for name in (A, B):
        await trio[name]._made.spreading.stop()  # noqa: SLF001 - A alone says anything
    await month_later(trio, A, B)
    other = membership_of(trio, A).charter.member(B)

    async def ended() -> bool:
        await cheat.take_part(states)
        await tend(trio, A, B)
        await carrying_of(trio, A).swap(other)
        return any(each.over for each in (await scene_of(trio, B)).kept.attempts)

    await eventually(ended, 6 * PATIENCE)
    first = [(await scene_of(trio, name)).kept.attempts[0] for name in (A, B)]

    assert [attempt.gone for attempt in first] == [[C], [C]]


async def vanish(fleet: Fleet, gone: str, *here: str) -> None:
    """Stop a member, and let a month's resharing fail for lack of it."""
    await fleet.stop(gone)
    await month_later(fleet, *here)

    async def heard() -> bool:
        scenes = [await scene_of(fleet, name) for name in here]
        said = [{m.signer for e in s.kept.attempts for m in e.messages} for s in scenes]
        return said == [set(here)] * len(here)

    await eventually(heard, 6 * PATIENCE)
    fleet.clock.advance(timedelta(days=1, seconds=1))
    await tend(fleet)
    assert [await failed_by(fleet, name) for name in here] == [{gone}] * len(here)


async def test_all_three_of_four_go_on_when_one_vanishes(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "four", *NAMES, "d.demo")
    try:
        await fleet.start(*NAMES, "d.demo")
        await found(fleet, *NAMES, "d.demo")
        before = entry_of(fleet, A).threshold
        await vanish(fleet, "d.demo", *NAMES)
        await repeated(fleet, *NAMES)
        after = entry_of(fleet, A)
    finally:
        await fleet.close()

    assert (before, after.threshold, len(after.pins)) == (3, 3, 3)


async def test_who_vanishes_costs_a_day_and_its_share(trio: Fleet) -> None:
    await vanish(trio, C, A, B)
    await repeated(trio, A, B)
    assert len(entry_of(trio, A).pins) == 2
    await trio.start(C)
    await at_generation(trio, 2, C)

    member = membership_of(trio, C).charter.member(C)
    assert member.state is MemberState.ACTIVE
    assert membership_of(trio, C).shares == {}


async def test_a_resharing_that_does_not_come_about_is_told_after_days(
    trio: Fleet,
) -> None:
    async def told() -> list[str]:
        return (await trio[A].services.node.status()).resharings_overdue

    due = (trio.clock.now() + timedelta(seconds=MONTH)).date()
    await trio.stop(B, C)
    await month_later(trio, A)

    async def heard() -> bool:
        attempts = (await scene_of(trio, A)).kept.attempts
        return {m.signer for each in attempts for m in each.messages} == {A}

    await eventually(heard, PATIENCE)
    trio.clock.advance(timedelta(days=1, seconds=1))
    await tend(trio, A)
    early = await told()
    trio.clock.advance(timedelta(days=2))
    (late,) = await told()

    assert early == []
    assert late.startswith("generation 1.1 was to be shared anew by ")
    assert abs(date.fromisoformat(late.split()[8].rstrip(";")) - due).days <= 1
    assert late.endswith(f"; missing: {B}, {C}")


async def month_later(fleet: Fleet, *names: str) -> None:
    """Let a month pass, and the first in line propose."""
    fleet.clock.advance(LATER)
    await tend(fleet, *names)
    fleet.clock.advance(WAIT)
    await tend(fleet, *names)


async def repeated(fleet: Fleet, *names: str) -> None:
    """Let the next attempt be proposed, and end."""
    fleet.clock.advance(timedelta(minutes=3))
    await tend(fleet, *names)
    await at_generation(fleet, 2, *names)


class KilledError(Exception):
    """The process ends here."""


class Dying(Faults):
    """Dies at the first point that this process reaches, and then at the next one.

    A process that has died once at a point comes past it in its next life, because the
    state before is there or the point is the second of its state.
    """

    __slots__ = ("dead", "died")

    def __init__(self) -> None:
        self.died: list[FaultPoint] = []
        self.dead = False

    def reach(self, point: FaultPoint) -> None:
        if self.dead:
            raise KilledError
        if point is FaultPoint.KEY_AFTER_RENAME or self.died[-1:] != [point]:
            self.died.append(point)
            self.dead = True
            raise KilledError


@pytest.mark.timeout(180)  # nine starts of a node, one after the other
async def test_a_node_that_dies_at_every_state_goes_on_where_it_was(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying = Dying()

    async def live_again() -> None:
        await trio.stop(B)
        dying.dead = False
        with monkeypatch.context() as patched:  # it makes steps while it still starts
            mortal = partial(Ceremonies, faults=dying)
            patched.setattr(parts, "Ceremonies", mortal)
            await trio.start(B)

    await live_again()
    await month_later(trio, A, C)

    async def renewed() -> bool:
        if dying.dead:
            await live_again()
        return all(entry_of(trio, name).generation == 2 for name in NAMES)

    await eventually(renewed, 12 * PATIENCE)

    before, after = FaultPoint.KEY_BEFORE_RENAME, FaultPoint.KEY_AFTER_RENAME
    assert dying.died == [before, after] * 4
    assert membership_of(trio, B).shares[1].generation.number == 2
    assert (await trio[B].base.store.check_seal()).faults == ()
    names = [path.name for path in shares_of(trio, B)]
    assert names == ["share-1-1.key", "share-1-2.key"]
