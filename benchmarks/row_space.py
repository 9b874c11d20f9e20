# SPDX-License-Identifier: Apache-2.0
"""What the rows of a node's store take, in its file or on a server."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

_LOGS = ("entries", "openings", "tile_roots", "leaf_tiles")
_SIZES = (
    "SELECT coalesce(whole.relname, part.relname)::text, "
    "sum(pg_total_relation_size(part.oid))::bigint FROM pg_class part "
    "LEFT JOIN pg_inherits ON inhrelid = part.oid "
    "LEFT JOIN pg_class whole ON whole.oid = inhparent "
    "WHERE part.relnamespace = 'fedsafe'::regnamespace AND part.relkind = 'r' "
    "GROUP BY 1"
)
_COUNTS = (
    "SELECT (SELECT count(*) FROM fedsafe.entries), "
    "(SELECT count(*) FROM fedsafe.signals)"
)


@dataclass(frozen=True, slots=True)
class Space:
    """Rows of a store, and the bytes they take."""

    entries: int
    signals: int
    whole: int
    logs: int = 0
    of_signals: int = 0


class OnFile:
    """The database of a node in its directory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def space(self) -> Space:
        """Count and measure."""
        uri = f"file:{self._path}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            entries, signals, pages, size = (
                int(database.execute(query).fetchone()[0])
                for query in (
                    "SELECT count(*) FROM entries",
                    "SELECT count(*) FROM signals",
                    "PRAGMA page_count",
                    "PRAGMA page_size",
                )
            )
        return Space(entries, signals, pages * size)


class OnServer:
    """The database of a node on the server."""

    def __init__(self, url: str) -> None:
        self._url = url

    def space(self) -> Space:
        """Count and measure."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            sizes: dict[str, int] = dict(connection.execute(_SIZES).fetchall())
            ((entries, signals),) = connection.execute(_COUNTS).fetchall()
        logs = sum(sizes.get(name, 0) for name in _LOGS)
        whole = sum(sizes.values())
        return Space(entries, signals, whole, logs, sizes["signals"])
