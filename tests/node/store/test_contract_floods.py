# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace

from fedsafe_node.errors import ConflictError
from fedsafe_node.store.floods_rows import FloodRow, FloodState, RaisedRow
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.rows import NewSignal, SignalStatus

LIST, SIGNAL, OTHER = "b.demo", bytes([1]) * 16, bytes([2]) * 16
FLOOD = FloodRow(
    id=f"{1:032x}",
    origin=LIST,
    signal_id=SIGNAL,
    state=FloodState.WAITING,
    bound=10,
    opened_at=100,
    ends_at=500,
    remind_at=400,
    period="2026-11",
    sealed=b"sealed",
)


def mark(number: int) -> bytes:
    return number.to_bytes(16)


async def add(store: Store, *floods: FloodRow) -> None:
    async def act(tx: Transaction) -> None:
        for each in floods:
            await tx.add_flood(each)

    await store.write(act)


async def list_signal(store: Store, status: SignalStatus) -> None:
    row = NewSignal(
        signal_id=SIGNAL,
        origin=LIST,
        plane="actor",
        scope="federation",
        epoch=1,
        generation=1,
        token=SIGNAL,
        match_until=1 << 40,
        erase_after=1 << 40,
        status=status,
        log=f"{LIST}/feed",
        index=0,
        group="signal",
    )
    await store.write(lambda tx: tx.add_signal(row))


async def test_a_subject_is_counted_once_within_a_span(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        for number, at in ((1, 100), (2, 150), (1, 200), (3, 90)):
            await tx.add_restricted(LIST, SIGNAL, mark(number), at)
        await tx.add_restricted(LIST, OTHER, mark(1), 200)

    await store.write(act)

    assert await store.read(lambda r: r.restricted(LIST, SIGNAL, 99)) == 2
    assert await store.read(lambda r: r.restricted(LIST, SIGNAL, 150)) == 1
    assert await store.read(lambda r: r.has_restricted(LIST, SIGNAL, mark(1), 199))
    assert not await store.read(lambda r: r.has_restricted(LIST, SIGNAL, mark(1), 200))
    assert await store.write(lambda tx: tx.forget_restricted(150)) == 2
    assert await store.read(lambda r: r.restricted(LIST, SIGNAL, 0)) == 1


async def test_what_is_counted_goes_on_under_another_name(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        for number in (1, 2):
            await tx.add_restricted("own:a.demo", SIGNAL, mark(number), 100)
        await tx.move_restricted("own:a.demo", SIGNAL, "a.demo", OTHER)

    await store.write(act)

    assert await store.read(lambda r: r.restricted("a.demo", OTHER, 0)) == 2
    assert await store.read(lambda r: r.restricted("own:a.demo", SIGNAL, 0)) == 0


async def test_one_flood_of_a_signal_is_alive(store: Store) -> None:
    await add(store, FLOOD)
    second = replace(FLOOD, id=f"{2:032x}")
    with pytest.raises(ConflictError):
        await add(store, second)
    ruled = replace(
        FLOOD, state=FloodState.STANDS, ruled_by="rita", ruled_at=300, reason="note-1"
    )
    await store.write(lambda tx: tx.put_flood(ruled))
    await add(store, second)

    assert await store.read(lambda r: r.flood(FLOOD.id)) == ruled
    assert await store.read(lambda r: r.flood_alive(LIST, SIGNAL)) == second
    assert await store.read(lambda r: r.flood_alive(LIST, OTHER)) is None
    assert await store.read(lambda r: r.floods_waiting()) == 1
    assert await store.read(lambda r: r.floods_in(FloodState.STANDS, 9)) == [ruled]
    later = await store.read(
        lambda r: r.floods_in(FloodState.WAITING, 9, after=second.id)
    )
    assert later == []


async def test_references_are_kept_once_and_read_page_by_page(store: Store) -> None:
    await add(store, FLOOD)

    async def act(tx: Transaction) -> None:
        for name in ("c", "a", "b", "a"):
            await tx.add_flood_subject(FLOOD.id, name, 110)
        await tx.drop_flood_subject(FLOOD.id, "b")

    await store.write(act)

    flood = await store.read(lambda r: r.flood(FLOOD.id))
    assert flood is not None
    assert flood.kept == 3
    assert await store.read(lambda r: r.in_flood(FLOOD.id, "a"))
    assert not await store.read(lambda r: r.in_flood(FLOOD.id, "b"))
    first = await store.read(lambda r: r.flood_subjects(FLOOD.id, 1))
    rest = await store.read(lambda r: r.flood_subjects(FLOOD.id, 9, after="a"))
    assert (first, rest) == ([("a", 110)], [("c", 110)])
    assert await store.read(lambda r: r.floods_about("c")) == [flood]
    assert await store.read(lambda r: r.floods_about("b")) == []


async def test_what_is_due_is_found_by_its_time(store: Store) -> None:
    await list_signal(store, SignalStatus.ACTIVE)
    await add(store, FLOOD)
    await store.write(lambda tx: tx.add_flood_subject(FLOOD.id, "a", 110))

    assert await store.read(lambda r: r.floods_to_remind_of(399, 9)) == []
    assert len(await store.read(lambda r: r.floods_to_remind_of(400, 9))) == 1
    assert await store.read(lambda r: r.floods_ended(499, 9)) == []
    assert len(await store.read(lambda r: r.floods_ended(500, 9))) == 1
    assert await store.read(lambda r: r.floods_stopped(9)) == []
    waiting = FloodState.WAITING
    assert await store.read(lambda r: r.floods_due(waiting, 499, 9)) == []
    (flood,) = await store.read(lambda r: r.floods_due(waiting, 500, 9))
    await store.write(
        lambda tx: tx.set_signal_status(LIST, SIGNAL, SignalStatus.REVOKED)
    )
    assert await store.read(lambda r: r.floods_stopped(9)) == [flood]
    over = replace(flood, state=FloodState.OVER, sealed=None)
    await store.write(lambda tx: tx.put_flood(over))
    assert await store.write(lambda tx: tx.forget_floods(501)) == 0
    await store.write(lambda tx: tx.drop_flood_subjects(FLOOD.id))
    assert await store.read(lambda r: r.floods_stopped(9)) == []
    assert await store.write(lambda tx: tx.forget_floods(501)) == 1


async def test_a_raised_bound_lasts_and_is_replaced(store: Store) -> None:
    raised = RaisedRow(
        origin=LIST,
        signal_id=SIGNAL,
        bound=20,
        until=700,
        raised_by="rita",
        second="rolf",
    )
    await store.write(lambda tx: tx.put_raised_bound(raised))
    await store.write(lambda tx: tx.put_raised_bound(replace(raised, bound=30)))

    assert await store.read(lambda r: r.raised_bound(LIST, SIGNAL, 699)) == replace(
        raised, bound=30
    )
    assert await store.read(lambda r: r.raised_bound(LIST, SIGNAL, 700)) is None
    await store.write(lambda tx: tx.forget_raised(700))
    assert await store.read(lambda r: r.raised_bound(LIST, SIGNAL, 0)) is None
