# SPDX-License-Identifier: Apache-2.0
"""Look at the database of a node that does not run, and change nothing.

For `fedsafe doctor`: a node whose own log is not what left it does not start, and
then nothing but this can say where the damage is. The openings show which entry was
changed; without their keys nothing but the span is known. The seal says what of the
tables and key files is not as the node left it; how tables and logs go together is
for `fedsafe audit verify`, once it starts.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fedsafe_node.commitments import commitments_for
from fedsafe_node.config import Place
from fedsafe_node.errors import CorruptLogError, KeyFileError, StoreFailedError
from fedsafe_node.log.audit import audit_log_name
from fedsafe_node.log.guard import Kept, read_kept
from fedsafe_node.log.openings import PeriodKeys, unseal_opening
from fedsafe_node.log.verification import Anchor, verify_log
from fedsafe_node.provisions import Digests, approved_digests
from fedsafe_node.sealed_files import SealedFiles
from fedsafe_node.store.protocol import LogName, Reader
from fedsafe_node.store.rows import Opening, SealedOpening
from fedsafe_node.store.seal_protocol import Position
from fedsafe_node.store.sqlite import examine_file
from fedsafe_node.store.sqlite_reader import Unsealing
from fedsafe_node.store.writer import BY_WRONG_CELLS

AUDIT: Final = "/audit"


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
    return await asyncio.to_thread(_examine, place, node)


async def unapproved(place: Place, named: Digests) -> tuple[str, ...]:
    """Name which texts differ from those that the stopped node decides by."""

    async def query(reader: Reader) -> Digests | None:
        return await approved_digests(reader)

    try:
        approved = await asyncio.to_thread(
            lambda: examine_file(place.database, query, _Sealed())
        )
    except (StoreFailedError, *BY_WRONG_CELLS):
        return ()  # `examine_store` says what is wrong with it
    return named.differing(approved) if approved is not None else ()


def _examine(place: Place, node: str) -> list[Examined]:
    try:
        kept = read_kept(place.guard)
    except CorruptLogError as error:
        return [Examined("guard", wrong=error.reason)]

    try:
        around = SealedFiles(place, {log: each.size for log, each in kept.items()})
    except KeyFileError as error:
        return [Examined("keys", wrong=str(error))]

    async def query(reader: Reader) -> list[Examined]:
        return await _examine_logs(reader, kept, node, around)

    try:
        return examine_file(place.database, query, _unsealing(place.periods))
    except StoreFailedError as error:
        return [Examined("database", wrong=error.reason)]
    except BY_WRONG_CELLS:
        return [Examined("database", wrong="a row of it cannot be read")]


async def _examine_logs(
    reader: Reader, kept: Mapping[LogName, Kept], node: str, around: SealedFiles
) -> list[Examined]:
    damage = await reader.damage()
    if damage is not None:
        return [Examined("database", wrong=damage)]
    names = await reader.logs()
    audit = audit_log_name(node)
    foreign = [name for name in names if name.endswith(AUDIT) and name != audit]
    if foreign:
        return [Examined("database", wrong=f"it holds {foreign[0]}, not {audit}")]
    report = await reader.seal_report(around, 0)
    examined = [
        await _examine_log(
            reader,
            name,
            kept.get(name),
            report.logs.get(name),
            is_own=name.startswith(f"{node}/"),
        )
        for name in sorted({*names, *kept, *report.logs})
    ]
    if not report.faults:
        return [*examined, Examined("seal", report.rows)]
    return examined + [
        Examined(fault.table, wrong=f"{fault.name}: {fault.reason}")
        for fault in report.faults
    ]


async def _examine_log(
    reader: Reader,
    name: LogName,
    kept: Kept | None,
    sealed: Position | None,
    *,
    is_own: bool,
) -> Examined:
    anchors: list[Anchor] = []
    if kept is not None:
        root = bytes.fromhex(kept.root)
        anchors = [Anchor(size=kept.size, root=root, source="the guard")]
    if sealed is not None:
        size, root = sealed
        anchors.insert(0, Anchor(size=size, root=root, source="the seal"))
    try:
        found = await verify_log(
            reader, name, commitments_for(name), anchors, is_own=is_own
        )
    except CorruptLogError as error:
        wrong = f"damaged {error.place}: {error.reason}"
        return Examined(f"log {name}", wrong=wrong)
    return Examined(f"log {name}", found.size)


def _unsealing(periods: Path) -> Unsealing:
    try:
        return _Keyed(PeriodKeys(periods, tidy=False))
    except KeyFileError:
        return _Sealed()


class _Keyed:
    """Opens what the node could open."""

    def __init__(self, keys: PeriodKeys) -> None:
        self._keys = keys

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Open with the period's key, if it is there."""
        return unseal_opening(self._keys, log, sealed)


class _Sealed:
    """Leaves every opening shut, where the keys cannot be read."""

    def unseal(self, log: LogName, sealed: SealedOpening) -> Opening | None:
        """Open nothing."""
        del log, sealed
        return None
