# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.oversight_rows import RoundRow
from fedsafe_node.store.protocol import Store

ONE, TWO = "0a" * 16, "0b" * 16
OPENED = RoundRow(None, ONE, "opened", b"how far", None, None, 10, "dora")
MARKED = RoundRow(None, ONE, "marked", b"which", "2026-11", b"sealed", 12, "dora")
DRAWN = replace(OPENED, step="drawn", record=b"drawn", recorded_at=11)


async def add(store: Store, *rows: RoundRow) -> None:
    for row in rows:
        await store.write(lambda tx, row=row: tx.add_round_entry(row))  # type: ignore[misc]


async def test_the_steps_of_a_round_stay_in_order_with_their_notes(
    store: Store,
) -> None:
    await add(store, OPENED, DRAWN, MARKED, MARKED, replace(OPENED, round=TWO))
    rows = await store.read(lambda reader: reader.round_entries(ONE))
    assert [replace(row, number=None) for row in rows] == [
        OPENED,
        DRAWN,
        MARKED,
        MARKED,
    ]
    numbers = [row.number or 0 for row in rows]
    assert numbers == sorted(set(numbers))


async def test_of_all_rounds_everything_but_the_marks_is_listed(store: Store) -> None:
    assert await store.read(lambda reader: reader.rounds()) == []
    await add(store, OPENED, DRAWN, MARKED, replace(OPENED, round=TWO))
    rows = await store.read(lambda reader: reader.rounds())
    assert [(row.round, row.step) for row in rows] == [
        (ONE, "opened"),
        (ONE, "drawn"),
        (TWO, "opened"),
    ]


async def test_a_round_is_opened_drawn_and_signed_once(store: Store) -> None:
    await add(store, OPENED, DRAWN)
    with pytest.raises(ConflictError):
        await add(store, replace(DRAWN, record=b"another"))
