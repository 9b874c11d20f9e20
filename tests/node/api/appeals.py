# SPDX-License-Identifier: Apache-2.0
"""Appeals as the API's tests have them: one, whatever is asked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fedsafe_node.acts.appeals import (
    AppealAnswer,
    AppealRulingRequest,
    AppealsAnswer,
    NewAppealRequest,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.idempotency import Once
from fedsafe_policies.vocabulary import Act, Purpose

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

APPEAL: Final = AppealAnswer(
    appeal="9c" * 32,
    signal="01936e0c-0000-7000-8000-000000000000",
    origin="a.demo",
    dispute="6d" * 32,
    disputed_by="b.demo",
    author="b.demo",
    heard_by="c.demo",
    ours=False,
    state="open",
    received_at="2026-11-24T12:00:00+00:00",
    due_at="2026-12-09T00:00:00+00:00",
    opened_by="lea",
    reason="ticket-12",
)
APPEAL_BODIES: Final[dict[str, object]] = {
    "fileAppeal": {"reason": "ticket-12"},
    "ruleAppeal": {"ends": True, "reason": "ruling-3"},
}


@dataclass
class FakeAppeals:
    memory: "Memory"

    async def file(
        self,
        dispute: str,
        request: NewAppealRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> AppealAnswer:
        await self.memory.called((dispute, request, who))
        if once is not None:
            self.memory.rows[once.key] = once.row(APPEAL, now=0)
        return APPEAL

    async def rule(
        self, appeal: str, request: AppealRulingRequest, who: Principal
    ) -> ActAnswer:
        await self.memory.called((appeal, request, who))
        return ActAnswer(
            act="0" * 32,
            kind=Act.APPEAL_RULING,
            digest="1" * 64,
            content=None,
            asked_by=who.name,
            asked_role=who.role,
            asked_at=0,
            expires_at=1,
            state="pending",
        )

    async def show(
        self, appeal: str, who: Principal, purpose: Purpose | None = None
    ) -> AppealAnswer:
        await self.memory.called((appeal, who, purpose))
        return APPEAL

    async def list(
        self,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        ruled: bool = False,
        after: str | None = None,
    ) -> AppealsAnswer:
        await self.memory.called((who, purpose, ruled, after))
        return AppealsAnswer(appeals=[APPEAL])
