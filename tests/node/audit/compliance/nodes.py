# SPDX-License-Identifier: Apache-2.0
"""Nodes that documents are written about: facts, without a node."""

from datetime import UTC, date, datetime

from fedsafe_node.audit.compliance.facts import (
    Facts,
    FederationFacts,
    GateFacts,
    KeptFacts,
    MemberFacts,
    RegisterFacts,
    SeatFacts,
)
from fedsafe_node.audit.compliance.model import Language, markdown
from fedsafe_node.audit.compliance.model import SheetKind as Kind
from fedsafe_node.audit.compliance.writer import write_sheet
from fedsafe_policies.documents.legal_calendar import shipped_calendar
from fedsafe_policies.documents.policy import shipped
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate
from fedsafe_policies.vocabulary import Role

DAY = date(2026, 11, 20)
GATE = LegalGate(
    legal_basis="doc-basis",
    balancing_test="doc-balance",
    dpia="doc-dpia",
    consultation=Consultation.NOT_REQUIRED,
    consultation_reference="note-36",
    arrangement="jca-3",
    dpo_approval=Approval("dora", DAY),
    management_approval=Approval("mia", DAY),
    valid_until=date(2027, 11, 20),
)
KEPT = KeptFacts(
    actor=90,
    subject=365,
    detail=1095,
    records=0,
    announced=30,
    unreceipted=365,
    found=90,
)
ALONE = Facts(
    at=datetime(2026, 11, 24, 12, tzinfo=UTC),
    node="chat.example.de",
    jurisdiction="DE",
    contact="abuse@chat.example.de",
    version="0.1",
    policy=shipped("strict"),
    calendar=shipped_calendar(),
    options=frozenset(),
    gate=GateFacts(
        record=LegalGate(), recorded_on=None, is_open=False, missing=("dpia",)
    ),
    register=RegisterFacts(is_met=False, until=None, missing=("S-V-1",)),
    kept=KEPT,
    federation=None,
    seats=tuple(
        SeatFacts(role=role, people=0, external=0)
        for role in Role
        if role is not Role.SERVICE
    ),
    gaps=8,
)
FEDERATED = Facts(
    **{name: getattr(ALONE, name) for name in ("at", "node", "jurisdiction")},
    **{name: getattr(ALONE, name) for name in ("contact", "version", "calendar")},
    policy=shipped("germany"),
    options=frozenset(),
    gate=GateFacts(
        record=GATE, recorded_on=date(2026, 11, 24), is_open=True, missing=()
    ),
    register=RegisterFacts(is_met=True, until=date(2027, 6, 1), missing=()),
    kept=KEPT,
    federation=FederationFacts(
        name="kids.example",
        created=date(2026, 10, 1),
        threshold=2,
        epoch_ends=date(2027, 10, 1),
        policy="germany@00112233",
        arrangement="jca@44556677",
        others=(
            MemberFacts(
                name="spiel.example", jurisdiction="AT", attested=True, suspended=False
            ),
        ),
    ),
    seats=tuple(
        SeatFacts(role=role, people=1, external=int(role is Role.DPO))
        for role in Role
        if role is not Role.SERVICE
    ),
    gaps=0,
)


def text_of(kind: Kind, facts: Facts, language: Language = Language.EN) -> str:
    """Write a document about a node."""
    return markdown(write_sheet(kind, language, facts))
