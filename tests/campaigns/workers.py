# SPDX-License-Identifier: Apache-2.0
"""Kill workers of a node, and their PostgreSQL server, in a loop.

    .venv/bin/python -m tests.campaigns.workers --rounds 40 [--seed N] [--major 17]

The long version of `tests/node/store/postgresql/test_workers.py`: 4 workers with 16
writers each. Prints its seed first, a line every round, and ends at the first thing
that was lost, done twice or does not verify.
"""

import argparse
import asyncio
import secrets
import tempfile
from pathlib import Path

from tests.postgresql.fixtures import MAJORS, installation_of
from tests.postgresql.making import serving
from tests.support.store_workers import check, run, working


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--major", type=int, default=MAJORS[-1])
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="fedsafe-workers-"))
    print(f"seed {given.seed}, {given.rounds} rounds, in {root}", flush=True)
    with (
        serving(installation_of(given.major), durable=True) as server,
        working(server, root, given.seed) as workers,
    ):
        run(workers, given.rounds, told=_tell)
        count = asyncio.run(check(workers))
    print(f"{given.rounds} rounds, {count} acknowledged acts: all kept, each once")


def _tell(number: int, victim: str, acts: int) -> None:
    print(f"round {number}: {victim} killed, {acts} acts acknowledged", flush=True)


if __name__ == "__main__":
    main()
