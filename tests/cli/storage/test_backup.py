# SPDX-License-Identifier: Apache-2.0
"""`fedsafe backup` on the directory of a real node."""

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.support.fleet import make

if TYPE_CHECKING:
    from tests.cli.conftest import Run


@pytest.fixture
def stopped(short_path: Path) -> Path:
    """Give the directory of a node that was made and never started."""
    asyncio.run(make(short_path, "a.demo"))
    return short_path / "a.demo"


@pytest.mark.embedded
def test_a_backup_is_made_and_checked(run: "Run", stopped: Path) -> None:
    target, keys = stopped.parent / "monday", stopped.parent / "keys"
    config = ("--config", str(stopped))

    made = run("backup", str(target), "--keys", str(keys), "--json", *config)
    again = run("backup", str(target), *config)
    files = run("backup", "--check", str(target), "--lang", "en")
    whole = run("backup", "--check", str(target), "--json", *config)
    (target / "node.toml").unlink()
    broken = run("backup", "--check", str(target), "--json")

    assert made.status == 0, made.err
    assert made.document["logs"] == {"a.demo/audit": 3}
    assert again.status == 5
    assert "exists already" in again.err
    assert files.status == 0
    assert "--config" in files.err
    assert re.search(r"of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", files.out)
    assert whole.status == 0
    assert whole.document["digest"] == made.document["digest"]
    assert whole.document["verified"]["ok"]
    assert broken.status == 21
    assert broken.document["problem"]["code"] == "backup_damaged"
    assert "node.toml" in broken.err


@pytest.mark.embedded
def test_a_backup_is_checked_with_the_node_of_the_environment(
    run: "Run", stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = stopped.parent / "monday"
    run("backup", str(target), "--config", str(stopped))
    monkeypatch.setenv("FEDSAFE_CONFIG", str(stopped))
    whole = run("backup", "--check", str(target), "--json")
    monkeypatch.setenv("FEDSAFE_CONFIG", "")
    files = run("backup", "--check", str(target), "--json")

    assert whole.document["verified"]["ok"]
    assert files.document["verified"] is None


@pytest.mark.embedded
def test_a_backup_says_what_is_next_in_both_languages(
    run: "Run", stopped: Path
) -> None:
    target, config = stopped.parent, ("--config", str(stopped))

    german = run("backup", str(target / "x"), *config, "--lang", "de")
    english = run("backup", str(target / "y"), *config, "--lang", "en")

    assert "gesichert" in german.out
    assert "ohne Schlüssel" in german.out
    assert "backed up" in english.out
    assert "fedsafe backup --check" in english.out


@pytest.mark.embedded
def test_a_backup_is_not_checked_with_another_node(run: "Run", stopped: Path) -> None:
    target = stopped.parent / "monday"
    asyncio.run(make(stopped.parent, "b.demo"))
    made = run("backup", str(target), "--config", str(stopped), "--lang", "de")
    other = run(
        "backup", "--check", str(target), "--config", f"{stopped.parent}/b.demo"
    )

    assert made.status == 0
    assert re.search(r"Dateien, \d{1,3}(\.\d{3})* Bytes", made.out)
    assert other.status == 5
    assert "another node, b.demo" in other.err
    assert "directory of a.demo" in other.err


@pytest.mark.embedded
def test_a_file_that_is_not_in_the_backup_is_said(run: "Run", stopped: Path) -> None:
    config = ("--config", str(stopped))
    with (stopped / "node.toml").open("r+") as file:
        text = file.read()
        file.seek(0)
        file.write(f'help = "/nowhere/help.toml"\n{text}')

    german = run("backup", f"{stopped.parent}/x", *config, "--lang", "de")
    told = run("backup", f"{stopped.parent}/y", *config, "--json")

    assert "NICHT in der Sicherung" in german.err
    assert "/nowhere/help.toml" in german.err
    assert told.document["left_out"] == ["/nowhere/help.toml"]


def test_keys_are_not_checked(run: "Run") -> None:
    assert run("backup", "--check", "x", "--keys", "y").status == 2


@pytest.mark.embedded
def test_a_node_without_a_federation_is_restored(run: "Run", stopped: Path) -> None:
    target, config = stopped.parent / "monday", ("--config", str(stopped))
    restoring = (
        *("restore", str(target), "--dir", str(stopped)),
        *("--by", "anna", "--reason", "ticket-7"),
    )
    assert run("backup", str(target), *config).status == 0
    refused = run(*restoring, "--lang", "en")
    for path in stopped.glob("store.db*"):
        path.unlink()

    german = run(*restoring, "--lang", "de")
    verified = run("audit", "verify", *config)

    assert refused.status == 5
    assert "is there" in refused.err
    assert german.status == 0, german.err
    assert "wiederhergestellt: a.demo" in german.out
    assert "verlorene Protokolleinträge" in german.out
    assert verified.status == 0, verified.out


def test_a_restore_says_what_it_lacks(run: "Run", short_path: Path) -> None:
    by = ("--by", "anna", "--reason", "ticket-7")

    none = run("restore", str(short_path), "--dir", str(short_path / "x"), *by)
    half = run("restore", "x", "--dir", "y", "--keys", "k", *by)
    signed = ("restore", "x", "--dir", "y", "--statement-key")
    sealed = ("--keys", "k", "--custody-key", "c")
    keyless = run(*signed, "ab" * 32, *by)
    odd = run(*signed, "xy" * 32, *sealed, *by)

    assert none.status == 5
    assert "fedsafe backup" in none.err
    assert half.status == 2
    assert "belong together" in half.err
    assert (keyless.status, odd.status) == (2, 2)
    assert "says who has signed" in keyless.err
    assert "64 hexadecimal digits" in odd.err


@pytest.mark.parametrize(
    ("by", "reason", "why"),
    [
        ("anna", "Anna hat alles verloren", "--reason"),
        ("anna", "anna@example.de", "--reason"),
        ("anna", "call-491701234567", "--reason"),
        ("anna", "", "--reason"),
        ("Anna B.", "ticket-7", "--by"),
        ("local", "ticket-7", "--by"),
    ],
)
def test_a_restore_takes_nothing_into_the_log_that_tells_of_somebody(
    run: "Run", short_path: Path, by: str, reason: str, why: str
) -> None:
    target = short_path / "x"
    outcome = run(
        *("restore", str(short_path), "--dir", str(target)),
        *("--by", by, "--reason", reason),
    )

    assert outcome.status == 5
    assert why in outcome.err
    assert not reason or reason not in outcome.err
    assert not target.exists()
