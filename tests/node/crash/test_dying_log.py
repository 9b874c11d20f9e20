# SPDX-License-Identifier: Apache-2.0
"""Nothing is built on a write-ahead log that the disk may not have.

The kernel's calls are traced, and a power cut leaves of the files what was synced
by then. As on Linux, a sync that fails takes all for clean that was written before.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.programs import program

NAMES: Final = ("node.db", "node.db-wal")
CALLS: Final = "trace=pwrite64,write,ftruncate,fsync,fdatasync,unlink"
CALL: Final = re.compile(
    r'(?P<call>\w+)\((?:\d+<)?"?(?P<path>[x0-9a-f\\]+)[">]'
    r'(?:, "(?P<data>[^"]*)")?(?:, (?P<numbers>[\d, ]+))?\) += (?P<result>-?\d+)'
)
REFUSED: Final = "fdatasync:error=EIO"
Change = tuple[int, bytes] | int


def plain(escaped: str) -> bytes:
    return bytes.fromhex(escaped.replace("\\x", ""))


class Disk:
    """What is on the disk of the files of a store, and what only the kernel has."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.safe: dict[str, bytearray] = {}
        self.unsafe: dict[str, list[Change]] = {}

    def live(self, record: str, end: str, fault: str | None = None) -> list[str]:
        """Let a store live once, with a fault of the calls for its files."""
        strace = program("strace", "strace")
        trace, child = self.directory / "trace", Path(__file__).parent / "dying_log.py"
        command = [strace, "-f", "-y", "-xx", "-s", "9999999", "-e", "signal=none"]
        command += ["-qqq", "-e", CALLS, "-o", str(trace)]
        command += ["-e", f"inject={fault}"] if fault is not None else []
        if fault is None or "signal" not in fault:
            command.append("--seccomp-bpf")  # faster, but it sends no signals
        for name in NAMES:
            command += ["-P", str(self.directory / name)]
        command += [sys.executable, str(child), str(self.directory), record, end]
        done = subprocess.run(  # noqa: PLW1510 - it is killed
            command, capture_output=True, text=True
        )
        assert done.stderr == ""
        for line in trace.read_text().splitlines():
            self.hear(line)
        return done.stdout.splitlines()

    def hear(self, line: str) -> None:
        found = CALL.search(line)
        if found is None:
            assert "= ?" in line or "unfinished" in line, line[:200]  # it was killed
            return
        call, name = found["call"], Path(plain(found["path"]).decode()).name
        numbers = [int(each) for each in (found["numbers"] or "").split(",") if each]
        changes = self.unsafe.setdefault(name, [])
        if call in {"fsync", "fdatasync"}:
            if found["result"] == "0":
                self.sync(name, changes)
            changes.clear()
        elif found["result"] == "-1":
            return
        elif call == "pwrite64":
            changes.append((numbers[1], plain(found["data"])[: int(found["result"])]))
        elif call == "ftruncate":
            changes.append(numbers[0])
        else:
            assert call == "unlink"
            self.safe.pop(name, None)
            changes.clear()

    def sync(self, name: str, changes: list[Change]) -> None:
        file = self.safe.setdefault(name, bytearray())
        for change in changes:
            if isinstance(change, int):
                del file[change:]
                file.extend(bytes(change - len(file)))
            else:
                at, data = change
                file.extend(bytes(max(0, at - len(file))))
                file[at : at + len(data)] = data

    def cut_power(self) -> None:
        (self.directory / "node.db-shm").unlink(missing_ok=True)
        for name in NAMES:
            (self.directory / name).unlink(missing_ok=True)
            if name in self.safe:
                (self.directory / name).write_bytes(self.safe[name])
        self.unsafe.clear()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """Give a disk that refused the last commit of a store and lost it, unseen."""
    disk = Disk(tmp_path)
    assert disk.live("first", "killed") == ["found", "kept"]
    told = disk.live("second", "closed", REFUSED)
    assert told == ["found first", "refused True"]
    return disk


def test_what_is_kept_behind_a_refused_commit_outlives_a_power_cut(disk: Disk) -> None:
    assert disk.live("third", "killed") == ["found first second", "kept"]
    disk.cut_power()

    assert disk.live("last", "killed") == ["found first second third", "kept"]


def test_what_an_opened_store_shows_is_durable_already(disk: Disk) -> None:
    at_commit = "fdatasync:signal=KILL:when=1"
    assert disk.live("third", "killed", at_commit) == ["found first second"]
    disk.cut_power()

    assert disk.live("last", "killed") == ["found first second", "kept"]


def test_a_refused_commit_that_the_power_cut_took_is_not_there_in_part(
    disk: Disk,
) -> None:
    disk.cut_power()

    assert disk.live("third", "killed") == ["found first", "kept"]


def test_a_store_whose_log_cannot_be_made_durable_is_not_opened(disk: Disk) -> None:
    assert disk.live("third", "killed", "fsync:error=EIO") == ["shut"]
    assert disk.live("third", "killed") == ["found first second", "kept"]
    disk.cut_power()

    assert disk.live("last", "killed") == ["found first second third", "kept"]


@pytest.mark.parametrize("moment", ["pwrite64:1", "pwrite64:2", "fsync:1"])
def test_a_store_that_is_killed_while_it_is_opened_loses_nothing(
    disk: Disk, moment: str
) -> None:
    call, when = moment.split(":")
    assert disk.live("third", "killed", f"{call}:signal=KILL:when={when}") == []
    assert disk.live("third", "killed") == ["found first second", "kept"]
    disk.cut_power()

    assert disk.live("last", "killed") == ["found first second third", "kept"]
