# SPDX-License-Identifier: Apache-2.0
"""Inquiries as the API's tests have them: one, whatever is asked."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_federation.feed.restrictions import Forwarded
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.disputes import DisputesTaken
from fedsafe_node.acts.inquiries import (
    Inquirer,
    InquiryRulingRequest,
    ListingInquiriesAnswer,
    ListingInquiriesQuery,
    ListingInquiryShown,
    SentInquiriesAnswer,
    SentInquiriesQuery,
    SentInquiryShown,
    SentState,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.idempotency import Once
from fedsafe_policies.vocabulary import Purpose

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

INQUIRY: Final = ListingInquiryShown(
    signal="01936e0c-0000-7000-8000-000000000000",
    own=False,
    reason="listing_wrong",
    state=InquiryState.OPEN,
    members=[Inquirer(member="b.demo", day="2026-11-24")],
    opened_at="2026-11-24T12:00:00+00:00",
)
SENT: Final = SentInquiryShown(
    signal=INQUIRY.signal,
    origin="b.demo",
    state=SentState.WAITING,
    day="2026-11-24",
    changed_at="2026-11-24T12:00:00+00:00",
)
INQUIRY_BODIES: Final[dict[str, object]] = {
    "ruleListingInquiry": {"ruling": "kept", "reason": "ticket-12"}
}
_SIGNED: Final = Signed(
    type="listing.inquiry-status", signer="a.demo", payload=b"{}", signature=bytes(64)
)


@dataclass
class FakeInquiries:
    memory: "Memory"

    async def list(
        self, query: ListingInquiriesQuery, who: Principal
    ) -> ListingInquiriesAnswer:
        await self.memory.called((query, who))
        return ListingInquiriesAnswer(inquiries=[INQUIRY])

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> ListingInquiryShown:
        await self.memory.called((signal, who, purpose))
        return INQUIRY

    async def rule(
        self,
        signal: str,
        request: InquiryRulingRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> ListingInquiryShown:
        await self.memory.called((signal, request, who))
        if once is not None:
            self.memory.rows[once.key] = once.row(INQUIRY, now=0)
        return INQUIRY

    async def sent(
        self, query: SentInquiriesQuery, who: Principal
    ) -> SentInquiriesAnswer:
        await self.memory.called((query, who))
        return SentInquiriesAnswer(inquiries=[SENT])


@dataclass
class FakePeerStatements:
    memory: "Memory"

    async def take(self, statement: Signed, peer: str) -> Signed:
        await self.memory.called((statement, peer))
        return _SIGNED

    async def tell(self, peer: str) -> Signed:
        await self.memory.called((peer,))
        return _SIGNED


@dataclass
class FakeForwarding:
    memory: "Memory"

    async def take(self, forwarded: Forwarded, peer: str) -> DisputesTaken:
        await self.memory.called((forwarded, peer))
        return DisputesTaken(disputes=len(forwarded.disputes))
