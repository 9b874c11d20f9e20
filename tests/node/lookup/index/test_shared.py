# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fedsafe_node.lookup.index.shared import SharedTokenIndex
from fedsafe_node.lookup.index.tokens import MAX_SEGMENTS

STORE = b"s" * 16
MERGER = """
import sys
from pathlib import Path
from fedsafe_node.lookup.index.shared import SharedTokenIndex

index = SharedTokenIndex.share(Path(sys.argv[1]), store=b"s" * 16)
for start in range(int(sys.argv[2]), int(sys.argv[3]), 50):
    rows = range(start, start + 50)
    index.add_many(b"".join(row.to_bytes(4, "big") * 4 for row in rows), rows)
    index.merge()
"""


def token(number: int) -> bytes:
    return number.to_bytes(4, "big") * 4


def fill(index: SharedTokenIndex, first: int, last: int) -> None:
    rows = range(first, last + 1)
    index.add_many(b"".join(map(token, rows)), rows)


def first(directory: Path) -> SharedTokenIndex:
    return SharedTokenIndex.open(directory, covered=0, store=STORE)


def another(directory: Path) -> SharedTokenIndex:
    return SharedTokenIndex.share(directory, store=STORE)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.glob("tokens-*"))


def spoil_unseen(path: Path) -> None:
    """Let nobody open a segment again, and nobody see that it was changed."""
    status = path.stat()
    with path.open("r+b") as file:
        file.write(b"no segment")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_what_one_process_merged_the_other_maps(tmp_path: Path) -> None:
    leader = first(tmp_path)
    fill(leader, 1, 100)
    leader.merge()
    follower = another(tmp_path)

    assert follower.highest_row == 100
    assert [follower.rows(token(row)) for row in (1, 100, 101)] == [(1,), (100,), ()]
    assert follower.in_memory == 0


def test_a_merge_takes_its_rows_out_of_the_others_memory(tmp_path: Path) -> None:
    leader = first(tmp_path)
    fill(leader, 1, 100)
    follower = another(tmp_path)
    fill(follower, 1, 110)
    leader.merge()

    follower.follow()

    assert follower.in_memory == 10
    assert all(follower.rows(token(row)) == (row,) for row in range(1, 111))
    assert follower.highest_row == 110


def test_a_follower_opens_no_file_twice_and_removes_none(tmp_path: Path) -> None:
    leader = first(tmp_path)
    fill(leader, 1, 1_000)
    leader.merge()
    follower = another(tmp_path)
    fill(leader, 1_001, 1_010)
    leader.merge()
    spoil_unseen(tmp_path / names(tmp_path)[0])
    stray = tmp_path / "tokens-5-7.segment"
    stray.write_bytes(b"a draft of another process")

    fill(follower, 1_001, 1_010)
    follower.follow()

    assert len(names(tmp_path)) == 3
    assert follower.in_memory == 0


def test_a_removal_of_any_process_leaves_the_disk_with_the_next_merge(
    tmp_path: Path,
) -> None:
    leader = first(tmp_path)
    fill(leader, 1, 100)
    leader.merge()
    follower = another(tmp_path)
    follower.remove(7)
    leader.remove(8)

    leader.merge(full=True)
    follower.follow()

    assert follower.removed == leader.removed == frozenset()
    assert [follower.rows(token(row)) for row in (6, 7, 8)] == [(6,), (), ()]
    (segment,) = tmp_path.glob("tokens-*")
    assert token(7)[:8] not in segment.read_bytes()


def test_a_removal_is_followed_before_a_merge(tmp_path: Path) -> None:
    leader, follower = first(tmp_path), another(tmp_path)
    for index in (leader, follower):
        fill(index, 1, 10)

    follower.remove(7)
    leader.follow()

    assert leader.rows(token(7)) == ()
    assert leader.removed == {7}


def test_whoever_merges_next_goes_on_from_the_others_segments(tmp_path: Path) -> None:
    one, other = first(tmp_path), another(tmp_path)
    fill(one, 1, 100)
    fill(other, 1, 200)
    one.merge()

    other.merge()
    one.follow()

    assert one.highest_row == 200
    assert one.in_memory == other.in_memory == 0
    assert len(names(tmp_path)) <= MAX_SEGMENTS
    assert one.rows(token(150)) == (150,)


def test_segments_beyond_the_store_are_let_go(tmp_path: Path) -> None:
    leader = first(tmp_path)
    fill(leader, 1, 100)
    leader.merge()
    follower = another(tmp_path)

    assert not follower.trim(100)
    assert follower.trim(99)
    assert follower.highest_row == 0
    assert follower.rows(token(1)) == ()
    assert names(tmp_path)


def test_segments_of_another_store_are_not_taken(tmp_path: Path) -> None:
    leader = first(tmp_path)
    fill(leader, 1, 100)
    leader.merge()

    follower = SharedTokenIndex.share(tmp_path, store=b"t" * 16)

    assert follower.highest_row == 0
    assert names(tmp_path)


def test_processes_that_merge_at_once_lose_no_token(tmp_path: Path) -> None:
    first(tmp_path).close()
    command = [sys.executable, "-c", MERGER, str(tmp_path)]
    spans = (("1", "501"), ("501", "1001"))

    running = [subprocess.Popen([*command, *span], env=os.environ) for span in spans]
    follower = another(tmp_path)
    while any(child.poll() is None for child in running):
        follower.follow()
    follower.follow()

    assert [child.returncode for child in running] == [0, 0]
    last = follower.highest_row
    assert all(follower.rows(token(row)) == (row,) for row in range(1, last + 1))
    assert last in {500, 1_000}


class SeveralProcesses(RuleBasedStateMachine):
    """Three processes against the store's rows, over starts, merges and removals."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.newest = 0
        self.gone: set[int] = set()

    @initialize()
    def start(self) -> None:
        self.all = [first(self.directory)]
        self.all += [another(self.directory) for _ in range(2)]

    def teardown(self) -> None:
        for index in self.all:
            index.close()
        shutil.rmtree(self.directory)

    def catch_up(self, index: SharedTokenIndex) -> None:
        rows = [
            row
            for row in range(index.highest_row + 1, self.newest + 1)
            if row not in self.gone
        ]
        tokens = b"".join(token(row % 50) for row in rows)
        index.add_many(tokens, rows, through=self.newest)

    @rule(at=st.integers(0, 2), count=st.integers(1, 30))
    def publish(self, at: int, count: int) -> None:
        rows = range(self.newest + 1, self.newest + 1 + count)
        self.newest += count
        self.all[at].add_many(b"".join(token(row % 50) for row in rows), rows)

    @rule(at=st.integers(0, 2), row=st.integers(1, 200))
    def remove(self, at: int, row: int) -> None:
        if row <= self.newest:
            self.gone.add(row)
            self.all[at].remove(row)

    @rule(at=st.integers(0, 2), full=st.booleans())
    def merge(self, at: int, full: bool) -> None:  # noqa: FBT001 - drawn
        self.all[at].merge(full=full)

    @rule(at=st.integers(0, 2))
    def follow(self, at: int) -> None:
        self.all[at].follow()

    @rule(at=st.integers(0, 2))
    def restart(self, at: int) -> None:
        self.all[at].close()
        self.all[at] = another(self.directory)
        self.all[at].trim(self.newest)

    @invariant()
    def what_is_there_is_found_everywhere(self) -> None:
        for index in self.all:
            self.catch_up(index)
            for number in range(50):
                rows = {
                    row
                    for row in range(1, self.newest + 1)
                    if row % 50 == number and row not in self.gone
                }
                assert rows <= set(index.rows(token(number)))


TestSeveralProcesses = SeveralProcesses.TestCase
TestSeveralProcesses.settings = settings(max_examples=30, stateful_step_count=20)
