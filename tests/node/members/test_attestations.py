# SPDX-License-Identifier: Apache-2.0
"""No actor signal leaves or enters unless both gates are open, and none is lost."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from tests.support.attested_gates import (
    DAY,
    FILE,
    LONG,
    close_gate,
    found,
    gated,
    open_gate,
    result,
)
from tests.support.disk import files_with
from tests.support.erased_account import merged
from tests.support.fleet import BEGAN, Fleet, eventually
from tests.support.fleet_stores import FLEET_STORES
from tests.support.origin import WHO, Origin, output_of

from fedsafe_federation.charter.attestation import Attestation, open_attestation
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.feed.batch import FeedRequest, decode_batch
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.members.attestations import TAKEN_AT_ONCE, TAKEN_WINDOW
from fedsafe_node.signals.relock import relock
from fedsafe_node.store.rows import SignalRow, SignalStatus
from fedsafe_policies.vocabulary import Role

__all__ = ["gated"]


async def knows(fleet: Fleet, name: str, other: str, *, opened: bool) -> None:
    """Wait until a node has heard how another's gate is."""

    async def heard() -> bool:
        situation = fleet[name].base.situation
        return situation.attested(other, fleet.clock.now()) is opened

    await eventually(heard)


async def row_at(fleet: Fleet, name: str, origin: str = "a.demo") -> SignalRow | None:
    rows = await fleet[name].base.store.scan(lambda r: r.signals_after(0, 100))
    return next((row for row in rows if row.origin == origin), None)


# --- what a node says of itself


async def test_a_node_attests_how_its_gate_stands(gated: Fleet) -> None:
    node = gated["a.demo"]
    charter = node.base.situation.shared.membership.charter  # type: ignore[union-attr]
    before = await node.services.peering.attestation()
    again = await node.services.peering.attestation()
    close_gate(gated, "a.demo")
    after = await node.services.peering.attestation()
    said, closed = (
        open_attestation(each, charter, now=gated.clock.now())
        for each in (before, after)
    )

    assert before == again
    assert (said.node, said.synthetic, said.register_until) == ("a.demo", False, LONG)
    assert said.valid_until == said.at + DAY
    assert (closed.gate_until, closed.register_until) == (0, 0)
    assert closed.sequence > said.sequence


async def test_an_attestation_is_renewed_by_half_its_life_and_survives_a_restart(
    trio: Fleet,
) -> None:
    peering = trio["a.demo"].services.peering
    first = await peering.attestation()
    trio.clock.advance(timedelta(hours=11))
    same = await peering.attestation()
    trio.clock.advance(timedelta(hours=1, minutes=1))
    renewed = await peering.attestation()
    await trio.stop("a.demo")
    await trio.start("a.demo")
    after = await trio["a.demo"].services.peering.attestation()

    assert first == same
    assert first != renewed
    assert renewed == after


async def test_a_node_alone_attests_nothing(alone: Fleet) -> None:
    with pytest.raises(WrongStateError):
        await alone["a.demo"].services.peering.attestation()


async def test_attestations_are_audit_events(gated: Fleet) -> None:
    await gated["a.demo"].services.peering.attestation()
    signed = await gated.audit("a.demo", "attestation.signed")
    taken = await gated.audit("a.demo", "attestation.taken")

    assert signed[-1].record.outcome == "open"
    assert {'"node":"b.demo"' in each.text for each in taken} == {True, False}


# --- neither out nor in


async def test_a_fresh_node_sends_and_receives_no_actor_signal(gated: Fleet) -> None:
    await gated.publish(WHO)
    close_gate(gated, "b.demo")

    with pytest.raises(DeniedError) as refused:
        await gated.publish("other@mail.example", at="b.demo", by=())
    answer = await gated.look_up("b.demo", WHO)

    assert refused.value.decision.code == "legal_gate"
    assert answer.result is Result.INCOMPLETE
    assert answer.matches == []


async def test_a_member_whose_gate_is_shut_is_not_called_stale(gated: Fleet) -> None:
    await gated.covered()
    close_gate(gated, "b.demo")
    await knows(gated, "a.demo", "b.demo", opened=False)
    node = gated["a.demo"].services.node
    checks, status = await node.checks(), await node.status()
    gated["a.demo"].base.situation.coverage.suspended.add("b.demo")
    worse = await node.checks()

    assert checks["feed of b.demo"] == "its gate is shut"
    told = {peer.name: (peer.covered, peer.uncovered) for peer in status.peers}
    assert told == {"b.demo": (False, "its gate is shut"), "c.demo": (True, None)}
    assert worse["feed of b.demo"] == "suspended"


async def test_evaluators_refuse_a_member_without_an_open_gate(gated: Fleet) -> None:
    close_gate(gated, "b.demo")
    for other in ("a.demo", "c.demo"):
        await knows(gated, other, "b.demo", opened=False)

    with pytest.raises(QuorumError):
        await output_of(gated, "b.demo")

    await output_of(gated, "a.demo")


async def test_what_is_withheld_comes_once_the_gate_is_open(gated: Fleet) -> None:
    close_gate(gated, "b.demo")
    await knows(gated, "a.demo", "b.demo", opened=False)
    await gated.publish(WHO)
    before = await row_at(gated, "b.demo")
    lacking = set(gated["b.demo"].base.situation.coverage.lacking)
    open_gate(gated, "b.demo")
    await found(gated, "b.demo")
    await gated.covered()

    assert before is None
    assert lacking == {"a.demo"}
    assert await result(gated, "b.demo", "nobody@mail.example") is Result.NONE


async def test_media_pass_while_the_register_is_not_met(gated: Fleet) -> None:
    open_gate(gated, "b.demo", register=0)
    await knows(gated, "a.demo", "b.demo", opened=False)
    await gated.publish(WHO)
    await gated.publish(FILE, Kind.SHA256)
    answer = await gated.look_up("b.demo", FILE, Kind.SHA256)
    unknown = await gated.look_up("b.demo", "cd" * 32, Kind.SHA256)

    assert answer.result is Result.REVIEW
    assert unknown.result is Result.NONE
    assert await result(gated, "b.demo") is Result.INCOMPLETE


async def test_a_batch_for_a_closed_gate_holds_media_openings_only(
    gated: Fleet,
) -> None:
    await gated.publish(WHO)
    await gated.publish(FILE, Kind.SHA256)
    peering = gated["a.demo"].services.peering
    request = FeedRequest("a.demo", 0, 0, 0, 100)
    close_gate(gated, "c.demo")
    await knows(gated, "a.demo", "c.demo", opened=False)
    to_closed = decode_batch("a.demo", await peering.feed(request, "c.demo"))
    to_open = decode_batch("a.demo", await peering.feed(request, "b.demo"))
    close_gate(gated, "a.demo")
    from_closed = decode_batch("a.demo", await peering.feed(request, "b.demo"))

    assert [bool(line.opening) for line in to_closed.records] == [False, True]
    assert [bool(line.opening) for line in to_open.records] == [True, True]
    # The policy's gate is one for files as well, and says so at the origin too.
    assert [bool(line.opening) for line in from_closed.records] == [False, False]
    assert not any(line.erased for line in to_closed.records)


async def test_files_that_a_closed_gate_withholds_are_missed(gated: Fleet) -> None:
    await gated.stop("b.demo")
    await gated.publish(FILE, Kind.SHA256, by=["c.demo"])
    close_gate(gated, "a.demo")
    await gated.start("b.demo")
    open_gate(gated, "b.demo")
    await gated.level("a.demo", ["b.demo"])
    await knows(gated, "b.demo", "a.demo", opened=False)
    withheld = await gated.look_up("b.demo", FILE, Kind.SHA256)
    open_gate(gated, "a.demo")

    async def is_found() -> bool:
        answer = await gated.look_up("b.demo", FILE, Kind.SHA256)
        return answer.result is Result.REVIEW

    await eventually(is_found)

    assert withheld.result is Result.INCOMPLETE
    assert "a.demo" in withheld.not_covered


async def test_a_restart_remembers_what_is_lacking(gated: Fleet) -> None:
    close_gate(gated, "b.demo")
    await knows(gated, "a.demo", "b.demo", opened=False)
    await gated.publish(WHO)
    await gated.stop("b.demo")
    await gated.start("b.demo")

    assert gated["b.demo"].base.situation.coverage.lacking == {"a.demo"}

    open_gate(gated, "b.demo")
    await found(gated, "b.demo")


# --- the clock


async def test_signals_of_an_origin_whose_gate_ran_out_match_no_more(
    gated: Fleet,
) -> None:
    await gated.publish(WHO)
    open_gate(gated, "a.demo", until=date(2026, 11, 25))

    async def told() -> bool:
        said = gated["b.demo"].base.situation.attestations.newest("a.demo")
        return said is not None and said.gate_until < said.valid_until

    await eventually(told)
    before = await result(gated, "b.demo")
    gated.clock.advance(timedelta(hours=11, minutes=59, seconds=59))
    last = gated["b.demo"].base.situation.attested("a.demo", gated.clock.now())
    gated.clock.advance(timedelta(seconds=1))
    answer = await gated.look_up("b.demo", WHO)

    assert (before, last) == (Result.REVIEW, True)
    assert answer.matches == []
    assert "a.demo" in answer.not_covered


@pytest.mark.embedded
async def test_what_a_closed_gate_erases_is_in_no_file_of_the_index(
    gated: Fleet,
) -> None:
    base = gated["b.demo"].base
    signal = await gated.publish(WHO)
    token = await merged(gated, "b.demo", signal)
    close_gate(gated, "b.demo")
    erased = await relock(gated["b.demo"].desk)
    found = await asyncio.to_thread(files_with, base.place.index, token)

    assert erased == 1
    assert found == set()


@pytest.mark.usefixtures("ticking_jobs")
@pytest.mark.parametrize("ends", ["gate", "register"])
async def test_past_its_end_the_openings_are_erased_and_come_back_when_renewed(
    gated: Fleet, ends: str
) -> None:
    await gated.publish(WHO)
    await gated.publish(FILE, Kind.SHA256, at="c.demo", by=["b.demo"])
    own = await gated.publish("own@mail.example", at="b.demo", by=["a.demo"])
    soon = int(BEGAN.timestamp()) + DAY // 2
    if ends == "gate":
        open_gate(gated, "b.demo", until=date(2026, 11, 25))
    else:
        open_gate(gated, "b.demo", register=soon)
    node = gated["b.demo"]
    assert await relock(node.desk) == 0
    gated.clock.advance(timedelta(hours=12))
    refused = await result(gated, "b.demo")

    async def erased() -> bool:
        row = await row_at(gated, "b.demo")
        return row is not None and row.status is SignalStatus.ERASED

    await eventually(erased)  # the job runs within 20 s of the node's clock
    row = await row_at(gated, "b.demo")
    assert row is not None
    opening = await node.base.store.read(
        lambda r: r.opening(row.log, row.index, row.group)
    )
    (event,) = await gated.audit("b.demo", "gate.relocked")
    mine = await row_at(gated, "b.demo", "b.demo")
    file = await row_at(gated, "b.demo", "c.demo")

    assert refused is Result.INCOMPLETE
    assert (row.token, opening) == (None, None)
    assert event.openings["detail"].startswith(b'{"origin":"a.demo","signals":1')
    assert mine is not None
    assert mine.status is SignalStatus.ACTIVE
    assert own
    assert file is not None
    assert file.status is SignalStatus.ACTIVE

    open_gate(gated, "b.demo")
    await found(gated, "b.demo")
    await gated.covered()

    assert await result(gated, "b.demo", "nobody@mail.example") is Result.NONE
    verified = await node.services.audits.verify(Principal("audit", Role.AUDITOR))
    assert verified.ok


async def test_a_signal_revoked_while_the_gate_was_closed_does_not_come_back(
    gated: Fleet,
) -> None:
    signal = await gated.publish(WHO)
    await gated.publish("other@mail.example")
    close_gate(gated, "b.demo")
    node = gated["b.demo"]
    assert await relock(node.desk) == 2
    await gated.revoke(signal, by=["b.demo"])
    while_closed = await node.services.audits.verify(Principal("audit", Role.AUDITOR))
    open_gate(gated, "b.demo")
    await found(gated, "b.demo", "other@mail.example")

    assert while_closed.ok
    assert await result(gated, "b.demo") is Result.NONE


async def test_an_entry_that_no_longer_says_why_a_signal_was_erased_is_named(
    gated: Fleet,
) -> None:
    await gated.publish(WHO)
    close_gate(gated, "b.demo")
    node = gated["b.demo"]
    assert await relock(node.desk) == 1
    behind = FLEET_STORES.behind(gated.place("b.demo"))
    assert behind.change(
        "UPDATE entries SET record = (SELECT record FROM entries AS other "
        "WHERE other.log <> entries.log LIMIT 1) "
        "WHERE log = (SELECT id FROM logs WHERE origin = 'b.demo/audit')"
    )

    answer = await node.services.audits.verify(Principal("audit", Role.AUDITOR))
    bad = {each.log: each.first_bad_index for each in answer.logs if not each.ok}

    assert "b.demo/audit" in bad
    assert "signals" in {each.table for each in answer.tables if not each.ok}


# --- members that lie


@pytest.fixture
async def origin(fleet: Fleet) -> AsyncIterator[Origin]:
    """Let the test speak for a.demo, in front of two honest members."""
    await fleet.start("b.demo", "c.demo")
    origin = await Origin(fleet).load()
    origin.ban(await output_of(fleet, "b.demo"))
    async with origin.serving():
        await origin.taken("b.demo")
        yield origin


def said_by(fleet: Fleet) -> Attestation:
    said = fleet["b.demo"].base.situation.attestations.newest("a.demo")
    assert said is not None
    return said


async def test_an_origin_that_closes_its_gate_is_believed_at_once_and_for_good(
    fleet: Fleet, origin: Origin
) -> None:
    before = await result(fleet, "b.demo")
    later = said_by(fleet).sequence + 5
    origin.attests = origin.attestation(sequence=later, gate_until=0)
    await knows(fleet, "b.demo", "a.demo", opened=False)
    closed = await fleet.look_up("b.demo", WHO)
    origin.attests = origin.attestation(sequence=later - 1)
    await fleet.stop("b.demo")
    await fleet.start("b.demo")
    await origin.refused("b.demo")

    assert before is Result.REVIEW
    assert (closed.result, closed.matches) == (Result.INCOMPLETE, [])
    assert said_by(fleet).sequence == later
    assert not fleet["b.demo"].base.situation.attested("a.demo", fleet.clock.now())


async def test_an_attestation_of_another_node_or_a_far_future_opens_nothing(
    fleet: Fleet, origin: Origin
) -> None:
    known = said_by(fleet)
    at = known.at
    of_c = await fleet["c.demo"].services.peering.attestation()
    for lie in (
        of_c,
        origin.attestation(sequence=known.sequence + 1, valid_until=at + 9 * DAY),
        origin.attestation(sequence=known.sequence + 2, at=at + DAY),
        origin.attestation(sequence=known.sequence + 3, node="c.demo"),
    ):
        origin.attests = lie
        await origin.refused("b.demo")

        assert said_by(fleet) == known


@pytest.mark.parametrize("flips", [False, True], ids=["says the same", "flips"])
async def test_a_member_that_attests_without_end_fills_no_log(
    fleet: Fleet,
    origin: Origin,
    flips: bool,  # noqa: FBT001 - a case
) -> None:
    node, known = fleet["b.demo"], said_by(fleet)
    shared = node.base.situation.shared
    assert shared is not None
    charter = shared.membership.charter
    before = len(await fleet.audit("b.demo", "attestation.taken"))
    for number in range(1, 6 * TAKEN_AT_ONCE):
        gate = {"gate_until": 0} if flips and number % 2 else {}
        origin.attests = origin.attestation(sequence=known.sequence + number, **gate)
        await node.attesting._fetch(charter.member("a.demo"), charter)  # noqa: SLF001
    taken = len(await fleet.audit("b.demo", "attestation.taken")) - before
    fleet.clock.advance(timedelta(seconds=TAKEN_WINDOW))
    origin.attests = origin.attestation(sequence=known.sequence + 10 * number)
    await node.attesting._fetch(charter.member("a.demo"), charter)  # noqa: SLF001

    assert TAKEN_AT_ONCE // 2 <= taken <= 2 * (TAKEN_AT_ONCE + 1)
    assert said_by(fleet).sequence == known.sequence + 10 * number
