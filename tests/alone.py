# SPDX-License-Identifier: Apache-2.0
"""Try again alone what failed beside other tests, and name it.

A machine that stands still for seconds (a disk that syncs, a neighbour that computes)
makes nodes too slow for each other. So a few tests that failed in a whole run have to
pass alone, more than once. They are named: each has to be mended all the same. Many
failures are no bad luck, and what fails again has failed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
MOST: Final = 3
TIMES: Final = 3


def main() -> int:
    """Run what failed last; give 0 if there is little of it and all of it passes."""
    names = list(json.loads(FAILED.read_text()))
    if not 0 < len(names) <= MOST:
        return 1
    _say(f"{len(names)} failed beside others; tried again alone, {TIMES} times")
    for _ in range(TIMES):
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        if subprocess.run([*command, *names], check=False).returncode != 0:
            return 1
    for name in names:
        _say(f"passes alone, failed beside others, to be mended: {name}")
    return 0


def _say(text: str) -> None:
    print(f"fedsafe: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
