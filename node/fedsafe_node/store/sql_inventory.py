# SPDX-License-Identifier: Apache-2.0
"""The inventory of own signals: a reading and a writing half.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections.abc import Sequence
from typing import Any, Final

from fedsafe_node.store.inventory_rows import (
    InventoryRow,
    InventoryState,
    NewInventoryRow,
)
from fedsafe_node.store.sql import Connection
from fedsafe_node.store.sql_rights import UNRULED

_MOST_VARIABLES: Final = 500
_CELLS: Final = (
    "SELECT l.signal_id, l.own, l.state, l.match_until, l.period, l.sealed, "
    "coalesce(s.plane, d.plane), coalesce(s.scope, d.scope), s.media_kind, s.idx, "
    "d.author, CASE WHEN d.state = 'published' THEN d.decided_by END, v.last_at "
)
_BESIDE: Final = (
    "LEFT JOIN signals s ON s.signal_id = l.signal_id AND s.origin = l.origin "
    "LEFT JOIN drafts d ON d.signal_id = l.signal_id "
)
_REVIEWS: Final = "LEFT JOIN validations v ON v.signal_id = l.signal_id "
_INVENTORY: Final = f"{_CELLS}FROM inventory l {_BESIDE}{_REVIEWS}"
_RANGE: Final = (
    f"{_INVENTORY}WHERE l.own = ? AND l.state = ? "
    "AND l.signal_id > ? AND l.signal_id < ? ORDER BY l.signal_id "
)
OLDEST_FIRST: Final = _RANGE + "LIMIT ?"
NEWEST_FIRST: Final = _RANGE + "DESC LIMIT ?"
ENDING: Final = (
    f"{_INVENTORY}WHERE l.state IN ('active', 'disputed') AND l.match_until < ? "
    "AND (l.match_until, l.signal_id) > (?, ?) "
    "ORDER BY l.match_until, l.signal_id LIMIT ?"
)
REVIEWED: Final = (
    f"{_CELLS}FROM validations v JOIN inventory l ON l.signal_id = v.signal_id "
    f"{_BESIDE}WHERE v.last_at <= ? AND (v.last_at, v.signal_id) > (?, ?) "
    "AND l.state IN ('active', 'disputed') "
    "ORDER BY v.last_at, v.signal_id LIMIT ?"
)
CONTESTED: Final = (
    "SELECT DISTINCT disputes.signal_id FROM disputes JOIN inventory l "  # noqa: S608
    "ON l.signal_id = disputes.signal_id AND l.origin = disputes.origin "
    "WHERE disputes.origin IN ({0}) AND l.state IN ('active', 'disputed') "
    f"AND {UNRULED} ORDER BY disputes.signal_id"
)
RUNS: Final = (
    "SELECT recipient, first, last FROM recipients "
    "WHERE first > ? AND first <= ? AND last >= ?"
)
ENDED: Final = (
    "SELECT n.signal_id, max(r.seq) FROM restrictions r "
    "JOIN restricted n ON n.digest = r.digest AND n.origin = r.origin "
    "WHERE r.author = ? AND r.seq > ? AND r.origin = r.author "
    "AND r.effect <> 'disputed' GROUP BY n.signal_id"
)
_ADD: Final = (
    "INSERT INTO inventory "
    "(signal_id, own, origin, state, match_until, period, sealed) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (signal_id) DO UPDATE SET "
    "origin = excluded.origin, state = excluded.state, "
    "match_until = excluded.match_until"
)
SET_STATE: Final = (
    "UPDATE inventory SET state = ?1, "
    "sealed = CASE WHEN ?1 IN ('active', 'disputed') THEN sealed END "
    "WHERE signal_id = ?2 AND origin = ?3"
)
WITHDRAW: Final = (
    "UPDATE inventory SET state = 'withdrawn', sealed = NULL "
    "WHERE signal_id = ? AND state = 'draft'"
)


def _inventory_row(row: Any) -> InventoryRow:  # noqa: ANN401 - a raw row
    return InventoryRow(
        signal_id=bytes(row[0]),
        own=bool(row[1]),
        state=InventoryState(row[2]),
        match_until=row[3],
        period=row[4],
        sealed=row[5],
        plane=row[6],
        scope=row[7],
        media_kind=row[8],
        index=row[9],
        author=row[10],
        approver=row[11],
        reviewed_at=row[12],
    )


class SqlInventoryReader:
    """Reads which signals are this node's own."""

    _connection: Connection

    def _inventory_rows(self, sql: str, *values: object) -> list[InventoryRow]:
        return [_inventory_row(row) for row in self._connection.execute(sql, values)]

    async def inventory(  # noqa: PLR0913 - a range has so many sides
        self,
        state: InventoryState,
        limit: int,
        *,
        own: bool,
        above: bytes,
        below: bytes,
        newest: bool,
    ) -> list[InventoryRow]:
        """Return own bans, or others, of a state with ids between two bounds.

        In the order of their ids, which is that in which they were made.
        """
        sql = NEWEST_FIRST if newest else OLDEST_FIRST
        return self._inventory_rows(sql, int(own), state.value, above, below, limit)

    async def inventory_named(self, signal_ids: Sequence[bytes]) -> list[InventoryRow]:
        """Return those of these ids, in the order of ids."""
        found: list[InventoryRow] = []
        for start in range(0, len(signal_ids), _MOST_VARIABLES):
            part = signal_ids[start : start + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            where = f"WHERE l.signal_id IN ({marks})"
            found += self._inventory_rows(_INVENTORY + where, *part)
        return sorted(found, key=lambda row: row.signal_id)

    async def inventory_ending(
        self, after: tuple[int, bytes], before: int, limit: int
    ) -> list[InventoryRow]:
        """Return what stops to match before a moment, first what ends first."""
        return self._inventory_rows(ENDING, before, *after, limit)

    async def inventory_reviewed(
        self, after: tuple[int, bytes], until: int, limit: int
    ) -> list[InventoryRow]:
        """Return what was last reviewed until a moment, first what was before all."""
        return self._inventory_rows(REVIEWED, until, *after, limit)

    async def contested_inventory(self, origins: Sequence[str]) -> list[bytes]:
        """Return ids of what matches or rests while a dispute waits for its ruling.

        *origins* are the names of this node's lists.
        """
        marks = ",".join("?" * len(origins))
        rows = self._connection.execute(CONTESTED.format(marks), tuple(origins))
        return [bytes(signal_id) for (signal_id,) in rows]

    async def handed_runs(
        self, first: int, last: int, longest: int
    ) -> list[tuple[str, int, int]]:
        """Return who got which run of entries that holds any of these.

        `longest` is the most entries that a run may have. From 0 it walks the ledger.
        """
        values = (first - longest, last, first)
        return self._connection.execute(RUNS, values).fetchall()

    async def ended_after(self, node: str, sequence: int) -> dict[bytes, int]:
        """Return what this node has ended behind a statement, and by which."""
        rows = self._connection.execute(ENDED, (node, sequence))
        return {bytes(signal_id): int(by) for signal_id, by in rows}


class SqlInventoryWriter:
    """Keeps which signals are this node's own."""

    _connection: Connection

    async def add_inventory(self, rows: Sequence[NewInventoryRow]) -> None:
        """Enter signals; of one that is there, how it stands is kept anew."""
        self._connection.executemany(
            _ADD,
            [
                (
                    row.signal_id,
                    int(row.own),
                    row.origin,
                    row.state.value,
                    row.match_until,
                    row.period,
                    row.sealed,
                )
                for row in rows
            ],
        )
