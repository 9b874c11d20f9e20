# SPDX-License-Identifier: Apache-2.0
import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import NoReturn

import pytest
from tests.support.databases import ClosedBehind
from tests.support.seals import Around, ClockOfMonth
from tests.support.sqlite import FEED, SALT, HeldOnce, append

from fedsafe_node.ground.errors import CorruptLogError, StoreFailedError
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.oversight_rows import SpentRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening
from fedsafe_node.store.schema import migrate
from fedsafe_node.store.sql_logs import ENTRY, OPENING
from fedsafe_node.store.sql_oversight import ADD_SPENT
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection
from fedsafe_node.store.transaction import Transaction

Act = Callable[[Transaction], Awaitable[object]]


def opening(group: str) -> Opening:
    return Opening(group=group, salt=SALT, payload=group.encode())


class Connected:
    """A write connection, and the statements that it gave to SQLite."""

    def __init__(self) -> None:
        self.raw = sqlite3.connect(
            ":memory:", isolation_level=None, factory=ClosedBehind
        )
        migrate(self.raw)
        self.connection = SqliteWriteConnection(self.raw)
        self.said: list[str] = []
        self.raw.set_trace_callback(lambda sql: self.said.append(sql.split()[0]))

    def act(self, *records: bytes, other: str = "", fails: bool = False) -> None:
        connection = self.connection
        connection.begin_act()
        for number, record in enumerate(records):
            connection.execute(ENTRY, (1, self.entries() + number, record))
        if other:
            connection.execute(other)
        (connection.undo_act if fails else connection.end_act)()

    def entries(self) -> int:
        return self.connection.total_changes

    def records(self) -> list[bytes]:
        rows = self.raw.execute("SELECT record FROM entries ORDER BY idx")
        return [record for (record,) in rows]


def test_acts_that_only_append_need_no_savepoint() -> None:
    given = Connected()
    given.connection.begin()
    given.act(b"a")
    given.act(b"lost", fails=True)
    given.act(b"b")
    said = list(given.said)
    given.connection.commit()

    assert said == ["BEGIN"]
    assert given.said == ["BEGIN", "INSERT", "INSERT", "COMMIT"]
    assert given.records() == [b"a", b"b"]


def test_an_act_that_does_more_has_a_savepoint_behind_what_others_added() -> None:
    other = "INSERT INTO due VALUES ('job', 1)"
    given = Connected()
    given.connection.begin()
    given.act(b"a")
    given.act(b"lost", other=other, fails=True)
    given.act(b"b", other=other)
    given.connection.commit()

    assert given.said[:4] == ["BEGIN", "INSERT", "SAVEPOINT", "INSERT"]
    assert given.records() == [b"a", b"b"]
    assert given.raw.execute("SELECT * FROM due").fetchall() == [("job", 1)]


def test_rows_that_wait_count_as_changes() -> None:
    given = Connected()
    given.connection.begin()
    before = given.connection.total_changes
    given.connection.begin_act()
    given.connection.execute(ENTRY, (1, 0, b"a"))
    waiting = given.connection.total_changes
    given.connection.end_act()
    given.connection.commit()

    assert waiting == before + 1 == given.connection.total_changes


def test_what_sqlite_took_back_does_not_come_later() -> None:
    given = Connected()
    given.connection.begin()
    given.connection.begin_act()
    given.connection.execute(ENTRY, (1, 0, b"lost"))
    given.raw.execute("ROLLBACK")

    assert given.connection.execute("SELECT 1 FROM entries").fetchone() is None


def test_two_openings_of_one_group_are_refused_at_once() -> None:
    row = (1, 0, "g", "2026-11", b"sealed")
    given = Connected()
    given.connection.begin()
    given.connection.begin_act()

    with pytest.raises(sqlite3.IntegrityError):
        given.connection.executemany(OPENING, [row, row])


def from_outside(directory: Path, sql: str) -> None:
    with sqlite3.connect(directory / "node.db") as other:
        other.execute(sql)
    other.close()


async def in_one_batch(
    directory: Path, acts: Sequence[Act], between: str = ""
) -> tuple[Store, list[object], int]:
    """Run acts in one commit behind another one; return what they were told."""
    faults = HeldOnce()
    keys = await asyncio.to_thread(PeriodKeys, directory / "keys")
    url, clock = f"sqlite://{directory}/node.db", ClockOfMonth()
    store = await open_store(
        url, keys=keys, clock=clock, around=Around(), faults=faults
    )
    first = asyncio.create_task(append(store, b"first"))
    await asyncio.to_thread(faults.begun.wait, 30)
    futures = [store.write(act) for act in acts]
    waiting = asyncio.gather(first, *futures, return_exceptions=True)
    await asyncio.sleep(0)  # each of them is handed in
    if between:
        from_outside(directory, between)
    faults.may_go_on.set()
    return store, await waiting, faults.commits


async def test_each_act_of_a_batch_keeps_or_loses_all_that_it_did(
    tmp_path: Path,
) -> None:
    seen: list[list[bytes]] = []

    async def adds(tx: Transaction) -> int:
        return await tx.append(FEED, b"adds", [opening("a"), opening("b")])

    async def adds_around(tx: Transaction) -> None:
        await tx.append(FEED, b"before", [opening("a")])
        await tx.set_due("kept", 1)
        await tx.append(FEED, b"behind", [opening("a")])

    async def fails(tx: Transaction) -> NoReturn:
        await tx.append(FEED, b"lost", [opening("a")])
        raise LookupError

    async def fails_around(tx: Transaction) -> NoReturn:
        await tx.append(FEED, b"lost", [opening("a")])
        await tx.set_due("lost", 1)
        await tx.append(FEED, b"lost", [opening("a")])
        raise LookupError

    async def reads(tx: Transaction) -> int:
        index = await tx.append(FEED, b"reads", [opening("a")])
        seen.append(await tx.records(FEED, 0, 100))
        return index

    async def doubles(tx: Transaction) -> int:
        return await tx.append(FEED, b"lost", [opening("a"), opening("a")])

    acts = [adds, fails, adds_around, fails_around, reads, doubles, fails, adds]
    store, told, commits = await in_one_batch(tmp_path, acts)
    records = await store.read(lambda reader: reader.records(FEED, 0, 100))
    openings = await store.read(lambda reader: reader.openings(FEED, 0, 100))
    due = await store.read(lambda reader: reader.due(5))
    await store.close()

    assert [each for each in told if isinstance(each, int)] == [0, 1, 4, 5]
    assert sum(isinstance(each, LookupError) for each in told) == 3
    assert isinstance(told[6], Exception)
    assert commits == 2
    assert records == [b"first", b"adds", b"before", b"behind", b"reads", b"adds"]
    assert seen == [records[:5]]
    kept = [f"{each.index}{each.group}" for each in openings if each.opening]
    assert kept == ["1a", "1b", "2a", "3a", "4a", "5a", "5b"]
    assert due == [("kept", 1)]


def counts(holder: str, spent: int) -> Act:
    async def act(tx: Transaction) -> None:
        await tx.append(FEED, b"lookup", [opening("a")])
        await tx.add_spent(SpentRow(holder, "recheck", 60, spent, 2 * spent, 1))

    return act


async def test_what_acts_of_a_batch_count_is_added_up_and_sealed(
    tmp_path: Path,
) -> None:
    async def fails(tx: Transaction) -> NoReturn:
        await tx.add_spent(SpentRow("shop", "recheck", 60, 100))
        raise LookupError

    async def reads(tx: Transaction) -> list[SpentRow]:
        await tx.add_spent(SpentRow("shop", "recheck", 60, 10))
        return await tx.spent(0, "shop", "recheck")

    acts = [counts("shop", 1), fails, counts("club", 2), counts("shop", 3), reads]
    store, told, commits = await in_one_batch(tmp_path, [*acts, fails, *acts[:1]])
    shop = await store.read(lambda reader: reader.spent(0, "shop", "recheck"))
    club = await store.read(lambda reader: reader.spent(0, "club", "recheck"))
    report = await store.check_seal()
    await store.close()

    assert commits == 2
    assert told[5] == [SpentRow("shop", "recheck", 60, 14, 8, 2)]
    assert shop == [SpentRow("shop", "recheck", 60, 15, 10, 3)]
    assert club == [SpentRow("club", "recheck", 60, 2, 4, 1)]
    assert report.faults == ()


async def test_what_waits_until_the_commit_is_sealed_with_it(tmp_path: Path) -> None:
    acts = [counts("shop", 1), counts("shop", 3)]
    store, _, _ = await in_one_batch(tmp_path, acts)
    shop = await store.read(lambda reader: reader.spent(0, "shop", "recheck"))
    report = await store.check_seal()
    await store.close()

    assert shop == [SpentRow("shop", "recheck", 60, 4, 8, 2)]
    assert report.faults == ()


def test_rows_that_go_in_with_another_count_as_changes() -> None:
    given = Connected()
    given.connection.begin()
    before = given.connection.total_changes
    for _ in range(3):
        given.connection.begin_act()
        given.connection.execute(ADD_SPENT, ("shop", "recheck", 60, 1, 1, 1))
        given.connection.end_act()
    waiting = given.connection.total_changes
    given.connection.settle()

    assert waiting == before + 3 <= given.connection.total_changes
    assert given.said == ["BEGIN", "INSERT"]


async def test_nobody_is_told_that_rows_are_kept_which_do_not_go_in(
    tmp_path: Path,
) -> None:
    async def adds(tx: Transaction) -> int:
        return await tx.append(FEED, b"adds")

    async def reads(tx: Transaction) -> list[bytes]:
        return await tx.records(FEED, 0, 100)

    in_the_way = "INSERT INTO entries VALUES (1, 2, x'00')"
    store, told, _ = await in_one_batch(
        tmp_path, [adds, adds, reads, adds, reads], in_the_way
    )

    with pytest.raises(CorruptLogError):
        await append(store, b"after")
    await store.close()
    assert told[0] == 0
    assert all(isinstance(each, StoreFailedError) for each in told[1:])


# Refuses to count once, although the transaction lives on, as for want of memory.
REFUSES_ONCE = (
    "CREATE TRIGGER refuses BEFORE INSERT ON spent "
    "WHEN (SELECT count(*) FROM entries) = 2 "
    "BEGIN SELECT RAISE(ABORT, 'not now'); END"
)


def test_after_a_refusal_nothing_goes_in_until_all_is_taken_back() -> None:
    given = Connected()
    given.raw.execute(REFUSES_ONCE)
    given.connection.begin()
    given.act(b"a", b"b")
    given.connection.begin_act()
    given.connection.execute(ADD_SPENT, ("shop", "recheck", 60, 1, 1, 1))
    given.connection.end_act()
    told: list[str] = []
    for sql in ("SELECT 1", "SELECT 2"):
        given.connection.begin_act()
        given.connection.execute(ENTRY, (1, given.entries(), b"lost"))
        with pytest.raises(sqlite3.IntegrityError) as caught:
            given.connection.execute(sql)
        told.append(str(caught.value))
        given.connection.undo_act()
    given.raw.execute("DROP TRIGGER refuses")
    with pytest.raises(sqlite3.IntegrityError):
        given.connection.commit()
    given.connection.rollback()
    lost = given.records()
    given.connection.begin()
    given.act(b"anew")
    given.connection.commit()

    assert told == ["not now", "not now"]
    assert lost == []
    assert given.records() == [b"anew"]


async def test_a_batch_whose_rows_were_refused_is_lost_as_a_whole(
    tmp_path: Path,
) -> None:
    async def reads(tx: Transaction) -> list[bytes]:
        await tx.append(FEED, b"of an act that fails")
        return await tx.records(FEED, 0, 100)

    acts = [counts("shop", 7), reads, reads]
    store, told, commits = await in_one_batch(tmp_path, acts, REFUSES_ONCE)
    from_outside(tmp_path, "DROP TRIGGER refuses")
    after = await append(store, b"after")
    records = await store.read(lambda reader: reader.records(FEED, 0, 100))
    shop = await store.read(lambda reader: reader.spent(0, "shop", "recheck"))
    report = await store.check_seal()
    await store.close()

    assert told[0] == 0
    assert all(isinstance(each, StoreFailedError) for each in told[1:])
    assert (commits, after) == (1, 1)
    assert records == [b"first", b"after"]
    assert shop == []
    assert report.faults == ()
