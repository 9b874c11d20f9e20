# SPDX-License-Identifier: Apache-2.0
"""Kill whole nodes in a loop; the long version of `tests/system/test_kill.py`.

    .venv/bin/python -m tests.campaigns.kill --rounds 100 [--seed N] [--dir DIR]

Prints its seed first, a line every ten rounds, and ends at the first thing that was
lost, done twice or does not verify. A failed run leaves its directories behind.
"""

import argparse
import secrets
import tempfile
from pathlib import Path

from tests.support.federation import federation
from tests.support.node_kills import KillLoop, run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--dir", type=Path, help="where to put the nodes")
    given = parser.parse_args()
    root = Path(given.dir or tempfile.mkdtemp(prefix="fedsafe-kill-"))
    print(f"seed {given.seed}, {given.rounds} rounds, in {root}", flush=True)
    with federation(root / "f") as fed:
        loop = run(fed, seed=given.seed, rounds=given.rounds, told=_tell)
    print(f"{given.rounds} rounds, {loop.acts} acknowledged acts: all kept")


def _tell(number: int, loop: KillLoop) -> None:
    if number % 10 == 0:
        print(f"round {number}: {loop.acts} acknowledged acts, all kept", flush=True)


if __name__ == "__main__":
    main()
