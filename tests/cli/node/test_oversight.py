# SPDX-License-Identifier: Apache-2.0
"""Budgets and breaches from the command line."""

from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

BREACH = "0a" * 16
ANSWER: dict[str, Any] = {
    "breach": BREACH,
    "state": "open",
    "aware_at": "2026-11-24T09:30:00Z",
    "due_at": "2026-11-27T09:30:00Z",
    "overdue": False,
    "kinds": ["confidentiality"],
    "cause": "attack",
    "opened_by": "dora",
    "notifications": [],
    "notes": [],
}


def test_what_is_left_of_the_budgets_is_a_table(ask: "Run", node: "FakeNode") -> None:
    budget = {"holder": "shop", "purpose": "recheck", "spent": 7, "left": 0}
    shut = budget | {"code": "enumeration", "shut_until": "2026-11-24T10:00:00+00:00"}
    node.always("GET /v1/budgets", {"budgets": [shut]})
    shown = ask("budget", "show")

    assert "enumeration" in shown.out
    assert "gesperrt bis" in ask("budget", "show", "--lang", "de").out
    assert ask("budget", "show", "--json").document == with_moments({"budgets": [shut]})
    node.always("GET /v1/budgets", {"budgets": []})
    assert "nothing was spent" in ask("budget", "show").out


def test_a_breach_is_opened_with_its_note_and_moment(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/breaches", ANSWER, 201)
    outcome = ask(
        *("breach", "open", "--kind", "integrity", "--kind", "availability"),
        *("--aware", "2026-11-24T09:30Z", "--note"),
        stdin=b"a disk was lost\n",
    )

    assert outcome.status == 0
    assert node.asked == [
        (
            "POST /v1/breaches",
            {
                "aware_at": 1_795_512_600,
                "kinds": ["integrity", "availability"],
                "cause": "unknown",
                "note": "a disk was lost",
            },
        )
    ]
    assert "2026-11-27 09:30:00 UTC" in outcome.out


def test_each_step_of_a_breach_sends_its_request(ask: "Run", node: "FakeNode") -> None:
    for step in ("assess", "notify", "close"):
        node.always(f"POST /v1/breaches/{BREACH}/{step}", ANSWER)
    facts = ("--category", "tokens", "--group", "users", "--risk", "high")
    ask("breach", "assess", BREACH, *facts, "--persons", "4", "--records", "5")
    ask(
        *("breach", "notify", BREACH, "--to", "authority", "--reference", "f-1"),
        *("--at", "2026-11-28", "--late", "f-2"),
    )
    ask("breach", "close", BREACH)
    bodies = [body for _, body in node.asked]

    assert bodies[0]["risk"] == "high"
    assert (bodies[0]["persons"], bodies[0]["records"]) == (4, 5)
    assert (bodies[1]["at"], bodies[1]["late"]) == (1_795_824_000, "f-2")
    assert bodies[2] == {}


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_closing_that_waits_names_the_next_step(
    ask: "Run", node: "FakeNode", language: str
) -> None:
    waiting = ANSWER | {"act": "9" * 32, "overdue": True}
    node.always(f"POST /v1/breaches/{BREACH}/close", waiting)
    outcome = ask(
        "breach", "close", BREACH, "--silence", "unlikely_risk", "--lang", language
    )

    assert outcome.status == 13
    assert f"fedsafe act approve {'9' * 32}" in outcome.err
    assert "72" in outcome.err


def test_the_register_is_listed_and_shown(ask: "Run", node: "FakeNode") -> None:
    told = {"to": "authority", "at": "2026-11-25T00:00:00Z", "reference": "f-1"}
    node.always("GET /v1/breaches", {"breaches": [ANSWER]})
    node.always(
        f"GET /v1/breaches/{BREACH}",
        ANSWER | {"notifications": [told], "notes": ["a disk was lost"]},
    )
    shown = ask("breach", "show", BREACH)

    assert BREACH in ask("breach", "list").out
    assert ask("breach", "list", "--json").document == {"breaches": [ANSWER]}
    assert "a disk was lost" in shown.out
    assert "authority 2026-11-25 00:00:00 UTC (f-1)" in shown.out
    node.always("GET /v1/breaches", {"breaches": []})
    assert "keine" in ask("breach", "list", "--lang", "de").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("open",),
        ("open", "--kind", "theft"),
        ("open", "--kind", "integrity", "--aware", "yesterday"),
        ("show", "../status"),
        ("assess", BREACH, "--persons", "1", "--records", "1", "--risk", "high"),
        ("notify", BREACH, "--to", "press", "--reference", "f"),
    ],
)
def test_what_does_not_fit_goes_nowhere(
    ask: "Run", node: "FakeNode", arguments: tuple[str, ...]
) -> None:
    assert ask("breach", *arguments).status == 2
    assert node.asked == []
