# SPDX-License-Identifier: Apache-2.0
"""The two ends between which a store is moved, whichever database is at which.

Rows are copied table by table in the order of their keys, and every batch is one
transaction: so what is at the target is always a beginning of what is at the source,
and the last key that is there says where to go on. No other progress is kept, and none
can disagree with the rows.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum, unique
from typing import Any, Final, Protocol

from fedsafe_node.ground.errors import SchemaError, SealBrokenError
from fedsafe_node.operations.move.errors import MoveRefusedError
from fedsafe_node.store.coverage import Covered, covered_table
from fedsafe_node.store.schema import VERSION
from fedsafe_node.store.sealed_parts import (
    Moved,
    Moving,
    Seal,
    SealKey,
    read_marks,
    read_seal,
)
from fedsafe_node.store.sql import Connection
from fedsafe_policies.ground.catalogue import Phrase

SEAL: Final = "seal"
# What says how a database came to its schema; each kind of database has its own.
_OF_DATABASE: Final = ("_sqlite_migrations",)
_AUDIT_LOG: Final = "SELECT origin FROM logs WHERE origin LIKE '%/audit' LIMIT 1"
_PUT: Final = (
    "INSERT INTO seal (part, body) VALUES (?, ?) "
    "ON CONFLICT (part) DO UPDATE SET body = excluded.body"
)
Row = Sequence[Any]


@unique
class Filled(Enum):
    """What a target holds."""

    NOTHING = "nothing"
    PART = "an unfinished copy"
    WHOLE = "a store"
    FOREIGN = "another node's store"


@dataclass(frozen=True, slots=True)
class State:
    """What a target holds: of which state it is a copy, its seal, where it went on.

    `owner` names whose it is, if it is another node's.
    """

    filled: Filled
    moving: Moving | None = None
    seal: Seal | None = None
    moved: Moved | None = None
    owner: str = ""


class Source(Protocol):
    """Where a store is. It is only read, but for the mark at the end."""

    @property
    def connection(self) -> Connection:
        """One snapshot of it."""
        ...

    def rows(self, table: Covered, after: Row | None) -> Iterator[Row]:
        """Walk over rows in the order of their keys, those behind a key."""
        ...

    def mark(self, cells: tuple[str, bytes]) -> None:
        """Keep a row of the seal, durable when this returns."""
        ...


class Target(Protocol):
    """Where a store is to be."""

    @property
    def connection(self) -> Connection:
        """What is there, and in `finishing` what will be."""
        ...

    def state(self, key: SealKey) -> State:
        """Say what is there."""
        ...

    def clear(self) -> None:
        """Take away an unfinished copy, or a store that went on elsewhere."""
        ...

    def begin(self, cells: tuple[str, bytes]) -> None:
        """Make the tables, and keep the first row of the seal: of what this is."""
        ...

    def resume(self) -> None:
        """Open what was begun."""
        ...

    def make_room(self, table: str, highest: int) -> None:
        """Prepare a table of the logs for indexes."""
        ...

    def add(self, table: Covered, rows: Sequence[Row]) -> None:
        """Add rows in one transaction."""
        ...

    def finishing(self) -> AbstractContextManager[None]:
        """Begin the transaction in which all of it becomes a store."""
        ...

    def publish(self) -> None:
        """Put it where a node opens it, after the last transaction."""
        ...


def moved_tables(connection: Connection) -> list[Covered]:
    """Return the tables that are moved, with all of their rows."""
    names = [n for n in connection.tables() if n not in (SEAL, *_OF_DATABASE)]
    return [replace(covered_table(connection, name), only=None) for name in names]


def select_after(table: Covered, *, has_start: bool) -> str:
    """Read rows in the order of their keys, those behind a key if there is one."""
    key = key_columns(table)
    marks = ", ".join("?" * len(table.key))
    where = f" WHERE ({key}) > ({marks})" if has_start else ""
    cells = ", ".join(f'"{column}"' for column in table.columns)
    return f"SELECT {cells} FROM {table.name}{where} ORDER BY {key}"  # noqa: S608 - our own schema


def key_columns(table: Covered) -> str:
    """Name the columns of a key."""
    return ", ".join(f'"{table.columns[at]}"' for at in table.key)


def last_key(connection: Connection, table: Covered) -> Row | None:
    """Return the key of the last row of a table; None if there is no row."""
    key = key_columns(table)
    order = ", ".join(f'"{table.columns[at]}" DESC' for at in table.key)
    sql = f"SELECT {key} FROM {table.name} ORDER BY {order} LIMIT 1"  # noqa: S608 - our own schema
    found: Row | None = connection.execute(sql).fetchone()
    return found


def count_of(connection: Connection, table: str) -> int:
    """Count the rows of a table."""
    (count,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 - our own schema
    return int(count)


def put_part(connection: Connection, cells: tuple[str, bytes]) -> None:
    """Keep a row of the seal."""
    connection.execute(_PUT, cells)


def read_state(connection: Connection, key: SealKey) -> State:
    """Say what a database holds that has been begun."""
    tables = connection.tables()
    is_sealed = SEAL in tables and count_of(connection, SEAL) > 0
    if not is_sealed:
        held = [name for name in tables if name not in _OF_DATABASE]
        if not any(count_of(connection, name) for name in held):
            return State(Filled.NOTHING)
        return State(Filled.FOREIGN, owner=_owner_of(connection))
    try:
        moving, moved = read_marks(connection, key)
        if moving is not None:
            return State(Filled.PART, moving=moving)
        return State(Filled.WHOLE, seal=read_seal(connection, key), moved=moved)
    except SealBrokenError:
        return State(Filled.FOREIGN, owner=_owner_of(connection))


def seal_of(connection: Connection, key: SealKey) -> Seal:
    """Read the seal of a source, which this program's own version has written.

    Raises:
        SchemaError: a newer program wrote it.
        MoveRefusedError: an older one did, or it was never sealed.
        SealBrokenError: the seal is not as it was written.
    """
    found = connection.version()
    if found > VERSION:
        raise SchemaError(found, VERSION)
    seal = read_seal(connection, key) if found == VERSION else None
    if seal is None:
        raise MoveRefusedError(
            Phrase("the store is of an older version of this program"),
            Phrase("start and stop the node once with this version, which upgrades it"),
        )
    return seal


def _owner_of(connection: Connection) -> str:
    if "logs" in connection.tables():
        row = connection.execute(_AUDIT_LOG).fetchone()
        if row is not None:
            return str(row[0]).removesuffix("/audit")
    return "nobody known"
