# SPDX-License-Identifier: Apache-2.0
"""A member that lies by its feed answers and pokes, and lookups at another node.

    .venv/bin/python -m tests.campaigns.answers --rounds 13 [--seed N] [--seconds 8]

Raises a federation of three on loopback. The third answers feed requests with what is
made to cost much (`tests.support.hostile_answers`), and pokes five times a second, in
every other phase; in the phases between them it is honest, which is the control. All
the while people are looked up at the first, one after the other. Every kind of lie
comes once in as many rounds, in the order that the seed gives.

Prints the seed first, then a line a phase (one JSON document each with `--json`), and
the sums. Ends with status 1 if a lookup was deferred, if the median under lies is more
than 1.5 times that of the control, or if the peak of the node's memory grew by more
than 64 MiB.
"""

import argparse
import json
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random  # noqa: TID251 - an order that can be repeated
from typing import Final

from tests.support.federation import Federation, federation, until
from tests.support.hostile_answers import LIE, LIES, TOLD, TRUTH
from tests.support.lying_node import ANSWERS

from fedsafe_cli.demo.fleet import find

MOST_RATIO: Final = 1.5
MOST_MIB: Final = 64.0
_PACE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Phase:
    """What befell lookups while a lie was told, or none."""

    lie: str
    lookups: int
    deferred: int
    median_ms: float
    slowest_ms: float
    told: int
    peak_mib: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=len(LIES))
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--json", action="store_true", help="a document a line")
    given = parser.parse_args()
    print(json.dumps({"seed": given.seed}) if given.json else f"seed {given.seed}")
    chance = Random(given.seed)  # noqa: S311 - as above
    with (
        tempfile.TemporaryDirectory(prefix="fedsafe-answers-") as folder,
        federation(Path(folder) / "f") as fed,
        fed.lying(fed.c, ANSWERS),
    ):
        until(fed.caught_up, "catching up", patience=60)
        phases = list[Phase]()
        for lie in _lies(chance, given.rounds):
            if lie:
                until(lambda: _is_believed(fed), "an honest batch", patience=60)
            phases.append(_phase(fed, lie, given.seconds, chance))
            _tell(phases[-1], as_json=given.json)
    sys.exit(0 if _sum_up(phases, as_json=given.json) else 1)


def _lies(chance: Random, rounds: int) -> Iterator[str]:
    """Give the lies in the order of chance, and none before each of them."""
    left = list[str]()
    for _ in range(rounds):
        left = left or chance.sample(LIES, len(LIES))
        yield from ("", left.pop())


def _phase(fed: Federation, lie: str, seconds: float, chance: Random) -> Phase:
    file, told = fed.c.directory / LIE, fed.c.directory / TOLD
    told.write_text("")
    file.write_text(lie)
    process = find(fed.a.directory)
    assert process is not None
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak begins anew
    taken, deferred, end = list[float](), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        about = {"kind": "email", "value": f"p{chance.getrandbits(60)}@mail.example"}
        began = time.perf_counter()
        answer = fed.lookup(fed.a, about)
        taken.append(time.perf_counter() - began)
        assert answer.status == 200, answer.body
        deferred += answer.body["result"] == "deferred"
        time.sleep(_PACE)
    lines = told.read_text().splitlines()
    return Phase(
        lie,
        len(taken),
        deferred,
        1_000 * statistics.median(taken),
        1_000 * max(taken),
        sum(each == f"{fed.a.name} {lie}" for each in lines),
        _peak_mib(process.pid),
    )


def _is_believed(fed: Federation) -> bool:
    """Whether the node has asked since the member became honest: it waits no more."""
    told = fed.c.directory / TOLD
    return f"{fed.a.name} {TRUTH}" in told.read_text().splitlines()


def _peak_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1_024
    raise AssertionError("the kernel tells no peak")


def _tell(phase: Phase, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(phase)), flush=True)
        return
    print(
        f"{phase.lie or 'control':18} {phase.lookups:4} lookups, {phase.deferred}"
        f" deferred, median {phase.median_ms:.1f} ms, slowest {phase.slowest_ms:.0f}"
        f" ms, {phase.told} lies told, peak {phase.peak_mib:.0f} MiB",
        flush=True,
    )


def _sum_up(phases: list[Phase], *, as_json: bool) -> bool:
    control = [each for each in phases if not each.lie]
    lies = [each for each in phases if each.lie]
    ratio = statistics.median(each.median_ms for each in lies) / statistics.median(
        each.median_ms for each in control
    )
    grown = max(each.peak_mib for each in lies) - control[0].peak_mib
    deferred = sum(each.deferred for each in lies)
    said = {
        "lookups": sum(each.lookups for each in lies),
        "deferred": deferred,
        "deferred_in_control": sum(each.deferred for each in control),
        "median_ratio": round(ratio, 2),
        "peak_grown_mib": round(grown, 1),
    }
    print(json.dumps(said) if as_json else said)
    return not deferred and ratio <= MOST_RATIO and grown <= MOST_MIB


if __name__ == "__main__":
    main()
