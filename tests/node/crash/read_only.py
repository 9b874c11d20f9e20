# SPDX-License-Identifier: Apache-2.0
"""Run a node in whose directory no new file can be made, in a mount namespace.

A bind mount lays itself over the directory: what is open stays writable, so a new
month begins, whose key cannot be made. Nothing may be answered until it is gone.
"""

import asyncio
import io
import json
import logging
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

from aiohttp import ClientSession, UnixConnector
from tests.support.fleet import Fleet, make

from fedsafe_node.ground.telemetry import configure_logging

QUESTION = {"kind": "email", "value": "somebody@mail.example"}
BAN = {
    "about": QUESTION,
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "rule": "rule-7",
    "removed_on": "2026-11-20",
}
LOOKUP = {"questions": [QUESTION], "purpose": "signup_check"}


def mount(*arguments: str) -> None:
    subprocess.run(arguments, check=True)


async def ask(session: ClientSession, path: str, body: object) -> tuple[int, str]:
    async with session.post(path, json=body) as answer:
        document = await answer.json(content_type=None)
        return answer.status, str(document.get("code") or document.get("result"))


async def main(root: Path) -> None:
    configure_logging(level=logging.CRITICAL, stream=io.StringIO())
    fleet: Fleet = await make(root, "a.demo")
    await fleet.start("a.demo")
    node, directory = fleet["a.demo"], str(fleet.place("a.demo").directory)
    line = UnixConnector(str(node.base.place.socket))
    session = ClientSession("http://node", connector=line)
    sizes = [len(await fleet.audit("a.demo"))]
    told: list[tuple[int, str]] = []
    await asyncio.to_thread(mount, "mount", "--bind", directory, directory)
    await asyncio.to_thread(mount, "mount", "-o", "remount,bind,ro", directory)
    fleet.clock.advance(timedelta(days=40))
    told += [await ask(session, "/v1/lookup", LOOKUP)]
    told += [await ask(session, "/v1/signals", BAN)]
    sizes.append(len(await fleet.audit("a.demo")))
    bans = (await node.services.node.status()).own_bans
    fleet.clock.advance(timedelta(seconds=90))
    await asyncio.to_thread(mount, "umount", directory)
    told += [await ask(session, "/v1/signals", BAN)]
    told += [await ask(session, "/v1/lookup", LOOKUP)]
    await node.keeper.gaps.watch()
    gaps = (await node.services.keeping.telling.gaps()).gaps
    await session.close()
    await fleet.close()
    answer = {
        "told": told,
        "sizes": sizes,
        "bans": bans,
        "gaps": [[gap.kind, gap.reason, (gap.until or 0) - gap.since] for gap in gaps],
    }
    sys.stdout.write(json.dumps(answer))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
