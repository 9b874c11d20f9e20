# SPDX-License-Identifier: Apache-2.0
"""Kill merges of pictures and changes of the outside key; long `test_kill_outside.py`.

    .venv/bin/python -m tests.campaigns.kill_outside --rounds 50 [--seed N]

Every step of `fedsafe node outside-key new`, `rotate`, `remove` and `recover` that
changes a file, one after the other, then so many merges. Prints its seed first, and
ends at the first picture that is lost, key that opens nothing, or file that is left
over. A failed run leaves its directory behind.
"""

import argparse
import secrets
import tempfile
from pathlib import Path

from tests.support.outside_kills import CHANGES, rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fedsafe-outside-"))
    print(f"seed {given.seed}, {given.rounds} merges, in {root}", flush=True)
    with rounds(root, given.seed) as killed:
        for change in CHANGES:
            for step in killed.steps(change):
                killed.change(change, step)
            print(f"{change}: killed {killed.ends[change]} times, all kept", flush=True)
        for _ in range(given.rounds):
            killed.merge()
    for what, count in sorted(killed.ends.items()):
        print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
