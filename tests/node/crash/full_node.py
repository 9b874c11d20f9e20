# SPDX-License-Identifier: Apache-2.0
"""Run a node on a small file system until it is full, then make room."""

import asyncio
import io
import json
import logging
import sys
from contextlib import suppress
from pathlib import Path

from aiohttp import ClientSession, UnixConnector
from tests.node.crash.read_only import BAN, LOOKUP, QUESTION, ask
from tests.node.fleet import Fleet, make

from fedsafe_node.telemetry import configure_logging

MOST = 3_000


def fill(ballast: Path) -> None:
    """Leave no room at all."""
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


async def main(root: Path) -> None:
    configure_logging(level=logging.CRITICAL, stream=io.StringIO())
    fleet: Fleet = await make(root / "n", "a.demo")
    await fleet.start("a.demo")
    node, ballast = fleet["a.demo"], root / "ballast"
    line = UnixConnector(str(node.base.place.socket))
    session = ClientSession("http://node", connector=line)
    await asyncio.to_thread(fill, ballast)
    kept, refused = 0, ""
    while not refused and kept < MOST:
        about = QUESTION | {"value": f"person{kept}@mail.example"}
        status, told = await ask(session, "/v1/signals", BAN | {"about": about})
        kept, refused = kept + (status == 201), told if status != 201 else ""
    looked = await ask(session, "/v1/lookup", LOOKUP)
    bans = (await node.services.node.status()).own_bans
    await asyncio.to_thread(ballast.unlink)
    again = await ask(session, "/v1/signals", BAN)
    await node.keeper.gaps.watch()
    gaps = (await node.services.keeping.telling.gaps()).gaps
    await session.close()
    await fleet.close()
    answer = {
        "kept": kept,
        "refused": refused,
        "looked": looked,
        "bans": bans,
        "again": again[0],
        "gaps": [[gap.kind, gap.reason] for gap in gaps],
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
