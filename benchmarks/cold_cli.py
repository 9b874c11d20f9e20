# SPDX-License-Identifier: Apache-2.0
"""Measure a cold `fedsafe lookup` beside a bare Python start.

Each run is a new process: `python -c pass`; `fedsafe --help`; and `fedsafe lookup`
of one e-mail address on standard input against a running node, alone and in a
federation of three. `over bare` is the median of the differences to the bare start
of the same round; the aim for a lookup is 80 ms.

    python benchmarks/cold_cli.py [--rounds 41]
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from federation import running
from measuring import Row, Work, interleave, once, parser, report

BARE = "python -c pass"
ADDRESS = b"nobody.known@mail.example\n"


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, input=ADDRESS, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: status {done.returncode}: {done.stderr.decode()}")


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    fedsafe = str(Path(sys.executable).with_name("fedsafe"))
    with ExitStack() as stack:
        commands = {BARE: [sys.executable, "-c", "pass"]}
        commands["fedsafe --help"] = [fedsafe, "--help"]
        for name, count in (("one node", 1), ("2 of 3 nodes", 3)):
            place = directory / str(count)
            place.mkdir()
            node = stack.enter_context(running(place, count)).nodes[-1]
            lookup = [fedsafe, "lookup", "--config", node.config, "--kind", "email"]
            commands[f"fedsafe lookup, {name}"] = [*lookup, "-"]
        works: dict[str, Work] = {
            name: once(lambda command=command: run(command))  # type: ignore[misc]
            for name, command in commands.items()
        }
        figures = interleave(works, options.rounds)
    bare = figures[BARE].taken
    return [
        {
            "what": name,
            "ms": round(took.wall * 1e3, 1),
            "over bare, ms": round(
                median(own - start for own, start in zip(took.taken, bare, strict=True))
                * 1e3,
                1,
            ),
            "ratio to bare": round(took.times(figures[BARE]), 2),
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__, rounds=41).parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as directory:
        table = measure(Path(directory), options)
    report(table, options)


if __name__ == "__main__":
    main()
