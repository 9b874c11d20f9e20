# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import MATCH

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

FLOOD = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SHOWN: dict[str, Any] = {
    "flood": FLOOD,
    "signal": MATCH["signal"],
    "origin": "b.demo",
    "state": "waiting",
    "bound": 10,
    "references": 490,
    "beyond": 0,
    "opened_at": 1_795_521_600,
    "ends_at": 1_795_780_800,
    "match": MATCH | {"reason": "flood"},
    "ruled_by": None,
    "second": None,
    "ruled_at": None,
    "reason": None,
}
WHOLE = SHOWN | {
    "subjects": [
        {"service": "shop", "subject_ref": "account-17", "added_at": 1_795_521_700}
    ],
    "next": "shop/account-17",
    "raised_to": None,
    "raised_until": None,
}
ACT = {
    "act": "1" * 32,
    "kind": "flood_bound",
    "digest": "2" * 64,
    "content": {
        "flood": FLOOD,
        "signal": MATCH["signal"],
        "bound": 40,
        "reason": "ticket-7",
    },
    "asked_by": "rita",
    "asked_at": 1_795_521_600,
    "expires_at": 1_795_780_800,
    "state": "pending",
}


def test_floods_are_listed_to_the_last(ask: "Run", node: "FakeNode") -> None:
    second = SHOWN | {"flood": "1" * 32, "match": None, "references": 3}
    node.always("GET /v1/floods?state=waiting", {"floods": [SHOWN], "next": FLOOD})
    node.always(
        f"GET /v1/floods?state=waiting&after={FLOOD}",
        {"floods": [second], "next": None},
    )
    shown = ask("flood", "list")
    german = ask("flood", "list", "--lang", "de")
    as_json = ask("flood", "list", "--json")

    assert shown.status == 0
    assert "490" in shown.out
    assert "1" * 32 in shown.out
    assert "darüber hinaus" in german.out
    assert as_json.document == with_moments({"floods": [SHOWN, second]})


def test_a_flood_is_shown_with_its_references(ask: "Run", node: "FakeNode") -> None:
    node.always(f"GET /v1/floods/{FLOOD}", WHOLE)
    ruled = WHOLE | {
        "state": "stands",
        "ruled_by": "rita",
        "second": "rolf",
        "ruled_at": 1_795_521_800,
        "reason": "ticket-7",
        "raised_to": 40,
        "raised_until": 1_796_126_600,
        "beyond": 7,
        "subjects": [],
        "next": None,
        "match": None,
    }
    node.always(f"GET /v1/floods/{FLOOD}?after=shop%2Faccount-17", ruled)
    shown = ask("flood", "show", FLOOD)
    german = ask("flood", "show", FLOOD, "--lang", "de")
    later = ask("flood", "show", FLOOD, "--after", "shop/account-17")

    assert shown.status == 0
    for word in ("shop/account-17", "waits for a ruling", "490", "confirmed conduct"):
        assert word in shown.out
    assert "--after shop/account-17" in shown.err
    assert "wartet auf eine Entscheidung" in german.out
    for word in ("rita + rolf", "ticket-7", "40", "the signal stands", "7"):
        assert word in later.out
    assert ask("flood", "show", FLOOD, "--json").document == with_moments(WHOLE)


@pytest.mark.parametrize(
    ("ruling", "state", "english", "german"),
    [
        ("rests", "rested", "only here", "nur hier"),
        ("stands", "stands", "a review now", "jetzt eine Prüfung"),
    ],
)
def test_a_ruling_says_what_it_leads_to(  # noqa: PLR0913 - cases
    ask: "Run", node: "FakeNode", ruling: str, state: str, english: str, german: str
) -> None:
    node.always(f"POST /v1/floods/{FLOOD}/ruling", SHOWN | {"state": state})
    shown = ask("flood", "rule", FLOOD, ruling, "--reason", "ticket-7")
    other = ask("flood", "rule", FLOOD, ruling, "--reason", "ticket-7", "--lang", "de")
    missing = ask("flood", "rule", FLOOD, ruling)
    words = ("--reason", "ticket-7", "--because", "listing_wrong")
    ask("flood", "rule", FLOOD, ruling, *words)

    assert (shown.status, missing.status) == (0, 2)
    assert english in shown.err
    assert german in other.err
    assert node.asked[0] == (
        f"POST /v1/floods/{FLOOD}/ruling",
        {"ruling": ruling, "reason": "ticket-7"},
    )
    assert node.asked[-1][1] == {
        "ruling": ruling,
        "reason": "ticket-7",
        "because": "listing_wrong",
    }


def test_a_raised_bound_waits_for_a_second_person(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/floods/{FLOOD}/bound", ACT)
    words = ("--bound", "40", "--reason", "ticket-7")
    shown = ask("flood", "raise", FLOOD, *words)
    german = ask("flood", "raise", FLOOD, *words, "--lang", "de")

    assert shown.status == 13
    assert "fedsafe act approve" in shown.err
    assert "bound a day" in shown.out
    assert "Grenze am Tag" in german.out


def test_a_name_that_is_none_is_refused_here(ask: "Run", node: "FakeNode") -> None:
    refused = ask("flood", "show", "../acts")

    assert refused.status == 5
    assert "fedsafe flood list" in refused.err
    assert node.asked == []


def test_the_list_of_reviews_speaks_of_floods(ask: "Run", node: "FakeNode") -> None:
    listed: dict[str, Any] = {"tasks": [], "next": None, "floods": 2}
    node.always("GET /v1/tasks?state=waiting&limit=200", listed)
    shown = ask("task", "list")
    german = ask("task", "list", "--lang", "de")

    assert "2 match floods wait for a ruling: fedsafe flood list" in shown.err
    assert "2 Trefferfluten" in german.err
