# SPDX-License-Identifier: Apache-2.0
"""Texts come and go as UTF-8, whatever else the surroundings of a node ask for."""

import asyncio
from contextlib import closing
from typing import Final, LiteralString

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier
from tests.support.databases import Prepared

from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.postgresql.leader_lock import AdvisoryLeadership

TEXT: Final = "Łódź ☃ ä"
ROLE_SETS: Final = "ALTER ROLE {} IN DATABASE {} SET client_encoding = SQL_ASCII"
DATABASE_SETS: Final = "ALTER DATABASE {1} SET client_encoding = LATIN1"


def back_from(url: str) -> object:
    with closing(PostgresConnection(connect(url))) as connection:
        return connection.execute("SELECT CAST(? AS text)", (TEXT,)).fetchone()


async def lead_once(url: str) -> None:
    leadership = AdvisoryLeadership(Server(url), beat=0.01, is_first=True)
    async with asyncio.timeout(10):
        await leadership.won()
    await leadership.give_up()


@pytest.mark.parametrize("asked", ["LATIN1", "SQL_ASCII", "none such"])
async def test_the_environment_does_not_choose_how_texts_go(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    with monkeypatch.context() as surroundings:
        surroundings.setenv("PGCLIENTENCODING", asked)
        back = back_from(prepared.node)
        await lead_once(prepared.node)

    assert back == (TEXT,)


def test_an_address_does_not_choose_how_texts_go(prepared: Prepared) -> None:
    for asked in (
        {"client_encoding": "LATIN1"},
        {"options": "-c client_encoding=SQL_ASCII"},
    ):
        assert back_from(make_conninfo(prepared.node, **asked)) == (TEXT,)


@pytest.mark.parametrize("statement", [ROLE_SETS, DATABASE_SETS])
def test_role_and_database_do_not_choose_how_texts_go(
    prepared: Prepared, statement: LiteralString
) -> None:
    node = conninfo_to_dict(prepared.node)
    names = Identifier(str(node["user"])), Identifier(str(node["dbname"]))
    with psycopg.connect(prepared.superuser, autocommit=True) as superuser:
        superuser.execute(SQL(statement).format(*names))

    assert back_from(prepared.node) == (TEXT,)
