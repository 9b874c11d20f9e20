# SPDX-License-Identifier: Apache-2.0
"""Copies the rows of a store that are not at the target yet, in constant memory."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Final

from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.operations.move.ends import (
    Row,
    Source,
    Target,
    count_of,
    last_key,
    moved_tables,
)
from fedsafe_node.store.coverage import Covered
from fedsafe_node.store.schema import migrate
from fedsafe_node.store.sql import Connection

MOST_ROWS: Final = 20_000  # of a batch
MOST_BYTES: Final = 4 << 20
_CELL: Final = 16  # bytes, roughly, of what is neither text nor bytes
_BY_INDEX: Final = ("entries", "openings")
_PARENTS: Final = 'SELECT "table" FROM pragma_foreign_key_list(?)'
Told = Callable[[str, int], None]
"""Is told a table, and how many more of its rows are at the target."""


def total_rows(connection: Connection) -> int:
    """Count the rows that a store has."""
    return sum(count_of(connection, each.name) for each in moved_tables(connection))


def copy_rows(source: Source, target: Target, told: Told, faults: Faults) -> None:
    """Copy what is missing, what others refer to first.

    Raises:
        sqlite3.Error: a database does not answer, or does not take a row.
    """
    for table in in_order(moved_tables(source.connection)):
        after = last_key(target.connection, table)
        if after is not None:
            told(table.name, count_of(target.connection, table.name))
        if table.name in _BY_INDEX:
            target.make_room(table.name, _highest(source.connection, table.name))
        for batch in batches(source.rows(table, after)):
            target.add(table, batch)
            told(table.name, len(batch))
            faults.reach(FaultPoint.MOVE_AFTER_ROWS)


def in_order(tables: Sequence[Covered]) -> list[Covered]:
    """Put tables behind those that their rows refer to."""
    raw = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(raw)
        parents = {
            table.name: {
                parent
                for (parent,) in raw.execute(_PARENTS, (table.name,))
                if parent != table.name  # such rows refer to what came before them
            }
            for table in tables
        }
    finally:
        raw.close()
    named = {table.name: table for table in tables}
    return [named[name] for name in TopologicalSorter(parents).static_order()]


def batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into batches that are neither too many nor too large."""
    batch: list[Row] = []
    size = 0
    for row in rows:
        batch.append(row)
        size += sum(_size(cell) for cell in row)
        if len(batch) >= MOST_ROWS or size >= MOST_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(cell: object) -> int:
    return len(cell) if isinstance(cell, bytes | str) else _CELL


def _highest(connection: Connection, table: str) -> int:
    sql = f"SELECT coalesce(max(idx), 0) FROM {table}"  # noqa: S608 - our own schema
    (highest,) = connection.execute(sql).fetchone()
    return int(highest)
