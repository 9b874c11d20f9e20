# SPDX-License-Identifier: Apache-2.0
"""What all scripts here share: interleaved rounds, medians, CPU time, the table.

A round takes each piece of work once, in turn, so that a busy moment of the machine
falls on all of them; the first round only warms up. What is reported are medians
over the rounds, and of ratios the median of each round's ratio.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import NoReturn

Work = Callable[[], int]  # does some of it and says how much
Row = dict[str, str | int | float]
SYNC = "fdatasync"
_BLOCK = bytes(4096)
_SYNC_FILE_BYTES = 1 << 22


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

    From then on TERM ends the script as an error does, so that it ends what it began.
    """
    signal.signal(signal.SIGTERM, _end)
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--rounds", type=int, default=rounds)
    options.add_argument("--json", type=Path, metavar="FILE", help="write JSON as well")
    options.add_argument("--dir", type=Path, help="an absolute path on the disk to use")
    return options


def _end(number: int, _: object) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)  # once is enough; what was begun is ended
    raise SystemExit(128 + number)


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
