# SPDX-License-Identifier: Apache-2.0
"""Kill a node while its people work; long `test_kill_keepers.py`.

    .venv/bin/python -m tests.campaigns.kill_keepers --rounds 100 [--seed N]

Holds, erasures, exports, acts of two, accounts, entries of the register and keys that
are destroyed; imports, reviews, disputes and rulings, requests of persons, breaches,
roles, the gate and receipts. Prints its seed first, and ends at the first thing that
was lost, done twice, is nobody's work any more or does not verify.
"""

import argparse
import secrets
import tempfile
from pathlib import Path

from tests.support.keeper_kills import Keepers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fedsafe-keepers-"))
    print(f"seed {given.seed}, {given.rounds} rounds, in {root}", flush=True)
    keepers = Keepers(root / "n", given.seed)
    for number in range(1, given.rounds + 1):
        keepers.round()
        if number % 10 == 0:
            print(f"round {number}: {len(keepers.said)} acts, all kept", flush=True)
    print(
        f"{given.rounds} rounds, {len(keepers.said)} acknowledged acts: all kept; "
        f"{keepers.dangling} keys were left unfinished, and finished"
    )


if __name__ == "__main__":
    main()
