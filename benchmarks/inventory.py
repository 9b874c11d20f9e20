# SPDX-License-Identifier: Apache-2.0
"""Measure what a node with many own signals says of them, beside a bare Python start.

Own bans of e-mail addresses and published signals about files, at one node of a
federation of three. Each question is one whole process of the command line, as a person
gives it; each run is a new process. The aim is less than a second.

    python benchmarks/inventory.py [--signals 5000] [--rounds 11]
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bare_inserts import pieces
from federation import post, running
from imports import Desk
from measuring import Row, Work, interleave, once, parser, report

BARE = "python -c pass"
DISPUTED = 50
SOON = "2028-01-01"
BAN = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "r1",
    "removed_on": "2026-11-20",
}


def own_ban(number: int) -> dict[str, object]:
    value = f"own{number}@mail.example"
    return BAN | {
        "about": {"kind": "email", "value": value},
        "subject_ref": f"a{number}",
    }


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command}: status {done.returncode}: {done.stderr.decode()}")


def fill(desk: Desk, signals: int) -> None:
    """List half as own bans, and publish the other half."""
    bans: list[str] = []
    for size in pieces(signals - signals // 2):
        bans += desk.add(own_ban, size)
    desk.publish_files(signals // 2)
    for signal in bans[:DISPUTED]:
        body = {"signal": signal, "contention": "wrong_person"}
        post(desk.ben, "/v1/disputes", body)


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    fedsafe = str(Path(sys.executable).with_name("fedsafe"))
    with running(directory) as federation:
        desk = Desk(federation)
        fill(desk, options.signals)
        node = federation.nodes[0]
        key = node.directory.parent / "credentials" / node.directory.name / "ben.key"
        asked = [fedsafe, "signal"]
        told = ["--config", str(node.directory), "--credential", str(key)]
        commands = {
            BARE: [sys.executable, "-c", "pass"],
            "fedsafe --help": [fedsafe, "--help"],
            "what is disputed": [*asked, "list", "--disputed", *told],
            "what ends soon": [*asked, "list", "--ends-before", SOON, *told],
            "who has what of mine": [*asked, "recipients", *told],
            "what one member has": [*asked, "list", "--recipient", "b.demo", *told],
            "who owes a receipt": [*asked, "list", "--owed", *told],
            "of one phenomenon": [*asked, "list", "--phenomenon", "sextortion", *told],
            "all of them, as CSV": [*asked, "list", "--all", "--csv", *told],
        }
        works: dict[str, Work] = {
            name: once(lambda command=command: run(command))  # type: ignore[misc]
            for name, command in commands.items()
        }
        figures = interleave(works, options.rounds)
    return [
        {
            "what": name,
            "ms": round(took.wall * 1e3, 1),
            "slowest, ms": round(max(took.taken) * 1e3, 1),
            "ratio to bare": round(took.times(figures[BARE]), 2),
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__, rounds=11)
    options.add_argument("--signals", type=int, default=5_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, signals=chosen.signals)


if __name__ == "__main__":
    main()
