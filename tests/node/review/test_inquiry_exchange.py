# SPDX-License-Identifier: Apache-2.0
"""Inquiries between real nodes: a wrong listing comes back to its origin."""

from datetime import timedelta

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import FEDERATION, Fleet
from tests.support.insistence import insisting
from tests.support.origin import WHO

from fedsafe_federation.errors import PeerError, StaleStatementError, UntrustedError
from fedsafe_federation.feed.inquiries import (
    Inquiry,
    InquiryState,
    InquiryStatus,
    sign_inquiry,
    sign_status,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import SignalState
from fedsafe_node.acts.inquiries import (
    InquiryRuling,
    InquiryRulingRequest,
    ListingInquiriesQuery,
    ListingInquiryShown,
    SentInquiriesQuery,
    SentInquiryShown,
    SentState,
)
from fedsafe_node.acts.reviews import Because, OutcomeRequest
from fedsafe_node.ground.errors import (
    DeniedError,
    NotFoundError,
    OverBudgetError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.log.audit import Event
from fedsafe_node.review.inquiry_exchange import AFTER, SIGNALS_A_DAY
from fedsafe_node.store.review_rows import InquirerRow, InquiryRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.vocabulary import Outcome, Role

A, B, C = "a.demo", "b.demo", "c.demo"
RUTH = Principal("ruth", Role.REVIEWER)
KEPT = InquiryRulingRequest(ruling=InquiryRuling.KEPT, reason="review-7")
REVOKED = InquiryRulingRequest(ruling=InquiryRuling.REVOKED, reason="review-8")
WRONG = OutcomeRequest(outcome=Outcome.DISMISS, because=Because.LISTING_WRONG)


async def dismiss(fleet: Fleet, name: str, request: OutcomeRequest = WRONG) -> None:
    """Look somebody up, and dismiss the review."""
    found = await fleet.look_up(name, WHO)
    assert found.task is not None
    await insisting(fleet[name].services.tasks).decide(found.task, request, RITA)


async def items(fleet: Fleet, name: str = A) -> list[ListingInquiryShown]:
    query = ListingInquiriesQuery()
    return (await fleet[name].services.inquiries.list(query, RUTH)).inquiries


async def sent(fleet: Fleet, name: str = B) -> SentInquiryShown:
    answer = await fleet[name].services.inquiries.sent(SentInquiriesQuery(), RITA)
    (inquiry,) = answer.inquiries
    return inquiry


def today(fleet: Fleet) -> int:
    return int(fleet.clock.now().timestamp()) // SECONDS_A_DAY


def signed(fleet: Fleet, signal: bytes, *, by: str = B, **said: object) -> Signed:
    words = {
        "v": 1,
        "member": by,
        "origin": A,
        "signal": signal,
        "reason": "listing_wrong",
        "day": today(fleet),
    }
    inquiry = Inquiry(**(words | said))  # type: ignore[arg-type]
    key = fleet[by].base.keys.statement
    return sign_inquiry(inquiry, key=key, federation=FEDERATION)


async def test_a_wrong_listing_comes_back_to_its_origin_at_once(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await dismiss(trio, B, OutcomeRequest(outcome=Outcome.DISMISS))
    nothing = await trio[B].services.inquiries.sent(SentInquiriesQuery(), RITA)
    await dismiss(trio, B)
    before = await sent(trio)
    await trio[B].inquiries.run()

    assert nothing.inquiries == []  # that it was another account is no inquiry
    assert before.state is SentState.WAITING
    (item,) = await items(trio)
    assert (item.signal, item.state, item.own) == (signal, InquiryState.OPEN, False)
    assert [(each.member, each.day) for each in item.members] == [(B, "2026-11-24")]
    assert (await sent(trio)).state is SentState.OPEN
    assert (await trio.look_up(C, WHO)).matches  # it restricts and ends nothing
    (taken,) = await trio.audit(A, Event.INQUIRY_TAKEN)
    assert taken.record.outcome == "opened"
    rows = await trio[A].base.store.read(lambda reader: reader.provider_events(0, 99))
    (told,) = [row for row in rows if row.kind == "inquiry.due"]
    shown = trio[A].base.announcer.read(told)
    assert shown is not None
    assert shown.content["signal"] == signal
    for event in (*await trio.audit(A), *await trio.audit(B, Event.INQUIRY_SENT)):
        assert "account-1" not in event.text  # nobody learns who matched


async def test_an_inquiry_outlives_a_restart_and_an_origin_that_is_away(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await dismiss(trio, B)
    await trio.stop(A)
    await trio[B].inquiries.run()
    waits = await sent(trio)
    await trio.stop(B)
    await trio.start(A, B)
    await trio.attested()
    await trio.covered()
    trio.clock.advance(timedelta(minutes=2))
    await trio[B].inquiries.run()

    assert waits.state is SentState.WAITING
    assert (await sent(trio)).state is SentState.OPEN
    assert len(await items(trio)) == 1


async def test_what_several_members_ask_is_one_item(trio: Fleet) -> None:
    await trio.publish(WHO)
    for name in (B, C):
        await dismiss(trio, name)
        await trio[name].inquiries.run()
    await dismiss(trio, B)  # another account's review says the same
    await trio[B].inquiries.run()

    (item,) = await items(trio)
    assert [each.member for each in item.members] == [B, C]
    taken = await trio.audit(A, Event.INQUIRY_TAKEN)
    assert [each.record.outcome for each in taken] == ["opened", "joined"]
    rows = await trio[A].base.store.read(lambda r: r.provider_events(0, 99))
    assert [row.kind for row in rows].count("inquiry.due") == 1


async def test_a_signal_is_kept_by_who_had_no_part_and_the_inquirer_hears(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    await dismiss(trio, B)
    await trio[B].inquiries.run()
    service = trio[A].services.inquiries
    for party in (RITA, Principal("anna", Role.REVIEWER)):
        with pytest.raises(DeniedError) as refused:
            await service.rule(signal, KEPT, party)
        assert refused.value.decision.code == "not_independent"
    with pytest.raises(DeniedError):
        await service.rule(signal, KEPT, ANNA)
    kept = await service.rule(signal, KEPT, RUTH)
    with pytest.raises(WrongStateError):
        await service.rule(signal, REVOKED, RUTH)
    trio.clock.advance(timedelta(seconds=AFTER))
    await trio[B].inquiries.run()

    assert (kept.state, kept.ruled_by) == (InquiryState.KEPT, "ruth")
    assert (await sent(trio)).state is SentState.KEPT
    assert (await trio.look_up(B, WHO)).matches
    told = await trio[B].base.store.read(lambda r: r.provider_events(0, 99))
    (event,) = [row for row in told if row.kind == "inquiry.ruled"]
    announced = trio[B].base.announcer.read(event)
    assert announced is not None
    assert announced.content == {"signal": signal, "origin": A, "outcome": "kept"}
    assert await items(trio) == []


async def test_a_signal_is_revoked_everywhere_and_the_inquirer_hears(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    await dismiss(trio, B)
    await trio[B].inquiries.run()
    # Who published it may see the mistake and end it: no other person is needed.
    ended = await trio[A].services.inquiries.rule(signal, REVOKED, RITA)
    await trio.level(A, [B, C])
    trio.clock.advance(timedelta(seconds=AFTER))
    await trio[B].inquiries.run()

    assert (ended.state, ended.reference) == (InquiryState.ENDED, "review-8")
    assert [(await trio.look_up(name, WHO)).matches for name in (A, B, C)] == [[]] * 3
    assert (await sent(trio)).state is SentState.ENDED
    state = await trio[A].services.signals.show(signal, RITA)
    assert state.state is SignalState.REVOKED
    assert (await trio[A].services.audits.verify(BOT)).ok


async def test_an_item_ends_with_its_signal_however_that_ended(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await dismiss(trio, B)
    await trio[B].inquiries.run()
    await trio.revoke(signal)
    shown = await trio[A].services.inquiries.show(signal, RUTH)
    with pytest.raises(WrongStateError):
        await trio[A].services.inquiries.rule(signal, KEPT, RUTH)
    await trio[A].inquiries.tend()

    assert shown.state is InquiryState.ENDED
    assert await items(trio) == []
    (event,) = await trio.audit(A, Event.INQUIRY_RULED)
    assert event.record.outcome == "ended"
    with pytest.raises(NotFoundError):
        await trio[A].services.inquiries.show(f"{0:08x}-0000-7000-8000-{0:012x}", RUTH)


async def test_an_own_ban_that_was_wrong_waits_for_the_own_people(alone: Fleet) -> None:
    ban = await alone[A].services.signals.add(request_for(WHO), ANNA)
    await dismiss(alone, A)
    (item,) = await items(alone)

    assert (item.signal, item.own) == (ban.signal, True)
    assert [each.member for each in item.members] == [A]
    await alone[A].services.inquiries.rule(ban.signal, REVOKED, RUTH)
    assert (await alone.look_up(A, WHO)).matches == []


async def test_a_member_that_floods_hurts_nobody(trio: Fleet) -> None:
    signal = read_signal_id(await trio.publish(WHO))
    taker, store = trio[A].services.inquiry_taker, trio[A].base.store

    async def fill(tx: Transaction) -> None:
        for number in range(SIGNALS_A_DAY):
            asked = number.to_bytes(16)
            item = replaced(await tx.inquiry(asked), asked, number)
            await tx.put_inquiry(item)
            await tx.put_inquirer(
                InquirerRow(
                    signal_id=asked,
                    member=B,
                    day=today(trio),
                    received_at=int(trio.clock.now().timestamp()),
                )
            )

    await store.write(fill)
    for _ in range(3):
        with pytest.raises(OverBudgetError) as spent:
            await taker.take(signed(trio, signal), B)
        assert 0 < spent.value.retry_after <= SECONDS_A_DAY
    refusals = await trio.audit(A, Event.REFUSED)
    assert len(refusals) == 1  # three refusals, one event

    await taker.take(signed(trio, signal, by=C), C)  # another is not hindered
    first = (await items(trio))[0]
    assert [each.member for each in first.members] in ([B], [C])
    trio.clock.advance(timedelta(days=1))
    await taker.take(signed(trio, signal), B)
    first = (await items(trio))[0]
    assert [each.member for each in first.members] == [B, C]  # most members first


def replaced(known: object, signal: bytes, at: int) -> InquiryRow:
    assert known is None
    return InquiryRow(signal_id=signal, origin=A, state=InquiryState.OPEN, opened_at=at)


async def test_asking_again_brings_nothing_up_again(trio: Fleet) -> None:
    name = await trio.publish(WHO)
    signal, taker = read_signal_id(name), trio[A].services.inquiry_taker
    with pytest.raises(NotFoundError):
        await taker.take(signed(trio, bytes(16)), B)
    with pytest.raises(StaleStatementError):
        await taker.take(signed(trio, signal, day=today(trio) + 2), B)
    with pytest.raises(UntrustedError):
        await taker.take(signed(trio, signal), C)
    assert await items(trio) == []
    for _ in range(3):
        await taker.take(signed(trio, signal), B)
    await trio[A].services.inquiries.rule(name, KEPT, RUTH)
    for day in range(20):  # what it says of the day counts for nothing
        await taker.take(signed(trio, signal, day=today(trio) - day), B)
    assert await items(trio) == []
    await taker.take(signed(trio, signal, by=C), C)
    assert len(await items(trio)) == 1  # somebody else has found it wrong as well
    await trio[A].services.inquiries.rule(name, KEPT, RUTH)
    trio.clock.advance(timedelta(days=30))
    await taker.take(signed(trio, signal), B)

    assert len(await items(trio)) == 1
    assert len(await trio.audit(A, Event.INQUIRY_TAKEN)) == 3


async def test_a_node_of_the_version_before_is_not_sent_any(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trio.publish(WHO)
    await dismiss(trio, B)
    monkeypatch.setitem(trio[B].base.situation.features, A, frozenset())

    asked: list[object] = []

    async def ask(*said: object) -> Signed:
        asked.append(said)
        raise PeerError(A, "it does not know that")

    monkeypatch.setattr(trio[B].client, "inquire", ask)
    await trio[B].inquiries.run()
    due = await trio[B].base.store.read(lambda r: r.inquiries_due(1 << 40, 9))

    assert asked == []
    assert [row.tries for row in due] == [1]  # it is tried again later


async def test_an_origin_that_says_ended_while_its_signal_lives_is_asked_again(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    signal = await trio.publish(WHO)
    await dismiss(trio, B)
    status = InquiryStatus(
        v=1,
        origin=A,
        member=B,
        signal=read_signal_id(signal),
        state=InquiryState.ENDED,
        day=today(trio),
    )
    key = trio[A].base.keys.statement
    false = sign_status(status, key=key, federation=FEDERATION)

    async def lie(*_: object) -> Signed:
        return false

    with monkeypatch.context() as lying:
        lying.setattr(trio[B].client, "inquire", lie)
        await trio[B].inquiries.run()
    assert (await sent(trio)).state is SentState.WAITING
    trio.clock.advance(timedelta(seconds=AFTER))
    await trio[B].inquiries.run()
    assert (await sent(trio)).state is SentState.OPEN
