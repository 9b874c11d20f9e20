# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import asdict, replace
from tests.support.store_rows import new_signal, run

from fedsafe_node.ground.errors import ConflictError, StoreError
from fedsafe_node.store.peering_rows import (
    HandedRow,
    HeardRow,
    LedgerRow,
    PackRow,
    ReceiptRow,
    RepeatRow,
    ServedRow,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_node.store.transaction import Transaction

FIRST, SECOND = bytes(16), bytes([1]) * 16


def line_of(row: HandedRow, number: int, *again: RepeatRow) -> LedgerRow:
    return LedgerRow(**asdict(row), number=number, again=again)


def served(hour: int, *, openings: int, first: int, last: int, at: int) -> ServedRow:
    return ServedRow(
        recipient="b.demo",
        origin="a.demo",
        hour=hour,
        times=1,
        openings=openings,
        first=first,
        last=last,
        first_at=at,
        last_at=at,
    )


async def test_an_entry_is_found_in_all_runs_that_hold_it(store: Store) -> None:
    runs = [run(0, 9), run(5, 5), run(6, 7), run(3, 8, "c.demo")]
    await store.write(lambda tx: tx.add_handed(runs))

    async def handed(index: int, longest: int = 10) -> list[LedgerRow]:
        return await store.read(lambda reader: reader.handed(index, longest))

    lines = [line_of(each, number) for number, each in enumerate(runs, start=1)]
    assert await handed(5) == [lines[0], lines[1], lines[3]]
    assert await handed(9) == lines[:1]
    assert await handed(10) == []


async def test_what_a_member_has_had_is_found_by_what_it_asks_for(store: Store) -> None:
    runs = [run(0, 4), run(0, 9, "c.demo"), run(5, 9), run(20, 29)]
    await store.write(lambda tx: tx.add_handed(runs))

    async def had(first: int, last: int, after: int = 0) -> list[int]:
        lines = await store.read(
            lambda reader: reader.handed_to("b.demo", first, last, 10, after=after)
        )
        return [each.number for each in lines]

    assert await had(4, 20) == [1, 3, 4]
    assert await had(5, 19) == [3]
    assert await had(4, 20, after=1) == [3, 4]
    assert await had(10, 19) == []
    assert await store.read(lambda reader: reader.newest_handed()) == 4


async def test_repeats_are_counted_beside_a_line_that_stays_as_it_is(
    store: Store,
) -> None:
    await store.write(lambda tx: tx.add_handed([run(0, 9), run(10, 19)]))
    once = [RepeatRow(0, 9, 1, 200, 200)]
    twice = [RepeatRow(0, 4, 1, 200, 200), RepeatRow(5, 9, 2, 200, 150)]
    await store.write(lambda tx: tx.add_repeats(1, once, at=200))
    await store.write(lambda tx: tx.add_repeats(1, twice, at=150))

    assert await store.read(lambda reader: reader.handed(5, 10)) == [
        line_of(run(0, 9), 1, *twice)
    ]
    assert await store.read(lambda reader: reader.handed(15, 10)) == [
        line_of(run(10, 19), 2)
    ]
    with pytest.raises(StoreError):  # of no line
        await store.write(lambda tx: tx.add_repeats(3, once, at=200))


async def test_what_is_served_again_is_added_up_by_the_hour(store: Store) -> None:
    rows = [
        served(7, openings=5, first=3, last=9, at=100),
        served(7, openings=1, first=1, last=1, at=90),
        served(8, openings=2, first=0, last=1, at=200),
    ]
    for row in rows:
        await store.write(lambda tx, row=row: tx.add_served_again(row))  # type: ignore[misc]
    told = await store.read(lambda reader: reader.served_again(8))
    await store.write(lambda tx: tx.forget_served_again(8))

    assert told == [
        replace(
            rows[0], times=2, openings=6, first=1, last=9, first_at=100, last_at=100
        )
    ]
    assert await store.read(lambda reader: reader.served_again(9)) == rows[2:]


async def test_an_empty_ledger_has_no_line(store: Store) -> None:
    assert await store.read(lambda reader: reader.newest_handed()) == 0


def pack(entry: int, events: str | None = None) -> PackRow:
    return PackRow(
        entry=entry,
        first=0,
        last=entry - 1,
        events=events,
        recipient="police.example",
        asked_by="staff-2026q4-a",
        approved_by="staff-2026q4-b",
        at=100,
        purpose="audit_review",
        basis="gdpr_5_2",
    )


async def test_a_signal_is_found_in_all_packs_that_tell_of_it(store: Store) -> None:
    packs = [pack(7), pack(9, "lookup,task.opened"), pack(11)]
    for row, signals in zip(packs, ({FIRST}, {FIRST, SECOND}, ()), strict=True):
        await store.write(lambda tx, row=row, of=signals: tx.add_pack(row, of))  # type: ignore[misc]

    assert await store.read(lambda reader: reader.packs()) == packs
    assert await store.read(lambda reader: reader.packs_with(FIRST)) == packs[:2]
    assert await store.read(lambda reader: reader.packs_with(SECOND)) == packs[1:2]
    assert await store.read(lambda reader: reader.packs_with(bytes([2]) * 16)) == []


async def test_a_signal_is_found_by_the_place_of_its_opening(store: Store) -> None:
    rows = [new_signal(7, log="a.demo/audit"), new_signal(8, log="a.demo/audit")]
    await store.write(lambda tx: tx.add_signals(rows))

    async def placed(
        first: int, last: int, log: str = "a.demo/audit"
    ) -> dict[int, bytes]:
        return await store.read(lambda r: r.signals_placed(log, first, last))

    assert await placed(7, 8) == {row.index: row.signal_id for row in rows}
    assert await placed(8, 9) == {8: rows[1].signal_id}
    assert await placed(7, 8, "b.demo/feed") == {}


async def test_the_ledger_says_who_got_something_since(store: Store) -> None:
    runs = [run(0, 9), run(0, 9, "c.demo"), run(10, 19)]
    await store.write(lambda tx: tx.add_handed(runs))

    async def since(number: int) -> dict[str, int]:
        return await store.read(lambda reader: reader.handed_after(number))

    assert await since(0) == {"b.demo": 3, "c.demo": 2}
    assert await since(2) == {"b.demo": 3}
    assert await since(3) == {}


async def test_whom_a_signal_is_for_is_said_once(store: Store) -> None:
    few = frozenset({"b.demo", "c.demo"})
    await store.write(lambda tx: tx.add_audience(FIRST, few))
    await store.write(lambda tx: tx.add_audience(SECOND, frozenset()))
    await store.write(lambda tx: tx.place_audience(FIRST, 7))
    await store.write(lambda tx: tx.place_audience(bytes([2]) * 16, 8))

    assert await store.read(lambda reader: reader.audience(FIRST)) == few
    assert await store.read(lambda reader: reader.audience(SECOND)) == frozenset()
    assert await store.read(lambda reader: reader.audience(bytes([2]) * 16)) is None
    assert await store.read(lambda reader: reader.audiences(7, 1)) == {7: few}
    assert await store.read(lambda reader: reader.audiences(8, 9)) == {}
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_audience(FIRST, frozenset()))


async def test_what_a_member_has_heard_never_shrinks(store: Store) -> None:
    rows = [HeardRow(recipient="b.demo", sequence=n, at=n) for n in (4, 2)]
    for row in rows:
        await store.write(lambda tx, row=row: tx.set_heard(row))  # type: ignore[misc]

    assert await store.read(lambda reader: reader.heard()) == rows[:1]


async def test_what_a_joiner_never_got_begins_behind_what_it_has(store: Store) -> None:
    log, group = "a.demo/feed", frozenset({"group:north"})
    opening = Opening(group="signal", salt=bytes(32), payload=b"{}")
    bare, whole = LogEntry(record=b"r"), LogEntry(record=b"r", openings=(opening,))

    async def fill(tx: Transaction) -> None:
        await tx.append_many(log, [whole, bare, whole, whole, whole])
        for index, names in ((1, group), (2, group), (3, group), (4, frozenset({"b"}))):
            await tx.add_audience(bytes([index]) * 16, names)
            await tx.place_audience(bytes([index]) * 16, index)

    await store.write(fill)

    async def ungiven(recipient: str, before: int = 9) -> int | None:
        return await store.read(
            lambda reader: reader.ungiven(log, group, recipient, before)
        )

    assert await ungiven("b.demo") == 2
    assert await ungiven("b.demo", before=2) is None
    await store.write(lambda tx: tx.add_handed([run(0, 2)]))
    assert await ungiven("b.demo") == 3
    assert await ungiven("c.demo") == 2
    await store.write(lambda tx: tx.erase_opening(log, 3, "signal", at=1))
    assert await ungiven("b.demo") is None


def receipt(member: str, seq: int, *, parted: int = 0, at: int = 9) -> ReceiptRow:
    return ReceiptRow(
        member=member,
        seq=seq,
        parted=parted,
        method="overwritten",
        erased_at=at,
        residual_until=at + 5,
        received_at=at + 1,
        statement=b"{}",
    )


async def test_the_first_receipt_that_covers_a_restriction_is_found(
    store: Store,
) -> None:
    rows = [receipt("b.demo", 2), receipt("b.demo", 5), receipt("c.demo", 3)]
    for row in rows:
        assert await store.write(lambda tx, row=row: tx.add_receipt(row))  # type: ignore[misc]

    async def covering(sequence: int) -> list[ReceiptRow]:
        return await store.read(lambda reader: reader.receipts_for(sequence))

    assert await covering(1) == [rows[0], rows[2]]
    assert await covering(3) == [rows[1], rows[2]]
    assert await covering(4) == [rows[1]]
    assert await covering(6) == []
    assert await store.read(lambda reader: reader.receipted()) == {
        "b.demo": 5,
        "c.demo": 3,
    }


async def test_a_receipt_is_kept_as_it_came_first(store: Store) -> None:
    first, again = receipt("b.demo", 2), receipt("b.demo", 2, at=70)
    parted = receipt("b.demo", 2, parted=4, at=80)
    kept = [
        await store.write(lambda tx, row=row: tx.add_receipt(row))  # type: ignore[misc]
        for row in (first, again, parted)
    ]

    assert kept == [True, False, True]
    assert await store.read(lambda reader: reader.receipts_for(2)) == [first]
    assert await store.read(lambda reader: reader.partings()) == [parted]
