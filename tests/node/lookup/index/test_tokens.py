# SPDX-License-Identifier: Apache-2.0
import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from fedsafe_node.ground.errors import CorruptIndexError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.lookup.index import builder, tokens
from fedsafe_node.lookup.index.bootstrap import merge_if_large
from fedsafe_node.lookup.index.segment import HEADER_BYTES, row_padding
from fedsafe_node.lookup.index.tokens import MAX_SEGMENTS, MERGE_AT, TokenIndex
from fedsafe_node.store.protocol import Store

STORE = b"s" * 16


def token(number: int) -> bytes:
    return number.to_bytes(4, "big") * 4


def fill(index: TokenIndex, first: int, last: int) -> None:
    rows = range(first, last + 1)
    index.add_many(b"".join(map(token, rows)), rows)


def test_a_merge_that_comes_after_the_end_changes_nothing(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path / "index", covered=3)
    fill(index, 1, 2)
    index.merge()
    fill(index, 3, 3)
    index.close()
    index.merge()

    again = TokenIndex.open(tmp_path / "index", covered=3)
    assert again.highest_row == 2  # the last one is read from the store
    assert again.rows(token(2)) == (2,)
    again.close()


class DiedError(Exception):
    """Stands for the node's death: nothing is tidied up."""


class Stop(Faults):
    """Raises at one point, as if the node had died there."""

    def __init__(self) -> None:
        self.at: FaultPoint | None = None

    def reach(self, point: FaultPoint) -> None:
        if point is self.at:
            raise DiedError(point)


class IndexBesideModel(RuleBasedStateMachine):
    """The index against a dict, over crashes, damage and restored databases."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.faults = Stop()
        self.store: dict[int, bytes] = {}
        self.newest = 0
        self.waiting: list[int] = []

    @initialize()
    def start(self) -> None:
        self.open()

    def teardown(self) -> None:
        self.index.close()
        shutil.rmtree(self.directory)

    def open(self) -> None:
        self.faults.at = None
        self.index = TokenIndex.open(
            self.directory, covered=self.newest, store=STORE, faults=self.faults
        )
        self.waiting.clear()
        assert self.index.highest_row <= self.newest
        later = [row for row in sorted(self.store) if row > self.index.highest_row]
        tokens = b"".join(self.store[row] for row in later)
        self.index.add_many(tokens, later, through=self.newest)

    @rule(numbers=st.lists(st.integers(0, 9), min_size=1, max_size=20))
    def add(self, numbers: list[int]) -> None:
        rows = range(self.newest + 1, self.newest + len(numbers) + 1)
        self.store |= dict(zip(rows, map(token, numbers), strict=True))
        self.newest = rows[-1]
        self.index.add_many(b"".join(map(token, numbers)), rows)

    @rule(number=st.integers(0, 9))
    def commit_without_adding_yet(self, number: int) -> None:
        self.newest += 1
        self.store[self.newest] = token(number)
        self.waiting.append(self.newest)

    @rule(data=st.data())
    def add_late(self, data: st.DataObject) -> None:
        if self.waiting:
            row = data.draw(st.sampled_from(self.waiting))
            self.waiting.remove(row)
            self.index.add(self.store[row], row)

    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        if self.store:
            row = data.draw(st.sampled_from(sorted(self.store)))
            del self.store[row]
            if row in self.waiting:
                self.waiting.remove(row)
            self.index.remove(row)

    @rule(full=st.booleans())
    def merge(self, full: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        self.index.merge(full=full)

    @rule(
        point=st.sampled_from(
            [FaultPoint.INDEX_BEFORE_RENAME, FaultPoint.INDEX_AFTER_RENAME]
        ),
        again=st.booleans(),
    )
    def die_in_a_merge(self, point: FaultPoint, again: bool) -> None:  # noqa: FBT001
        self.faults.at = point
        try:
            self.index.merge()
        except DiedError:
            self.faults.at = None
            self.check_answers()
            if again:
                self.index.merge()
        self.index.close()
        self.open()

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.open()

    @rule()
    def rebuild(self) -> None:
        pairs = [(known, row) for row, known in sorted(self.store.items())]
        self.index.rebuild(pairs, through=self.newest)
        self.waiting.clear()

    @rule(data=st.data())
    def lose_or_tear_a_segment(self, data: st.DataObject) -> None:
        self.index.close()
        files = sorted(self.directory.glob("*.segment"))
        if files:
            path = data.draw(st.sampled_from(files))
            if data.draw(st.booleans()):
                path.unlink()
            else:
                path.write_bytes(path.read_bytes()[:-3])
        self.open()

    @rule(lost=st.integers(1, 30))
    def put_an_older_database_back(self, lost: int) -> None:
        self.index.close()
        self.newest = max(0, self.newest - lost)
        self.store = {row: t for row, t in self.store.items() if row <= self.newest}
        self.open()

    @invariant()
    def check_answers(self) -> None:
        known = {r: t for r, t in self.store.items() if r not in self.waiting}
        expected = {
            token(n): tuple(r for r in sorted(known) if known[r] == token(n))
            for n in range(10)
        }
        batch = b"".join(expected)

        assert {t: self.index.rows(t) for t in expected} == expected
        assert self.index.probe_many(batch) == [
            (at, row) for at, rows in enumerate(expected.values()) for row in rows
        ]
        first_waiting = min(self.waiting, default=self.newest + 1)
        assert self.index.highest_row < first_waiting
        assert len(list(self.directory.glob("*.segment"))) <= MAX_SEGMENTS
        self.index.check()


IndexBesideModel.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None
)
TestIndexBesideModel = IndexBesideModel.TestCase


def test_merged_tokens_are_there_after_a_restart(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 100)
    index.merge()
    fill(index, 101, 110)
    index.close()
    again = TokenIndex.open(tmp_path, covered=110)

    assert again.highest_row == 100
    assert again.rows(token(7)) == (7,)
    assert again.rows(token(105)) == ()
    assert again.discarded == ()
    again.close()


def test_a_merge_counts_from_its_rename_on(tmp_path: Path) -> None:
    faults = Stop()
    index = TokenIndex.open(tmp_path, covered=0, faults=faults)
    fill(index, 1, 90)
    index.merge()
    fill(index, 91, 100)
    faults.at = FaultPoint.INDEX_AFTER_RENAME
    with pytest.raises(DiedError):
        index.merge(full=True)
    again = TokenIndex.open(tmp_path, covered=100)

    assert again.highest_row == 100
    assert [path.name for path in tmp_path.glob("*.segment")] == [
        "tokens-0-100.segment"
    ]
    index.close()
    again.close()


def test_a_removed_token_leaves_the_disk_also_after_a_kill(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 100)
    index.merge()
    index.remove(55)
    killed = TokenIndex.open(tmp_path, covered=100)

    assert killed.rows(token(55)) == ()
    killed.merge(full=True)
    halves = token(55)[:8][::-1]
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert not any(halves in data for data in files)
    assert any(token(54)[:8][::-1] in data for data in files)
    index.close()
    killed.close()


def test_a_late_row_holds_the_highest_row_back(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    index.add(token(1), 1)
    index.add(token(3), 3)
    index.add(token(3), 3)
    index.merge()

    assert index.highest_row == 1
    assert index.rows(token(3)) == (3,)
    index.add(token(2), 2)
    assert index.highest_row == 3
    index.close()


def test_a_segment_of_another_store_is_discarded(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0, store=STORE)
    fill(index, 1, 9)
    index.merge()
    index.close()
    other = TokenIndex.open(tmp_path, covered=9, store=b"t" * 16)

    assert other.highest_row == 0
    assert "another store" in other.discarded[0]
    other.close()


def test_a_renamed_segment_is_discarded(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 9)
    index.merge()
    index.close()
    (tmp_path / "tokens-0-9.segment").rename(tmp_path / "tokens-0-10.segment")
    again = TokenIndex.open(tmp_path, covered=10)

    assert again.highest_row == 0
    assert "renamed" in again.discarded[0]
    again.close()


def test_a_database_that_was_put_back_discards_the_index(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 9)
    index.merge()
    index.close()
    again = TokenIndex.open(tmp_path, covered=8)

    assert again.highest_row == 0
    assert "the store only 8" in again.discarded[0]
    again.close()


def rot(path: Path, at: int) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        (byte,) = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 1]))


def test_no_segment_with_a_rotten_byte_is_opened(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 9)
    index.merge()
    index.close()
    path = tmp_path / "tokens-0-9.segment"
    whole = path.read_bytes()
    padding = range(HEADER_BYTES + 20 * 9, HEADER_BYTES + 20 * 9 + row_padding(9))
    for at in (at for at in range(len(whole)) if at not in padding):
        path.write_bytes(whole)
        rot(path, at)
        again = TokenIndex.open(tmp_path, covered=9)
        assert (again.highest_row, len(again.discarded)) == (0, 1), at
        again.close()


def test_bits_that_rot_later_are_found_by_the_check(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 9)
    index.merge()
    index.check()
    rot(tmp_path / "tokens-0-9.segment", 200)

    with pytest.raises(CorruptIndexError, match="digest"):
        index.check()
    index.rebuild([(token(row), row) for row in range(1, 10)])
    index.check()
    assert index.highest_row == 9
    index.close()


def test_segments_stay_few_and_large_ones_are_left_alone(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 4000)
    index.merge()
    large = (tmp_path / "tokens-0-4000.segment").stat().st_ino
    for first in range(4001, 4401, 20):
        fill(index, first, first + 19)
        index.merge()
        assert len(list(tmp_path.glob("*.segment"))) <= MAX_SEGMENTS

    assert (tmp_path / "tokens-0-4000.segment").stat().st_ino == large
    assert all(index.rows(token(row)) == (row,) for row in range(1, 4401))
    assert index.size_on_disk < 21 * 4400 + MAX_SEGMENTS * 160
    index.close()


def test_a_merge_is_wanted_once_the_dict_is_large(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, MERGE_AT)
    before = index.wants_merge
    fill(index, MERGE_AT + 1, MERGE_AT + 1)

    assert (before, index.wants_merge) == (False, True)
    index.merge()
    assert not index.wants_merge
    assert len(index) == MERGE_AT + 1
    index.close()


def test_many_are_found_among_those_in_memory_wherever_they_stand(
    tmp_path: Path,
) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    for row in (1, 2, 3):
        index.add(token(row), row)
    asked = [token(1_000 + at) for at in range(1_600)]
    asked[0], asked[511], asked[512], asked[1_599] = map(token, (1, 2, 3, 1))

    found = index.probe_many(b"".join(asked))

    assert found == [(0, 1), (511, 2), (512, 3), (1_599, 1)]
    index.close()


def test_a_large_store_is_rebuilt_in_parts(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    count = 2 * MERGE_AT + 10
    index.rebuild(((token(row), row) for row in range(1, count + 1)), through=count + 5)

    assert index.highest_row == count + 5
    assert len(index) == count
    assert index.probe_many(token(1) + token(count)) == [(0, 1), (1, count)]
    index.close()


@pytest.mark.parametrize(
    ("tokens", "rows"),
    [
        (b"short", [1]),
        (bytes(16), []),
        (bytes(16), [1, 2]),
        (bytes(16), [0]),
        (bytes(16), [-1]),
        (bytes(16), [2**32]),
    ],
)
def test_what_does_not_fit_is_refused_whole(
    tmp_path: Path, tokens: bytes, rows: list[int]
) -> None:
    index = TokenIndex.open(tmp_path, covered=0)

    with pytest.raises(ValueError, match=r"want 16 bytes|rows lie"):
        index.add_many(tokens, rows)
    assert len(index) == 0
    index.close()


def test_readers_and_the_writer_go_on_during_a_merge(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 20_000)
    done, wrong = Event(), list[int]()

    def read() -> None:
        row = 1
        while not done.is_set():
            if index.rows(token(row)) != (row,):
                wrong.append(row)
            row = row % 20_000 + 1

    def merge() -> None:
        for _ in range(30):
            index.merge(full=True)

    threads = [Thread(target=read), Thread(target=merge)]
    for thread in threads:
        thread.start()
    for row in range(20_001, 30_001):
        index.add(token(row), row)
    threads[1].join()
    done.set()
    threads[0].join()

    assert wrong == []
    assert index.highest_row == 30_000
    assert all(index.rows(token(row)) == (row,) for row in range(1, 30_001))
    index.close()


async def test_the_event_loop_is_never_blocked(tmp_path: Path) -> None:
    index = await asyncio.to_thread(TokenIndex.open, tmp_path, covered=0)
    fill(index, 1, 10)
    merge = asyncio.create_task(asyncio.to_thread(index.merge))
    index.add(token(11), 11)
    index.remove(3)
    await merge

    assert index.rows(token(3)) == ()
    assert index.rows(token(11)) == (11,)
    await asyncio.to_thread(index.close)


def test_a_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 50)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            index.merge()
    assert [path.name for path in tmp_path.iterdir()] == ["removed"]
    assert all(index.rows(token(row)) == (row,) for row in range(1, 51))
    index.merge()
    assert len(list(tmp_path.glob("*.segment"))) == 1
    index.close()


def test_a_segment_for_which_there_is_no_room_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 50)
    size = HEADER_BYTES + 50 * 20

    def nearly_full(_: int) -> SimpleNamespace:
        return SimpleNamespace(f_bavail=size, f_frsize=1)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fstatvfs", nearly_full)
        patch.setattr(builder, "_append", pytest.fail)
        with pytest.raises(OSError, match="no room"):
            index.merge()
    was_stuck = index.is_stuck
    assert all(index.rows(token(row)) == (row,) for row in range(1, 51))
    index.merge()
    assert (was_stuck, index.is_stuck) == (True, False)
    index.close()


async def test_of_many_acts_at_once_one_merges(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = await asyncio.to_thread(TokenIndex.open, tmp_path, covered=0)
    merges: list[bool] = []

    def count(*, full: bool) -> None:
        merges.append(full)

    monkeypatch.setattr(tokens, "MERGE_AT", 0)
    monkeypatch.setattr(index, "merge", count)
    fill(index, 1, 5)
    store = cast("Store", None)  # without removals nothing asks it
    await asyncio.gather(*(merge_if_large(index, store) for _ in range(20)))

    assert merges == [False]
    await asyncio.to_thread(index.close)


def test_after_closing_a_late_removal_writes_nowhere(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path / "index", covered=0)
    index.close()
    (tmp_path / "other").touch()
    with (tmp_path / "other").open("rb+") as next_file:
        index.remove(5)
        assert next_file.read() == b""


def test_a_point_read_needs_no_numpy() -> None:
    code = (
        "import fedsafe_node.lookup.index.tokens, sys; sys.exit('numpy' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_token_is_shown(tmp_path: Path) -> None:
    index = TokenIndex.open(tmp_path, covered=0)
    fill(index, 1, 3)

    assert repr(index) == "<TokenIndex of 3 tokens up to row 3>"
    index.close()
