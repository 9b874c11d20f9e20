# SPDX-License-Identifier: Apache-2.0
"""What another process of the node's own user gets of its memory: nothing."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from tests.node.ground import memory_thief
from tests.postgresql.fixtures import MAJORS
from tests.programs import program
from tests.support.databases import Preparing
from tests.support.fleet import copy_of
from tests.support.several import made_on

from fedsafe_node.ground.faults import NO_FAULTS
from fedsafe_node.lookup.index.builder import Span, sort_tokens, write_merged

_ANYTHING: Final = 1 << 14  # CAP_IPC_LOCK: to lock beyond any limit
_LOCKS: Final = """
import json, mmap, os, resource, sys
from pathlib import Path
from fedsafe_node.ground import process_memory
from fedsafe_node.lookup.index.segment import Segment

before = resource.getrlimit(resource.RLIMIT_MEMLOCK)
state = process_memory.memory_state()
process_memory.forbid_dumps()
process_memory.lock_memory()
segment = Segment(Path(sys.argv[1]))
segment.verify()  # reads all of it
used, reserved = bytearray(os.urandom(1 << 20) * 32), mmap.mmap(-1, 1 << 30)
locked, at = {}, ""
for line in Path("/proc/self/smaps").read_text().splitlines():
    if "-" in line.partition(" ")[0]:
        at = line.split()[-1]
    if line.startswith("Locked:"):
        locked[at] = locked.get(at, 0) + int(line.split()[1])
print(json.dumps({
    "before": state,
    "state": process_memory.memory_state(),
    "all": sum(locked.values()),
    "file": locked.get(sys.argv[1], 0),
    "limit": resource.getrlimit(resource.RLIMIT_MEMLOCK) == before,
}))
"""
_GIVES_BACK: Final = """
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from fedsafe_node.ground import process_memory
from fedsafe_node.ground import work_threads as workers

def resident():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) // 1_024

def fill():
    rows = [bytes(4_500) for _ in range(16_000)]
    large = bytes(range(256)) * (1 << 17)
    return resident()

process_memory.lock_memory()
with ThreadPoolExecutor(1) as threads:
    list(threads.map(lambda _: sum(range(100_000)), range(8)))
    before = resident()
    found = list(threads.map(lambda _: fill(), range(8)))
    workers.give_back()
    print(json.dumps([before, max(found), resident()]))
"""
TOKENS: Final = 100_000
RUN: Final = (sys.executable, "-m", "fedsafe_cli", "node", "run", "--config")
_PLAIN: Final = {
    "command": [sys.executable, "-c", "print('up', flush=True); input()"],
    "ready": "up",
}
_REFUSED: Final = {"Operation not permitted", "Permission denied"}


def unprivileged() -> list[str]:
    """Say what to start a program with, so that it may do no more than its user.

    It stays root and passes by the modes of files, without any power over processes:
    so only what the kernel says of the process counts.
    """
    if os.geteuid() != 0:
        return []
    return [
        program("setpriv", "util-linux"),
        "--bounding-set=-all,+dac_override",
        "--inh-caps=-all",
    ]


def robbed(directory: Path, **targets: dict[str, Any]) -> dict[str, Any]:
    """Let a thief rob processes of its own user, and one that keeps nothing back."""
    script = str(Path(memory_thief.__file__))
    done = subprocess.run(
        [*unprivileged(), sys.executable, script, json.dumps(targets)],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_kept(found: dict[str, Any], processes: int) -> None:
    assert len(found["ways"]) == processes
    for ways in found["ways"]:
        assert set(ways.values()) <= _REFUSED, ways
    assert not found["dumped"]
    assert found["limits"] == [["0", "0"]] * processes


def test_the_thief_takes_what_a_plain_process_has(tmp_path: Path) -> None:
    found = robbed(tmp_path, plain=_PLAIN)["plain"]

    (ways,) = found["ways"]
    assert set(ways.values()) == {"taken"}
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    if most and not Path("/proc/sys/kernel/core_pattern").read_text().startswith("|"):
        assert found["dumped"]


@pytest.mark.promise("TM-04")
def test_nobody_takes_the_memory_of_a_node(founded: Path, tmp_path: Path) -> None:
    place = copy_of(founded, tmp_path / "n").place("a.demo")
    node = {"command": [*RUN, str(place.directory)], "ready": '"ready"'}
    found = robbed(tmp_path, node=node)

    check_kept(found["node"], 1)


@pytest.mark.promise("TM-04")
@pytest.mark.timeout(120)
def test_nobody_takes_the_memory_of_a_worker(
    prepare: Callable[[int], Preparing], tmp_path: Path
) -> None:
    with made_on(prepare(MAJORS[-1]), tmp_path) as made:
        command = [*RUN, str(made.place.directory), "--workers", "2"]
        node = {"command": command, "ready": "all workers ready"}
        found = robbed(tmp_path, node=node)

    check_kept(found["node"], 3)


def locked(
    directory: Path, limit: int | None = None, before: Sequence[str] = ()
) -> dict[str, Any]:
    """Lock the memory of a process that reads an index and uses 32 MiB."""
    file = directory / "segment"
    tokens = sort_tokens(os.urandom(16 * TOKENS), range(1, TOKENS + 1))
    write_merged(file, [tokens], frozenset(), Span(0, TOKENS, bytes(16)), NO_FAULTS)
    memlock = resource.RLIMIT_MEMLOCK
    limits = resource.getrlimit(memlock) if limit is None else (limit, limit)
    done = subprocess.run(
        [*before, sys.executable, "-c", _LOCKS, str(file)],
        preexec_fn=lambda: resource.setrlimit(memlock, limits),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def may_lock() -> bool:
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    status = Path("/proc/self/status").read_text()
    powers = int(status.partition("CapEff:")[2].split()[0], 16)
    return hard == resource.RLIM_INFINITY or bool(powers & _ANYTHING)


def test_memory_is_locked_where_no_limit_stands_against_it(tmp_path: Path) -> None:
    found = locked(tmp_path)

    assert found["before"] == "readable"
    assert found["state"] == ("resident" if may_lock() else "swappable")
    assert (found["all"] > 32 << 10) is may_lock()  # KiB
    assert found["all"] < 512 << 10  # and no more than what is used
    assert found["file"] == 0  # the index stays a file


def test_a_limit_makes_no_later_allocation_fail(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    wide = 900 << 20  # more than a process has now, and less than it will have
    limit = wide if hard == resource.RLIM_INFINITY else min(wide, hard)
    found = locked(tmp_path, limit, unprivileged())

    assert found["state"] == "swappable"
    assert found["all"] == 0
    assert found["limit"]


def test_what_was_locked_and_is_free_is_given_back(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _GIVES_BACK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    before, most, left = json.loads(done.stdout)
    assert most > before + 80
    assert left < before + 32
