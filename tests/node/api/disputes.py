# SPDX-License-Identifier: Apache-2.0
"""Disputes as the API's tests have them: one, whatever is asked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fedsafe_node.acts.disputes import (
    DisputeAnswer,
    DisputesAnswer,
    NewDisputeRequest,
    RulingRequest,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.idempotency import Once
from fedsafe_policies.vocabulary import Contention, Control, Purpose

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

DISPUTE: Final = DisputeAnswer(
    dispute="6d" * 32,
    signal="01936e0c-0000-7000-8000-000000000000",
    origin="a.demo",
    author="b.demo",
    contention=Contention.WRONG_PERSON,
    control=Control.OFFICER,
    weight="suspends",
    state="open",
    ours=True,
    own=False,
    received_at="2026-11-24T12:00:00+00:00",
    due_at="2026-12-09T00:00:00+00:00",
)
DISPUTE_BODIES: Final[dict[str, object]] = {
    "openDispute": {"signal": DISPUTE.signal, "contention": "minor"},
    "ruleDispute": {"stands": True, "reason": "ruling-7"},
}


@dataclass
class FakeDisputes:
    memory: "Memory"

    async def open(
        self, request: NewDisputeRequest, who: Principal, *, once: Once | None = None
    ) -> DisputeAnswer:
        await self.memory.called((request, who))
        return self._kept(once)

    async def rule(
        self,
        dispute: str,
        request: RulingRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DisputeAnswer:
        await self.memory.called((dispute, request, who))
        return self._kept(once)

    async def show(
        self, dispute: str, who: Principal, purpose: Purpose | None = None
    ) -> DisputeAnswer:
        await self.memory.called((dispute, who, purpose))
        return DISPUTE

    async def list(
        self,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        ruled: bool = False,
        after: str | None = None,
    ) -> DisputesAnswer:
        await self.memory.called((who, purpose, ruled, after))
        return DisputesAnswer(disputes=[DISPUTE])

    def _kept(self, once: Once | None) -> DisputeAnswer:
        if once is not None:
            self.memory.rows[once.key] = once.row(DISPUTE, now=0)
        return DISPUTE
