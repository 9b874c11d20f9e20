# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace
from tests.support.store_rows import signal

from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.notices_rows import NoticeRow, SignOffRow, WithholdingRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction

FIRST, SECOND = bytes([1]) * 16, bytes([2]) * 16
WAITING, ANNOUNCED = NoticeState.WAITING, NoticeState.ANNOUNCED
PUBLICATION, END = NoticeKind.PUBLICATION, NoticeKind.END


def notice(about: bytes, kind: NoticeKind = PUBLICATION, nth: int = 1) -> NoticeRow:
    return NoticeRow(
        about=about,
        kind=kind,
        nth=nth,
        state=WAITING,
        queued_at=100,
        period="2026-11",
        sealed=b"sealed",
    )


async def add(store: Store, *rows: NoticeRow) -> None:
    async def act(tx: Transaction) -> None:
        for row in rows:
            await tx.add_notice(row)

    await store.write(act)


async def test_a_publication_is_told_before_its_end(store: Store) -> None:
    await add(store, notice(FIRST, END), notice(FIRST), notice(SECOND))

    assert await store.read(lambda r: r.notices(WAITING, 9)) == [
        notice(FIRST),
        notice(FIRST, END),
        notice(SECOND),
    ]
    assert await store.read(lambda r: r.notices_waiting(0)) == 3
    with pytest.raises(ConflictError):
        await add(store, notice(FIRST))


async def test_a_notice_goes_on_and_its_facts_go(store: Store) -> None:
    await add(store, notice(FIRST))
    key = notice(FIRST).key
    await store.write(lambda tx: tx.set_notice(key, ANNOUNCED))
    await store.write(lambda tx: tx.set_notice(key, NoticeState.DELIVERED))
    await store.write(lambda tx: tx.erase_notice(key))

    assert await store.read(lambda r: r.notices_waiting(0)) == 0
    assert await store.read(lambda r: r.notices(NoticeState.DELIVERED, 9)) == []
    assert await store.read(lambda r: r.notice(FIRST, PUBLICATION)) == replace(
        notice(FIRST), state=NoticeState.DELIVERED, sealed=None
    )
    assert await store.read(lambda r: r.notice(FIRST, END)) is None


async def test_a_review_may_owe_several_notices(store: Store) -> None:
    first, second = (notice(FIRST, NoticeKind.REVIEW, nth) for nth in (1, 2))
    await add(store, first, second)
    await store.write(lambda tx: tx.set_notice(second.key, ANNOUNCED))

    assert await store.read(lambda r: r.notices_about(FIRST, first.kind)) == 2
    assert await store.read(lambda r: r.notices_about(SECOND, first.kind)) == 0
    assert await store.read(lambda r: r.notices(WAITING, 9)) == [first]
    assert await store.read(lambda r: r.notice(*second.key)) == replace(
        second, state=ANNOUNCED
    )
    await store.write(lambda tx: tx.erase_notice(second.key))
    assert await store.read(lambda r: r.notice(*first.key)) == first
    with pytest.raises(ConflictError):
        await add(store, second)


async def test_revoked_signals_are_found_until_their_end_is_queued(
    store: Store,
) -> None:
    async def act(tx: Transaction) -> None:
        for number in (1, 2, 3):
            await tx.add_signal(signal(number))
        for number in (1, 3):
            revoked = SignalStatus.REVOKED
            await tx.set_signal_status("b.demo", bytes([number]) * 16, revoked)

    await store.write(act)
    await add(store, notice(FIRST), notice(SECOND))

    async def ended(origin: str = "b.demo") -> list[bytes]:
        return await store.read(lambda r: r.ended_unannounced(origin, 9))

    assert await ended() == [FIRST]
    assert await ended("a.demo") == []
    await add(store, notice(FIRST, END))
    assert await ended() == []


async def test_a_notice_is_held_back_once(store: Store) -> None:
    row = WithholdingRow(
        about=FIRST,
        reason="bdsg_29_1",
        note="file-9",
        by="dora",
        at=100,
        until=200,
    )
    await store.write(lambda tx: tx.add_withholding(row))

    assert await store.read(lambda r: r.withholding(FIRST)) == row
    assert await store.read(lambda r: r.withholding(SECOND)) is None
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_withholding(replace(row, until=300)))


async def test_sign_offs_are_kept_in_their_order(store: Store) -> None:
    rows = [
        SignOffRow(
            name="end_of_signal",
            digest="00" * 32,
            signed_by=name,
            role="dpo",
            signed_at=100,
            valid_until=200,
        )
        for name in ("dora", "anna")
    ]
    for row in rows:
        await store.write(lambda tx, row=row: tx.add_sign_off(row))  # type: ignore[misc]

    assert await store.read(lambda r: r.sign_offs()) == rows
