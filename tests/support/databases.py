# SPDX-License-Identifier: Apache-2.0
"""Databases for nodes' stores, and hands that change them behind a node's back.

Those on a PostgreSQL server are migrated, by an owner who is no superuser, and a node
has its role there.
"""

import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, LiteralString, Protocol

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.postgresql.databases import Databases, fresh_name, name_in
from tests.postgresql.fixtures import named

from fedsafe_node.store.postgresql.schema import migrate


class ClosedBehind(sqlite3.Connection):
    """A connection that is closed when nobody has it any more.

    Since Python 3.13 one that is dropped open is a ResourceWarning.
    """

    def __del__(self) -> None:
        # A collection of garbage in another thread finds it too: that closes nothing.
        with suppress(sqlite3.ProgrammingError):
            self.close()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database: as a superuser, the owner of the tables and the node reach it."""

    superuser: str
    owner: str
    node: str


# What tells whether a database is made as it was: its own objects, and who may what.
# A row of a catalog that was written anew is another version of it.
_MADE_AS: Final = b"""
    SELECT md5(string_agg(what, ' ' ORDER BY what)) FROM (
        SELECT 'class ' || oid || ctid || xmin FROM pg_class WHERE oid > 16383
        UNION ALL
        SELECT 'column ' || attrelid || ' ' || attnum || ctid || xmin
            FROM pg_attribute WHERE attrelid > 16383
        UNION ALL
        SELECT 'trigger ' || oid || ctid || xmin FROM pg_trigger WHERE oid > 16383
        UNION ALL
        SELECT 'constraint ' || oid || ctid || xmin
            FROM pg_constraint WHERE oid > 16383
        UNION ALL
        SELECT 'function ' || oid || ctid || xmin FROM pg_proc WHERE oid > 16383
        UNION ALL
        SELECT 'schema ' || oid || ctid || xmin FROM pg_namespace
            WHERE nspname NOT LIKE 'pg\\_%temp\\_%'
        UNION ALL
        SELECT 'database ' || coalesce(datacl::text, '') || datconnlimit
            FROM pg_database WHERE datname = current_database()
        UNION ALL
        SELECT 'setting ' || setconfig::text FROM pg_db_role_setting AS s
            JOIN pg_database AS d ON d.oid = setdatabase
            WHERE datname = current_database()
        UNION ALL
        SELECT 'migration ' || number || name FROM fedsafe.migrations
    ) AS made (what)
"""
_FILLED: Final = b"""
    SELECT format('DELETE FROM fedsafe.%I', relname) FROM pg_class
        WHERE relnamespace = 'fedsafe'::regnamespace AND relkind = 'r'
        AND relname <> 'migrations'
    UNION ALL
    SELECT format('SELECT setval(''fedsafe.%I'', 1, false)', relname) FROM pg_class
        WHERE relnamespace = 'fedsafe'::regnamespace AND relkind = 'S'
"""
_END_ALL: Final = b"""
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Preparing:
    """Copies one migrated database, so that a test waits for no migration.

    To copy it takes the server longer than most tests do: whoever changes rows alone
    borrows a database, and gives it back.
    """

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._owner, self._role = fresh_name("owner"), fresh_name("node")
        self._has_roles = False
        self._template: str | None = None
        self._left: dict[str, Prepared] = {}
        self._idle: list[Prepared] = []
        self._made_as: dict[str, str] = {}

    def at(self, url: str) -> Prepared:
        """Return the database that a node has at a URL."""
        return self._prepared(self._databases.url(name_in(url)))

    def make(self) -> Prepared:
        """Make a database with the newest schema."""
        if self._template is None:
            self._template = self._made()
        return self._prepared(self._databases.database(self._template))

    def make_empty(self) -> Prepared:
        """Make a database without any schema."""
        return self._prepared(self._owned())

    def borrow(self) -> Prepared:
        """Give a database with the newest schema and no rows, to be given back."""
        if self._idle:
            return self._idle.pop()
        made = self.make()
        self._made_as[made.superuser] = _made_as(made)
        return made

    def give_back(self, prepared: Prepared) -> None:
        """Empty a database that was borrowed; it goes if it is no more as it was."""
        try:
            is_as_before = _emptied(prepared) == self._made_as[prepared.superuser]
        except psycopg.Error:
            is_as_before = False
        if is_as_before:
            self._idle.append(prepared)
        else:
            self.drop(prepared)

    def drop(self, prepared: Prepared) -> None:
        """Drop a database."""
        self._databases.drop(prepared.superuser)
        self._left.pop(prepared.superuser, None)

    def close(self) -> None:
        """Drop what is left, and what all tests shared."""
        for prepared in list(self._left.values()):
            self.drop(prepared)
        if self._template is not None:
            self._databases.drop(self._template)
        if self._has_roles:
            self._run("DROP ROLE {}, {}", self._owner, self._role)

    def _made(self) -> str:
        url = self._owned()
        migrate(self._databases.url(name_in(url), role=self._owner), self._role)
        return url

    def _owned(self) -> str:
        if not self._has_roles:
            for role in (self._owner, self._role):
                self._run("CREATE ROLE {} LOGIN", role)
            self._has_roles = True
        url = self._databases.database()
        self._run("GRANT CREATE ON DATABASE {} TO {}", name_in(url), self._owner)
        return url

    def _run(self, command: LiteralString, *names: str) -> None:
        with psycopg.connect(self._databases.url(), autocommit=True) as connection:
            connection.execute(SQL(command).format(*map(Identifier, names)))

    def _prepared(self, superuser: str) -> Prepared:
        name = name_in(superuser)
        made = self._left[superuser] = Prepared(
            superuser,
            owner=self._databases.url(name, role=self._owner),
            node=self._databases.url(name, role=self._role),
        )
        return made

    def put_back(self, old: Prepared, prepared: Prepared) -> None:
        """Put a copy in the place of a database, under its name."""
        self.drop(prepared)
        names = (name_in(old.superuser), name_in(prepared.superuser))
        with psycopg.connect(self._databases.url(), autocommit=True) as connection:
            connection.execute(
                SQL("CREATE DATABASE {1} TEMPLATE {0} STRATEGY FILE_COPY").format(
                    *map(Identifier, names)
                )
            )
        self._left[prepared.superuser] = prepared

    def copy(self, prepared: Prepared) -> Prepared:
        """Copy a database to which nobody is connected."""
        return self._prepared(self._databases.database(prepared.superuser))


def _made_as(prepared: Prepared) -> str:
    with psycopg.connect(prepared.superuser, autocommit=True) as connection:
        (found,) = connection.execute(_MADE_AS).fetchone() or ("",)
        return str(found)


def _emptied(prepared: Prepared) -> str:
    """Take all rows out of a database, and tell how it is made before that."""
    with psycopg.connect(prepared.superuser, autocommit=True) as connection:
        connection.execute(_END_ALL)
        (found,) = connection.execute(_MADE_AS).fetchone() or ("",)
        connection.execute("SET session_replication_role = replica")
        filled = [each for (each,) in connection.execute(_FILLED)]
        connection.execute(";".join(filled).encode())
        return str(found)


class Behind(Protocol):
    """A store's database, as somebody reaches it who is not the node."""

    @property
    def url(self) -> str:
        """Where the node finds it."""
        ...

    def change(self, statement: str) -> int:
        """Run statements of SQLite, whatever triggers say; return how many rows went.

        Rows that came or are others count as well.
        """
        ...

    def find(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        ...

    def keep(self) -> None:
        """Copy all of it, while nobody is connected."""
        ...

    def put_back(self) -> None:
        """Put the copy in its place."""
        ...


class BehindFile:
    """A SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.url = f"sqlite://{path}"

    def change(self, statement: str) -> int:
        """Run statements while there are no triggers and no checks."""
        with closing(sqlite3.connect(self._path, isolation_level=None)) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            connection.execute("BEGIN IMMEDIATE")
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            before = connection.total_changes
            for each in _parts(statement):
                connection.execute(each)
            changed = connection.total_changes - before
            for _, sql in triggers:
                connection.execute(sql)
            connection.execute("COMMIT")
            return changed

    def find(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(sqlite3.connect(self._path)) as connection:
            return connection.execute(query).fetchall()

    def keep(self) -> None:
        """Copy the file."""
        shutil.copy(self._path, self._path.with_suffix(".old"))

    def put_back(self) -> None:
        """Put the copy in its place."""
        shutil.copy(self._path.with_suffix(".old"), self._path)


def _parts(statements: str) -> list[str]:
    return list(filter(None, map(str.strip, statements.split(";"))))


def _spoken(statement: str) -> str:
    """Say a statement of SQLite as PostgreSQL does."""
    said = statement.replace(" AS BLOB)", " AS bytea)")
    said = re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", said)
    return re.sub(r"\bx'([0-9a-f]*)'", r"'\\x\1'::bytea", said)


class BehindServer:
    """A database on a server."""

    def __init__(self, preparing: Preparing, prepared: Prepared) -> None:
        self._preparing = preparing
        self._prepared = prepared
        self._old: Prepared | None = None
        self.url = prepared.node

    def change(self, statement: str) -> int:
        """Run statements, the triggers asleep."""
        with psycopg.connect(self._prepared.superuser, autocommit=True) as connection:
            connection.execute("SET search_path = fedsafe")
            connection.execute("SET session_replication_role = replica")
            statements = filter(str.strip, _spoken(statement).split(";"))
            return sum(
                connection.execute(each.encode()).rowcount for each in statements
            )

    def find(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with psycopg.connect(self._prepared.superuser) as connection:
            connection.execute("SET search_path = fedsafe")
            return connection.execute(_spoken(query).encode()).fetchall()

    def keep(self) -> None:
        """Copy the database."""
        self._old = self._preparing.copy(self._prepared)

    def put_back(self) -> None:
        """Put the copy in its place."""
        assert self._old is not None
        self._preparing.put_back(self._old, self._prepared)

    def give_back(self) -> None:
        """Give the database back, and drop its copy."""
        if self._old is not None:
            self._preparing.drop(self._old)
        self._preparing.give_back(self._prepared)


@contextmanager
def preparing(databases: Databases) -> Iterator[Preparing]:
    """Give what makes databases for nodes, until the tests of this process end."""
    made = Preparing(databases)
    try:
        yield made
    finally:
        made.close()


def kind_in(config: pytest.Config) -> str | int:
    """Return the kind of store that a run is about: "sqlite", or a version."""
    kind = str(config.getoption("--store"))
    return int(kind.rpartition("-")[2]) if kind != "sqlite" else kind


def named_store(kind: str | int) -> str:
    """Name a kind of store in the name of a test."""
    return named(kind) if isinstance(kind, int) else kind


def reach(
    kind: str | int,
    directory: Path,
    prepare: Callable[[int], Preparing],
    migrated: Path | None = None,
) -> Iterator[Behind]:
    """Give an empty store: a file, or a database on a server of a version.

    The file is a copy of *migrated*, if that is given; else the node makes it.
    """
    if not isinstance(kind, int):
        path = directory / "node.db"
        if migrated is not None:
            shutil.copy(migrated, path)
        yield BehindFile(path)
        return
    databases = prepare(kind)
    made = BehindServer(databases, databases.borrow())
    yield made
    made.give_back()
