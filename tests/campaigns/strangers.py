# SPDX-License-Identifier: Apache-2.0
"""Strangers hammer a node in all their ways; the long version of the suite's attack.

    .venv/bin/python -m tests.campaigns.strangers [--each 100] [--lookups 200] [--json]

Founds three nodes on loopback, stops one, and has another process hammer the only node
that the third can ask: each way by itself, then all ways at once, and the routes of
members with bad signatures. Beside it lookups go on in their usual time (800 ms).
Prints a line for each run (one JSON document each with `--json`); ends with 1 if a
lookup was deferred. The first run, without strangers, is the control.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop
from tests.support.fleet import NAMES, Fleet, copy_of, make_founded
from tests.support.strangers import WAYS, hammered, open_routes

from fedsafe_node.acts.lookup import Result
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.routes import ROUTES

_USUAL_MS: Final = 800
_PACE: Final = 0.02
_OPEN: Final = [route.name for route in open_routes()]
_OTHERS: Final = [route.name for route in ROUTES if route.auth is Auth.PEER]


def main() -> None:
    """Run all ways, one after the other."""
    given = _given()
    runs: list[tuple[Sequence[str], Sequence[str]]] = [([], [])]
    runs += [([way], _OPEN) for way in WAYS]
    runs += [(WAYS, _OPEN), (["ask", "stall", "large"], [*_OTHERS, "lookup"])]
    with tempfile.TemporaryDirectory(prefix="fedsafe-strangers-") as root:
        deferred = uvloop.run(_run_all(given, Path(root), runs))
    sys.exit(1 if deferred else 0)


async def _run_all(
    given: argparse.Namespace,
    root: Path,
    runs: Sequence[tuple[Sequence[str], Sequence[str]]],
) -> int:
    await make_founded(root / "founded")
    deferred = 0
    for number, (ways, routes) in enumerate(runs):
        fleet = await asyncio.to_thread(copy_of, root / "founded", root / str(number))
        try:
            await fleet.start(*NAMES)
            await fleet.covered()
            await fleet.stop("c.demo")
            deferred += await _run(given, fleet, ways, routes)
        finally:
            await fleet.close()
    return deferred


async def _run(
    given: argparse.Namespace, fleet: Fleet, ways: Sequence[str], routes: Sequence[str]
) -> int:
    if not ways:
        return _tell(given, ways, {}, await _look_up(fleet, given.lookups))
    port = fleet["b.demo"].base.config.listen.port
    async with hammered(port, ways, given.each, routes) as counts:
        found = await _look_up(fleet, given.lookups)
    return _tell(given, ways, counts, found)


async def _look_up(fleet: Fleet, count: int) -> list[tuple[Result, float]]:
    found: list[tuple[Result, float]] = []
    for number in range(count):
        began = time.monotonic()
        person = f"p{number}@mail.example"
        try:
            answer = await fleet.look_up("a.demo", person, deadline_ms=_USUAL_MS)
            result = answer.result
        except TimeoutError:  # its disk was too slow to write it down
            result = Result.DEFERRED
        found.append((result, time.monotonic() - began))
        await asyncio.sleep(_PACE)
    return found


def _tell(
    given: argparse.Namespace,
    ways: Sequence[str],
    counts: dict[str, int],
    found: Sequence[tuple[Result, float]],
) -> int:
    deferred = sum(result is Result.DEFERRED for result, _ in found)
    took = sorted(1_000 * each for _, each in found)
    line = {
        "ways": list(ways),
        "lookups": len(found),
        "deferred": deferred,
        "median_ms": round(statistics.median(took)),
        "p99_ms": round(took[int(0.99 * (len(took) - 1))]),
        "strangers": counts,
    }
    if given.json:
        sys.stdout.write(json.dumps(line) + "\n")
    else:
        sys.stdout.write(
            f"{' '.join(ways) or 'nobody'}: {deferred} of {len(found)} deferred, "
            f"median {line['median_ms']} ms, 99 % {line['p99_ms']} ms; {counts}\n"
        )
    sys.stdout.flush()
    return deferred


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--each", type=int, default=100, help="lines a route")
    parser.add_argument("--lookups", type=int, default=200)
    parser.add_argument("--json", action="store_true", help="a JSON document a line")
    return parser.parse_args()


if __name__ == "__main__":
    main()
