# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise, permutations
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.maximal import MAXIMAL
from tests.support.policy_requests import ask

from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.case_start import CaseRequest, CaseSource
from fedsafe_policies.escalation.closure import (
    LONGEST_HOLD,
    Answers,
    EvidenceDecision,
    Help,
    Hold,
    HoldFault,
    fault_of_hold,
    unanswered,
)
from fedsafe_policies.escalation.package import present
from fedsafe_policies.escalation.playbooks import load_playbooks, playbooks
from fedsafe_policies.escalation.projection import as_seen_by, seen_by
from fedsafe_policies.escalation.queue import Waiting, in_order, patience
from fedsafe_policies.escalation.states import (
    EDITABLE,
    STEPS,
    CaseState,
    is_borderline,
    may_follow,
)
from fedsafe_policies.escalation.vocabulary import Danger, Element, Urgency
from fedsafe_policies.rules.decision import Verdict
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Level, Phenomenon, Role

ADA: Final = Person("ada", Role.ESCALATION_OFFICER)
GERMANY: Final = shipped("germany")
BOOK: Final = (
    files("fedsafe_policies").joinpath("data", "playbooks.toml").read_text("utf-8")
)
COMPLETE: Final = Answers(
    phenomenon=Phenomenon.GROOMING,
    feature="direct_messages",
    help=Help.OFFERED,
    danger=Danger.NO,
    level=Level.L6,
    evidence=EvidenceDecision.PRESERVED,
)
HOLD: Final = Hold(authority="zac-nrw", basis="order-17", since=0, until=LONGEST_HOLD)
NOW: Final = 1_790_000_000


def case(*sources: CaseSource, evidence: tuple[str, ...] = ()) -> CaseRequest:
    return CaseRequest(ADA, frozenset(sources), evidence)


@pytest.mark.promise("LR-23")
def test_a_foreign_signal_alone_never_makes_a_case() -> None:
    for sources in ((), (CaseSource.FOREIGN_SIGNAL,)):
        decision = ask(case(*sources, evidence=("vault-7",)), GERMANY)

        assert decision.effect is Verdict.DENY
        assert (decision.rule, decision.code) == ("P13", "foreign_signal_only")


def test_beside_a_foreign_signal_stands_evidence_of_ones_own() -> None:
    both = (CaseSource.FOREIGN_SIGNAL, CaseSource.OWN_REVIEW)

    assert ask(case(*both), GERMANY).code == "evidence_missing"
    assert ask(case(*both, evidence=("a b",)), GERMANY).code == "free_text"
    assert ask(case(*both, evidence=("vault-7",)), GERMANY).effect is Verdict.ALLOW


@pytest.mark.parametrize("role", Role)
def test_only_who_works_on_cases_opens_one(role: Role) -> None:
    request = replace(case(CaseSource.USER_REPORT), person=Person("eve", role))
    opens = role in {Role.ANALYST, Role.REVIEWER, Role.ESCALATION_OFFICER}

    assert (ask(request, GERMANY).effect is Verdict.ALLOW) is opens


def test_every_state_is_reached_and_leads_to_an_end() -> None:
    for start in CaseState:
        seen, waiting = {start}, [start]
        while waiting:
            more = STEPS[waiting.pop()] - seen
            seen |= more
            waiting += more
        if start is CaseState.DRAFT:
            assert seen == set(CaseState)
        assert CaseState.CLOSED in seen


def test_nothing_is_sent_unapproved_and_delivery_is_no_acknowledgement() -> None:
    before = {state for state in CaseState if may_follow(state, CaseState.PACKAGED)}

    assert before == {CaseState.APPROVED}
    assert not may_follow(CaseState.DELIVERED, CaseState.CLOSED)
    assert not any(
        may_follow(state, CaseState.APPROVED) for state in set(CaseState) - EDITABLE
    )


def test_no_case_is_closed_while_a_partner_waits_for_an_answer() -> None:
    asked = CaseState.NEEDS_INFO

    assert not may_follow(asked, CaseState.CLOSED)
    assert may_follow(asked, CaseState.SUPPLEMENTED)


def test_what_was_sent_can_always_be_recalled_until_it_is_closed() -> None:
    sent = (
        set(CaseState)
        - EDITABLE
        - {
            CaseState.APPROVED,
            CaseState.PACKAGED,
            CaseState.RECALLED,
            CaseState.CLOSED,
        }
    )

    assert [each for each in sent if not may_follow(each, CaseState.RECALLED)] == []


def test_borderline_cases_wait_for_the_legal_adviser() -> None:
    waiting = {each for each in Phenomenon if is_borderline(each, Danger.NO)}

    assert waiting == {
        Phenomenon.SEXUALISED_LANGUAGE,
        Phenomenon.VIOLENT_FANTASY_CHAT,
        Phenomenon.SEX_DOLL_ORDER,
        Phenomenon.AVATAR_ACTS,
    }
    assert is_borderline(Phenomenon.GROOMING, Danger.UNCLEAR)
    assert is_borderline(None, None) is False


@pytest.mark.promise("LR-45")
@pytest.mark.parametrize(
    ("field", "name"),
    [
        ("phenomenon", "phenomenon"),
        ("feature", "feature"),
        ("help", "help"),
        ("danger", "threat"),
        ("level", "level"),
        ("evidence", "evidence"),
    ],
)
def test_a_case_is_not_closed_without_each_answer(field: str, name: str) -> None:
    assert unanswered(COMPLETE) == ()
    assert unanswered(replace(COMPLETE, **{field: None})) == (name,)  # type: ignore[arg-type]


@pytest.mark.promise("LR-45")
def test_an_unclear_threat_is_answered_by_the_legal_adviser() -> None:
    unclear = replace(COMPLETE, danger=Danger.UNCLEAR)

    assert unanswered(unclear) == ("opinion",)
    assert unanswered(replace(unclear, opinion=True)) == ()


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"authority": ""}, HoldFault.AUTHORITY),
        ({"authority": "two words"}, HoldFault.AUTHORITY),
        ({"basis": ""}, HoldFault.BASIS),
        ({"until": LONGEST_HOLD + 1}, HoldFault.UNTIL),
        ({"until": 0}, HoldFault.UNTIL),
        ({}, None),
    ],
)
def test_a_hold_has_an_authority_a_basis_and_an_end(
    changed: dict[str, object], fault: HoldFault | None
) -> None:
    assert fault_of_hold(replace(HOLD, **changed)) is fault  # type: ignore[arg-type]


def waiting(number: int, urgency: Urgency, age: int, *, minors: bool) -> Waiting:
    return Waiting(
        case=f"{number:04}", urgency=urgency, minors=minors, known_at=NOW - age
    )


@pytest.mark.promise("LR-52")
def test_urgency_comes_first_then_minors_then_age() -> None:
    cases = [
        waiting(1, Urgency.U0, 10, minors=False),
        waiting(2, Urgency.U1, 20, minors=True),
        waiting(3, Urgency.U1, 900, minors=False),
        waiting(4, Urgency.U1, 100, minors=False),
        waiting(5, Urgency.U2, 9_000, minors=True),
    ]

    for order in permutations(cases):
        assert in_order(order, NOW) == cases


@given(
    st.lists(st.tuples(st.sampled_from(Urgency), st.integers(0, 10**7), st.booleans()))
)
def test_nobody_waits_behind_a_stream_of_others(
    drawn: list[tuple[Urgency, int, bool]],
) -> None:
    cases = [
        waiting(number, urgency, age, minors=minors)
        for number, (urgency, age, minors) in enumerate(drawn)
    ]
    order = in_order(cases, NOW)

    for first, second in pairwise(order):
        if first.urgency is second.urgency:
            late = NOW - second.known_at >= patience(second.urgency)
            assert not late or first.known_at <= second.known_at
            assert (
                late
                or first.minors
                or not second.minors
                or (NOW - first.known_at >= patience(first.urgency))
            )


def test_who_does_not_work_on_a_case_sees_nobody_in_it() -> None:
    youth = present(as_seen_by(Role.YOUTH_PROTECTION_OFFICER, MAXIMAL))

    assert youth & {Element.SUSPECTS, Element.VICTIMS, Element.REPORTER} == set()
    assert {Element.PHENOMENON, Element.FEATURE, Element.MEASURES} <= youth
    for role in (Role.OPERATOR, Role.AUDITOR, Role.SERVICE):
        assert seen_by(role) == frozenset()
        assert present(as_seen_by(role, MAXIMAL)) == frozenset()


@pytest.mark.parametrize("phenomenon", Phenomenon)
def test_every_phenomenon_has_a_playbook(phenomenon: Phenomenon) -> None:
    book = playbooks()[phenomenon]

    assert {"ask_danger", "secure_evidence", "name_feature"} <= set(book.steps)
    assert all(step.text.de and step.text.en for step in book.steps.values())
    assert ("ask_adviser" in book.steps) is is_borderline(phenomenon, None)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'steps = ["ask_danger", ',
            'steps = ["ask_dangr", ',
            "playbook.grooming.steps",
        ),
        ("[playbook.avatar_acts]", "[playbook.grooming2]", "grooming2"),
        ('role = "analyst"', 'role = "boss"', "role"),
        ("format = 1", "format = 1\nx = 2", "unknown key"),
    ],
)
def test_a_playbook_that_does_not_fit_is_refused(old: str, new: str, said: str) -> None:
    assert old in BOOK

    with pytest.raises(PolicyFileError, match=said):
        load_playbooks(BOOK.replace(old, new, 1).encode())
