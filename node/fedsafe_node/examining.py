# SPDX-License-Identifier: Apache-2.0
"""Look at the database of a node that does not run, and change nothing.

For `fedsafe doctor`: a node whose own log is not what left it does not start, and
then nothing but this can say where the damage is. Openings and the tables beside
the logs are for `fedsafe audit verify`, once it starts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedsafe_node.config import Place
from fedsafe_node.errors import CorruptLogError, StoreFailedError
from fedsafe_node.log.audit import audit_log_name
from fedsafe_node.log.guard import Kept, read_kept
from fedsafe_node.log.verification import Anchor, verify_log
from fedsafe_node.store.protocol import LogName, Reader
from fedsafe_node.store.rows import Opening, SealedOpening
from fedsafe_node.store.sqlite import examine_file


@dataclass(frozen=True, slots=True)
class Examined:
    """A part of the store, and what is wrong with it; empty if nothing is."""

    part: str
    size: int = 0
    wrong: str = ""


async def examine_store(place: Place, node: str) -> Sequence[Examined]:
    """Examine the database file, whose it is, and all logs in it."""
    if not await asyncio.to_thread(place.database.exists):
        return [Examined("database", wrong="there is none")]
    return await asyncio.to_thread(_examine, place.database, place.guard, node)


def _examine(database: Path, guard: Path, node: str) -> list[Examined]:
    try:
        kept = read_kept(guard)
    except CorruptLogError as error:
        return [Examined("guard", wrong=error.reason)]

    async def query(reader: Reader) -> list[Examined]:
        return await _examine_logs(reader, kept, node)

    try:
        return examine_file(database, query, _Sealed())
    except StoreFailedError as error:
        return [Examined("database", wrong=error.reason)]


async def _examine_logs(
    reader: Reader, kept: Mapping[LogName, Kept], node: str
) -> list[Examined]:
    damage = await reader.damage()
    if damage is not None:
        return [Examined("database", wrong=damage)]
    names = await reader.logs()
    audit = audit_log_name(node)
    foreign = [name for name in names if name.endswith("/audit") and name != audit]
    if foreign:
        return [Examined("database", wrong=f"it holds {foreign[0]}, not {audit}")]
    return [
        await _examine_log(reader, name, kept.get(name))
        for name in sorted({*names, *kept})
    ]


async def _examine_log(reader: Reader, name: LogName, kept: Kept | None) -> Examined:
    anchors: list[Anchor] = []
    if kept is not None:
        root = bytes.fromhex(kept.root)
        anchors = [Anchor(size=kept.size, root=root, source="the guard")]
    try:
        found = await verify_log(reader, name, lambda _: {}, anchors)
    except CorruptLogError as error:
        wrong = f"damaged at entry {error.index}: {error.reason}"
        return Examined(f"log {name}", wrong=wrong)
    return Examined(f"log {name}", found.size)


class _Sealed:
    """Leaves every opening shut: this needs no key."""

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Open nothing."""
        del log, sealed
        return None
