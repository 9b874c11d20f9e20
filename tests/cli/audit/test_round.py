# SPDX-License-Identifier: Apache-2.0
"""Review rounds from the command line, and the record that is kept of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ROUND = "0a" * 16
PATH = f"/v1/rounds/{ROUND}"
ANSWER: dict[str, Any] = {
    "round": ROUND,
    "state": "open",
    "since": 0,
    "size": 9,
    "root": "5e" * 32,
    "opened_at": 1_795_512_600,
    "opened_by": "dora",
    "reads": 1,
    "refusals": 1,
    "own": 2,
    "marked": 1,
}
SIGNED = ANSWER | {
    "state": "signed",
    "signed_at": 1_795_599_000,
    "signed_by": "audra",
    "left": 1,
}
READ: dict[str, Any] = {
    "index": 4,
    "event": "case.read",
    "at": "2026-11-24T09:30:00+00:00",
    "outcome": "ok",
    "kind": "read",
    "verdict": "plausible",
    "own": False,
}
OWN = READ | {"index": 6, "event": "refused", "kind": "refusal", "own": True}
MARK: dict[str, Any] = {
    "mark": 3,
    "at": 1_795_512_700,
    "by": "dora",
    "verdict": "plausible",
    "entries": [4],
    "note": "as ticket 7 says",
}


def page(*entries: dict[str, Any], more: bool = False) -> dict[str, Any]:
    return {"entries": list(entries), "next": 5, "more": more}


@pytest.fixture
def kept(node: "FakeNode") -> "FakeNode":
    """A node with one round, whose entries come on two pages."""
    node.always(f"GET {PATH}", SIGNED)
    node.always(f"GET {PATH}/entries?since=0&limit=200", page(READ, more=True))
    node.always(f"GET {PATH}/entries?since=5&limit=200", page(OWN))
    node.always(f"GET {PATH}/marks", {"marks": [MARK]})
    return node


def test_a_round_is_opened_and_signed(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/rounds", ANSWER, 201)
    node.always(f"POST {PATH}/sign", SIGNED)
    opened = ask("round", "open", "--sample", "7")

    assert opened.status == 0
    assert "entries 0 to 8" in opened.out
    assert "by dora" in opened.out
    assert "alarms" not in opened.out
    assert "by audra" in ask("round", "sign", ROUND).out
    assert "unterschrieben" in ask("round", "sign", ROUND, "--lang", "de").out
    assert node.asked[0] == ("POST /v1/rounds", {"sample": 7})


def test_the_rounds_are_listed_with_how_far_the_log_is_reviewed(
    ask: "Run", node: "FakeNode"
) -> None:
    listed = {"rounds": [SIGNED], "reviewed_to": 9, "due_at": 1_798_191_000}
    node.always("GET /v1/rounds", listed)
    outcome = ask("round", "list")

    assert ROUND in outcome.out
    assert "below entry 9" in outcome.out
    assert "due at 2026-12-25" in outcome.out
    assert ask("round", "list", "--json").document["reviewed_to"] == 9
    node.always("GET /v1/rounds", {"rounds": [], "reviewed_to": 0})
    assert "fedsafe round open" in ask("round", "list").out


def test_entries_are_listed_a_page_at_a_time(ask: "Run", node: "FakeNode") -> None:
    target = f"GET {PATH}/entries?since=0&limit=50"
    node.always(target, page(READ, OWN, more=True))
    outcome = ask("round", "entries", ROUND)

    assert "case.read" in outcome.out
    assert "plausible" in outcome.out
    assert "own act" in outcome.out
    assert "--since 5" in outcome.err
    assert ask("round", "entries", ROUND, "--json").document["next"] == 5
    node.always(target, page())
    assert "nichts" in ask("round", "entries", ROUND, "--lang", "de").out


def test_one_entry_is_shown_whole(ask: "Run", node: "FakeNode") -> None:
    event = {name: READ[name] for name in ("index", "event", "at", "outcome")}
    event |= {"purpose": "audit_review", "actor": "staff-2026q4-x"}
    event |= {"subject_ref": "account-17", "detail": {"case": "9"}}
    answer = {"entry": event, "kind": "read", "own": False, "notes": ["ticket 7"]}
    node.always(f"GET {PATH}/entries/4", answer)
    shown = ask("round", "entry", ROUND, "4")

    for each in ("case.read: ", "staff-2026q4-x", "account-17", "case=9", "ticket 7"):
        assert each in shown.out
    assert ask("round", "entry", ROUND, "4", "--json").document["kind"] == "read"


def test_entries_are_marked_with_a_reason_from_standard_input(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST {PATH}/mark", ANSWER)
    marked = ("round", "mark", ROUND, "4", "7", "--verdict", "incident")
    outcome = ask(*marked, "--breach", "0b" * 16, stdin=b"he looked twice\n")

    assert outcome.status == 0
    assert node.asked_of(f"POST {PATH}/mark") == [
        {
            "entries": [4, 7],
            "verdict": "incident",
            "note": "he looked twice",
            "breach": "0b" * 16,
        }
    ]
    assert ask(*marked, stdin=b" \n").status == 2


def test_the_record_has_all_entries_and_findings_and_room_to_sign(
    ask: "Run", kept: "FakeNode", tmp_path: Path
) -> None:
    text = ask("round", "print", ROUND)

    assert text.status == 0
    for each in (ROUND, "5e" * 32, "entry 4", "entry 6", "as ticket 7 says", "own act"):
        assert each in text.out
    assert "Signature: ____" in text.out
    file = tmp_path / "round.html"
    written = ask("round", "print", ROUND, "--html", str(file), "--lang", "de")
    assert written.status == 0
    page = file.read_text("utf-8")
    assert '<html lang="de">' in page
    assert "as ticket 7 says" in page
    assert "Unterschrift" in page
    again = ask("round", "print", ROUND, "--html", str(file))
    assert again.status == 5
    record = ask("round", "print", ROUND, "--json").document
    assert [each["index"] for each in record["entries"]] == [4, 6]
    assert kept.asked_of(f"GET {PATH}/marks") == [None] * 3


@pytest.mark.parametrize(
    "arguments",
    [
        ("open", "--sample", "0"),
        ("show", "../status"),
        ("mark", ROUND, "--verdict", "plausible"),
        ("mark", ROUND, "4", "--verdict", "good"),
        ("entry", ROUND, "-1"),
        ("sign", "0A" * 16),
    ],
)
def test_what_does_not_fit_goes_nowhere(
    ask: "Run", node: "FakeNode", arguments: tuple[str, ...]
) -> None:
    assert ask("round", *arguments, stdin=b"why").status == 2
    assert node.asked == []


def test_questions_are_listed_and_answered(ask: "Run", node: "FakeNode") -> None:
    entry = {name: READ[name] for name in ("index", "event", "at")}
    asked = {"question": 7, "at": 1_795_512_700, "entries": [entry], "asks": "why?"}
    node.always("GET /v1/questions", {"questions": [asked]})
    node.always("POST /v1/questions/7/answer", asked)
    shown = ask("round", "questions")

    assert "4 (case.read)" in shown.out
    assert "why?" in shown.out
    assert ask("round", "questions", "--json").document["questions"]
    answered = ask("round", "answer", "7", stdin=b"for ticket 7\n")
    assert answered.status == 0
    told = node.asked_of("POST /v1/questions/7/answer")
    assert told == [{"answer": "for ticket 7"}]
    node.always("GET /v1/questions", {"questions": []})
    assert "nobody" in ask("round", "questions").out
