# SPDX-License-Identifier: Apache-2.0
"""Run a node whose disk becomes read-only under it, as the kernel does on errors.

The file system is shut down while the node has its files open: what is open takes no
writes, and nothing can be opened to be written. Then the disk is mounted anew, and
the node has to go on by itself.
"""

import asyncio
import io
import json
import logging
import os
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import ClientError, ClientSession, UnixConnector
from tests.node.crash.read_only import BAN, LOOKUP, ask, mount
from tests.support.fleet import Fleet, StandingClock, make

from fedsafe_node.app.run import serve
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.ground.telemetry import configure_logging


def why(path: Path, flags: int, *, descriptor: int | None = None) -> str:
    """Say why something cannot be written, through a descriptor or by its name."""
    try:
        opened = os.open(path, flags) if descriptor is None else descriptor
        os.write(opened, b"x")
    except OSError as error:
        return str(error.strerror)
    return "written"


async def until(ready: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await ready():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)


async def main(root: Path) -> None:
    configure_logging(level=logging.CRITICAL, stream=io.StringIO())
    disk, image = root.parent, f"{root.parent}.img"
    place = (await make(root, "a.demo")).place("a.demo")
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(place, stop, SystemClock(), look=0.1))
    session = ClientSession("http://node", connector=UnixConnector(str(place.socket)))

    async def answers() -> bool:
        try:
            return (await ask(session, "/v1/lookup", LOOKUP))[0] == 200
        except ClientError:
            return False

    await until(answers)
    said: dict[str, object] = {"kept": await ask(session, "/v1/signals", BAN)}
    opened = os.open(disk / "probe", os.O_CREAT | os.O_WRONLY)
    await asyncio.to_thread(mount, "mount", "-o", "remount,abort", str(disk))
    said["told"] = [
        await ask(session, "/v1/lookup", LOOKUP),
        await ask(session, "/v1/signals", BAN),
        await ask(session, "/v1/lookup", LOOKUP),
    ]
    said["descriptor"] = why(disk, 0, descriptor=opened)
    said["file"] = why(disk / "new", os.O_CREAT | os.O_WRONLY)
    os.close(opened)
    said["stands"] = not serving.done()
    # Of another device: the old one stays as it is while the node has files open there.
    await asyncio.to_thread(mount, "umount", "-l", str(disk))
    await asyncio.to_thread(shutil.copyfile, image, f"{image}.new")
    await asyncio.to_thread(mount, "mount", "-o", "loop", f"{image}.new", str(disk))
    await until(answers)
    said["found"] = await ask(session, "/v1/lookup", LOOKUP)
    await session.close()
    stop.set()
    await serving
    sys.stdout.write(json.dumps(said | await left(root)))


async def left(root: Path) -> dict[str, object]:
    """Say what a node that is started once more finds there."""
    again = Fleet(root, clock=StandingClock(SystemClock().now()))
    await again.start("a.demo")
    node = again["a.demo"]
    gaps = (await node.services.keeping.telling.gaps()).gaps
    found = {
        "gaps": [[gap.kind, gap.reason] for gap in gaps],
        "bans": (await node.services.node.status()).own_bans,
        "verified": (await node.services.audits.verify(LOCAL)).ok,
    }
    await again.close()
    return found


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
