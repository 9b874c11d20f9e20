# SPDX-License-Identifier: Apache-2.0
import re
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_node.store.keeping_rows import RESTORED, EffectKind, Erasing, GapKind
from fedsafe_node.store.rows import Trouble

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

ACT = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
PSEUDONYM = "staff-2026q4-mfzwizltmvxgk4tfon2gc"
EVENT = {
    "index": 7,
    "at": "t",
    "event": "lookup",
    "outcome": "review",
    "purpose": "signup_check",
    "actor": "bot",
    "subject_ref": "account-17",
    "trace": "0af7",
}
GAPS: dict[str, Any] = {
    "missing": 0,
    "gaps": [{"kind": "unwritable", "reason": "full", "since": 60, "until": 120}],
    "keys": [
        {"key": "period_key", "target": "2026-11", "begun_at": 9, "ended_at": None}
    ],
    "erased": {"retention": 3, "subject": 2, "signal": 1},
    "holds": 1,
    "failing": None,
}
HOLD: dict[str, Any] = {
    "hold": ACT,
    "subject_ref": "account-17",
    "first": None,
    "last": None,
    "reason": "order:17",
    "until": 1_826_150_400,
    "placed_at": 60,
    "placed_by": "dora",
}


def test_the_events_of_an_account_are_asked_for_in_a_body(
    ask: "Run", node: "FakeNode"
) -> None:
    target = "POST /v1/audit/subject"
    node.always(target, {"events": [EVENT], "more": True})
    outcome = ask("audit", "subject", "account-17")

    assert outcome.status == 0
    assert node.asked == [(target, {"subject_ref": "account-17"})]
    assert "signup_check" in outcome.out
    assert "trace=0af7" in outcome.out
    assert "audit export" in outcome.err


def test_the_events_of_an_account_are_asked_for_by_days(
    ask: "Run", node: "FakeNode"
) -> None:
    target = "POST /v1/audit/subject"
    node.always(target, {"events": [EVENT], "more": False})
    days = ("--since", "2026-11-01", "--until", "2026-12-01")

    assert ask("audit", "subject", "account-17", *days).status == 0
    span = {"after": 1_793_491_200, "before": 1_796_083_200}
    assert node.asked == [(target, {"subject_ref": "account-17"} | span)]


def test_an_account_that_nothing_names_is_said_to_be_none(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/audit/subject", {"events": [], "more": False})

    english = ask("audit", "subject", "account-9", "--lang", "en").out
    german = ask("audit", "subject", "account-9", "--lang", "de").out

    assert english.startswith("No entry names this account.")
    assert german.startswith("Kein Eintrag nennt dieses Konto.")


def test_who_read_what_is_listed(ask: "Run", node: "FakeNode") -> None:
    answer = {"events": [EVENT | {"event": "audit.read"}], "next": 9, "more": True}
    node.always("GET /v1/audit/access?purpose=supervision&since=5&limit=3", answer)
    options = ("--from", "5", "--limit", "3", "--purpose", "supervision")
    outcome = ask("audit", "access", *options)

    assert "audit.read" in outcome.out
    assert "--from 9" in outcome.err
    assert ask("audit", "access", *options, "--json").document == answer


def test_gaps_show_what_is_unfinished(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/audit/gaps", GAPS)
    outcome = ask("audit", "gaps")

    assert outcome.status == 0
    assert "1970-01-01 00:01:00 UTC" in outcome.out
    assert "UNFINISHED" in outcome.out
    assert "erased (an account was erased)" in outcome.out
    assert ask("audit", "gaps", "--json").document == GAPS


def test_without_a_gap_there_is_no_table_of_them(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/audit/gaps", GAPS | {"gaps": [], "keys": []})
    english, german = ask("audit", "gaps").out, ask("audit", "gaps", "--lang", "de").out

    assert english.startswith("missing entries")
    assert german.startswith("fehlende Einträge")


def test_gaps_are_told_in_words_of_the_readers_language(
    ask: "Run", node: "FakeNode"
) -> None:
    span = {"since": 1_795_000_000, "until": None}
    reasons = [*Trouble, "no_end", RESTORED]
    gaps = [
        span | {"kind": kind.value, "reason": str(reason)}
        for kind in GapKind
        for reason in reasons
    ]
    ends = {"target": "2026-11", "begun_at": 1_795_000_000, "ended_at": None}
    keys = [ends | {"key": kind.value} for kind in EffectKind]
    erased = {"signal": 1} | {reason.value: 2 for reason in Erasing}
    answer = GAPS | {"gaps": gaps, "keys": keys, "erased": erased, "failing": "full"}
    node.always("GET /v1/audit/gaps", answer)
    english, german = ask("audit", "gaps").out, ask("audit", "gaps", "--lang", "de").out

    codes = {*GapKind, *EffectKind, "no_end", "retention"}
    assert not [code for code in codes if code in english + german]
    words = [set(re.findall(r"[^\W\d]{4,}", told)) for told in (english, german)]
    assert words[0] & words[1] == set()
    assert len(german.splitlines()) == len(english.splitlines())
    assert "scheitert gerade" in german
    assert "Festhalten" in german


def test_gaps_say_of_which_months_residues_may_lie_on_a_server(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/audit/gaps", GAPS | {"residues": ["2026-10", "2026-11"]})
    said, german = ask("audit", "gaps"), ask("audit", "gaps", "--lang", "de")

    assert "2026-10, 2026-11" in said.out
    assert "sealed residues of" in said.out
    assert "verschlüsselte Reste aus" in german.out


def test_gaps_say_below_which_entry_the_log_was_pruned(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("GET /v1/audit/gaps", GAPS | {"minimum": 512})
    said, german = ask("audit", "gaps"), ask("audit", "gaps", "--lang", "de")

    assert said.status == 0
    assert ["pruned", "below", "512"] in [
        each.split() for each in said.out.splitlines()
    ]
    assert "entfernt vor Eintrag" in german.out


def test_missing_entries_have_their_exit_status(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/audit/gaps", GAPS | {"missing": 2})

    assert ask("audit", "gaps").status == 21


def test_erasing_and_revealing_wait_for_another_person(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/audit/erase", {"act": ACT})
    node.always("POST /v1/audit/reveal", {"act": ACT})
    reason = ("--reason", "ticket:17")
    erasing = ask("audit", "erase", "account-17", *reason)
    revealing = ask("audit", "reveal", PSEUDONYM, *reason)

    assert (erasing.status, revealing.status) == (13, 13)
    assert f"fedsafe act approve {ACT}" in erasing.err
    assert "--act" in revealing.err
    assert node.asked == [
        (
            "POST /v1/audit/erase",
            {"subject_ref": "account-17", "reason": "ticket:17"},
        ),
        ("POST /v1/audit/reveal", {"pseudonym": PSEUDONYM, "reason": "ticket:17"}),
    ]
    german = ask(
        "audit", "erase", "account-17", "--reason", "ticket:17", "--lang", "de"
    )
    assert f"`fedsafe act approve {ACT}` aus, das löscht" in german.err


def test_holding_a_recipient_back_waits_for_another_person(
    ask: "Run", node: "FakeNode"
) -> None:
    node.always("POST /v1/audit/packs/4711/withhold", {"act": ACT})
    given = ("audit", "withhold", "4711", "--reason", "bdsg_33_1_2b")
    more = ("--note", "order-7", "--until", "2026-12-20")
    english, german = ask(*given, *more), ask(*given, *more, "--lang", "de")

    assert (english.status, german.status) == (13, 13)
    assert f"`fedsafe act approve {ACT}`, which holds it back" in english.err
    assert f"`fedsafe act approve {ACT}` aus, das hält es zurück" in german.err
    sent = {"reason": "bdsg_33_1_2b", "note": "order-7", "until": "2026-12-20"}
    assert node.asked[0] == ("POST /v1/audit/packs/4711/withhold", sent)


def test_an_approved_pseudonym_is_revealed(ask: "Run", node: "FakeNode") -> None:
    target, answer = "POST /v1/audit/revealed", {"pseudonym": PSEUDONYM, "name": "ben"}
    node.always(target, answer)
    given = ("audit", "reveal", PSEUDONYM, "--reason", "ticket:17", "--act", ACT)

    assert ask(*given).out == "ben\n"
    assert ask(*given, "--json").document == answer
    assert node.asked[0][1] == {
        "pseudonym": PSEUDONYM,
        "reason": "ticket:17",
        "act": ACT,
    }


def test_holds_are_placed_listed_and_lifted(ask: "Run", node: "FakeNode") -> None:
    node.always("POST /v1/audit/holds", HOLD)
    node.always("GET /v1/audit/holds", {"holds": [HOLD]})
    node.always(f"POST /v1/audit/holds/{ACT}/lift", HOLD | {"subject_ref": None})
    options = ("--reason", "order:17", "--until", "2027-11-14")
    placed = ask("audit", "hold", "add", "account-17", *options)

    assert placed.status == 0, placed.err
    assert node.asked[0][1] == {
        "subject_ref": "account-17",
        "reason": "order:17",
        "until": 1_826_150_400,
    }
    assert "account account-17" in placed.out
    assert "order:17" in ask("audit", "hold", "list").out
    assert "lifted" in ask("audit", "hold", "lift", ACT).out


@pytest.mark.parametrize("body", [None, {}, {"events": 3}, {"hold": 1, "act": 2}])
@pytest.mark.parametrize(
    ("target", "given"),
    [
        ("POST /v1/audit/subject", ("subject", "a-1")),
        ("GET /v1/audit/access?since=0&limit=100", ("access",)),
        ("GET /v1/audit/gaps", ("gaps",)),
        ("POST /v1/audit/erase", ("erase", "a-1", "--reason", "t:1")),
        ("POST /v1/audit/reveal", ("reveal", PSEUDONYM, "--reason", "t:1")),
        (
            "POST /v1/audit/revealed",
            ("reveal", PSEUDONYM, "--reason", "t:1", "--act", ACT),
        ),
        ("GET /v1/audit/holds", ("hold", "list")),
        (f"POST /v1/audit/holds/{ACT}/lift", ("hold", "lift", ACT)),
    ],
)
def test_an_answer_of_another_form_is_an_error(
    ask: "Run", node: "FakeNode", target: str, given: tuple[str, ...], body: object
) -> None:
    node.always(target, body)

    assert ask("audit", *given).status == 1


def test_nothing_is_said_to_be_nothing(ask: "Run", node: "FakeNode") -> None:
    node.always("GET /v1/audit/holds", {"holds": []})
    node.always(f"POST /v1/audit/holds/{ACT}/lift", HOLD)
    found = {"events": [], "next": 9, "more": False}
    node.always("GET /v1/audit/search?since=0&limit=100", found)

    assert ask("audit", "hold", "list").out == "nothing is held\n"
    assert " is lifted" in ask("audit", "hold", "lift", ACT).out
    assert ask("audit", "search").out == "no event fits that\n"
    assert "aufgehoben" in ask("audit", "hold", "lift", ACT, "--lang", "de").out
