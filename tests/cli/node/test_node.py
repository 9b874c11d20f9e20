# SPDX-License-Identifier: Apache-2.0
"""Making nodes and adding people, on a real directory and store."""

import asyncio
import os
import re
import stat
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import as_nobody

from fedsafe_cli.terminal.settings import read_credential
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.operations.stopped_node import open_node_store
from fedsafe_node.store.protocol import Store

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

INIT = ("node", "init", "--name", "a.demo", "--contact", "trust@a.demo")
ADD = ("node", "credential", "add")


@pytest.fixture
def home(run: "Run", short_path: Path) -> Path:
    """A new node with one analyst."""
    made = run(*INIT, "--dir", str(short_path / "a"), "--staff", "anna:analyst")
    assert made.status == 0, made.err
    return short_path / "a"


async def open_stopped(home: Path) -> Store:
    config = await asyncio.to_thread(load_config, Place(home))
    return await open_node_store(Place(home), config, SystemClock())


def test_a_new_node_says_where_its_secrets_lie(run: "Run", short_path: Path) -> None:
    custody = short_path / "custody.key"
    outcome = run(
        *(*INIT, "--dir", str(short_path / "a"), "--staff", "anna:analyst"),
        *("--custody-key", str(custody), "--listen", "[::1]:8470", "--json"),
    )

    assert outcome.status == 0
    answer = outcome.document
    first, until = answer.pop("administrator"), answer.pop("credentials_until")
    assert first["name"] == "admin"
    assert re.fullmatch(r"([A-Z2-7]{4}-){3}[A-Z2-7]{4}", first["code"])
    assert answer == {
        "name": "a.demo",
        "url": "http://[::1]:8470",
        "dir": str(short_path / "a"),
        "config": str(short_path / "a" / "node.toml"),
        "credentials": {"anna": str(short_path / "a.credentials" / "anna.key")},
        "custody": str(custody),
    }
    left = datetime.fromisoformat(until) - SystemClock().now()
    assert timedelta(days=89) < left <= timedelta(days=90)
    assert read_credential(answer["credentials"]["anna"]).startswith("fs1_")
    assert stat.S_IMODE(custody.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "records own bans, looks up"), (("--lang", "de"), "eigene Sperren ein")],
)
def test_a_new_node_says_what_a_credential_is_good_for_and_until_when(
    run: "Run", short_path: Path, words: tuple[str, ...], told: str
) -> None:
    name = ("node", "init", "--name", "a.example", "--contact", "trust@a.example")
    outcome = run(
        *(*name, "--dir", str(short_path / "a"), "--staff", "anna:analyst", *words)
    )

    assert told in outcome.err
    assert "fedsafe account setup" in outcome.err
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", outcome.err)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--listen", "8470"), "--listen wants HOST:PORT"),
        (("--listen", "localhost:http"), "--listen wants HOST:PORT"),
        (("--listen", "127.0.0.1:99999"), "a setting does not fit"),
        (("--staff", "anna"), "--staff wants NAME:ROLE"),
        (("--staff", "anna:queen"), "--staff wants NAME:ROLE"),
        (("--staff", "Anna!:analyst"), "a name is a-z"),
        (("--name", "no name"), "does not fit: name wants a domain name"),
        (("--contact", "anna"), "does not fit: contact wants a role mailbox"),
        (("--contact", "anna@a.example"), "no person's mailbox: one of abuse,"),
        (("--custody-key", "not/mounted/custody.key"), "is no directory"),
        (("--jurisdiction", "XX"), "no country has that code"),
        (("--name", "a.example", "--policy", "synthetic"), "for demonstrations"),
    ],
)
def test_a_setting_that_does_not_fit_makes_nothing(
    run: "Run", short_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    outcome = run(*INIT, "--dir", str(short_path / "a"), *arguments)

    assert outcome.status == 2
    assert why in outcome.err
    assert list(short_path.iterdir()) == []


def test_the_first_administrators_whole_command_is_told(
    run: "Run", short_path: Path
) -> None:
    outcome = run(*INIT, "--dir", str(short_path / "a"))

    told = outcome.out.splitlines()[-1].strip()
    assert told.startswith(f"fedsafe account setup --config {short_path}/a admin ")
    assert "--training " in told
    assert "--training-until " in told


def test_a_directory_with_something_in_it_is_left_alone(run: "Run", home: Path) -> None:
    before = sorted(home.rglob("*"))
    outcome = run(*INIT, "--dir", str(home))

    assert outcome.status == 2
    assert "a new node needs an empty directory" in outcome.err
    assert sorted(home.rglob("*")) == before


def test_a_directory_that_cannot_be_made_is_an_error(
    run: "Run", short_path: Path
) -> None:
    (short_path / "file").touch()
    outcome = run(*INIT, "--dir", str(short_path / "file" / "a"))

    assert outcome.status == 1
    assert f"the node was not made: {short_path}/file/a: Not a dir" in outcome.err
    assert "install -d -m 700" in outcome.err


def test_a_person_is_added_with_a_file_of_their_own(
    run: "Run", home: Path, short_path: Path
) -> None:
    config = ("--config", str(home), "--role", "reviewer")
    out = short_path / "new" / "cem.key"
    told = run(*ADD, "cem", "--out", str(out), *config)
    as_json = run(*ADD, "dana", "--out", str(out) + "2", "--json", *config)

    assert told.out == f"cem (reviewer): {out}\n"
    assert as_json.document["name"] == "dana"
    assert read_credential(str(out)) != read_credential(f"{out}2")


@pytest.mark.parametrize(("role", "warns"), [("operator", True), ("auditor", False)])
def test_who_would_count_as_a_second_person_is_warned_of(
    run: "Run", home: Path, short_path: Path, role: str, *, warns: bool
) -> None:
    config = ("--config", str(home), "--role", role)
    told = run(*ADD, "prometheus", "--out", str(short_path / "p.key"), *config)

    assert told.status == 0
    assert ("grants of roles wait for a second person" in told.err) is warns
    assert ("takes --role auditor" in told.err) is warns


def test_a_file_that_exists_is_never_replaced(
    run: "Run", home: Path, short_path: Path
) -> None:
    out = short_path / "cem.key"
    out.write_text("mine")
    outcome = run(
        *ADD, "cem", "--out", str(out), "--role", "auditor", "--config", str(home)
    )

    assert outcome.status == 2
    assert "exists already" in outcome.err
    assert out.read_text() == "mine"


def test_a_person_is_added_only_while_the_node_is_stopped(
    run: "Run", home: Path, short_path: Path
) -> None:
    out = short_path / "cem.key"
    store = asyncio.run(open_stopped(home))
    try:
        config = ("--role", "auditor", "--config", str(home))
        outcome = run(*ADD, "cem", "--out", str(out), *config)
    finally:
        asyncio.run(store.close())

    assert outcome.status == 5
    assert "the node is running" in outcome.err
    assert not out.exists()


def test_a_name_that_is_taken_or_none_is_refused(
    run: "Run", home: Path, short_path: Path
) -> None:
    for name, status in (("anna", 5), ("an.na", 5), ("No!", 2), ("ANNA", 2)):
        out = short_path / "x.key"
        outcome = run(
            *ADD, name, "--out", str(out), "--role", "auditor", "--config", str(home)
        )

        assert outcome.status == status
        assert not out.exists()


def test_nobody_is_added_whose_file_cannot_be_written(
    run: "Run", home: Path, short_path: Path
) -> None:
    config = ("--role", "auditor", "--config", str(home))
    (short_path / "file").touch()
    failed = run(*ADD, "cem", "--out", str(short_path / "file" / "cem.key"), *config)
    again = run(*ADD, "cem", "--out", str(short_path / "cem.key"), *config)

    assert failed.status == 1
    assert "the credential was not added" in failed.err
    assert again.status == 0


def test_a_node_that_is_damaged_is_wrong_usage_and_does_not_run(
    run: "Run", home: Path, short_path: Path
) -> None:
    (home / "node.toml").write_text("format = 9\n")
    config = ("--config", str(home))
    added = run(
        *ADD, "cem", "--out", str(short_path / "c"), "--role", "auditor", *config
    )

    assert added.status == 2
    assert run("node", "run", *config).status == 2


def test_a_node_without_its_keys_does_not_run(run: "Run", home: Path) -> None:
    (home / "keys" / "feed.key").unlink()
    outcome = run("node", "run", "--config", str(home))

    assert outcome.status == 1
    assert "fedsafe doctor" in outcome.err


def test_the_german_status_names_texts_that_nobody_has_signed_off(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/status", {"texts_unsigned": ["code_letter"]})

    assert "Texte ohne Freigabe" in ask("node", "status", "--lang", "de").out


@pytest.mark.parametrize(
    ("disk", "german", "english"),
    [
        ("short", "bald voll: Platz schaffen", "nearly full: make room"),
        ("full", "Löschen geht noch: Platz schaffen", "erasures are kept: make room"),
    ],
)
def test_the_status_warns_of_a_disk_that_fills_up(
    ask: "Run", node: "FakeNode", disk: str, german: str, english: str
) -> None:
    node.always("GET /v1/status", {"node": "a.demo", "disk": disk})

    assert german in ask("node", "status", "--lang", "de").err
    assert english in ask("node", "status", "--lang", "en").err


def test_the_status_names_the_peers(ask: "Run", node: "FakeNode") -> None:
    peer = {"name": "b.demo", "url": "http://b", "cursor": 4, "covered": True}
    node.always("GET /v1/status", {"node": "a.demo", "signals": 3, "peers": [peer]})
    shown = ask("node", "status")
    as_json = ask("node", "status", "--json")

    assert shown.status == 0
    assert "a.demo" in shown.out
    assert shown.out.splitlines()[-1].split() == ["b.demo", "http://b", "4", "yes"]
    assert as_json.document["peers"] == [peer]


def test_a_node_without_peers_shows_no_table(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/status", {"node": "a.demo", "peers": []})
    outcome = ask("node", "status")

    assert outcome.out == "node  a.demo\n"


def test_no_node_runs_where_none_was_made(run: "Run", tmp_path: Path) -> None:
    outcome = run("node", "status", "--config", os.fspath(tmp_path))

    assert outcome.status == 2
    assert "node.toml does not exist" in outcome.err


def test_a_directory_of_another_user_is_not_told_as_missing(
    run: "Run", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    with monkeypatch.context() as patch:
        patch.setattr("fedsafe_cli.terminal.settings.os.stat", refuse)
        outcome = run("node", "status", "--config", str(tmp_path / "node.toml"))

    assert outcome.status == 2
    assert "node.toml may not be read by this user" in outcome.err
    assert "run the command as the user whose node it is" in outcome.err
    assert "FEDSAFE_URL" in outcome.err


@pytest.mark.parametrize("locked", ["node", ".fedsafe", "parent"])
def test_a_directory_that_may_not_be_read_is_not_passed_over(
    run: "Run", short_path: Path, monkeypatch: pytest.MonkeyPatch, locked: str
) -> None:
    short_path.chmod(0o755)
    parent = short_path / "parent"
    directory = parent / (".fedsafe" if locked == ".fedsafe" else "node")
    directory.mkdir(parents=True)
    (directory / "node.toml").touch()
    monkeypatch.setenv("HOME", str(parent))
    monkeypatch.chdir(short_path)
    named = () if locked == ".fedsafe" else ("--config", str(directory))
    (parent if locked == "parent" else directory).chmod(0o700)
    if os.geteuid() != 0:
        (parent if locked == "parent" else directory).chmod(0)
    try:
        with as_nobody():
            outcome = run("node", "status", *named)
    finally:
        (parent if locked == "parent" else directory).chmod(0o700)

    assert outcome.status == 2
    assert "may not be read by this user" in outcome.err
    assert "FEDSAFE_URL=https://... with --credential FILE" in outcome.err


def test_two_nodes_in_one_directory_are_one_too_many(run: "Run", home: Path) -> None:
    store = asyncio.run(open_stopped(home))
    try:
        outcome = run("node", "run", "--config", str(home))
    finally:
        asyncio.run(store.close())

    assert outcome.status == 5
    assert "another process has the store" in outcome.err
    assert "fedsafe node status" in outcome.err


def test_several_workers_want_a_store_on_a_server(run: "Run", home: Path) -> None:
    outcome = run("node", "run", "--config", str(home), "--workers", "2")

    assert outcome.status == 2
    assert "name it as [store] url, or run one worker" in outcome.err
    assert not (home / "node.lock").exists()
