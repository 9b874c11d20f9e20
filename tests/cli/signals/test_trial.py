# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING, Any

from tests.cli.conftest import answer

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

TRIAL = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SHOWN: dict[str, Any] = {
    "trial": TRIAL,
    "origin": "d.demo",
    "cause": "new_origin",
    "list": None,
    "began_at": 1_795_521_600,
    "ends_at": 1_798_113_600,
    "matches": 217,
    "drawn": 23,
    "upheld": 4,
    "wrong": 1,
    "other": 9,
    "needs_person": True,
    "prolonged_by": None,
    "prolonged_at": None,
    "ended_by": None,
    "ended_at": None,
    "reason": None,
}


def test_trials_are_listed_with_what_came_of_them(ask: "Run", node: "FakeNode") -> None:
    imported = SHOWN | {
        "cause": "imported_list",
        "list": "2026-11-23",
        "needs_person": False,
        "prolonged_by": "rita",
        "prolonged_at": 1_795_521_700,
    }
    probation = SHOWN | {"cause": "probation", "kind": "phone"}
    listed = {"trials": [SHOWN, imported, probation]}
    node.always("GET /v1/trials?state=running", listed)
    ended = SHOWN | {"ended_at": 1_798_113_600, "ended_by": "review"}
    node.always("GET /v1/trials?state=ended", {"trials": [ended]})
    shown = ask("trial", "list")
    german = ask("trial", "list", "--lang", "de")
    over = ask("trial", "list", "--state", "ended")

    assert shown.status == 0
    for word in ("new member", "217", "23", "only a person ends it", "prolonged once"):
        assert word in shown.out
    assert "on probation: phone" in shown.out
    assert "2026-11-23" in shown.out
    for word in ("neues Mitglied", "übernommene Liste", "einmal verlängert"):
        assert word in german.out
    assert "ended 2026-12-24" in over.out
    assert ask("trial", "list", "--json").document == with_moments(listed)


def test_a_trial_is_prolonged_or_ended_with_a_reason(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST /v1/trials/{TRIAL}/prolong", SHOWN | {"reason": "ticket-7"})
    node.always(f"POST /v1/trials/{TRIAL}/end", SHOWN | {"ended_at": 1_798_113_600})
    longer = ask("trial", "prolong", TRIAL, "--reason", "ticket-7")
    german = ask("trial", "prolong", TRIAL, "--reason", "ticket-7", "--lang", "de")
    ended = ask("trial", "end", TRIAL, "--reason", "note-9")
    missing = ask("trial", "end", TRIAL)

    assert (longer.status, ended.status, missing.status) == (0, 0, 2)
    assert "still have no effect" in longer.err
    assert "ticket-7" in longer.out
    assert "wirken weiter nicht" in german.err
    assert "have effect from now on" in ended.err
    assert node.asked[-1] == (f"POST /v1/trials/{TRIAL}/end", {"reason": "note-9"})


def test_a_lookup_says_what_is_on_trial(ask: "Run", node: "FakeNode") -> None:
    tried = {
        "question": 0,
        "signal": "01a20e5e-7e0b-7dca-b773-0d06d4879060",
        "origin": "d.demo",
        "kind": "email",
        "until": "2026-12-24",
    }
    node.always("POST /v1/lookup", answer("none") | {"on_trial": [tried]})
    shown = ask("lookup", "email:somebody@mail.example")
    german = ask("lookup", "email:somebody@mail.example", "--lang", "de")

    assert shown.status == 0
    assert "on trial until 2026-12-24, without effect" in shown.out
    assert "auf Probe bis 2026-12-24, ohne Wirkung" in german.out


def test_a_name_that_is_none_is_refused_here(ask: "Run", node: "FakeNode") -> None:
    refused = ask("trial", "end", "../acts", "--reason", "note-9")

    assert refused.status == 5
    assert "fedsafe trial list" in refused.err
    assert node.asked == []


def test_a_dismissal_says_that_the_listing_is_wrong(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(
        f"POST /v1/tasks/{TRIAL}/outcome",
        {"task": {}, "outcome": "dismiss", "decided": True, "rule": "P13"},
    )
    said = ask("task", "decide", TRIAL, "dismiss", "--because", "listing_wrong")

    assert said.status == 0
    assert node.asked[-1][1] == {"outcome": "dismiss", "because": "listing_wrong"}
