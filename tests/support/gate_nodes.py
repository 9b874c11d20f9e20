# SPDX-License-Identifier: Apache-2.0
"""Nodes that run with a clock of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support import fleet as fleets
from tests.support.federation import until
from tests.support.ready_programme import start

from fedsafe_cli.demo.fleet import answers, stop
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_node.ground.config import Place, load_config

WITHIN: Final = 60.0  # seconds of the clock on the wall


@contextmanager
def running(
    root: Path, names: Sequence[str] = fleets.NAMES
) -> Iterator[dict[str, DemoNode]]:
    directories = [root / name for name in names]
    try:
        for directory in directories:
            start(directory)
        until(lambda: all(map(answers, directories)), "the start", patience=WITHIN)
        yield {each.name: _node(each) for each in directories}
    finally:
        for directory in directories:
            stop(directory)


def _node(directory: Path) -> DemoNode:
    config = load_config(Place(directory))
    where = str(directory)
    return DemoNode(name=config.name, url=config.url, dir=where, config=where)
