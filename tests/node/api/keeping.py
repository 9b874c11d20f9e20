# SPDX-License-Identifier: Apache-2.0
"""Keeping the audit log as the tests of the API have it: one of each."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Final

from tests.node.api.staff import ACT

from fedsafe_node.acts.account_reports import AccountReport, ReportRequest
from fedsafe_node.acts.audit import FoundEvents, LogCheck
from fedsafe_node.acts.audit_upkeep import (
    EraseRequest,
    GapsAnswer,
    HoldAnswer,
    HoldRequest,
    HoldsAnswer,
    RevealedAnswer,
    RevealRequest,
    SubjectEvents,
    SubjectRequest,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import WithholdPackRequest
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Purpose

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

HOLD: Final = HoldAnswer(
    hold="0" * 32,
    subject_ref="account-17",
    first=None,
    last=None,
    reason="order-1",
    until=4_000_000_000,
    placed_at=0,
    placed_by="dora",
)
REPORT: Final = AccountReport(
    node="a.demo",
    service="shop",
    subject_ref="account-17",
    after=0,
    before=1,
    made_at=1,
    made_by="staff-1",
    purpose="audit_review",
    entry=7,
    end=7,
    entries=[],
    more=False,
    nameless=[],
    log=LogCheck(log="a.demo/audit", size=7, root="00", openings=0, erased=0, ok=True),
    gaps=GapsAnswer(missing=0, gaps=[], keys=[], erased={}, holds=0),
)
_WHY: Final = {"reason": "order-1"}
KEEPING_BODIES: Final[dict[str, object]] = {
    "auditSubject": {"subject_ref": "account-17"},
    "auditReport": {"subject_ref": "account-17", "after": 0},
    "askErasure": _WHY | {"subject_ref": "account-17"},
    "askReveal": _WHY | {"pseudonym": "p-1"},
    "reveal": _WHY | {"pseudonym": "p-1", "act": "0" * 32},
    "withholdPack": {
        "reason": "bdsg_33_1_2b",
        "note": "order-1",
        "until": "2026-12-01",
    },
    "addHold": _WHY | {"subject_ref": "account-17", "until": 4_000_000_000},
}


@dataclass
class FakeKeeping:
    """All four services in one."""

    memory: "Memory"

    async def subject(self, request: SubjectRequest, who: Principal) -> SubjectEvents:
        await self.memory.called((request, who))
        return SubjectEvents(events=[], more=False)

    async def report(self, request: ReportRequest, who: Principal) -> AccountReport:
        await self.memory.called((request, who))
        return REPORT

    async def access(
        self, since: int, limit: int, who: Principal, purpose: Purpose | None
    ) -> FoundEvents:
        await self.memory.called((since, limit, who, purpose))
        return FoundEvents(events=[], next=0, more=False, complete_to=0)

    async def gaps(self) -> GapsAnswer:
        await self.memory.called("gaps")
        return GapsAnswer(missing=0, gaps=[], keys=[], erased={}, holds=0)

    async def ask(
        self, request: EraseRequest | RevealRequest, who: Principal
    ) -> ActAnswer:
        await self.memory.called((request, who))
        return ACT

    async def ask_for(
        self, entry: int, request: WithholdPackRequest, who: Principal
    ) -> ActAnswer:
        await self.memory.called((entry, request, who))
        return ACT

    async def reveal(
        self, request: RevealRequest, act: str, who: Principal
    ) -> RevealedAnswer:
        await self.memory.called((request, act, who))
        return RevealedAnswer(pseudonym=request.pseudonym, name="anna")

    async def add(self, request: HoldRequest, who: Principal) -> HoldAnswer:
        await self.memory.called((request, who))
        return HOLD

    async def shown(self, who: Principal) -> HoldsAnswer:
        await self.memory.called(who)
        return HoldsAnswer(holds=[HOLD])

    async def lift(self, hold: str, who: Principal) -> HoldAnswer:
        await self.memory.called((hold, who))
        return HOLD


def fake_keeping(memory: "Memory") -> SimpleNamespace:
    """Give what `Services.keeping` holds."""
    fake = FakeKeeping(memory)
    return SimpleNamespace(
        telling=fake,
        reports=fake,
        holding=fake,
        erasure=fake,
        reveals=fake,
        withholding=fake,
    )
