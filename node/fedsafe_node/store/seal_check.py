# SPDX-License-Identifier: Apache-2.0
"""Compares a database, and the key files beside it, with its seal."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from fedsafe_crypto.primitives.multiset import Multiset
from fedsafe_crypto.tlog.tiles import TILE_HEIGHT
from fedsafe_node.ground.errors import SealBrokenError
from fedsafe_node.store.coverage import (
    OF_LOGS,
    Covered,
    covered_tables,
    name_of,
    place_of,
    rows_of,
)
from fedsafe_node.store.seal_protocol import Position, SealReport, Surroundings
from fedsafe_node.store.sealed_parts import (
    MAIN,
    MainPart,
    Seal,
    SealKey,
    read_marks,
    read_seal,
)
from fedsafe_node.store.sql import Connection
from fedsafe_policies.ground.catalogue import Phrase

_OF_ENTRIES: Final = ("entries", "openings")
_SIZES: Final = (
    "SELECT id, origin, (SELECT coalesce(max(idx) + 1, 0) FROM entries WHERE log = id) "
    "FROM logs"
)
_LOST: Final = (
    "SELECT log, idx, grp, period FROM openings "
    "WHERE sealed IS NOT NULL AND period NOT IN ({}) LIMIT 1"
)
_BELOW: Final = (
    "SELECT min(idx) FROM {0} JOIN pruned ON pruned.log = {0}.log "
    "WHERE {0}.log = ? AND idx < pruned.size"
)
_STRAY_TILE: Final = (
    "SELECT level, idx FROM tile_roots WHERE log = ? AND (level < 1 OR level > ? "
    "OR idx >= ? >> CAST(? * level AS INTEGER)) ORDER BY level, idx LIMIT 1"
)
_HIGHEST: Final = 7  # a tile of that level has more entries than a log can have
_DIRECTORIES: Final = {"period_key": "periods", "quarter_key": "pseudonyms"}
MOST_AT_START: Final = 5_000  # rows of a table; larger ones are left to `audit verify`


def examine_seal(
    connection: Connection, around: Surroundings, newest: int
) -> SealReport:
    """Compare everything with the seal, on the snapshot under way.

    The logs are left to their own verification; the report says where they stood.
    """
    try:
        seal = read_seal(connection, around.key)
        _, moved = read_marks(connection, around.key)
    except SealBrokenError as fault:
        return SealReport(faults=(fault,))
    if seal is None:
        gone = SealBrokenError("seal", MAIN, Phrase("it is missing"), is_missing=True)
        return SealReport(faults=(gone,))
    if seal.main.number < newest:
        old = SealBrokenError("seal", MAIN, Phrase("an older one was put back"))
        return SealReport(faults=(old,))
    faults = (
        *stray_faults(connection),
        *lost_faults(connection, around, seal),
        *surroundings_faults(connection, around, seal),
        *table_faults(connection, around.key, seal),
    )
    rows = sum(sums.count for sums in seal.tables.values())
    to = None if moved is None else moved.to
    return SealReport(rows, faults, seal.main.logs, to)


def surroundings_faults(
    connection: Connection, around: Surroundings, seal: Seal
) -> Iterator[SealBrokenError]:
    """Compare the key files and the guard with the seal."""
    found, destroyed = around.digests(), destroyed_files(connection)
    for name, digest in seal.files.items():
        if name in destroyed and name not in found:
            continue
        if name not in found:
            yield SealBrokenError(
                "keys", name, Phrase("the file is gone"), is_missing=True
            )
        elif found[name] != digest:
            yield SealBrokenError(
                "keys", name, Phrase("the file is not as it was sealed")
            )
    marks = around.marks()
    for log, size in seal.main.guards.items():
        if marks.get(log, 0) < size:
            why = Phrase("it had come to {size} entries of this log").filled(size=size)
            yield SealBrokenError("guard", log, why, is_missing=True)


def stray_faults(connection: Connection) -> Iterator[SealBrokenError]:
    """Look for rows of logs where nobody who verifies a log would read them.

    No sum covers those of `OF_LOGS`, so what no log leads to is missed by all else.
    """
    names = dict(connection.execute("SELECT id, origin FROM logs").fetchall())
    for table in OF_LOGS:
        next_log = f"SELECT min(log) FROM {table} WHERE log > ?"  # noqa: S608 - our own words
        first = f"SELECT min(log) FROM {table}"  # noqa: S608
        (log,) = connection.execute(first).fetchone()
        while log is not None:
            before = f"SELECT 1 FROM {table} WHERE log = ? AND idx < 0 LIMIT 1"  # noqa: S608
            if log not in names:
                yield SealBrokenError(
                    table, f"log {log}", Phrase("there is no such log")
                )
            elif connection.execute(before, (log,)).fetchone() is not None:
                yield SealBrokenError(
                    table, names[log], Phrase("a row before its begin")
                )
            elif table in _OF_ENTRIES:
                (left,) = connection.execute(_BELOW.format(table), (log,)).fetchone()
                if left is not None:
                    why = Phrase("it was pruned, and is here")
                    yield SealBrokenError(table, f"{names[log]}, entry {left}", why)
            (log,) = connection.execute(next_log, (log,)).fetchone()
    for number, log, size in connection.execute(_SIZES).fetchall():
        cells = (number, _HIGHEST, size, TILE_HEIGHT)
        stray = connection.execute(_STRAY_TILE, cells).fetchone()
        if stray is not None:
            name = f"{log}, level {stray[0]}, tile {stray[1]}"
            why = Phrase("the log has {size} entries, and no such tile").filled(
                size=size
            )
            yield SealBrokenError("tile_roots", name, why)


def lost_faults(
    connection: Connection, around: Surroundings, seal: Seal
) -> Iterator[SealBrokenError]:
    """Look for openings of a month of which there never was a key.

    What has no key is taken for what was destroyed with it.
    """
    files = {*seal.files, *around.digests(), *destroyed_files(connection)}
    months = [
        name.removeprefix("periods/").removesuffix(".key")
        for name in files
        if name.startswith("periods/")
    ]
    marks = ", ".join(["''", *"?" * len(months)])  # no month is named so
    found = connection.execute(_LOST.format(marks), months).fetchone()
    if found is not None:
        log, index, group, period = found
        why = Phrase("there never was a key of {period}").filled(period=period)
        yield SealBrokenError("openings", f"{log}, {index}, {group}", why)


def destroyed_files(connection: Connection) -> set[str]:
    """Name the key files that were to be destroyed."""
    tables = connection.tables()
    found = set[str]()
    if "effects" in tables:
        rows = connection.execute("SELECT kind, target FROM effects").fetchall()
        found |= {f"{_DIRECTORIES.get(kind)}/{target}.key" for kind, target in rows}
    if "epoch_effects" in tables:
        rows = connection.execute("SELECT target FROM epoch_effects").fetchall()
        found |= {f"{target}.key" for (target,) in rows}
    return found


def log_faults(
    sealed: Mapping[str, Position], found: Mapping[str, Position]
) -> Iterator[SealBrokenError]:
    """Compare where logs stand with where they stood."""
    for log, (size, root) in sealed.items():
        here, now = found[log]
        if here < size:
            why = Phrase("{size} entries were sealed, and {here} are here").filled(
                size=size, here=here
            )
            yield SealBrokenError("logs", log, why, is_missing=True)
        elif (here, now) != (size, root):
            why = Phrase(
                "it had {size} entries and another root when it was sealed"
            ).filled(size=size)
            yield SealBrokenError("logs", log, why)


def lost_since(known: MainPart, found: MainPart) -> Iterator[SealBrokenError]:
    """Compare a seal that is found later with one that was committed."""
    if found.number < known.number:
        why = Phrase("number {known} was committed, and {found} is here").filled(
            known=known.number, found=found.number
        )
        yield SealBrokenError("seal", MAIN, why, is_missing=True)
    for log, (size, root) in known.logs.items():
        here, now = found.logs.get(log, (0, b""))
        if here < size:
            why = Phrase("{size} entries were sealed, and {here} are here").filled(
                size=size, here=here
            )
            yield SealBrokenError("logs", log, why, is_missing=True)
        elif here == size and now != root:
            why = Phrase(
                "it had {size} entries and another root when it was sealed"
            ).filled(size=size)
            yield SealBrokenError("logs", log, why)


def table_faults(
    connection: Connection,
    key: SealKey,
    seal: Seal,
    *,
    most: int | None = None,
) -> Iterator[SealBrokenError]:
    """Compare schema and tables, but those that were sealed with more than *most*."""
    if schema_digest(connection) != seal.main.schema:
        name = connection.odd_part()
        yield SealBrokenError("schema", name, Phrase("it is not what was sealed"))
    tables = {table.name: table for table in covered_tables(connection)}
    for name in sorted({*tables, *seal.tables}):
        sealed, table = seal.tables.get(name, Multiset()), tables.get(name)
        if table is None:
            yield SealBrokenError(name, "table", Phrase("it is gone"), is_missing=True)
        elif most is None or sealed.count <= most:
            fault = _table_fault(connection, key, table, sealed)
            if fault is not None:
                yield fault


def _table_fault(
    connection: Connection, key: SealKey, table: Covered, sealed: Multiset
) -> SealBrokenError | None:
    here = table.sum_up(key.hash_row, rows_of(connection, table))
    if here == sealed:
        return None
    place = here.place_of_difference(sealed)
    odd: list[Any] = []
    if place is not None:
        keys = map(table.key_of, rows_of(connection, table))
        odd = [key for key in keys if place_of(key) == place]
    elif here.count == sealed.count <= MOST_AT_START:
        odd = _strangers(connection, key, table, here, sealed)
    name = name_of(odd[0]) if len(odd) == 1 else "several rows"
    counts = Phrase("{size} rows were sealed, and {here} are here").filled(
        size=sealed.count, here=here.count
    )
    if here.count < sealed.count:
        if place is not None and not odd:
            name = _lost_row(connection, table, place)
        return SealBrokenError(table.name, name, counts, is_missing=True)
    if here.count > sealed.count:
        return SealBrokenError(table.name, name, counts)
    return SealBrokenError(table.name, name, Phrase("not as it was sealed"))


def _lost_row(connection: Connection, table: Covered, place: int) -> str:
    """Name a row that is gone, if it is among those that do not count any more."""
    others = map(list, connection.execute(table.select_others))
    found = [key for key in others if place_of(key) == place]
    return name_of(found[0]) if len(found) == 1 else "a row"


def _strangers(
    connection: Connection,
    key: SealKey,
    table: Covered,
    here: Multiset,
    sealed: Multiset,
) -> list[Any]:
    """Return the key of the row in whose place another was sealed, under another key.

    Without it a single row is missing; without any other row, never.
    """
    for row in rows_of(connection, table):
        without = table.change(here, key.hash_row, [(-1, row)])
        if without.place_of_difference(sealed) is not None:
            return [table.key_of(row)]
    return []


def schema_digest(connection: Connection) -> bytes:
    """Return a digest of the schema."""
    encoded = msgspec.msgpack.encode(connection.schema())
    return blake2b(encoded, digest_size=32).digest()
