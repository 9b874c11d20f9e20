# SPDX-License-Identifier: Apache-2.0
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.conftest import MATCH

from fedsafe_cli.terminal.moments import with_moments

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

TASK = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SHOWN: dict[str, Any] = {
    "task": TASK,
    "subject_ref": "account-7",
    "state": "open",
    "opened_at": 1_795_521_600,
    "ends_at": 1_795_780_800,
    "flagged_at": None,
    "renewals": 0,
    "revision": 3,
}
FOUND = (
    *("--rule", "house-1", "--phenomenon", "grooming", "--source", "notice"),
    *("--surface", "public_content", "--grade", "confirmed_conduct"),
)
DECISION = {
    "outcome": "confirm",
    "level": "L4",
    "decided_by": "anna",
    "second": None,
    "decided_at": 1_795_521_700,
    "dwell": 40,
    "until": None,
    "reason": None,
    "evidence": "case-7",
    "hearing": None,
    "rule": "house-1",
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "source": "notice",
}
STEP = {
    "step": "exception",
    "reference": "note-2",
    "answer_until": None,
    "exception": "danger_to_a_child",
    "recorded_by": "anna",
    "recorded_at": 1_795_521_650,
}
INQUIRY = {
    "inquiry": 7,
    "task": TASK,
    "contact": "trust@b.demo",
    "signal": MATCH["signal"],
    "origin": "b.demo",
    "questions": ["still_stands", "age_confirmed"],
    "asked_by": "anna",
    "asked_at": 1_795_521_660,
}
WHOLE = SHOWN | {
    "flagged_at": 1_795_600_000,
    "heard": "note-2",
    "signals": [
        {
            "signal": MATCH["signal"],
            "origin": "a.demo",
            "added_at": 1_795_521_600,
            "match": MATCH,
            "effect": None,
        },
        {
            "signal": MATCH["signal"],
            "origin": "c.demo",
            "added_at": 1_795_521_600,
            "match": None,
            "effect": "revoked",
        },
    ],
    "decisions": [DECISION],
    "hearings": [STEP],
    "inquiries": [INQUIRY],
}
DECIDED = {
    "task": SHOWN | {"state": "decided"},
    "outcome": "dismiss",
    "decided": True,
    "rule": "P13",
    "policy": "synthetic@00000000",
    "act": None,
}
WAITS = DECIDED | {
    "outcome": "confirm",
    "decided": False,
    "act": {"act": "1" * 32, "digest": "2" * 64},
}


def posted(node: "FakeNode") -> list[Any]:
    return [body for target, body in node.asked if target.startswith("POST")]


def test_reviews_are_listed_by_state(ask: "Run", node: "FakeNode") -> None:
    flagged = SHOWN | {"flagged_at": 1_795_600_000, "alike": 23}
    listed = {"tasks": [SHOWN | {"alike": 1}, flagged], "next": "0.7.x"}
    node.always("GET /v1/tasks?state=waiting&limit=200", listed)
    none: dict[str, Any] = {"tasks": [], "next": None}
    node.always("GET /v1/tasks?state=watched&limit=9&after=0.7.x%26y", none)
    shown = ask("task", "list")
    german = ask("task", "list", "--lang", "de")
    as_json = ask("task", "list", "--json")

    assert shown.status == 0
    assert "account-7" in shown.out
    assert "2026-11-24 12:00:00 UTC" in shown.out
    assert shown.out.count("a signal was stopped") == 1
    assert "offen" in german.out
    assert "Signal beendet" in german.out
    assert as_json.document == with_moments(listed)
    assert "23" in shown.out
    assert "--after 0.7.x" in shown.err
    behind = ask(
        *("task", "list", "--state", "watched", "--limit", "9", "--after", "0.7.x&y")
    )
    assert (behind.status, "--after" in behind.err) == (0, False)


def test_a_review_is_shown_with_all_that_bears_on_it(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"GET /v1/tasks/{TASK}", WHOLE)
    shown = ask("task", "show", TASK)
    german = ask("task", "show", TASK, "--lang", "de")

    assert shown.status == 0
    for word in ("confirmed conduct", "revoked", "case-7", "danger to a child"):
        assert word in shown.out
    for word in ("bestätigtes Verhalten", "widerrufen", "Gefahr für ein Kind"):
        assert word in german.out
    assert "Does the signal still stand?; Is the person of age?" in shown.out
    assert ask("task", "show", TASK, "--json").document == with_moments(WHOLE)


def test_the_end_of_a_limit_and_the_seconds_are_shown(
    ask: "Run", node: "FakeNode"
) -> None:
    limit = {"outcome": "feature_limit", "level": "L3", "until": 1_796_860_800}
    closed = {"second": "rita", "dwell": 41, "second_dwell": 12}
    told = WHOLE | {"decisions": [DECISION | limit, DECISION | closed]}
    node.always(f"GET /v1/tasks/{TASK}", told | {"renewals": 1})
    shown = ask("task", "show", TASK).out
    german = ask("task", "show", TASK, "--lang", "de").out

    first, second = (
        row for row in shown.splitlines() if "anna" in row and "case" in row
    )
    assert "2026-12-10 00:00:00 UTC" in first
    assert " 40 " in first
    assert " 41, 12 " in second
    assert "renewals" in shown
    for word in ("Sekunden", "Verlängerungen", "Erscheinungsform", "Beleglage"):
        assert word in german


def test_a_decision_travels_without_what_was_not_said(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST /v1/tasks/{TASK}/outcome", DECIDED)
    dismissed = ask("task", "decide", TASK, "dismiss")
    ask(*("task", "decide", TASK, "watch", "--until", "2026-12-10"))
    ask(
        *("task", "decide", TASK, "feature_limit", "--until", "2026-12-10"),
        *("--reason", "note-1", "--revision", "3", *FOUND),
    )
    ask(
        *("task", "decide", TASK, "inquire", "--signal", str(MATCH["signal"])),
        *("--question", "still_stands", "--question", "age_confirmed"),
    )

    assert dismissed.status == 0
    assert "dismissed" in dismissed.out
    assert posted(node) == [
        {"outcome": "dismiss"},
        {"outcome": "watch", "until": "2026-12-10"},
        {
            "outcome": "feature_limit",
            "level": "L3",
            "until": "2026-12-10",
            "reason": "note-1",
            "rule": "house-1",
            "phenomenon": "grooming",
            "surface": "public_content",
            "grade": "confirmed_conduct",
            "source": "notice",
            "revision": 3,
        },
        {
            "outcome": "inquire",
            "signal": MATCH["signal"],
            "questions": ["still_stands", "age_confirmed"],
        },
    ]


def test_what_waits_for_a_second_person_says_how_it_is_approved(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(f"POST /v1/tasks/{TASK}/outcome", WAITS)
    call = ("task", "decide", TASK, "confirm", "--level", "L6", "--evidence", "c-7")
    shown = ask(*call)
    german = ask(*call, "--lang", "de")

    assert (shown.status, german.status) == (13, 13)
    assert f"fedsafe act approve {'1' * 32} --digest {'2' * 64}" in shown.out
    assert "zweite Person mit der Rolle reviewer" in german.out
    assert ask(*call, "--json").document == with_moments(WAITS)


def test_what_waits_for_an_origin_is_listed_with_its_contact(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/inquiries", {"inquiries": [INQUIRY]})
    english, german = ask("task", "inquiries"), ask("task", "inquiries", "--lang", "de")

    assert "trust@b.demo" in english.out
    assert "Does the signal still stand?; Is the person of age?" in english.out
    assert "Ist die Person volljährig?" in german.out


def test_all_that_waits_for_origins_is_listed_page_by_page(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always(
        "GET /v1/inquiries?purpose=audit_review", {"inquiries": [INQUIRY], "next": 7}
    )
    following = {"inquiries": [INQUIRY | {"inquiry": 9}], "next": None}
    node.always("GET /v1/inquiries?purpose=audit_review&after=7", following)
    listed = ask("task", "inquiries", "--purpose", "audit_review", "--json").document

    assert [each["inquiry"] for each in listed["inquiries"]] == [7, 9]


def test_what_an_origin_replied_is_entered(ask: "Run", node: "FakeNode") -> None:
    answered = INQUIRY | {
        "replies": {"still_stands": "yes", "age_confirmed": "unanswered"},
        "reference": "mail-7",
        "answered_by": "rita",
        "answered_at": 1_795_521_900,
    }
    path = f"POST /v1/tasks/{TASK}/inquiries/7/answer"
    node.always(path, WHOLE | {"inquiries": [answered]})
    call = ("task", "answer", TASK, "7", "--reference", "mail-7")
    done = ask(
        *call,
        *("--reply", "still_stands=yes", "--reply", "age_confirmed=unanswered"),
    )
    wrong = [
        ask(*call, "--reply", reply).status
        for reply in ("still_stands", "still_stands=perhaps", "name=yes")
    ]

    assert done.status == 0
    assert "Does the signal still stand? yes" in done.out
    assert "Is the person of age? unanswered" in done.out
    assert wrong == [5, 5, 5]
    assert posted(node) == [
        {
            "replies": {"still_stands": "yes", "age_confirmed": "unanswered"},
            "reference": "mail-7",
        }
    ]


def test_a_step_of_a_hearing_is_recorded(ask: "Run", node: "FakeNode") -> None:
    node.always(f"POST /v1/tasks/{TASK}/hearing", SHOWN | {"heard": "note-2"})
    done = ask(
        *("task", "hear", TASK, "invited", "--reference", "letter-3"),
        *("--until", "2026-12-04"),
    )
    ask(
        *("task", "hear", TASK, "exception", "--reference", "note-2"),
        *("--exception", "danger_to_a_child", "--json"),
    )

    assert done.status == 0
    assert "note-2" in done.out
    assert posted(node) == [
        {"step": "invited", "reference": "letter-3", "answer_until": "2026-12-04"},
        {
            "step": "exception",
            "reference": "note-2",
            "exception": "danger_to_a_child",
        },
    ]


@pytest.mark.parametrize("name", ["../gate", "7", "A" * 32, "0" * 31 + "/"])
def test_a_name_that_is_no_task_reaches_no_node(
    ask: "Run", node: "FakeNode", name: str
) -> None:
    calls = (
        ("show", name),
        ("decide", name, "dismiss"),
        ("hear", name, "heard", "--reference", "n-1"),
    )

    assert [ask("task", *call).status for call in calls] == [5, 5, 5]
    assert node.asked == []


def test_a_refusal_of_the_policy_is_told(ask: "Run", node: "FakeNode") -> None:
    problem = {
        "type": "urn:fedsafe:problem:hearing_missing",
        "title": "The policy wants something else first",
        "status": 409,
        "code": "hearing_missing",
        "detail": "The person was not heard.",
        "rule": "P13",
    }
    node.always(f"POST /v1/tasks/{TASK}/outcome", problem, 409)
    refused = ask(
        *("task", "decide", TASK, "confirm", "--level", "L6", "--evidence", "c-7")
    )

    assert refused.status == 3
    assert "hearing_missing" in refused.err


HASTY = {
    "type": "urn:fedsafe:problem:look_again",
    "title": "Look again, and say it once more",
    "status": 409,
    "code": "look_again",
    "detail": "you decided in 2 seconds; the policy asks for 10: look again",
}


def test_who_is_too_fast_is_asked_and_says_it_again(
    ask: "Run", node: "FakeNode"
) -> None:
    def judge(body: dict[str, Any]) -> tuple[int, Any]:
        return (200, DECIDED) if body.get("again") else (409, HASTY)

    node.on(f"POST /v1/tasks/{TASK}/outcome", judge)
    stands = ask("task", "decide", TASK, "dismiss", stdin=b"y\n")
    bodies = [body for _, body in node.asked]
    doubts = ask("task", "decide", TASK, "dismiss", "--lang", "de", stdin=b"n\n")

    assert (stands.status, doubts.status) == (0, 5)
    assert "you decided in 2 seconds" in stands.err
    assert bodies == [{"outcome": "dismiss"}, {"outcome": "dismiss", "again": True}]
    assert len(node.asked) == 3
    assert "Noch einmal angesehen" in doubts.err


def test_a_script_is_refused_and_says_again_by_an_option(
    ask: "Run", node: "FakeNode"
) -> None:
    path = f"POST /v1/tasks/{TASK}/outcome"
    node.always(path, HASTY, 409)
    silent = ask("task", "decide", TASK, "dismiss", "--json", stdin=b"y\n")
    nobody = ask("task", "decide", TASK, "dismiss")

    assert (silent.status, nobody.status, len(node.asked)) == (5, 5, 2)
    assert "look_again" in silent.err
    assert "--again" in nobody.err
    node.always(path, DECIDED)
    assert ask("task", "decide", TASK, "dismiss", "--again").status == 0
    assert node.asked[-1][1] == {"outcome": "dismiss", "again": True}


def test_a_wrong_listing_is_left_to_a_second_person(
    ask: "Run", node: "FakeNode"
) -> None:
    left = DECIDED | {"decided": False}
    node.always(f"POST /v1/tasks/{TASK}/outcome", left)
    call = ("task", "decide", TASK, "dismiss", "--because", "listing_wrong")
    said = ask(*call, "--with-second")
    german = ask(*call, "--with-second", "--lang", "de")

    assert (said.status, german.status) == (13, 13)
    assert "a second person ends the review" in said.out
    assert "eine zweite Person" in german.out
    assert node.asked[0][1]["with_second"] is True
    assert ask(*call, "--with-second", "--json").document == with_moments(left)
