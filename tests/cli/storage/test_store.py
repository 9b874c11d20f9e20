# SPDX-License-Identifier: Apache-2.0
"""`fedsafe store migrate` on the directory of a real node, and a real server."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.node.conftest import prepare  # noqa: F401 - a fixture
from tests.postgresql.fixtures import MAJORS
from tests.support.databases import Prepared, Preparing
from tests.support.fleet import make

from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.store.address import Server, store_at
from fedsafe_node.store.postgresql.turns import begin_session

if TYPE_CHECKING:
    from tests.cli.conftest import Run


async def live(root: Path) -> None:
    """Let a node live for a while, and stop."""
    fleet = await make(root, "a.demo")
    await fleet.start("a.demo")
    await fleet.stop("a.demo")


@pytest.fixture
def stopped(short_path: Path) -> Path:
    """Give the directory of a node that was stopped."""
    asyncio.run(live(short_path))
    return short_path / "a.demo"


@pytest.fixture
def database(prepare: Callable[[int], Preparing]) -> Iterator[Prepared]:  # noqa: F811
    """Give an empty database of the newest version."""
    databases = prepare(MAJORS[-1])
    made = databases.make_empty()
    yield made
    databases.drop(made)


def there_and_back(stopped: Path, database: Prepared) -> tuple[list[str], list[str]]:
    file = f"sqlite://{stopped}/store.db"
    there = ["--from", file, "--to", database.node, "--owner", database.owner]
    return there, ["--from", database.node, "--to", file]


def test_a_store_goes_there_and_back_and_verifies(
    run: "Run", stopped: Path, database: Prepared
) -> None:
    there, back = there_and_back(stopped, database)
    before = run("audit", "verify", "--json", "--config", str(stopped)).document
    went = run("store", "migrate", *there, "--switch", "--json").document
    config = (stopped / "node.toml").read_text()
    again = run("store", "migrate", *there, "--json").document
    came = run("store", "migrate", *back, "--switch", "--json").document
    after = run("audit", "verify", "--json", "--config", str(stopped))

    assert [log["root"] for log in went["logs"]] == [
        log["root"] for log in before["logs"]
    ]
    assert went["switched"]
    assert went["rows"] == sum(went["tables"].values()) > 0
    assert f'[store]\nurl = "{database.node}"\n' in config
    assert again["was_there"]
    assert came["logs"] == went["logs"]
    assert came["store"] is None
    assert "[store]" not in (stopped / "node.toml").read_text()
    assert after.status == 0
    assert after.document["logs"] == before["logs"]


@pytest.mark.parametrize(
    ("lang", "moved", "says"),
    [
        ("en", "moved, every row the same", "has to say now"),
        ("de", "umgezogen, Zeile für Zeile gleich", "gehört jetzt"),
    ],
)
def test_what_was_moved_is_told_and_what_node_toml_has_to_say(  # noqa: PLR0913 - fixtures
    run: "Run", stopped: Path, database: Prepared, lang: str, moved: str, says: str
) -> None:
    there, _ = there_and_back(stopped, database)
    outcome = run("store", "migrate", *there, "--lang", lang)

    assert outcome.status == 0
    assert moved in outcome.out
    assert says in outcome.out
    assert f'  url = "{database.node}"\n' in outcome.out
    assert "a.demo/audit" in outcome.out
    assert "[store]" not in (stopped / "node.toml").read_text()


def test_the_old_place_does_not_start_and_says_where_the_store_went(
    run: "Run", stopped: Path, database: Prepared
) -> None:
    there, _ = there_and_back(stopped, database)
    run("store", "migrate", *there)
    outcome = run("node", "run", "--config", str(stopped))
    verified = run("audit", "verify", "--config", str(stopped))
    as_json = run("audit", "verify", "--config", str(stopped), "--json").document
    german = run("audit", "verify", "--config", str(stopped), "--lang", "de")
    doctor = run("doctor", "--config", str(stopped), "--json").document

    assert outcome.status == 1
    assert f"this store has moved: it goes on at {database.node}; name" in outcome.err
    assert f"it has moved, and goes on at {database.node}" in verified.out
    assert f"er ist umgezogen, es geht weiter unter {database.node}" in german.out
    assert as_json["moved"] == database.node
    [store] = [each for each in doctor["findings"] if each["check"] == "store"]
    assert store["level"] == "fail"
    assert store["found"] == f"this store has moved: it goes on at {database.node}"
    assert "name that in [store]" in store["way_out"]


def test_a_store_that_came_back_says_how_the_node_finds_it(
    run: "Run", stopped: Path, database: Prepared
) -> None:
    there, back = there_and_back(stopped, database)
    run("store", "migrate", *there, "--switch")
    came = run("store", "migrate", *back)
    refused = run("node", "run", "--config", str(stopped))
    doctor = run("doctor", "--config", str(stopped), "--lang", "de")
    again = run("store", "migrate", "--to", f"sqlite:///{stopped}/store.db", "--switch")
    verified = run("audit", "verify", "--config", str(stopped))

    assert came.status == 0
    assert "take [store] out of node.toml, or run the same" in refused.err
    assert "name that" not in refused.err
    assert f"es geht weiter unter sqlite://{stopped}/store.db" in doctor.out
    assert "[store] aus node.toml nehmen" in doctor.out
    assert again.status == 0
    assert "[store]" not in (stopped / "node.toml").read_text()
    assert verified.status == 0
    assert "moved" not in verified.out


def test_a_store_that_was_changed_is_not_moved_and_the_damage_named(
    run: "Run", stopped: Path, database: Prepared
) -> None:
    there, _ = there_and_back(stopped, database)
    with closing(sqlite3.connect(stopped / "store.db")) as connection:
        connection.execute("UPDATE due SET at = at + 1")
        connection.commit()
    outcome = run("store", "migrate", *there)
    as_json = run("store", "migrate", *there, "--json")

    assert outcome.status == as_json.status == 20
    assert "due" in outcome.out
    assert "the store does not verify; nothing was switched" in outcome.err
    assert not as_json.document["ok"]


def test_what_does_not_fit_is_refused_with_the_way_out(
    run: "Run", stopped: Path, database: Prepared
) -> None:
    there, _ = there_and_back(stopped, database)
    without = run("store", "migrate", *there[:4])
    nobody = run(
        "store", "migrate", *there[:4], "--owner", "postgresql://x@127.0.0.1:1/x"
    )
    no_node = run(
        "store", "migrate", "--from", "sqlite:///tmp/none/store.db", "--to", there[3]
    )

    assert without.status == 5
    assert "--owner postgresql://OWNER@HOST/DB" in without.err
    assert nobody.status == 1
    assert "Traceback" not in nobody.err
    assert "was not kept" not in nobody.err
    assert "run the same command again" in nobody.err
    assert no_node.status == 2
    assert not list(stopped.glob("*.moving"))


def test_a_copy_of_the_directory_is_not_run_beside_the_node(
    run: "Run", stopped: Path, database: Prepared, tmp_path: Path
) -> None:
    there, _ = there_and_back(stopped, database)
    assert run("store", "migrate", *there, "--switch").status == 0
    copy = tmp_path / "copy"
    shutil.copytree(stopped, copy)
    owner = tmp_path / "owner.url"
    owner.touch(mode=0o600)
    owner.write_text(database.owner)
    config = load_config(Place(stopped))
    server = store_at(Place(stopped).database, config.store)
    assert isinstance(server, Server)
    with closing(begin_session(server)):
        outcomes = [
            run("node", "run", "--config", str(copy)),
            run("store", "prepare", "--config", str(copy), "--owner-file", str(owner)),
        ]
        here = run(
            "store", "prepare", "--config", str(stopped), "--owner-file", str(owner)
        )

    assert [outcome.status for outcome in outcomes] == [5, 5]
    assert "the node of another directory or machine" in outcomes[0].err
    assert "stop it" in outcomes[1].err
    assert here.status == 0
