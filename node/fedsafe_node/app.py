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
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from fedsafe_node.assembly import RunningNode
from fedsafe_node.clock import Clock, SystemClock
from fedsafe_node.config import Config, Place, load_config
from fedsafe_node.errors import NodeError, StoreFailedError
from fedsafe_node.telemetry import LOGGER, configure_logging, fields

LOOK_SECONDS: Final = 5.0

_SWITCH_SECONDS: Final = 0.0005
_YOUNG_OBJECTS: Final = 50_000
_LOG: Final = logging.getLogger(f"{LOGGER}.app")


def run(place: Place) -> None:
    """Run the node of a directory until SIGTERM or SIGINT.

    Raises:
        NodeError: it cannot start.
    """
    import uvloop  # noqa: PLC0415 - only a running node needs it

    # The writer thread and the loop share one interpreter lock: with the default
    # of 5 ms a commit would wait for it longer than for the disk.
    sys.setswitchinterval(_SWITCH_SECONDS)
    configure_logging()
    uvloop.run(_run(place))


async def _run(place: Place) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve(place, stop, SystemClock())


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
        _collect_less()
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
        await asyncio.wait_for(stop.wait(), within)
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


def _collect_less() -> None:
    # A batch of thousands of records would be walked again and again by the
    # collector, for cycles that it does not have. What the start made stays.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
