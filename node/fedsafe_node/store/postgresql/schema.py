# SPDX-License-Identifier: Apache-2.0
"""Makes and upgrades the schema, as its owner; the node itself never may.

Two roles: the *owner* has the tables and runs the migrations; the *node* reads, adds
and, where a table allows it, changes rows. Of the logs it can add and read rows and
nothing else: an opening is erased, and a prefix pruned, by functions of the owner that
do just that.
"""

from typing import Any, Final

import psycopg
from psycopg import sql

from fedsafe_node.errors import SchemaError
from fedsafe_node.store.postgresql.catalogue import SCHEMA_NAME, TABLES
from fedsafe_node.store.postgresql.connection import connect, translated
from fedsafe_node.store.postgresql.ddl import Translator
from fedsafe_node.store.postgresql.replacements import LOG_STEP
from fedsafe_node.store.schema import MIGRATIONS, VERSION

MIGRATING: Final = 0x666564_0001  # the advisory lock of whoever migrates
_LOGS: Final = ("entries", "leaf_tiles", "logs", "openings", "pruned", "tile_roots")
_BY_FUNCTION: Final = ("pruned",)  # rows that even come only by a function
_WALLED: Final = f"SECURITY DEFINER SET search_path = {SCHEMA_NAME}, pg_temp"
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
    # Each session has `touched` for itself; a session without it changes nothing.
    (
        "CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF TG_OP <> 'INSERT' THEN INSERT INTO pg_temp.touched "
        "VALUES (TG_ARGV[0], -1, to_json(OLD)::text); END IF; "
        "IF TG_OP <> 'DELETE' THEN INSERT INTO pg_temp.touched "
        "VALUES (TG_ARGV[0], 1, to_json(NEW)::text); END IF; RETURN NULL; END $$"
    ),
    (
        "CREATE FUNCTION note_erasure() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF OLD.erased_at IS NOT NULL THEN INSERT INTO pg_temp.touched "
        "VALUES (TG_ARGV[0], -1, to_json(OLD)::text); END IF; "
        "IF TG_OP <> 'DELETE' AND NEW.erased_at IS NOT NULL THEN "
        "INSERT INTO pg_temp.touched "
        "VALUES (TG_ARGV[0], 1, to_json(NEW)::text); END IF; RETURN NULL; END $$"
    ),
)
_FUNCTIONS: Final = (
    (
        "CREATE OR REPLACE FUNCTION erase_opening(number bigint, at_index bigint, "  # noqa: S608 - our own words
        f"of_group text, moment bigint) RETURNS boolean LANGUAGE plpgsql {_WALLED} "
        f"AS $$ "
        "BEGIN UPDATE openings SET sealed = NULL, erased_at = moment WHERE log = "
        "number "
        "AND idx = at_index AND grp = of_group AND sealed IS NOT NULL; RETURN FOUND; "
        "END $$"
    ),
    (
        "CREATE OR REPLACE FUNCTION grant_opening(number bigint, at_index bigint, "  # noqa: S608 - our own words
        "of_group text, of_period text, box bytea) RETURNS void LANGUAGE plpgsql "
        f"{_WALLED} AS $$ BEGIN "
        "INSERT INTO openings (log, idx, grp, period, sealed) "
        "VALUES (number, at_index, of_group, of_period, box) "
        "ON CONFLICT (log, idx, grp) DO UPDATE SET period = excluded.period, "
        "sealed = excluded.sealed, erased_at = NULL; END $$"
    ),
    (
        "CREATE OR REPLACE FUNCTION prune_log(number bigint, to_size bigint, "  # noqa: S608 - our own words
        "of_root bytea, "
        "of_month text, by_event bigint, gone bigint, moment bigint) RETURNS void "
        f"LANGUAGE plpgsql {_WALLED} AS $$ BEGIN "
        "INSERT INTO pruned (log, size, root, since, event, openings, at) "
        "VALUES (number, to_size, of_root, of_month, by_event, gone, moment) "
        "ON CONFLICT (log) DO UPDATE SET size = excluded.size, root = excluded.root, "
        "since = excluded.since, event = excluded.event, openings = excluded.openings, "
        "at = excluded.at; "
        "DELETE FROM openings WHERE log = number AND idx < to_size; "
        "DELETE FROM entries WHERE log = number AND idx < to_size; END $$"
    ),
    (
        "CREATE OR REPLACE FUNCTION extend_logs(up_to bigint) RETURNS void "  # noqa: S608 - our own words
        f"LANGUAGE plpgsql {_WALLED} AS $$ DECLARE step bigint; parent text; BEGIN "
        f"FOR step IN 0 .. up_to / {LOG_STEP} LOOP "
        "FOREACH parent IN ARRAY ARRAY['entries', 'openings'] LOOP "
        "IF to_regclass(format('%I', parent || '_' || step)) IS NULL THEN "
        "EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%s) TO "
        "(%s)', "
        f"parent || '_' || step, parent, step * {LOG_STEP}, (step + 1) * {LOG_STEP}); "
        "END IF; END LOOP; END LOOP; END $$"
    ),
)
_CALLED_BY_NODE: Final = (
    "erase_opening(bigint, bigint, text, bigint)",
    "grant_opening(bigint, bigint, text, text, bytea)",
    "prune_log(bigint, bigint, bytea, text, bigint, bigint, bigint)",
    "extend_logs(bigint)",
)
_EXEMPT: Final = ("entries", "seal", "tile_roots")  # as in `coverage`


def migrate(owner_url: str, role: str) -> None:
    """Bring the schema to the newest version, all of it or nothing, for a node's role.

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
    except psycopg.Error as error:
        raise translated(error) from None
    finally:
        raw.close()


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
    translator = Translator()
    for number, (name, statements) in enumerate(MIGRATIONS, start=1):
        translated_ones = list(translator.migration(name, statements))
        if number <= found:
            continue
        for statement in translated_ones:
            _execute(raw, statement)
        _execute(raw, f"INSERT INTO migrations VALUES ({number}, '{name}')")  # noqa: S608 - our own names
    for statement in _FUNCTIONS:
        _execute(raw, statement)
    if found < VERSION:
        _note_changes(raw)


def _note_changes(raw: "psycopg.Connection[Any]") -> None:
    for (table,) in _execute(raw, TABLES):
        if table in _EXEMPT:
            continue
        events, function = "INSERT OR UPDATE OR DELETE", "note_change"
        if table == "openings":
            events, function = "UPDATE OR DELETE", "note_erasure"
        _execute(raw, f"DROP TRIGGER IF EXISTS seal_{table} ON {table}")
        _execute(
            raw,
            f"CREATE TRIGGER seal_{table} AFTER {events} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}('{table}')",
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
        if table not in _LOGS:
            rights += [
                verb
                for verb in ("UPDATE", "DELETE")
                if (table, verb) not in translator.refused
            ]
        run(f"GRANT {', '.join(rights)} ON {table} TO {{}}")
    for function in _CALLED_BY_NODE:
        _execute(raw, f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {function} TO {{}}")
