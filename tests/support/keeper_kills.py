# SPDX-License-Identifier: Apache-2.0
"""Kill a node while its people work; nothing that it acknowledged is lost."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from tests.support.keeper_desk import prepare

REPOSITORY: Final = Path(__file__).parents[2]
_LATEST: Final = 0.7


class Keepers:
    """One node that is killed again and again."""

    def __init__(self, root: Path, seed: int) -> None:
        self.root = root
        self.random = Random(seed)  # noqa: S311 - no secret hangs on it
        self.said: list[list[str]] = []
        self.ends = self.dangling = 0
        root.mkdir(parents=True)
        asyncio.run(prepare(root))

    def round(self) -> None:
        """Let them work, kill the node, and check."""
        child = self._child("work")
        assert child.stdout is not None
        first = child.stdout.readline()
        assert json.loads(first)[0] == "ready", first
        time.sleep(self.random.uniform(0.05, _LATEST))  # when the kill falls
        status = child.poll()
        child.kill()
        rest, failed = child.communicate()
        assert status is None, failed[-2_000:]  # it works until it is killed
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
        module = "tests.support.keeper_child"
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
