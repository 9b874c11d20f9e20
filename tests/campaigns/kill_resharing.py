# SPDX-License-Identifier: Apache-2.0
"""Kill nodes while keys change; long `tests/system/test_kill_resharing.py`.

    .venv/bin/python -m tests.campaigns.kill_resharing --rounds 30 [--seed N]

Shares of the key are made anew and members take new keys, in turn; with `--epochs`
every fifth round makes another key, which is a whole key generation. Each time one
node dies, at a fault point that the seed chose, and often again on its way. Prints
its seed first, and ends at the first half share, lost token, false `none`, false
accusation or disagreement. A failed run leaves its directories behind.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from tests.support.ceremony_kills import EPOCH, KEYS, SHARES, ceremonies

_FIFTH = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--nodes", type=int, default=3, choices=range(3, 6))
    parser.add_argument("--epochs", action="store_true")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fedsafe-resharing-"))
    print(f"seed {given.seed}, {given.rounds} rounds, in {root}", flush=True)
    with ceremonies(root / "f", given.nodes, given.seed) as loop:
        for number in range(1, given.rounds + 1):
            began = time.monotonic()
            kind = (SHARES, KEYS)[number % 2]
            if given.epochs and number % _FIFTH == 0:
                kind = EPOCH
            loop.round(kind)
            seconds = time.monotonic() - began
            print(f"round {number}: {kind}, {seconds:.1f} s, all whole", flush=True)
    told = loop.told
    for title, counted in (
        ("rounds", told.rounds),
        ("deaths", told.deaths),
        ("answers about who is listed", told.lookups),
    ):
        print(f"{title}:")
        for what, count in sorted(counted.items()):
            print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
