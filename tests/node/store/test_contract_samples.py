# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace
from tests.support.store_rows import listed

from fedsafe_node.acts.signal_reviews import SampleFinding
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.inventory_rows import SampledRow, SampleRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import DraftRow, DraftState, SignalStatus
from fedsafe_node.store.transaction import Transaction

SAMPLE = SampleRow(began_at=1_000, seed=bytes(32), published=3, drawn=2)
ONE = SampledRow(began_at=1_000, signal_id=bytes([1]) * 16, due_at=2_000)
TWO = replace(ONE, signal_id=bytes([2]) * 16)
US = "a.demo"


async def fill(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        for number in range(1, 5):
            row = replace(listed(number), origin=US, log="a.demo/feed")
            await tx.add_signal(row)
            draft = DraftRow(row.signal_id, "anna", 10 + number, "2026-11", b"sealed")
            await tx.add_draft(draft)
            if number != 4:
                await tx.decide_draft(
                    row.signal_id, DraftState.PUBLISHED, by="rita", at=100 + number
                )

    await store.write(act)


async def test_what_two_people_published_and_lives_is_listed_in_pages(
    store: Store,
) -> None:
    assert await store.read(lambda r: r.first_published()) is None
    await fill(store)
    gone = bytes([2]) * 16
    await store.write(lambda tx: tx.set_signal_status(US, gone, SignalStatus.REVOKED))

    assert await store.read(lambda r: r.first_published()) == 11
    first = await store.read(lambda r: r.published(US, b"", 1))
    rest = await store.read(lambda r: r.published(US, first[-1], 9))
    assert [first, rest] == [[bytes([1]) * 16], [bytes([3]) * 16]]
    assert await store.read(lambda r: r.published("b.demo", b"", 9)) == []


async def test_a_sample_is_drawn_once_and_found_once(store: Store) -> None:
    await fill(store)
    assert await store.read(lambda r: r.last_sample()) is None
    await store.write(lambda tx: tx.add_sample(SAMPLE, [ONE, TWO]))
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_sample(SAMPLE, []))
    assert await store.read(lambda r: r.last_sample()) == SAMPLE
    waiting = await store.read(lambda r: r.sampled(US, 9, found=False))
    assert waiting == [ONE, TWO]

    found = replace(
        ONE,
        finding=SampleFinding.STANDS,
        found_by="ruth",
        found_at=1_500,
        reason="note-1",
    )
    await store.write(lambda tx: tx.put_sampled(found))
    with pytest.raises(ConflictError):
        await store.write(
            lambda tx: tx.put_sampled(replace(found, finding=SampleFinding.WRONG))
        )
    assert await store.read(lambda r: r.sampled(US, 9, found=True)) == [found]
    assert await store.read(lambda r: r.sampled(US, 9, found=False)) == [TWO]
    assert await store.read(lambda r: r.sampled_by(ONE.signal_id)) == ["ruth"]
    assert await store.read(lambda r: r.sampled_signal(ONE.signal_id)) == found
    assert await store.read(lambda r: r.sampled_signal(bytes(16))) is None
    later = replace(SAMPLE, began_at=9_000, drawn=1)
    again = replace(ONE, began_at=9_000, due_at=9_500)
    await store.write(lambda tx: tx.add_sample(later, [again]))
    assert await store.read(lambda r: r.sampled_signal(ONE.signal_id)) == again


async def test_what_has_ended_is_neither_waiting_nor_overdue(store: Store) -> None:
    await fill(store)
    await store.write(lambda tx: tx.add_sample(SAMPLE, [ONE, TWO]))

    assert await store.read(lambda r: r.samples_overdue(US, 1_999)) == 0
    assert await store.read(lambda r: r.samples_overdue(US, 2_000)) == 2
    await store.write(
        lambda tx: tx.set_signal_status(US, ONE.signal_id, SignalStatus.EXPIRED)
    )
    assert await store.read(lambda r: r.samples_overdue(US, 2_000)) == 1
    assert await store.read(lambda r: r.sampled(US, 9, found=False)) == [TWO]
