# SPDX-License-Identifier: Apache-2.0
"""Change one thing in a node's directory at a time, and see each change found.

    .venv/bin/python -m tests.campaigns.mutations --mutations 2000 [--seed N] [--only N]

Builds a node that has rows in every table and stops it. Each mutation begins with
that directory: a cell is flipped, rows are deleted, swapped, doubled or put back to an
earlier version, a table is emptied or put back, a byte of a key or guard file flips,
a file is cut, deleted or swapped, an older database or guard is put back. Then the
node is started and verified; or the change is made under the open node, which is
verified. The change counts as found if the start refuses or `audit verify` does, and
what they say (after a refusal, what `audit verify` says of the stopped node) names it:
a change of a log by a span of entries that holds it, of another table by the row where
the seal can know it (`telling`), of a file by the file. Prints the seed first, then
at once whatever was not found, then sums. Ends with status 1 if anything was not found
or made it crash. With the seed, `--only` draws the change of one number again.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from tests.campaigns.mutating import Mutations
from tests.support.change_reports import WRONG, Judgement
from tests.support.fleet import make_founded
from tests.support.full_directory import build


async def run(
    root: Path, numbers: Iterable[int], seed: int
) -> AsyncIterator[Judgement]:
    """Build a node below a directory and judge the mutations of these numbers."""
    founded = root / "founded"
    founded.mkdir()
    await make_founded(founded)
    earlier, now = await build(founded, root)
    mutations = Mutations(earlier, now, root / "work", seed)
    for number in numbers:
        yield await mutations.judge(number)


async def tell(root: Path, numbers: Iterable[int], seed: int) -> Counter[str]:
    """Print at once what is wrong; return how often each outcome was."""
    sums: Counter[str] = Counter()
    async for each in run(root, numbers, seed):
        sums[each.outcome] += 1
        if each.is_wrong:
            print(each, flush=True)
    return sums


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--only", type=int, metavar="NUMBER")
    given = parser.parse_args()
    numbers = range(1, given.mutations + 1)
    if given.only is not None:
        numbers = range(given.only, given.only + 1)
    print(f"seed {given.seed}, {len(numbers)} mutations", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fedsafe-mutations-") as folder:
        sums = asyncio.run(tell(Path(folder), numbers, given.seed))
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(sums.items()))
    print(f"{told}; {time.monotonic() - begin:.0f} s")
    sys.exit(1 if WRONG & sums.keys() else 0)


if __name__ == "__main__":
    main()
