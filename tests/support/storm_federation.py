# SPDX-License-Identifier: Apache-2.0
"""Raise a federation for storms: its nodes are reached through links that can fail."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from string import ascii_lowercase
from typing import Final

from tests.support.federation import Federation
from tests.support.hatchery import hatchery
from tests.support.links import Links, linked
from tests.support.storms import StormLoop
from tests.support.two_trees import OPERATOR

from fedsafe_cli.demo.fleet import free_ports, stop
from fedsafe_cli.demo.nodes import STAFF, STATE, make_shown
from fedsafe_policies.vocabulary import Role

_POLL: Final = "poll = 5.0"
_POLL_HERE: Final = "poll = 1.0"
_STAFF: Final = (*STAFF, ("rita", Role.REVIEWER), (OPERATOR, Role.OPERATOR))


def _hasten(config: Path) -> None:
    """Let a node poll more often: a poke that is lost is no reason to wait so long."""
    text = config.read_text(encoding="utf-8")
    assert _POLL in text
    config.write_text(text.replace(_POLL, _POLL_HERE), encoding="utf-8")


@contextmanager
def stormy(
    root: Path,
    count: int,
    seed: int,
    *,
    placed: Callable[[Path], None] = lambda _directory: None,
) -> Iterator[StormLoop]:
    """Raise a federation whose nodes are reached through links.

    *placed* is told of each node's directory before it is made.
    """
    names = [f"{letter}.demo" for letter in ascii_lowercase[:count]]
    free = free_ports(2 * count)
    ports = dict(zip(names, zip(free[::2], free[1::2], strict=True), strict=True))
    root.mkdir()
    for name in names:
        placed(root / name)
    nodes = [
        make_shown(root / name, inside, url=f"http://127.0.0.1:{outside}", staff=_STAFF)
        for name, (outside, inside) in ports.items()
    ]
    for node in nodes:
        _hasten(Path(node.config))
    said = json.dumps({"nodes": [asdict(node) for node in nodes]})
    (root / STATE).write_text(said, encoding="utf-8")
    random = Random(f"{seed} links")  # noqa: S311 - no secret hangs on it
    with (
        hatchery(root / "clock") as hatched,
        linked(Links(random, ports)) as links,
        ExitStack() as started,
    ):
        for node in nodes:
            hatched.start(node.directory)
            started.callback(stop, node.directory)
        fed = Federation(root, count)
        fed.starter = hatched.start
        yield StormLoop(fed, links, hatched, seed)
