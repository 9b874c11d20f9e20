# SPDX-License-Identifier: Apache-2.0
"""What a decision gives back: inquiries that are owed, and ends that are counted."""

from typing import Any
from uuid import UUID

import pytest
from tests.node.review.conftest import Ward, match
from tests.support.floods import BOUND, judge
from tests.support.insistence import insisting

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.floods import (
    FloodRuling,
    FloodRulingRequest,
    FloodsQuery,
)
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.acts.reviews import Because
from fedsafe_node.ground.errors import BadRequestError, StoreFailedError
from fedsafe_node.log.audit import Event
from fedsafe_node.review.feedback import AGAIN
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.store.review_rows import SentInquiryRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Level, Outcome

ONE, TWO = match(1), match(2, "c.demo")
WRONG = Because.LISTING_WRONG
LIMIT: Any = {"level": Level.L3, "reason": "note-17"}


async def owed(ward: Ward) -> list[SentInquiryRow]:
    return await ward.desk.store.read(lambda r: r.sent_inquiries(99))


async def counted(ward: Ward, origin: str = "b.demo") -> dict[str, int]:
    store = ward.desk.store
    await store.write(lambda tx: tx.tell_sightings(1))
    counts = await store.read(lambda r: r.sighting_counts(origin))
    return {ending: count for (kind, ending), count in counts.items() if kind}


async def test_a_wrong_listing_is_owed_to_each_origin_or_the_one_named(
    ward: Ward,
) -> None:
    named = (await ward.open(ONE, TWO, subject="acc-1")).task
    with pytest.raises(BadRequestError) as refused:
        await ward.decide(named, Outcome.DISMISS, because=WRONG, signal=match(3).signal)
    assert refused.value.pointer == "/signal"
    with pytest.raises(BadRequestError):
        await ward.decide(named, Outcome.DISMISS, signal=ONE.signal)
    assert await owed(ward) == []
    await ward.decide(named, Outcome.DISMISS, because=WRONG, signal=TWO.signal)
    assert [row.origin for row in await owed(ward)] == ["c.demo"]
    every = (await ward.open(ONE, TWO, subject="acc-2")).task
    await ward.decide(every, Outcome.DISMISS, because=WRONG)

    rows = {row.origin: row for row in await owed(ward)}
    assert set(rows) == {"b.demo", "c.demo"}
    assert rows["b.demo"].signal_id == UUID(ONE.signal).bytes
    assert all(row.state is SentState.WAITING for row in rows.values())


async def test_what_was_kept_is_asked_again_only_after_a_time(ward: Ward) -> None:
    async def dismiss(subject: str) -> SentInquiryRow:
        task = (await ward.open(ONE, subject=subject)).task
        await ward.decide(task, Outcome.DISMISS, because=WRONG)
        (row,) = await owed(ward)
        return row

    first = await dismiss("acc-1")
    kept = SentInquiryRow(
        origin=first.origin,
        signal_id=first.signal_id,
        state=SentState.KEPT,
        day=first.day,
        changed_at=ward.desk.now(),
    )
    await ward.desk.store.write(lambda tx: tx.put_sent_inquiry(kept))

    assert await dismiss("acc-2") == kept
    ward.team.pass_time(AGAIN)
    await ward.come("anna")
    assert (await dismiss("acc-3")).state is SentState.WAITING


async def test_the_end_of_each_review_is_counted_once(ward: Ward) -> None:
    tasks = [(await ward.open(ONE, subject=f"acc-{n}")).task for n in range(6)]
    await ward.confirm(tasks[0], Level.L4)
    await ward.decide(tasks[1], Outcome.DISMISS)
    await ward.decide(tasks[2], Outcome.DISMISS, because=WRONG)
    await ward.decide(tasks[3], Outcome.FEATURE_LIMIT, days=9, **LIMIT)
    await ward.decide(tasks[4], Outcome.WATCH, days=2)
    await ward.decide(tasks[4], Outcome.DISMISS)
    own = (await ward.open(match(9, "a.demo", own=True), subject="acc-9")).task
    await ward.decide(own, Outcome.DISMISS)
    ward.team.pass_time(8 * 24 * 60 * 60)
    await ward.tend()  # nobody has decided the last one

    assert await counted(ward) == {
        "confirm": 1,
        "dismiss": 2,
        "listing_wrong": 1,
        "feature_limit": 1,
        "lapsed": 1,
    }
    assert await counted(ward, "a.demo") == await counted(ward, "own:a.demo") == {}


async def test_an_own_signal_is_for_the_own_people_at_once(ward: Ward) -> None:
    ban = match(9, "a.demo", own=True)
    task = (await ward.open(ban, subject="acc-9")).task
    await ward.decide(task, Outcome.DISMISS, because=WRONG)
    item = await ward.desk.store.read(lambda r: r.inquiry(UUID(ban.signal).bytes))

    assert await owed(ward) == []
    assert item is not None
    assert (item.origin, item.state) == ("own:a.demo", InquiryState.OPEN)
    ((outcome, text),) = await ward.told(Event.INQUIRY_TAKEN)
    assert outcome == "opened"
    assert "acc-9" not in text


async def test_a_flood_that_rests_for_a_wrong_listing_is_owed_too(ward: Ward) -> None:
    await ward.list_signal(ONE)
    for number in range(BOUND + 1):
        await judge(ward, f"acc-{number}")
    service = insisting(FloodService(ward.desk, ward.team.office, ward.approvals))
    rita = ward.people["rita"]
    (flood,) = (await service.list(FloodsQuery(), rita)).floods

    async def rule(ruling: FloodRuling, because: Because | None) -> None:
        request = FloodRulingRequest(ruling=ruling, reason="note-1", because=because)
        await service.rule(flood.flood, request, rita)

    with pytest.raises(BadRequestError):
        await rule(FloodRuling.STANDS, WRONG)
    assert await owed(ward) == []
    await rule(FloodRuling.RESTS, WRONG)

    (row,) = await owed(ward)
    assert (row.origin, row.signal_id) == ("b.demo", UUID(ONE.signal).bytes)


async def test_what_is_owed_is_kept_with_the_decision_or_not_at_all(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = (await ward.open(ONE, subject="acc-1")).task

    async def fail(*_: object) -> None:
        raise StoreFailedError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr(Transaction, "erase_task", fail)
        with pytest.raises(StoreFailedError):
            await ward.decide(task, Outcome.DISMISS, because=WRONG)
    nothing = await owed(ward)
    assert (nothing, await counted(ward)) == ([], {})
    await ward.decide(task, Outcome.DISMISS, because=WRONG)

    assert len(await owed(ward)) == 1
