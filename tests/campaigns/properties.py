# SPDX-License-Identifier: Apache-2.0
"""Try every property with many examples; `./test` draws only a few of each.

    .venv/bin/python -m tests.campaigns.properties [--examples 1000] [TEST...]

Runs the tests that Hypothesis and Schemathesis draw, and the flipped bits of
`tests/node/store/test_rot.py`, with so many examples each; and the nodes of
`tests/node/app/test_match_kills.py` with `_DEATHS` deaths. Properties that name their
own number of examples keep it. Ends as pytest does, which prints the examples that
failed.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_DRAWN: Final = (
    "given(",
    "RuleBasedStateMachine",
    *("FEDSAFE_EXAMPLES", "FEDSAFE_FLIPS", "FEDSAFE_DEATHS"),
)
_DEATHS: Final = "20"
"""How often a node dies that was asked about files; each time costs seconds."""


def drawing(folder: Path) -> list[str]:
    """Name the test files that draw examples."""
    return sorted(
        str(path)
        for path in folder.rglob("test_*.py")
        if any(word in path.read_text(encoding="utf-8") for word in _DRAWN)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=1_000)
    parser.add_argument("tests", nargs="*", help="these alone, with pytest's options")
    given, more = parser.parse_known_args()
    number = str(given.examples)
    print(f"{number} examples each", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "--timeout=0", *more]
    done = subprocess.run(
        [*command, *(given.tests or drawing(_ROOT / "tests"))],
        env={"FEDSAFE_DEATHS": _DEATHS}
        | os.environ
        | {"FEDSAFE_EXAMPLES": number, "FEDSAFE_FLIPS": number},
        cwd=_ROOT,
        check=False,
    )
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
