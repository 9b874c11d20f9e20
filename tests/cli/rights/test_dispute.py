# SPDX-License-Identifier: Apache-2.0
import json
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.rights.dispute import CONTENTIONS, CONTROLS
from fedsafe_cli.terminal.moments import with_moments
from fedsafe_policies.vocabulary import Contention, Control

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

DISPUTE = "6d" * 32
SIGNAL = "01936e0c-0000-7000-8000-000000000000"
OPEN: dict[str, Any] = {
    "dispute": DISPUTE,
    "signal": SIGNAL,
    "origin": "a.demo",
    "author": "b.demo",
    "contention": "wrong_person",
    "control": "officer",
    "weight": "suspends",
    "state": "open",
    "ours": True,
    "received_at": "2026-11-24T12:00:00+00:00",
    "due_at": "2026-12-09T00:00:00+00:00",
    "opened_by": "lea",
    "ruled_by": None,
    "ruled_at": None,
    "reason": None,
}
RULED = OPEN | {"state": "restored", "ruled_by": "ruth", "reason": "ruling-7"}


def test_the_words_are_those_of_the_protocol() -> None:
    assert set(CONTENTIONS) == {word.value for word in Contention}
    # A code by phone is sent and taken by the form alone.
    assert {*CONTROLS, Control.PHONE_CODE} == set(Control)


def test_a_signal_is_disputed(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/disputes", OPEN)
    shown = ask("dispute", "open", SIGNAL, "--facts", "wrong_person")
    german = ask("dispute", "open", SIGNAL, "--facts", "minor", "--lang", "de")
    named = ("--origin", "a.demo", "--control", "account_login", "--json")
    as_json = ask("dispute", "open", SIGNAL, "--facts", "wrong_person", *named)

    assert (shown.status, german.status) == (0, 0)
    for word in (DISPUTE, "wrong person", "rests", "2026-12-09"):
        assert word in shown.out
    assert "falsche Person" in german.out
    assert json.loads(as_json.out) == with_moments(OPEN)
    assert [body for _, body in node.asked] == [
        {"signal": SIGNAL, "contention": "wrong_person", "control": "officer"},
        {"signal": SIGNAL, "contention": "minor", "control": "officer"},
        {
            "signal": SIGNAL,
            "contention": "wrong_person",
            "control": "account_login",
            "origin": "a.demo",
        },
    ]
    assert all(node.keys)


def test_disputes_are_listed(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/disputes?state=open", {"disputes": [OPEN]})
    node.always("GET /v1/disputes?state=ruled", {"disputes": []})

    assert "b.demo" in ask("dispute", "list").out
    listed = json.loads(ask("dispute", "list", "--json").out)
    assert listed == with_moments({"disputes": [OPEN]})
    assert ask("dispute", "list", "--ruled").out == "There are none.\n"
    assert ask("dispute", "list", "--ruled", "--lang", "de").out == "Es gibt keine.\n"


def test_a_dispute_is_ruled_on(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/disputes/{DISPUTE}/ruling", RULED)
    node.always(f"GET /v1/disputes/{DISPUTE}", RULED)
    reason = ("--reason", "ruling-7")
    stands = ask("dispute", "rule", DISPUTE, "--restore", *reason)
    falls = ask("dispute", "rule", DISPUTE, "--revoke", *reason)

    assert (stands.status, falls.status) == (0, 0)
    assert "stands" in stands.out
    assert "ruling-7" in ask("dispute", "show", DISPUTE).out
    assert [body for _, body in node.asked][:2] == [
        {"stands": True, "reason": "ruling-7"},
        {"stands": False, "reason": "ruling-7"},
    ]


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("open", SIGNAL), 2),
        (("open", SIGNAL, "--facts", "he is innocent"), 2),
        (("rule", DISPUTE, "--reason", "r"), 5),
        (("rule", "../status", "--restore", "--reason", "r"), 5),
        (("rule", DISPUTE, "--restore"), 2),
        (("show", DISPUTE.upper()), 5),
    ],
)
def test_what_does_not_fit_is_never_sent(
    ask: "Run", node: "FakeNode", arguments: tuple[str, ...], status: int
) -> None:
    assert ask("dispute", *arguments).status == status
    assert node.asked == []
