# SPDX-License-Identifier: Apache-2.0
"""Where values come from, and what is said when they do not come."""

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import Terminal

from fedsafe_cli.lookup import lookup
from fedsafe_cli.terminal.errors import CliError

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
REF = ("lookup", "--kind", "email", "--subject-ref", "u-1", "-")
FINDING = (
    *("--phenomenon=grooming", "--surface=public_content", "--rule=r"),
    "--grade=confirmed_conduct",
)
IMPORT = ("signal", "import", "--kind", "email", *FINDING)
IMPORTED = "POST /v1/signals/import"


def test_lines_with_a_subject_ref_are_one_account(ask: "Run", node: "FakeNode") -> None:
    node.knows()
    outcome = ask(*REF, stdin=b"a@b.de\nc@d.de\n")

    assert outcome.status == 0
    ((_, body),) = node.asked
    assert [each["value"] for each in body["questions"]] == ["a@b.de", "c@d.de"]
    assert body["subject_ref"] == "u-1"


@pytest.mark.parametrize(
    ("stdin", "why"), [(b"\xff\n\n", "not UTF-8"), (b"", "the input is empty")]
)
def test_an_account_without_a_readable_line_is_bad_input(
    ask: "Run", node: "FakeNode", stdin: bytes, why: str
) -> None:
    outcome = ask(*REF, stdin=stdin)

    assert outcome.status == 5
    assert why in outcome.err
    assert node.asked == []


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        (b"\xff", "encoding"),
        (b"", "empty"),
        (b"a\0b", "nul"),
        (b"x" * 5_000, "too_long"),
        (b"x" * 30_000, "too_long"),
        (b"email:a@b.de", "kind_twice"),
        (b"A <a@b.de>", "not_bare"),
    ],
)
def test_one_bad_line_of_an_account_hides_none_of_the_others(
    ask: "Run", node: "FakeNode", bad: bytes, code: str
) -> None:
    node.knows("listed@b.de")
    stdin = b"%s\nlisted@b.de\n" % bad
    found = ask(*REF[:-1], "--json", "-", stdin=stdin)
    clear = ask(*REF, stdin=b"%s\nc@d.de\n" % bad)
    german = ask(*REF[:-1], "--lang=de", "-", stdin=b"%s\nc@d.de\n" % bad)

    assert found.status == 10
    (answer,) = found.document["answers"]
    assert answer["result"] == "review"
    assert [match["question"] for match in answer["matches"]] == [1]
    assert [each["question"] for each in answer["corroboration"]] == [1]
    (named,) = answer["unreadable"]
    assert (named["question"], named["kind"], named["code"]) == (0, "email", code)
    assert clear.status == german.status == 5
    assert "question 1 (e-mail address) cannot be read" in clear.out
    assert "Frage 1 (E-Mail-Adresse) ist nicht lesbar" in german.out


def test_one_bad_value_of_a_record_hides_none_of_the_others(
    ask: "Run", node: "FakeNode"
) -> None:
    node.knows("listed@b.de")
    bad, good = {"kind": "phone", "value": " "}, {"value": "listed@b.de"}
    text = json.dumps({"questions": [bad, good | {"kind": "email"}]}) + "\n"
    typed = json.dumps({"questions": [bad, {"kind": "email", "value": 5}]})
    outcome = ask("lookup", "--ndjson", "-", stdin=(text + typed).encode())

    assert outcome.status == 10
    assert outcome.lines[0]["matches"][0]["question"] == 1
    assert [each["kind"] for each in outcome.lines[0]["unreadable"]] == ["phone"]
    assert outcome.lines[1]["problem"]["code"] == "empty"


def test_a_kind_that_nobody_knows_is_no_value_that_cannot_be_read(
    ask: "Run", node: "FakeNode"
) -> None:
    outcome = ask("lookup", "--subject-ref", "u-1", "email:a@b.de", "shoe:45")

    assert outcome.status == 5
    assert node.asked == []


def test_a_subject_ref_stands_in_the_lines_of_ndjson(ask: "Run") -> None:
    assert ask("lookup", "--ndjson", "--subject-ref", "u-1", "-").status == 2


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b'{"questions": 5}', "questions"),
        (b'{"questions": [], "kind": "ip"}', "unknown_field"),
        (b'{"kind": "email", "value": "a", "subject_ref": 5}', "subject_ref"),
        (b'{"kind": "email", "value": "a", "subject_ref": "\\n"}', "subject_ref"),
        (b'{"kind": "phone", "value": "1", "region": "de"}', "region"),
        (b'{"kind": "username", "value": "x", "namespace": "!"}', "namespace"),
        (b'{"kind": "email", "value": 5}', "question"),
        (b'{"kind": "email", "value": "a", "x": "y"}', "unknown_field"),
        (b"x" * 300_000, "too_long"),
        (b"\xff", "encoding"),
    ],
)
def test_a_record_out_of_form_says_how(ask: "Run", line: bytes, code: str) -> None:
    outcome = ask("lookup", "--ndjson", "-", stdin=line + b"\n")

    assert outcome.status == 5
    assert outcome.lines[0]["problem"]["code"] == code


def test_standard_input_that_is_closed_is_said(
    ask: "Run", monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.TextIOWrapper(io.BytesIO())
    closed.close()
    for stdin in (closed, None):
        monkeypatch.setattr(sys, "stdin", stdin)
        with pytest.raises(CliError, match="standard input is closed"):
            lookup.lookup.main(["-"], standalone_mode=False)
    assert ask("lookup", "email:a@b.de").status == 5


def test_a_terminal_is_told_how_to_end_the_input(
    ask: "Run",
    node: "FakeNode",
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    class Keyboard(Terminal):
        buffer = io.BytesIO(b"a@b.de\n")

    node.knows()
    monkeypatch.setattr(sys, "stdin", Keyboard())
    monkeypatch.setenv("FEDSAFE_CONFIG", str(node.directory))
    lookup.lookup.main(["--kind", "email", "-"], standalone_mode=False)

    assert "Ctrl-D ends" in capsys.readouterr().err
    assert ask("lookup", "email:a@b.de").status == 0


def take(body: dict[str, Any]) -> tuple[int, Any]:
    return 200, {"signals": ["x"] * len(body["signals"]), "problems": []}


def test_an_import_reads_a_file_and_counts(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "bans.txt"
    file.write_bytes(b"a@b.de\n" + b"x" * 300_000 + b"\nc@d.de\n")
    node.on(IMPORTED, take)
    outcome = ask(*IMPORT, str(file))

    assert outcome.status == 5
    assert "line 2: the line is longer" in outcome.err
    assert outcome.out == "2 recorded, 1 refused\n"


@pytest.mark.parametrize("where", ["input", "rejects"])
def test_a_file_that_cannot_be_opened_is_named(
    ask: "Run", node: "FakeNode", tmp_path: Path, where: str
) -> None:
    gone = str(tmp_path / "gone" / "file")
    paths = (gone,) if where == "input" else ("--rejects", gone, "-")
    outcome = ask(*IMPORT, *paths, stdin=b"a@b.de\n")

    assert outcome.status == 5
    assert f"{gone}: No such file" in outcome.err
    assert node.asked == []


def test_nothing_to_import_is_bad_input(ask: "Run") -> None:
    outcome = ask(*IMPORT)

    assert outcome.status == 5
    assert "the input is empty" in outcome.err


def test_lines_that_are_all_bad_reach_no_node(ask: "Run", node: "FakeNode") -> None:
    outcome = ask(*IMPORT, stdin=b"\xff\n")

    assert outcome.status == 5
    assert node.asked == []


def test_a_record_names_its_subject_once(ask: "Run", node: "FakeNode") -> None:
    text = b'{"about": {"kind": "ip", "value": "9.9.9.9"}, "kind": "ip"}\n'
    outcome = ask("signal", "import", "--ndjson", *FINDING, stdin=text)

    assert outcome.status == 5
    assert node.asked == []


@pytest.mark.parametrize(
    "body", [None, {}, {"signals": [], "problems": []}, {"signals": ["x"]}]
)
def test_an_import_answer_that_no_node_gives_is_an_error(
    ask: "Run", node: "FakeNode", body: object
) -> None:
    node.always(IMPORTED, body)
    outcome = ask(*IMPORT, stdin=b"a@b.de\n")

    assert outcome.status == 1
    assert "malformed" in outcome.err


def test_a_list_that_is_none_is_a_failure(ask: "Run", node: "FakeNode") -> None:
    target = "GET /v1/signals?limit=100"
    node.always(target, {"signals": []})
    empty = ask("signal", "list")
    node.always(target, [])
    broken = ask("signal", "list")

    assert empty.status == 0
    assert broken.status == 1


def test_approvals_for_programs_hold_problems(ask: "Run", node: "FakeNode") -> None:
    problem = {"position": 0, "code": "four_eyes", "detail": "two people"}
    answer = {"approved": [], "problems": [problem]}
    node.always("POST /v1/signals/approve", answer)
    outcome = ask("signal", "approve", "--json", ID)

    assert outcome.status == 3
    assert outcome.document == answer


def test_a_value_for_add_may_be_an_argument(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/signals", {"signal": "01a2"}, 201)
    add = ("signal", "add", *FINDING, "--grade=confirmed_conduct")

    assert ask(*add, "email:a@b.de").status == 0
    assert node.asked[0][1]["about"] == {"kind": "email", "value": "a@b.de"}
    assert ask(*add, "shoe:45").status == 5


@pytest.mark.parametrize("name", ["gone", "folder"])
def test_a_credential_that_is_no_file_is_refused(
    ask: "Run", tmp_path: Path, name: str
) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    outcome = ask("signal", "list", "--credential", str(tmp_path / name))

    assert outcome.status == 2
    assert f"credential file {tmp_path / name}" in outcome.err


def test_a_node_is_found_where_one_stands(
    run: "Run", node: "FakeNode", monkeypatch: pytest.MonkeyPatch
) -> None:
    node.knows()
    monkeypatch.chdir(node.directory)

    assert run("lookup", "email:a@b.de").status == 0
