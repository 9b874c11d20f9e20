# SPDX-License-Identifier: Apache-2.0
"""Run a node on a small file system until it is full, then make room.

On the full disk it is asked for all kinds of acts, stopped, and started again.
"""

import asyncio
import io
import json
import logging
import re
import sys
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, UnixConnector
from tests.node.crash.read_only import BAN, LOOKUP, QUESTION, ask
from tests.support.fleet import Fleet, make

from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.ground.telemetry import configure_logging
from fedsafe_node.store.keeping_rows import EffectKind
from fedsafe_node.store.transaction import Transaction

MOST: Final = 3_000
ROOMY: Final = 26  # more would grow a log file that, given back, makes room again
STOPPED: Final = 20
RESERVE_MIB: Final = 4
_HELD: Final = re.compile(r'^fedsafe_disk_bytes{what="reserve"} (\S+)$', re.MULTILINE)


def fill(ballast: Path) -> None:
    """Leave no room at all."""
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass


def talk(node: RunningNode) -> ClientSession:
    line = UnixConnector(str(node.base.place.socket))
    return ClientSession("http://node", connector=line)


async def ban(session: ClientSession, number: int) -> tuple[int, str]:
    """Record an own ban; return its id, or the code of the refusal."""
    about = QUESTION | {"value": f"person{number}@mail.example"}
    async with session.post("/v1/signals", json=BAN | {"about": about}) as answer:
        document = await answer.json(content_type=None)
        return answer.status, str(document.get("code") or document["signal"])


async def stop(session: ClientSession, signal: str) -> int:
    reason = {"reason": "finding_withdrawn"}
    status, _ = await ask(session, f"/v1/signals/{signal}/revoke", reason)
    return status


async def gaps_of(node: RunningNode) -> list[list[object]]:
    gaps = (await node.services.keeping.telling.gaps()).gaps
    return [[gap.kind, gap.reason, gap.until is not None] for gap in gaps]


async def fill_up(session: ClientSession, ballast: Path) -> tuple[list[str], str]:
    """Record bans until one is refused; soon there is no room for more."""
    kept: list[str] = []
    while len(kept) < MOST:
        if len(kept) == ROOMY:
            await asyncio.to_thread(fill, ballast)
        status, told = await ban(session, len(kept))
        if status != 201:
            return kept, told
        kept.append(told)
    return kept, ""


async def live_without_room(fleet: Fleet, ballast: Path) -> dict[str, Any]:
    """Ask a node on a full disk for what has to wait, and for what must not."""
    node = fleet["a.demo"]
    async with talk(node) as session:
        kept, refused = await fill_up(session, ballast)
        stopped = [await stop(session, signal) for signal in kept[:STOPPED]]
        await node.keeper.destroying.destroy(EffectKind.PERIOD_KEY, "2026-11")
        await node.keeper.gaps.watch()
        async with session.get("/v1/health") as answer:
            health = (await answer.json())["checks"]["disk"]
        async with session.get("/v1/metrics") as answer:
            held = _HELD.search(await answer.text())
        return {
            "kept": len(kept),
            "refused": refused,
            "looked": await ask(session, "/v1/lookup", LOOKUP),
            "stopped": stopped.count(200),
            "destroyed": (await node.services.keeping.telling.gaps()).keys[0].ended_at
            is not None,
            "lasting": await gaps_of(node),
            "health": health,
            "held": held[1] if held else None,
            "full": (await node.services.node.status()).disk,
            "last": kept[-1],
        }


async def live_again(fleet: Fleet, ballast: Path, last: str) -> dict[str, Any]:
    """Start anew on the full disk, then with room."""
    reserve = fleet.place("a.demo").reserve
    await fleet.stop("a.demo")
    await asyncio.to_thread(fill, ballast)
    await asyncio.to_thread(make_room, ballast, RESERVE_MIB)
    await fleet.start("a.demo")
    node = fleet["a.demo"]
    async with talk(node) as session:
        anew = await ask(session, "/v1/lookup", LOOKUP)
        ended = await stop(session, last)
        await node.keeper.gaps.watch()
        given_up = not reserve.exists()
        fleet.clock.advance(timedelta(seconds=90))
        await asyncio.to_thread(ballast.unlink)
        again, _ = await ask(session, "/v1/signals", BAN)
    await node.keeper.gaps.watch()
    return {
        "anew": anew,
        "ended": ended,
        "given_up": given_up,
        "again": again,
        "gaps": await gaps_of(node),
        "events": [
            '"until":null' not in each.text
            for each in await fleet.audit("a.demo", "audit.gap")
        ],
        "room": (await node.services.node.status()).disk,
        "reserve": reserve.stat().st_size,
        "bans": (await node.services.node.status()).own_bans,
        "verified": (await node.services.audits.verify(LOCAL)).ok,
    }


async def without_staff(node: RunningNode) -> None:
    """Take away the credentials of staff: else the bare socket stops nothing."""
    store = node.base.store
    for row in await store.read(lambda reader: reader.credentials()):
        await store.write(partial(_remove, name=row.id))


async def _remove(tx: Transaction, *, name: str) -> None:
    await tx.remove_credential(name)


def make_room(ballast: Path, mib: int) -> None:
    """Give some of the ballast back, less than a reserve wants."""
    with ballast.open("ab") as file:
        file.truncate(max(0, file.tell() - (mib << 20)))


async def main(root: Path) -> None:
    configure_logging(level=logging.CRITICAL, stream=io.StringIO())
    fleet = await make(root / "n", "a.demo", reserve_mib=RESERVE_MIB)
    await fleet.start("a.demo")
    await without_staff(fleet["a.demo"])
    fleet.clock.advance(timedelta(days=40))
    ballast = root / "ballast"
    first = await live_without_room(fleet, ballast)
    second = await live_again(fleet, ballast, first["last"])
    await fleet.close()
    sys.stdout.write(json.dumps(first | second))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
