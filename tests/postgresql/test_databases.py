# SPDX-License-Identifier: Apache-2.0
"""Two tests on one server don't meet."""

from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from tests.postgresql.databases import Databases, fresh_name, name_in


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_a_table_of_one_database_is_not_in_another(postgresql: Databases) -> None:
    one, other = postgresql.database(), postgresql.database()
    with psycopg.connect(one) as connection:
        connection.execute("CREATE TABLE marks (mark int)")

    assert value(one, "SELECT to_regclass('marks')::text") == "marks"
    assert value(other, "SELECT to_regclass('marks')::text") is None
    postgresql.drop(one)
    postgresql.drop(other)


def test_a_copy_of_a_template_goes_its_own_way(postgresql: Databases) -> None:
    template = postgresql.database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE marks AS SELECT 1 AS mark")
    copy = postgresql.database(template)
    with psycopg.connect(copy) as connection:
        connection.execute("INSERT INTO marks VALUES (2)")

    assert value(copy, "SELECT sum(mark)::int FROM marks") == 3
    assert value(template, "SELECT sum(mark)::int FROM marks") == 1
    postgresql.drop(copy)
    postgresql.drop(template)


def test_a_dropped_database_is_gone_while_somebody_is_connected(
    postgresql: Databases,
) -> None:
    url = postgresql.database()
    with psycopg.connect(url, autocommit=True):
        postgresql.drop(url)

        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(url)


def test_a_database_is_as_the_node_expects_it(
    postgresql: Databases, postgresql_url: str
) -> None:
    for setting, expected in {
        "server_version_num": str(postgresql.major),
        "server_encoding": "UTF8",
        "timezone": "UTC",
        "fsync": "off",
        "max_connections": "200",
    }.items():
        assert str(value(postgresql_url, f"SHOW {setting}")).startswith(expected)
    collation = "SELECT datcollate FROM pg_database WHERE datname = current_database()"
    assert value(postgresql_url, collation) == "C"


def test_loopback_wants_the_password(postgresql: Databases) -> None:
    open_door = postgresql.url(loopback=True)
    shut = postgresql.url(loopback=True, password="wrong")

    assert value(open_door, "SELECT inet_server_addr()::text") == "127.0.0.1/32"
    with pytest.raises(psycopg.OperationalError, match="password authentication"):
        psycopg.connect(shut)


def test_a_role_gets_in_by_its_own_password(
    postgresql: Databases, postgresql_url: str
) -> None:
    role, database = fresh_name("role"), name_in(postgresql_url)
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        make, drop = "CREATE ROLE {} LOGIN PASSWORD 'a/b@c'", "DROP ROLE {}"
        connection.execute(SQL(make).format(Identifier(role)))
        url = postgresql.url(database, role=role, password="a/b@c", loopback=True)
        on_socket = postgresql.url(database, role=role)

        assert value(url, "SELECT current_user::text") == role
        assert value(on_socket, "SELECT current_user::text") == role
        connection.execute(SQL(drop).format(Identifier(role)))


def test_a_password_is_not_shown(postgresql: Databases) -> None:
    assert postgresql.password not in repr(postgresql)
    assert postgresql.password in (
        urlsplit(postgresql.url(loopback=True)).password or ""
    )
