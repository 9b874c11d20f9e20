# SPDX-License-Identifier: Apache-2.0
"""What an operator wants to know of a server before a node relies on it."""

import sqlite3
from dataclasses import dataclass
from time import perf_counter
from typing import Final

from fedsafe_node.errors import StoreFailedError
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.postgresql.server import Server

OLDEST: Final = 15
_SETTINGS: Final = (
    "SELECT current_setting('server_version_num')::bigint, "
    "current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on', "
    "current_setting('data_checksums') = 'on', "
    "current_setting('log_error_verbosity') = 'terse', "
    "current_setting('synchronous_standby_names') <> '', "
    "pg_is_in_recovery()"
)


@dataclass(frozen=True, slots=True)
class Facts:
    """How a server is set up, and how fast it answers.

    * `version`: the major one;
    * `is_durable`: it does not lose what it acknowledged when its machine fails;
    * `has_checksums`: it notices pages that rot;
    * `is_discreet`: its log shows no values of rows that break a rule;
    * `has_standby`: a commit waits for a standby too;
    * `is_standby`: it takes no writes;
    * `round_trip`: seconds for one short question.
    """

    version: int
    is_durable: bool
    has_checksums: bool
    is_discreet: bool
    has_standby: bool
    is_standby: bool
    round_trip: float


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
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise StoreFailedError(str(error)) from None
    number, durable, checksums, discreet, standby, is_standby = row
    return Facts(
        version=number // 10_000,
        is_durable=durable,
        has_checksums=checksums,
        is_discreet=discreet,
        has_standby=standby,
        is_standby=is_standby,
        round_trip=took,
    )
