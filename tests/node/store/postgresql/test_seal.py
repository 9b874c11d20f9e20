# SPDX-License-Identifier: Apache-2.0
"""On PostgreSQL too, the seal follows every row and tells what was done behind it."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.node.store.postgresql.conftest import Session
from tests.support.databases import Prepared
from tests.support.older_stores import leaves
from tests.support.seals import Around, NoLogs

from fedsafe_node.ground.errors import SealBrokenError, StoreFailedError
from fedsafe_node.store.address import Server
from fedsafe_node.store.postgresql.connection import PostgresConnection, connect
from fedsafe_node.store.postgresql.notes import PostgresNotes
from fedsafe_node.store.postgresql.writer_connection import PostgresWriteConnection
from fedsafe_node.store.seal_check import examine_seal
from fedsafe_node.store.sealing import Sealer

Statement = Callable[[PostgresWriteConnection], object]
SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
ID: Final = bytes(16)
FRESH: Final = count(1000)  # the sequencer takes no index twice
EXTREMES: Final = (-(2**63), 2**63 - 1, 2**53 + 1, -(2**53) - 1, 0)
TEXTS: Final = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"])
)


class Sealed:
    """A database on a server whose writer keeps a seal."""

    def __init__(self, prepared: Prepared) -> None:
        self.around = Around()
        self.connection = PostgresWriteConnection(Server(prepared.node))
        self.sealer = self.new_sealer()
        self.begin()

    def new_sealer(self) -> Sealer:
        notes = PostgresNotes(self.connection)
        return Sealer(self.connection, notes, self.around, NoLogs())  # type: ignore[arg-type]

    def begin(self) -> None:
        self.sealer.begin(lambda _: None)

    def run(self, *acts: tuple[list[Statement], bool]) -> None:
        """Run acts in one transaction, as the writer does; some take themselves back.

        A statement that a rule forbids is passed over.
        """
        self.connection.begin()
        for statements, is_kept in acts:
            self.connection.begin_act()
            for statement in statements:
                try:
                    statement(self.connection)
                except sqlite3.IntegrityError:
                    continue
            if is_kept:
                self.connection.end_act()
            else:
                self.connection.undo_act()
        self.sealer.write()
        self.connection.commit()
        self.sealer.confirm()

    def do(self, *statements: Statement) -> None:
        self.run((list(statements), True))

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        self.connection.execute(SNAPSHOT)
        try:
            yield
        finally:
            self.connection.end()

    def faults(self) -> list[tuple[str, str]]:
        with self.snapshot():
            report = examine_seal(self.connection, self.around, 0)
        return [(fault.table, fault.name) for fault in report.faults]


def test_of_two_that_seal_a_database_at_once_one_does(prepared: Prepared) -> None:
    with closing(PostgresWriteConnection(Server(prepared.node))) as connection:
        around = Around()
        slow = Sealer(connection, PostgresNotes(connection), around, NoLogs())  # type: ignore[arg-type]
        fast: list[Sealed] = []

        with pytest.raises(StoreFailedError, match="another process has sealed it"):
            slow.begin(lambda _: fast.append(Sealed(prepared)))

        assert around.begun == 0
        fast[0].do(sql(DUE, "purge", 1))
        assert fast[0].faults() == []
        fast[0].connection.close()


def sql(text: str, *values: object) -> Statement:
    return lambda connection: connection.execute(text, values)


def many(text: str, *rows: tuple[object, ...]) -> Statement:
    return lambda connection: connection.executemany(text, rows)


CREDENTIAL: Final = (
    "INSERT INTO credentials (id, name, role, secret_hash, created_at, expires_at) "
    "VALUES (?, ?, 'analyst', ?, ?, NULL)"
)
TERM: Final = (
    "INSERT INTO credential_terms (credential, holder, scope, purposes) "
    "VALUES (?, 'anna', NULL, '')"
)
DUE: Final = "INSERT INTO due (job, at) VALUES (?, ?)"
SIGNAL: Final = (
    "INSERT INTO signals (row, signal_id, origin, plane, scope, epoch, generation, "
    "token, match_until, erase_after, status, own, log, idx, grp) "
    "VALUES (?, ?, 'a', 'actor', 's', 1, 1, ?, 1, 1, 'active', 1, 'a', 0, 'g')"
)
TASK: Final = (
    "INSERT INTO tasks (id, subject, state, revision, opened_at, ends_at, remind_at, "
    "renewals) VALUES ('t', 'who', 'open', 0, 1, 9, 9, 0)"
)
OF_TASK: Final = (
    "INSERT INTO task_signals (task, origin, signal_id, period, sealed, added_at) "
    "VALUES ('t', 'a', ?, '2026-11', ?, 1)"
)
OPENING: Final = (
    "INSERT INTO openings (log, idx, grp, period, sealed) VALUES (?, ?, ?, ?, ?)"
)
ENTRY: Final = "INSERT INTO entries (log, idx, record) VALUES (?, ?, ?)"


def openings(*indices: int) -> Statement:
    return many(OPENING, *((1, index, "x", "2026-11", b"box") for index in indices))


def two_openings(connection: PostgresWriteConnection) -> None:
    openings(next(FRESH), next(FRESH))(connection)


def the_newest_goes(connection: PostgresWriteConnection) -> None:
    (index,) = connection.execute(
        "SELECT max(idx) FROM openings WHERE idx >= 1000"
    ).fetchone()
    if index is not None:
        connection.erase_opening(1, index, "x", 8)


def effect(status: str) -> Statement:
    return sql(
        "UPDATE signals SET status = ?, token = CASE WHEN ? = 'erased' THEN NULL "
        "ELSE token END WHERE status <> 'erased'",
        status,
        status,
    )


def prune(connection: PostgresWriteConnection) -> None:
    connection.execute(
        "INSERT INTO leaf_tiles (log, idx, hashes) VALUES (1, 0, ?)", (leaves(0, 256),)
    )
    connection.prune_log(1, (256, bytes(32), "2026-11", 1, 2, 9))


STATEMENTS: Final[dict[str, Statement]] = {
    "a credential": sql(CREDENTIAL, "3", "carl", b"\x03", 1),
    "one with the name of another": sql(CREDENTIAL, "4", "anna", b"\x03", 1),
    "one put in place of another": sql(
        f"{CREDENTIAL} ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        *("1", "new", b"\x05", 3),
    ),
    "one that is there": sql(
        f"{CREDENTIAL} ON CONFLICT DO NOTHING", "2", "other", b"", 1
    ),
    "all get one name": sql("UPDATE credentials SET name = 'same'"),
    "nothing changes": sql("UPDATE credentials SET name = name"),
    "one goes with its terms": sql("DELETE FROM credentials WHERE id = '1'"),
    "terms of nobody": sql(TERM, "nobody"),
    "terms": sql(TERM, "1"),
    "all due goes": sql("DELETE FROM due"),
    "due": sql(DUE, "expiry", 7),
    "much is due": many(DUE, *((f"job {number}", number) for number in range(40))),
    "some is due": many(DUE, ("a", EXTREMES[0]), ("b", EXTREMES[1])),
    "twice due": many(DUE, *((f"job {number % 30}", 1) for number in range(40))),
    "a signal": sql(SIGNAL, 1, ID, bytes(16)),
    "many signals": many(
        SIGNAL, *((n, bytes([n]) * 16, bytes(16)) for n in range(2, 60))
    ),
    "a task": sql(TASK),
    "the task's signal": sql(OF_TASK, ID, b"sealed"),
    **{f"signals {status}": effect(status) for status in
       ("active", "disputed", "revoked", "expired", "erased")},
    "openings": two_openings,
    "the newest goes": the_newest_goes,
    "an opening goes": lambda connection: connection.erase_opening(1, 6, "x", 8),
    "an opening that is not there": lambda connection: connection.erase_opening(
        1, 9, "x", 8
    ),
    "a relocked one": sql(
        "INSERT INTO relocked (origin, signal_id, log, idx, grp, event) "
        "VALUES ('a', ?, 'a.demo/feed', 6, 'x', 1)",
        ID,
    ),
    "an opening comes back": lambda connection: connection.grant_opening(
        1, 6, "x", "2026-11", b"new box"
    ),
    "a new opening": lambda connection: connection.grant_opening(
        1, 400, "x", "2026-11", b"new box"
    ),
    "pruned": prune,
}  # fmt: skip
ACTS: Final = st.lists(
    st.tuples(
        st.lists(st.sampled_from(sorted(STATEMENTS)), max_size=8),
        st.sampled_from((True, True, False)),
    ),
    max_size=4,
)


@pytest.fixture
def sealed(prepared: Prepared) -> Iterator[Sealed]:
    sealed = Sealed(prepared)
    sealed.do(
        sql(CREDENTIAL, "1", "anna", b"\x01", 1),
        sql(CREDENTIAL, "2", "rita", b"\x02", 1),
        sql(TERM, "1"),
        sql(DUE, "expiry", 7),
        sql("INSERT INTO logs (id, origin) VALUES (1, 'a.demo/feed')"),
        many(ENTRY, *((1, index, b"%d" % index) for index in range(300))),
        openings(5, 6),
    )
    sealed.do(lambda connection: connection.erase_opening(1, 5, "x", 9))
    yield sealed
    sealed.connection.close()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(ACTS, min_size=1, max_size=3))
def test_whatever_acts_do_the_sums_are_those_of_the_rows(
    sealed: Sealed, batches: list[list[tuple[list[str], bool]]]
) -> None:
    for acts in batches:
        sealed.run(
            *(([STATEMENTS[name] for name in names], kept) for names, kept in acts)
        )

    assert sealed.faults() == []


def test_each_kind_of_statement_leaves_the_sums_right(sealed: Sealed) -> None:
    order = [name for name in STATEMENTS if name != "pruned"]
    for name in (*order, "an opening goes"):
        sealed.do(STATEMENTS[name])
        assert sealed.faults() == [], name
    sealed.do(sql("DELETE FROM task_signals"), sql("DELETE FROM tasks"))
    sealed.do(STATEMENTS["an opening goes"])
    sealed.do(prune)

    assert sealed.faults() == []
    left = sealed.connection.execute("SELECT count(*) FROM entries").fetchone()
    assert left == (44,)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=TEXTS,
    other=TEXTS,
    number=st.sampled_from(EXTREMES) | st.integers(-(2**63), 2**63 - 1),
    body=st.binary(),
)
def test_cells_of_all_kinds_are_sealed_as_they_are(
    sealed: Sealed, text: str, other: str, number: int, body: bytes
) -> None:
    sealed.do(
        sql("DELETE FROM due WHERE job = ?", text),
        sql(DUE, text, number),
        sql("DELETE FROM documents WHERE name = ?", text),
        sql("INSERT INTO documents (name, body) VALUES (?, ?)", text, body),
    )
    assert sealed.faults() == []
    sealed.do(
        sql("UPDATE due SET at = ? WHERE job = ?", -1 - number, text),
        sql("DELETE FROM documents WHERE name = ?", other),
        sql("UPDATE documents SET name = ?, body = ?", other, body[::-1]),
    )
    sealed.do(sql("DELETE FROM documents"))

    assert sealed.faults() == []


CHANGES: Final = {
    "UPDATE credentials SET role = 'it_operator' WHERE id = '2'": ("credentials", "2"),
    "DELETE FROM due": ("due", "a row"),
    "INSERT INTO due VALUES ('gossip', 1)": ("due", "gossip"),
    "DELETE FROM credentials": ("credentials", "several rows"),
    "UPDATE credentials SET id = '7' WHERE id = '2'": ("credentials", "7"),
}
BY_OWNER: Final = {
    "UPDATE openings SET erased_at = 10 WHERE idx = 5": ("openings", "1, 5, x"),
    "UPDATE openings SET sealed = NULL, erased_at = 3 WHERE idx = 6":
        ("openings", "1, 6, x"),
    "UPDATE openings SET sealed = '', erased_at = NULL WHERE idx = 5":
        ("openings", "1, 5, x"),
    "UPDATE openings SET period = '2026-12' WHERE idx = 6": ("openings", "1, 6, x"),
    "UPDATE logs SET origin = 'b.demo/feed' WHERE id = 1": ("logs", "1"),
    "INSERT INTO entries VALUES (7, 0, '')": ("entries", "log 7"),
    "INSERT INTO entries VALUES (1, -1, '')": ("entries", "a.demo/feed"),
    "INSERT INTO pruned VALUES (1, 256, decode(repeat('00', 32), 'hex'), '2026-11', "
    "1, 1, 1)": ("pruned", "1"),
    "DELETE FROM seal": ("seal", "main"),
    "UPDATE seal SET body = '' WHERE part = 'table:due'": ("seal", "table:due"),
}  # fmt: skip


ADDED: Final = (
    "CREATE TABLE evil (x int)",
    "ALTER TABLE due ADD evil int",
    "ALTER TABLE due ALTER at SET DEFAULT 7",
    "ALTER TABLE due ALTER at DROP NOT NULL",
    "DROP TABLE due",
    "CREATE VIEW evil AS SELECT 1",
    "CREATE FUNCTION evil() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER FUNCTION prune_log SET search_path = public",
    "ALTER FUNCTION erase_opening RESET ALL",
    "ALTER FUNCTION erase_opening SECURITY INVOKER",
    "ALTER FUNCTION refuse RENAME TO evil",
    "CREATE TRIGGER evil BEFORE INSERT ON due EXECUTE FUNCTION refuse('')",
    (
        "CREATE TRIGGER evil BEFORE INSERT ON entries_0 FOR EACH ROW "
        "EXECUTE FUNCTION refuse('')"
    ),
    "DROP TRIGGER seal_due ON due",
    "DROP TRIGGER entries_no_update ON entries",
    "ALTER TABLE due DISABLE TRIGGER seal_due",
    "ALTER TABLE entries DISABLE TRIGGER entries_no_delete",
    "ALTER TABLE entries_0 DISABLE TRIGGER entries_no_delete",
    "ALTER TABLE signals_3 DISABLE TRIGGER ALL",
    "CREATE RULE evil AS ON INSERT TO due DO INSTEAD NOTHING",
    "CREATE RULE evil AS ON DELETE TO openings_1 DO INSTEAD NOTHING",
    "ALTER TABLE credentials ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE entries_0 FORCE ROW LEVEL SECURITY",
    "CREATE POLICY evil ON due USING (false)",
    "ALTER TABLE openings DETACH PARTITION openings_1",
    "CREATE TABLE evil PARTITION OF entries DEFAULT",
    "ALTER TABLE entries_1 RENAME TO evil",
    (
        "DROP TABLE entries_1; CREATE TABLE entries_1 PARTITION OF entries "
        "FOR VALUES FROM (8000000) TO (9000000) PARTITION BY RANGE (idx)"
    ),
    "ALTER TABLE entries_0 ADD CHECK (log <> 9)",
    "CREATE UNIQUE INDEX evil ON due (at)",
    "DROP INDEX acts_by_state",
)


@pytest.fixture
def behind(prepared: Prepared) -> Iterator[PostgresConnection]:
    """Give a superuser's connection, for what is taken back after a look."""
    connection = PostgresConnection(connect(prepared.superuser))
    yield connection
    connection.close()


@contextmanager
def changed(behind: PostgresConnection, statement: str) -> Iterator[None]:
    behind.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    for each in statement.split("; "):
        behind.execute(each)
    yield
    behind.execute("ROLLBACK")


@pytest.mark.parametrize("statement", list(CHANGES)[:2])
def test_what_the_roles_thief_changes_is_named(
    sealed: Sealed, thief: Session, statement: str
) -> None:
    assert sealed.faults() == []
    thief.execute(statement.encode())
    sealed.do(sql("UPDATE documents SET body = ''"))
    sealed.do(sql(DUE, "later", 8))  # no act of the node covers it up

    assert CHANGES[statement][0] in dict(sealed.faults())
    with pytest.raises(SealBrokenError, match=CHANGES[statement][0]):
        sealed.new_sealer().begin(lambda _: None, sealed.snapshot)


def test_what_is_changed_behind_all_triggers_is_named(
    sealed: Sealed, behind: PostgresConnection
) -> None:
    behind.execute("SET session_replication_role = replica")
    for statement, fault in (CHANGES | BY_OWNER).items():
        with changed(behind, statement):
            report = examine_seal(behind, sealed.around, 0)
            found = [(each.table, each.name) for each in report.faults]
            assert fault in found, statement


def test_what_is_added_to_the_schema_is_told(
    sealed: Sealed, behind: PostgresConnection
) -> None:
    assert sealed.faults() == []
    before = behind.schema()
    for statement in ADDED:
        with changed(behind, statement):
            assert behind.schema() != before, statement
        assert behind.schema() == before


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE evil (x int)",
        "ALTER TABLE openings DETACH PARTITION openings_1",
    ],
)
def test_what_the_node_may_not_even_read_is_told(
    sealed: Sealed, superuser: Session, statement: str
) -> None:
    superuser.execute(statement.encode())

    assert ("schema", "fedsafe") in sealed.faults()


def test_room_for_more_entries_is_no_change_of_the_schema(
    sealed: Sealed, thief: Session
) -> None:
    thief.execute("SELECT extend_logs(30000000)")

    assert sealed.faults() == []
