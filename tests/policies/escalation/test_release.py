# SPDX-License-Identifier: Apache-2.0
from importlib.resources import files
from typing import Final

import msgspec
import pytest
from msgspec import UNSET
from tests.support.maximal import MAXIMAL

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Elements, Threat
from fedsafe_policies.escalation.projection import Circumstances, project
from fedsafe_policies.escalation.release import GapKind, gaps, refuse_release
from fedsafe_policies.escalation.urgency import (
    Deadline,
    Unit,
    before_form,
    load_urgencies,
    urgencies,
)
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Condition,
    Danger,
    Element,
    PartnerClass,
    Urgency,
)
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

TEXT: Final = files("fedsafe_policies").joinpath("data", "urgency.toml").read_text()
OFFICER: Final = Person("ada", Role.ESCALATION_OFFICER)
REVIEWER: Final = Person("ben", Role.REVIEWER)
YOUTH: Final = Person("cem", Role.YOUTH_PROTECTION_OFFICER)
DPO: Final = Person("dia", Role.DPO)


def found(
    known: Elements,
    urgency: Urgency = Urgency.U1,
    partner: PartnerClass = PartnerClass.LAW_ENFORCEMENT,
    unavailable: dict[Element, Absence] | None = None,
) -> list[tuple[GapKind, Element]]:
    said = unavailable or {}
    projection = project(
        known,
        said,
        partner,
        shipped_matrix(),
        Circumstances(granted=frozenset(Condition), consented=frozenset(Element)),
    )
    return [
        (gap.kind, gap.element)
        for gap in gaps(known, said, urgency, projection, shipped_matrix())
    ]


def without(*elements: Element) -> Elements:
    return msgspec.structs.replace(MAXIMAL, **{name.value: UNSET for name in elements})


@pytest.mark.parametrize("urgency", Urgency)
def test_a_complete_case_may_go(urgency: Urgency) -> None:
    assert found(MAXIMAL, urgency) == []


@pytest.mark.promise("LR-46")
@pytest.mark.parametrize(
    ("element", "kind"),
    [
        (Element.THREAT, GapKind.NO_REASON),
        (Element.CASE, GapKind.NO_TIME),
        (Element.NETWORK, GapKind.NO_ADDRESS),
        (Element.PRESERVATION, GapKind.NO_PRESERVATION),
        (Element.CONTACT, GapKind.NO_CONTACT),
    ],
)
@pytest.mark.parametrize(
    "partner", [PartnerClass.LAW_ENFORCEMENT, PartnerClass.HOTLINE]
)
def test_a_case_of_art_18_lacks_nothing_that_finds_people(
    element: Element, kind: GapKind, partner: PartnerClass
) -> None:
    assert found(without(element), partner=partner) == [(kind, element)]


def test_an_address_may_be_said_to_be_unavailable() -> None:
    said = {Element.NETWORK: Absence.NOT_RECORDED}

    assert found(without(Element.NETWORK), unavailable=said) == []


@pytest.mark.parametrize(
    ("danger", "kind"),
    [(Danger.NO, GapKind.NO_THREAT), (Danger.UNCLEAR, GapKind.UNCLEAR_THREAT)],
)
@pytest.mark.parametrize("urgency", [Urgency.U0, Urgency.U1])
def test_urgent_cases_rest_on_a_threat(
    danger: Danger, kind: GapKind, urgency: Urgency
) -> None:
    known = msgspec.structs.replace(
        MAXIMAL, threat=Threat(danger=danger, reason="Weil.")
    )

    assert found(known, urgency) == [(kind, Element.THREAT)]


def test_a_threat_without_a_reason_is_no_threat_assessment() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"danger": "yes", "reason": " "}, Threat)


def test_help_is_handed_over_with_a_recorded_consent_only() -> None:
    lacking = (GapKind.NO_CONSENT, Element.CONSENT)
    known = without(Element.CONSENT)

    assert lacking in found(known, Urgency.UH, PartnerClass.COUNSELLING)


def test_what_a_partner_needs_is_asked_for_in_both_languages() -> None:
    known = without(Element.LOCATORS)
    projection = project(known, {}, PartnerClass.HOTLINE, shipped_matrix())
    (gap,) = gaps(known, {}, Urgency.U2, projection, shipped_matrix())

    assert gap.kind is GapKind.MISSING
    assert "URL" in gap.text.de
    assert "is missing" in gap.text.en


@pytest.mark.parametrize("urgency", [Urgency.U1, Urgency.U2])
def test_two_people_release_and_one_person_never(urgency: Urgency) -> None:
    same = Person("ADA ", Role.REVIEWER)

    assert refuse_release(urgency, OFFICER, REVIEWER) is None
    assert refuse_release(urgency, OFFICER, None) is Refusal.FOUR_EYES
    assert refuse_release(urgency, OFFICER, same) is Refusal.FOUR_EYES
    assert refuse_release(urgency, REVIEWER, OFFICER) is Refusal.ROLE
    assert refuse_release(urgency, OFFICER, DPO) is Refusal.ROLE


def test_in_imminent_danger_one_officer_releases() -> None:
    assert refuse_release(Urgency.U0, OFFICER, None) is None
    assert refuse_release(Urgency.U0, REVIEWER, None) is Refusal.ROLE
    assert refuse_release(Urgency.U0, OFFICER, None, legal_opinion=False) is None
    assert urgencies()[Urgency.U0].second_look == Deadline(12, Unit.HOURS)


def test_a_pattern_takes_the_youth_protection_officer_and_the_dpo() -> None:
    assert refuse_release(Urgency.U3, YOUTH, DPO) is None
    assert refuse_release(Urgency.U3, OFFICER, DPO) is Refusal.ROLE
    assert refuse_release(Urgency.U3, YOUTH, REVIEWER) is Refusal.ROLE


def test_a_borderline_case_waits_for_the_legal_adviser() -> None:
    answer = refuse_release(Urgency.U2, OFFICER, REVIEWER, legal_opinion=False)

    assert answer is Refusal.LEGAL_REVIEW


def test_110_comes_before_any_form_in_imminent_danger() -> None:
    first, *rest = before_form(Urgency.U0)

    assert "110" in first.de
    assert "110" in first.en
    assert len(rest) > 1
    assert [before_form(other) for other in Urgency if other is not Urgency.U0] == (
        [()] * 4
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Rufen Sie jetzt die 110 an.", "Füllen Sie aus.", "begin with 110"),
        ('second_look = { amount = 12, unit = "hours" }\n', "", "second_look"),
        ('training = "emergency"\n', "", "training"),
        ('release = "two_people"', 'release = "one_then_second"', "u1.release"),
        ("amount = 30", "amount = 0", "u0.first_dispatch"),
        ('unit = "months"', 'unit = "moons"', "u3.first_dispatch"),
        ("[urgencies.uh]", "[urgencies.ux]", "line"),
    ],
)
def test_a_table_that_lets_go_too_easily_is_refused(
    old: str, new: str, said: str
) -> None:
    assert old in TEXT

    with pytest.raises(PolicyFileError, match=said):
        load_urgencies(TEXT.replace(old, new, 1).encode())


def test_imminent_danger_without_a_time_for_the_call_is_refused() -> None:
    text = TEXT.replace('call = { amount = 5, unit = "minutes" }\n', "")
    with pytest.raises(PolicyFileError, match="lacking"):
        load_urgencies(text.encode())
