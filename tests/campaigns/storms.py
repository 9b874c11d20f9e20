# SPDX-License-Identifier: Apache-2.0
"""Storms over a federation; the long version of `tests/system/test_storms.py`.

    .venv/bin/python -m tests.campaigns.storms --runs 500 [--seed N] [--jobs 2] [--json]

Each run is one storm, drawn from the seed and its number: links that fail, nodes that
are killed, wrong clocks, full disks, a member that lies, while people work at all
nodes. A federation is raised anew every 10 runs, as many at a time as there are jobs.
Prints its seed first, a line for each run (one JSON document each with `--json`) and in
the end a table of what befell the federations; ends at the first signal that was lost
or came back, the first disagreement, the first false accusation and the first liar that
was not named. Such a run leaves its directories behind, and the command is printed that
repeats it and those before it in the same federation.

Disks are filled where this programme may mount some, in a namespace of its own.
"""

import argparse
import json
import multiprocessing
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Final

from tests.support.storm_federation import stormy
from tests.support.storm_terms import Tally
from tests.support.storms import StormLoop

_EACH: Final = 10
_DISK: Final = "size=256m"
_UNMOUNT: Final = ("umount", "--lazy")
_UNSHARE: Final = ("unshare", "-rm")


def main() -> None:
    given = _given()
    if not given.mounted and _may_mount():
        again = [sys.executable, "-m", "tests.campaigns.storms", *sys.argv[1:]]
        os.execvp(_UNSHARE[0], [*_UNSHARE, *again, "--mounted"])  # noqa: S606 - itself
    root = Path(given.dir or tempfile.mkdtemp(prefix="fedsafe-storms-"))
    root.mkdir(parents=True, exist_ok=True)
    begin = {"seed": given.seed, "runs": given.runs, "dir": str(root)}
    disks = "full ones too" if given.mounted else "none can be filled here"
    words = f"seed {given.seed}, {given.runs} runs, in {root}; disks: {disks}"
    _tell(given, begin | {"disks": given.mounted}, words)
    parts = [
        range(first + 1, min(first + _EACH, given.runs) + 1)
        for first in range(0, given.runs, _EACH)
    ]
    _sum_up(given, _run_all(given, root, parts))


def _run_all(given: argparse.Namespace, root: Path, parts: list[range]) -> Tally:
    """Run as many parts at a time as there are jobs, until one of them fails."""
    context = multiprocessing.get_context("spawn")
    failed = context.Event()
    with ProcessPoolExecutor(
        given.jobs,
        mp_context=context,
        initializer=_begin,
        initargs=(failed,),
    ) as pool:
        running = [pool.submit(_run, given, root, part) for part in parts]
        done, waiting = wait(running, return_when=FIRST_EXCEPTION)
        if waiting:
            pool.shutdown(wait=False, cancel_futures=True)
        whole = Tally()
        for each in done:
            whole.add(each.result())
    return whole


_FAILED: Final[list[Event]] = []
"""One event that is set in all processes once a run has failed in one of them."""


def _begin(failed: Event) -> None:
    _FAILED[:] = [failed]


def _run(given: argparse.Namespace, root: Path, numbers: range) -> Tally:
    """Run storms over a federation of their own."""
    part, seed = root / f"f{numbers[0]}", given.seed + numbers[0] - 1
    placed, number = _mount if given.mounted else _leave, numbers[0]
    [failed], whole = _FAILED, Tally()
    if failed.is_set():
        return whole
    try:
        with stormy(part, given.nodes, seed, placed=placed) as loop:
            for number in numbers:
                if failed.is_set():
                    break
                began = time.monotonic()
                loop.round()
                _told(given, number, time.monotonic() - began, loop)
            whole.add(loop.tally)
            whole.seen += loop.faults
    except BaseException:
        failed.set()
        if given.mounted:  # what is mounted ends with this programme
            shutil.copytree(part, root / f"kept{number}", ignore=_but_sockets)
        again = f"--seed {seed} --runs {number - numbers[0] + 1} --nodes {given.nodes}"
        sys.stderr.write(
            f"run {number} failed, see below {root}; to repeat it:\n"
            f"{sys.executable} -m tests.campaigns.storms {again}\n"
        )
        raise
    if given.mounted:
        for disk in part.glob("*.demo"):
            subprocess.run([*_UNMOUNT, str(disk)], check=True)
    return whole


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--nodes", type=int, default=3, choices=range(3, 8))
    parser.add_argument("--jobs", type=int, default=1, choices=range(1, 17))
    parser.add_argument("--dir", type=Path, help="where to put the nodes")
    parser.add_argument("--json", action="store_true", help="a JSON document a line")
    parser.add_argument("--mounted", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _may_mount() -> bool:
    probe = 'mount -t tmpfs -o size=1m probe "$1"'
    with tempfile.TemporaryDirectory() as place:
        command = [*_UNSHARE, "sh", "-c", probe, "sh", place]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except OSError:
            return False
    return done.returncode == 0


def _mount(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    options = f"{_DISK},mode=700"
    command = ["mount", "-t", "tmpfs", "-o", options, "storm", str(directory)]
    subprocess.run(command, check=True)


def _leave(_directory: Path) -> None:
    """Let a node lie on the disk of all."""


def _but_sockets(directory: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(directory) / name).is_socket()]


def _told(
    given: argparse.Namespace, number: int, seconds: float, loop: StormLoop
) -> None:
    tally = loop.tally
    facts = {"run": number, "seconds": round(seconds, 1), "acts": tally.acts}
    words = f"run {number}: {seconds:.1f} s, {tally.acts} acts here so far, all kept"
    _tell(given, facts | {"befell": tally.last}, words)


def _sum_up(given: argparse.Namespace, whole: Tally) -> None:
    lines = [
        f"{whole.runs} runs, {whole.acts} acknowledged acts: all kept",
        f"{whole.named} times an honest node named who lied, and never anybody else",
        *(f"{count:8} {what}" for what, count in sorted(whole.seen.items())),
    ]
    facts = {"runs": whole.runs, "acts": whole.acts, "named": whole.named}
    _tell(given, facts | {"befell": dict(whole.seen)}, "\n".join(lines))


def _tell(given: argparse.Namespace, facts: Mapping[str, object], words: str) -> None:
    print(json.dumps(facts) if given.json else words, flush=True)


if __name__ == "__main__":
    main()
