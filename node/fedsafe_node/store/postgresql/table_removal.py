# SPDX-License-Identifier: Apache-2.0
"""Takes the tables of a node that was not made off a server, and no others."""

import sqlite3
from typing import Final

import psycopg

from fedsafe_crypto.errors import OpenError
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.catalogue import HAS_VERSION, SCHEMA_NAME
from fedsafe_node.store.postgresql.connection import (
    PostgresConnection,
    connect,
    translated,
)
from fedsafe_node.store.sealed_parts import SealKey

_NO_OWNER: Final = (
    "the database holds the tables of an attempt that was not finished: name their "
    "owner, who takes them away (--store-owner-file FILE)"
)
_PATIENCE: Final = "SET lock_timeout = '10s'"
_DROP: Final = f"DROP SCHEMA IF EXISTS {SCHEMA_NAME} CASCADE"


def discard_store(server: Server, key: SealKey) -> None:
    """Take the tables away whose seal this key opens. It blocks.

    Raises:
        StoreFailedError: it does not answer, or no owner is named who may do that.
    """
    try:
        if not _is_of(server, key):
            return
        if server.owner_url is None:
            raise StoreFailedError(_NO_OWNER)
        raw = connect(server.owner_url)
        try:
            raw.execute(_PATIENCE)
            raw.execute(_DROP.encode())
        except psycopg.Error as error:
            raise translated(error) from None
        finally:
            raw.close()
    except sqlite3.Error as error:
        raise StoreFailedError(str(error)) from None


def _is_of(server: Server, key: SealKey) -> bool:
    connection = PostgresConnection(connect(server.url, server.password))
    try:
        if not connection.execute(HAS_VERSION).fetchone()[0]:
            return False
        parts = connection.execute("SELECT part, body FROM seal").fetchall()
    finally:
        connection.close()
    return bool(parts) and all(_opens(key, part, body) for part, body in parts)


def _opens(key: SealKey, part: str, body: bytes) -> bool:
    try:
        key.open(part, body)
    except OpenError:
        return False
    return True
