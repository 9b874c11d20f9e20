# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.node.audit.compliance.nodes import ALONE, FEDERATED, GATE, text_of

from fedsafe_node.audit.compliance.facts import Facts, GateFacts, Option
from fedsafe_node.audit.compliance.model import Language
from fedsafe_node.audit.compliance.model import SheetKind as Kind
from fedsafe_node.audit.compliance.writer import write_sheet
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.engine import decide
from fedsafe_policies.rules.access import ReadRequest
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.gate import LegalGate, Site
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act, Matter, Purpose, Role

SHEETS = [Kind.ART30, Kind.DPIA, Kind.WORKS_COUNCIL]
GATED = [name for name in LegalGate.__struct_fields__ if name != "valid_until"]


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", Kind)
def test_a_sheet_names_node_policy_and_moment(kind: Kind, language: Language) -> None:
    sheet = write_sheet(kind, language, FEDERATED)

    assert sheet.node == "chat.example.de"
    assert sheet.policy == FEDERATED.policy.reference
    assert sheet.policy_sha256 == FEDERATED.policy.digest
    assert sheet.generated_at == "2026-11-24T12:00:00+00:00"
    assert sheet.policy_sha256 in sheet.notice


@pytest.mark.parametrize(
    ("days", "said"),
    [(0, "names nobody and stays for good"), (3650, "and goes after 3650 days")],
)
def test_the_art30_record_says_how_long_records_stay(days: int, said: str) -> None:
    facts = replace(ALONE, kept=replace(ALONE.kept, records=days))

    assert said in text_of(Kind.ART30, facts)


def test_what_is_switched_off_is_said_to_be_off() -> None:
    strict, germany = (
        text_of(Kind.ART30, ALONE),
        text_of(Kind.ART30, FEDERATED),
    )

    assert "shares no signals about persons" in strict
    assert "shares no signals about persons" not in germany


@pytest.mark.parametrize("name", GATED)
def test_a_fact_of_the_gate_that_is_missing_is_said_to_be(name: str) -> None:
    record = msgspec.structs.replace(GATE, **{name: None})
    lacking = replace(FEDERATED, gate=replace(FEDERATED.gate, record=record))
    complete, less = (
        text_of(Kind.DPIA, FEDERATED),
        text_of(Kind.DPIA, lacking),
    )

    assert "not recorded yet (`fedsafe gate record`)" not in complete
    assert "not recorded yet (`fedsafe gate record`)" in less


def _changes() -> dict[str, Facts]:
    one = FEDERATED
    assert one.federation is not None
    other = replace(one.federation.others[0], name="klub.example", jurisdiction="US")
    return {
        "policy": replace(one, policy=shipped("strict")),
        "members": replace(one, federation=replace(one.federation, others=(other,))),
        "threshold": replace(one, federation=replace(one.federation, threshold=3)),
        "alone": replace(one, federation=None),
        "gate": replace(
            one,
            gate=GateFacts(record=GATE, recorded_on=None, is_open=False, missing=()),
        ),
        "kept": replace(one, kept=replace(one.kept, actor=91)),
        "contact": replace(one, contact="dsb@chat.example.de"),
        "officer": replace(one, dpo_contact="dpo@chat.example.de"),
        "calendar": replace(
            one, calendar=replace(one.calendar, recorded={"eu-interim-2026": "oj:1"})
        ),
    }


@pytest.mark.promise("LR-27")
@pytest.mark.parametrize("change", _changes())
def test_a_changed_configuration_changes_the_records(change: str) -> None:
    assert text_of(Kind.ART30, _changes()[change]) != text_of(Kind.ART30, FEDERATED)


@pytest.mark.parametrize("option", list(Option))
def test_what_is_configured_beside_the_policy_is_told(option: Option) -> None:
    switched = replace(FEDERATED, options=frozenset({option}))

    assert text_of(Kind.ART30, switched) != text_of(Kind.ART30, FEDERATED)


@pytest.mark.promise("LR-30")
def test_a_policy_that_is_newer_than_the_gate_asks_for_another_look() -> None:
    older = replace(FEDERATED.gate, recorded_on=date(2026, 11, 1))
    late = replace(FEDERATED, gate=older)

    assert "To be examined" not in text_of(Kind.DPIA, FEDERATED)
    assert "To be examined" in text_of(Kind.DPIA, late)


def test_a_member_outside_of_the_allowed_countries_is_pointed_out() -> None:
    abroad = _changes()["members"]

    assert "Attention" not in text_of(Kind.DPIA, FEDERATED)
    assert "Attention" in text_of(Kind.DPIA, abroad)


@pytest.mark.parametrize("kind", Kind)
def test_names_are_those_of_the_approvals_alone(kind: Kind) -> None:
    text = text_of(kind, FEDERATED)

    assert ("dora" in text, "mia" in text) == (
        kind is Kind.DPIA,
        kind is Kind.DPIA,
    )


def _shape(text: str) -> list[str]:
    unescaped = text.replace("\\\\", "").replace("\\|", "")
    return [line[:1] + str(line.count("|")) for line in unescaped.splitlines()]


@given(st.text(max_size=200))
def test_what_a_provider_enters_is_text_and_nothing_else(entered: str) -> None:
    record = msgspec.structs.replace(
        GATE, legal_basis=f"x{entered}", dpia=f"x{entered}"
    )
    facts = replace(FEDERATED, gate=replace(FEDERATED.gate, record=record))

    for kind in (Kind.ART30, Kind.DPIA):
        text = text_of(kind, facts)
        assert _shape(text) == _shape(text_of(kind, FEDERATED))
        assert "<" not in text.replace("\\<", "")


@pytest.mark.parametrize("kind", SHEETS)
def test_a_table_has_as_many_cells_as_headings(kind: Kind) -> None:
    for facts in (ALONE, FEDERATED):
        sheet = write_sheet(kind, Language.DE, facts)
        for section in sheet.sections:
            for block in section.blocks:
                rows = getattr(block, "rows", ())
                assert {len(row) for row in rows} <= {
                    len(getattr(block, "headings", ()))
                }


GERMANY = shipped("germany")


def _allows(request: ActRequest | ReadRequest) -> bool:
    return decide(request, GERMANY, shipped_calendar(), 0, Site((), ())).allowed


def test_who_reveals_a_pseudonym_is_as_the_works_council_is_told() -> None:
    kind, text = Act.PSEUDONYM_REVEAL, text_of(Kind.WORKS_COUNCIL, FEDERATED)
    pairs = {
        (first, second)
        for first in Role
        for second in Role
        if _allows(ActRequest(kind, Person("a", first), Person("b", second), "no-1"))
    }

    assert "dpo or auditor, the second dpo, legal adviser or reviewer;" in text
    assert pairs == {
        (first, second)
        for first in (Role.DPO, Role.AUDITOR)
        for second in (Role.DPO, Role.LEGAL_ADVISER, Role.REVIEWER)
    }


def test_who_reads_the_log_is_as_the_works_council_is_told() -> None:
    text = text_of(Kind.WORKS_COUNCIL, FEDERATED)
    readers = {
        role
        for role in Role
        for purpose in Purpose
        if _allows(ReadRequest(role, purpose, Matter.AUDIT))
    }

    assert "| Who can read | reviewer, dpo and auditor, for a purpose" in text
    assert readers == {Role.REVIEWER, Role.DPO, Role.AUDITOR}
