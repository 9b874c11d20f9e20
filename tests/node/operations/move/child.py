# SPDX-License-Identifier: Apache-2.0
"""Moves a store in small batches, and kills itself at a point."""

import os
import signal
from pathlib import Path

from tests.support.databases import Prepared
from tests.support.forks import serve
from tests.support.move_ends import Stopped

from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.operations.move import copy as copying


class KillAt(Faults):
    """Kills the process at a point, the nth time."""

    def __init__(self, point: FaultPoint, nth: int) -> None:
        self.point = point
        self.nth = nth

    def reach(self, point: FaultPoint) -> None:
        if point is self.point:
            self.nth -= 1
            if self.nth == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def move(words: list[str]) -> None:
    """Move the store of a directory to a database, or back."""
    directory, owner, node, point, nth, *back = words
    copying.MOST_ROWS = 7  # type: ignore[misc]
    stopped = Stopped(Path(directory), Prepared(owner, owner, node))
    route = stopped.back if back else stopped.there
    stopped.move(route, faults=KillAt(FaultPoint(point), int(nth)))


if __name__ == "__main__":
    serve(move)
