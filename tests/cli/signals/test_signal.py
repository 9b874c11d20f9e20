# SPDX-License-Identifier: Apache-2.0
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.signals.bulk_import import PIECE

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ID = "01a20e5e-7e0b-7dca-b773-0d06d4879060"
STATE = {
    "signal": ID,
    "state": "draft",
    "scope": "federation",
    "plane": "actor",
    "origin": "a.demo",
    "author": "anna",
}
WHAT = {"kind": "email", "phenomenon": "grooming", "rule": "tos-4.2"}
LISTED = STATE | WHAT | {"listed_at": 1_795_521_600, "disputed": False}
DRAFTS = "GET /v1/signals?state=draft&limit=1000"
LIST = "GET /v1/signals?limit=100"
FINDING = (
    "--phenomenon=grooming",
    "--surface=public_content",
    "--grade=confirmed_conduct",
    "--rule=tos-4.2",
    "--removed-on=2026-11-20",
)
ADD = ("signal", "add", "--kind", "email", *FINDING)
IMPORTS = "POST /v1/signals/import"
IMPORT = ("signal", "import", "--json", "--kind", "email", *FINDING)


def take_in(node: "FakeNode", *bad: str) -> None:
    """Answer imports: bad values are problems, a value `crash` refuses all."""

    def answering(body: dict[str, Any]) -> tuple[int, Any]:
        values = [signal["about"]["value"] for signal in body["signals"]]
        if "crash" in values:
            place = f"/signals/{values.index('crash')}/removed_on"
            problem = {"code": "invalid_body", "detail": "no day", "pointer": place}
            return 422, problem
        signals = [None if value in bad else ID for value in values]
        problems = [
            {
                "position": position,
                "code": "identifier_malformed",
                "detail": "form",
                "pointer": f"/signals/{position}/about/value",
            }
            for position, value in enumerate(values)
            if value in bad
        ]
        return 200, {"signals": signals, "problems": problems, "state": "own"}

    node.on("POST /v1/signals/import", answering)


def test_a_value_from_standard_input_is_recorded(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/signals", STATE, 201)
    outcome = ask(*ADD, "--scope", "federation", stdin=b"anna@example.de\n")

    assert outcome.status == 0
    assert ID in outcome.out
    assert node.asked[0][1] == {
        "about": {"kind": "email", "value": "anna@example.de"},
        "phenomenon": "grooming",
        "surface": "public_content",
        "grade": "confirmed_conduct",
        "rule": "tos-4.2",
        "removed_on": "2026-11-20",
        "scope": "federation",
    }


def test_a_day_in_another_form_is_wrong_usage(ask: "Run", node: "FakeNode") -> None:
    outcome = ask(*ADD, "--removed-on", "11/20/2026", stdin=b"anna@example.de\n")

    assert outcome.status == 2
    assert "want a day such as" in outcome.err
    assert node.asked == []


@pytest.mark.parametrize("stdin", [b"", b"a\nb\n", b"\xff\n", b"x" * 20_000])
def test_add_wants_one_good_line(ask: "Run", node: "FakeNode", stdin: bytes) -> None:
    outcome = ask(*ADD, stdin=stdin)

    assert outcome.status == 5
    assert node.asked == []


@pytest.mark.parametrize("http", [403, 409, 422, 429])
def test_a_policy_denies_with_status_3(ask: "Run", node: "FakeNode", http: int) -> None:
    problem = {
        "code": "help_instead",
        "detail": "P4",
        "rule": "P4",
        "policy": "strict@12345678",
        "about": "a list",
        "reason": {"de": "Hilfe", "en": "help, not a signal"},
    }
    node.always("POST /v1/signals", problem, http)
    outcome = ask(*ADD, "--minor", stdin=b"kid@example.de\n")

    assert outcome.status == 3
    assert "help, not a signal" in outcome.err
    assert "decides, on account of a list" in outcome.err
    assert node.asked[0][1]["minor"] is True


def test_an_own_ban_by_the_socket_alone_is_said_to_name_nobody(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    file = tmp_path / "anna.key"
    file.write_text("fs1_" + "A" * 43 + "\n")
    file.chmod(0o600)
    node.always("POST /v1/signals", STATE, 201)
    unnamed = ask(*ADD, stdin=b"anna@example.de\n")
    german = ask(*ADD, "--lang", "de", stdin=b"anna@example.de\n")
    named = ask(*ADD, "--credential", str(file), stdin=b"anna@example.de\n")

    assert "it names nobody who recorded it" in unnamed.err
    assert "es nennt niemanden" in german.err
    assert (named.status, named.err) == (0, "")


def test_a_node_with_accounts_wants_a_person_for_an_own_ban(
    ask: "Run", node: "FakeNode"
) -> None:
    reason = {"de": "Ein Mensch trägt sie ein.", "en": "A person records it."}
    problem = {"code": "named_person", "rule": "P6", "policy": "strict@12345678"}
    node.always("POST /v1/signals", problem | {"detail": "P6", "reason": reason}, 403)
    outcome = ask(*ADD, stdin=b"anna@example.de\n")

    assert outcome.status == 3
    assert "A person records it." in outcome.err
    assert "--credential" in outcome.err
    assert "names nobody" not in outcome.err


def test_the_credential_travels_from_its_file(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    token = "fs1_" + "A" * 43
    file = tmp_path / "anna.key"
    file.write_text(token + "\n")
    file.chmod(0o600)
    node.always(LIST, {"signals": []})
    outcome = ask("signal", "list", "--credential", str(file))

    assert outcome.status == 0
    assert node.tokens == [f"Bearer {token}"]


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("fs1_" + "A" * 43, 0o640, "open to others"),
        ("hunter2", 0o600, "holds no credential"),
        ("", 0o600, "holds no credential"),
    ],
)
def test_a_credential_that_is_loose_or_none_is_refused(  # noqa: PLR0913 (fixtures)
    ask: "Run", node: "FakeNode", tmp_path: Path, text: str, mode: int, why: str
) -> None:
    file = tmp_path / "anna.key"
    file.write_text(text)
    file.chmod(mode)
    outcome = ask("signal", "list", "--credential", str(file))

    assert outcome.status == 2
    assert why in outcome.err
    assert text not in outcome.err or not text
    assert node.asked == []


def test_an_import_names_bad_lines_and_keeps_the_others(
    ask: "Run", node: "FakeNode", tmp_path: Path
) -> None:
    take_in(node, "bad")
    rejects = tmp_path / "rejects.ndjson"
    text = b"a@b.de\nbad\n\xff\nc@d.de\n"
    outcome = ask(*IMPORT, "--rejects", str(rejects), stdin=text)

    assert outcome.status == 5
    assert outcome.document["signals"] == [ID, None, None, ID]
    lines = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert lines == outcome.document["problems"]
    assert lines == [
        {
            "line": 2,
            "code": "identifier_malformed",
            "field": "value",
            "detail": "form",
        },
        {"line": 3, "code": "encoding", "detail": "the line is not UTF-8"},
    ]


def test_a_record_that_sinks_its_batch_is_found(ask: "Run", node: "FakeNode") -> None:
    take_in(node)
    outcome = ask(*IMPORT, stdin=b"a\nb\ncrash\nd\n")

    assert outcome.status == 5
    assert outcome.document["signals"] == [ID, ID, None, ID]
    assert outcome.document["problems"] == [
        {"line": 3, "code": "invalid_body", "field": "removed_on", "detail": "no day"}
    ]


def test_people_read_line_field_and_reason(ask: "Run", node: "FakeNode") -> None:
    take_in(node, "bad")
    records = [
        {"kind": "email", "value": "bad"},
        {"kind": "email", "value": "crash"},
        {"kind": "shoe", "value": "45"},
        {"kind": "phone", "value": "0151", "region": "germany"},
    ]
    text = "\n".join(map(json.dumps, records)).encode()
    outcome = ask("signal", "import", *FINDING, "--ndjson", stdin=text)

    assert outcome.status == 5
    lines = outcome.err.replace("fedsafe: error: ", "").splitlines()
    assert lines[0] == "line 1: value: form (identifier_malformed)"
    assert lines[1] == "line 2: removed_on: no day (invalid_body)"
    assert lines[2].startswith("line 3: kind: the kind is none of email, ")
    assert lines[3] == "line 4: region: a region is two capital letters (region)"


def test_what_was_recorded_before_a_failure_is_told(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    answering = node.answers["POST /v1/signals/import"]

    def once(body: dict[str, Any]) -> tuple[int, Any]:
        node.always("POST /v1/signals/import", {"code": "role", "detail": "no"}, 403)
        return answering(body)

    node.on("POST /v1/signals/import", once)
    outcome = ask(*IMPORT, stdin=b"a@b.de\n" * (PIECE + 1))

    assert outcome.status == 3
    assert outcome.document["signals"] == [ID] * PIECE
    assert outcome.document["exit_status"] == 3
    assert outcome.document["problem"]["code"] == "role"


def test_a_dry_run_says_so_to_the_node(ask: "Run", node: "FakeNode") -> None:
    take_in(node)
    outcome = ask(*IMPORT, "--dry-run", stdin=b"a@b.de\n")

    assert outcome.status == 0
    assert node.asked[0][1]["dry_run"] is True


def test_records_fill_in_for_options_and_the_other_way_round(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    record = {"value": "9.9.9.9", "kind": "ip", "rule": "tos-1"}
    text = json.dumps(record).encode()
    outcome = ask("signal", "import", *FINDING, "--ndjson", "-", stdin=text)

    assert outcome.status == 0
    (signal,) = node.asked_of(IMPORTS)[0]["signals"]
    assert signal["rule"] == "tos-1"
    assert signal["about"] == {"kind": "ip", "value": "9.9.9.9"}
    assert signal["grade"] == "confirmed_conduct"


def test_approve_takes_ids_from_standard_input(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/signals/approve", {"approved": [ID], "problems": []})
    outcome = ask("signal", "approve", "-", stdin=f"{ID}\n\n".encode())

    assert (outcome.status, outcome.out) == (0, "1 approved, 0 refused\n")
    assert node.asked[0][1] == {"signals": [ID]}


def test_nothing_that_waits_is_nothing_to_do(ask: "Run", node: "FakeNode") -> None:
    node.always(DRAFTS, {"signals": []})
    node.always("GET /v1/signals?state=draft&limit=100", {"signals": []})
    listed = ask("signal", "list", "--state", "draft", "--ids").out
    piped = ask("signal", "approve", "-", stdin=listed.encode())
    every = ask("signal", "approve", "--all")

    for outcome in (piped, every):
        assert (outcome.status, outcome.out) == (0, "0 approved, 0 refused\n")
        assert outcome.err == "fedsafe: nothing waits for approval\n"
    german = ask("signal", "approve", "--all", "--lang", "de")
    assert german.err == "fedsafe: nichts wartet auf Zustimmung\n"
    assert [target for target, _ in node.asked if target.startswith("POST")] == []


def test_an_id_that_is_none_is_named_by_its_place(ask: "Run", node: "FakeNode") -> None:
    piped = ask("signal", "approve", "-", stdin=f"{ID}\n\nnonsense\n".encode())
    typed = ask("signal", "approve", ID, "nonsense")

    assert (piped.status, typed.status) == (5, 5)
    assert piped.err.startswith("fedsafe: error: line 3: that is no signal's id\n")
    assert typed.err.startswith("fedsafe: error: signal 2: that is no signal's id\n")
    assert node.asked == []


STATED = STATE | {"findings": ["targeted", "repeated"], "legal_review": "review-4"}


def test_findings_and_a_legal_review_go_with_a_signal(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/signals", STATED, 201)
    stated = ("--finding=targeted", "--finding=repeated", "--legal-review=review-4")
    outcome = ask(*ADD, *stated, "--scope", "federation", stdin=b"anna@example.de\n")

    assert outcome.status == 0
    body = node.asked[0][1]
    assert body["findings"] == ["targeted", "repeated"]
    assert body["legal_review"] == "review-4"
    assert ask(*ADD, "--finding=hearsay", stdin=b"anna@example.de\n").status == 2


def test_a_signal_says_where_its_finding_comes_from(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    node.always("POST /v1/signals", STATED, 201)
    ask(*ADD, stdin=b"anna@example.de\n")
    told = ask(*ADD, "--provenance=relayed", stdin=b"anna@example.de\n")
    record = {"value": "a@b.de", "provenance": "own_finding"}
    text = json.dumps(record).encode()
    ask(*IMPORT, "--ndjson", "--provenance=relayed", stdin=text)

    added = [body for target, body in node.asked if target == "POST /v1/signals"]
    first, second, *_ = added
    (third,) = node.asked_of(IMPORTS)
    assert "provenance" not in first
    assert second["provenance"] == "relayed"
    assert third["signals"][0]["provenance"] == "own_finding"
    assert told.status == 0


def test_records_of_an_import_have_findings_of_their_own(
    ask: "Run", node: "FakeNode"
) -> None:
    take_in(node)
    records = [{"value": "a@b.de", "findings": ["targeted"]}, {"value": "c@d.de"}]
    text = "\n".join(map(json.dumps, records)).encode()
    options = ("--ndjson", "--finding=repeated", "--legal-review=review-4")
    outcome = ask(*IMPORT, *options, stdin=text)

    assert outcome.status == 0
    first, second = node.asked_of(IMPORTS)[0]["signals"]
    assert (first["findings"], first["legal_review"]) == (["targeted"], "review-4")
    assert second["findings"] == ["repeated"]


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("targeted, repeated", "established")), ("de", ("gezielt, wiederholt",))],
)
def test_the_second_person_reads_what_a_draft_rests_on(
    ask: "Run", node: "FakeNode", language: str, words: tuple[str, ...]
) -> None:
    node.always(f"GET /v1/signals/{ID}", STATED)
    stated = LISTED | STATED
    node.always(LIST, {"signals": [LISTED, stated]})
    outcomes = [
        ask("signal", "show", ID, "--lang", language),
        ask("signal", "list", "--lang", language),
    ]

    for outcome in outcomes:
        assert all(word in outcome.out for word in (*words, "review-4"))


@pytest.mark.parametrize(
    ("code", "way_out"),
    [
        ("finding_missing", "missing findings: targeted; state with --finding"),
        ("legal_review", "--legal-review REF"),
        ("lists_changed", "--reason superseded"),
    ],
)
def test_a_refusal_for_what_is_missing_names_the_way_out(
    ask: "Run", node: "FakeNode", code: str, way_out: str
) -> None:
    problem = {
        "code": code,
        "detail": "no",
        "rule": "P7",
        "policy": "germany@12345678",
        "about": "targeted",
        "reason": {"de": "fehlt", "en": "it is missing"},
    }
    node.always("POST /v1/signals", problem, 403)
    outcome = ask(*ADD, stdin=b"anna@example.de\n")

    assert outcome.status == 3
    assert way_out in " ".join(outcome.err.split())


def test_a_draft_that_its_author_approves_is_denied(
    ask: "Run", node: "FakeNode"
) -> None:
    problem = {"position": 0, "code": "four_eyes", "detail": "two people"}
    node.always("POST /v1/signals/approve", {"approved": [], "problems": [problem]})
    outcome = ask("signal", "approve", ID)

    assert outcome.status == 3
    assert f"{ID}: two people (four_eyes)" in outcome.err


def test_all_drafts_that_wait_can_be_approved(ask: "Run", node: "FakeNode") -> None:
    node.always(DRAFTS, {"signals": [LISTED]})
    node.always("POST /v1/signals/approve", {"approved": [ID], "problems": []})

    assert ask("signal", "approve", "--all").status == 0
    assert ask("signal", "approve", "--all", ID).status == 2


def test_in_german_no_code_of_a_signal_is_left(ask: "Run", node: "FakeNode") -> None:
    node.always(f"GET /v1/signals/{ID}", STATE)
    node.always(LIST, {"signals": [LISTED]})
    shown = ask("signal", "show", ID, "--lang", "de")
    listed = ask("signal", "list", "--lang", "de")

    assert "Entwurf" in shown.out
    assert "draft" not in shown.out
    for outcome in (shown, listed):
        assert not {"federation", "actor", "media"} & set(outcome.out.split())


@pytest.mark.parametrize("signal_id", ["../status", "a b", "é", "x?y", "", "nonsense"])
def test_an_id_that_is_none_goes_nowhere(
    ask: "Run", node: "FakeNode", signal_id: str
) -> None:
    outcome = ask("signal", "show", signal_id)

    assert outcome.status == 5
    assert ID in outcome.err
    assert node.asked == []


PURPOSE = "purpose=rights_of_the_person"


@pytest.mark.parametrize(
    ("command", "target"),
    [
        (("signal", "show", STATE["signal"]), f"/v1/signals/{STATE['signal']}?"),
        (("signal", "list"), "/v1/signals?limit=100&"),
        (("audit", "show", "7"), "/v1/audit/entries/7?"),
    ],
)
def test_what_is_read_is_read_for_a_purpose(
    ask: "Run", node: "FakeNode", command: tuple[str, ...], target: str
) -> None:
    answer = {**STATE, "signals": [], "openings": {}}
    node.always(f"GET {target}{PURPOSE}", answer)

    assert ask(*command, "--purpose", "rights_of_the_person").status == 0
    assert ask(*command, "--purpose", "curiosity").status == 2


@pytest.mark.parametrize(
    ("state", "told"),
    [("published", True), ("disputed", True), ("revoked", False), ("expired", False)],
)
def test_a_signal_that_has_ended_matches_until_no_day(
    ask: "Run",
    node: "FakeNode",
    state: str,
    told: bool,  # noqa: FBT001
) -> None:
    answer = STATE | {"state": state, "match_until": "2027-11-18"}
    node.always(f"GET /v1/signals/{ID}", answer)
    outcome = ask("signal", "show", ID)

    assert ("matches until" in outcome.out) is told


def test_a_group_is_said_as_the_node_wants_it(ask: "Run", node: "FakeNode") -> None:
    shown = STATE | {"group": "north", "nodes": ["b.demo"]}
    node.always("POST /v1/signals", shown, 201)
    outcome = ask(*ADD, "--scope", "group:north", stdin=b"anna@example.de\n")
    ((_, body),) = node.asked

    assert (body["scope"], body["group"]) == ("federation", "north")
    assert "north" in outcome.out
    assert "b.demo" in outcome.out


@pytest.mark.parametrize("scope", ["group:", "group:Nord", "groups:x", "everybody"])
def test_what_is_no_scope_is_wrong_usage(
    ask: "Run", node: "FakeNode", scope: str
) -> None:
    outcome = ask(*ADD, "--scope", scope, stdin=b"anna@example.de\n")

    assert outcome.status == 2
    assert "group:NAME" in outcome.err
    assert node.asked == []


def test_records_of_an_import_may_be_for_a_group(ask: "Run", node: "FakeNode") -> None:
    take_in(node)
    records = [
        {"kind": "email", "value": "a@example.de"},
        {"kind": "email", "value": "b@example.de", "scope": "group:south"},
        {"kind": "email", "value": "c@example.de", "scope": "self"},
    ]
    lines = "".join(json.dumps(record) + "\n" for record in records).encode()
    ask(*IMPORT, "--ndjson", "--scope", "group:north", stdin=lines)
    (body,) = node.asked_of(IMPORTS)

    assert [(one["scope"], one.get("group")) for one in body["signals"]] == [
        ("federation", "north"),
        ("federation", "south"),
        ("self", None),
    ]
