# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.notices_rows import ProviderEventRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction


def event(number: int) -> ProviderEventRow:
    return ProviderEventRow(
        number=number,
        kind="task.due",
        at=100 + number,
        period="2026-11",
        sealed=b"sealed",
        expires_at=200 + number,
        mark=bytes([number]) * 8,
    )


def notice(number: int) -> ProviderEventRow:
    return replace(event(number), kind="notice.due", due_at=150, remind_at=150)


async def add(store: Store, *events: ProviderEventRow) -> None:
    async def act(tx: Transaction) -> None:
        for each in events:
            await tx.add_provider_event(each)

    await store.write(act)


async def test_events_are_read_from_a_cursor_in_their_order(store: Store) -> None:
    assert await store.read(lambda r: r.last_provider_event()) == 0

    await add(store, *(event(number) for number in (1, 2, 3)))

    assert await store.read(lambda r: r.provider_events(1, 9)) == [event(2), event(3)]
    assert await store.read(lambda r: r.provider_events(0, 1)) == [event(1)]
    assert await store.read(lambda r: r.provider_event(2)) == event(2)
    assert await store.read(lambda r: r.provider_event(4)) is None
    assert await store.read(lambda r: r.last_provider_event()) == 3


async def test_a_number_is_given_once(store: Store) -> None:
    await add(store, event(1))

    with pytest.raises(ConflictError):
        await add(store, event(1))


async def test_an_erased_event_keeps_its_number_and_nothing_else(store: Store) -> None:
    await add(store, event(1), event(2))

    assert await store.write(lambda tx: tx.erase_provider_event(2))
    assert not await store.write(lambda tx: tx.erase_provider_event(2))
    assert await store.read(lambda r: r.provider_events(0, 9)) == [event(1)]
    assert await store.read(lambda r: r.last_provider_event()) == 2
    assert await store.read(lambda r: r.provider_event(2)) == replace(
        event(2), sealed=None
    )


async def test_content_ends_at_its_time(store: Store) -> None:
    await add(store, event(1), event(2))

    assert await store.read(lambda r: r.expired_provider_events(201, 9)) == [event(1)]
    assert await store.read(lambda r: r.expired_provider_events(200, 9)) == []


async def test_a_receipt_is_noted_once_and_sets_the_end(store: Store) -> None:
    await add(store, notice(1), event(2))

    async def receipt(number: int, at: int) -> bool:
        return await store.write(
            lambda tx: tx.receipt_provider_event(number, at=at, by="shop", expires_at=9)
        )

    assert await receipt(1, 120)
    assert not await receipt(1, 130)
    assert not await receipt(2, 130)
    assert await store.read(lambda r: r.provider_event(1)) == replace(
        notice(1), receipted_at=120, receipted_by="shop", expires_at=9
    )


async def test_what_has_no_receipt_in_time_is_counted_and_reminded(
    store: Store,
) -> None:
    await add(store, notice(1), notice(2), event(3))
    await store.write(
        lambda tx: tx.receipt_provider_event(2, at=120, by="shop", expires_at=900)
    )

    assert await store.read(lambda r: r.receipts_overdue(149)) == 0
    assert await store.read(lambda r: r.receipts_overdue(150)) == 1
    assert await store.read(lambda r: r.reminders_due(150, 9)) == [notice(1)]

    await store.write(lambda tx: tx.set_provider_reminder(1, 160))

    assert await store.read(lambda r: r.reminders_due(159, 9)) == []
    assert await store.read(lambda r: r.receipts_overdue(150)) == 1
