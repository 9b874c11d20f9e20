# SPDX-License-Identifier: Apache-2.0
"""Storms over a federation; the long version of `tests/system/test_storms.py`.

    .venv/bin/python -m tests.campaigns.storms --runs 500 [--seed N] [--nodes 3]

Each run is one storm, drawn from the seed and its number: links that fail, nodes that
are killed, wrong clocks, a member that evaluates falsely, while people work at all
nodes. A federation is raised anew every 25 runs. Prints its seed first, a line every
five runs, and ends at the first signal that was lost or came back, the first
disagreement and the first false accusation. A failed run leaves its directories behind.
"""

import argparse
import secrets
import tempfile
from pathlib import Path
from typing import Final

from tests.system.storming import stormy

_EACH: Final = 25
_TOLD: Final = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--nodes", type=int, default=3, choices=range(3, 8))
    parser.add_argument("--dir", type=Path, help="where to put the nodes")
    given = parser.parse_args()
    root = Path(given.dir or tempfile.mkdtemp(prefix="fedsafe-storms-"))
    print(f"seed {given.seed}, {given.runs} runs, in {root}", flush=True)
    acts = faults = 0
    for first in range(0, given.runs, _EACH):
        seed = given.seed + first
        with stormy(root / f"f{first}", given.nodes, seed) as loop:
            for number in range(first + 1, min(first + _EACH, given.runs) + 1):
                loop.round()
                if number % _TOLD == 0:
                    so_far = acts + loop.acts
                    print(f"run {number}: {so_far} acts, all kept", flush=True)
            acts, faults = acts + loop.acts, faults + loop.faults
    print(f"{given.runs} runs, {acts} acknowledged acts: all kept; {faults} faults")


if __name__ == "__main__":
    main()
