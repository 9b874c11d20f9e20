# SPDX-License-Identifier: Apache-2.0
from enum import StrEnum

import pytest

from fedsafe_policies.escalation.closing import (
    Answers,
    EvidenceDecision,
    Help,
    unanswered,
)
from fedsafe_policies.escalation.opening import CaseSource
from fedsafe_policies.escalation.vocabulary import Absence, Danger
from fedsafe_policies.escalation.wording import case_word, question
from fedsafe_policies.span import Span
from fedsafe_policies.vocabulary import (
    Act,
    Circle,
    Grade,
    Module,
    Phenomenon,
    Plane,
    Purpose,
    Role,
    Surface,
    Withholding,
)
from fedsafe_policies.wording import said

CODED: list[type[StrEnum]] = [
    *(Act, Circle, Grade, Module, Phenomenon),
    *(Plane, Purpose, Role, Surface, Withholding),
]


@pytest.mark.parametrize("words", CODED)
def test_every_code_of_a_policy_has_a_german_name(words: type[StrEnum]) -> None:
    nameless = [code.value for code in words if said(code).de == code.value]

    assert nameless == [], "name these in policies/fedsafe_policies/wording.py"


@pytest.mark.parametrize("words", [CaseSource, Help, EvidenceDecision, Absence])
def test_every_code_of_a_case_has_a_german_name(words: type[StrEnum]) -> None:
    nameless = [c.value for c in words if case_word(words, c).de == c.value]

    assert nameless == []
    assert case_word(words, "newer").de == "newer"


def test_every_question_of_a_case_has_a_german_name() -> None:
    names = {*unanswered(Answers()), *unanswered(Answers(danger=Danger.UNCLEAR))}

    assert [name for name in names if question(name).de == name] == []
    assert "opinion" in names


def test_spans_and_sets_are_said_in_both_languages() -> None:
    assert said(Span.parse("1 month")).de == "1 Monat"
    assert said(Span.parse("12 months")).en == "12 months"
    assert said(frozenset({Plane.MEDIA, Plane.ACTOR})).de == "Personen, Medien"
