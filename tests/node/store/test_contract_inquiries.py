# SPDX-License-Identifier: Apache-2.0
from msgspec.structs import replace
from tests.node.review.conftest import listed, match

from fedsafe_federation.feed.inquiries import STEP, InquiryState
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import (
    InquirerRow,
    InquiryRow,
    SentInquiryRow,
    ToldRow,
)
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction

ONE, TWO = bytes([1]) * 16, bytes([2]) * 16
SENT = SentInquiryRow(
    origin="a.demo",
    signal_id=ONE,
    state=SentState.WAITING,
    day=20_781,
    changed_at=100,
    next_at=100,
)
ITEM = InquiryRow(
    signal_id=ONE, origin="a.demo", state=InquiryState.OPEN, opened_at=100
)


def asks(signal_id: bytes, member: str, at: int = 100) -> InquirerRow:
    return InquirerRow(signal_id=signal_id, member=member, day=20_781, received_at=at)


async def test_an_inquiry_is_due_until_it_has_an_outcome(store: Store) -> None:
    later = replace(SENT, signal_id=TWO, next_at=200, changed_at=150)
    await store.write(lambda tx: tx.put_sent_inquiry(SENT))
    await store.write(lambda tx: tx.put_sent_inquiry(later))

    assert await store.read(lambda r: r.sent_inquiry("a.demo", ONE)) == SENT
    assert await store.read(lambda r: r.sent_inquiry("b.demo", ONE)) is None
    assert await store.read(lambda r: r.inquiries_due(99, 9)) == []
    assert await store.read(lambda r: r.inquiries_due(199, 9)) == [SENT]
    assert await store.read(lambda r: r.inquiries_due(200, 9)) == [SENT, later]
    kept = replace(SENT, state=SentState.KEPT, next_at=None, changed_at=300)
    await store.write(lambda tx: tx.put_sent_inquiry(kept))
    assert await store.read(lambda r: r.inquiries_due(1 << 40, 9)) == [later]
    assert await store.read(lambda r: r.sent_inquiries(9)) == [kept, later]


async def test_items_of_the_most_members_come_first(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        await tx.put_inquiry(ITEM)
        await tx.put_inquiry(replace(ITEM, signal_id=TWO, opened_at=200))
        await tx.put_inquirer(asks(ONE, "b.demo"))
        await tx.put_inquirer(asks(TWO, "c.demo"))
        await tx.put_inquirer(asks(TWO, "b.demo"))
        await tx.put_inquirer(asks(TWO, "b.demo", 900))

    await store.write(act)

    async def query(reader: Reader) -> list[bytes]:
        rows = await reader.inquiries(InquiryState.OPEN, 9)
        return [row.signal_id for row in rows]

    assert await store.read(query) == [TWO, ONE]
    assert await store.read(lambda r: r.inquiry(ONE)) == ITEM
    assert await store.read(lambda r: r.inquirers(TWO)) == [
        asks(TWO, "b.demo", 900),
        asks(TWO, "c.demo"),
    ]
    assert await store.read(lambda r: r.count_inquired("b.demo", 100)) == 2
    assert await store.read(lambda r: r.count_inquired("b.demo", 101)) == 1


async def test_an_item_ends_with_its_signal_and_is_forgotten(store: Store) -> None:
    found = listed(match(1, "a.demo"))
    item = replace(ITEM, signal_id=found.signal_id)

    async def act(tx: Transaction) -> None:
        await tx.add_signal(found)
        await tx.put_inquiry(item)
        await tx.put_inquirer(asks(found.signal_id, "b.demo"))
        await tx.put_sent_inquiry(SENT)
        await tx.put_sent_inquiry(
            replace(SENT, signal_id=TWO, state=SentState.ENDED, next_at=None)
        )

    await store.write(act)
    assert await store.write(lambda tx: tx.end_inquiries(500, 9)) == []
    await store.write(
        lambda tx: tx.set_signal_status(
            "a.demo", found.signal_id, SignalStatus.DISPUTED
        )
    )
    assert await store.write(lambda tx: tx.end_inquiries(500, 9)) == []
    await store.write(
        lambda tx: tx.set_signal_status("a.demo", found.signal_id, SignalStatus.REVOKED)
    )
    assert await store.write(lambda tx: tx.end_inquiries(500, 9)) == [found.signal_id]
    ended = replace(item, state=InquiryState.ENDED, ruled_at=500)
    assert await store.read(lambda r: r.inquiry(found.signal_id)) == ended
    assert await store.write(lambda tx: tx.forget_inquiries(500)) == 1  # TWO
    assert await store.write(lambda tx: tx.forget_inquiries(501)) == 1
    assert await store.read(lambda r: r.inquiry(found.signal_id)) is None
    assert await store.read(lambda r: r.inquirers(found.signal_id)) == []
    assert await store.read(lambda r: r.sent_inquiries(9)) == [SENT]


async def test_sums_are_told_in_whole_steps_and_never_fall(store: Store) -> None:
    async def count(times: int) -> None:
        async def act(tx: Transaction) -> None:
            for _ in range(times):
                await tx.count_sighting("a.demo", "email", "confirm")
            await tx.count_sighting("b.demo", "email", "confirm")

        await store.write(act)

    async def told() -> int:
        await store.write(lambda tx: tx.tell_sightings(STEP))
        counts = await store.read(lambda r: r.sighting_counts("a.demo"))
        return counts["email", "confirm"]

    found = []
    for times in (9, 1, 9, 1, 15):
        await count(times)
        found.append(await told())

    assert found == [0, 10, 10, 20, 30]


async def test_what_a_member_tells_takes_the_place_of_what_it_told(
    store: Store,
) -> None:
    first = ToldRow(member="b.demo", received_at=100, statement=b"first")
    await store.write(lambda tx: tx.put_told(first))
    second = replace(first, received_at=200, statement=b"second")
    await store.write(lambda tx: tx.put_told(second))

    assert await store.read(lambda r: r.told_sightings()) == [second]
