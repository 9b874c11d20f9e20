# SPDX-License-Identifier: Apache-2.0
"""Backs up a stopped node, and kills itself at a point."""

from pathlib import Path

from tests.node.operations.move.child import KillAt
from tests.support.fleet import BEGAN
from tests.support.forks import serve

from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.faults import FaultPoint
from fedsafe_node.operations.backup.creation import Wanted, make_backup


def back_up(words: list[str]) -> None:
    """Back up the node of a directory to a target."""
    directory, target, keys, point = words
    place = Place(Path(directory))
    make_backup(
        place,
        load_config(place),
        Wanted(Path(target), Path(keys)),
        BEGAN,
        lambda _request, _schema: None,
        faults=KillAt(FaultPoint(point), 1),
    )


if __name__ == "__main__":
    serve(back_up)
