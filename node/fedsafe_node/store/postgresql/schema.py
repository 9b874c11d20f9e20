# SPDX-License-Identifier: Apache-2.0
"""Makes and upgrades the schema, as its owner; the node itself never may.

Two roles: the *owner* has the tables and runs the migrations; the *node* reads, adds
and, where a table allows it, changes rows. Of the logs it can add and read rows and
nothing else: an opening is erased, and a prefix pruned, by functions of the owner that
do just that.
"""

from collections.abc import Callable
from typing import Any, Final

import psycopg
from psycopg import sql

from fedsafe_node.ground.errors import SchemaError, StoreFailedError
from fedsafe_node.store.postgresql.catalogue import (
    ERASED_IN_PLACE,
    LOGS,
    SCHEMA_NAME,
    TABLES,
)
from fedsafe_node.store.postgresql.connection import (
    PostgresConnection,
    connect,
    translated,
)
from fedsafe_node.store.postgresql.ddl import Translator
from fedsafe_node.store.postgresql.functions import CALLED_BY_NODE, FUNCTIONS
from fedsafe_node.store.postgresql.replacements import VACUUM_SOON
from fedsafe_node.store.postgresql.turns import TOUCHED
from fedsafe_node.store.schema import MIGRATIONS, VERSION

MIGRATING: Final = 0x666564_0001  # the advisory lock of whoever migrates
_BY_FUNCTION: Final = ("pruned",)  # rows that even come only by a function
_BASE: Final = (
    f"CREATE SCHEMA {SCHEMA_NAME}",
    "CREATE TABLE migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
    # Who committed last, so that a worker whose connection broke learns the outcome.
    (
        "CREATE TABLE turns (worker TEXT PRIMARY KEY, token BYTEA NOT NULL) "
        "WITH (fillfactor = 50)"
    ),
    "CREATE SEQUENCE turn",
    (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = '23000'; END $$"
    ),
    (
        "CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'INSERT' THEN INSERT INTO pg_temp.touched "
        "VALUES (TG_ARGV[0], -1, to_json(OLD)::text); END IF; "
        "IF TG_OP <> 'DELETE' THEN INSERT INTO pg_temp.touched "
        "VALUES (TG_ARGV[0], 1, to_json(NEW)::text); END IF; RETURN NULL; END $$"
    ),
)
_OWNED: Final = (
    "SELECT pg_has_role(c.relowner, 'USAGE') FROM pg_class c "  # noqa: S608 - our word
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE n.nspname = '{SCHEMA_NAME}' AND c.relname = 'logs'"
)
# Noted by nobody (as in `coverage`), or by those who call the functions.
_UNNOTED: Final = ("entries", "openings", "pruned", "seal", "tile_roots")


def migrate(
    owner_url: str,
    role: str,
    finish: Callable[[PostgresConnection], None] = lambda _: None,
) -> None:
    """Bring the schema to the newest version, all of it or nothing, for a node's role.

    *finish* is called with the owner's session before all of it is committed.

    Raises:
        SchemaError: the database is newer than this program.
        sqlite3.Error: no server answers, or the owner may not do this.
    """
    raw = connect(owner_url)
    try:
        with raw.transaction():
            _execute(raw, f"SELECT pg_advisory_xact_lock({MIGRATING})")
            _migrate(raw)
            _grant(raw, role)
            finish(PostgresConnection(raw))
    except psycopg.Error as error:
        raise translated(error) from None
    finally:
        raw.close()


def check_owner(owner_url: str, role: str) -> None:
    """See that an address is that of the owner of a node's tables, where there are any.

    Raises:
        StoreFailedError: it is somebody else's, or the node's own.
        sqlite3.Error: no server answers, or it does not let the owner in.
    """
    raw = connect(owner_url)
    try:
        ((owner,),) = _execute(raw, "SELECT current_user::text")
        owned = _execute(raw, _OWNED)
    except psycopg.Error as error:
        raise translated(error) from None
    finally:
        raw.close()
    if owner == role:
        why = "the owner's address names the node's role, which may not own the tables"
        raise StoreFailedError(why)
    if owned == [(False,)]:
        raise StoreFailedError("the owner's address names a role without the tables")


def _execute(raw: "psycopg.Connection[Any]", statement: str) -> list[Any]:
    cursor = raw.execute(statement.encode())
    return cursor.fetchall() if cursor.description is not None else []


def _migrate(raw: "psycopg.Connection[Any]") -> None:
    ((is_there,),) = _execute(
        raw, f"SELECT to_regclass('{SCHEMA_NAME}.migrations') IS NOT NULL"
    )
    if not is_there:
        for statement in _BASE:
            _execute(raw, statement)
    ((found,),) = _execute(raw, "SELECT coalesce(max(number), 0) FROM migrations")
    if found > VERSION:
        raise SchemaError(found, VERSION)
    _execute(raw, TOUCHED)  # a migration may change rows
    translator = Translator()
    for number, (name, statements) in enumerate(MIGRATIONS, start=1):
        translated_ones = list(translator.migration(name, statements))
        if number <= found:
            continue
        for statement in translated_ones:
            _execute(raw, statement)
        _execute(raw, f"INSERT INTO migrations VALUES ({number}, '{name}')")  # noqa: S608 - our own names
    for statement in FUNCTIONS:
        _execute(raw, statement)
    if found < VERSION:
        _note_changes(raw)
        for (table,) in _execute(raw, ERASED_IN_PLACE):
            _execute(raw, f"ALTER TABLE {table} SET ({VACUUM_SOON})")


def _note_changes(raw: "psycopg.Connection[Any]") -> None:
    for (table,) in _execute(raw, TABLES):
        if table in _UNNOTED:
            continue
        _execute(raw, f"DROP TRIGGER IF EXISTS seal_{table} ON {table}")
        _execute(
            raw,
            f"CREATE TRIGGER seal_{table} AFTER INSERT OR UPDATE OR DELETE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION note_change('{table}')",
        )


def _grant(raw: "psycopg.Connection[Any]", role: str) -> None:
    translator = Translator()
    for name, statements in MIGRATIONS:
        list(translator.migration(name, statements))
    name = sql.Identifier(role).as_string(raw)

    def run(statement: str) -> None:
        raw.execute(statement.format(name).encode())

    run(f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA_NAME} FROM {{}}")
    run(f"GRANT USAGE ON SCHEMA {SCHEMA_NAME} TO {{}}")
    run("GRANT USAGE, SELECT ON SEQUENCE turn TO {}")
    run("GRANT SELECT ON migrations TO {}")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON turns TO {}")
    for (table,) in _execute(raw, TABLES):
        rights = ["SELECT"]
        if table not in _BY_FUNCTION:
            rights.append("INSERT")
        if table not in LOGS:
            rights += [
                verb
                for verb in ("UPDATE", "DELETE")
                if (table, verb) not in translator.refused
            ]
        run(f"GRANT {', '.join(rights)} ON {table} TO {{}}")
    for function in CALLED_BY_NODE:
        _execute(raw, f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {function} TO {{}}")
