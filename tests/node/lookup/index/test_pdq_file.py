# SPDX-License-Identifier: Apache-2.0
"""Tables on disk, and in memory that has no name."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fedsafe_node.ground.errors import PictureIndexError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.ground.outside_key import OutsideKey
from fedsafe_node.lookup.index.pdq import PdqIndex
from fedsafe_node.lookup.index.pdq_file import (
    MAGIC,
    MOST_MISSING,
    Covered,
    PictureFile,
    covering,
    keep_only,
    open_rows,
    write_tables,
)
from fedsafe_node.lookup.index.pdq_memory import Memory
from fedsafe_node.lookup.index.pdq_tables import Layout, Tables

KEY = OutsideKey(bytes(range(32)))
STORE = b"one store"
COUNT = 40_000  # so that not all rows are in the first chunk
RNG = np.random.default_rng(23)
COLUMNS = RNG.integers(0, 1 << 64, (4, COUNT), np.uint64)
COVERED = Covered(STORE, COUNT + 7, (3, 9))
Change = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def tables() -> Tables:
    return Tables(np.arange(1, COUNT + 1, dtype=np.uint32), COLUMNS)


@pytest.fixture(scope="module")
def written(tables: Tables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("index")
    write_tables(directory, tables, KEY, COVERED)
    (path,) = directory.iterdir()
    return path


def identity_of(path: Path) -> bytes:
    return bytes.fromhex(path.stem.removeprefix("pictures-"))


def opened(path: Path, key: OutsideKey = KEY, store: bytes = STORE) -> PictureFile:
    file = open_rows(path.parent, identity_of(path), key, store, Memory.private)
    file.open_rest()
    return file


def digest(row: int) -> bytes:
    return COLUMNS[:, row - 1].tobytes()


def test_what_was_written_is_found_again(written: Path, tables: Tables) -> None:
    file = opened(written)
    file.tables.is_built = True
    file.tables.check()
    index = PdqIndex()
    index.adopt((file.tables,))

    assert bytes(file.tables.memory.buffer) == bytes(tables.memory.buffer)
    assert (file.head.through, file.head.missing) == (COUNT + 7, [3, 9])
    assert index.query(digest(5)) == [(5, 0)]
    assert written.stat().st_mode & 0o777 == 0o600


def test_shared_memory_is_filled_and_then_closed_to_writers(
    written: Path, tables: Tables
) -> None:
    file = open_rows(written.parent, identity_of(written), KEY, STORE, Memory.shared)
    descriptor = file.tables.memory.descriptor
    assert descriptor is not None
    file.open_rest()

    assert bytes(file.tables.memory.buffer) == bytes(tables.memory.buffer)
    with pytest.raises(PermissionError):
        os.pwrite(descriptor, b"x", 0)


def test_rows_are_compared_before_the_tables_are_open(written: Path) -> None:
    identity = identity_of(written)
    file = open_rows(written.parent, identity, KEY, STORE, Memory.private)
    index = PdqIndex()
    index.adopt((file.tables,))

    assert [index.query(digest(row)) for row in (1, COUNT)] == [[(1, 0)], [(COUNT, 0)]]
    index.remove(1)
    file.open_rest()
    index.finish(file.tables)

    assert index.query(digest(1)) == []
    assert index.query(digest(COUNT)) == [(COUNT, 0)]


def cut(content: bytes) -> bytes:
    return content[: -(1 << 20) - 16]


def changed(at: float) -> Change:
    def change(content: bytes) -> bytes:
        place = int(at * (len(content) - 1))
        return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]

    return change


def swapped(content: bytes) -> bytes:
    size = (1 << 20) + 16
    begin = len(content) - 4 * size
    one, other = content[begin : begin + size], content[begin + size :][:size]
    return content[:begin] + other + one + content[begin + 2 * size :]


@pytest.mark.parametrize(
    "change",
    [cut, swapped, changed(0), changed(0.0001), changed(0.5), changed(1), bytes.lower],
    ids=["cut", "swapped", "magic", "head", "middle", "end", "much"],
)
def test_a_file_that_was_changed_is_refused(
    written: Path, tmp_path: Path, change: Change
) -> None:
    path = tmp_path / written.name
    path.write_bytes(change(written.read_bytes()))

    with pytest.raises(PictureIndexError, match=r"pictures-"):
        opened(path)


def test_a_file_in_the_place_of_another_is_refused(
    written: Path, tables: Tables, tmp_path: Path
) -> None:
    identity = write_tables(tmp_path, tables, KEY, COVERED)
    (path,) = tmp_path.iterdir()
    path.write_bytes(written.read_bytes())

    with pytest.raises(PictureIndexError, match="of another node"):
        open_rows(tmp_path, identity, KEY, STORE, Memory.private)


def test_a_file_of_another_key_or_store_is_refused(written: Path) -> None:
    with pytest.raises(PictureIndexError, match="under the outside key"):
        opened(written, OutsideKey(bytes(32)))
    with pytest.raises(PictureIndexError, match="of another node"):
        opened(written, store=b"another")
    with pytest.raises(PictureIndexError, match="No such file"):
        open_rows(written.parent, bytes(32), KEY, STORE, Memory.private)


def runs_of(content: bytes) -> set[bytes]:
    return {content[at : at + 8] for at in range(len(content) - 7)}


def test_no_part_of_a_digest_lies_in_a_file(tmp_path: Path) -> None:
    some = Tables(np.arange(1, 1_001, dtype=np.uint32), COLUMNS[:, :1_000])
    write_tables(tmp_path, some, KEY, COVERED)
    (path,) = tmp_path.iterdir()
    listed = {run for row in range(1, 1_001) for run in runs_of(digest(row))} | {
        COLUMNS[word, row].tobytes() for word in range(4) for row in range(1_000)
    }

    # The same search in what the key opens finds all, so it could find something.
    assert not listed & runs_of(path.read_bytes())
    plain = runs_of(bytes(opened(path).tables.memory.buffer))
    assert all(COLUMNS[0, row].tobytes() in plain for row in range(1_000))


def test_what_is_not_there_is_covered_by_no_file(tables: Tables) -> None:
    ids = np.arange(1, COUNT + 4, dtype=np.uint32)

    covered = covering(STORE, [tables], ids, COUNT + 9)
    none = covering(STORE, [], np.arange(1, 100_000, dtype=np.uint32), 100_000)

    assert covered == Covered(STORE, COUNT + 9, [COUNT + 1, COUNT + 2, COUNT + 3])
    assert covered.first_missing == COUNT
    assert (none.through, len(none.missing)) == (MOST_MISSING, MOST_MISSING)


class Dies(Faults):
    def reach(self, point: FaultPoint) -> None:
        if point is FaultPoint.PICTURES_BEFORE_RENAME:
            raise KeyboardInterrupt


def test_an_unfinished_file_is_removed(tables: Tables, tmp_path: Path) -> None:
    kept = write_tables(tmp_path, tables, KEY, COVERED)
    with pytest.raises(KeyboardInterrupt):
        write_tables(tmp_path, tables, KEY, COVERED, Dies())
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / "pictures-ff.part").write_bytes(MAGIC)  # as a kill leaves it
    write_tables(tmp_path, tables, KEY, COVERED)

    keep_only(tmp_path, [kept])

    assert [identity_of(path) for path in tmp_path.iterdir()] == [kept]


def test_a_kill_leaves_the_file_before(tables: Tables, tmp_path: Path) -> None:
    kept = write_tables(tmp_path, tables, KEY, COVERED)
    code = (
        "import os, pathlib, signal, sys\n"
        "import numpy as np\n"
        "from fedsafe_node.ground.faults import Faults\n"
        "from fedsafe_node.ground.outside_key import OutsideKey\n"
        "from fedsafe_node.lookup.index.pdq_file import Covered, write_tables\n"
        "from fedsafe_node.lookup.index.pdq_tables import Tables\n"
        "class Killed(Faults):\n"
        "    def reach(self, point):\n"
        "        if point == sys.argv[2]: os.kill(os.getpid(), signal.SIGKILL)\n"
        "tables = Tables(np.ones(1, np.uint32), np.ones((4, 1), np.uint64))\n"
        "covered = Covered(b'one store', 1)\n"
        "key = OutsideKey(bytes(range(32)))\n"
        "write_tables(pathlib.Path(sys.argv[1]), tables, key, covered, Killed())\n"
    )
    points = (FaultPoint.PICTURES_BEFORE_RENAME, FaultPoint.PICTURES_AFTER_RENAME)
    for point in points:
        command = [sys.executable, "-P", "-c", code, str(tmp_path), point.value]
        assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 3

    keep_only(tmp_path, [kept])  # which the store names on

    (path,) = tmp_path.iterdir()
    assert opened(path).head.count == COUNT


def test_what_was_removed_here_is_removed_from_tables_of_others() -> None:
    index = PdqIndex()
    index.remove(5)
    index.adopt((shared_tables(),))
    index.remove(6)
    index.adopt((shared_tables(),))  # whose maker knows of neither
    index.adopt((shared_tables(),))

    assert [index.query(digest(row)) for row in (5, 6)] == [[], []]
    assert index.query(digest(7)) == [(7, 0)]
    assert len(index) == 2_000 - 2


def shared_tables() -> Tables:
    ids = np.arange(1, 2_001, dtype=np.uint32)
    return Tables(ids, COLUMNS[:, :2_000], Memory.shared)


def test_another_process_attaches_only_to_read() -> None:
    tables = shared_tables()
    descriptor = tables.memory.descriptor
    assert descriptor is not None
    size = Layout.of(2_000).size

    code = (
        "import mmap, os, sys\n"
        "from fedsafe_node.lookup.index.pdq_memory import Memory\n"
        "from fedsafe_node.lookup.index.pdq_tables import Tables\n"
        "from fedsafe_node.lookup.index.pdq import PdqIndex\n"
        "descriptor, size = map(int, sys.argv[1:3])\n"
        "index = PdqIndex()\n"
        "index.adopt((Tables.attach(2_000, Memory.attach(descriptor, size)),))\n"
        "print(index.query(bytes.fromhex(sys.argv[3])))\n"
        "for attempt in (lambda: os.ftruncate(descriptor, 0),\n"
        "                lambda: os.pwrite(descriptor, b'x', 0),\n"
        "                lambda: mmap.mmap(descriptor, size)):\n"
        "    try: attempt()\n"
        "    except OSError: print('refused')\n"
    )
    arguments = [str(descriptor), str(size), digest(7).hex()]
    told = subprocess.run(
        [sys.executable, "-P", "-c", code, *arguments],
        pass_fds=[descriptor],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told.splitlines() == [
        "[Match(id=7, distance=0)]",
        *["refused"] * 3,
    ]


def test_memory_that_is_not_as_it_was_made_is_refused() -> None:
    descriptor = os.memfd_create("other")
    os.ftruncate(descriptor, 4_096)

    with pytest.raises(PictureIndexError, match="not as it was made"):
        Memory.attach(descriptor, 4_096)
    made = shared_tables()
    assert made.memory.descriptor is not None
    descriptor = os.dup(made.memory.descriptor)
    with pytest.raises(PictureIndexError, match="not as it was made"):
        Memory.attach(descriptor, 4_096)


def test_memory_goes_into_no_core() -> None:
    tables = [shared_tables(), Tables(np.ones(1, np.uint32), COLUMNS[:, :1])]
    wanted = {each.ids.ctypes.data for each in tables}
    flags: dict[int, set[str]] = {}
    start = 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *rest = line.split()
        if "-" in first and not first.endswith(":"):
            start = int(first.partition("-")[0], 16)
        elif first == "VmFlags:":
            flags[start] = set(rest)

    assert all("dd" in flags[start] for start in wanted)
