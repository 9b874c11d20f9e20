# SPDX-License-Identifier: Apache-2.0
"""Draw the test files that are run under another Python as well.

`python -m tests.drawn SEED` prints a third of them, drawn anew for every seed, and all
that have told one Python from another: the whole under each would take twice as long.
"""

import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

TESTS: Final = Path("tests")
SHARE: Final = 3
# Texts made of docstrings, certificates, what is left unclosed, Unicode, libraries.
ALWAYS: Final = (
    "tests/cli/terminal/test_remote.py",
    "tests/crypto",
    "tests/federation/identifiers",
    "tests/node/api/test_openapi.py",
    "tests/node/casework/rendering",
    "tests/node/casework/transports",
    "tests/policies/escalation",
)


def drawn(names: list[str], seed: str) -> list[str]:
    """Return a third of the names, in their order, and all below `ALWAYS`."""
    return [
        name
        for name in names
        if name.startswith(ALWAYS) or _number(seed, name) % SHARE == 0
    ]


def _number(seed: str, name: str) -> int:
    return sha256(f"{seed}\n{name}".encode()).digest()[0]


def main() -> None:
    """Print the files drawn by the seed that is given."""
    (seed,) = sys.argv[1:]
    names = sorted(str(path) for path in TESTS.rglob("test_*.py"))
    print(f"seed {seed}", file=sys.stderr)
    print(*drawn(names, seed), sep="\n")


if __name__ == "__main__":
    main()
