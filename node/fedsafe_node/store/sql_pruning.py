# SPDX-License-Identifier: Apache-2.0
"""Pruned beginnings of logs in SQL: the reading half.

It is mixed into `Reader`, which owns the connection. What is written goes
through the sequencer, like all that concerns the tree.
"""

from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.sql import Connection

_NUMBER = "(SELECT id FROM logs WHERE origin = ?)"
_PRUNED = (
    "SELECT origin, size, root, since, event, openings, at "
    "FROM pruned JOIN logs ON logs.id = pruned.log ORDER BY pruned.log"
)
_READABLE = (
    "SELECT idx FROM openings AS o "  # noqa: S608 - our own words
    f"WHERE log = {_NUMBER} AND idx >= ? AND (period >= ? OR ("
    "sealed IS NOT NULL AND NOT EXISTS (SELECT 1 FROM effects WHERE "
    "kind = 'period_key' AND target = o.period AND ended_at IS NOT NULL))) "
    "ORDER BY idx LIMIT 1"
)
_POINTED_AT = (
    "SELECT min(idx) FROM signals WHERE log = ? AND idx >= ? AND status <> 'erased'"
)


class SqlPruneReader:
    """Reads what is left of pruned entries."""

    _connection: Connection

    async def minimum(self, log: str) -> int:
        """Return the first entry of a log that was not pruned."""
        row = self._connection.execute(
            f"SELECT size FROM pruned WHERE log = {_NUMBER}",  # noqa: S608
            (log,),
        ).fetchone()
        return 0 if row is None else int(row[0])

    async def pruned(self) -> list[PrunedRow]:
        """Return what was pruned, by log."""
        names = PrunedRow.__struct_fields__
        return [
            PrunedRow(**dict(zip(names, row, strict=True)))
            for row in self._connection.execute(_PRUNED).fetchall()
        ]

    async def leaf_tile(self, log: str, index: int) -> bytes | None:
        """Return the 256 leaf hashes of a tile whose entries were pruned."""
        row = self._connection.execute(
            f"SELECT hashes FROM leaf_tiles WHERE log = {_NUMBER} AND idx = ?",  # noqa: S608
            (log, index),
        ).fetchone()
        return None if row is None else bytes(row[0])

    async def first_readable(self, log: str, since: int, period: str) -> int | None:
        """Find the first entry from `since` on that keeps all behind it.

        Of such an entry an opening can still be read, or was sealed in that month or
        later, or a signal that is not erased points to it. None if there is none.
        """
        execute = self._connection.execute
        opening = execute(_READABLE, (log, since, period)).fetchone()
        (signal,) = execute(_POINTED_AT, (log, since)).fetchone()
        found = [
            index for index in (opening and opening[0], signal) if index is not None
        ]
        return min(found, default=None)

    async def erased_between(self, log: str, start: int, stop: int) -> int:
        """Count openings that were erased one by one."""
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM openings WHERE log = {_NUMBER} "  # noqa: S608
            "AND idx >= ? AND idx < ? AND erased_at IS NOT NULL",
            (log, start, stop),
        ).fetchone()
        return int(count)
