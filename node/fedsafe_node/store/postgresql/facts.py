# SPDX-License-Identifier: Apache-2.0
"""What an operator wants to know of a server before a node relies on it."""

import sqlite3
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from fedsafe_node.ground.errors import SchemaBehindError, StoreFailedError
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.catalogue import HAS_VERSION, MAY_CHANGE
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.schema import VERSION

OLDEST: Final = 15
A_WORKER: Final = 8
"""The connections of each worker; as many are for all else."""
_DISCREET: Final = (
    "log_error_verbosity = terse",
    "log_statement = none",
    "log_parameter_max_length = 0",
)
_IS_USED: Final = "SELECT EXISTS (SELECT 1 FROM logs) OR EXISTS (SELECT 1 FROM seal)"
_SETTINGS: Final = (
    "SELECT current_setting('server_version_num')::bigint, "
    "current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on', "
    "current_setting('data_checksums') = 'on', "
    "current_setting('log_error_verbosity') = 'terse', "
    "current_setting('log_statement') = 'none', "
    "current_setting('log_parameter_max_length') = '0', "
    "current_setting('max_connections')::bigint, "
    "(SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user)::bigint, "
    "(SELECT datconnlimit FROM pg_database WHERE datname = current_database())::bigint,"
    " "
    "current_setting('synchronous_standby_names') <> '', "
    "pg_is_in_recovery(), "
    "has_database_privilege(current_database(), 'TEMPORARY')"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """How a server is set up, and how fast it answers.

    * `version`: the major one;
    * `is_durable`: it does not lose what it acknowledged when its machine fails;
    * `has_checksums`: it notices pages that rot;
    * `indiscreet`: what is to be set so that its log shows no values of rows;
    * `connections`: so many of a node it lets in at a time;
    * `has_standby`: a commit waits for a standby too;
    * `is_standby`: it takes no writes;
    * `has_temporary`: the node's role may make temporary tables, without which its
      sessions write nothing;
    * `schema`: the number of the tables' last migration, 0 without tables;
    * `may_change`: the node's role could change or delete rows of the logs;
    * `round_trip`: seconds for one short question.
    """

    version: int
    is_durable: bool
    has_checksums: bool
    indiscreet: tuple[str, ...]
    connections: int
    has_standby: bool
    is_standby: bool
    has_temporary: bool
    schema: int
    may_change: bool
    round_trip: float

    @property
    def workers(self) -> int:
        """For how many workers of a node the connections are enough."""
        return self.connections // A_WORKER


def is_taken(server: Server) -> bool:
    """Whether the database is a node's already. It blocks.

    Raises:
        StoreFailedError: it does not answer, or does not let the node in.
        SchemaBehindError: it has no tables, and no owner is named who makes them.
    """
    try:
        connection = PostgresConnection(connect(server.url, server.password))
        try:
            if connection.execute(HAS_VERSION).fetchone()[0]:
                return bool(connection.execute(_IS_USED).fetchone()[0])
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreFailedError(str(error)) from None
    if server.owner_url is None:
        raise SchemaBehindError(0, VERSION)
    return False


def facts_of(server: Server) -> Facts:
    """Ask a server how it is set up. It blocks.

    Raises:
        StoreFailedError: it does not answer, or does not let the node in.
    """
    try:
        connection = PostgresConnection(connect(server.url, server.password))
        try:
            row = connection.execute(_SETTINGS).fetchone()
            began = perf_counter()
            connection.execute("SELECT 1").fetchone()
            took = perf_counter() - began
            schema = connection.version()
            may_change = schema > 0 and connection.execute(MAY_CHANGE).fetchone()[0]
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreFailedError(str(error)) from None
    number, durable, checksums, *discreet, most, role, database = row[:9]
    standby, is_standby, has_temporary = row[9:]
    limits = (limit for limit in (role, database) if limit >= 0)
    return Facts(
        version=number // 10_000,
        is_durable=durable,
        has_checksums=checksums,
        indiscreet=tuple(
            setting
            for setting, is_so in zip(_DISCREET, discreet, strict=True)
            if not is_so
        ),
        connections=max(0, min([most - A_WORKER, *limits])),
        has_standby=standby,
        is_standby=is_standby,
        has_temporary=has_temporary,
        schema=schema,
        may_change=may_change,
        round_trip=took,
    )
