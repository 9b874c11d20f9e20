# SPDX-License-Identifier: Apache-2.0
"""Kill a node while its people work on its audit log; nothing acknowledged is lost."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from tests.node.evidence.conftest import STAFF
from tests.node.fleet import make

from fedsafe_policies.vocabulary import Role

REPOSITORY: Final = Path(__file__).parents[2]
_LATEST: Final = 0.7


class Keepers:
    """One node that is killed again and again."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = Random(seed)  # noqa: S311 - no secret hangs on it
        self.said: list[list[str]] = []
        self.ends = self.dangling = 0
        staff = (*STAFF, ("olga", Role.OPERATOR))
        asyncio.run(make(root, "a.demo", staff=staff))

    def round(self) -> None:
        """Let them work, kill the node, and check."""
        child = self._child("work")
        assert child.stdout is not None
        first = child.stdout.readline()
        assert json.loads(first)[0] == "ready", first
        time.sleep(self.random.uniform(0.05, _LATEST))  # when the kill falls
        child.kill()
        rest, _ = child.communicate()
        whole = rest[: rest.rfind("\n") + 1]
        self.said += [json.loads(line) for line in whole.splitlines()]
        self.check()

    def check(self) -> None:
        """Start the node anew and hold it to all that it said."""
        child = self._child("check")
        lines = "".join(f"{json.dumps(words)}\n" for words in self.said)
        told, failed = child.communicate(lines)
        assert (child.returncode, failed) == (0, ""), failed[-2_000:]
        kept, count, ends, dangling = json.loads(told)
        assert (kept, int(count)) == ("kept", len(self.said))
        self.ends = int(ends)
        self.dangling += int(dangling)

    def _child(self, mode: str) -> "subprocess.Popen[str]":
        module = "tests.system.keeping_child"
        seed = f"{self.random.random()}"
        paths = [str(REPOSITORY), *filter(None, sys.path)]
        return subprocess.Popen(
            [sys.executable, "-m", module, str(self.root), mode, seed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=REPOSITORY,
            env={**os.environ, "PYTHONPATH": ":".join(paths)},
        )
