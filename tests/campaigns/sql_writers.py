# SPDX-License-Identifier: Apache-2.0
"""Writers that speak SQL: an append-only log like FedSafe's, in plain PostgreSQL.

A row gets the next number under an advisory lock, its key makes it come once, and the
node's role may insert and read, nothing else.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg
from tests.campaigns.database_hosts import DatabaseHosts, until
from tests.support.acknowledged import NotAcknowledgedError, Writer

Connection = psycopg.Connection[tuple[Any, ...]]
_TABLE: Final = """
    CREATE TABLE campaign (number bigint PRIMARY KEY, key text NOT NULL UNIQUE);
    GRANT INSERT, SELECT ON campaign TO fedsafe_node;
"""
_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(4711)"
_KNOWN: Final = "SELECT number FROM campaign WHERE key = %s"
_APPEND: Final = """
    INSERT INTO campaign SELECT coalesce(max(number) + 1, 0), %s FROM campaign
    RETURNING number
"""
# What a crashed leader found in its log may be on no other host yet. A commit that
# writes waits for the second host, and so for all before it; one that reads does not.
_WAIT_FOR_ALL_BEFORE: Final = "SELECT pg_logical_emit_message(true, 'campaign', '')"
# Read the table itself: an index would hide what it does not know.
_WITHOUT_INDEXES: Final = "SET enable_indexscan = off; SET enable_indexonlyscan = off"


class SqlWorkload:
    """A log in the database that the hosts keep."""

    def __init__(self, hosts: DatabaseHosts) -> None:
        self._hosts = hosts

    def prepare(self) -> None:
        """Make the table, as the role that owns tables."""
        with psycopg.connect(self._hosts.url("fedsafe_owner")) as connection:
            connection.execute(_TABLE)

    def writer(self) -> Writer:
        """Give one more caller."""
        return SqlWriter(self._hosts.url("fedsafe_node"))

    def kept(self, keys: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Read the whole table."""
        del keys
        return by_key(until(self._rows, "the table to be read"))

    def _rows(self) -> Sequence[tuple[int, str]] | None:
        try:
            with psycopg.connect(self._hosts.url("fedsafe_node")) as connection:
                connection.execute(_WITHOUT_INDEXES)
                rows = connection.execute("SELECT number, key FROM campaign")
                return [(number, key) for number, key in rows]
        except psycopg.OperationalError:
            return None

    def faults(self) -> list[str]:
        """Say if a number is missing, or there twice."""
        rows = until(self._rows, "the table to be read")
        numbers = sorted(number for number, _ in rows)
        fits = numbers == list(range(len(numbers)))
        return [] if fits else ["the numbers of the log have a gap"]


class SqlWriter:
    """One connection at a time, to whoever takes writes."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def write(self, key: str) -> str:
        """Append a row, unless it is there already."""
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url)
            with self._connection.transaction():
                number = _append(self._connection, key)
        except (psycopg.OperationalError, psycopg.InternalError) as error:
            self.close()
            reason = error.sqlstate or "no connection"
            raise NotAcknowledgedError(reason) from None
        return str(number)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def by_key(rows: Sequence[tuple[int, str]]) -> Mapping[str, Sequence[str]]:
    """Say of a log's rows which numbers each key has."""
    found = defaultdict(list)
    for number, key in rows:
        found[key].append(str(number))
    return found


def _append(connection: Connection, key: str) -> int:
    connection.execute(_ONE_AT_A_TIME)
    row = connection.execute(_KNOWN, [key]).fetchone()
    if row is not None:
        connection.execute(_WAIT_FOR_ALL_BEFORE)
        return int(row[0])
    row = connection.execute(_APPEND, [key]).fetchone()
    assert row is not None
    return int(row[0])
