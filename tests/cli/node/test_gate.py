# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fedsafe_cli.node.gate import MAX_BYTES
from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import RefusedError

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

CLOSED = {
    "open": False,
    "rule": "P1",
    "policy": "strict@1",
    "missing": ["dpia", "arrangement"],
    "valid_until": None,
}


def test_a_closed_gate_names_what_it_lacks(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/gate", CLOSED)
    shown = ask("gate", "show")
    as_json = ask("gate", "show", "--json")

    assert shown.status == 0
    assert re.search(r"open +no\b", shown.out)
    assert "dpia, arrangement" in shown.out
    assert as_json.document == CLOSED


def test_an_answer_without_a_list_is_shown_all_the_same(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/gate", {"open": True, "missing": None})
    shown = ask("gate", "show")

    assert (shown.status, shown.out.split()) == (0, ["open", "yes"])


def test_a_record_travels_with_its_days_as_text(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(
        'dpia = "x"\nvalid_until = 2027-11-03\n'
        'dpo_approval = { person = "C. Weber", on = 2026-11-02 }\n'
    )
    node.always("GET /v1/gate", CLOSED)
    node.always("POST /v1/gate", CLOSED | {"open": True})
    outcome = ask("gate", "record", str(file))

    assert outcome.status == 0
    assert node.asked[1:] == [
        (
            "POST /v1/gate",
            {
                "dpia": "x",
                "valid_until": "2027-11-03",
                "dpo_approval": {"person": "C. Weber", "on": "2026-11-02"},
            },
        )
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"not toml", "not TOML"),
        (b'dpia = "\xff"', "not TOML"),
        (b'dpia = "x"\nvalid_until = \n', "not TOML: line 2"),
        (b'dpia = "x"\n\ndpio = 1\n', "line 3: no such field, dpia perhaps"),
        (b"anna@example.de = 1", "not TOML"),
        (b'"anna@example.de" = 1', "line 1: no such field; see"),
        (b'dpia = "x"\nconsultation = "no"', 'line 2: consultation wants "done" or'),
        (b"dpia = 3", "line 1: dpia wants a text"),
        (b'[dpo_approval]\nperson = "C."\non = "soon"', "line 1: dpo_approval wants"),
        (b"a = " + b"[" * 20_000, "not TOML"),
        (b"#" * (MAX_BYTES + 1), f"longer than {MAX_BYTES} bytes"),
    ],
)
def test_a_file_that_holds_no_record_stays_here(
    ask: "Run", node: "FakeNode", tmp_path: Path, content: bytes | None, why: str
) -> None:
    file = tmp_path / "gate\n.toml"
    if content is not None:
        file.write_bytes(content)
    outcome = ask("gate", "record", str(file))

    assert outcome.status == 5
    assert why in outcome.err
    assert "gate\\n.toml" in outcome.err
    assert "anna@" not in outcome.err
    assert node.asked == []


OPEN = CLOSED | {"open": True, "missing": [], "valid_until": "2027-11-03"}


@pytest.mark.parametrize(
    ("stdin", "status", "acts"), [(b"y\n", 0, 1), (b"n\n", 5, 0), (b"", 5, 0)]
)
def test_an_incomplete_record_closes_no_open_gate_unasked(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    tmp_path: Path,
    *,
    stdin: bytes,
    status: int,
    acts: int,
) -> None:
    file = tmp_path / "gate.toml"
    file.write_text('dpia = "x"\n')
    node.always("GET /v1/gate", OPEN)
    node.always("POST /v1/gate", CLOSED)
    outcome = ask("gate", "record", str(file), stdin=stdin)

    assert outcome.status == status
    assert "replaces one that holds until 2027-11-03" in outcome.err
    assert [target for target, _ in node.asked].count("POST /v1/gate") == acts
    assert ask("gate", "record", "--yes", str(file)).status == 0


def test_a_record_that_waits_names_the_next_step(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    file.touch()
    node.always("GET /v1/gate", CLOSED)
    node.always("POST /v1/gate", CLOSED | {"act": "0a" * 16})
    outcome = ask("gate", "record", str(file))

    assert outcome.status == 13
    assert f"fedsafe act approve {'0a' * 16}" in outcome.err
    assert "missing" not in outcome.out


def test_without_a_second_person_the_way_out_is_named(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    file.touch()
    refusal = {"code": "no_second_person", "detail": "nobody else", "pointer": ""}
    node.always("GET /v1/gate", CLOSED)
    node.always("POST /v1/gate", refusal, 409)
    outcome = ask("gate", "record", str(file))

    assert outcome.status == 5
    assert "fedsafe account add NAME" in outcome.err


def test_two_approvals_by_one_person_are_named(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    approval = '{ person = "C. Weber", on = 2026-11-02 }'
    file.write_text(f"dpo_approval = {approval}\nmanagement_approval = {approval}\n")
    node.always("GET /v1/gate", CLOSED)
    node.always("POST /v1/gate", CLOSED)
    outcome = ask("gate", "record", str(file))

    assert "must be another person than dpo_approval" in outcome.err


@pytest.mark.parametrize(
    ("words", "told"),
    [((), "must end in what the"), (("--lang", "de"), "muss auf das enden")],
)
def test_another_arrangement_than_the_charters_is_named(
    ask: "Run", node: "FakeNode", tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    file = tmp_path / "gate.toml"
    file.write_text('arrangement = "jca-3"\n')
    answer = CLOSED | {"arrangement": "0a1b2c3d"}
    node.always("GET /v1/gate", answer)
    node.always("POST /v1/gate", answer)
    outcome = ask("gate", "record", str(file), *words)
    node.always("POST /v1/gate", answer | {"missing": ["dpia"]})
    other = ask("gate", "record", str(file), *words)

    assert told in outcome.err
    assert "jca-3:0a1b2c3d" in outcome.err
    assert "0a1b2c3d" in outcome.out
    assert other.err == ""


def test_a_record_without_a_credential_is_denied(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    file.touch()
    problem = {"code": "unauthenticated", "detail": "A valid credential is needed"}
    node.always("GET /v1/gate", problem, 401)
    node.always("POST /v1/gate", problem, 401)
    outcome = ask("gate", "record", str(file))

    assert outcome.status == 3
    assert "A valid credential is needed (unauthenticated)" in outcome.err


def test_a_credential_that_is_missing_is_wrong_usage(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "gate.toml"
    file.touch()
    outcome = ask("gate", "record", "--credential", str(tmp_path / "no.key"), str(file))

    assert outcome.status == 2
    assert "no.key: No such file" in outcome.err
    assert node.asked == []


def test_who_names_no_credential_is_told_how(ask: "Run", node: "FakeNode") -> None:
    refusal = {"code": "forbidden", "detail": "this takes a person", "pointer": ""}
    node.always("GET /v1/gate", refusal, 403)
    outcome = ask("gate", "show")

    assert outcome.status == 3
    assert "hint: name your credential's file with --credential FILE" in outcome.err


def test_a_refusal_names_its_way_out(ask: "Run", node: "FakeNode") -> None:
    refusal = {"code": "no_federation", "detail": "no federation", "pointer": ""}
    node.always("GET /v1/gate", refusal, 409)
    outcome = ask("gate", "show")

    assert outcome.status == 5
    assert "hint: record an own ban with --scope self" in outcome.err


@pytest.mark.parametrize(
    ("target", "code"),
    [("/v1/session", "unauthenticated"), ("/v1/account/setup", "forbidden")],
)
def test_who_is_logging_in_is_not_told_to_log_in(
    node: "FakeNode", target: str, code: str
) -> None:
    node.always(f"POST {target}", {"code": code, "detail": "no"}, 403)
    client = Client(str(node.directory / "node.sock"), None, str(node.directory))
    with pytest.raises(RefusedError) as caught:
        client.post(target, {})

    assert "fedsafe login" not in str(caught.value.hint or "")
