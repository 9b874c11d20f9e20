# SPDX-License-Identifier: Apache-2.0
import pytest

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import (
    CredentialRow,
    GateRow,
    IdempotencyRow,
    PeerRow,
    PeerState,
)


def peer(origin: str, cursor: int = 3) -> PeerRow:
    return PeerRow(
        origin=origin,
        cursor=cursor,
        root=bytes(32),
        checkpoint="a note\n",
        synced_at=cursor,
    )


def credential(number: int) -> CredentialRow:
    return CredentialRow(
        id=f"id-{number}",
        name=f"name-{number}",
        role="analyst",
        secret_hash=b"hash",
        created_at=1,
    )


def gate(number: int) -> GateRow:
    return GateRow(
        id=f"gate-{number}",
        record=b"{}",
        valid_until=5,
        recorded_at=9 - number,
        recorded_by="anna",
    )


def answer(key: str, expires_at: int) -> IdempotencyRow:
    return IdempotencyRow(
        key=key, request_digest=b"digest", status=201, body=b"{}", expires_at=expires_at
    )


async def put_peer(store: Store, row: PeerRow) -> None:
    await store.write(lambda tx: tx.put_peer(row))


async def add_credential(store: Store, number: int) -> None:
    await store.write(lambda tx: tx.add_credential(credential(number)))


async def add_gate(store: Store, number: int) -> None:
    await store.write(lambda tx: tx.add_gate(gate(number)))


async def set_due(store: Store, job: str, at: int | None) -> None:
    await store.write(lambda tx: tx.set_due(job, at))


async def test_a_peers_position_moves(store: Store) -> None:
    for row in (peer("b.demo"), peer("a.demo"), peer("b.demo", 8)):
        await put_peer(store, row)

    assert await store.read(lambda r: r.peer("b.demo")) == peer("b.demo", 8)
    assert await store.read(lambda r: r.peer("c.demo")) is None
    assert await store.read(lambda r: r.peers()) == [peer("a.demo"), peer("b.demo", 8)]


async def test_a_peer_is_suspended(store: Store) -> None:
    await store.write(lambda tx: tx.put_peer(peer("b.demo")))

    suspend = PeerState.SUSPENDED
    assert await store.write(lambda tx: tx.set_peer_state("b.demo", suspend))
    assert not await store.write(lambda tx: tx.set_peer_state("c.demo", suspend))

    found = await store.read(lambda r: r.peer("b.demo"))
    assert found is not None
    assert found.state is PeerState.SUSPENDED


async def test_credentials_have_their_own_ids_and_names(store: Store) -> None:
    for number in (2, 1):
        await add_credential(store, number)
    with pytest.raises(ConflictError):
        await add_credential(store, 1)

    assert await store.read(lambda r: r.credential("id-1")) == credential(1)
    assert await store.read(lambda r: r.credential_named("name-2")) == credential(2)
    assert await store.read(lambda r: r.credential_named("id-1")) is None
    found = await store.read(lambda r: r.credentials())
    assert found == [credential(1), credential(2)]


async def test_a_removed_credential_is_gone(store: Store) -> None:
    await store.write(lambda tx: tx.add_credential(credential(1)))

    assert await store.write(lambda tx: tx.remove_credential("id-1"))
    assert not await store.write(lambda tx: tx.remove_credential("id-1"))
    assert await store.read(lambda r: r.credential("id-1")) is None


async def test_the_gate_entered_last_counts(store: Store) -> None:
    assert await store.read(lambda r: r.newest_gate()) is None
    for number in (2, 1):
        await add_gate(store, number)
    with pytest.raises(ConflictError):
        await add_gate(store, 1)

    assert await store.read(lambda r: r.newest_gate()) == gate(1)


async def test_an_answer_is_kept_until_it_expires(store: Store) -> None:
    await store.write(lambda tx: tx.add_idempotent_answer(answer("a", 10)))
    await store.write(lambda tx: tx.add_idempotent_answer(answer("b", 20)))
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.add_idempotent_answer(answer("a", 30)))

    assert await store.read(lambda r: r.idempotent_answer("a")) == answer("a", 10)
    assert await store.write(lambda tx: tx.forget_idempotent_answers(10)) == 1
    assert await store.read(lambda r: r.idempotent_answer("a")) is None
    assert await store.read(lambda r: r.idempotent_answer("b")) == answer("b", 20)


async def test_due_jobs_come_longest_overdue_first(store: Store) -> None:
    for job, at in (("sync", 5), ("expiry", 3), ("later", 99), ("sync", 2)):
        await set_due(store, job, at)
    assert await store.read(lambda r: r.due(5)) == [("sync", 2), ("expiry", 3)]

    await set_due(store, "sync", None)
    assert await store.read(lambda r: r.due(5)) == [("expiry", 3)]


async def test_small_values_and_documents_are_replaced(store: Store) -> None:
    await store.write(lambda tx: tx.set_meta("key", b"old"))
    await store.write(lambda tx: tx.set_meta("key", b"new"))
    await store.write(lambda tx: tx.put_document("charter", b"old"))
    await store.write(lambda tx: tx.put_document("charter", b"new"))

    assert await store.read(lambda r: r.meta("key")) == b"new"
    assert await store.read(lambda r: r.document("charter")) == b"new"
    assert await store.read(lambda r: r.meta("charter")) is None
    assert await store.read(lambda r: r.document("key")) is None
