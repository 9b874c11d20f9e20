# SPDX-License-Identifier: Apache-2.0
"""Start a node whose whole file system is read-only, then once more when it is not.

Before that one is to be made whose reserve would not find room there.
"""

import asyncio
import io
import json
import logging
import sys
from pathlib import Path

from aiohttp import ClientSession, UnixConnector
from tests.node.crash.read_only import BAN, ask, mount
from tests.support.fleet import make

from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.ground.telemetry import configure_logging
from fedsafe_node.operations.offline_inspect import verify_node


def content(directory: Path) -> dict[str, bytes]:
    """Read all files of a directory."""
    return {
        str(path): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


async def main(root: Path) -> None:
    configure_logging(level=logging.CRITICAL, stream=io.StringIO())
    disk, small = str(root.parent), ""
    try:
        await make(root / "large", "b.demo", reserve_mib=60)
    except NodeError as error:
        small = str(error)
    fleet = await make(root / "n", "a.demo")
    await fleet.start("a.demo")
    await fleet.stop("a.demo")
    before = await asyncio.to_thread(content, root)
    await asyncio.to_thread(mount, "mount", "-o", "remount,ro", disk)
    refused = ""
    try:
        await fleet.start("a.demo")
    except NodeError as error:
        refused = str(error)
    place = fleet.place("a.demo")
    config = await asyncio.to_thread(load_config, place)
    readable = (await verify_node(place, config)).ok
    same = await asyncio.to_thread(content, root) == before
    await asyncio.to_thread(mount, "mount", "-o", "remount,rw", disk)
    await fleet.start("a.demo")
    node = fleet["a.demo"]
    line = UnixConnector(str(node.base.place.socket))
    async with ClientSession("http://node", connector=line) as session:
        again, _ = await ask(session, "/v1/signals", BAN)
    verified = (await node.services.audits.verify(LOCAL)).ok
    await fleet.close()
    answer = {
        "small": small,
        "refused": refused,
        "readable": readable,
        "same": same,
        "again": again,
        "verified": verified,
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
