# SPDX-License-Identifier: Apache-2.0

import pytest
from tests.support.store_rows import LOG, signal

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import (
    Opening,
    RegisterRow,
    RestrictionRow,
    SignalRow,
    SignalStatus,
)
from fedsafe_node.store.transaction import Transaction


def entry(number: int, item: str = "S-V-1") -> RegisterRow:
    return RegisterRow(
        id=f"entry-{number}",
        item=item,
        record=b"{}",
        recorded_at=9 - number,
        recorded_by="anna",
    )


async def test_the_register_keeps_every_entry_in_its_order(store: Store) -> None:
    for number in (1, 2, 3):
        await store.write(
            lambda tx, number=number: tx.add_register_entry(entry(number))  # type: ignore[misc]
        )

    assert await store.read(lambda r: r.register_entries()) == [
        entry(1),
        entry(2),
        entry(3),
    ]


async def test_an_entry_of_the_register_is_entered_once(store: Store) -> None:
    await store.write(lambda tx: tx.add_register_entry(entry(1)))

    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_register_entry(entry(1, "S-I-1")))


# --- what a relock takes, and brings back


SALT = bytes(32)


def opening(number: int) -> Opening:
    return Opening(group="signal", salt=SALT, payload=bytes([number]) * 9)


async def fill(store: Store, count: int = 3) -> None:
    async def act(tx: Transaction) -> None:
        for number in range(count):
            await tx.append(LOG, b"record", [opening(number)])
            await tx.add_signal(signal(number))

    await store.write(act)


async def relock(store: Store) -> list[SignalRow]:
    async def act(tx: Transaction) -> list[SignalRow]:
        rows = await tx.foreign_signals("b.demo", 100)
        for row in rows:
            await tx.erase_opening(row.log, row.index, row.group, at=9)
            await tx.relock_signal(row, event=4)
        return rows

    return await store.write(act)


async def bring_back(store: Store, number: int) -> int:
    async def act(tx: Transaction) -> int:
        await tx.grant_opening(LOG, number, opening(number))
        return await tx.revive_signal("b.demo", signal(number).signal_id, b"t" * 16)

    return await store.write(act)


async def test_only_actor_signals_of_that_origin_are_relocked(store: Store) -> None:
    await fill(store, 1)

    async def act(tx: Transaction) -> None:
        await tx.add_signal(signal(7, plane="media", media_kind=1))
        await tx.add_signal(signal(8, origin="a.demo"))
        await tx.add_signal(signal(9, own=True))

    await store.write(act)
    rows = await store.read(lambda r: r.foreign_signals("b.demo", 100))

    assert [row.signal_id for row in rows] == [signal(0).signal_id]


async def test_a_relocked_signal_keeps_neither_token_nor_opening(store: Store) -> None:
    await fill(store)
    rows = await relock(store)
    (row, *_) = await store.read(lambda r: r.signals_after(0, 9))

    event = await store.read(lambda r: r.relock_event("b.demo", row.signal_id))

    assert len(rows) == 3
    assert event == 4
    assert (row.status, row.token) == (SignalStatus.ERASED, None)
    assert await store.read(lambda r: r.opening(LOG, 0, "signal")) is None
    assert await store.read(lambda r: r.foreign_signals("b.demo", 9)) == []


async def test_a_relocked_signal_comes_back_in_a_new_row(store: Store) -> None:
    await fill(store)
    await relock(store)
    row = await bring_back(store, 1)
    (found,) = await store.read(lambda r: r.signals_at([row]))

    assert row == 4
    assert (found.status, found.token) == (SignalStatus.ACTIVE, b"t" * 16)
    assert await store.read(lambda r: r.opening(LOG, 1, "signal")) == opening(1)
    with pytest.raises(ConflictError):
        await bring_back(store, 1)


async def test_what_was_erased_otherwise_never_comes_back(store: Store) -> None:
    await fill(store)

    async def erase(tx: Transaction) -> None:
        await tx.erase_opening(LOG, 1, "signal", at=9)
        await tx.set_signal_status("b.demo", signal(1).signal_id, SignalStatus.ERASED)

    async def grant(tx: Transaction) -> None:
        await tx.grant_opening(LOG, 1, opening(1))

    async def revive(tx: Transaction) -> None:
        await tx.revive_signal("b.demo", signal(1).signal_id, b"t" * 16)

    await store.write(erase)
    for act in (grant, revive):
        with pytest.raises(ConflictError):
            await store.write(act)


async def test_a_restricted_signal_does_not_come_back_from_a_relock(
    store: Store,
) -> None:
    await fill(store)
    await relock(store)
    ids = [signal(number).signal_id for number in range(4)]
    statement = RestrictionRow(
        digest=bytes(32),
        origin="b.demo",
        author="b.demo",
        sequence=1,
        effect="revoked",
        statement=b"{}",
    )
    await store.write(lambda tx: tx.add_restriction(statement, ids[:1]))

    assert await store.read(lambda r: r.relocked("b.demo", ids)) == set(ids[1:3])
    assert await store.read(lambda r: r.relocked("c.demo", ids)) == set()


async def test_an_entry_that_came_bare_gets_its_opening_once(store: Store) -> None:
    await store.write(lambda tx: tx.append(LOG, b"record"))

    async def grant(tx: Transaction) -> None:
        await tx.grant_opening(LOG, 0, opening(5))

    await store.write(grant)
    with pytest.raises(ConflictError):
        await store.write(grant)

    assert await store.read(lambda r: r.opening(LOG, 0, "signal")) == opening(5)


async def test_of_both_planes_what_may_hold_an_opening_is_held(store: Store) -> None:
    await fill(store, 2)

    async def act(tx: Transaction) -> None:
        await tx.add_signal(signal(7, plane="media", media_kind=1))
        await tx.add_signal(signal(8, origin="a.demo"))
        await tx.add_signal(signal(9, own=True))

    await store.write(act)
    held = await store.read(lambda r: r.held_signals("b.demo", 9))
    limited = await store.read(lambda r: r.held_signals("b.demo", 1))
    await relock(store)
    after = await store.read(lambda r: r.held_signals("b.demo", 9))

    assert {row.plane for row in held} == {"actor", "media"}
    assert (len(held), len(limited), len(after)) == (3, 1, 1)
