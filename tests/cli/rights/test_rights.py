# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.rights.rights import ABOUT, CONTROLS, KINDS, LEFT, PARTS, VERIFIED
from fedsafe_cli.terminal.moments import with_moments
from fedsafe_node.acts.requests import Remains, Verified
from fedsafe_policies.vocabulary import Control, IdentifierKind

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

REQUEST = "0a" * 16
ADDRESS = "anna@example.de"
OPEN: dict[str, Any] = {
    "request": REQUEST,
    "kind": "erasure",
    "way": "officer",
    "control": "identity_document",
    "language": "en",
    "state": "open",
    "opened_at": "2026-11-24T12:00:00+00:00",
    "opened_by": "lea",
    "due_at": "2026-12-24T12:00:00+00:00",
    "extended_for": None,
    "outcome": None,
    "reason": None,
    "ended_at": None,
    "ended_by": None,
    "signals": [{"signal": "01936e0c-0000-7000-8000-000000000000"}],
    "disputes": ["6d" * 32],
    "unevaluated": ["epoch 1"],
    "answer": None,
    "collect": "A" * 22,
}
HOW = (
    *("--about", "email", "--control", "identity_document", "--answer-in", "en"),
    *("--reference", "minute-7", "--seen-on", "2026-11-20"),
)
CHECK: dict[str, Any] = {"seen_on": "2026-11-20", "reference": "minute-7", "by": "lea"}
WAITS = OPEN | {
    "signals": None,
    "disputes": None,
    "unevaluated": None,
    "checked": CHECK
    | {"act": "ab" * 16, "second": None, "until": "2026-11-27T12:00:00+00:00"},
}
FORGOTTEN = WAITS | {"checked": WAITS["checked"] | {"until": None}}


def test_the_words_are_those_of_the_node() -> None:
    assert set(ABOUT) == {kind.name.lower() for kind in IdentifierKind}
    by_others = {"officer", "account_login", "phone_code"}
    assert set(CONTROLS) == {word.value for word in Control} - by_others
    assert set(VERIFIED) == {word.value for word in Verified}
    assert len(KINDS) == 5


def test_the_identifier_comes_by_standard_input(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/rights", WAITS)
    shown = ask("rights", "open", "--kind", "erasure", *HOW, stdin=b"anna@example.de\n")
    german = ask(
        *("rights", "open", "--kind", "erasure", *HOW, "--lang", "de"),
        *("--subject-ref", "account-7", "--region", "DE", "--age", "minor"),
        stdin=b"anna@example.de",
    )

    assert (shown.status, german.status) == (13, 13)
    for word in (
        REQUEST,
        "erasure",
        "2026-12-24",
        "A" * 22,
        "act approve " + "ab" * 16,
    ):
        assert word in shown.out
    assert "epoch 1" not in shown.out
    assert "noch niemand" in german.out
    assert "Abholcode" in german.out
    assert ADDRESS not in shown.out + shown.err + german.out
    first, second = (body for _, body in node.asked)
    assert first == {
        "kind": "erasure",
        "about": {"kind": "email", "value": ADDRESS},
        "control": "identity_document",
        "language": "en",
        "checked": {"seen_on": "2026-11-20", "reference": "minute-7"},
    }
    assert second["subject_ref"] == "account-7"
    assert second["about"]["region"] == "DE"
    assert second["age"] == "minor"


def test_requests_are_listed(ask: "Run", node: "FakeNode") -> None:
    path = "GET /v1/rights?state=open"
    node.always(path, {"requests": [OPEN], "next": REQUEST})
    node.always(f"{path}&after={REQUEST}", {"requests": [OPEN], "next": None})
    node.always("GET /v1/rights?state=closed", {"requests": []})

    assert REQUEST in ask("rights", "list").out
    listed = json.loads(ask("rights", "list", "--json").out)
    assert listed == with_moments({"requests": [OPEN, OPEN]})
    assert ask("rights", "list", "--state", "closed").out == "There are none.\n"


def test_a_list_says_what_waits_for_another_officer_and_what_nobody_can_decide(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/rights?state=open", {"requests": [WAITS, FORGOTTEN, OPEN]})
    node.always(f"POST /v1/rights/{REQUEST}/check", WAITS)
    english = ask("rights", "list").out
    german = ask("rights", "list", "--lang", "de").out
    again = ask("rights", "check", REQUEST)

    assert "2026-11-27" in english
    assert f"fedsafe act approve {'ab' * 16}" in english
    assert f"lea asks again: fedsafe rights check {REQUEST}" in english
    assert "niemand kann es mehr" in german
    assert again.status == 13
    assert f"fedsafe act approve {'ab' * 16}" in again.out


def test_a_request_is_shown_answered_extended_and_closed(
    ask: "Run", node: "FakeNode"
) -> None:
    answered = OPEN | {"state": "answered", "answer": "Answer to", "collect": None}
    said = {"verified": "transfer", "verified_on": "2026-11-20", "logged_in_at": 1}
    decided = {"attested": said, "checked": CHECK | {"act": "ab", "second": "rita"}}
    node.always(f"GET /v1/rights/{REQUEST}", OPEN | decided)
    for what in ("answer", "extend", "close"):
        node.always(f"POST /v1/rights/{REQUEST}/{what}", answered)

    shown = ask("rights", "show", REQUEST).out
    for word in (REQUEST, "epoch 1", "transfer from or to", "decided: rita"):
        assert word in shown
    assert "Answer to" in ask("rights", "answer", REQUEST).out
    assert ask("rights", "extend", REQUEST, "--reason", "note-4").status == 0
    closing = ("--outcome", "refused", "--reason", "letter-12")
    assert ask("rights", "close", REQUEST, *closing).status == 2  # no ground
    ground = ("--ground", "not_ours")
    assert ask("rights", "close", REQUEST, *closing, *ground).status == 0
    assert [body for _, body in node.asked][1:] == [
        None,
        {"reason": "note-4"},
        {"outcome": "refused", "reason": "letter-12", "ground": "not_ours"},
    ]


def test_packs_are_shown_with_what_is_withheld_of_them(
    ask: "Run", node: "FakeNode"
) -> None:
    held = {"reason": "bdsg_33_1_2b", "note": "order-7", "by": "dora"} | {
        "second": "ruth",
        "until": "2026-12-10T00:00:00+00:00",
    }
    pack = {"entry": 12, "recipient": "court.example"} | {
        "at": "2026-11-24T12:00:00+00:00",
        "withheld": None,
    }
    police = pack | {"entry": 4711, "recipient": "police.example", "withheld": held}
    node.always(f"GET /v1/rights/{REQUEST}", OPEN | {"packs": [pack, police]})
    english = ask("rights", "show", REQUEST).out
    german = ask("rights", "show", REQUEST, "--lang", "de").out

    (line,) = [each for each in english.splitlines() if "police.example" in each]
    for word in ("4711", "2026-12-10", "order-7", "dora, ruth"):
        assert word in line
    assert "court.example" in english
    assert "Auszüge aus dem Protokoll über die Person:" in german
    assert "zurückgehalten bis" in german


def test_what_was_erased_is_shown_with_what_was_not_and_why(
    ask: "Run", node: "FakeNode"
) -> None:
    granted = (
        OPEN
        | {"state": "closed", "outcome": "granted", "signals": []}
        | {
            "disputes": [],
            "erased": [{"part": "own_bans", "count": 2}, {"part": "later", "count": 1}],
            "remains": [
                {"what": "recipient", "who": "b.demo", "until": None},
                {"what": "backups", "who": None, "until": "2027-01-04T12:00:00+00:00"},
                {"what": "later", "who": None, "until": None},
            ],
        }
    )
    node.always(f"GET /v1/rights/{REQUEST}", granted)
    english = ask("rights", "show", REQUEST).out
    german = ask("rights", "show", REQUEST, "--lang", "de").out

    lines = english.splitlines()
    (backups,) = [each for each in lines if each.startswith("backups")]
    assert "2027-01-04" in backups
    assert any("own bans" in each and "2" in each for each in lines)
    assert any("b.demo" in each and "receipt" in each for each in lines)
    assert "Gelöscht:" in german
    assert "eigene Sperren" in german
    assert "Nicht gelöscht:" in german


def test_each_part_and_remain_has_its_words() -> None:
    assert set(LEFT) == {each.value for each in Remains}
    assert set(PARTS) >= {"own_bans", "shared", "drafts", "openings", "reviews"}


def test_a_grant_waits_for_a_second_person(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/rights/{REQUEST}/grant", {"act": "0b" * 16})
    shown = ask("rights", "grant", REQUEST, "--reason", "decision-3")
    as_json = ask("rights", "grant", REQUEST, "--reason", "decision-3", "--json")

    assert (shown.status, as_json.status) == (13, 13)
    assert f"fedsafe act approve {'0b' * 16}" in shown.out
    assert json.loads(as_json.out) == {"act": "0b" * 16}
    assert node.asked[0][1] == {"reason": "decision-3"}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("open", "--kind", "erasure"), 2),
        (("open", "--kind", "access", *HOW), 5),
        (("open", ADDRESS, "--kind", "access", *HOW), 2),
        (("show", "../status"), 5),
        (("extend", REQUEST), 2),
        (("close", REQUEST, "--outcome", "lost", "--reason", "x"), 2),
    ],
)
def test_what_does_not_fit_is_never_sent(
    ask: "Run", node: "FakeNode", arguments: tuple[str, ...], status: int
) -> None:
    assert ask("rights", *arguments, stdin=b"").status == status
    assert node.asked == []
