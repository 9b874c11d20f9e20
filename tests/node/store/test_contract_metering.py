# SPDX-License-Identifier: Apache-2.0
import pytest

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.peering_rows import LeasedRow, Side, TallyRow
from fedsafe_node.store.protocol import Store


def leased(hour: int, elements: int, purpose: str = "lookup") -> LeasedRow:
    return LeasedRow(Side.ANSWERED, "b.demo", purpose, hour, elements)


async def rows(store: Store, after: int = 0) -> list[LeasedRow]:
    return await store.read(
        lambda reader: reader.leased(Side.ANSWERED, "b.demo", "lookup", after)
    )


async def test_what_is_leased_in_an_hour_is_added_up(store: Store) -> None:
    for row in (leased(7, 100), leased(8, 50), leased(7, 1), leased(7, 5, "rights")):
        await store.write(lambda tx, row=row: tx.add_leased(row))  # type: ignore[misc]

    assert await rows(store) == [leased(7, 101), leased(8, 50)]
    assert await rows(store, after=7) == [leased(8, 50)]
    assert await store.scan(lambda reader: reader.all_leased(7, 7)) == [
        leased(7, 101),
        leased(7, 5, "rights"),
    ]


async def test_each_side_and_member_is_counted_by_itself(store: Store) -> None:
    others = [
        LeasedRow(Side.ASKED, "b.demo", "lookup", 7, 3),
        LeasedRow(Side.RECEIVED, "b.demo", "lookup", 7, 2),
        LeasedRow(Side.ANSWERED, "c.demo", "lookup", 7, 1),
    ]
    for row in others:
        await store.write(lambda tx, row=row: tx.add_leased(row))  # type: ignore[misc]

    assert await rows(store) == []
    assert len(await store.scan(lambda reader: reader.all_leased(0, 9))) == 3


async def test_nobody_gets_back_more_than_was_leased(store: Store) -> None:
    await store.write(lambda tx: tx.add_leased(leased(7, 100)))
    await store.write(lambda tx: tx.give_back(leased(7, 40)))
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.give_back(leased(7, 61)))

    assert await rows(store) == [leased(7, 60)]


async def test_old_hours_are_forgotten(store: Store) -> None:
    for hour in (5, 6, 7):
        await store.write(lambda tx, hour=hour: tx.add_leased(leased(hour, 1)))  # type: ignore[misc]

    assert await store.write(lambda tx: tx.forget_leased(7)) == 2
    assert await rows(store) == [leased(7, 1)]


async def test_the_newest_statement_about_a_day_counts(store: Store) -> None:
    first, newer = TallyRow("b.demo", 3, b"one", 0), TallyRow("b.demo", 3, b"two", 9)
    other = TallyRow("c.demo", 4, b"three", 0)
    for row in (first, newer, other):
        await store.write(lambda tx, row=row: tx.put_tally(row))  # type: ignore[misc]

    assert await store.read(lambda reader: reader.tallies(3)) == [newer, other]
    assert await store.read(lambda reader: reader.tallies(4)) == [other]
    assert await store.write(lambda tx: tx.forget_tallies(4)) == 1
