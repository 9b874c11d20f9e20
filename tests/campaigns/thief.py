# SPDX-License-Identifier: Apache-2.0
"""Rob a node with a large dictionary; the long version of `tests/system/test_thief.py`.

    .venv/bin/python -m tests.campaigns.thief --numbers 1000000 [--seed TEXT]

Raises a federation of three, lists numbers out of the dictionary at two nodes, and
robs each node alone, then two together. Prints the seed first, then a line a theft.
Ends with status 1 if fewer than t nodes gave anybody away, or t nodes not all.
"""

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.federation import Federation, federation, until
from tests.support.loot import rob
from tests.support.phone_numbers import numbers
from tests.support.thief import attack


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--numbers", type=int, default=1_000_000)
    parser.add_argument("--listed", type=int, default=1_000)
    parser.add_argument("--seed", default=secrets.token_hex(8))
    parser.add_argument("--thorough", action="store_true", help="odd keys as well")
    parser.add_argument(
        "--thefts", nargs="+", default=["a", "b", "c", "bc"], metavar="NODES"
    )
    given = parser.parse_args()
    told = f"seed {given.seed}, {given.numbers} numbers, {given.listed} listed"
    print(told, flush=True)
    dictionary = numbers(given.seed, given.numbers)
    listed = dictionary[:: max(1, given.numbers // given.listed)][: given.listed]
    with tempfile.TemporaryDirectory(prefix="fedsafe-thief-") as folder:
        root = Path(folder)
        with federation(root / "f") as fed:
            _list_them(fed, listed)
            for name, node in zip("abc", fed.nodes, strict=True):
                fed.copy(node, root / name)
        fine = [
            _steal(root, names, dictionary, listed, thorough=given.thorough)
            for names in given.thefts
        ]
    sys.exit(0 if all(fine) else 1)


def _list_them(fed: Federation, listed: Sequence[str]) -> None:
    half = len(listed) // 2
    abouts = [{"kind": "phone", "value": number} for number in listed]
    fed.publish(fed.a, abouts[:half])
    fed.publish(fed.b, abouts[half:])
    until(fed.caught_up, "replication", patience=120)


def _steal(
    root: Path,
    names: str,
    dictionary: Sequence[str],
    listed: Sequence[str],
    *,
    thorough: bool,
) -> bool:
    begin = time.monotonic()
    loot = rob(*(root / name for name in names))
    found = attack(loot, dictionary, thorough=thorough).numbers
    seconds = time.monotonic() - begin
    held = f"{len(names)} of {len(loot.members)} nodes ({', '.join(loot.nodes)})"
    print(
        f"{held}: {len(loot.tokens)} tokens, {len(found)} of {len(listed)} numbers "
        f"recovered, {seconds:.0f} s",
        flush=True,
    )
    return found == (set(listed) if len(names) >= loot.threshold else set())


if __name__ == "__main__":
    main()
