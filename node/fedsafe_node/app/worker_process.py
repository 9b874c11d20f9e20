# SPDX-License-Identifier: Apache-2.0
"""One of the processes that a supervisor starts (`supervisor`)."""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fedsafe_node.api.ports import bind_port
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.app.memory_link import MemoryLink
from fedsafe_node.app.run import LOOK_SECONDS, collect_less, prepare
from fedsafe_node.app.supervisor import LAST, READY
from fedsafe_node.app.worker import Worker
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Config, Place, load_config
from fedsafe_node.ground.errors import NodeError, StoreFailedError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.store.address import Server, driver_needed, store_at

if TYPE_CHECKING:  # the driver, which is loaded by who leads
    from fedsafe_node.store.postgresql.leader_lock import AdvisoryLeadership

_LOG = logging.getLogger(f"{LOGGER}.supervised")


def main() -> None:
    """Run one process of a node until it is told to stop, or its parent is gone."""
    import uvloop  # noqa: PLC0415 - only a running node needs it

    prepare()
    uvloop.run(_run(_arguments().parse_args()))


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fedsafe node run", add_help=False)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--run", required=True)
    parser.add_argument("--tells", type=int, required=True)
    parser.add_argument("--listens", type=int, required=True)
    parser.add_argument("--lookups", type=int)
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--first", action="store_true")
    return parser


class _Told:
    """What the parent has told: to stop, and whether the node stops with it."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.is_last = False
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.stop.set)
        self._loop.add_reader(sys.stdin.fileno(), self._hear)

    def _hear(self) -> None:
        said = os.read(sys.stdin.fileno(), 1)
        self.is_last = self.is_last or said == LAST
        if not said:  # it has nothing more to say, or is gone
            self._loop.remove_reader(sys.stdin.fileno())
            self.stop.set()


async def _run(given: argparse.Namespace) -> None:
    told = _Told()
    try:
        node = await _start(given)
    except NodeError as error:
        _LOG.exception("not started", extra=fields(index=given.number))
        _tell(given.tells, f"failed\n{error}")
        sys.exit(1)
    _tell(given.tells, READY)
    collect_less()
    try:
        gave_up = await _gave_up(node, told.stop)
    finally:
        node.is_last = told.is_last
        await node.stop()
    if gave_up:
        sys.exit(1)


async def _start(given: argparse.Namespace) -> RunningNode:
    place = Place(given.directory)
    config = await asyncio.to_thread(load_config, place)
    worker = Worker(
        number=given.number,
        run=given.run,
        is_first=given.first,
        leadership=await asyncio.to_thread(_leadership, place, config, given.first),
        sockets=(
            *await bind_port(config.listen.host, config.listen.port, shared=True),
            socket.socket(fileno=given.listens),
        ),
        desk_sockets=tuple(
            await bind_port(
                config.desk.listen.host, config.desk.listen.port, shared=True
            )
        )
        if config.desk is not None
        else (),
        lookup_sockets=(socket.socket(fileno=given.lookups),)
        if given.lookups is not None
        else (),
        link=MemoryLink(socket.socket(fileno=given.memory)),
    )
    return await RunningNode.start(place, config, SystemClock(), worker)


def _leadership(
    place: Place,
    config: Config,
    is_first: bool,  # noqa: FBT001 - passed on
) -> "AdvisoryLeadership":
    server = store_at(place.database, config.store)
    if not isinstance(server, Server):
        raise StoreFailedError("several processes share a store on a server only")
    with driver_needed():
        from fedsafe_node.store.postgresql import leader_lock as leading  # noqa: PLC0415

    return leading.AdvisoryLeadership(server, is_first=is_first)


async def _gave_up(node: RunningNode, stop: asyncio.Event) -> bool:
    """Wait for the end; True once the store gave up: another process begins anew."""
    while not node.base.store.gave_up():
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await stop.wait()
        if stop.is_set():
            return False
    return True


def _tell(descriptor: int, text: str) -> None:
    with suppress(OSError):  # the parent is gone
        os.write(descriptor, text.encode()[:4_096])
    os.close(descriptor)


if __name__ == "__main__":
    main()
