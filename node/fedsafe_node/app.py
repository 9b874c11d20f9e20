# SPDX-License-Identifier: Apache-2.0
"""Run a node until it is told to stop."""

import asyncio
import gc
import signal
import sys
from typing import Final

from fedsafe_node.assembly import RunningNode
from fedsafe_node.clock import SystemClock
from fedsafe_node.config import Config, Place, load_config
from fedsafe_node.telemetry import configure_logging

_SWITCH_SECONDS: Final = 0.0005
_YOUNG_OBJECTS: Final = 50_000


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
    uvloop.run(_run(place, load_config(place)))


async def _run(place: Place, config: Config) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    node = await RunningNode.start(place, config, SystemClock())
    _collect_less()
    try:
        await stop.wait()
    finally:
        await node.stop()


def _collect_less() -> None:
    # A batch of thousands of records would be walked again and again by the
    # collector, for cycles that it does not have. What the start made stays.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, 20, 20)
