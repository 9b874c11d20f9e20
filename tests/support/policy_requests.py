# SPDX-License-Identifier: Apache-2.0
"""One allowed request of each type, and requests that are near to one."""

from dataclasses import fields, replace
from datetime import date
from typing import Any, get_type_hints

from hypothesis import strategies as st

from fedsafe_policies.documents.legal_calendar import Calendar, shipped_calendar
from fedsafe_policies.documents.policy import Policy, shipped
from fedsafe_policies.engine import Request, decide
from fedsafe_policies.escalation.case_start import CaseRequest, CaseSource
from fedsafe_policies.rules.access import ExportRequest, ReadRequest
from fedsafe_policies.rules.budgets import (
    EvaluationBudgetRequest,
    LookupBudgetRequest,
    PublicationBudgetRequest,
)
from fedsafe_policies.rules.continuation import KeepRequest
from fedsafe_policies.rules.corroboration import CorroborationRequest, Statement
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disclosure import (
    Audience,
    OpeningRequest,
    Recipient,
    TransferRequest,
)
from fedsafe_policies.rules.disputes import DisputeRequest, RulingRequest
from fedsafe_policies.rules.erasures import EraseRequest, ErasureDebtRequest
from fedsafe_policies.rules.floods import FloodRequest, FloodRulingRequest
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.gate import Approval, Consultation, LegalGate, Site
from fedsafe_policies.rules.legal_gate import GateRequest
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.rules.matching import (
    BodyFacts,
    HeaderFacts,
    MatchRequest,
    ReceiptRequest,
)
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.publication import PublishRequest
from fedsafe_policies.rules.retention import retention
from fedsafe_policies.rules.reviews import ReviewRequest
from fedsafe_policies.rules.roles import RoleRequest, TrainingRecord
from fedsafe_policies.rules.trials import TrialRequest, TrialRulingRequest
from fedsafe_policies.vocabulary import (
    Act,
    Circle,
    Effect,
    EvaluationPurpose,
    Finding,
    Grade,
    IdentifierKind,
    Level,
    Matter,
    MediaKind,
    Module,
    Outcome,
    Phenomenon,
    Plane,
    Provenance,
    Purpose,
    Role,
    Scope,
    Surface,
    Withholding,
)

NOW = 1_790_000_000  # 2026-09-21, a Monday, 13:33 UTC
DAY, HOUR = 86_400, 3_600
GERMANY = shipped("germany")
GATE = LegalGate(
    legal_basis="gdpr-6-1-f/2026-03",
    balancing_test="doc:bt-7",
    dpia="doc:dpia-2",
    consultation=Consultation.NOT_REQUIRED,
    consultation_reference="note:art36-1",
    arrangement="jca-1.2",
    dpo_approval=Approval("dana", date(2026, 9, 1)),
    management_approval=Approval("max", date(2026, 9, 2)),
    valid_until=date(2027, 9, 1),
)
SITE = Site(("a.example.org",), ("https://192.0.2.7",), GATE, NOW + 10**9)
CLOSED = Site(("a.example.org",), ("https://192.0.2.7",))
DEMO = Site(("a.demo", "b.demo"), ("http://127.0.0.1:8401", "[::1]:8402"))

ANNA, RUTH = Person("anna", Role.ANALYST), Person("ruth", Role.REVIEWER)
DANA, OLGA = Person("dana", Role.DPO), Person("olga", Role.OPERATOR)
LEO = Person("leo", Role.LEGAL_ADVISER)

BAN = PublishRequest(
    kind=IdentifierKind.PHONE,
    phenomenon=Phenomenon.GROOMING,
    surface=Surface.PUBLIC_CONTENT,
    grade=Grade.CONFIRMED_CONDUCT,
    scope=Scope.FEDERATION,
    rule="house-1",
    since=date(2026, 9, 20),
    author=ANNA,
    approver=RUTH,
    contact="abuse@a.example.org",
    findings=frozenset({Finding.ADULT}),
)
PICTURE = replace(
    BAN,
    kind=MediaKind.PDQ,
    phenomenon=Phenomenon.ABUSE_DEPICTION,
    grade=Grade.CONFIRMED_MEDIA,
    rule="house-2",
)
OWN_BAN = replace(BAN, scope=Scope.SELF, approver=None)
BODY = BodyFacts(
    kind=BAN.kind,
    phenomenon=BAN.phenomenon,
    surface=BAN.surface,
    grade=BAN.grade,
    rule="their-rule-7",
    since=BAN.since,
    contact="https://b.example.org/evidence",
)
HEADER = HeaderFacts(
    Plane.ACTOR, Scope.FEDERATION, *retention(BAN.kind, BAN.since, GERMANY)
)
OPENING = OpeningRequest(
    plane=Plane.ACTOR,
    audience=Audience(Circle.FEDERATION),
    recipient=Recipient(
        name="b.example.org", member=True, jurisdiction="DE", attested_until=NOW + DAY
    ),
    purpose=Purpose.MODERATION_REVIEW,
    basis="gdpr-6-1-f/2026-03",
)
WATCH = ReviewRequest(Outcome.WATCH, NOW - HOUR, ANNA, until=date(2026, 10, 10))
LIMIT = ReviewRequest(
    Outcome.FEATURE_LIMIT,
    NOW - HOUR,
    ANNA,
    level=Level.L3,
    until=date(2026, 10, 10),
    reason="note-1",
    rule="house-1",
    phenomenon=Phenomenon.GROOMING,
)
CONFIRM = ReviewRequest(
    Outcome.CONFIRM,
    NOW - HOUR,
    ANNA,
    level=Level.L6,
    evidence="case-9",
    hearing="hearing-9",
    rule="house-1",
    phenomenon=Phenomenon.GROOMING,
    second=RUTH,
)
TRAINED = frozenset(
    TrainingRecord(module, date(2026, 5, 4))
    for module in (Module.BASIC, Module.TRAUMA_INFORMED)
)
ALLOWED: tuple[Request, ...] = (
    GateRequest(Plane.ACTOR),
    BAN,
    PICTURE,
    OWN_BAN,
    KeepRequest(Plane.ACTOR, date(2025, 6, 1), ANNA, date(2026, 5, 1), RUTH),
    KeepRequest(Plane.MEDIA, date(2025, 6, 1), ANNA, date(2026, 5, 1), RUTH),
    ReceiptRequest(HEADER),
    MatchRequest(HEADER, BODY),
    LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.ACTOR),
    LookupRequest(Role.SERVICE, Purpose.MEDIA_MATCHING, Plane.MEDIA, Surface.SHOP),
    ReadRequest(Role.ANALYST, Purpose.MODERATION_REVIEW, Matter.TASKS),
    ExportRequest(DANA, Purpose.AUDIT_REVIEW, Matter.AUDIT, openings=True, second=RUTH),
    ActRequest(Act.KEY_ROTATION, OLGA, RUTH, "ticket-7"),
    ActRequest(Act.PSEUDONYM_REVEAL, DANA, LEO, "minute-7"),
    RoleRequest("ida", Role.ANALYST, trained=TRAINED, granted_by=OLGA, second=RUTH),
    DisputeRequest(control_proved=True, repeated=False, suspended_today=3),
    RulingRequest(
        LEO, frozenset({"anna", "ruth"}), NOW - DAY, stands=True, reason="ruling-3"
    ),
    WATCH,
    LIMIT,
    CONFIRM,
    replace(CONFIRM, level=Level.L1, hearing=None, second=None),
    WithholdingRequest(RUTH, Withholding.BDSG_29_1, "note-4", date(2026, 10, 1)),
    OPENING,
    replace(OPENING, audience=Audience(Circle.NODES, frozenset({"b.example.org"}))),
    TransferRequest("FR", Purpose.ESCALATION, "dsa-18"),
    EraseRequest(Effect.REVOKED, RUTH),
    ErasureDebtRequest(NOW - HOUR),
    LookupBudgetRequest(Purpose.SIGNUP_CHECK, 100, 1, 90, 80),
    EvaluationBudgetRequest(EvaluationPurpose.LOOKUP, 10, 100, 5),
    PublicationBudgetRequest(20, 200, 5),
    CorroborationRequest(
        (
            Statement("b.example.org", "b", Provenance.OWN_FINDING, BAN.grade),
            Statement("c.example.org", "c", Provenance.OWN_FINDING, BAN.grade),
        )
    ),
    FloodRequest(IdentifierKind.EMAIL, 9),
    FloodRulingRequest(RUTH, stands=False, reason="ticket-7"),
    TrialRequest(9, 9, 9_999),
    TrialRulingRequest(RUTH, prolong=True, reason="ticket-7"),
    CaseRequest(
        ANNA,
        frozenset({CaseSource.USER_REPORT, CaseSource.FOREIGN_SIGNAL}),
        ("vault-7",),
    ),
)
"""Under `germany`, at `NOW`, on `SITE`."""


def ask(
    request: Request,
    policy: Policy = GERMANY,
    *,
    now: int = NOW,
    site: Site = SITE,
    calendar: Calendar | None = None,
) -> Decision:
    return decide(request, policy, calendar or shipped_calendar(), now, site)


def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in fields(kind) if item.init}


@st.composite
def near(draw: st.DrawFn, *bases: Any) -> Any:  # noqa: ANN401 - any request type
    """Draw one of `bases` with up to three of its facts replaced."""
    base = draw(st.sampled_from(bases))
    hints = _hints(type(base))
    names = draw(st.lists(st.sampled_from(sorted(hints)), max_size=3, unique=True))
    return replace(base, **{name: draw(st.from_type(hints[name])) for name in names})


MOMENTS = st.one_of(
    st.just(NOW),
    st.integers(NOW - 400 * DAY, NOW + 800 * DAY),
    st.integers(-(10**15), 10**15),
)
