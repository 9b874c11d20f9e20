# SPDX-License-Identifier: Apache-2.0
"""The seal follows whatever any statement does, and misses what was done behind it."""

import sqlite3
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.databases import ClosedBehind
from tests.support.seals import MONTH, Around, NoLogs

from fedsafe_node.ground.errors import SealBrokenError
from fedsafe_node.store.coverage import EXEMPT, PARTLY, covered_tables
from fedsafe_node.store.schema import MIGRATIONS, migrate
from fedsafe_node.store.seal_check import examine_seal
from fedsafe_node.store.sealed_parts import SealKey
from fedsafe_node.store.sealing import Sealer
from fedsafe_node.store.sqlite.connection import SqliteWriteConnection
from fedsafe_node.store.sqlite.notes import SqliteNotes


@cache
def migrated() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=ClosedBehind)
    migrate(connection)
    return connection


class Sealed:
    """A database whose writer keeps a seal."""

    def __init__(self, path: Path | str = ":memory:") -> None:
        self.path = str(path)
        self.around = Around()
        self.open()

    def open(self) -> None:
        self.connection = sqlite3.connect(
            self.path, isolation_level=None, factory=ClosedBehind
        )
        if self.path == ":memory:":
            migrated().backup(self.connection)
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.wrapped = SqliteWriteConnection(self.connection)
        self.sealer = self.new_sealer()
        self.sealer.begin(self.wrapped.migrate)

    def new_sealer(self) -> Sealer:
        notes = SqliteNotes(self.wrapped)
        return Sealer(self.wrapped, notes, self.around, NoLogs())  # type: ignore[arg-type]

    def reopen(self) -> None:
        self.connection.close()
        self.open()

    def run(self, *statements: str) -> None:
        """Run statements in one transaction; one that fails is passed over."""
        self.connection.execute("BEGIN IMMEDIATE")
        for statement in statements:
            try:
                self.connection.execute(statement)
            except sqlite3.IntegrityError:
                continue
        self.sealer.write()
        self.connection.execute("COMMIT")
        self.sealer.confirm()

    def behind(self, *statements: str) -> None:
        """Do what somebody does who writes the file, triggers or not."""
        self.connection.execute("PRAGMA foreign_keys = OFF")
        self.connection.execute("PRAGMA ignore_check_constraints = ON")
        kept: list[str] = []
        for kind in ("temp.sqlite_master", "sqlite_master"):
            rows = self.connection.execute(
                f"SELECT name, sql FROM {kind} WHERE type = 'trigger'"  # noqa: S608
            ).fetchall()
            for name, _ in rows:
                self.connection.execute(f"DROP TRIGGER {name}")
            if kind == "sqlite_master":
                kept = [sql for _, sql in rows]
        for statement in statements:
            self.connection.execute(statement)
        for sql in kept:
            self.connection.execute(sql)

    def faults(self) -> list[tuple[str, str]]:
        report = examine_seal(self.wrapped, self.around, 0)
        return [(fault.table, fault.name) for fault in report.faults]


def filled() -> Sealed:
    sealed = Sealed()
    sealed.run(
        "INSERT INTO credentials VALUES ('1', 'anna', 'analyst', x'01', 1, NULL)",
        "INSERT INTO credentials VALUES ('2', 'rita', 'reviewer', x'02', 1, NULL)",
        "INSERT INTO credential_terms VALUES ('1', 'anna', NULL, '')",
        "INSERT INTO due VALUES ('expiry', 7)",
        "INSERT INTO logs VALUES (1, 'a.demo/feed')",
        "INSERT INTO logs VALUES (2, 'a.demo/audit')",
        "INSERT INTO entries VALUES (2, 256, x'00')",
        "INSERT INTO pruned VALUES (2, 256, zeroblob(32), '2026-11', 256, 0, 7)",
        "INSERT INTO leaf_tiles VALUES (2, 0, zeroblob(8192))",
        "INSERT INTO openings VALUES (1, 0, 'signal', '2026-11', x'00', NULL)",
        "INSERT INTO openings VALUES (1, 1, 'signal', '2026-11', x'00', NULL)",
        "UPDATE openings SET sealed = NULL, erased_at = 9 WHERE idx = 0",
    )
    return sealed


@pytest.fixture
def sealed() -> Iterator[Sealed]:
    sealed = filled()
    yield sealed
    sealed.connection.close()


STATEMENTS = (
    "INSERT INTO credentials VALUES ('3', 'carl', 'analyst', x'03', 1, 9)",
    "INSERT OR REPLACE INTO credentials VALUES ('1', 'anna', 'x', x'04', 2, NULL)",
    (
        "INSERT INTO credentials VALUES ('1', 'new', 'x', x'05', 3, NULL) "
        "ON CONFLICT (id) DO UPDATE SET name = excluded.name"
    ),
    "INSERT OR IGNORE INTO credentials VALUES ('2', 'other', 'x', x'05', 3, NULL)",
    "UPDATE OR REPLACE credentials SET name = 'rita' WHERE id = '1'",
    "UPDATE credentials SET name = 'same'",  # fails at the second row
    "DELETE FROM credentials WHERE id = '1'",  # its terms go with it
    "DELETE FROM due",  # all rows at once
    "INSERT INTO due VALUES ('expiry', 7)",
    "INSERT INTO credential_terms VALUES ('nobody', 'x', NULL, '')",  # no such key
    "UPDATE openings SET sealed = NULL, erased_at = 8 WHERE sealed IS NOT NULL",
)
STEPS = st.lists(
    st.one_of(
        st.sampled_from(STATEMENTS),
        st.sampled_from(("SAVEPOINT s", "ROLLBACK TO s")),
    ),
    max_size=12,
)


def well_formed(steps: list[str]) -> list[str]:
    """Leave out what would roll back to a savepoint that there is not."""
    seen = False
    kept = []
    for step in steps:
        if step == "ROLLBACK TO s" and not seen:
            continue
        seen = seen or step == "SAVEPOINT s"
        kept.append(step)
    return kept


@given(batches=st.lists(STEPS, max_size=4), end=st.sampled_from(("COMMIT", "ROLLBACK")))
@settings(max_examples=50)
def test_whatever_statements_do_the_sums_are_those_of_the_rows(
    batches: list[list[str]], end: str
) -> None:
    sealed = filled()
    for steps in batches:
        sealed.run(*well_formed(steps))
        assert sealed.faults() == []
    sealed.connection.execute("BEGIN IMMEDIATE")
    for statement in ("DELETE FROM due", "INSERT INTO due VALUES ('last', 1)"):
        sealed.connection.execute(statement)
    sealed.sealer.write()
    sealed.connection.execute(end)
    sealed.sealer.confirm() if end == "COMMIT" else sealed.sealer.forget()

    assert sealed.faults() == []
    sealed.run(STATEMENTS[0])
    assert sealed.faults() == []
    sealed.connection.close()


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE credentials SET role = 'it_operator' WHERE id = '2'",
         ("credentials", "2")),
        ("DELETE FROM due", ("due", "a row")),
        ("INSERT INTO credentials VALUES ('9', 'eve', 'x', x'', 1, NULL)",
         ("credentials", "9")),
        ("UPDATE credentials SET secret_hash = iif(id = '1', x'02', x'01')",
         ("credentials", "several rows")),
        ("DELETE FROM credentials", ("credentials", "several rows")),
        ("UPDATE openings SET erased_at = 10 WHERE idx = 0",
         ("openings", "1, 0, signal")),
        ("UPDATE openings SET sealed = NULL, erased_at = 3 WHERE idx = 1",
         ("openings", "1, 1, signal")),
        ("UPDATE openings SET sealed = x'01', erased_at = NULL WHERE idx = 0",
         ("openings", "1, 0, signal")),
        ("UPDATE credentials SET id = '7' WHERE id = '2'", ("credentials", "7")),
        ("UPDATE logs SET origin = 'b.demo/feed' WHERE id = 1", ("logs", "1")),
        ("DROP INDEX acts_by_state", ("schema", "index acts_by_state")),
        ("DROP TABLE due", ("schema", "table due")),
        ("CREATE TRIGGER evil AFTER INSERT ON due BEGIN DELETE FROM due; END",
         ("schema", "trigger evil")),
        ("DELETE FROM seal", ("seal", "main")),
        ("DELETE FROM seal WHERE part = 'main'", ("seal", "main")),
        ("DELETE FROM seal WHERE part = 'table:due'", ("seal", "main")),
        ("UPDATE seal SET body = x'00' WHERE part = 'table:due'",
         ("seal", "table:due")),
        (("UPDATE seal SET body = (SELECT body FROM seal WHERE part = 'table:logs') "
         "WHERE part = 'table:due'"), ("seal", "table:due")),
    ],
)  # fmt: skip
def test_what_was_done_behind_the_seal_is_named(
    sealed: Sealed, sql: str, fault: tuple[str, str]
) -> None:
    assert sealed.faults() == []
    sealed.behind(sql)

    assert fault in sealed.faults()
    with pytest.raises(SealBrokenError, match=fault[0]):
        sealed.new_sealer().begin(sealed.wrapped.migrate)


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE openings SET period = '2026-12' WHERE idx = 1",
         ("openings", "1, 1, signal")),
        ("INSERT INTO entries VALUES (7, 0, x'00')", ("entries", "log 7")),
        ("INSERT INTO entries VALUES (1, -1, x'00')", ("entries", "a.demo/feed")),
        ("INSERT INTO openings VALUES (8, 0, 'x', '2026-11', x'00', NULL)",
         ("openings", "log 8")),
        ("INSERT INTO tile_roots VALUES (1, 1, 0, zeroblob(32))",
         ("tile_roots", "a.demo/feed, level 1, tile 0")),
        ("INSERT INTO tile_roots VALUES (1, 0, 0, zeroblob(32))",
         ("tile_roots", "a.demo/feed, level 0, tile 0")),
        ("INSERT INTO tile_roots VALUES (1, 8, 0, zeroblob(32))",
         ("tile_roots", "a.demo/feed, level 8, tile 0")),
        ("INSERT INTO tile_roots VALUES (1, 1, -1, zeroblob(32))",
         ("tile_roots", "a.demo/feed")),
        ("INSERT INTO entries VALUES (2, 255, x'00')",
         ("entries", "a.demo/audit, entry 255")),
        ("INSERT INTO openings VALUES (2, 3, 'x', '2026-11', x'00', NULL)",
         ("openings", "a.demo/audit, entry 3")),
    ],
)  # fmt: skip
def test_rows_of_logs_that_nobody_reads_are_named(
    sealed: Sealed, sql: str, fault: tuple[str, str]
) -> None:
    sealed.behind(sql)

    assert sealed.faults() == [fault]


def test_a_table_and_its_part_that_were_put_back_do_not_fit(sealed: Sealed) -> None:
    rows = sealed.connection.execute("SELECT * FROM due").fetchall()
    (body,) = sealed.connection.execute(
        "SELECT body FROM seal WHERE part = 'table:due'"
    ).fetchone()
    sealed.run("UPDATE due SET at = 8")
    sealed.behind("DELETE FROM due")
    sealed.connection.executemany("INSERT INTO due VALUES (?, ?)", rows)
    sealed.connection.execute(
        "UPDATE seal SET body = ? WHERE part = 'table:due'", (body,)
    )

    assert sealed.faults() == [("seal", "main")]


def test_an_older_seal_is_noticed_by_whoever_knows_a_newer(sealed: Sealed) -> None:
    newest = sealed.sealer.number
    report = examine_seal(sealed.wrapped, sealed.around, newest)
    (old,) = examine_seal(sealed.wrapped, sealed.around, newest + 1).faults

    assert report.faults == ()
    assert (old.table, old.reason) == ("seal", "an older one was put back")


def test_files_and_guard_are_sealed_with_the_tables(sealed: Sealed) -> None:
    around = sealed.around
    around.files |= {"feed.key": b"1", "own.key": b"2"}
    around.sizes = {"a/feed": 9}
    sealed.run()
    assert sealed.faults() == []
    around.files, around.sizes = {MONTH: b"0", "own.key": b"3"}, {"a/feed": 8}

    assert sealed.faults() == [
        ("keys", "feed.key"),
        ("keys", "own.key"),
        ("guard", "a/feed"),
    ]


def test_a_crash_after_the_first_seal_is_made_good(tmp_path: Path) -> None:
    sealed = Sealed(tmp_path / "node.db")
    sealed.around.was_sealed = False
    sealed.reopen()
    is_sealed = sealed.around.was_sealed
    sealed.behind("DELETE FROM seal")

    assert is_sealed
    with pytest.raises(SealBrokenError, match="missing"):
        sealed.reopen()


def test_another_key_opens_no_seal(sealed: Sealed) -> None:
    sealed.around.key = SealKey(b"x" * 32)

    assert sealed.faults() == [("seal", "files")]


def test_what_changed_nothing_writes_nothing(sealed: Sealed) -> None:
    before = sealed.connection.total_changes
    sealed.run("SELECT 1", "UPDATE due SET at = at WHERE job = 'nothing'")

    assert sealed.connection.total_changes == before


def test_no_seal_tells_what_it_sums_up(sealed: Sealed) -> None:
    bodies = sealed.connection.execute("SELECT body FROM seal").fetchall()

    assert not any(b"credentials" in body or b"a.demo" in body for (body,) in bodies)


def test_an_older_database_is_sealed_when_it_is_brought_up_to_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tuple(each for each in MIGRATIONS if not each[0].endswith("_seal"))
    with monkeypatch.context() as patch:
        patch.setattr("fedsafe_node.store.schema.MIGRATIONS", old[:2])
        patch.setattr("fedsafe_node.store.schema.VERSION", 2)
        connection = sqlite3.connect(tmp_path / "node.db", isolation_level=None)
        migrate(connection)
        connection.execute("INSERT INTO due VALUES ('expiry', 7)")
        connection.close()
    sealed = Sealed(tmp_path / "node.db")
    assert sealed.faults() == []
    sealed.behind("UPDATE due SET at = 8")

    assert sealed.faults() == [("due", "expiry")]


def test_a_schema_that_somebody_else_brought_up_to_date_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = Sealed(tmp_path / "node.db")
    newer = (*MIGRATIONS, ("9999_more", ("ALTER TABLE due ADD COLUMN x INTEGER",)))
    for name in ("schema", "sealing"):
        monkeypatch.setattr(f"fedsafe_node.store.{name}.VERSION", len(newer))
    monkeypatch.setattr("fedsafe_node.store.schema.MIGRATIONS", newer)
    migrate(sealed.connection)

    with pytest.raises(SealBrokenError, match="schema"):
        sealed.reopen()


def test_what_does_not_fit_is_not_sealed_anew_by_a_migration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = Sealed(tmp_path / "node.db")
    sealed.run("INSERT INTO due VALUES ('expiry', 7)")
    newer = (*MIGRATIONS, ("9999_more", ("ALTER TABLE due ADD COLUMN x INTEGER",)))
    for name in ("schema", "sealing"):
        target = f"fedsafe_node.store.{name}.VERSION"
        monkeypatch.setattr(target, len(newer))
    monkeypatch.setattr("fedsafe_node.store.schema.MIGRATIONS", newer)
    sealed.reopen()
    assert sealed.faults() == []
    sealed.run("UPDATE due SET x = 1")
    assert sealed.faults() == []
    sealed.behind("UPDATE due SET at = 8")
    newest = (*newer, ("99999_most", ("ALTER TABLE due ADD COLUMN y INTEGER",)))
    monkeypatch.setattr("fedsafe_node.store.schema.MIGRATIONS", newest)
    monkeypatch.setattr("fedsafe_node.store.schema.VERSION", len(newest))

    with pytest.raises(SealBrokenError, match=r"due.*expiry"):
        sealed.reopen()


def test_every_table_is_covered_or_exempt_with_a_reason(sealed: Sealed) -> None:
    tables = {
        name
        for (name,) in sealed.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
    }
    covered = {table.name for table in covered_tables(sealed.wrapped)}

    assert covered | set(EXEMPT) == tables
    assert not covered & set(EXEMPT)
    assert set(PARTLY) <= covered
    assert all(len(reason) > 20 for reason in EXEMPT.values())
    assert all(len(reason) > 20 for _, reason in PARTLY.values())
