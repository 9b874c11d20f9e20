# SPDX-License-Identifier: Apache-2.0
"""Run a node until it is told to stop.

After a commit that failed nobody knows what the kernel still holds, so the store
takes no more writes and the node refuses everything. Once the directory takes writes
again the node is started anew, in the same process, from what is durable.
"""

import asyncio
import gc
import logging
import os
import signal
import sys
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from fedsafe_node.api.server import raise_connection_limit
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.app.supervisor import Supervisor
from fedsafe_node.ground.clock import Clock, SystemClock
from fedsafe_node.ground.config import Config, Place, load_config
from fedsafe_node.ground.errors import (
    NodeError,
    StoreFailedError,
    TooFewConnectionsError,
)
from fedsafe_node.ground.process_memory import forbid_dumps, lock_memory
from fedsafe_node.ground.telemetry import LOGGER, configure_logging, fields
from fedsafe_node.operations.stopped_node import alone_in
from fedsafe_node.store.address import Server, driver_needed, store_at

LOOK_SECONDS: Final = 5.0

_SWITCH_SECONDS: Final = 0.0005
_YOUNG_OBJECTS: Final = 50_000
_LOG: Final = logging.getLogger(f"{LOGGER}.app")


def run(place: Place, workers: int = 1) -> None:
    """Run the node of a directory until SIGTERM or SIGINT, as one process or several.

    Raises:
        TooFewConnectionsError: the server lets in too few for so many workers.
        NodeError: it cannot start.
    """
    import uvloop  # noqa: PLC0415 - only a running node needs it

    prepare()
    config = load_config(place)
    place.making.unlink(missing_ok=True)  # it is made
    with alone_in(place) if config.store is not None else nullcontext(-1) as lock:
        if workers == 1:
            uvloop.run(_run(place))
        else:
            supervisor = Supervisor(place, config, workers, lock=lock)
            _check_connections(place, config, workers)
            asyncio.run(_supervise(supervisor))


def _check_connections(place: Place, config: Config, workers: int) -> None:
    server = store_at(place.database, config.store)
    if not isinstance(server, Server):
        return
    with driver_needed():
        from fedsafe_node.store.postgresql.facts import (  # noqa: PLC0415
            A_WORKER,
            facts_of,
        )

    try:
        found = facts_of(server)
    except StoreFailedError:
        return  # the first worker says why
    if workers > found.workers:
        want = workers * A_WORKER
        raise TooFewConnectionsError(workers, want, found.connections, found.workers)


def prepare() -> None:
    """Set up a process that runs a node, before its loop and its keys."""
    gc.disable()  # a start leaves little behind, and `collect_less` looks for it once
    forbid_dumps()
    lock_memory()
    # The writer thread and the loop share one interpreter lock: with the default
    # of 5 ms a commit would wait for it longer than for the disk.
    sys.setswitchinterval(_SWITCH_SECONDS)
    configure_logging()
    raise_connection_limit()


async def _run(place: Place) -> None:
    await serve(place, _until_told(), SystemClock())


async def _supervise(supervisor: Supervisor) -> None:
    await supervisor.run(_until_told())


def _until_told() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def serve(
    place: Place, stop: asyncio.Event, clock: Clock, *, look: float = LOOK_SECONDS
) -> None:
    """Run the node until it is told to stop; start it anew where its store gave up.

    Until its directory takes writes again it stands and refuses everything; *look* is
    how many seconds lie between two tries.

    Raises:
        NodeError: it cannot start.
    """
    config = await asyncio.to_thread(load_config, place)
    node: RunningNode | None = await RunningNode.start(place, config, clock)
    while node is not None:
        collect_less()
        try:
            gave_up = await _gave_up(node, stop, place, look)
        except BaseException:
            await node.stop()
            raise
        if not gave_up:
            await node.stop()
            return
        # Of a store that gave up nothing more is kept; all that it kept is durable.
        with suppress(NodeError, OSError):
            await node.stop()
        node = None
        _let_go()
        node = await _start_again(place, config, clock, stop, look)


async def _gave_up(
    node: RunningNode, stop: asyncio.Event, place: Place, look: float
) -> bool:
    """Wait for the end; True once the store gave up and could be opened anew."""
    while not await _stops(stop, look):
        if node.base.store.gave_up() and await asyncio.to_thread(
            takes_writes, place.directory
        ):
            return True
    return False


async def _start_again(
    place: Place, config: Config, clock: Clock, stop: asyncio.Event, look: float
) -> RunningNode | None:
    while not stop.is_set():
        try:
            node = await RunningNode.start(place, config, clock)
        except (StoreFailedError, OSError):
            _LOG.exception("not started anew", extra=fields(reason="store"))
            await _stops(stop, look)
        else:
            _LOG.warning("started anew", extra=fields(reason="store"))
            return node
    return None


async def _stops(stop: asyncio.Event, within: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            await stop.wait()
    return stop.is_set()


def takes_writes(directory: Path) -> bool:
    """Whether a file can be made durable in a directory; none is left there."""
    try:
        with TemporaryFile(dir=directory) as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _let_go() -> None:
    # What was frozen would stay for good, the keys of the node among it.
    gc.unfreeze()
    gc.collect()


def collect_less() -> None:
    """Let what the start has made be, and look for cycles less often."""
    # A batch of thousands of records would be walked again and again by the
    # collector, for cycles that it does not have. What the start made stays.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
    gc.enable()
