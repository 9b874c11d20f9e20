# SPDX-License-Identifier: Apache-2.0
"""A node whose store is on a PostgreSQL server, from `node init` on."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Literal
from tests.node.conftest import prepare  # noqa: F401 - a fixture
from tests.postgresql.databases import Databases, fresh_name, name_in
from tests.support.databases import Prepared, Preparing, preparing

from fedsafe_node.ground.config import Place
from fedsafe_node.operations.stopped_node import alone_in
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_node.store.schema import MIGRATIONS, VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Run

MAKE = ("node", "init", "--name", "chat.demo", "--policy", "synthetic")
TALKS = ("--contact", "trust@chat.demo", "--listen", "127.0.0.1:8999")


@pytest.fixture
def made(
    postgresql: Databases,
    prepare: "Callable[[int], Preparing]",  # noqa: F811
) -> Preparing:
    """Give what makes databases for nodes."""
    return prepare(postgresql.major)


@pytest.fixture
def empty(made: Preparing) -> Iterator[Prepared]:
    """Give a database without a schema."""
    prepared = made.make_empty()
    yield prepared
    made.drop(prepared)


@pytest.fixture
def whole(made: Preparing) -> Iterator[Prepared]:
    """Give a database with a schema and no rows."""
    prepared = made.borrow()
    yield prepared
    made.give_back(prepared)


def test_the_owner_makes_the_tables_and_the_node_uses_them(
    run: "Run", short_path: Path, empty: Prepared
) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    owner.write_text(empty.owner + "\n")
    where = ("--dir", str(home), "--store", empty.node)
    made = run(*MAKE, *TALKS, *where, "--store-owner-file", str(owner))
    verified = run("audit", "verify", "--config", str(home))
    examined = run("doctor", "--config", str(home))

    assert made.status == 0, made.err
    assert not (home / "store.db").exists()
    assert empty.owner not in made.out + made.err + (home / "node.toml").read_text()
    assert verified.status == 0, verified.out + verified.err
    assert "chat.demo/audit" in verified.out
    assert "fsync or full_page_writes is off" in examined.out  # as tests have it
    assert re.search(
        r"server +ok +PostgreSQL 1\d, [\d.]+ ms, connections for \d+ workers",
        examined.out,
    )
    assert "the store is on a server" in examined.out
    assert "log_parameter_max_length = 0" in examined.out  # no server begins with that


def test_doctor_names_what_a_stopped_node_s_role_lacks_or_has_too_much(
    run: "Run", short_path: Path, whole: Prepared
) -> None:
    home = short_path / "n"
    run(*MAKE, *TALKS, "--dir", str(home), "--store", whole.node)
    well = run("doctor", "--config", str(home))
    role, name = urlsplit(whole.node).username, name_in(whole.node)
    with psycopg.connect(whole.superuser, autocommit=True) as superuser:
        for statement in (
            f"REVOKE TEMPORARY ON DATABASE {name} FROM PUBLIC",
            f"GRANT DELETE ON fedsafe.entries TO {role}",
        ):
            superuser.execute(statement.encode())
        older = b"DELETE FROM fedsafe.migrations WHERE number = $1"
        psycopg.RawCursor(superuser).execute(older, (VERSION,))
    ill = run("doctor", "--config", str(home))

    told = (
        "the node's role has no TEMPORARY right",
        "the node's role may change rows of the logs",
        f"its tables are at schema {VERSION - 1}, this program wants {VERSION}",
    )
    assert ill.status == 1
    assert [each in ill.out for each in told] == [True] * 3, ill.out
    assert [each in well.out for each in told] == [False] * 3, well.out


def test_a_database_without_tables_names_the_way_out(
    run: "Run", short_path: Path, empty: Prepared
) -> None:
    where = ("--dir", str(short_path / "n"), "--store", empty.node)
    outcome = run(*MAKE, *TALKS, *where)

    assert outcome.status == 2
    assert "--store-owner-file" in outcome.err
    assert list(short_path.iterdir()) == []


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_a_database_that_does_not_take_every_text_is_refused(
    run: "Run", short_path: Path, postgresql: Databases, encoding: str
) -> None:
    name = fresh_name()
    create = SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LOCALE 'C'")
    with psycopg.connect(postgresql.url(), autocommit=True) as superuser:
        superuser.execute(create.format(Identifier(name), Literal(encoding)))
    url = postgresql.url(name)
    outcome = run(*MAKE, *TALKS, "--dir", str(short_path / "n"), "--store", url)
    postgresql.drop(url)

    assert outcome.status == 1
    assert f"keeps texts in {encoding}, not in UTF8" in outcome.err
    assert "docs/howto/postgresql.md" in outcome.err
    assert list(short_path.iterdir()) == []


def test_a_server_that_is_not_there_leaves_nothing_behind(
    run: "Run", short_path: Path
) -> None:
    gone = f"postgresql://node@/fedsafe?host={short_path}"
    where = ("--dir", str(short_path / "n"), "--store", gone)
    outcome = run(*MAKE, *TALKS, *where)

    assert outcome.status == 1
    assert "the node was not made: connection" in outcome.err
    assert list(short_path.iterdir()) == []


def test_what_fails_at_the_server_can_be_done_again(
    run: "Run", short_path: Path, empty: Prepared
) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    owner.write_text(empty.node)  # who may not own the tables
    home.mkdir()
    asked = (*MAKE, *TALKS, "--dir", str(home), "--store", empty.node)
    failed = run(*asked, "--store-owner-file", str(owner))
    left = [*home.iterdir(), *short_path.glob("*.key")]
    owner.write_text(empty.owner)
    made = run(*asked, "--store-owner-file", str(owner))

    assert failed.status == 1
    assert "may not own the tables" in failed.err
    assert left == []
    assert made.status == 0, made.err


def test_a_database_that_is_another_nodes_is_refused(
    run: "Run", short_path: Path, whole: Prepared
) -> None:
    asked = (*MAKE, *TALKS, "--store", whole.node, "--dir")
    first = run(*asked, str(short_path / "n"))
    second = run(*asked, str(short_path / "m"))

    assert first.status == 0, first.err
    assert second.status == 2
    assert "is a node's already" in second.err
    assert not (short_path / "m").exists()


def test_a_server_that_is_down_is_no_damage(
    run: "Run", short_path: Path, whole: Prepared
) -> None:
    home = short_path / "n"
    run(*MAKE, *TALKS, "--dir", str(home), "--store", whole.node)
    config = home / "node.toml"
    url = f'url = "postgresql://node@/fedsafe?host={short_path}"'
    lines = config.read_text().splitlines()
    config.write_text("\n".join([*lines[:-1], url]) + "\n")
    outcome = run("doctor", "--config", str(home))
    verified = run("audit", "verify", "--config", str(home))
    config.write_text("\n".join([*lines, 'password_file = "none"']) + "\n")
    without = run("doctor", "--config", str(home))

    assert outcome.status == 1
    assert re.search(r"server +fail +connection", outcome.out)
    assert verified.status == 22
    assert "nothing was verified" in verified.err
    assert "damaged" not in verified.out + verified.err
    assert re.search(r"server +fail +\S*none: .*does not exist", without.out)
    assert "evidence" not in outcome.out
    assert "reserve" not in outcome.out


def test_the_owner_brings_the_tables_of_a_stopped_node_up_to_date(
    run: "Run", short_path: Path, empty: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    owner.write_text(empty.owner + "\n")
    made_by = ("--store", empty.node, "--store-owner-file", str(owner))
    with monkeypatch.context() as older:
        for room in ("schema", "store"):
            older.setattr(f"fedsafe_node.store.postgresql.{room}.VERSION", VERSION - 1)
        older.setattr(
            "fedsafe_node.store.postgresql.schema.MIGRATIONS", MIGRATIONS[:-1]
        )
        made = run(*MAKE, *TALKS, "--dir", str(home), *made_by)
    call = ("store", "prepare", "--config", str(home), "--owner-file", str(owner))
    with alone_in(Place(home)):
        running = run(*call)
    prepared = run(*call, "--json")
    again = run(*call)
    verified = run("audit", "verify", "--config", str(home))

    assert made.status == 0, made.err
    assert (running.status, "stop it first" in running.err) == (5, True)
    assert prepared.document == {"schema": VERSION}
    assert again.status == 0, again.err
    assert verified.status == 0, verified.out + verified.err


def test_a_prepare_that_ended_with_the_owner_s_commit_is_run_again(
    run: "Run", short_path: Path, empty: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    owner.write_text(empty.owner + "\n")
    made_by = ("--store", empty.node, "--store-owner-file", str(owner))
    with monkeypatch.context() as older:
        for room in ("schema", "store"):
            older.setattr(f"fedsafe_node.store.postgresql.{room}.VERSION", VERSION - 1)
        older.setattr(
            "fedsafe_node.store.postgresql.schema.MIGRATIONS", MIGRATIONS[:-1]
        )
        made = run(*MAKE, *TALKS, "--dir", str(home), *made_by)

    def end_after(*given: Any) -> None:  # noqa: ANN401 - passed on
        migrate(*given)
        raise KeyboardInterrupt

    call = ("store", "prepare", "--config", str(home), "--owner-file", str(owner))
    with monkeypatch.context() as ending:
        ending.setattr("fedsafe_node.store.postgresql.store.migrate", end_after)
        ended = run(*call)
    again = run(*call)
    verified = run("audit", "verify", "--config", str(home))

    assert made.status == 0, made.err
    assert ended.status != 0
    assert again.status == 0, again.err
    assert verified.status == 0, verified.out + verified.err


def test_an_owner_s_address_that_does_not_fit_is_told_without_quoting_it(
    run: "Run", short_path: Path, empty: Prepared, postgresql: Databases
) -> None:
    owner = short_path / "owner.url"
    owner.touch(0o600)
    said = []
    with preparing(postgresql) as others:
        elsewhere = others.make_empty().owner
        for number, address in enumerate(("nonsense: pw=hunter2", elsewhere)):
            owner.write_text(address)
            where = ("--dir", str(short_path / str(number)), "--store", empty.node)
            said.append(run(*MAKE, *TALKS, *where, "--store-owner-file", str(owner)))

    assert [each.status for each in said] == [1, 1]
    assert "want postgresql://USER@HOST/DATABASE" in said[0].err
    assert "hunter2" not in said[0].err
    assert "leads to another database" in said[1].err


def test_a_role_that_owns_the_logs_is_refused(
    run: "Run", short_path: Path, whole: Prepared
) -> None:
    where = ("--dir", str(short_path / "n"), "--store", whole.owner)
    outcome = run(*MAKE, *TALKS, *where)

    assert outcome.status != 0
    assert "may change them" in outcome.err


def test_the_owner_prepares_the_tables_of_a_node_again(
    run: "Run", short_path: Path, whole: Prepared
) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    owner.write_text(whole.owner)
    run(*MAKE, *TALKS, "--dir", str(home), "--store", whole.node)
    asked = ("store", "prepare", "--config", str(home), "--owner-file", str(owner))
    outcome = run(*asked)
    owner.chmod(0o644)
    refused = run(*asked)

    assert outcome.status == 0, outcome.err
    assert f"schema {VERSION}" in outcome.out
    assert refused.status == 2
    assert "--owner-file" in refused.err
    assert whole.owner not in outcome.out + outcome.err + refused.err


def test_whoever_does_not_own_the_tables_prepares_none_though_nothing_is_due(
    run: "Run", short_path: Path, whole: Prepared, postgresql: Databases
) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    with preparing(postgresql) as others:
        stranger = urlsplit(others.make_empty().owner).username or ""
        run(*MAKE, *TALKS, "--dir", str(home), "--store", whole.node)
        asked = ("store", "prepare", "--config", str(home), "--owner-file", str(owner))
        said = []
        for address in (
            whole.node,
            postgresql.url(name_in(whole.node), role=stranger),
        ):
            owner.write_text(address)
            said.append(run(*asked))

    assert [each.status for each in said] == [1, 1]
    assert "names the node's role, which may not own the tables" in said[0].err
    assert "names a role without the tables" in said[1].err
    assert all("nothing was changed" in each.err for each in said)


def test_only_a_server_is_prepared(run: "Run", short_path: Path) -> None:
    owner, home = short_path / "owner.url", short_path / "n"
    owner.touch(0o600)
    run(*MAKE, *TALKS, "--dir", str(home))
    asked = ("store", "prepare", "--config", str(home), "--owner-file", str(owner))
    outcome = run(*asked)

    assert outcome.status == 2
    assert "names no server" in outcome.err
