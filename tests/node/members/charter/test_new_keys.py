# SPDX-License-Identifier: Apache-2.0
"""A member signs with new keys once the others have agreed, and never with others."""

import asyncio
import io
from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.audit.conftest import export, key_of, write_events
from tests.node.signals.conftest import RITA
from tests.support.charter_changes import (
    NEW,
    ask_for_keys,
    asked_of,
    faults,
    four,
    invitation,
    matches,
    rotate,
)
from tests.support.council import (
    agree,
    at_version,
    hear,
    present,
    propose,
    show,
    vote,
)
from tests.support.fleet import NAMES, Fleet, eventually
from tests.support.workers import several, up_to_date

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.amendment import sign_charter
from fedsafe_federation.charter.card import Card
from fedsafe_federation.charter.changes import Change, ChangeKind, amended
from fedsafe_federation.charter.charter import Charter, charter_digest
from fedsafe_federation.feed.records import RestrictionRecord, encode_record
from fedsafe_federation.feed.restrictions import Reason, Restriction, sign_restriction
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import ChangeRequest
from fedsafe_node.evidence.verify import verify_pack
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.keys.identity import make_identity, passed_over
from fedsafe_node.keys.own_keys import FIRST_SET
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_policies.vocabulary import Effect

__all__ = ["four"]

PERSON = "somebody@mail.example"


def public(payload: bytes, name: str = "c.demo") -> object:
    return decode(payload, Charter).member(name).keys


def key_files(fleet: Fleet, name: str = "c.demo") -> Sequence[str]:
    first = [f"{each}.key" for each in FIRST_SET]
    found = {each.name for each in fleet.place(name).keys.iterdir()}
    return sorted(each for each in found if each in first or "identity-" in each)


async def test_a_node_turns_to_new_keys_and_what_it_said_before_holds(
    trio: Fleet,
) -> None:
    await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    revoked = await trio.publish(
        "gone@mail.example", at="c.demo", by=("a.demo", "b.demo")
    )
    await trio.revoke(revoked, at="c.demo")
    before = trio["c.demo"].base.keys.public()
    await rotate(trio)
    node = trio["c.demo"]
    now = node.base.keys.public()

    shown = (await show(trio, "a.demo")).members[NAMES.index("c.demo")]

    assert now != before
    assert shown.statement_key == now.statement.hex()
    for name in NAMES:
        member = (await present(trio, name)).version.charter.member("c.demo")
        assert member.keys == now
        assert member.former_keys[0].statement == before.statement
    await trio.attested()
    await trio.publish("later@mail.example", at="c.demo", by=("a.demo", "b.demo"))
    assert [await matches(trio, name, PERSON) for name in ("a.demo", "b.demo")] == [
        1,
        1,
    ]
    assert await matches(trio, "a.demo", "gone@mail.example") == 0
    await node._made.tending.run()  # noqa: SLF001
    assert len(key_files(trio)) == 1
    await trio.stop(*NAMES)
    await trio.start(*NAMES)
    await trio.attested()
    await trio.covered()
    assert await matches(trio, "a.demo", PERSON) == 1
    assert trio["c.demo"].base.keys.public() == now


@pytest.mark.parametrize("stolen", [False, True])
async def test_who_joins_later_verifies_what_the_old_keys_signed(
    four: Fleet,
    stolen: bool,  # noqa: FBT001 - a parameter
) -> None:
    gone = await four.publish("gone@mail.example", at="c.demo", by=("a.demo", "b.demo"))
    await four.revoke(gone, at="c.demo")
    await four.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    await rotate(four)
    if stolen:
        await call_stolen(four, number=3)
    number = 4 if stolen else 3
    joining = four[NEW].services.joining
    await joining.join(await invitation(four))
    version = (await present(four, "a.demo")).version
    card = await four["a.demo"].services.admitting.card_of(NEW)
    now = int(four.clock.now().timestamp())
    change = Change(kind=ChangeKind.JOIN, member=NEW)
    proposal = await vote(
        four, "a.demo", encode(amended(version, change, now=now, card=card))
    )
    await joining.run()
    await agree(four, proposal, "b.demo", "c.demo")
    await at_version(four, number, *NAMES)
    await joining.run()
    await at_version(four, number, NEW)
    await four.attested()

    async def reached() -> bool:
        return await matches(four, NEW, PERSON) == 1

    await eventually(reached)
    assert await matches(four, NEW, "gone@mail.example") == 0


async def call_stolen(fleet: Fleet, name: str = "c.demo", *, number: int) -> int:
    """Let the others say that keys were stolen which a member had given up."""
    fleet.clock.advance(timedelta(seconds=10))
    since = int(fleet.clock.now().timestamp()) - 5
    proposal = await propose(
        fleet, "b.demo", ChangeKind.STOLEN, name, stolen=since, former=1
    )
    await agree(fleet, proposal, *({"a.demo", "c.demo"} - {name}))
    await at_version(fleet, number, *NAMES)
    return since


async def test_keys_that_were_given_up_are_called_stolen_later(trio: Fleet) -> None:
    await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    gone = await trio.publish("gone@mail.example", at="c.demo", by=("a.demo", "b.demo"))
    await trio.revoke(gone, at="c.demo")
    await rotate(trio)
    since = await call_stolen(trio, number=3)
    await trio.stop(*NAMES)
    await trio.start(*NAMES)
    await trio.attested()
    await trio.covered()

    for name in NAMES:
        member = (await present(trio, name)).version.charter.member("c.demo")
        assert [each.stolen for each in member.former_keys] == [since]
        assert (await trio[name].services.audits.verify(RITA)).ok
    assert await matches(trio, "a.demo", PERSON) == 1
    assert await matches(trio, "a.demo", "gone@mail.example") == 0
    undone = await propose(trio, "a.demo", ChangeKind.SOUND, "c.demo", former=1)
    await agree(trio, undone, "b.demo")
    await at_version(trio, 4, *NAMES)
    member = (await present(trio, "a.demo")).version.charter.member("c.demo")
    assert [each.stolen for each in member.former_keys] == [None]
    assert await matches(trio, "a.demo", PERSON) == 1


async def test_what_stolen_keys_revoke_is_heeded_by_nobody_and_no_fault(
    trio: Fleet,
) -> None:
    signal = await trio.publish(PERSON, at="c.demo", by=("a.demo", "b.demo"))
    stolen = SigningKey.from_bytes(trio["c.demo"].base.keys.statement.to_bytes())
    await rotate(trio)
    since = await call_stolen(trio, number=3)
    await trio.attested()
    assert await matches(trio, "a.demo", PERSON) == 1
    thief = trio["c.demo"].desk
    shared = thief.situation.shared
    assert shared is not None
    revoked = Restriction(
        v=1,
        origin="c.demo",
        author="c.demo",
        sequence=1,
        effect=Effect.REVOKED,
        reason=Reason.MISTAKE,
        at=since + 1,
        signals=[read_signal_id(signal)],
    )
    statement = sign_restriction(
        revoked, key=stolen, federation=shared.membership.charter.federation
    )
    record = encode_record(RestrictionRecord(statement))
    size = await thief.store.write(lambda tx: tx.append(thief.feed, record))
    thief.announce(size + 1)
    await trio.level("c.demo", ("a.demo", "b.demo"))

    assert await matches(trio, "a.demo", PERSON) == 1
    for name in ("a.demo", "b.demo"):
        assert await faults(trio, name) == []


async def test_a_node_signs_with_the_keys_that_the_charter_names(trio: Fleet) -> None:
    first = trio["c.demo"].base.keys.public()
    payload = await ask_for_keys(trio)
    await trio.stop("c.demo")
    await trio.start("c.demo")  # it died with new keys on the disk
    waiting = trio["c.demo"].base.keys.public()
    proposal = await vote(trio, "c.demo", payload)
    await hear(trio, "a.demo", proposal)
    await trio.stop("c.demo")  # and while others vote
    await agree(trio, proposal, "a.demo")
    await at_version(trio, 2, "a.demo", "b.demo")
    await trio.start("c.demo")  # it starts with the old ones and hears of the version
    await at_version(trio, 2, "c.demo")
    await trio.stop("c.demo")
    await trio.start("c.demo")  # with the old ones, or what is left of them

    assert waiting == first
    assert trio["c.demo"].base.keys.public() == public(payload)
    assert trio["c.demo"].base.situation.rests is None


async def test_a_destruction_that_was_cut_off_goes_on(trio: Fleet) -> None:
    await rotate(trio)
    place, node = trio.place("c.demo"), trio["c.demo"]
    me = node.base.situation.shared.membership.me  # type: ignore[union-attr]
    left = await asyncio.to_thread(lambda: passed_over(place, me.keys, 2))
    await node._made.keeper.destroying.destroy(  # noqa: SLF001
        EffectKind.EPOCH_KEY, "audit"
    )
    await trio.stop("c.demo")
    await trio.start("c.demo")
    await trio["c.demo"]._made.tending.run()  # noqa: SLF001

    assert set(left) <= set(FIRST_SET)
    assert len(key_files(trio)) == 1
    assert trio["c.demo"].base.keys.public() == me.keys


async def test_of_stolen_keys_the_others_decide_alone(trio: Fleet) -> None:
    since = int(trio.clock.now().timestamp()) - 60
    payload = await ask_for_keys(trio, stolen_since=since)
    proposal = await vote(trio, "c.demo", payload)
    await agree(trio, proposal, "a.demo")
    waiting = (await show(trio, "a.demo")).proposals[0]
    await agree(trio, proposal, "b.demo")
    await at_version(trio, 2, *NAMES)

    assert (waiting.count, waiting.quorum) == (1, 2)
    (former,) = (
        (await present(trio, "b.demo")).version.charter.member("c.demo").former_keys
    )
    assert former.stolen == since
    assert trio["c.demo"].base.keys.public() == public(payload)


async def test_nobody_is_given_keys_that_it_has_not(trio: Fleet) -> None:
    place = trio.place("a.demo")
    other = await asyncio.to_thread(lambda: make_identity(place, after=1, now=0))
    version = (await present(trio, "a.demo")).version
    card = (await trio["c.demo"].services.foundings.card()).payload
    spoiled = decode(card, Card)
    change = Change(kind=ChangeKind.KEYS, member="c.demo")
    forged = amended(
        version,
        change,
        now=int(trio.clock.now().timestamp()),
        card=replace(spoiled, keys=other.keys.public()),
    )
    proposal = await vote(trio, "a.demo", encode(forged))

    with pytest.raises(WrongStateError, match="not here"):
        await vote(trio, "c.demo", await hear(trio, "c.demo", proposal))
    with pytest.raises(BadRequestError):
        await trio["a.demo"].services.charters.propose(
            ChangeRequest(change=ChangeKind.KEYS, member="c.demo"), RITA
        )


async def test_every_process_turns_to_the_new_keys(fleet: Fleet) -> None:
    async with several(fleet, "a.demo") as processes:
        await fleet.start("b.demo", "c.demo")
        first, second = processes
        processes.turns[0].win()
        payload, ballot = await asked_of(first), first._made.ballot  # noqa: SLF001
        await first.base.store.write(lambda tx: ballot.sign(tx, payload, refuse=False))
        await ballot.signed()
        await agree(fleet, charter_digest(payload), "b.demo")

        async def turned() -> bool:
            await up_to_date(second)
            mine = [each.base.keys.public() for each in processes]
            return mine == [public(payload, "a.demo")] * 2

        await eventually(turned)
        await first._made.tending.run()  # noqa: SLF001
        await up_to_date(second)

        assert len(key_files(fleet, "a.demo")) == 1
        assert second.base.situation.rests is None


async def test_a_pack_verifies_across_new_keys(trio: Fleet) -> None:
    for _ in range(3):
        await write_events(trio, 1)
        await trio["a.demo"].witnesses.anchor.grow()
    await trio.witnessed("a.demo")
    older, key = await export(trio), key_of(trio)
    await rotate(trio, "a.demo", "b.demo")
    await write_events(trio, 1)
    await trio.witnessed("a.demo")
    report = verify_pack(io.BytesIO(await export(trio)), key_of(trio))

    assert (report.first_anchor, len(report.witnesses)) == (0, 2)
    assert key_of(trio) != key
    assert len(verify_pack(io.BytesIO(older), key).witnesses) == 2
    await call_stolen(trio, "a.demo", number=3)
    report = verify_pack(io.BytesIO(await export(trio)), key_of(trio))
    assert (report.first_anchor, len(report.witnesses)) == (0, 2)


async def junk_of(fleet: Fleet, count: int) -> list[bytes]:
    found = await present(fleet, "c.demo")
    charter = found.version.charter
    return [
        encode(
            replace(
                charter,
                version=charter.version + 1,
                previous=found.version.digest,
                created=charter.created + 1 + number,
            )
        )
        for number in range(count)
    ]


async def test_a_thief_uses_up_nothing_that_takes_the_key_away(trio: Fleet) -> None:
    node = trio["c.demo"]
    charter = (await present(trio, "c.demo")).version.charter
    signed = [
        sign_charter(
            payload,
            signer="c.demo",
            key=node.base.keys.statement,
            federation=charter.federation,
        )
        for payload in await junk_of(trio, 4)
    ]
    for name in NAMES:
        await trio[name]._made.ballot.take([], signed)  # noqa: SLF001
    since = int(trio.clock.now().timestamp()) - 5
    payload = await ask_for_keys(trio, "c.demo", since)
    proposal = await vote(trio, "c.demo", payload)
    await agree(trio, proposal, "a.demo", "b.demo")
    await at_version(trio, 2, *NAMES)

    shared = trio["a.demo"].base.situation.shared
    assert shared is not None
    assert shared.membership.charter.member("c.demo").keys == public(payload)


async def test_who_signed_what_has_no_quorum_any_more_is_free(trio: Fleet) -> None:
    since = int(trio.clock.now().timestamp()) - 5
    payload = await ask_for_keys(trio, "c.demo", since)
    proposal = await vote(trio, "c.demo", payload)
    await hear(trio, "a.demo", proposal)
    await vote(trio, "a.demo", payload)
    await hear(trio, "b.demo", proposal)
    await vote(trio, "b.demo", payload, refuse=True)

    async def is_dead() -> bool:
        shown = await show(trio, "a.demo")
        return [each.dead for each in shown.proposals] == [True]

    await eventually(is_dead)
    (other,) = await junk_of(trio, 1)
    assert await vote(trio, "a.demo", other)
