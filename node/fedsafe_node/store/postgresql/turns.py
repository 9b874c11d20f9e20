# SPDX-License-Identifier: Apache-2.0
"""How the workers of a node write, one after the other, each in a session of its own.

A worker that stands still in its turn (stopped, or swapped out) holds up all others.
The server itself ends a transaction in which it waits too long for the next statement;
in the middle of a COPY, or of statements sent together, it would wait for ever. So
whoever has waited long for its turn ends such a session.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import psycopg

from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.connection import Raw, connect, translated
from fedsafe_node.store.postgresql.instances import ElsewhereError, hold_instance
from fedsafe_node.store.postgresql.statements import Statement

WRITING: Final = 0x666564_0002  # the advisory lock of whoever writes
LOCKED: Final = "55P03"  # what the server says when a lock is not to be had in time
# Each session has `touched` for itself; a session without it changes nothing.
TOUCHED: Final = (
    "CREATE TEMP TABLE touched (name text, sign int, cells text) ON COMMIT DELETE ROWS"
)
# A limit for statements could end a commit's wait for a standby as if all were well.
_SESSION: Final = ("SET lock_timeout = '10s'", "SET statement_timeout = 0", TOUCHED)
_LOCK: Final = f"SELECT pg_advisory_xact_lock({WRITING})".encode()
_TURN: Final = "SELECT nextval('turn')"
MARK: Final = (
    "INSERT INTO turns (worker, token) VALUES ($1, $2) "
    "ON CONFLICT (worker) DO UPDATE SET token = excluded.token"
)
_MARKED: Final = "SELECT 1 FROM turns WHERE worker = $1 AND token = $2"
_END_STALLED: Final = (
    "SELECT pg_terminate_backend(a.pid) FROM pg_locks l "  # noqa: S608 - our own words
    "JOIN pg_stat_activity a ON a.pid = l.pid WHERE l.locktype = 'advisory' "
    "AND l.granted AND l.objsubid = 1 AND a.datname = current_database() "
    f"AND (l.classid::bigint << 32 | l.objid::bigint) = {WRITING} "
    "AND a.wait_event = 'ClientRead' "
    "AND a.state_change < clock_timestamp() - interval '8 seconds'"
).encode()


def begin_session(server: Server) -> Raw:
    """Connect to write.

    Raises:
        sqlite3.OperationalError: no server answers, or it does not let us in.
        ElsewhereError: the node runs out of another directory.
    """
    raw = connect(server.url, server.password)
    try:
        for statement in _SESSION:
            raw.execute(statement.encode())
        if server.instance is not None:
            hold_instance(raw, server.instance)
    except psycopg.Error as error:
        raw.close()
        raise translated(error) from None
    except ElsewhereError:
        raw.close()
        raise
    return raw


def take_turn(raw: Raw) -> int:
    """Begin a transaction as the only one who writes; return the turn's number.

    Raises:
        psycopg.Error: no server answers, or others write for too long.
    """
    with raw.pipeline():
        raw.execute("BEGIN", prepare=False)
        raw.execute(_LOCK)
        turn = raw.execute(_TURN)
        (number,) = turn.fetchone() or (0,)
    return int(number)


def end_stalled(raw: Raw) -> bool:
    """End the session that has its turn and has stood still for long, if one has.

    Raises:
        psycopg.Error: no server answers.
    """
    return any(is_ended for (is_ended,) in raw.execute(_END_STALLED))


def is_marked(raw: Raw, worker: str, token: bytes) -> bool:
    """Learn whether a worker's commit happened; once it has, it is durable.

    Raises:
        psycopg.Error: no server answers, so nobody knows.
    """
    with raw.transaction():
        # The session that committed holds the lock until it has ended.
        raw.execute(_LOCK)
        if raw.execute(_MARKED, (worker, token)).fetchone() is None:
            return False
        # Once this is where it has to be, so is what came before it.
        raw.execute(MARK, (worker, token))
    return True


def copy_rows(
    cursor: "psycopg.Cursor[Any]",
    statement: Statement,
    types: Mapping[str, str],
    rows: Sequence[Sequence[object]],
) -> None:
    """Send the rows of a plain insert, in one piece; *types* are of its columns.

    Raises:
        psycopg.Error: a rule of the schema forbids one, or no server answers.
    """
    columns = statement.columns
    sql = f"COPY {statement.table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"
    with cursor.copy(sql.encode()) as copy:
        copy.set_types([types[column] for column in columns])
        for row in rows:
            copy.write_row(row)
