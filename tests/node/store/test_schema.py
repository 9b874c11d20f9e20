# SPDX-License-Identifier: Apache-2.0
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.support.new_tables import MIGRATE, copy_new_tables
from tests.support.older_stores import LINE, migrate_until, of_then, open_database
from tests.support.store_rows import SENT

from fedsafe_node.ground.errors import SchemaError
from fedsafe_node.store.schema import MIGRATIONS, VERSION, migrate

EXPECTED = Path(__file__).parent / "schema.sql"


def schema_of(connection: sqlite3.Connection) -> str:
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL "
        "AND name NOT LIKE '%sqlite_migrations%' ORDER BY type, name"
    )
    return "".join(f"{' '.join(sql.split())};\n" for (sql,) in rows)


@pytest.fixture(autouse=True)
def migrate_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsafe_node.store.schema._apply", MIGRATE)


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    connection = open_database(tmp_path / "node.db")
    migrate(connection)
    return connection


def test_migrating_gives_the_schema_that_is_written_down(
    database: sqlite3.Connection,
) -> None:
    assert schema_of(database) == EXPECTED.read_text()


def test_tables_that_tests_copy_are_those_that_migrations_make(
    database: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = open_database(tmp_path / "copied.db")
    with monkeypatch.context() as quick:
        quick.setattr("fedsafe_node.store.schema._apply", MIGRATE)
        copy_new_tables()
        migrate(copied)
    named = "SELECT name FROM _sqlite_migrations ORDER BY id"

    assert schema_of(copied) == schema_of(database)
    assert copied.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert copied.execute(named).fetchall() == database.execute(named).fetchall()


def test_every_migration_leaves_the_statements_it_names() -> None:
    connection = open_database(":memory:")
    migrate(connection)
    written = [" ".join(each.split()) for _, part in MIGRATIONS for each in part]
    altered = {each.split()[2] for each in written if each.startswith("ALTER TABLE")}
    for place, statement in enumerate(written):
        kind, name = statement.replace("CREATE UNIQUE ", "CREATE ", 1).split()[1:3]
        if not statement.startswith("CREATE") or name in altered:
            continue
        if f"DROP {kind} {name}" not in written[place:]:
            assert statement + ";\n" in schema_of(connection)


def test_migrating_again_changes_nothing(database: sqlite3.Connection) -> None:
    before = database.execute("PRAGMA schema_version").fetchone()

    migrate(database)

    assert database.execute("PRAGMA schema_version").fetchone() == before
    assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)


def test_notices_of_an_older_node_are_kept_by_what_they_are_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0014_reasons", connection, monkeypatch)
    connection.execute(
        "INSERT INTO notices (signal_id, kind, state, queued_at, period, sealed) "
        "VALUES (?, 'publication', 'waiting', 7, '2026-11', ?)",
        (b"s" * 16, b"sealed"),
    )
    migrate(connection)
    rows = connection.execute(
        "SELECT about, kind, nth, state, queued_at, period, sealed, event FROM notices"
    )

    assert rows.fetchall() == [
        (b"s" * 16, "publication", 1, "waiting", 7, "2026-11", b"sealed", None)
    ]


def test_a_flood_of_an_older_node_goes_on_under_its_signal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0036_listings", connection, monkeypatch)
    connection.execute(
        "INSERT INTO match_floods (id, origin, signal_id, state, bound, opened_at, "
        "ends_at, kept, beyond, period) "
        "VALUES ('f', 'b.demo', ?, 'rested', 10, 1, 2, 0, 0, '2026-11')",
        (b"s" * 16,),
    )
    migrate(connection)
    rows = connection.execute("SELECT id, about FROM match_floods").fetchall()

    assert rows == [("f", b"s" * 16)]


@pytest.mark.parametrize("made", [0, VERSION])
def test_an_upgrade_that_fails_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: int
) -> None:
    connection = open_database(tmp_path / "node.db")
    if made:
        migrate(connection)
    before = schema_of(connection)
    broken = (*MIGRATIONS, ("9999_broken", ("CREATE TABLE half (x)", "nonsense")))
    monkeypatch.setattr("fedsafe_node.store.schema.MIGRATIONS", broken)
    monkeypatch.setattr("fedsafe_node.store.schema.VERSION", len(broken))

    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        migrate(connection)

    assert schema_of(connection) == before
    assert connection.execute("PRAGMA user_version").fetchone() == (made,)


def test_a_newer_database_is_refused(database: sqlite3.Connection) -> None:
    database.execute(f"PRAGMA user_version = {VERSION + 1}")

    with pytest.raises(SchemaError, match=f"schema {VERSION + 1}"):
        migrate(database)


def test_a_current_database_opens_without_sqlite_utils(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    database.close()
    program = (
        "import sqlite3, sys\n"
        "from fedsafe_node.store.schema import migrate\n"
        "migrate(sqlite3.connect(sys.argv[1], isolation_level=None))\n"
        "sys.exit('sqlite_utils' in sys.modules)\n"
    )
    path = str(tmp_path / "node.db")

    assert subprocess.run([sys.executable, "-c", program, path]).returncode == 0  # noqa: PLW1510


def test_terms_from_before_all_scopes_stay_and_go_with_their_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = open_database(":memory:")
    connection.execute("PRAGMA foreign_keys = ON")
    migrate_until("0012_scopes", connection, monkeypatch)
    connection.execute(
        "INSERT INTO credentials VALUES ('c', 'shop', 'service', x'01', 1, 2)"
    )
    terms = ("c", "shop", "publish", "")
    connection.execute("INSERT INTO credential_terms VALUES (?, ?, ?, ?)", terms)

    migrate(connection)

    kept = "SELECT * FROM credential_terms"
    assert connection.execute(kept).fetchall() == [terms]
    connection.execute("DELETE FROM credentials")
    assert connection.execute(kept).fetchall() == []


def test_lines_of_a_ledger_from_before_repeats_stay_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0028_repeats", connection, monkeypatch)
    connection.execute(LINE)
    connection.execute(LINE.replace("(1,", "(2,").replace(" 7,", " 8,"))
    migrate(connection)
    rows = connection.execute("SELECT * FROM recipients ORDER BY number").fetchall()

    assert rows == [
        (1, "b.demo", 0, 4, 7, "p", "b"),
        (2, "b.demo", 0, 4, 8, "p", "b"),
    ]
    assert connection.execute("SELECT * FROM handed_again").fetchall() == []


def fill(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO logs VALUES (1, 'a.demo/feed')")
    database.execute("INSERT INTO entries VALUES (1, 0, x'01')")
    database.execute("INSERT INTO tile_roots VALUES (1, 1, 0, zeroblob(32))")
    database.execute("INSERT INTO openings VALUES (1, 0, 'g', 'p', x'01', NULL)")
    database.execute(
        "INSERT INTO signals VALUES (1, zeroblob(16), 'a', 'actor', 'all', 1, 1, NULL, "
        "NULL, 1, 1, 'erased', 0, 'a.demo/feed', 0, 'g')"
    )
    database.execute(
        "INSERT INTO persons VALUES ('p', 'anna', 'Anna', 0, 'locked', 1, NULL, NULL, "
        "0, NULL, NULL)"
    )
    database.execute("INSERT INTO register VALUES (1, 'r', 'S-V-1', x'01', 1, 'anna')")
    database.execute(
        "INSERT INTO acts VALUES ('a', 'k', zeroblob(32), NULL, 'anna', 'dpo', 1, 2, "
        "'withdrawn', 'anna', 2)"
    )
    database.execute(
        "INSERT INTO packs VALUES (5, 0, 4, NULL, 'a', 's', 't', 1, 'p', 'b')"
    )
    database.execute("INSERT INTO pack_signals VALUES (zeroblob(16), 5)")
    database.execute(LINE)
    database.execute("INSERT INTO handed_again VALUES (1, 2, 9, '[[0,4,2,8,9]]')")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE logs SET origin = 'b'",
        "DELETE FROM logs",
        "UPDATE entries SET record = x'02'",
        "UPDATE entries SET idx = 5",
        "DELETE FROM entries",
        "UPDATE tile_roots SET hash = zeroblob(32)",
        "DELETE FROM tile_roots",
        "UPDATE openings SET sealed = x'02'",
        "UPDATE openings SET grp = 'h', sealed = NULL, erased_at = 1",
        "DELETE FROM openings",
        "UPDATE signals SET status = 'active', token = zeroblob(16)",
        "DELETE FROM signals",
        "DELETE FROM persons",
        "UPDATE persons SET name = 'ben'",
        "UPDATE persons SET id = 'q'",
        "UPDATE handed_again SET parts = '[]'",
        "UPDATE handed_again SET times = 3, last_at = 8",
        "UPDATE handed_again SET times = 3, line = 2",
        "DELETE FROM handed_again",
        "UPDATE register SET record = x'02'",
        "DELETE FROM register",
        "UPDATE acts SET state = 'pending', content = x'01'",
        "UPDATE packs SET recipient = 'b'",
        "DELETE FROM packs",
        "UPDATE pack_signals SET pack = 6",
        "DELETE FROM pack_signals",
    ],
)
def test_history_cannot_be_changed_with_sql(
    database: sqlite3.Connection, statement: str
) -> None:
    fill(database)

    with pytest.raises(
        sqlite3.IntegrityError,
        match=r"append-only|only grows|erased|stays|decided once",
    ):
        database.execute(statement)


def test_an_opening_is_erased_only_once(database: sqlite3.Connection) -> None:
    fill(database)
    database.execute("UPDATE openings SET sealed = NULL, erased_at = 5")

    with pytest.raises(sqlite3.IntegrityError):
        database.execute("UPDATE openings SET erased_at = 6")
    with pytest.raises(sqlite3.IntegrityError):
        database.execute("UPDATE openings SET sealed = x'01', erased_at = NULL")


BELOW = "INSERT INTO pruned VALUES (1, 256, zeroblob(32), '2026-11', 300, 0, 1)"
DESTROYED = "INSERT INTO effects VALUES (1, 'period_key', 'p', 1, 2)"


@pytest.mark.parametrize(
    ("before", "statement"),
    [
        ([], "DELETE FROM openings"),
        ([BELOW], "DELETE FROM openings"),
        ([BELOW, DESTROYED.replace("2)", "NULL)")], "DELETE FROM openings"),
        ([BELOW.replace("(1,", "(2,"), DESTROYED], "DELETE FROM openings"),
        ([BELOW, DESTROYED], "DELETE FROM entries WHERE idx = 256"),
        ([BELOW], "DELETE FROM pruned"),
        ([BELOW], "UPDATE pruned SET at = 2"),
        ([BELOW], "UPDATE pruned SET size = 0, event = 301"),
        ([BELOW], "UPDATE pruned SET size = 513, event = 301"),
        ([BELOW], "UPDATE pruned SET size = 512"),
        ([BELOW], "UPDATE pruned SET size = 512, event = 301, since = 'x'"),
        ([BELOW], "UPDATE pruned SET size = 512, event = 301, openings = -1"),
        ([], "INSERT INTO leaf_tiles VALUES (1, 1, zeroblob(8191))"),
        ([], "DELETE FROM leaf_tiles"),
        ([], "UPDATE leaf_tiles SET hashes = zeroblob(8192)"),
    ],
)
def test_nothing_goes_that_was_not_pruned(
    database: sqlite3.Connection, before: list[str], statement: str
) -> None:
    fill(database)
    database.execute("INSERT INTO entries VALUES (1, 256, x'01')")
    database.execute("INSERT INTO leaf_tiles VALUES (1, 0, zeroblob(8192))")
    for each in before:
        database.execute(each)

    with pytest.raises(sqlite3.IntegrityError):
        database.execute(statement)


def test_what_was_pruned_goes_once_it_cannot_be_read(
    database: sqlite3.Connection,
) -> None:
    fill(database)
    for each in (BELOW, DESTROYED, "DELETE FROM openings", "DELETE FROM entries"):
        database.execute(each)
    database.execute("UPDATE pruned SET size = 512, event = 301")

    assert database.execute("SELECT count(*) FROM entries").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM openings").fetchone() == (0,)


def test_tables_are_strict(database: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="cannot store"):
        database.execute("INSERT INTO due VALUES ('job', 'tomorrow')")


def keep(connection: sqlite3.Connection, row: dict[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(
        f"INSERT INTO dispatches ({names}) VALUES ({marks})",  # noqa: S608
        list(row.values()),
    )


def test_what_was_sealed_before_signatures_were_kept_stays_and_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0027_signatures", connection, monkeypatch)
    keep(connection, of_then(SENT))
    migrate(connection)
    kept = "SELECT sealed, signature FROM dispatches"

    assert connection.execute(kept).fetchall() == [(SENT.sealed, None)]
    connection.execute("UPDATE dispatches SET signature = x'01'")
    with pytest.raises(sqlite3.IntegrityError):  # it goes with what it is about
        connection.execute("UPDATE dispatches SET sealed = NULL")
    assert connection.execute(kept).fetchall() == [(SENT.sealed, b"\x01")]


def test_what_waited_sealed_before_takings_were_kept_may_be_in_somebody_s_hands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0026_takings", connection, monkeypatch)
    sent = of_then(SENT) | {"due_at": None, "state": "by_hand"}
    states = [
        ("by_hand", b"sealed"),
        ("by_hand", None),
        ("delivered", b"sealed"),
    ]
    for number, (state, sealed) in enumerate(states):
        row = sent | {"id": f"{number}" * 32, "key": f"{number}" * 64}
        row |= {"reply_token": f"t{number}", "state": state, "sealed": sealed}
        keep(connection, row)
    migrate(connection)

    assert connection.execute("SELECT * FROM takings").fetchall() == [
        ("0" * 32, 1, "unknown", SENT.made_at, None, None)
    ]


TASK = (
    "INSERT INTO tasks (id, subject, state, opened_at, ends_at, renewals, revision) "
    "VALUES (?, ?, 'open', 1, 2, 0, 0)"
)
CREDENTIAL = "INSERT INTO credentials VALUES (?, ?, 'service', x'00', 1, NULL)"
TERMS = "INSERT INTO credential_terms VALUES (?, ?, ?, '')"


@pytest.mark.parametrize(
    ("credentials", "service"),
    [
        ([], "local"),
        ([("shop", "shop", None)], "shop"),
        ([("shop~2", "shop", "lookup"), ("events", "events", "events")], "shop"),
        ([("shop", "shop", "lookup"), ("forum", "forum", "lookup")], "local"),
    ],
)
def test_accounts_of_older_tasks_go_to_the_only_service_or_to_local(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    credentials: list[tuple[str, str, str | None]],
    service: str,
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0029_services", connection, monkeypatch)
    for name, holder, scope in credentials:
        connection.execute(CREDENTIAL, (name, name))
        connection.execute(TERMS, (name, holder, scope))
    for number, subject in enumerate(("u-1", "unnamed-0a")):
        connection.execute(TASK, (f"{number}", subject))
    connection.execute(
        "INSERT INTO tasks VALUES ('gone', NULL, 'decided', 1, 2, NULL, 0, NULL, 0)"
    )
    migrate(connection)
    found = connection.execute("SELECT subject FROM tasks ORDER BY id").fetchall()

    assert found == [(f"{service}/u-1",), (f"unnamed-0a/{service}",), (None,)]
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute("UPDATE tasks SET subject = 'x' WHERE id = '0'")


def test_disputes_of_an_older_node_are_kept_and_looked_for_in_their_feeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_database(tmp_path / "node.db")
    migrate_until("0035_recorded", connection, monkeypatch)
    said = "'a', zeroblob(16), 'b', {}, 'minor', 'officer', 'suspends', 1, 1, 2"
    for number, opened_by in ((1, "'lea'"), (2, "NULL")):
        connection.execute(
            f"INSERT INTO disputes VALUES (x'{number:064x}', {said.format(number)}, "  # noqa: S608
            f"{opened_by}, 7)"
        )
    migrate(connection)
    rows = connection.execute(
        "SELECT seq, opened_by, reminded_at, recorded, let_go_at FROM disputes "
        "ORDER BY seq"
    ).fetchall()

    assert rows == [(1, "lea", 7, 1, None), (2, None, 7, 0, None)]


def test_what_stood_before_is_listed_and_what_had_ended_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection = open_database(":memory:")
    migrate_until("0037_imports", connection, monkeypatch)
    add = (
        "INSERT INTO signals (signal_id, origin, plane, scope, epoch, generation, "
        "token, match_until, erase_after, status, own, log, idx, grp) "
        "VALUES (?, ?, 'actor', ?, 1, 1, ?, 9, 9, ?, ?, 'l', ?, 'signal')"
    )
    rows = [
        (1, "own:a.demo", "self", "active", 1),
        (2, "a.demo", "federation", "disputed", 0),
        (3, "a.demo", "federation", "revoked", 0),
        (4, "b.demo", "federation", "active", 0),
        (5, "own:a.demo", "self", "active", 1),
    ]
    for number, origin, scope, status, own in rows:
        name, token = bytes([number]) * 16, bytes([number % 4]) * 16
        values = (name, origin, scope, token, status, own, number)
        connection.execute(add, values)
    for number in (2, 3):
        connection.execute(
            "INSERT INTO drafts (signal_id, author, created_at, period, state, "
            "decided_by, decided_at, plane, scope) "
            "VALUES (?, 'anna', 1, '2026-11', 'published', 'rita', 2, 'actor', "
            "'federation')",
            (bytes([number]) * 16,),
        )
    migrate(connection)
    found = connection.execute(
        "SELECT signal_id, origin, audience FROM listed_tokens ORDER BY signal_id"
    ).fetchall()

    assert found == [
        (bytes([1]) * 16, "own:a.demo", ""),
        (bytes([2]) * 16, "a.demo", ""),
    ]
