# SPDX-License-Identifier: Apache-2.0
"""Fixtures that every room's tests may use."""

import gc
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from types import FrameType

import pytest
from blockbuster import BlockBuster
from hypothesis import settings

from fedsafe_node.store.sqlite.store import SQLiteStore
from tests.costs import function_of, read_slow
from tests.measuring import is_traced, untraced
from tests.postgresql.fixtures import (  # noqa: F401 - fixtures
    INSTALLED,
    lend_postgresql,
    own_postgresql,
    postgresql,
    postgresql_url,
)
from tests.promises import MARK, PROMISES, ids_of, read_promises
from tests.support.new_tables import copy_new_tables

# As below: what is collected and imported stays.
gc.set_threshold(50_000, 20, 20)
_READ_ON_LOOP = SQLiteStore._read_on_loop.__code__  # noqa: SLF001 - it alone may block
# Every process that a test starts would compile all of FedSafe anew, and every worker
# would rewrite all assertions.
sys.dont_write_bytecode = False
# What people read says moments in their own zone as well.
os.environ["TZ"] = "UTC"
time.tzset()
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Files go to memory where there is room: thousands of nodes are made that no power cut
# ever meets, and to make each durable on a disk costs a sixth of the suite's work, and
# much of its time. TMPDIR says another place.
_MEMORY = Path("/dev/shm")  # noqa: S108 - only pytest's own directories go there
_ROOM = 4 << 30
if (
    "TMPDIR" not in os.environ
    and os.access(_MEMORY, os.W_OK)
    and shutil.disk_usage(_MEMORY).free > _ROOM
    and os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES") > _ROOM // 4
):
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
# Speed is measured under benchmarks/, never asserted here. More examples than these are
# for a campaign: tests/campaigns/properties.py.
settings.register_profile(
    "fedsafe",
    deadline=None,
    max_examples=int(os.environ.get("FEDSAFE_EXAMPLES", "25")),
)
settings.load_profile("fedsafe")
copy_new_tables()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run put the stores of its fleets on a server."""
    known = ("sqlite", *(f"postgresql-{major}" for major in INSTALLED))
    told = "where the tests of whole nodes keep their stores (default: sqlite)"
    parser.addoption("--store", choices=known, default="sqlite", help=told)
    told = "leave out what takes long (tests/slow.txt)"
    parser.addoption("--quick", action="store_true", help=told)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Let a quick run not even read the files that it leaves out."""
    if not config.getoption("--quick") or collection_path.suffix != ".py":
        return None
    name = collection_path.relative_to(config.rootpath).as_posix()
    return True if name in read_slow() else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say once for each reason how many tests were skipped."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.getreports("skipped")
    )
    for reason, number in sorted(reasons.items()):
        terminalreporter.write_line(f"skipped {number}: {reason}")


def pytest_collection_finish() -> None:
    """Let no collection of garbage look through thousands of tests again and again.

    Those of the nodes that tests start would still cost a twentieth of the suite.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # as a node does


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Refuse a mark that names no promise; leave what takes long out of a quick run."""
    known = ids_of(read_promises())
    for item in items:
        for mark in item.iter_markers(MARK):
            unknown = [each for each in mark.args if each not in known]
            if unknown or not mark.args:
                named = ", ".join(map(str, unknown)) or "no id"
                raise pytest.UsageError(
                    f"{item.nodeid}: {named} is no promise of {PROMISES.name}"
                )
    if config.getoption("--quick"):
        slow = read_slow()
        gone = [item for item in items if function_of(item.nodeid) in slow]
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if function_of(item.nodeid) not in slow]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Measure no coverage where that costs most and tells least."""
    if is_traced(item):
        return (yield)
    with untraced():
        return (yield)


@pytest.fixture(scope="session", autouse=True)
def no_blocking_calls() -> Iterator[BlockBuster]:
    """Fail tests whose coroutines block the event loop in our code."""
    blockbuster = BlockBuster(scanned_modules=["fedsafe_federation", "fedsafe_node"])
    for name, function in blockbuster.functions.items():
        if name.startswith("sqlite3."):  # a few indexed rows, read in place
            function.can_block_predicate = _reads_in_place
        if name.startswith("threading.Lock."):  # coverage's own, between threads
            function.can_block_in("coverage/collector.py", "lock_data")
        # Once a quarter, at the first act of a person.
        function.can_block_in("fedsafe_node/log/pseudonyms.py", "_make")
    blockbuster.activate()
    yield blockbuster
    blockbuster.deactivate()


def _reads_in_place(*_: object, **__: object) -> bool:
    """Whether a statement is one that the embedded store runs on the event loop.

    It is asked so often that comparing names of files would cost a tenth of the suite.
    """
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001 - whoever asks the database
    while frame is not None and frame.f_code is not _READ_ON_LOOP:
        frame = frame.f_back
    return frame is not None
