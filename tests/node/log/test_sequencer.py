# SPDX-License-Identifier: Apache-2.0
"""What the sequencer holds is what stands in the rows, and what was sealed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.databases import ClosedBehind

from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, leaf_hash, leaf_hashes
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import CorruptLogError, LogError, UnsealedLogError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.log.edge import Edge
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.sequencer import Sequencer, load_edge
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.rows import LogEntry, Opening, SealedOpening
from fedsafe_node.store.sql_logs import SqlLogRows
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection

FEED = "a.demo/feed"
AUDIT = "a.demo/audit"
OPENING = Opening("detail", bytes(32), b"payload")
NewSequencer = Callable[[], Sequencer]


class Reached(Faults):
    """Keeps the points that were come to."""

    __slots__ = ("points",)

    def __init__(self) -> None:
        self.points: list[FaultPoint] = []

    def reach(self, point: FaultPoint) -> None:
        self.points.append(point)

    def taken(self) -> list[FaultPoint]:
        points, self.points = self.points, []
        return points


@pytest.fixture
def raw(migrated: Path) -> Iterator[sqlite3.Connection]:
    """Give an empty database in memory, whose triggers are in nobody's way."""
    raw = sqlite3.connect(":memory:", isolation_level=None, factory=ClosedBehind)
    with closing(sqlite3.connect(migrated)) as empty:
        empty.backup(raw)
    with closing(raw):
        yield raw


@pytest.fixture
def rows(raw: sqlite3.Connection) -> SqlLogRows:
    return SqlLogRows(SqliteWriteConnection(raw))


@pytest.fixture
def faults() -> Reached:
    return Reached()


@pytest.fixture
def new_sequencer(keys: PeriodKeys, clock: Clock, faults: Reached) -> NewSequencer:
    return lambda: Sequencer(keys, clock, faults=faults)


@pytest.fixture
def one(new_sequencer: NewSequencer) -> Sequencer:
    return new_sequencer()


@pytest.fixture
def other(new_sequencer: NewSequencer) -> Sequencer:
    """Give the sequencer of another process."""
    return new_sequencer()


def records(start: int, stop: int) -> list[bytes]:
    return [b"%d" % number for number in range(start, stop)]


def entries(start: int, stop: int, *openings: Opening) -> list[LogEntry]:
    return [LogEntry(record, openings) for record in records(start, stop)]


def root_of(some: list[bytes]) -> bytes:
    edge = Edge()
    edge.extend(leaf_hashes(some))
    return edge.root()


def extend(sequencer: Sequencer, rows: SqlLogRows, start: int, stop: int) -> range:
    """Append numbered entries, in an act."""
    sequencer.begin_act()
    return sequencer.append_many(rows, FEED, entries(start, stop))


def pruned(size: int) -> PrunedRow:
    return PrunedRow(FEED, size, bytes(32), "2026-11", event=size, openings=0, at=7)


# --- places --------------------------------------------------------------------------


def test_one_none_and_many_entries_get_their_places(
    one: Sequencer, rows: SqlLogRows
) -> None:
    given = [extend(one, rows, *some) for some in ((0, 0), (0, 1), (1, 1), (1, 4))]

    assert given == [range(0), range(1), range(1, 1), range(1, 4)]
    assert rows.records_from(1, 0) == records(0, 4)


def test_an_opening_is_kept_with_its_entry_or_granted_later(
    one: Sequencer, rows: SqlLogRows, raw: sqlite3.Connection
) -> None:
    one.append(rows, FEED, b"0", [OPENING])
    one.append_many(rows, FEED, entries(1, 3, OPENING))
    one.append(rows, FEED, b"3", ())
    one.grant(rows, FEED, 3, OPENING)

    kept = raw.execute("SELECT idx, grp, period, sealed FROM openings ORDER BY idx")
    found = [SealedOpening(*row) for row in kept]
    assert [row.index for row in found] == [0, 1, 2, 3]
    assert [one.unseal(FEED, row) for row in found] == [OPENING] * 4
    erased = [one.erase(rows, FEED, 2, OPENING.group, at=7) for _ in range(2)]
    assert erased == [True, False]
    assert not one.erase(rows, AUDIT, 2, OPENING.group, at=7)


def test_a_crash_test_can_stop_it_at_each_point(
    one: Sequencer, rows: SqlLogRows, faults: Reached
) -> None:
    before, after = FaultPoint.LOG_BEFORE_APPEND, FaultPoint.LOG_AFTER_APPEND
    one.append(rows, FEED, b"0", [OPENING])
    one.append_many(rows, FEED, entries(1, TILE_WIDTH - 1))
    assert faults.taken() == [before, after, before, after]
    one.append(rows, FEED, b"255", ())
    one.append_many(rows, FEED, entries(256, 513))
    assert faults.taken() == [before, FaultPoint.LOG_AFTER_TILE, after] * 2
    one.erase(rows, FEED, 0, OPENING.group, at=7)
    one.prune(rows, pruned(TILE_WIDTH))

    pruning = [FaultPoint.LOG_BEFORE_PRUNE, FaultPoint.LOG_AFTER_PRUNE]
    assert faults.taken() == [FaultPoint.LOG_AFTER_ERASE, *pruning]


# --- what is held --------------------------------------------------------------------


def test_the_end_of_a_log_is_told_from_memory_or_from_the_rows(
    one: Sequencer, other: Sequencer, rows: SqlLogRows
) -> None:
    empty = one.tail(rows, FEED)
    extend(one, rows, 0, 770)
    held, read = one.tail(rows, FEED), other.tail(rows, FEED)

    assert (empty.size, empty.root, empty.leaves) == (0, EMPTY_ROOT, ())
    assert (held.size, held.root) == (770, root_of(records(0, 770)))
    assert held.leaves == (leaf_hash(b"768"), leaf_hash(b"769"))
    assert read == held


def test_only_what_has_grown_is_told(one: Sequencer, rows: SqlLogRows) -> None:
    extend(one, rows, 0, 1)
    one.append(rows, AUDIT, b"event", ())
    heads = {FEED: (1, leaf_hash(b"0")), AUDIT: (1, leaf_hash(b"event"))}

    assert one.grown({}) == heads
    assert one.grown(heads) == {}
    assert one.grown({AUDIT: heads[AUDIT]}) == {FEED: heads[FEED]}
    one.catch_up()
    assert one.grown({}) == {}  # nobody knows yet whether it is all of them


@pytest.mark.parametrize("more", [0, 1, TILE_WIDTH, TILE_WIDTH + 1, 700])
def test_it_goes_on_where_another_has_stopped(
    one: Sequencer, other: Sequencer, rows: SqlLogRows, more: int
) -> None:
    extend(one, rows, 0, 3)
    extend(other, rows, 3, 3 + more)
    one.catch_up()

    assert extend(one, rows, 3 + more, 5 + more) == range(3 + more, 5 + more)
    assert one.grown({}) == {FEED: (5 + more, root_of(records(0, 5 + more)))}


def test_what_was_forgotten_is_read_anew(
    one: Sequencer, other: Sequencer, rows: SqlLogRows
) -> None:
    extend(one, rows, 0, 2)
    extend(other, rows, 2, 3)
    one.catch_up()
    one.forget()
    one.undo_act()  # of which nothing is known any more

    assert extend(one, rows, 3, 4) == range(3, 4)
    assert one.grown({}) == {FEED: (4, root_of(records(0, 4)))}


def test_an_act_that_is_taken_back_leaves_each_log_where_it_was(
    one: Sequencer, rows: SqlLogRows, raw: sqlite3.Connection
) -> None:
    extend(one, rows, 0, 255)
    before = one.grown({})
    for _ in range(2):
        raw.execute("BEGIN")
        one.begin_act()
        one.append(rows, AUDIT, b"of a log that is new", ())
        one.append_many(rows, FEED, entries(255, 300))
        raw.execute("ROLLBACK")
        one.undo_act()
        assert one.grown({}) == before

    assert extend(one, rows, 255, 300) == range(255, 300)
    assert one.grown({}) == {FEED: (300, root_of(records(0, 300)))}


def test_a_log_of_three_levels_of_tiles_is_read_anew(rows: SqlLogRows) -> None:
    size = TILE_WIDTH**2 + TILE_WIDTH + 3
    edge, last = Edge(), records(size - 3, size)
    tiles = edge.extend([n.to_bytes(32) for n in range(size - 3)])
    edge.extend(leaf_hashes(last))
    number = rows.add_log(FEED)
    rows.add_tile_roots([(number, *tile) for tile in tiles])
    rows.add_entries((number, size - 3 + n, record) for n, record in enumerate(last))

    found = load_edge(rows, FEED, number)

    assert (found.size, found.root()) == (size, edge.root())


@pytest.mark.parametrize(
    "gone", ["entries WHERE idx = 768", "tile_roots WHERE idx = 1"]
)
def test_a_log_that_lacks_rows_at_its_end_is_not_taken_up(
    one: Sequencer,
    other: Sequencer,
    rows: SqlLogRows,
    raw: sqlite3.Connection,
    gone: str,
) -> None:
    extend(one, rows, 0, 770)
    for (trigger,) in raw.execute(
        "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    ).fetchall():
        raw.execute(f"DROP TRIGGER {trigger}")
    raw.execute(f"DELETE FROM {gone}")  # noqa: S608

    with pytest.raises(CorruptLogError, match="missing at its end"):
        other.tail(rows, FEED)


# --- what was sealed -----------------------------------------------------------------


def test_a_log_of_which_nothing_was_sealed_is_begun(
    one: Sequencer, other: Sequencer, rows: SqlLogRows
) -> None:
    extend(other, rows, 0, 0)  # its name is there, and no entry
    one.vouch({})

    assert extend(one, rows, 0, 1) == range(1)


@pytest.mark.parametrize("sealed", [(1, bytes(32)), (2, leaf_hash(b"0")), (0, b"")])
def test_other_entries_than_the_sealed_ones_are_not_taken_up(
    one: Sequencer, other: Sequencer, rows: SqlLogRows, sealed: tuple[int, bytes]
) -> None:
    extend(other, rows, 0, 1)
    one.vouch({FEED: sealed})

    for use in (lambda: extend(one, rows, 1, 2), lambda: one.tail(rows, FEED)):
        with pytest.raises(UnsealedLogError) as refused:
            use()
        assert (refused.value.sealed, refused.value.found) == (sealed[0], 1)
    assert rows.size_of(1) == 1


def test_a_forged_row_is_refused_and_once_it_is_gone_the_log_goes_on(
    one: Sequencer, rows: SqlLogRows, raw: sqlite3.Connection
) -> None:
    extend(one, rows, 0, 3)
    one.vouch(one.grown({}))
    one.catch_up()
    raw.execute("INSERT INTO entries SELECT id, 3, x'66' FROM logs")
    with pytest.raises(UnsealedLogError):
        extend(one, rows, 3, 4)
    raw.execute("DROP TRIGGER entries_no_delete")
    raw.execute("DELETE FROM entries WHERE idx = 3")

    assert extend(one, rows, 3, 4) == range(3, 4)
    assert one.grown({}) == {FEED: (4, root_of(records(0, 4)))}


# --- what is pruned ------------------------------------------------------------------


def test_each_tile_is_compared_with_its_own_root_before_it_goes(
    one: Sequencer, rows: SqlLogRows, raw: sqlite3.Connection
) -> None:
    extend(one, rows, 0, 1030)
    for size in (256, 512, 1024):
        one.prune(rows, pruned(size))

    kept = raw.execute("SELECT hashes FROM leaf_tiles ORDER BY idx").fetchall()
    assert [hashes for (hashes,) in kept] == [
        b"".join(leaf_hashes(records(start, start + TILE_WIDTH)))
        for start in (0, 256, 512, 768)
    ]
    with pytest.raises(LogError, match=r"of 1030 entries .* not 1024 are pruned"):
        one.prune(rows, pruned(1024))


def test_a_tile_that_was_changed_is_named_and_stays(
    one: Sequencer, rows: SqlLogRows, raw: sqlite3.Connection
) -> None:
    extend(one, rows, 0, 770)
    raw.execute("DROP TRIGGER entries_no_update")
    raw.execute("UPDATE entries SET record = x'66' WHERE idx = 300")

    with pytest.raises(CorruptLogError) as refused:
        one.prune(rows, pruned(768))
    assert (refused.value.index, refused.value.last) == (256, 511)
    assert rows.pruned_size(1) == 0
