# SPDX-License-Identifier: Apache-2.0
"""Measure a batch lookup: microseconds an identifier.

10,000 unlisted e-mail addresses in one request to one of three nodes, two of which
are needed, under the credential of a service; each round asks about others. Beside
it, in turn, the libsodium calls for a batch, replayed raw on one core: two threads on
two cores, and two nodes, may do better than that. CPU is that of all processes, the
caller's included.

    python benchmarks/batch.py [--identifiers 10000] [--rounds 5]
"""

import argparse
import os
import tempfile
from itertools import count
from pathlib import Path

from federation import SERVICE, post, running
from measuring import Row, cpu_of, interleave, once, parser, report
from sodium_calls import SodiumCalls

REPLAYED = 1_000
BATCH = "batch lookup"
SODIUM = "libsodium calls"


def request(number: int, identifiers: int) -> dict[str, object]:
    return {
        "lookups": [
            {"questions": [{"kind": "email", "value": f"u{at}.{number}@mail.example"}]}
            for at in range(identifiers)
        ]
    }


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    numbers = count()
    with running(directory) as federation:
        client = federation.nodes[1].client(SERVICE)

        def look_up() -> None:
            asked = request(next(numbers), options.identifiers)
            answer = post(client, "/v1/lookup/batch", asked)
            answers = answer["answers"]
            if not isinstance(answers, list) or answers[-1]["result"] != "none":
                raise SystemExit("the batch was not answered")

        works = {
            BATCH: once(look_up, options.identifiers),
            SODIUM: once(SodiumCalls(REPLAYED).replay, REPLAYED),
        }
        pids = [*federation.pids, os.getpid()]
        figures = interleave(works, options.rounds, cpu=lambda: cpu_of(pids))
    return [
        {
            "what": name,
            "µs an identifier": round(took.wall * 1e6, 1),
            "CPU µs an identifier": round(took.cpu * 1e6, 1),
            "identifiers a second": round(took.rate),
            "ratio to the libsodium calls": round(took.times(figures[SODIUM]), 2),
        }
        for name, took in figures.items()
    ]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--identifiers", type=int, default=10_000)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, identifiers=chosen.identifiers, nodes=3, threshold=2)


if __name__ == "__main__":
    main()
