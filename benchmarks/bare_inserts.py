# SPDX-License-Identifier: Apache-2.0
"""The rows of media signals as bare sqlite3 statements: the limit of an import.

Tables and indexes have the node's own form, without its triggers; the rows are
copies of one that the node wrote, so the bytes are the same. One commit for 5,000.
"""

import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

PIECE = 5_000
_NEWEST = {
    "entries": "SELECT * FROM entries ORDER BY log DESC, idx DESC LIMIT 1",
    "openings": "SELECT * FROM openings ORDER BY log DESC, idx DESC LIMIT 1",
    "signals": "SELECT * FROM signals ORDER BY row DESC LIMIT 1",
}
_FORMS = (
    "SELECT sql FROM sqlite_master WHERE tbl_name IN ('entries', 'openings', 'signals')"
    " AND type <> 'trigger' AND sql IS NOT NULL ORDER BY type DESC"
)


def pieces(signals: int) -> list[int]:
    """Cut a number into pieces of 5,000."""
    whole, rest = divmod(signals, PIECE)
    return [PIECE] * whole + [rest] * (rest > 0)


class BareInserts:
    """A database that takes copies of the newest media signal of a node."""

    def __init__(self, database: Path, model: Path) -> None:
        with closing(sqlite3.connect(f"file:{model}?mode=ro", uri=True)) as source:
            self._rest = {
                table: source.execute(newest).fetchone()[2:]
                for table, newest in _NEWEST.items()
            }
            forms = source.execute(_FORMS).fetchall()
        self._database = sqlite3.connect(database, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        for (form,) in forms:
            self._database.execute(form)
        self._next = count(1)

    def insert(self, signals: int) -> None:
        """Insert so many."""
        for size in pieces(signals):
            numbers = [next(self._next) for _ in range(size)]
            self._database.execute("BEGIN IMMEDIATE")
            for table in ("entries", "openings"):
                self._many(table, [(1, at) for at in numbers])
            self._many("signals", [(at, b"%016d" % at) for at in numbers])
            self._database.execute("COMMIT")

    def _many(self, table: str, heads: list[tuple[int, int | bytes]]) -> None:
        rest = self._rest[table]
        marks = ",".join("?" * (len(rest) + 2))
        sql = f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608 - fixed names
        self._database.executemany(sql, ((*head, *rest) for head in heads))

    def close(self) -> None:
        """Close the database."""
        self._database.close()
