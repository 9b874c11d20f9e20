# SPDX-License-Identifier: Apache-2.0
"""A stopped node between a file and a database, and what both ends hold."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from tests.support.databases import Prepared

from fedsafe_node.ground.config import Config, Place, load_config
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.operations.move.addresses import Route, switch
from fedsafe_node.operations.move.ends import moved_tables
from fedsafe_node.operations.move.journey import Outcome, Watcher, move_store
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.sql import Connection
from fedsafe_node.store.sqlite.connection import SqliteConnection

Contents = dict[str, list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class Stopped:
    """A node that does not run, and where its store may go."""

    directory: Path
    database: Prepared

    @property
    def place(self) -> Place:
        return Place(self.directory)

    @property
    def config(self) -> Config:
        return load_config(self.place)

    @property
    def file(self) -> str:
        return f"sqlite://{self.place.database}"

    @property
    def there(self) -> Route:
        storage = Storage(self.database.node)
        return Route(self.file, self.database.node, storage, owner=self.database.owner)

    @property
    def back(self) -> Route:
        return Route(self.database.node, self.file, None)

    def move(
        self,
        route: Route,
        *,
        anew: bool = False,
        faults: Faults = NO_FAULTS,
        watcher: Watcher | None = None,
    ) -> Outcome:
        return move_store(
            self.place, self.config, route, anew=anew, faults=faults, watcher=watcher
        )

    def switch(self, route: Route) -> None:
        switch(self.place, self.config, route.storage)

    def in_file(self) -> Contents:
        with closing(SqliteConnection.to_read(self.place.database)) as connection:
            return contents(connection)

    def in_database(self) -> Contents:
        with closing(PostgresConnection(connect(self.database.owner))) as connection:
            return contents(connection)

    def change_file(self, statement: str) -> None:
        """Change the file behind the node's back, its triggers put aside."""
        with closing(sqlite3.connect(self.place.database)) as connection:
            triggers = connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall()
            for name, _ in triggers:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(statement)
            for _, sql in triggers:
                connection.execute(sql)
            connection.commit()

    def change_database(self, statement: str) -> None:
        """Change the database as somebody who may do anything there."""
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            connection.execute("SET search_path = fedsafe")
            connection.execute("SET session_replication_role = replica")
            connection.execute(statement.encode())


def contents(connection: Connection) -> Contents:
    """Read all rows of all tables that are moved, columns and rows in one order."""
    found: Contents = {}
    for table in moved_tables(connection):
        names = ", ".join(f'"{name}"' for name in sorted(table.columns))
        rows = connection.execute(f"SELECT {names} FROM {table.name}").fetchall()  # noqa: S608
        found[table.name] = sorted(map(tuple, rows), key=repr)
    return found
