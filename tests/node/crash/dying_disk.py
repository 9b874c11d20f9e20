# SPDX-License-Identifier: Apache-2.0
"""Run a node whose disk becomes read-only under it, as the kernel does on errors.

The file system is shut down while the node has its files open: what is open takes no
writes, and nothing can be opened to be written. Then the disk is mounted anew.
"""

import asyncio
import io
import json
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientSession, UnixConnector
from tests.node.crash.read_only import BAN, LOOKUP, ask, mount
from tests.node.fleet import Fleet, make

from fedsafe_node.errors import NodeError
from fedsafe_node.principal import LOCAL
from fedsafe_node.telemetry import configure_logging


def why(path: Path, flags: int, *, descriptor: int | None = None) -> str:
    """Say why something cannot be written, through a descriptor or by its name."""
    try:
        opened = os.open(path, flags) if descriptor is None else descriptor
        os.write(opened, b"x")
    except OSError as error:
        return str(error.strerror)
    return "written"


async def die(fleet: Fleet, disk: Path) -> dict[str, object]:
    node = fleet["a.demo"]
    line = UnixConnector(str(node.base.place.socket))
    session = ClientSession("http://node", connector=line)
    kept, _ = await ask(session, "/v1/signals", BAN)
    opened = os.open(disk / "probe", os.O_CREAT | os.O_WRONLY)
    await asyncio.to_thread(mount, "mount", "-o", "remount,abort", str(disk))
    said = {
        "told": [
            await ask(session, "/v1/lookup", LOOKUP),
            await ask(session, "/v1/signals", BAN),
            await ask(session, "/v1/lookup", LOOKUP),
        ],
        "descriptor": why(disk, 0, descriptor=opened),
        "file": why(disk / "new", os.O_CREAT | os.O_WRONLY),
    }
    os.close(opened)
    await session.close()
    with suppress(NodeError, OSError):
        await fleet.close()
    return said | {"kept": kept}


async def main(root: Path) -> None:
    configure_logging(level=logging.CRITICAL, stream=io.StringIO())
    disk, image = str(root.parent), f"{root.parent}.img"
    fleet = await make(root, "a.demo")
    await fleet.start("a.demo")
    said = await die(fleet, root.parent)
    await asyncio.to_thread(mount, "umount", disk)
    await asyncio.to_thread(mount, "mount", "-o", "loop", image, disk)
    again = Fleet(root, clock=fleet.clock)
    await again.start("a.demo")
    node = again["a.demo"]
    line = UnixConnector(str(node.base.place.socket))
    async with ClientSession("http://node", connector=line) as session:
        said["found"] = await ask(session, "/v1/lookup", LOOKUP)
    gaps = (await node.services.keeping.telling.gaps()).gaps
    said["gaps"] = [[gap.kind, gap.reason] for gap in gaps]
    said["bans"] = (await node.services.node.status()).own_bans
    said["verified"] = (await node.services.audits.verify(LOCAL)).ok
    await again.close()
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
