# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from threading import Event

import pytest

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_crypto.tlog.tree import leaf_hash
from fedsafe_node.ground.errors import ConflictError, LogError, StoreClosedError
from fedsafe_node.store.keeping_rows import EffectKind, PrunedRow
from fedsafe_node.store.oversight_rows import SpentRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Committed, LogEntry, Opening
from fedsafe_node.store.transaction import Transaction

FEED = "a.demo/feed"
AUDIT = "a.demo/audit"
OpenStore = Callable[..., Awaitable[Store]]


def opening(group: str, payload: bytes = b"payload") -> Opening:
    return Opening(group=group, salt=bytes(range(32)), payload=payload)


async def append(store: Store, record: bytes, *openings: Opening) -> int:
    return await store.write(lambda tx: tx.append(FEED, record, openings))


async def feed(store: Store) -> list[bytes]:
    return await store.read(lambda reader: reader.records(FEED, 0, 1000))


async def test_an_empty_log_has_no_entry(store: Store) -> None:
    assert await store.read(lambda reader: reader.logs()) == []
    assert await store.read(lambda reader: reader.log_size(FEED)) == 0
    assert await store.read(lambda reader: reader.record(FEED, 0)) is None
    assert await feed(store) == []


async def test_records_come_back_exactly_in_order(store: Store) -> None:
    records = [b"first", b"", b"\x00\xff", b"first"]

    indices = [await append(store, record) for record in records]

    assert indices == [0, 1, 2, 3]
    assert await feed(store) == records
    assert await store.read(lambda reader: reader.records(FEED, 1, 2)) == records[1:3]
    assert await store.read(lambda reader: reader.log_size(FEED)) == 4


async def test_logs_count_apart(store: Store) -> None:
    async def act(tx: Transaction) -> list[int]:
        return [await tx.append(log, b"r") for log in (FEED, AUDIT, FEED)]

    assert await store.write(act) == [0, 0, 1]
    assert await store.read(lambda reader: reader.logs()) == [FEED, AUDIT]


async def test_many_entries_take_consecutive_places(store: Store) -> None:
    entries = [
        LogEntry(record=b"%d" % number, openings=(opening("detail", b"%d" % number),))
        for number in range(700)
    ]
    await append(store, b"before")

    indices = await store.write(lambda tx: tx.append_many(FEED, entries))

    assert indices == range(1, 701)
    assert await feed(store) == [b"before", *(entry.record for entry in entries)]
    kept = await store.scan(lambda reader: reader.openings(FEED, 1, 700))
    assert [row.opening for row in kept] == [entry.openings[0] for entry in entries]


async def test_an_act_sees_its_own_append(store: Store) -> None:
    async def act(tx: Transaction) -> bytes | None:
        index = await tx.append(FEED, b"mine")
        return await tx.record(FEED, index)

    assert await store.write(act) == b"mine"


async def test_an_act_that_raises_leaves_nothing(store: Store) -> None:
    async def act(tx: Transaction) -> None:
        await tx.append(FEED, b"gone")
        await tx.append(AUDIT, b"gone")
        await tx.set_meta("key", b"gone")
        raise LookupError("the caller's own")

    await append(store, b"kept")
    with pytest.raises(LookupError, match="the caller's own"):
        await store.write(act)

    assert await append(store, b"next") == 1
    assert await feed(store) == [b"kept", b"next"]
    assert await store.read(lambda reader: reader.logs()) == [FEED]
    assert await store.read(lambda reader: reader.meta("key")) is None


async def test_acts_beside_one_that_raises_are_kept(store: Store) -> None:
    async def write(number: int) -> int:
        async def act(tx: Transaction) -> int:
            index = await tx.append(FEED, b"%d" % number)
            if number % 3 == 1:
                raise LookupError(number)
            return index

        return await store.write(act)

    results = await asyncio.gather(
        *map(write, range(300)),
        return_exceptions=True,
    )

    wanted = [b"%d" % number for number in range(300) if number % 3 != 1]
    assert await feed(store) == wanted
    assert [result for result in results if isinstance(result, int)] == list(range(200))
    assert sum(isinstance(result, LookupError) for result in results) == 100


async def test_an_act_that_looked_and_failed_takes_nothing_of_others_with_it(
    store: Store,
) -> None:
    handed_in, others_wait = Event(), Event()

    async def hold_up(_tx: Transaction) -> None:
        handed_in.set()
        others_wait.wait(10)

    async def spend(tx: Transaction, slot: int) -> int:
        await tx.add_spent(SpentRow("anna", "recheck", slot, 1))
        return await tx.append(FEED, b"%d" % slot)

    async def look_and_fail(tx: Transaction) -> None:
        await tx.set_meta("word", b"of the act")
        await spend(tx, 99)
        if [await tx.log_size(FEED), len(await tx.spent(0))] == [2, 2]:
            raise LookupError

    holding = asyncio.create_task(store.write(hold_up))
    await asyncio.to_thread(handed_in.wait, 10)
    acts = (lambda tx: spend(tx, 1), look_and_fail, lambda tx: spend(tx, 2))
    together = asyncio.gather(*map(store.write, acts), return_exceptions=True)
    await asyncio.sleep(0)
    others_wait.set()
    _, failed, _ = await together
    await holding
    spent = await store.read(lambda reader: reader.spent(0))

    assert isinstance(failed, LookupError)
    assert await feed(store) == [b"1", b"2"]
    assert [row.slot for row in spent] == [1, 2]
    assert await store.read(lambda reader: reader.meta("word")) is None


async def test_a_query_sees_one_snapshot(store: Store) -> None:
    await append(store, b"first")
    handed_in, written = Event(), Event()

    async def query(reader: Reader) -> tuple[int, int]:
        before = await reader.log_size(FEED)
        handed_in.set()
        written.wait(10)
        return before, await reader.log_size(FEED)

    scanning = asyncio.create_task(store.scan(query))
    await asyncio.to_thread(handed_in.wait, 10)
    await append(store, b"second")
    written.set()

    assert await scanning == (1, 1)
    assert await store.read(lambda reader: reader.log_size(FEED)) == 2


async def test_an_opening_comes_back_by_group(store: Store) -> None:
    subject, detail = opening("subject", b"who"), opening("detail", b"")
    index = await append(store, b"record", subject, detail)

    async def query(reader: Reader) -> list[Opening | None]:
        groups = ("subject", "detail", "actor")
        return [await reader.opening(FEED, index, group) for group in groups]

    assert await store.read(query) == [subject, detail, None]


async def test_what_openings_commit_to_is_told_in_order(store: Store) -> None:
    said = [opening("subject", b"one"), opening("detail", b"two")]
    for _ in range(3):
        await append(store, b"record", *said)
    await store.write(lambda tx: tx.erase_opening(FEED, 1, "subject", at=77))

    async def query(reader: Reader) -> list[Committed]:
        return list(await reader.committed(FEED, 1, 2))

    subject, detail = (
        commit(FEED, each.group, each.salt, each.payload) for each in said
    )
    assert await store.scan(query) == [
        (1, "detail", detail),
        (1, "subject", None),
        (2, "detail", detail),
        (2, "subject", subject),
    ]


async def test_an_erased_opening_stays_marked(store: Store) -> None:
    index = await append(store, b"record", opening("subject"), opening("detail"))

    erased = [
        await store.write(lambda tx: tx.erase_opening(FEED, index, "subject", at=77))
        for _ in range(2)
    ]

    assert erased == [True, False]
    rows = await store.read(lambda reader: reader.sealed_openings(FEED, 0, 9))
    assert [(row.group, row.sealed is None, row.erased_at) for row in rows] == [
        ("detail", False, None),
        ("subject", True, 77),
    ]
    kept = await store.read(lambda reader: reader.openings(FEED, 0, 9))
    assert [row.opening for row in kept] == [opening("detail"), None]
    assert await feed(store) == [b"record"]


async def erase(tx: Transaction, *, index: int, group: str) -> None:
    await tx.erase_opening(FEED, index, group, at=7)


async def count(reader: Reader, *, since: int, limit: int) -> int:
    return await reader.count_openings(FEED, since, limit)


async def test_entries_with_an_opening_are_counted(store: Store) -> None:
    for number in range(4):
        held = [opening("subject"), opening("detail")] if number != 2 else []
        await append(store, b"%d" % number, *held)
    for index, group in ((1, "subject"), (1, "detail"), (3, "detail")):
        await store.write(partial(erase, index=index, group=group))
    counts = [
        await store.read(partial(count, since=since, limit=limit))
        for since, limit in ((0, 9), (0, 1), (1, 2), (3, 5))
    ]

    assert counts == [2, 1, 0, 1]


async def test_erasing_what_is_not_there_says_so(store: Store) -> None:
    assert not await store.write(lambda tx: tx.erase_opening(FEED, 0, "x", at=1))


async def test_a_store_opened_again_goes_on(open_node_store: OpenStore) -> None:
    store = await open_node_store()
    entries = [LogEntry(record=b"%d" % number) for number in range(517)]
    await store.write(lambda tx: tx.append_many(FEED, entries))

    store = await open_node_store()

    assert await append(store, b"later", opening("subject")) == 517
    assert len(await feed(store)) == 518


def pruned(size: int, event: int = 600) -> PrunedRow:
    return PrunedRow(
        log=FEED,
        size=size,
        root=bytes(32),
        since="2026-11",
        event=event,
        openings=size,
        at=7,
    )


async def fill_and_erase(store: Store, count: int = 517) -> None:
    entries = [
        LogEntry(record=b"%d" % number, openings=(opening("detail"),))
        for number in range(count)
    ]

    async def act(tx: Transaction) -> None:
        await tx.append_many(FEED, entries)
        for index in range(count):
            await tx.erase_opening(FEED, index, "detail", at=5)

    await store.write(act)


async def test_of_what_is_pruned_the_hashes_stay(open_node_store: OpenStore) -> None:
    store = await open_node_store()
    await fill_and_erase(store)
    await store.write(lambda tx: tx.prune(pruned(256)))
    await store.write(lambda tx: tx.prune(pruned(512, 601)))
    store = await open_node_store()
    hashes = [await store.read(lambda r, n=n: r.leaf_tile(FEED, n)) for n in range(3)]  # type: ignore[misc]

    assert [each and each[:32] for each in hashes] == [
        leaf_hash(b"0"),
        leaf_hash(b"256"),
        None,
    ]
    assert await feed(store) == [b"512", b"513", b"514", b"515", b"516"]
    assert await store.read(lambda reader: reader.minimum(FEED)) == 512
    assert await store.read(lambda reader: reader.minimum(AUDIT)) == 0
    assert await store.read(lambda reader: reader.log_size(FEED)) == 517
    assert await store.read(lambda reader: reader.pruned()) == [pruned(512, 601)]
    assert await store.read(lambda reader: reader.erased_openings(FEED)) == 517
    assert await store.read(lambda reader: reader.erased_periods()) == ["2026-11"]
    kept = await store.read(lambda reader: reader.sealed_openings(FEED, 0, 600))
    assert [row.index for row in kept] == [512, 513, 514, 515, 516]
    assert await append(store, b"later") == 517


@pytest.mark.parametrize("size", [0, 255, 257, 517, 768])
async def test_no_part_of_a_tile_is_pruned_and_not_the_end(
    store: Store, size: int
) -> None:
    await fill_and_erase(store)

    with pytest.raises(LogError):
        await store.write(lambda tx: tx.prune(pruned(size)))
    assert len(await feed(store)) == 517


async def test_a_log_is_not_pruned_to_nothing(store: Store) -> None:
    await fill_and_erase(store, 512)

    with pytest.raises(LogError):
        await store.write(lambda tx: tx.prune(pruned(512)))
    assert len(await feed(store)) == 512


async def test_what_can_be_read_is_not_pruned(store: Store) -> None:
    await fill_and_erase(store, 255)
    await append(store, b"x", opening("detail"))
    await append(store, b"y")

    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.prune(pruned(256)))
    assert len(await feed(store)) == 257
    assert await store.read(lambda reader: reader.leaf_tile(FEED, 0)) is None


async def test_the_first_that_keeps_the_rest_is_told(
    store: Store, advance: Callable[[timedelta], None]
) -> None:
    await fill_and_erase(store, 9)
    await append(store, b"mine", opening("detail"))
    advance(timedelta(days=40))
    await append(store, b"younger", opening("detail"))
    key, month = EffectKind.PERIOD_KEY, "2026-11"

    async def first(since: int, period: str) -> int | None:
        return await store.read(lambda r: r.first_readable(FEED, since, period))

    assert await first(0, "2026-11") == 0
    assert await first(0, "2026-12") == 9
    assert await first(10, "2027-02") == 10
    await store.write(lambda tx: tx.begin_effect(key, month, at=1))
    assert await first(0, "2027-02") == 9  # nobody knows yet whether it happened
    await store.write(lambda tx: tx.end_effect(key, month, at=2))
    assert await first(0, "2027-02") == 10
    assert await first(0, "2027-01") == 10
    assert await first(11, "2027-02") is None


async def test_the_ends_of_all_keys_are_told_oldest_first(store: Store) -> None:
    month, quarter, epoch = EffectKind.PERIOD_KEY, EffectKind.QUARTER_KEY, "share-1-1"

    async def act(tx: Transaction) -> None:
        await tx.begin_effect(EffectKind.EPOCH_KEY, epoch, at=1)
        await tx.begin_effect(month, "2026-10", at=2)
        await tx.begin_effect(quarter, "2026q3", at=3)
        await tx.end_effect(EffectKind.EPOCH_KEY, epoch, at=4)

    await store.write(act)
    told = await store.read(lambda reader: reader.effects())
    assert [(each.target, each.ended_at) for each in told] == [
        (epoch, 4),
        ("2026-10", None),
        ("2026q3", None),
    ]
    assert not await store.write(
        lambda tx: tx.end_effect(EffectKind.EPOCH_KEY, epoch, at=5)
    )
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.begin_effect(EffectKind.EPOCH_KEY, epoch, at=6))


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    await store.close()

    with pytest.raises(StoreClosedError):
        await append(store, b"late")
    with pytest.raises(StoreClosedError):
        await feed(store)
    with pytest.raises(StoreClosedError):
        await store.scan(lambda reader: reader.logs())
    with pytest.raises(StoreClosedError):
        await store.scrub()


async def test_closing_finishes_what_was_handed_in(open_node_store: OpenStore) -> None:
    store = await open_node_store()
    writes = [asyncio.create_task(append(store, b"%d" % n)) for n in range(100)]
    await asyncio.sleep(0)
    await store.close()

    assert sorted(await asyncio.gather(*writes)) == list(range(100))
    assert len(await feed(await open_node_store())) == 100


async def test_a_caller_that_gives_up_breaks_nobody(store: Store) -> None:
    writes = [asyncio.create_task(append(store, b"%d" % n)) for n in range(100)]
    await asyncio.sleep(0)
    for write in writes[::2]:
        write.cancel()
    results = await asyncio.gather(*writes, return_exceptions=True)

    told = [result for result in results if isinstance(result, int)]
    assert len(told) == 50
    assert set(told) <= set(range(len(await feed(store))))


async def test_scrubbing_succeeds_when_nobody_reads(store: Store) -> None:
    await append(store, b"record")

    assert await store.scrub()
    assert await feed(store) == [b"record"]
