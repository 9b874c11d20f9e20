# SPDX-License-Identifier: Apache-2.0
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from msgspec import UNSET, structs
from tests.node.casework.rendering.papers import WHOLE
from tests.support.maximal import AT

from fedsafe_node.casework.rendering.forms import Told, render_row
from fedsafe_policies.errors import RenderingError
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.package import Elements, MeasureTaken, Suspicion
from fedsafe_policies.escalation.vocabulary import Language, Step
from fedsafe_policies.vocabulary import Phenomenon

PUID: Final = UUID("0199a000-0000-4000-8000-00000000000a")
TOLD: Final = Told(frozenset({CaseSource.USER_REPORT}), automated_detection=False)
ALLOWED: Final[dict[str, set[str]]] = {
    "decision_visibility": {"DECISION_VISIBILITY_CONTENT_REMOVED"},
    "decision_provision": {"DECISION_PROVISION_PARTIAL_SUSPENSION"},
    "decision_account": {"DECISION_ACCOUNT_SUSPENDED", "DECISION_ACCOUNT_TERMINATED"},
    "decision_ground": {
        "DECISION_GROUND_ILLEGAL_CONTENT",
        "DECISION_GROUND_INCOMPATIBLE_CONTENT",
    },
    "category": {
        "STATEMENT_CATEGORY_PROTECTION_OF_MINORS",
        "STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS",
    },
    "category_specification": {
        "KEYWORD_GROOMING_SEXUAL_ENTICEMENT_MINORS",
        "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",
        "KEYWORD_PROHIBITED_PRODUCTS",
        "KEYWORD_OTHER",
    },
    "content_type": {
        "CONTENT_TYPE_IMAGE",
        "CONTENT_TYPE_VIDEO",
        "CONTENT_TYPE_AUDIO",
        "CONTENT_TYPE_TEXT",
    },
    "source_type": {
        "SOURCE_ARTICLE_16",
        "SOURCE_TRUSTED_FLAGGER",
        "SOURCE_TYPE_OTHER_NOTIFICATION",
        "SOURCE_VOLUNTARY",
    },
    "automated_detection": {"Yes", "No"},
    "automated_decision": {"AUTOMATED_DECISION_NOT_AUTOMATED"},
}
REQUIRED: Final = {
    *("decision_ground", "content_type", "category", "content_date"),
    *("application_date", "decision_facts", "source_type", "automated_detection"),
    *("automated_decision", "puid"),
}
OTHERS: Final = {
    *("illegal_content_legal_ground", "illegal_content_explanation"),
    *("incompatible_content_ground", "incompatible_content_explanation"),
    "category_specification_other",
}


def _row(
    known: Elements = WHOLE, told: Told = TOLD, language: Language = Language.DE
) -> dict[str, Any]:
    content = render_row(known, told, PUID, language).content
    row: dict[str, Any] = msgspec.json.decode(content)
    return row


@pytest.mark.promise("LR-44")
@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("source", CaseSource)
@pytest.mark.parametrize("phenomenon", Phenomenon)
def test_a_row_holds_fields_and_values_of_the_database_only(
    phenomenon: Phenomenon, source: CaseSource, language: Language
) -> None:
    steps = tuple(MeasureTaken(step=step, taken_at=AT) for step in Step)
    known = structs.replace(WHOLE, phenomenon=phenomenon, measures=steps)
    told = Told(frozenset({source}), automated_detection=True)
    row = _row(known, told, language)

    assert set(row) <= REQUIRED | OTHERS | set(ALLOWED)
    assert set(row) >= REQUIRED
    for name, allowed in ALLOWED.items():
        value = row.get(name, [])
        values = {value} if isinstance(value, str) else set(value)
        assert values <= allowed


@pytest.mark.promise("LR-44")
def test_a_row_holds_nobody() -> None:
    text = str(_row())

    for name in (
        "user-",
        "mail.example",
        "192.0.2",
        "case-7",
        "Chat",
        "+49",
        "Bahnhof",
    ):
        assert name not in text


@pytest.mark.parametrize(
    ("step", "field", "value"),
    [
        (Step.L2, "decision_visibility", ["DECISION_VISIBILITY_CONTENT_REMOVED"]),
        (Step.L3, "decision_provision", "DECISION_PROVISION_PARTIAL_SUSPENSION"),
        (Step.L4, "decision_account", "DECISION_ACCOUNT_SUSPENDED"),
        (Step.L6, "decision_account", "DECISION_ACCOUNT_TERMINATED"),
    ],
)
def test_a_measure_is_told_as_the_database_calls_it(
    step: Step, field: str, value: object
) -> None:
    measures = (MeasureTaken(step=step, taken_at=AT),)

    assert _row(structs.replace(WHOLE, measures=measures))[field] == value


@pytest.mark.parametrize(
    "known",
    [
        structs.replace(WHOLE, phenomenon=UNSET),
        structs.replace(WHOLE, measures=UNSET),
        structs.replace(WHOLE, measures=(MeasureTaken(step=Step.L1, taken_at=AT),)),
        structs.replace(WHOLE, content=UNSET, network=UNSET),
    ],
)
def test_a_row_that_would_lack_something_is_refused(known: Elements) -> None:
    with pytest.raises(RenderingError) as refused:
        _row(known)

    assert refused.value.code == "lacking"


@pytest.mark.promise("LR-44")
def test_how_the_content_was_found_is_never_guessed() -> None:
    with pytest.raises(RenderingError, match="automated means"):
        _row(told=Told(TOLD.sources))


def test_without_a_suspicion_the_terms_are_the_ground() -> None:
    row = _row(structs.replace(WHOLE, suspicion=UNSET))

    assert row["decision_ground"] == "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    assert row["incompatible_content_ground"]


def test_an_identifier_among_the_sections_is_refused() -> None:
    known = structs.replace(WHOLE, suspicion=Suspicion(sections=("user-99, § 176b",)))

    with pytest.raises(RenderingError) as refused:
        _row(known)

    assert refused.value.code == "identifier_refused"
    assert "user-99" not in str(refused.value)
