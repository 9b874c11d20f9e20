# SPDX-License-Identifier: Apache-2.0
"""What an older release has kept on a server is there after the upgrade."""

from collections.abc import Iterator

import pytest
from psycopg import Error
from psycopg.conninfo import conninfo_to_dict
from tests.node.store.postgresql.conftest import session
from tests.support.databases import Prepared, Preparing
from tests.support.older_stores import LINE, of_then
from tests.support.store_rows import SENT

from fedsafe_node.store.postgresql import schema
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_node.store.schema import MIGRATIONS


@pytest.fixture
def empty(databases: Preparing) -> Iterator[Prepared]:
    made = databases.make_empty()
    yield made
    databases.drop(made)


def test_what_was_sealed_before_signatures_were_kept_stays_and_has_none(
    empty: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = str(conninfo_to_dict(empty.node)["user"])
    before = [name for name, _ in MIGRATIONS].index("0027_signatures")
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", MIGRATIONS[:before])
        older.setattr(schema, "VERSION", before)
        migrate(empty.owner, role)
    row = {k: int(v) if v is False else v for k, v in of_then(SENT).items()}
    marks = ", ".join(["%s"] * len(row))
    with session(empty.superuser) as connection:
        connection.execute("SET session_replication_role = replica")  # no case, no BKA
        connection.execute(
            f"INSERT INTO dispatches ({', '.join(row)}) VALUES ({marks})".encode(),  # noqa: S608
            list(row.values()),
        )
    migrate(empty.owner, role)
    with session(empty.node) as connection:
        found = connection.execute("SELECT sealed, signature FROM dispatches")

        assert found.fetchall() == [(SENT.sealed, None)]


def test_lines_of_a_ledger_from_before_repeats_stay_as_they_are(
    empty: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = str(conninfo_to_dict(empty.node)["user"])
    before = [name for name, _ in MIGRATIONS].index("0028_repeats")
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", MIGRATIONS[:before])
        older.setattr(schema, "VERSION", before)
        migrate(empty.owner, role)
    with session(empty.superuser) as connection:
        connection.execute("SET session_replication_role = replica")  # notes no row
        connection.execute(LINE)
        connection.execute(LINE.replace("(1,", "(2,"))
        before_it = connection.execute("SELECT * FROM recipients").fetchall()
    migrate(empty.owner, role)
    with session(empty.node) as connection:
        assert len(before_it) == 2
        assert connection.execute("SELECT * FROM recipients").fetchall() == before_it
        assert connection.execute("SELECT * FROM handed_again").fetchall() == []
        with pytest.raises(Error):
            connection.execute("DELETE FROM handed_again")


def test_accounts_of_older_tasks_go_to_the_only_service(
    empty: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = str(conninfo_to_dict(empty.node)["user"])
    before = [name for name, _ in MIGRATIONS].index("0029_services")
    with monkeypatch.context() as older:
        older.setattr(schema, "MIGRATIONS", MIGRATIONS[:before])
        older.setattr(schema, "VERSION", before)
        migrate(empty.owner, role)
    with session(empty.superuser) as connection:
        connection.execute("SET session_replication_role = replica")  # notes no row
        connection.execute(
            "INSERT INTO credentials VALUES ('c', 'shop~2', 'service', '', 1, NULL)"
        )
        connection.execute(
            "INSERT INTO credential_terms VALUES ('c', 'shop', NULL, '')"
        )
        for number, subject in enumerate(("u-1", "unnamed-0a")):
            connection.execute(
                "INSERT INTO tasks (id, subject, state, opened_at, ends_at, renewals, "
                "revision) VALUES (%s, %s, 'open', 1, 2, 0, 0)",
                [str(number), subject],
            )
    migrate(empty.owner, role)
    with session(empty.node) as connection:
        found = connection.execute("SELECT subject FROM tasks ORDER BY id").fetchall()

        assert found == [("shop/u-1",), ("unnamed-0a/shop",)]
        with pytest.raises(Error):
            connection.execute("UPDATE tasks SET subject = 'x' WHERE id = '0'")
