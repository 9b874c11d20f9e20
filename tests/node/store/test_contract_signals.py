# SPDX-License-Identifier: Apache-2.0
import msgspec
import pytest
from tests.support.store_rows import new_signal

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import (
    DraftRow,
    DraftState,
    Opening,
    RestrictionRow,
    SignalRow,
    SignalStatus,
    TokenRow,
)
from fedsafe_node.store.transaction import Transaction


def restriction(sequence: int, effect: str = "revoked") -> RestrictionRow:
    return RestrictionRow(
        digest=sequence.to_bytes(32),
        origin="a.demo",
        author="a.demo",
        sequence=sequence,
        effect=effect,
        statement=b"statement %d" % sequence,
    )


def draft(number: int) -> DraftRow:
    return DraftRow(
        signal_id=number.to_bytes(16),
        author="anna",
        created_at=50 - number,
        period="2026-11",
        sealed=b"sealed",
    )


async def add(store: Store, *numbers: int) -> range:
    signals = [new_signal(number) for number in numbers]
    return await store.write(lambda tx: tx.add_signals(signals))


async def add_draft(store: Store, number: int) -> None:
    await store.write(lambda tx: tx.add_draft(draft(number)))


async def set_status(store: Store, number: int, status: SignalStatus) -> bool:
    signal_id = number.to_bytes(16)
    return await store.write(
        lambda tx: tx.set_signal_status("a.demo", signal_id, status)
    )


async def signal(store: Store, number: int) -> SignalRow | None:
    return await store.read(lambda r: r.signal("a.demo", number.to_bytes(16)))


def ids(rows: list[SignalRow]) -> list[int]:
    return [int.from_bytes(row.signal_id) for row in rows]


async def test_a_signal_comes_back_as_it_was_kept(store: Store) -> None:
    kept = new_signal(7, media_kind=5, own=True, status=SignalStatus.DISPUTED)

    row = await store.write(lambda tx: tx.add_signal(kept))

    found = await signal(store, 7)
    assert found is not None
    assert msgspec.structs.asdict(found) == {**msgspec.structs.asdict(kept), "row": row}
    assert await signal(store, 8) is None


async def test_signals_take_consecutive_rows(store: Store) -> None:
    assert await add(store, 1, 2, 3) == range(1, 4)
    assert await add(store, 4, 5) == range(4, 6)

    found = await store.read(lambda reader: reader.signals_at([5, 1, 99]))
    assert sorted(ids(found)) == [1, 5]
    found = await store.read(lambda reader: reader.signals_after(2, 2))
    assert ids(found) == [3, 4]


async def test_many_rows_are_found_at_once(store: Store) -> None:
    rows = await add(store, *range(1, 1401))

    found = await store.scan(lambda reader: reader.signals_at(rows))

    assert ids(found) == list(range(1, 1401))


async def test_origins_cannot_take_each_others_ids(store: Store) -> None:
    await store.write(lambda tx: tx.add_signal(new_signal(1, origin="liar.demo")))
    await add(store, 1)

    assert await set_status(store, 1, SignalStatus.REVOKED)

    signal_id = (1).to_bytes(16)
    other = await store.read(lambda reader: reader.signal("liar.demo", signal_id))
    own = await signal(store, 1)
    assert other is not None
    assert own is not None
    assert (other.origin, other.status) == ("liar.demo", SignalStatus.ACTIVE)
    assert (own.origin, own.status) == ("a.demo", SignalStatus.REVOKED)
    assert await store.read(lambda reader: reader.signal("c.demo", signal_id)) is None


async def test_of_many_signals_with_one_taken_id_none_is_kept(store: Store) -> None:
    many = [new_signal(number) for number in range(10, 160)]

    async def act(tx: Transaction) -> range:
        with pytest.raises(ConflictError):
            await tx.add_signals([*many, new_signal(1), *many])
        return await tx.add_signals(many)

    await add(store, 1)
    rows = await store.write(act)
    kept = await store.scan(lambda reader: reader.signals_after(rows[0] - 1, 1_000))

    assert len(rows) == 150
    assert [row.row for row in kept] == list(rows)
    assert [row.signal_id for row in kept] == [each.signal_id for each in many]


async def test_an_id_is_taken_once_by_its_origin(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        with pytest.raises(ConflictError):
            await tx.add_signals([new_signal(3), new_signal(1)])
        with pytest.raises(ConflictError):
            await tx.add_signal(new_signal(1))
        await tx.set_meta("went on", b"yes")

    await add(store, 1)
    await store.write(act)

    assert await signal(store, 3) is None
    assert await store.read(lambda reader: reader.meta("went on")) == b"yes"


async def test_tokens_are_read_back_for_the_index(store: Store) -> None:
    await add(store, 1, 2, 3)
    await set_status(store, 2, SignalStatus.ERASED)

    found = await store.scan(lambda reader: reader.tokens_after(0, 10))

    assert found == [
        TokenRow(row=row, token=(1000 + row).to_bytes(16)) for row in (1, 3)
    ]
    assert await store.scan(lambda reader: reader.tokens_after(1, 1)) == found[1:]


async def test_media_are_read_with_their_openings(store: Store) -> None:
    kinds = {1: 5, 2: 5, 3: 6, 4: 5, 5: 5}
    media = [
        new_signal(number, media_kind=kind, index=number - 1)
        for number, kind in kinds.items()
    ]
    payloads = {1: b"one", 3: b"three", 4: b"four"}  # 2 never came

    async def act(tx: Transaction) -> None:
        for number in range(1, 5):
            kept = Opening("signal", bytes(32), payloads.get(number, b""))
            openings = [kept] if number in payloads else []
            await tx.append("a.demo/feed", b"record", openings)
        await tx.add_signals(media)

    await store.write(act)
    await set_status(store, 1, SignalStatus.REVOKED)
    await set_status(store, 5, SignalStatus.ERASED)

    found = await store.scan(lambda reader: reader.media_after(5, 0, 10))
    one = await store.scan(lambda reader: reader.media_after(5, 1, 1))
    some = await store.scan(lambda reader: reader.media_at([3, 4, 5, 9]))
    rows = await store.scan(lambda reader: reader.media_rows_after(5, 1, 10))

    def told(page: list[tuple[SignalRow, Opening | None]]) -> list[object]:
        return [(row.row, kept and kept.payload) for row, kept in page]

    assert told(found) == [(1, b"one"), (2, None), (4, b"four")]
    assert [row for row, _ in found] == [await signal(store, n) for n in (1, 2, 4)]
    assert told(one) == [(2, None)]
    assert told(some) == [(3, b"three"), (4, b"four")]
    assert rows == [2, 4]


async def test_a_status_is_set_and_an_erased_signal_stays_erased(store: Store) -> None:
    await add(store, 1)

    assert await set_status(store, 1, SignalStatus.DISPUTED)
    assert await set_status(store, 1, SignalStatus.ACTIVE)
    assert await set_status(store, 1, SignalStatus.ERASED)
    assert not await set_status(store, 1, SignalStatus.ACTIVE)
    assert not await set_status(store, 2, SignalStatus.REVOKED)

    found = await signal(store, 1)
    assert found is not None
    assert (found.status, found.token) == (SignalStatus.ERASED, None)


async def test_what_expires_is_found_in_order(store: Store) -> None:
    await add(store, 3, 1, 2, 4, 5)
    await set_status(store, 2, SignalStatus.REVOKED)
    await set_status(store, 1, SignalStatus.DISPUTED)

    found = await store.read(lambda reader: reader.expired_signals(400, 2))
    assert ids(found) == [1, 3]
    found = await store.read(lambda reader: reader.expired_signals(400, 10))
    assert ids(found) == [1, 3, 4]


async def test_what_is_to_be_erased_is_found_in_order(store: Store) -> None:
    await add(store, 3, 1, 2)
    await set_status(store, 2, SignalStatus.REVOKED)
    await set_status(store, 1, SignalStatus.ERASED)

    found = await store.read(lambda reader: reader.erasable_signals(350, 10))

    assert ids(found) == [2, 3]


async def test_a_restriction_is_kept_once_and_found_by_signal(store: Store) -> None:
    named = [bytes(16), (1).to_bytes(16)]

    added = [
        await store.write(lambda tx: tx.add_restriction(restriction(1), named))
        for _ in range(2)
    ]
    await store.write(lambda tx: tx.add_restriction(restriction(2, "erased"), named))

    assert added == [True, False]
    found = await store.read(lambda reader: reader.restrictions_on("a.demo", bytes(16)))
    assert found == [restriction(1), restriction(2, "erased")]
    found = await store.read(lambda reader: reader.restrictions_on("b.demo", bytes(16)))
    assert found == []
    found = await store.read(lambda reader: reader.restrictions_by("a.demo", 1, 9))
    assert found == [restriction(2, "erased")]
    digest = restriction(1).digest
    assert await store.read(lambda r: r.restriction(digest)) == restriction(1)
    assert await store.read(lambda r: r.restriction(bytes(32))) is None


async def test_signals_are_found_by_many_names_of_one_origin(store: Store) -> None:
    await add(store, 1, 2, 600)
    named = [number.to_bytes(16) for number in (*range(2, 700), 1)]
    found = await store.read(lambda r: r.signals_named("a.demo", named))

    assert sorted(ids(found)) == [1, 2, 600]
    assert await store.read(lambda r: r.signals_named("b.demo", named)) == []
    assert await store.read(lambda r: r.signals_named("a.demo", [])) == []


async def test_settled_ids_are_there_or_restricted(store: Store) -> None:
    await add(store, 1, 2)
    named = [(3).to_bytes(16), (1).to_bytes(16)]
    await store.write(lambda tx: tx.add_restriction(restriction(1), named))
    asked = [number.to_bytes(16) for number in range(1, 1_500)]

    found = await store.read(lambda reader: reader.settled("a.demo", asked))
    elsewhere = await store.read(lambda reader: reader.settled("b.demo", asked))

    assert found == {number.to_bytes(16) for number in (1, 2, 3)}
    assert elsewhere == set()


async def test_a_draft_is_decided_once(store: Store) -> None:
    async def decide(state: DraftState) -> bool:
        return await store.write(
            lambda tx: tx.decide_draft(bytes(16), state, by="bert", at=9)
        )

    await store.write(lambda tx: tx.add_draft(draft(0)))
    assert await store.read(lambda reader: reader.draft(bytes(16))) == draft(0)
    assert await decide(DraftState.PUBLISHED)
    assert not await decide(DraftState.WITHDRAWN)

    decided = await store.read(lambda reader: reader.draft(bytes(16)))
    assert decided == msgspec.structs.replace(
        draft(0),
        state=DraftState.PUBLISHED,
        sealed=None,
        decided_by="bert",
        decided_at=9,
    )
    assert await store.read(lambda reader: reader.draft(bytes(15) + b"x")) is None


async def test_drafts_wait_in_order_of_age(store: Store) -> None:
    for number in (1, 2, 3):
        await add_draft(store, number)
    with pytest.raises(ConflictError):
        await add_draft(store, 3)

    found = await store.read(lambda reader: reader.drafts(DraftState.PENDING, 2))

    assert [row.created_at for row in found] == [47, 48]
    assert await store.read(lambda r: r.drafts(DraftState.PUBLISHED, 2)) == []
    behind = await store.read(
        lambda reader: reader.drafts(DraftState.PENDING, 9, after=found[0])
    )
    assert behind[: len(found) - 1] == found[1:]


async def test_custody_is_kept_and_removed(store: Store) -> None:
    await store.write(lambda tx: tx.add_custody(bytes(16), b"old"))
    await store.write(lambda tx: tx.add_custody(bytes(16), b"new"))
    assert await store.read(lambda reader: reader.custody(bytes(16))) == b"new"

    assert await store.write(lambda tx: tx.remove_custody(bytes(16)))
    assert not await store.write(lambda tx: tx.remove_custody(bytes(16)))
    assert await store.read(lambda reader: reader.custody(bytes(16))) is None


async def test_counting_leaves_out_what_is_erased(store: Store) -> None:
    await add(store, 1, 2, 3)
    own = new_signal(4, own=True)
    await store.write(lambda tx: tx.add_signal(own))
    await set_status(store, 1, SignalStatus.ERASED)
    await set_status(store, 2, SignalStatus.REVOKED)
    await store.write(lambda tx: tx.add_draft(draft(0)))
    await store.write(lambda tx: tx.add_restriction(restriction(1), []))

    counts = await store.scan(lambda reader: reader.counts())

    assert msgspec.structs.asdict(counts) == {
        "signals": 3,
        "active": 2,
        "own": 1,
        "drafts": 1,
        "peers": 0,
        "restrictions": 1,
    }


def test_no_row_shows_its_bytes() -> None:
    assert "token=<16 bytes>" in repr(new_signal(1))
    assert "sealed=<6 bytes>" in repr(draft(1))
    assert "x01" not in repr(new_signal(1))
