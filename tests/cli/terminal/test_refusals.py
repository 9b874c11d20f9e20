# SPDX-License-Identifier: Apache-2.0
"""A refusal speaks of options and ways out, not of the request's fields."""

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from fedsafe_cli.terminal.refusals import read_refusal
from fedsafe_cli.terminal.ways_out import WAYS_OUT
from fedsafe_node.api.auth import describe
from fedsafe_node.api.codes import Code
from fedsafe_node.api.problems import RefusedError, body_of, problem_of
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.casework.cases.release import (
    code_of_gaps,
    words_of_gap,
    words_of_nothing,
)
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_policies.errors import NothingForPartnerError
from fedsafe_policies.escalation.closure import Answers, unanswered
from fedsafe_policies.escalation.dispatches import FAULTS, PartnerFault
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Elements, Threat
from fedsafe_policies.escalation.projection import project
from fedsafe_policies.escalation.release import gaps
from fedsafe_policies.escalation.vocabulary import Danger, PartnerClass, Urgency
from fedsafe_policies.ground.catalogue import Phrase, in_turn

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

TASK = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
SIGNAL = "01936e0c-0000-7000-8000-000000000001"
DAY = "wants a day such as 2027-11-03"


@pytest.mark.parametrize(
    ("command", "target", "pointer", "hint"),
    [
        (
            ("task", "decide", TASK, "watch", "--until", "soon"),
            f"POST /v1/tasks/{TASK}/outcome",
            "/until",
            f"--until {DAY}",
        ),
        (
            ("task", "decide", TASK, "confirm", "--evidence", "a b"),
            f"POST /v1/tasks/{TASK}/outcome",
            "/evidence",
            "--evidence wants a reference such as ticket-17",
        ),
        (
            ("audit", "search", "--event", "nosuch"),
            "GET /v1/audit/search?events=nosuch&since=0&limit=100",
            "/events",
            "--event wants a class of events such as signal.published",
        ),
        (
            ("register", "set", "S-V-1", "--status", "met", "--expires", "soon"),
            "POST /v1/register/S-V-1",
            "/expires_on",
            f"--expires {DAY}",
        ),
        (
            (
                "notice",
                "withhold",
                SIGNAL,
                "--reason",
                "bdsg_29_1",
                "--note",
                "f-9",
                "--until",
                "soon",
            ),
            f"POST /v1/notices/{SIGNAL}/withhold",
            "/until",
            f"--until {DAY}",
        ),
        (
            ("order", "move", TASK, "--due", "2026-11-24", "--reference", "f-9"),
            f"POST /v1/orders/{TASK}/note",
            "/due_at",
            "look at --due",
        ),
        (
            (
                *("case", "assess", TASK, "--hold-authority", "sta-1"),
                *("--hold-basis", "b-2", "--hold-until", "2026-11-24T09:30Z"),
            ),
            f"POST /v1/cases/{TASK}/assess",
            "/hold/until",
            "look at --hold-until",
        ),
        (
            ("account", "add", "Anna W", "--display", "Anna"),
            "POST /v1/accounts",
            "/name",
            "NAME wants small letters",
        ),
    ],
)
def test_a_field_at_fault_is_named_as_it_was_typed(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    command: tuple[str, ...],
    target: str,
    pointer: str,
    hint: str,
) -> None:
    problem = {"code": "invalid_body", "detail": "no", "pointer": pointer}
    node.always(target, problem, 422)
    outcome = ask(*command)

    assert outcome.status == 5
    assert hint in outcome.err
    assert "of the request" not in outcome.err


@pytest.mark.parametrize(
    ("command", "target", "pointer", "option"),
    [
        (
            ("case", "open", "--urgency", "u1", "--danger", "no"),
            "POST /v1/cases",
            *("/known_at", "--known"),
        ),
        (
            (
                *("order", "add", "--kind", "dsa_10", "--authority", "StA"),
                *("--reference", "4711", "--basis", "StPO"),
            ),
            "POST /v1/orders",
            *("/received_at", "--received"),
        ),
    ],
)
def test_a_moment_at_fault_is_named_by_its_option(  # noqa: PLR0913
    ask: "Run",
    node: "FakeNode",
    command: tuple[str, ...],
    target: str,
    pointer: str,
    option: str,
) -> None:
    problem = {"code": "bad_span", "detail": "that lies in the future"}
    node.always(target, problem | {"pointer": pointer}, 422)
    source = ("--source", "user_report") if command[0] == "case" else ()
    outcome = ask(*command, *source, stdin=b"because")

    assert f"look at {option}" in outcome.err
    form = ask(*command, *source, option, "yesterday", stdin=b"because")
    assert form.status == 2
    assert "YYYY-MM-DDTHH:MMZ" in form.err
    assert "2027" not in form.err


@pytest.mark.parametrize(
    ("problem", "hint"),
    [
        ({"code": "not_pending"}, "look at it anew"),
        ({"code": "already_asked"}, "fedsafe act withdraw"),
        ({"code": "wrong_state"}, "how it stands now"),
        ({"code": "already_withheld"}, "fedsafe notice list"),
        ({"code": "deferred"}, "fedsafe node status"),
        ({"code": "external_seat"}, "--external"),
        ({"code": "partner_changed"}, "partner list"),
        ({"code": "partner_changed"}, "--replaces N"),
        ({"code": "partner_changed"}, "--revision N"),
        ({"code": "purpose"}, "log in with a role that may"),
    ],
)
def test_a_refusal_names_a_way_out(
    ask: "Run", node: "FakeNode", problem: dict[str, Any], hint: str
) -> None:
    node.always("GET /v1/events?after=0&limit=100", problem | {"detail": "no"}, 409)

    assert hint in ask("events", "list").err


def test_a_day_too_far_is_not_blamed_on_the_reason(
    ask: "Run", node: "FakeNode"
) -> None:
    refusal = {
        "code": "withholding",
        "rule": "P16",
        "policy": "germany@1",
        "reason": {"de": "nein", "en": "no"},
        "about": "bdsg_29_1",
    }
    node.always(f"POST /v1/notices/{SIGNAL}/withhold", refusal, 403)
    outcome = ask(
        *("notice", "withhold", SIGNAL, "--reason", "bdsg_29_1", "--note", "f-9"),
        *("--until", "2029-01-01"),
    )

    assert "a day near enough" in outcome.err
    assert "on account of" not in outcome.err


def test_a_code_that_was_used_says_wait(ask: "Run", node: "FakeNode") -> None:
    problem = {"code": "unauthenticated", "detail": "name, password or code is wrong"}
    node.always("POST /v1/session", problem, 401)
    outcome = ask("login", "anna", stdin=b"pass word 1234\n123456\n")

    assert "wait for the next one" in outcome.err


def test_a_set_up_code_that_was_used_says_where_a_new_one_comes_from(
    ask: "Run", node: "FakeNode"
) -> None:
    problem = {"code": "unauthenticated", "detail": "name or code is wrong"}
    node.always("POST /v1/account/setup", problem, 401)
    outcome = ask("account", "setup", "anna", stdin=b"AAAA-BBBB\npass word 1234\n")

    assert "fedsafe account reset NAME" in outcome.err
    assert "one-time code" not in outcome.err


def test_who_holds_another_role_is_told_to_take_it(
    ask: "Run", node: "FakeNode"
) -> None:
    session = {"token": "fs2_" + "a" * 43, "name": "dora", "role": "dpo"}
    node.always("POST /v1/session", session | {"ends_at": 1_795_000_000}, 201)
    node.always("GET /v1/accounts", {"code": "forbidden", "detail": "no"}, 403)
    ask("login", "dora", stdin=b"pass word 1234\n123456\n")

    assert "fedsafe login NAME --role ROLE" in ask("account", "list").err


def test_a_refused_role_names_those_that_may() -> None:
    problem = {
        "code": "role",
        "rule": "P6",
        "policy": "strict@1",
        "about": "dpo, reviewer",
        "reason": {"de": "Die Rolle darf das nicht.", "en": "The role may not."},
    }
    told = str(read_refusal(403, problem).hint)
    other = str(read_refusal(403, problem | {"about": "audit_review"}).hint)

    assert told == "rule P6 of policy strict@1 decides; roles that may: dpo, reviewer"
    assert other == "rule P6 of policy strict@1 decides, on account of audit_review"


def test_who_may_not_read_the_log_is_told_whose_it_is() -> None:
    problem = {"code": "forbidden", "detail": "no", "about": "reviewer, dpo, auditor"}
    told = str(read_refusal(403, problem).hint)
    other = str(read_refusal(403, problem | {"about": "reviewer, dpo"}).hint)

    assert told.endswith("`fedsafe account roles NAME --grant dpo`")
    assert "--grant dpo" not in other


def test_what_no_option_names_is_not_pointed_to() -> None:
    problem = {"code": "bad_signature", "detail": "not signed", "pointer": "/body"}

    assert read_refusal(422, problem).hint is None


def test_who_names_no_partner_of_theirs_learns_where_partners_are() -> None:
    partner = read_refusal(404, {"code": "no_partner", "detail": "no such partner"})
    signal = read_refusal(404, {"code": "not_found", "detail": "no such signal"})

    assert "fedsafe partner list" in str(partner.hint)
    assert signal.hint is None


def test_a_case_that_waits_for_an_opinion_is_not_told_of_signals() -> None:
    problem: dict[str, Any] = {"code": "legal_review", "rule": "P7", "policy": "p@1"}
    problem |= {"about": "dispatch", "reason": {"de": "erst", "en": "first"}}
    hint = str(read_refusal(409, problem).hint)
    of_signal = str(read_refusal(409, problem | {"about": ""}).hint)

    assert "fedsafe case assess CASE --opinion REF" in hint
    assert "--scope self" not in hint
    assert "--legal-review REF" in of_signal


def test_an_unclear_threat_is_entered_as_an_element() -> None:
    matrix = shipped_matrix()
    known = Elements(threat=Threat(danger=Danger.UNCLEAR, reason="nobody can say"))
    found = project(known, {}, PartnerClass.LAW_ENFORCEMENT, matrix)
    lacking = gaps(known, {}, Urgency.U1, found, matrix)
    said = in_turn(map(words_of_gap, lacking))
    code = code_of_gaps([each.kind for each in lacking])
    problem = sent(WrongStateError(code, said))
    other = {"code": "not_releasable", "detail": "bzkj receives no single case"}

    assert '{"threat": {"danger": "yes"' in str(read_refusal(409, problem).hint)
    assert read_refusal(409, other).hint is None


def test_what_a_class_of_partner_needs_is_recorded_by_an_option() -> None:
    known = Elements(threat=Threat(danger=Danger.YES, reason="they said so"))
    with pytest.raises(NothingForPartnerError) as refused:
        project(known, {}, PartnerClass.NCMEC, shipped_matrix())
    told = words_of_nothing(refused.value)
    refusal = read_refusal(409, sent(WrongStateError("conditions_missing", told)))

    command = "`fedsafe case assess CASE --condition transfer_basis`"
    assert command in str(refusal.hint)
    assert "bekommt nichts ohne transfer_basis" in refusal.diagnostics(language="de")


def test_what_is_open_before_closing_is_said_in_words_and_options() -> None:
    names = [*unanswered(Answers()), "second_look", "inquiry"]
    said = Phrase("not answered yet: {questions}").filled(questions=", ".join(names))
    refusal = read_refusal(409, sent(WrongStateError("unanswered", said)))
    german = refusal.diagnostics(language="de").partition("\n")[0]

    assert "misused feature, help offered, " in str(refusal)
    assert "missbrauchte Funktion, angebotene Hilfe, " in german
    assert "_" not in german.removesuffix("(unanswered)")
    told = str(refusal.hint)
    assert "what becomes of the evidence: `fedsafe case assess CASE --evid" in told
    assert len(told.split("; ")) == len(names)


def said_in_german(**problem: object) -> list[str]:
    return read_refusal(409, problem).diagnostics(language="de").splitlines()


def test_hints_are_said_in_german_too() -> None:
    ruled = {"rule": "P6", "policy": "p@1", "reason": {"de": "zwei", "en": "two"}}
    roles = said_in_german(code="role", about="dpo, reviewer", **ruled)
    other = said_in_german(code="role", about="audit_review", **ruled)
    place = said_in_german(code="invalid_body", detail="x", pointer="/a/0")
    known = said_in_german(code="not_pending", detail="this act is decided")
    names = {"params": {"questions": "help, inquiry"}, "template": "x"}
    open_ = said_in_german(code="unanswered", detail="x", **names)

    rule = "fedsafe: Hinweis: Regel P6 der Richtlinie p@1 entscheidet"
    assert roles[1] == f"{rule}; Rollen, die es dürfen: dpo, reviewer"
    assert other[1] == f"{rule}, wegen audit_review"
    assert place[1] == "fedsafe: Hinweis: siehe /a/0 der Anfrage"
    assert known[1].endswith("neu ansehen")
    assert "noch nicht beantwortet: angebotene Hilfe, Rückfrage" in open_[0]
    assert "auch wenn die Antwort verweigert wurde" in open_[1]


def test_an_option_that_a_hint_names_has_its_form_in_german(
    ask: "Run", node: "FakeNode"
) -> None:
    problem = {"code": "invalid_body", "detail": "x", "pointer": "/until"}
    node.always(f"POST /v1/tasks/{TASK}/outcome", problem, 422)
    watch = ("task", "decide", TASK, "watch", "--until", "soon")

    assert "--until erwartet einen Tag wie 2027" in ask(*watch, "--lang", "de").err


@pytest.mark.parametrize("name", ["auditReport", "auditSubject", "auditAccess"])
def test_who_may_not_read_of_accounts_is_told_who_can_be_let(name: str) -> None:
    (route,) = (each for each in ROUTES if each.name == name)
    told = Phrase("this takes {who}").filled(who=describe(route.auth, route.roles))
    about = ", ".join(sorted(route.roles))
    refused = RefusedError(Code.FORBIDDEN, told, about=about)
    refusal = read_refusal(403, sent(refused))

    assert "--grant dpo" in str(refusal.hint)
    assert "dafür braucht es den Ausweis" in refusal.diagnostics(language="de")
    assert "--grant dpo" in WAYS_OUT["own_role"].said("de")


@pytest.mark.parametrize("name", WAYS_OUT)
def test_every_way_out_is_said_in_both_languages(name: str) -> None:
    german, english = (WAYS_OUT[name].said(each) for each in ("de", "en"))
    commands = re.compile(r"fedsafe [a-z-]+(?: [a-z-]+)?|(?<=[ (`])--[a-z-]+")

    assert german != english
    assert set(commands.findall(german)) == set(commands.findall(english))


def sent(error: Exception) -> dict[str, Any]:
    """Give the document by which a node refuses."""
    found: dict[str, Any] = json.loads(body_of(problem_of(error, request_id="a-1")))
    return found


@pytest.mark.parametrize(
    ("refusal", "german"),
    [
        (
            Phrase(
                "a case that is {case_state} does not become {following_case_state}"
            ).filled(case_state="needs_info", following_case_state="closed"),
            "ein Fall, der Rückfrage (needs_info) ist, wird nicht geschlossen (closed)",
        ),
        (
            Phrase("this dispatch is {dispatch_state} already").filled(
                dispatch_state="acknowledged"
            ),
            "dieses Paket ist schon bestätigt",
        ),
        (
            Phrase("{partner}: {why}").filled(
                partner="bka", why=FAULTS[PartnerFault.UNVERIFIED]
            ),
            f"bka: {FAULTS[PartnerFault.UNVERIFIED].de}",
        ),
        (
            in_turn([Phrase("it is open"), Phrase("that name is taken")]),
            "er ist offen dieser Name ist vergeben",
        ),
    ],
)
def test_what_the_node_refuses_is_said_in_german_by_its_template(
    refusal: Phrase, german: str
) -> None:
    problem = sent(WrongStateError("case_state", refusal))
    told = read_refusal(409, problem)

    assert str(told) == f"{refusal} (case_state)", "English stays as it came"
    assert told.diagnostics(language="de").startswith(
        f"fedsafe: Fehler: {german} (case_state)"
    )


@pytest.mark.parametrize(
    "made",
    [
        {},
        {"template": "something newer"},
        {"template": "something {newer}", "params": {"newer": "newer"}},
        {"template": "{partner}: {why}", "params": {"partner": "bka"}},
        {"template": "{partner}: {why}", "params": {"partner": "a", "why": [1]}},
        {"template": "{a.__class__}", "params": {"a": "x"}},
        {"template": "that name is taken" * 1_000},
        {"template": 7, "params": "x"},
        {"template": "that name is taken", "params": {str(n): n for n in range(99)}},
    ],
)
def test_what_nobody_has_put_in_german_is_said_as_the_node_says_it(
    made: dict[str, Any],
) -> None:
    told = said_in_german(code="wrong_state", detail="something newer", **made)

    assert told[0] == "fedsafe: Fehler: something newer (wrong_state)"


def test_a_template_that_lies_about_its_sentence_is_never_a_format() -> None:
    deep: dict[str, Any] = {"template": "it is open"}
    for _ in range(100):
        deep = {"template": "{first} {rest}", "params": {"first": deep, "rest": "x"}}
    told = said_in_german(code="x", detail="plain", **deep)

    assert told[0] == "fedsafe: Fehler: plain (x)"


def test_an_older_node_is_understood() -> None:
    """It sends the codes of before, and no template."""
    told = read_refusal(409, {"code": "wrong_state", "detail": "this case is closed"})

    assert str(told) == "this case is closed (wrong_state)"
    assert "how it stands now" in str(told.hint)
