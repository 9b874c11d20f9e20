# SPDX-License-Identifier: Apache-2.0
"""Whoever stole the node's role changes and deletes no row of the logs."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Final

import psycopg
import pytest
from psycopg.errors import (
    InsufficientPrivilege,
    IntegrityConstraintViolation,
    ObjectNotInPrerequisiteState,
    WrongObjectType,
)
from tests.node.conftest import FixedClock
from tests.node.store.postgresql.conftest import Session
from tests.support.databases import Prepared
from tests.support.older_stores import leaves

from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.catalogue import LOGS
from fedsafe_node.store.postgresql.writer_connection import PostgresWriteConnection

SIZE: Final = 600
PARTITIONS: Final = tuple(f"{t}_{n}" for t in ("entries", "openings") for n in (0, 1))
APPEND_ONLY: Final = (
    *("register", "recipients", "withholdings", "notice_texts", "breach_entries"),
    "round_entries",
    *("rulings", "gaps", "erasures", "packs", "pack_signals"),
)
UNDELETED: Final = (
    *("signals", "provider_events", "audiences", "disputes", "requests"),
    *("witnessed", "holds", "effects", "notices", "handed_again"),
)
REFUSED: Final = (InsufficientPrivilege, WrongObjectType, ObjectNotInPrerequisiteState)


def fill(url: str, *, erased: Iterable[int] = range(300)) -> None:
    """Add a log of which the first entries have no opening that can be read."""
    with closing(PostgresWriteConnection(Server(url))) as node:
        node.begin()
        node.execute("INSERT INTO logs (id, origin) VALUES (?, ?)", (1, "a.demo/feed"))
        node.executemany(
            "INSERT INTO entries (log, idx, record) VALUES (?, ?, ?)",
            [(1, index, b"%d" % index) for index in range(SIZE)],
        )
        node.executemany(
            "INSERT INTO openings (log, idx, grp, period, sealed) "
            "VALUES (?, ?, ?, ?, ?)",
            [(1, index, "detail", "2026-11", b"box") for index in range(SIZE)],
        )
        node.execute(
            "INSERT INTO tile_roots (log, level, idx, hash) VALUES (?, ?, ?, ?)",
            (1, 1, 0, bytes(32)),
        )
        node.execute(
            "INSERT INTO leaf_tiles (log, idx, hashes) VALUES (?, ?, ?)",
            (1, 0, leaves(0, 256)),
        )
        for index in erased:
            node.erase_opening(1, index, "detail", 7)
        node.commit()


@pytest.fixture(autouse=True)
def filled(prepared: Prepared) -> None:
    fill(prepared.node)


def rows(superuser: Session) -> dict[str, object]:
    return {
        table: superuser.execute(
            f"SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table} t"  # noqa: E501, S608
        ).fetchone()
        for table in LOGS
    }


@contextmanager
def unchanged(superuser: Session) -> Iterator[None]:
    before = rows(superuser)
    yield
    assert rows(superuser) == before


def first_column(superuser: Session, table: str) -> str:
    row = superuser.execute(
        "SELECT attname::text FROM pg_attribute "
        "WHERE attrelid = %s::regclass AND attnum = 1",
        (table,),
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_no_statement_changes_or_deletes_a_row_of_the_logs(
    superuser: Session, thief: Session
) -> None:
    tables = (*LOGS, *PARTITIONS)
    cells = {table: first_column(superuser, table) for table in tables}
    statements = [
        statement.format(table=table, cell=cells[table])
        for table in tables
        for statement in (
            "UPDATE {table} SET {cell} = {cell}",
            "UPDATE ONLY {table} SET {cell} = {cell}",
            "DELETE FROM {table}",
            "DELETE FROM ONLY {table}",
            "DELETE FROM {table} WHERE false",
            "TRUNCATE {table}",
            "TRUNCATE {table} CASCADE",
            (
                "MERGE INTO {table} t USING (SELECT 1) s ON true "
                "WHEN MATCHED THEN DELETE"
            ),
            (
                "MERGE INTO {table} t USING (SELECT 1) s ON true "
                "WHEN MATCHED THEN UPDATE SET {cell} = t.{cell}"
            ),
            (
                "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT DO NOTHING; "
                "DELETE FROM {table}"
            ),
            "WITH gone AS (DELETE FROM {table} RETURNING *) SELECT * FROM gone",
            "DO $$ BEGIN DELETE FROM {table}; END $$",
            "DROP TABLE {table} CASCADE",
            "ALTER TABLE {table} DISABLE TRIGGER ALL",
            "ALTER TABLE {table} OWNER TO CURRENT_USER",
            "ALTER TABLE {table} ALTER COLUMN {cell} SET DEFAULT NULL",
            "ALTER TABLE {table} RENAME TO gone",
            "ALTER TABLE {table} SET SCHEMA public",
            "ALTER TABLE {table} SET UNLOGGED",
            "ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            "GRANT DELETE ON {table} TO CURRENT_USER; DELETE FROM {table}",
            "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            "CLUSTER {table}",
            "CREATE INDEX ON {table} ({cell})",
            "CREATE RULE evil AS ON INSERT TO {table} DO INSTEAD NOTHING",
            "CREATE POLICY evil ON {table} FOR SELECT USING (false)",
            (
                "CREATE TRIGGER evil BEFORE INSERT ON {table} FOR EACH ROW "
                "EXECUTE FUNCTION refuse('')"
            ),
            (
                "CREATE TEMP TABLE child ({cell} bigint) ; "
                "ALTER TABLE child INHERIT {table}"
            ),
            (
                "CREATE TEMP VIEW evil AS SELECT * FROM {table}; "
                "UPDATE evil SET {cell} = {cell}"
            ),
            "CREATE TEMP VIEW evil AS SELECT * FROM {table}; DELETE FROM evil",
            "COPY {table} TO PROGRAM 'cat'",
            "SELECT 1 FROM {table} FOR UPDATE",
        )
    ]
    with unchanged(superuser):
        assert [each for each in statements if not is_refused(thief, each)] == []


def is_refused(thief: Session, statement: str) -> bool:
    with thief.transaction(force_rollback=True):
        try:
            with thief.transaction():
                thief.execute(statement.encode())
        except REFUSED:
            return True
    return False


def test_no_conflict_changes_a_row_of_the_logs(
    superuser: Session, thief: Session
) -> None:
    with unchanged(superuser):
        for statement in (
            (
                "INSERT INTO entries VALUES (1, 0, '\\x00') "
                "ON CONFLICT (log, idx) DO UPDATE SET record = excluded.record"
            ),
            (
                "INSERT INTO openings VALUES (1, 0, 'detail', '2026-11', '\\x00', NULL)"
                " ON CONFLICT (log, idx, grp) DO UPDATE SET sealed = excluded.sealed"
            ),
            (
                "INSERT INTO logs VALUES (1, 'evil') "
                "ON CONFLICT (id) DO UPDATE SET origin = excluded.origin"
            ),
            "INSERT INTO pruned VALUES (1, 256, '\\x00', '2026-11', 1, 1, 1)",
        ):
            assert is_refused(thief, statement), statement


def test_the_role_takes_no_other_and_no_rights(
    prepared: Prepared, thief: Session
) -> None:
    owner = prepared.owner.split("//")[1].split("@")[0]
    for statement in (
        f"SET ROLE {owner}",
        "SET ROLE postgres",
        f"SET SESSION AUTHORIZATION {owner}",
        "SET session_replication_role = replica",
        f"GRANT {owner} TO CURRENT_USER",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "CREATE TABLE fedsafe.evil (x int)",
        "CREATE FUNCTION fedsafe.evil() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OPERATOR fedsafe.= (LEFTARG = bytea, FUNCTION = sha256)",
        "CREATE FUNCTION public.evil() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA evil",
        "CREATE OR REPLACE FUNCTION fedsafe.refuse() RETURNS int LANGUAGE sql AS ''",
        "ALTER FUNCTION fedsafe.refuse() RESET ALL",
        "ALTER FUNCTION prune_log SET search_path = pg_temp",
        "DROP FUNCTION refuse CASCADE",
        "DROP TRIGGER entries_no_update ON entries",
        "DROP SCHEMA fedsafe CASCADE",
        "SELECT setval('turn', 1)",
        "INSERT INTO migrations VALUES (999, 'evil')",
        "DELETE FROM migrations",
        "COPY entries FROM PROGRAM 'true'",
        "CREATE EVENT TRIGGER evil ON ddl_command_end EXECUTE FUNCTION refuse()",
    ):
        assert is_refused(thief, statement), statement


def test_tables_that_only_grow_do(superuser: Session, thief: Session) -> None:
    statements = [
        f"UPDATE {table} SET {first_column(superuser, table)} = DEFAULT"  # noqa: S608
        for table in APPEND_ONLY
    ]
    for table in (*APPEND_ONLY, *UNDELETED):
        statements += [f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]  # noqa: S608

    assert [each for each in statements if not is_refused(thief, each)] == []


EVIL: Final = (
    "CREATE FUNCTION pg_temp.evil() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN DELETE FROM fedsafe.tile_roots; RETURN NEW; END'; "
    "CREATE FUNCTION pg_temp.evil(int) RETURNS boolean LANGUAGE plpgsql AS "
    "'BEGIN DELETE FROM fedsafe.tile_roots; RETURN true; END'"
)
TRAPS: Final = (
    (
        "CREATE TRIGGER evil BEFORE INSERT ON touched FOR EACH ROW "
        "EXECUTE FUNCTION pg_temp.evil()"
    ),
    "ALTER TABLE touched ADD CHECK (pg_temp.evil(sign))",
    "ALTER TABLE touched ADD evil boolean DEFAULT pg_temp.evil(1)",
    "CREATE RULE evil AS ON INSERT TO touched DO ALSO DELETE FROM fedsafe.tile_roots",
)


@pytest.mark.parametrize("trap", TRAPS)
def test_nothing_of_the_role_runs_with_the_owners_rights(
    superuser: Session, thief: Session, trap: str
) -> None:
    thief.execute("GRANT ALL ON touched TO PUBLIC")
    for table in (*LOGS, "effects", "relocked"):
        thief.execute(f"CREATE TEMP TABLE {table} (LIKE fedsafe.{table})")
    thief.execute(EVIL)
    thief.execute(trap.encode())
    thief.execute("SET search_path = pg_temp, fedsafe")
    before = superuser.execute("SELECT count(*) FROM tile_roots").fetchone()
    thief.execute("SELECT fedsafe.erase_opening(1, 400, 'detail', 9)")
    thief.execute("SELECT fedsafe.grant_opening(1, 500, 'other', '2026-11', '\\x00')")
    thief.execute(
        "SELECT fedsafe.prune_log(1, 256, decode(repeat('00', 32), 'hex'), "
        "'2026-11', 1, 256, 9)"
    )
    thief.execute("SELECT fedsafe.extend_logs(9000000)")

    assert superuser.execute("SELECT count(*) FROM tile_roots").fetchone() == before
    assert superuser.execute("SELECT count(*) FROM entries").fetchone() == (SIZE - 256,)


def test_tables_of_the_role_do_not_stand_in_for_the_stores(thief: Session) -> None:
    thief.execute("CREATE TEMP TABLE relocked (LIKE fedsafe.relocked)")
    cells = (
        "(1, decode(repeat('00', 16), 'hex'), 'a', 'actor', 's', 1, 1, NULL, NULL, "
        "1, 1, 'erased', 1, 'a', 1, 'g')"
    )
    thief.execute(f"INSERT INTO signals VALUES {cells}".encode())  # noqa: S608
    thief.execute("SET search_path = pg_temp, fedsafe")
    thief.execute(
        "INSERT INTO relocked (origin, signal_id, log, idx, grp, event) "
        "VALUES ('a', decode(repeat('00', 16), 'hex'), 'a', 1, 'g', 1)"
    )

    with pytest.raises(IntegrityConstraintViolation, match="stays erased"):
        thief.execute(
            "UPDATE signals SET status = 'active', "
            "token = decode(repeat('00', 16), 'hex')"
        )


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("grant_opening(1, 400, 'detail', '2026-12', '\\x01')", "never changed"),
        ("grant_opening(1, 0, 'detail', '2026-11', '\\x01')", "never changed"),
        ("grant_opening(1, 0, 'detail', '2026-11', NULL)", "openings_.*check|check"),
        ("prune_log(1, 512, {root}, '2026-11', 1, 512, 9)", "leaf hashes"),
        ("prune_log(1, 600, {root}, '2026-11', 1, 512, 9)", "pruned_size_check"),
        ("prune_log(1, 768, {root}, '2026-11', 1, 512, 9)", "end of a log"),
        ("prune_log(1, 4611686018427387904, {root}, '2026-11', 1, 1, 9)", "end of"),
        ("prune_log(1, 0, {root}, '2026-11', 1, 512, 9)", "pruned_size_check"),
        ("prune_log(1, -256, {root}, '2026-11', 1, 512, 9)", "pruned_size_check"),
        ("prune_log(1, 256, NULL, '2026-11', 1, 512, 9)", "null value"),
        ("prune_log(2, 256, {root}, '2026-11', 1, 512, 9)", "end of a log"),
        ("extend_logs(-1)", "so many"),
        ("extend_logs(9223372036854775807)", "so many"),
        ("extend_logs(1099511627777)", "so many"),
    ],
)
def test_functions_of_the_owner_refuse_what_the_node_never_asks(
    superuser: Session, thief: Session, call: str, why: str
) -> None:
    root = "decode(repeat('00', 32), 'hex')"

    with unchanged(superuser), pytest.raises(psycopg.IntegrityError, match=why):
        thief.execute(f"SELECT {call.format(root=root)}".encode())


def prune(thief: Session, size: int, event: int = 1) -> None:
    thief.execute(
        "SELECT prune_log(1, %s, decode(repeat('00', 32), 'hex'), '2026-11', %s, 1, 9)",
        (size, event),
    )


def test_what_can_be_read_is_pruned_by_nobody(
    superuser: Session, thief: Session
) -> None:
    thief.execute("INSERT INTO leaf_tiles VALUES (1, 1, %s)", (leaves(256, 512),))

    with unchanged(superuser), pytest.raises(IntegrityConstraintViolation):
        prune(thief, 512)  # from 300 on they can be read


def test_no_entry_goes_whose_leaf_hash_is_not_kept(
    superuser: Session, thief: Session
) -> None:
    for index in range(300, SIZE):
        thief.execute("SELECT erase_opening(1, %s, 'detail', 9)", (index,))
    thief.execute("INSERT INTO leaf_tiles VALUES (1, 1, %s)", (leaves(255, 511),))

    with (
        unchanged(superuser),
        pytest.raises(IntegrityConstraintViolation, match="leaf"),
    ):
        prune(thief, 512)
    prune(thief, 256)
    with unchanged(superuser), pytest.raises(IntegrityConstraintViolation):
        prune(thief, 256, 2)  # what was pruned only grows


def test_room_for_one_index_is_one_partition_of_each_table(
    superuser: Session, thief: Session
) -> None:
    count = "SELECT count(*) FROM pg_inherits WHERE inhparent::regclass::text = %s"
    before = superuser.execute(count, ("entries",)).fetchone()
    thief.execute("SELECT extend_logs(1099511627776)")
    after = superuser.execute(count, ("entries",)).fetchone()

    assert before == (2,)
    assert after == (3,)
    assert superuser.execute(count, ("openings",)).fetchone() == (3,)
    for table in ("entries_262144", "openings_262144"):
        assert is_refused(thief, f"TRUNCATE {table}")
    far = "INSERT INTO entries VALUES (1, 1099511627776, '\\x00')"
    superuser.execute(far.encode())
    with pytest.raises(IntegrityConstraintViolation, match="append-only"):
        superuser.execute("UPDATE entries SET record = '' WHERE idx > 9000000")


@pytest.mark.parametrize(
    "right",
    [
        "UPDATE ON entries",
        "DELETE ON entries",
        "TRUNCATE ON tile_roots",
        "UPDATE ON openings_0",
        "UPDATE (erased_at) ON openings",
        "TRIGGER ON pruned",
        "DELETE ON logs",
        "DELETE ON leaf_tiles",
        "CREATE ON SCHEMA fedsafe",
    ],
)
async def test_a_node_does_not_start_with_too_many_rights(
    prepared: Prepared,
    superuser: Session,
    keys: PeriodKeys,
    clock: FixedClock,
    right: str,
) -> None:
    role = prepared.node.split("//")[1].split("@")[0]
    superuser.execute(f"GRANT {right} TO {role}".encode())

    with pytest.raises(StoreFailedError, match="may change them"):
        await open_store(prepared.node, keys=keys, clock=clock)


@pytest.mark.parametrize("who", ["owner", "superuser"])
async def test_a_node_does_not_start_as_the_owner(
    prepared: Prepared, keys: PeriodKeys, clock: FixedClock, who: str
) -> None:
    with pytest.raises(StoreFailedError, match="owns the logs"):
        await open_store(getattr(prepared, who), keys=keys, clock=clock)
