# SPDX-License-Identifier: Apache-2.0
"""What each test costs: processor time of its setup, call and teardown.

    python -m pytest -p tests.costs --costs costs.jsonl tests/cli
    python -m tests.costs costs.jsonl      by folder, the dearest first
    python -m tests.costs costs.jsonl --by test
    python -m tests.costs costs.jsonl --slow 0.5 >tests/slow.txt

Seconds of user and system time, those of ended child processes included; with
`--costs-group`, a control group that this user may write, those of detached nodes and
of PostgreSQL too. What a fixture of a module or session makes counts in the setup of
the first test that uses it.

`tests/slow.txt` is what `./test --quick` leaves out: test functions that took longer,
all their parameters together, and files of which little else is left, but not what
commits forget most (`ALWAYS`). Measure and write
it anew when a quick run has become slow.
"""

import argparse
import os
import resource
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
import pytest

PHASES: Final = ("setup", "call", "teardown")
SLOW: Final = Path(__file__).parent / "slow.txt"
ALWAYS: Final = frozenset({"tests/fence/test_frozen.py", "tests/test_catalogue.py"})
"""What a commit forgets most: each quick run tries it, however long it takes."""
_LITTLE: Final = 0.3
"""A file goes as a whole if so much of its time, at most, is left without the slow."""


class Cost(msgspec.Struct, frozen=True):
    """The processor seconds of one test."""

    test: str
    setup: float
    call: float
    teardown: float

    @property
    def whole(self) -> float:
        """All three together."""
        return self.setup + self.call + self.teardown


def of_children() -> float:
    """Give what this process and its ended children have used."""
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def of_group(group: Path) -> Callable[[], float]:
    """Put this process in a group of its own in *group*; give what reads its use."""
    own = group / str(os.getpid())
    own.mkdir()
    (own / "cgroup.procs").write_text("0")
    first = own / "cpuacct.usage"  # of version 1 of control groups
    if first.exists():
        return lambda: int(first.read_text()) / 1e9
    second = own / "cpu.stat"
    return lambda: int(second.read_text().split()[1]) / 1e6


class Meter:
    """Writes a line a test; several workers append to one file."""

    def __init__(self, path: Path, used: Callable[[], float]) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._used = used
        self._spent: dict[str, float] = {}

    def _measure(self, phase: str) -> Generator[None, object, object]:
        began = self._used()
        try:
            return (yield)
        finally:
            self._spent[phase] = self._used() - began

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self) -> Generator[None, object, object]:
        """Measure the fixtures."""
        self._spent = dict.fromkeys(PHASES, 0.0)
        return (yield from self._measure("setup"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Measure the test itself."""
        return (yield from self._measure("call"))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """Measure what is closed."""
        return (yield from self._measure("teardown"))

    @pytest.hookimpl
    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Write it down."""
        cost = Cost(nodeid, **{name: round(self._spent[name], 4) for name in PHASES})
        os.write(self._file, msgspec.json.encode(cost) + b"\n")


def function_of(test: str) -> str:
    """Name the function of a test: its parameters go."""
    return test.partition("[")[0]


def slow_names(costs: Iterable[Cost], limit: float) -> list[str]:
    """Name the functions that take longer than *limit*, or their files, in order."""
    functions: defaultdict[str, float] = defaultdict(float)
    files: defaultdict[str, float] = defaultdict(float)
    for cost in costs:
        if cost.test.partition("::")[0] in ALWAYS:
            continue
        functions[function_of(cost.test)] += cost.whole
        files[cost.test.partition("::")[0]] += cost.whole
    slow = {name for name, seconds in functions.items() if seconds > limit}
    left = dict(files)
    for name in slow:
        left[name.partition("::")[0]] -= functions[name]
    whole = {
        file
        for file, seconds in files.items()
        if seconds > limit and left[file] <= _LITTLE * seconds
    }
    return sorted(whole | {n for n in slow if n.partition("::")[0] not in whole})


@cache
def read_slow() -> frozenset[str]:
    """Read what a quick run leaves out."""
    lines = SLOW.read_text(encoding="ascii").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run say where its costs are written."""
    parser.addoption("--costs", type=Path, help="append what each test costs here")
    told = "a control group below which each process that runs tests has its own"
    parser.addoption("--costs-group", type=Path, help=told)


def pytest_configure(config: pytest.Config) -> None:
    """Measure where tests run: in the workers, if there are any."""
    path = config.getoption("--costs")
    runs = hasattr(config, "workerinput") or not config.getoption("numprocesses", None)
    if path is not None and runs:
        group = config.getoption("--costs-group")
        used = of_children if group is None else of_group(group)
        config.pluginmanager.register(Meter(path.absolute(), used))


def read_costs(path: Path) -> list[Cost]:
    """Read what was measured; the last of several measurements of a test counts."""
    lines = path.read_bytes().splitlines()
    costs = [msgspec.json.decode(line, type=Cost) for line in lines]
    return list({cost.test: cost for cost in costs}.values())


def summed(costs: Iterable[Cost], by: str) -> list[tuple[str, int, float]]:
    """Add up by folder, file or test: name, number of tests, seconds; dearest first."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for cost in costs:
        file = cost.test.partition("::")[0]
        names = {"folder": str(Path(file).parent), "file": file, "test": cost.test}
        found[names[by]].append(cost.whole)
    rows = [(name, len(each), sum(each)) for name, each in found.items()]
    return sorted(rows, key=lambda row: -row[2])


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(prog="tests.costs")
    parser.add_argument("path", type=Path)
    parser.add_argument("--by", choices=("folder", "file", "test"), default="folder")
    parser.add_argument("--most", type=int, default=40, help="so many lines")
    parser.add_argument("--slow", type=float, metavar="SECONDS", help="write slow.txt")
    told = parser.parse_args()
    if told.slow is not None:
        print(
            f"# What takes more than {told.slow:g} s; `python -m tests.costs` makes it."
        )
        print(*slow_names(read_costs(told.path), told.slow), sep="\n")
        return
    rows = summed(read_costs(told.path), told.by)
    for name, number, seconds in rows[: told.most]:
        print(f"{seconds:9.1f} s {number:6}  {name}")
    print(f"{sum(row[2] for row in rows):9.1f} s {sum(row[1] for row in rows):6}  all")


if __name__ == "__main__":
    main()
