# SPDX-License-Identifier: Apache-2.0
"""Kill a node while its cases go to partners; long `tests/system/test_kill_cases.py`.

    .venv/bin/python -m tests.campaigns.kill_cases --rounds 30 [--seed N]

Packages by mail, SFTP and webhook to servers on loopback, and by hand, some of which
somebody takes out first, and hands over or keeps back, also after a recall; replies and
bounces, which the command line hands in again where no answer came; letters of an
authority; recalls, some because a consent was revoked. In each round the node dies
once: at a fault point of its store or outbox, when a partner has taken a parcel and has
not said so yet, or at some moment. Prints its seed first, and ends at the first package
that is lost, came twice under two keys or to somebody else, and at whatever is half
done. A failed run leaves its directory behind.
"""

import argparse
import secrets
import tempfile
import time
from pathlib import Path

from tests.support.case_kills import case_loop


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fedsafe-cases-"))
    print(f"seed {given.seed}, {given.rounds} rounds, in {root}", flush=True)
    with case_loop(root / "n", given.seed) as loop:
        for number in range(1, given.rounds + 1):
            began = time.monotonic()
            loop.round()
            seconds = time.monotonic() - began
            print(f"round {number}: {seconds:.1f} s, all kept", flush=True)
    print(f"{given.rounds} rounds, {loop.told.repeated} acts without an answer")
    for title, counted in loop.counted().items():
        print(f"{title}:")
        for what, count in sorted(counted.items()):
            print(f"{count:8} {what}")


if __name__ == "__main__":
    main()
