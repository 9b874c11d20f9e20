# SPDX-License-Identifier: Apache-2.0
"""The border of the process: an error is a document for programs too."""

import errno
import os
import subprocess
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fedsafe_cli.entry import main
from fedsafe_cli.terminal.exit_codes import INTERRUPTED
from fedsafe_policies.ground.system_reasons import reason_of

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run


@pytest.mark.parametrize(
    "arguments", [("signal", "list"), ("federation", "show"), ("gate", "show")]
)
@pytest.mark.parametrize("front", [True, False])
def test_a_refusal_is_a_problem_document_under_json(
    ask: "Run",
    node: "FakeNode",
    arguments: tuple[str, ...],
    front: bool,  # noqa: FBT001
) -> None:
    refusal = {"code": "state", "detail": "It cannot be"}
    for target in ("/v1/signals?state=draft", "/v1/federation", "/v1/gate"):
        node.always(f"GET {target}", refusal, 409)
    option = ("--json",)
    outcome = ask(*option, *arguments) if front else ask(*arguments, *option)

    assert outcome.status == outcome.document["exit_status"] == 5
    assert "code" in outcome.document["problem"]
    assert "fedsafe: error: " in outcome.err


def test_without_json_an_error_is_text_alone(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/gate", {"code": "state", "detail": "It cannot be"}, 409)
    outcome = ask("gate", "show")

    assert outcome.status == 5
    assert not outcome.out


def test_an_unknown_error_is_a_document_without_its_text(
    run: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("anna@example.de")

    monkeypatch.setattr("fedsafe_cli.doctor.doctor.examine", broken)
    outcome = run("doctor", "--json")

    assert outcome.status == outcome.document["exit_status"] == 1
    assert "ZeroDivisionError" in outcome.document["problem"]["detail"]
    assert "anna" not in outcome.out + outcome.err


class CtrlC(MetaPathFinder):
    """Is pressed while the command line loads."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "fedsafe_cli.main":
            raise KeyboardInterrupt


def test_ctrl_c_while_the_command_loads_leaves_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "fedsafe_cli.main", raising=False)
    monkeypatch.setattr(sys, "meta_path", [CtrlC(), *sys.meta_path])

    assert main() == INTERRUPTED
    assert capsys.readouterr() == ("", "\n")


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (("budget", "--config", "x"), "one of: show"),
        (("import", "people.csv"), "one of: "),
        (("node", "credential", "x.key"), "one of: "),
    ],
)
def test_a_group_says_that_a_command_comes_first(
    run: "Run", typed: tuple[str, ...], named: str
) -> None:
    outcome = run(*typed)

    assert outcome.status == 2
    assert f"Error: a command comes first, {named}" in outcome.err


def test_a_command_that_is_misspelt_still_has_its_near_ones(run: "Run") -> None:
    assert "Did you mean 'notice'?" in run("nothing").err


@pytest.mark.parametrize("arguments", ["policy show germany", "node status --json"])
@pytest.mark.parametrize(
    ("locale", "told"),
    [("C.UTF-8", "No space left on device"), ("de_DE.UTF-8", "ist kein Platz mehr")],
)
def test_output_that_finds_no_room_is_said_so(
    tmp_path: Path, arguments: str, locale: str, told: str
) -> None:
    environment = os.environ | {"LC_ALL": locale, "HOME": str(tmp_path)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "fedsafe_cli", *arguments.split()],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=tmp_path,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert told in done.stderr
    assert "unexpected" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_write_that_fails_without_a_name_is_no_unexpected_error(
    run: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("fedsafe_cli.doctor.doctor.examine", full)
    english, german = run("doctor"), run("doctor", "--lang", "de")

    assert english.status == german.status == 1
    assert english.err == (
        "fedsafe: error: something could not be read or written: "
        "No space left on device\n"
        "fedsafe: hint: make room where it is written, then run the command again\n"
    )
    assert german.err.startswith("fedsafe: Fehler: etwas ließ sich nicht")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EISDIR, "Is a directory"), "es ist ein Verzeichnis"),
        (OSError(errno.ENOENT, "certificate failed"), "certificate failed"),
        (OSError(9999, "a new reason"), "a new reason"),
        (OSError("no number"), "lässt sich nicht lesen oder schreiben"),
    ],
)
def test_what_the_system_says_is_said_in_german(error: OSError, said: str) -> None:
    assert reason_of(error).said("de") == said


@pytest.mark.parametrize("name", ["missing", "folder", "latin", "broken"])
@pytest.mark.parametrize(
    "command",
    [
        "policy show {}",
        "policy diff germany {}",
        "policy test germany {}",
        "policy explain publish --facts {}",
        "open {} --key {}",
        "partner add x --entry {}",
        "evidence check {}",
        "evidence submit {}",
        "help-directory check {}",
        "do-not-share check {}",
        "federation join {}",
        "gate record {}",
        "lookup --kind email x@example.de --credential {}",
        "lookup --kind email x@example.de --config {}",
        "backup --check {}",
        "restore {} --by anna",
    ],
)
def test_a_file_that_does_not_fit_is_named_and_no_unexpected_error(
    run: "Run", tmp_path: Path, name: str, command: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "latin").write_bytes(b"\xe9\xff\n")
    (tmp_path / "broken").write_bytes(b"{ = [\n")
    outcome = run(*command.replace("{}", str(tmp_path / name)).split())

    assert outcome.status in {2, 4, 5, 20, 22}
    assert "unexpected" not in outcome.err
    assert outcome.err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("case receive gone.eml", "gone.eml: die Datei oder das Verzeichnis gibt es"),
        ("account passkey name x y", "PASSKEY ist, was `fedsafe account passkey list`"),
    ],
)
def test_what_is_wrong_with_a_word_is_said_in_the_readers_language(
    run: "Run", command: str, told: str
) -> None:
    outcome = run(*command.split(), "--lang", "de")

    assert outcome.status == 2
    assert told in outcome.err


def test_a_start_looks_for_no_cycles_in_what_it_imports() -> None:
    script = (
        "import gc, sys; sys.argv = ['fedsafe', 'policy', 'test', 'germany'];"
        "from fedsafe_cli.entry import main;"
        "count = lambda: sum(each['collections'] for each in gc.get_stats());"
        "before = count(); main(); print(count() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert int(done.stdout.split()[-1]) < 5
