# SPDX-License-Identifier: Apache-2.0
"""Measure a decision: microseconds for each type of request.

`decide()` under the full `germany` policy with a complete legal gate, on requests
that are allowed, so that every rule of their type is asked; beside them, in turn, a
request that the first rule refuses, and a call of a function that does nothing.

    python benchmarks/decide.py [--decisions 2000] [--rounds 9]
"""

from datetime import date
from functools import partial

from fedsafe_policies.acts import ActRequest
from fedsafe_policies.budgets import LookupBudgetRequest, PublicationBudgetRequest
from fedsafe_policies.corroboration import CorroborationRequest, Provenance
from fedsafe_policies.disputes import DisputeRequest, RulingRequest
from fedsafe_policies.engine import RULINGS, Request, decide
from fedsafe_policies.erasures import EraseRequest, ErasureDebtRequest
from fedsafe_policies.gate import Approval, Consultation, LegalGate, Site
from fedsafe_policies.gating import GateRequest
from fedsafe_policies.keeping import KeepRequest
from fedsafe_policies.legal_calendar import shipped_calendar
from fedsafe_policies.lookups import LookupRequest
from fedsafe_policies.matching import (
    BodyFacts,
    HeaderFacts,
    MatchRequest,
    ReceiptRequest,
)
from fedsafe_policies.notices import WithholdingRequest
from fedsafe_policies.people import Person
from fedsafe_policies.policy import shipped
from fedsafe_policies.publishing import PublishRequest
from fedsafe_policies.reading import ExportRequest, ReadRequest
from fedsafe_policies.retention import retention
from fedsafe_policies.reviews import ReviewRequest
from fedsafe_policies.roles import RoleRequest, TrainingRecord
from fedsafe_policies.sharing import (
    Audience,
    OpeningRequest,
    Recipient,
    TransferRequest,
)
from fedsafe_policies.vocabulary import (
    Act,
    Circle,
    Effect,
    Grade,
    IdentifierKind,
    Level,
    Matter,
    Module,
    Outcome,
    Phenomenon,
    Plane,
    Purpose,
    Role,
    Scope,
    Surface,
    Withholding,
)
from measuring import Row, interleave, once, parser, report

NOW, DAY = 1_790_000_000, 86_400  # 2026-09-21
SINCE = date(2026, 9, 20)
GERMANY = shipped("germany")
ANNA, RUTH = Person("anna", Role.ANALYST), Person("ruth", Role.REVIEWER)
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
SITE = Site(
    ("a.example.org",), ("https://192.0.2.7",), GATE, register_until=NOW + 9 * DAY
)
HEADER = HeaderFacts(
    Plane.ACTOR, Scope.FEDERATION, *retention(IdentifierKind.PHONE, SINCE, GERMANY)
)
BODY = BodyFacts(
    kind=IdentifierKind.PHONE,
    phenomenon=Phenomenon.GROOMING,
    surface=Surface.PUBLIC_CONTENT,
    grade=Grade.CONFIRMED_CONDUCT,
    rule="their-rule-7",
    since=SINCE,
    contact="https://b.example.org/evidence",
)
REQUESTS: tuple[Request, ...] = (
    GateRequest(Plane.ACTOR),
    PublishRequest(
        kind=IdentifierKind.PHONE,
        phenomenon=Phenomenon.GROOMING,
        surface=Surface.PUBLIC_CONTENT,
        grade=Grade.CONFIRMED_CONDUCT,
        scope=Scope.FEDERATION,
        rule="house-1",
        since=SINCE,
        author=ANNA,
        approver=RUTH,
        contact="abuse@a.example.org",
    ),
    KeepRequest(Plane.ACTOR, date(2025, 6, 1), ANNA, date(2026, 5, 1), RUTH),
    ReceiptRequest(HEADER),
    MatchRequest(HEADER, BODY),
    LookupRequest(Role.SERVICE, Purpose.SIGNUP_CHECK, Plane.ACTOR),
    ReadRequest(Role.ANALYST, Purpose.MODERATION_REVIEW, Matter.TASKS),
    ExportRequest(
        Person("dana", Role.DPO),
        Purpose.AUDIT_REVIEW,
        Matter.AUDIT,
        openings=True,
        second=RUTH,
    ),
    ActRequest(Act.KEY_ROTATION, Person("olga", Role.OPERATOR), RUTH, "ticket-7"),
    RoleRequest(
        "ida",
        Role.ANALYST,
        trained=frozenset(
            TrainingRecord(module, date(2026, 5, 4))
            for module in (Module.BASIC, Module.TRAUMA_INFORMED)
        ),
    ),
    DisputeRequest(control_proved=True, repeated=False, suspended_today=3),
    RulingRequest(
        Person("leo", Role.LEGAL_ADVISER),
        frozenset({"anna", "ruth"}),
        NOW - DAY,
        stands=True,
        reason="ruling-3",
    ),
    ReviewRequest(
        Outcome.CONFIRM,
        NOW - DAY,
        ANNA,
        level=Level.L6,
        evidence="case-9",
        hearing="hearing-9",
        second=RUTH,
    ),
    WithholdingRequest(RUTH, Withholding.BDSG_29_1, "note-4", date(2026, 10, 1)),
    OpeningRequest(
        plane=Plane.ACTOR,
        audience=Audience(Circle.NODES, frozenset({"b.example.org"})),
        recipient=Recipient(
            "b.example.org", member=True, jurisdiction="DE", attested_until=NOW + DAY
        ),
        purpose=Purpose.MODERATION_REVIEW,
        basis="gdpr-6-1-f/2026-03",
    ),
    TransferRequest("FR", Purpose.ESCALATION, "dsa-18"),
    EraseRequest(Effect.REVOKED, RUTH),
    ErasureDebtRequest(NOW - DAY // 2),
    LookupBudgetRequest(Purpose.SIGNUP_CHECK, 100, 1, 90, 80),
    PublicationBudgetRequest(20, 200, 5),
    CorroborationRequest(
        tuple(Provenance(name, name, first_hand=True) for name in "bc")
    ),
)
REFUSED = LookupRequest(Role.OPERATOR, Purpose.OPERATIONS, Plane.ACTOR)
EMPTY = "a call"


def repeat(times: int, request: Request) -> None:
    calendar = shipped_calendar()
    for _ in range(times):
        decide(request, GERMANY, calendar, NOW, SITE)


def call(times: int) -> None:
    def nothing(*_given: object) -> None:
        return

    for _ in range(times):
        nothing(None, GERMANY, None, NOW, SITE)


def check() -> None:
    """Stop unless each type of request is measured, and allowed."""
    calendar = shipped_calendar()
    denied = [
        request
        for request in REQUESTS
        if not decide(request, GERMANY, calendar, NOW, SITE).allowed
    ]
    missing = set(RULINGS) - {type(request) for request in REQUESTS}
    if denied or missing:
        raise SystemExit(f"not measured as meant: {denied} {missing}")


def main() -> None:
    options = parser(__doc__, rounds=9)
    options.add_argument("--decisions", type=int, default=2_000)
    chosen = options.parse_args()
    check()
    works = {
        type(request).__name__: once(
            partial(repeat, chosen.decisions, request), chosen.decisions
        )
        for request in REQUESTS
    }
    refused = partial(repeat, chosen.decisions, REFUSED)
    works["LookupRequest, refused"] = once(refused, chosen.decisions)
    works[EMPTY] = once(partial(call, chosen.decisions), chosen.decisions)
    figures = interleave(works, chosen.rounds)
    table: list[Row] = [
        {
            "request": name,
            "µs a decision": round(took.wall * 1e6, 2),
            "CPU µs": round(took.cpu * 1e6, 2),
            "ratio to a call": round(took.times(figures[EMPTY]), 1),
        }
        for name, took in figures.items()
    ]
    slowest = max(table, key=lambda row: float(row["µs a decision"]))
    report(
        table,
        chosen,
        policy=GERMANY.reference,
        decisions=chosen.decisions,
        slowest=slowest["request"],
    )


if __name__ == "__main__":
    main()
