# SPDX-License-Identifier: Apache-2.0
"""The words in which both databases are spoken to.

The statements of the store are SQL that SQLite and PostgreSQL both take, with `?` for
values; whatever they do not share is a method of the connection. Errors are those of
`sqlite3`, the DB-API's words: a connection to another database raises them too.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, unique
from sqlite3 import DataError, Error, IntegrityError, OperationalError
from typing import Any, Final, Protocol

__all__ = [
    "UNREADABLE",
    "Column",
    "Connection",
    "Cursor",
    "Error",
    "IntegrityError",
    "LongTextError",
    "OperationalError",
    "Since",
    "UnfitTextError",
    "WriteConnection",
]

# Out of damaged pages sqlite3 may build a text, or a message, that is no UTF-8.
UNREADABLE: Final = (Error, UnicodeDecodeError)
Column = tuple[str, bool]  # its name, and whether it belongs to the key


class UnfitTextError(DataError):
    """A text that somebody sent has a character that this database does not take."""


class LongTextError(UnfitTextError):
    """A text that somebody sent is longer than an index of this database takes."""


class Cursor(Protocol):
    """What a statement gave."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement changed."""
        ...

    def fetchone(self) -> Any:  # noqa: ANN401 - a raw row
        """Return the next row, None at the end."""
        ...

    def fetchall(self) -> list[Any]:
        """Return the rows that are left."""
        ...

    def fetchmany(self, size: int, /) -> list[Any]:
        """Return some of the rows that are left; none at the end."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Walk over the rows that are left."""
        ...


class Connection(Protocol):
    """A connection to a database of the store."""

    def execute(self, sql: str, values: Sequence[object] = (), /) -> Cursor:
        """Run a statement.

        Raises:
            IntegrityError: a rule of the schema forbids it.
            Error: the database does not answer, or is damaged.
        """
        ...

    def executemany(self, sql: str, rows: Iterable[Sequence[object]], /) -> object:
        """Run a statement, that returns nothing, with many sets of values.

        Raises:
            IntegrityError: a rule of the schema forbids one.
            Error: the database does not answer, or is damaged.
        """
        ...

    def walk(self, sql: str) -> Iterator[Any]:
        """Walk over many rows, of which not all are in memory at once."""
        ...

    def tables(self) -> list[str]:
        """Return the names of all tables, in their order."""
        ...

    def columns(self, table: str) -> list[Column]:
        """Return the columns of a table, in their order."""
        ...

    def schema(self) -> list[tuple[str, ...]]:
        """Return all of the schema as (kind, name, …): whatever is added shows."""
        ...

    def odd_part(self) -> str:
        """Name a part of the schema that this program would not have made so."""
        ...

    def version(self) -> int:
        """Return the number of the last migration."""
        ...

    def damage(self) -> str | None:
        """Return what is wrong with pages and indexes, None if nothing; walks all."""
        ...

    def is_damaged(self) -> str | None:
        """Look for damage that could have made an error; the first that is found."""
        ...


@unique
class Since(Enum):
    """What may have happened to the database since the writer wrote the last time."""

    NOTHING = "nothing"
    MORE = "more"  # others have written; what was committed is still there
    ANYTHING = "anything"


class WriteConnection(Connection, Protocol):
    """The connection of the writer."""

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is under way."""
        ...

    @property
    def total_changes(self) -> int:
        """A number that grows whenever rows are changed."""
        ...

    def begin(self) -> Since:
        """Begin to write; tell what others may have done since the last time.

        Raises:
            Error: the database takes no writes now.
        """
        ...

    def begin_act(self) -> None:
        """Set the point to which `undo_act` goes back."""
        ...

    def end_act(self) -> None:
        """Keep what the act did."""
        ...

    def undo_act(self) -> None:
        """Take back what the act did."""
        ...

    def at_commit(self, sql: str, values: Sequence[object], /) -> None:
        """Run a statement, that nothing hangs on, no later than with the commit."""
        ...

    def erase_opening(self, log: int, index: int, group: str, at: int, /) -> bool:
        """Wipe the sealed bytes of an opening; False if there are none."""
        ...

    def grant_opening(
        self, log: int, index: int, group: str, period: str, sealed: bytes, /
    ) -> None:
        """Add an opening, or bring one back that was erased."""
        ...

    def prune_log(self, log: int, said: Sequence[object], /) -> None:
        """Keep what is said of a prefix (a row of `pruned`), and delete its rows."""
        ...

    def commit(self) -> None:
        """Make all of it durable.

        Raises:
            Error: it is not, or nobody knows.
        """
        ...

    def rollback(self) -> None:
        """Take back all of it."""
        ...

    def is_lost_by(self, error: BaseException, *, committing: bool) -> str | None:
        """Say why nothing more may be written after an error; None if it may."""
        ...

    def clear(self) -> bool:
        """Begin a transaction that overwrites copies of rows that have moved.

        It is one piece of them. False, and no transaction, if there are none.
        """
        ...

    def scrub(self) -> bool:
        """Clear erased bytes out of the write-ahead log; False if a reader hinders."""
        ...
