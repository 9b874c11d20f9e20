# SPDX-License-Identifier: Apache-2.0
"""Send forms of a desk twice, again by the button that leads back, and from two tabs.

    .venv/bin/python -m tests.campaigns.repeats [--seed N] [--count N]

Raises a node with a desk and sends 500 forms, drawn by the seed: once, twice at once,
once more after others, from two tabs, by a browser that goes away, and wrongly. No form
acts twice, and what was entered into a wrong one comes back. Prints how many were sent
of each kind and what is amiss, and ends with status 1 if anything is.

`tests/node/desk/test_acts.py` sends a few of them in every run of the tests.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from random import Random  # noqa: TID251 - seeded, and the seed is printed
from typing import Final

from tests.support.desk import Reader
from tests.support.desk_house import House, house
from tests.support.desk_repeats import Storm

_COUNT: Final = 500


async def stormed(made: House, seed: int, count: int) -> Storm:
    """Send the forms as a data protection officer."""
    async with Reader(made.origin) as reader:
        await reader.log_in(made.staff, "dora")
        storm = Storm(made, reader)
        await storm.send(Random(seed), count)  # noqa: S311 - seeded
    return storm


def main(arguments: Sequence[str]) -> int:
    """Send them, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32))
    parser.add_argument("--count", type=int, default=_COUNT)
    given = parser.parse_args(arguments)
    began = time.monotonic()
    with house(full=False) as made:
        storm = made.wait(stormed(made, given.seed, given.count), patience=3_600)
    for fault in storm.faults:
        sys.stdout.write(f"amiss: {fault}\n")
    kinds = ", ".join(f"{kind} {many}" for kind, many in sorted(storm.kinds.items()))
    sys.stdout.write(
        f"seed {given.seed}: {sum(storm.kinds.values())} forms ({kinds}), "
        f"{sum(storm.acts.values())} acts, {len(storm.faults)} amiss, "
        f"{time.monotonic() - began:.0f} s\n"
    )
    return 1 if storm.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
