# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace

from fedsafe_node.acts.floods import FloodState
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.review_rows import FloodRow, PictureRow, RaisedRow
from fedsafe_node.store.rows import NewSignal, SignalStatus
from fedsafe_node.store.transaction import Transaction

LIST, SIGNAL, OTHER = "b.demo", bytes([1]) * 16, bytes([2]) * 16
MARK = bytes([3]) * 16
FLOOD = FloodRow(
    id=f"{1:032x}",
    origin=LIST,
    signal_id=SIGNAL,
    about=MARK,
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

    assert await store.read(lambda r: r.restricted(LIST, [SIGNAL], 99)) == {SIGNAL: 2}
    assert await store.read(lambda r: r.restricted(LIST, [SIGNAL], 150)) == {SIGNAL: 1}
    assert await store.read(lambda r: r.has_restricted(LIST, [SIGNAL], mark(1), 199))
    assert not await store.read(
        lambda r: r.has_restricted(LIST, [SIGNAL], mark(1), 200)
    )
    assert await store.write(lambda tx: tx.forget_restricted(150)) == 2
    assert await store.read(lambda r: r.restricted(LIST, [SIGNAL], 0)) == {SIGNAL: 1}


async def test_one_flood_of_a_signal_is_alive(store: Store) -> None:
    await add(store, FLOOD)
    second = replace(FLOOD, id=f"{2:032x}", signal_id=OTHER)
    with pytest.raises(ConflictError):
        await add(store, second)
    ruled = replace(
        FLOOD, state=FloodState.STANDS, ruled_by="rita", ruled_at=300, reason="note-1"
    )
    await store.write(lambda tx: tx.put_flood(ruled))
    await add(store, second)

    assert await store.read(lambda r: r.flood(FLOOD.id)) == ruled
    assert await store.read(lambda r: r.flood_alive(LIST, OTHER)) == second
    assert await store.read(lambda r: r.flood_alive(LIST, SIGNAL)) is None
    assert await store.read(lambda r: r.floods_alive([OTHER, MARK])) == [second]
    assert await store.read(lambda r: r.floods_alive([OTHER])) == []
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
    assert await store.write(lambda tx: tx.forget_floods(501, 0)) == 0
    await store.write(lambda tx: tx.drop_flood_subjects(FLOOD.id))
    assert await store.read(lambda r: r.floods_stopped(9)) == []
    assert await store.write(lambda tx: tx.forget_floods(501, 0)) == 1


async def test_a_raised_bound_lasts_and_is_replaced(store: Store) -> None:
    raised = RaisedRow(
        origin=LIST,
        about=SIGNAL,
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


async def test_a_ruling_stays_without_its_signal_for_a_time(store: Store) -> None:
    rested = replace(FLOOD, state=FloodState.RESTED, ruled_by="rita", ruled_at=300)
    await add(store, rested)

    # It is the only content that goes with a signal.
    assert await store.read(lambda r: r.floods_stopped(9)) == [rested]
    await store.write(lambda tx: tx.put_flood(replace(rested, sealed=None)))
    assert await store.read(lambda r: r.floods_stopped(9)) == []
    assert await store.write(lambda tx: tx.forget_floods(501, 500)) == 0
    assert len(await store.read(lambda r: r.floods_alive([MARK]))) == 1
    assert await store.write(lambda tx: tx.forget_floods(0, 501)) == 1


async def test_a_picture_stays_while_it_counts(store: Store) -> None:
    def picture(number: int, at: int) -> PictureRow:
        return PictureRow(
            origin=LIST, about=mark(number), at=at, period="2026-11", sealed=b"sealed"
        )

    async def act(tx: Transaction) -> None:
        for number, at in ((1, 100), (2, 200), (2, 300), (3, 150), (4, 400)):
            await tx.put_flood_picture(picture(number, at))
        await tx.add_flood(replace(FLOOD, about=mark(1)))
        await tx.put_raised_bound(
            RaisedRow(
                origin=LIST,
                about=mark(3),
                bound=20,
                until=700,
                raised_by="rita",
                second="rolf",
            )
        )

    async def kept(limit: int = 9) -> list[PictureRow]:
        return await store.read(lambda r: r.flood_pictures(LIST, limit))

    await store.write(act)

    first, *rest = await kept()
    assert first == picture(1, 100)
    assert rest == [picture(4, 400), picture(2, 300), picture(3, 150)]
    assert await kept(1) == [first]
    assert await store.read(lambda r: r.flood_pictures("c.demo", 9)) == []
    await store.write(lambda tx: tx.forget_flood_pictures(300))
    assert {each.about for each in await kept()} == {mark(1), mark(3), mark(4)}
