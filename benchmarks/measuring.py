# SPDX-License-Identifier: Apache-2.0
"""What all scripts here share: interleaved rounds, medians, CPU time, the table.

A round takes each piece of work once, in turn, so that a busy moment of the machine
falls on all of them; the first round only warms up. What is reported are medians
over the rounds, and of ratios the median of each round's ratio.
"""

import argparse
import atexit
import ctypes
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter, process_time, sleep

Work = Callable[[], int]  # does some of it and says how much
Row = dict[str, str | int | float]
SYNC = "fdatasync"
_BLOCK = bytes(4096)
_SYNC_FILE_BYTES = 1 << 22
_SUBREAPER = 36  # prctl(2)
_GRACE = 20.0
"""Seconds in which a process has to heed SIGTERM; a database server may need some."""
_PACE = 0.02


@dataclass(slots=True)
class Figures:
    """What one piece of work took, in seconds for each item, round by round."""

    taken: list[float] = field(default_factory=list)
    burned: list[float] = field(default_factory=list)

    @property
    def wall(self) -> float:
        """Seconds for one item."""
        return median(self.taken)

    @property
    def cpu(self) -> float:
        """CPU seconds for one item."""
        return median(self.burned)

    @property
    def rate(self) -> float:
        """Items a second."""
        return 1 / self.wall

    def times(self, *limits: "Figures") -> float:
        """How many times as long it takes as the limits together."""
        sums = zip(*(limit.taken for limit in limits), strict=True)
        pairs = zip(self.taken, map(sum, sums), strict=True)
        return median(own / limit for own, limit in pairs)


def interleave(
    works: Mapping[str, Work],
    rounds: int,
    *,
    cpu: Callable[[], float] = process_time,
    warm: int = 1,
) -> dict[str, Figures]:
    """Take all works in turn; *cpu* tells the CPU seconds of all that is measured."""
    figures = {name: Figures() for name in works}
    for number in range(-warm, rounds):
        for name, work in works.items():
            start, burned = perf_counter(), cpu()
            done = work()
            seconds, burned = perf_counter() - start, cpu() - burned
            if number >= 0:
                figures[name].taken.append(seconds / done)
                figures[name].burned.append(burned / done)
    return figures


def once(act: Callable[[], object], items: int = 1) -> Work:
    """Make a work of an act that does *items* at a time."""

    def work() -> int:
        act()
        return items

    return work


def lasting(seconds: float, act: Callable[[], object]) -> Work:
    """Make a work that acts again and again for that long."""

    def work() -> int:
        done, end = 0, perf_counter() + seconds
        while perf_counter() < end:
            act()
            done += 1
        return done

    return work


def cpu_of(processes: Iterable[int]) -> float:
    """Tell the CPU seconds that processes have used, all their threads included."""
    # The clock's number as clock_getcpuclockid(3) computes it.
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in processes)


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value that *share* of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def waited(seconds: Sequence[float]) -> Row:
    """Tell how long callers have waited: half of them, and 99 of 100."""
    return {
        f"p{share} ms": round(percentile(seconds, share / 100) * 1e3, 2)
        for share in (50, 99)
    }


class SyncFile:
    """A file of which blocks are overwritten and synced: what a commit must cost."""

    def __init__(self, directory: Path) -> None:
        path = directory / "blocks"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.pwrite(self._file, bytes(_SYNC_FILE_BYTES), 0)
        os.fdatasync(self._file)
        self._at = 0

    def sync(self) -> None:
        """Overwrite a block of 4 KiB and wait for the disk."""
        os.pwrite(self._file, _BLOCK, self._at)
        os.fdatasync(self._file)
        self._at = (self._at + len(_BLOCK)) % _SYNC_FILE_BYTES

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def parser(description: str | None, *, rounds: int = 5) -> argparse.ArgumentParser:
    """Make the parser with the options that all scripts have.

    From then on the script leaves no process and no folder behind, however it ends
    but by SIGKILL (`leave_nothing`).
    """
    leave_nothing()
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=rounds)
    options.add_argument("--json", type=Path, metavar="FILE", help="write JSON as well")
    options.add_argument(
        "--dir",
        type=_own_folder,
        default="",  # goes through the type as well
        help="an absolute path on the disk to use",
    )
    return options


def leave_nothing() -> None:
    """At the end of this process, and at once when SIGTERM comes, end what it began.

    Detached processes count, and those whose parent has ended.
    """
    # Else they would be adopted by another process, and nobody here knew of them.
    ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0)
    atexit.register(_end_descendants)
    signal.signal(signal.SIGTERM, partial(_end, os.getpid()))


def _end(owner: int, number: int, _: object) -> None:
    """End all, without a word: no `finally` waits for what is ending anyway."""
    if os.getpid() != owner:  # a fork has this handler too
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    signal.signal(number, signal.SIG_IGN)  # once is enough
    _end_descendants()
    _remove_folders()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(128 + number)


def _own_folder(place: str) -> Path:
    """Make the folder of this run, for its children's temporary files as well."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="fedsafe-bench-", dir=place or None))
    except OSError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    folder.chmod(0o711)  # root's database server runs as somebody else, in here
    _folders.append(folder)
    atexit.register(_remove_folders)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    return folder


_folders: list[Path] = []


def _remove_folders() -> None:
    for folder in _folders:
        shutil.rmtree(folder, ignore_errors=True)


def tree_of(roots: Iterable[int]) -> list[int]:
    """List processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text(errors="replace").rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = list(roots)
    for pid in found:
        found += children.get(pid, [])
    return found


def _end_descendants() -> None:
    """Ask all descendants to end; kill whoever does not.

    Who ignores SIGTERM ends with somebody else: a server's own processes with it,
    Python's tracker of resources with this process.
    """
    asked, end = set[int](), monotonic() + _GRACE
    while left := list(filter(_heeds_term, tree_of([os.getpid()])[1:])):
        for pid in left:
            with suppress(ProcessLookupError):
                if monotonic() > end:
                    os.kill(pid, signal.SIGKILL)
                elif pid not in asked:
                    os.kill(pid, signal.SIGTERM)
                    os.kill(pid, signal.SIGCONT)  # one may have been stopped
        asked.update(left)
        sleep(_PACE)


def _heeds_term(pid: int) -> bool:
    """Whether a process is still there and does not ignore SIGTERM."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    except OSError:
        return False
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    ignored = int(fields.get("SigIgn", "0"), 16) >> (signal.SIGTERM - 1) & 1
    return fields["State"][0] not in "ZX" and not ignored


def report(table: Sequence[Row], options: argparse.Namespace, **facts: object) -> None:
    """Print the table with the facts of the run; write it as JSON if asked.

    Rows that begin with another column are a table of their own.
    """
    load = os.getloadavg()
    facts = {"python": sys.version.split()[0], "cpus": os.cpu_count(), **facts}
    print(", ".join(f"{name} {value}" for name, value in facts.items()))
    for _, rows in groupby(table, lambda row: next(iter(row))):
        _show(list(rows))
    print("\nload average " + " ".join(f"{value:.2f}" for value in load))
    if options.json:
        result = {"facts": facts, "load": load, "table": table}
        options.json.write_text(json.dumps(result, indent=1, default=str) + "\n")


def _show(table: Sequence[Row]) -> None:
    columns = list(dict.fromkeys(name for row in table for name in row))
    print("\n| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for row in table:
        cells = (_cell(row.get(name, "")) for name in columns)
        print("| " + " | ".join(cells) + " |")


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
