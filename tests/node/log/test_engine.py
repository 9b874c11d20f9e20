# SPDX-License-Identifier: Apache-2.0
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import lists, sampled_from, tuples

from fedsafe_crypto.tlog.tree import (
    EMPTY_ROOT,
    Frontier,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from fedsafe_node.ground.errors import CorruptLogError, UnknownEntryError
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.proofs import log_root
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_node.store.transaction import Transaction

FEED = "a.demo/feed"
SIZES = [1, 2, 3, 255, 256, 257, 511, 512, 513, 1000]
OpenStore = Callable[..., Awaitable[Store]]


def records(count: int) -> list[bytes]:
    return [b"record %d" % number for number in range(count)]


def root_of(size: int) -> bytes:
    frontier = Frontier()
    frontier.extend(map(leaf_hash, records(size)))
    return frontier.root()


async def append(store: Store, log: str, *some: bytes) -> None:
    for record in some:
        await append_one(store, log, record)


async def append_one(store: Store, log: str, record: bytes) -> int:
    return await store.write(lambda tx: tx.append(log, record))


async def extend(store: Store, log: str, *some: bytes) -> None:
    entries = [LogEntry(record=record) for record in some]
    await store.write(lambda tx: tx.append_many(log, entries))


async def fail_after(store: Store, log: str, some: list[bytes]) -> None:
    async def act(tx: Transaction) -> None:
        for record in some:
            await tx.append(log, record)
        raise LookupError

    await store.write(act)


@pytest.fixture
async def engine(store: Store) -> LogEngine:
    entries = [LogEntry(record=record) for record in records(1000)]
    await store.write(lambda tx: tx.append_many(FEED, entries))
    return LogEngine(store)


async def test_a_log_that_is_not_there_is_the_empty_tree(engine: LogEngine) -> None:
    head = await engine.head("b.demo/feed")

    assert (head.size, head.root) == (0, EMPTY_ROOT)
    assert await engine.record("b.demo/feed", 0) is None


async def test_the_root_at_every_size_is_that_of_rfc_6962(engine: LogEngine) -> None:
    head = await engine.head(FEED)

    assert (head.size, head.root) == (1000, root_of(1000))
    assert await engine.root_at(FEED, 0) == EMPTY_ROOT
    for size in SIZES:
        assert await engine.root_at(FEED, size) == root_of(size)


async def test_every_inclusion_proof_verifies(engine: LogEngine) -> None:
    for size in SIZES:
        for index in {0, size // 2, size - 1}:
            proof = await engine.inclusion(FEED, index, size)
            record = await engine.record(FEED, index)
            assert record is not None
            verify_inclusion(leaf_hash(record), index, size, proof, root_of(size))


async def test_every_consistency_proof_verifies(engine: LogEngine) -> None:
    for old in SIZES:
        for new in (size for size in SIZES if size >= old):
            proof = await engine.consistency(FEED, old, new)
            verify_consistency(old, root_of(old), new, root_of(new), proof)


async def test_numbers_beyond_the_log_are_refused(engine: LogEngine) -> None:
    for asked in (
        engine.root_at(FEED, 1001),
        engine.root_at(FEED, -1),
        engine.inclusion(FEED, 1000, 1000),
        engine.inclusion(FEED, -1, 1000),
        engine.inclusion(FEED, 3, 1001),
        engine.consistency(FEED, 0, 5),
        engine.consistency(FEED, 6, 5),
        engine.consistency(FEED, 5, 1001),
    ):
        with pytest.raises(UnknownEntryError, match=FEED):
            await asked


async def test_an_act_can_prove_what_it_just_appended(store: Store) -> None:
    async def act(tx: Transaction) -> bytes:
        await tx.append_many(FEED, [LogEntry(record=each) for each in records(300)])
        return await log_root(tx, FEED, 300)

    assert await store.write(act) == root_of(300)


async def test_an_act_that_fails_at_a_tiles_edge_leaves_a_whole_tree(
    store: Store,
) -> None:
    await append(store, FEED, *records(254))
    for count in (1, 2, 3, 600):
        with pytest.raises(LookupError):
            await fail_after(store, FEED, [b"gone"] * count)
    await append(store, FEED, *records(600)[254:])

    verified = await LogEngine(store).verify(FEED, lambda _: {})
    assert (verified.size, verified.root) == (600, root_of(600))


async def test_reading_many_gives_records_and_openings(store: Store) -> None:
    engine = LogEngine(store)
    opening = Opening(group="g", salt=bytes(32), payload=b"p")
    entries = [LogEntry(record=each, openings=(opening,)) for each in records(20)]
    await store.write(lambda tx: tx.append_many(FEED, entries))

    assert await engine.records(FEED, 5, 3) == records(8)[5:]
    assert await engine.opening(FEED, 4, "g") == opening
    assert await engine.erase_opening(FEED, 6, "g", at=1)
    kept = await engine.openings(FEED, 5, 3)
    assert [row.opening for row in kept] == [opening, None, opening]


STEPS = lists(
    tuples(sampled_from(["one", "many", "fail", "reopen"]), sampled_from([1, 3, 255])),
    max_size=12,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
async def test_any_mixture_of_acts_gives_one_whole_tree(
    open_node_store: OpenStore, steps: list[tuple[str, int]]
) -> None:
    log = f"{uuid4()}/feed"
    store, size = await open_node_store(), 0

    for step, count in steps:
        if step == "reopen":
            store = await open_node_store()
        elif step == "fail":
            with pytest.raises(LookupError):
                await fail_after(store, log, [b"gone"] * count)
        else:
            new = records(size + (count if step == "many" else 1))[size:]
            await (extend if step == "many" else append)(store, log, *new)
            size += len(new)

    verified = await LogEngine(store).verify(log, lambda _: {})
    assert (verified.size, verified.root) == (size, root_of(size))


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM entries WHERE idx = 999",
        "DELETE FROM entries WHERE idx = 900",
        "DELETE FROM tile_roots WHERE level = 1 AND idx = 2",
    ],
)
async def test_a_log_that_lacks_rows_is_not_extended(
    open_node_store: OpenStore,
    tamper: Callable[[str], Awaitable[None]],
    engine: LogEngine,
    damage: str,
) -> None:
    assert (await engine.head(FEED)).size == 1000
    store = await open_node_store()
    await tamper(damage)
    if "999" in damage:  # a shorter log is whole in itself: the guard's task
        assert await store.write(lambda tx: tx.append(FEED, b"x")) == 999
        return

    with pytest.raises(CorruptLogError, match="missing at its end"):
        await store.write(lambda tx: tx.append(FEED, b"x"))
