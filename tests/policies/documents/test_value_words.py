# SPDX-License-Identifier: Apache-2.0
from enum import StrEnum

import pytest

from fedsafe_policies.documents.value_words import said
from fedsafe_policies.ground.span import Span
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

CODED: list[type[StrEnum]] = [
    *(Act, Circle, Grade, Module, Phenomenon),
    *(Plane, Purpose, Role, Surface, Withholding),
]


@pytest.mark.parametrize("words", CODED)
def test_every_code_of_a_policy_has_a_german_name(words: type[StrEnum]) -> None:
    nameless = [code.value for code in words if said(code).de == code.value]

    assert nameless == [], (
        "name these in policies/fedsafe_policies/documents/value_words.py"
    )


def test_spans_and_sets_are_said_in_both_languages() -> None:
    assert said(Span.parse("1 month")).de == "1 Monat"
    assert said(Span.parse("12 months")).en == "12 months"
    assert said(frozenset({Plane.MEDIA, Plane.ACTOR})).de == "Personen, Medien"
