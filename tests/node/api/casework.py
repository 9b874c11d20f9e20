# SPDX-License-Identifier: Apache-2.0
"""Cases as the tests of the API have them: one of each."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

import msgspec

from fedsafe_federation.casework.sealing import Format
from fedsafe_node.acts.cases import (
    ApproveCase,
    AssessCase,
    AttachEvidence,
    CaseAnswer,
    CaseListed,
    CaseReceipt,
    CasesAnswer,
    NoteCall,
    NoteInquiry,
    OpenCase,
    PackQuery,
    RenderCase,
    RenderingAnswer,
)
from fedsafe_node.acts.dispatches import (
    DispatchesAnswer,
    DispatchReceipt,
    NoteAcknowledged,
    NoteHanded,
    PackageAnswer,
    RecallAnswer,
    RecallCase,
    ReceiveReply,
    ReplyReceipt,
    SendCase,
    SendingAnswer,
    SentAnswer,
    SwitchSending,
)
from fedsafe_node.acts.partners import (
    EnterPartner,
    PartnerReceipt,
    PartnersAnswer,
    TestPackage,
    VerifyPartner,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.idempotency import Once
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.dispatches import DispatchState
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.partners import Standing
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Mark, Urgency
from fedsafe_policies.vocabulary import Purpose

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

CASE: Final = "0a" * 16
THREAT: Final = {"danger": "no", "reason": "Niemand ist in Gefahr."}
CASE_BODIES: Final[dict[str, object]] = {
    "openCase": {
        "urgency": "u2",
        "known_at": 1,
        "threat": THREAT,
        "sources": ["user_report"],
    },
    "assessCase": {"help": "offered"},
    "attachEvidence": {
        "attachments": [
            {
                "object_id": "object-1",
                "sha256": "0f" * 32,
                "blake3": "0f" * 32,
                "size": 1,
                "media_type": "text/plain",
                "captured_at": "2026-11-20T18:30:00Z",
                "clock": "ntp",
                "captured_by": "staff-1",
                "held_at": "vault-1",
                "hold_id": "hold-1",
            }
        ]
    },
    "approveCase": {"partners": ["law_enforcement"]},
    "noteCall": {"number": "110", "at": 1, "said": ["place"]},
    "noteInquiry": {"step": "needs_info", "at": 1, "reference": "AZ-1"},
    "closeCase": None,
    "sendCase": {"partners": ["bka"]},
    "recallCase": {"reason": "wrong_facts"},
    "switchSending": {"sends": False},
    "noteHanded": {"way": "portal", "at": 1, "reference": "BKA-1"},
    "noteAcknowledged": {"at": 1, "reference": "AZ-1"},
    "receiveReply": {"headers": "TWVzc2FnZS1JRDogPDFAYT4K"},
    "enterPartner": {
        "partner": "bka",
        "revision": 0,
        "entry": {
            "name": "Erfundene Stelle",
            "partner_class": "law_enforcement",
            "country": "DE",
            "test": False,
            "function": "Dauerdienst",
            "ways": ["portal"],
        },
    },
    "verifyPartner": {"revision": 1, "reference": "call-1"},
    "testPartner": None,
}
_RECEIPT: Final = CaseReceipt(case=CASE, state=CaseState.DRAFT, revision=1)
_ANSWER: Final = CaseAnswer(
    case=CASE,
    state=CaseState.DRAFT,
    revision=1,
    urgency=Urgency.U2,
    known_at=1,
    opened_at=1,
    opened_by="ella",
    sources=[CaseSource.USER_REPORT],
    evidence=[],
    elements=Elements(),
    hidden=[],
    unavailable={},
    conditions=[],
    checklist=[],
    feature=None,
    help=None,
    level=None,
    evidence_decision=None,
    opinion=None,
    needs_opinion=False,
    holds=[],
    release=None,
    approval=None,
    unanswered=[],
    gaps=[],
    lacking=[],
    steps=[],
    calls=[],
    inquiries=[],
    terms=[],
    alarms=[],
    test=False,
    tasks=[],
    mentions=[],
    fallen=[],
)


_PARTNER: Final = PartnerReceipt(
    partner="bka",
    revision=1,
    standing=Standing.UNVERIFIED,
    verified_until=None,
    fingerprint=None,
    certificate_fingerprint=None,
    openpgp_fingerprint=None,
)


@dataclass
class FakePartners:
    """One partner."""

    memory: "Memory"

    async def list(self, who: Principal) -> PartnersAnswer:
        await self.memory.called(who)
        return PartnersAnswer(
            signer="0f" * 16,
            certificate="PEM",
            certificate_fingerprint="0e" * 16,
            dated=date(2026, 11, 27),
            partners=[],
            landscape=[],
        )

    async def enter(self, request: EnterPartner, who: Principal) -> PartnerReceipt:
        await self.memory.called((request, who))
        return _PARTNER

    async def verify(
        self, partner: str, request: VerifyPartner, who: Principal
    ) -> PartnerReceipt:
        await self.memory.called((partner, request, who))
        return _PARTNER

    async def test(self, partner: str, who: Principal) -> TestPackage:
        await self.memory.called((partner, who))
        return TestPackage(
            **msgspec.structs.asdict(_PARTNER),
            host_keys=[],
            signer="0f" * 16,
            format=Format.HPKE,
            sealed=b"sealed",
            signature=None,
        )


_DISPATCH: Final = DispatchReceipt(
    case=CASE,
    state=CaseState.DELIVERED,
    dispatch=CASE,
    dispatch_state=DispatchState.DELIVERED,
    recall_again=False,
    held_by=[],
    correction=None,
    recalled=False,
    delivered_at=None,
    acknowledged_at=None,
)


@dataclass
class FakeDispatches:
    """Nothing on its way."""

    memory: "Memory"

    async def send(self, case_id: str, request: SendCase, who: Principal) -> SentAnswer:
        await self.memory.called((case_id, request, who))
        return SentAnswer(
            case=CASE,
            state=CaseState.DISPATCHING,
            sending=True,
            dispatches=[],
            dry_run=request.dry_run,
            plans=[],
        )

    async def list(
        self, case_id: str, who: Principal, purpose: Purpose | None = None
    ) -> DispatchesAnswer:
        await self.memory.called((case_id, who, purpose))
        return DispatchesAnswer(
            case=CASE, state=CaseState.DISPATCHING, sending=True, dispatches=[]
        )

    async def hand(
        self,
        case_id: str,
        dispatch_id: str,
        request: NoteHanded,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DispatchReceipt:
        await self.memory.called((case_id, dispatch_id, request, who))
        return self._kept(once)

    async def acknowledge(
        self,
        case_id: str,
        dispatch_id: str,
        request: NoteAcknowledged,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DispatchReceipt:
        await self.memory.called((case_id, dispatch_id, request, who))
        return self._kept(once)

    async def take(
        self, case_id: str, dispatch_id: str, who: Principal
    ) -> PackageAnswer:
        await self.memory.called((case_id, dispatch_id, who))
        return PackageAnswer(
            name="package.fedsafe",
            media_type="application/octet-stream",
            sha256="0f" * 32,
            content=b"sealed",
            signature=b"signed",
        )

    async def receive(self, request: ReceiveReply, who: Principal) -> ReplyReceipt:
        await self.memory.called((request, who))
        return ReplyReceipt(
            case=CASE,
            state=CaseState.ACKNOWLEDGED,
            dispatch=CASE,
            dispatch_state=DispatchState.ACKNOWLEDGED,
            recall_again=False,
            held_by=[],
            correction=None,
            recalled=False,
            delivered_at=1,
            acknowledged_at=1,
            noted=True,
            signed_by=None,
        )

    async def recall(
        self,
        case_id: str,
        request: RecallCase,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RecallAnswer:
        await self.memory.called((case_id, request, who))
        answer = RecallAnswer(
            case=CASE, state=CaseState.RECALLED, sending=True, dispatches=[]
        )
        if once is not None:
            self.memory.rows[once.key] = once.row(answer, now=0)
        return answer

    async def show(self) -> SendingAnswer:
        await self.memory.called(None)
        return SendingAnswer(sends=True, at=None, by=None, by_hand=0)

    async def switch(self, request: SwitchSending, who: Principal) -> SendingAnswer:
        await self.memory.called((request, who))
        return SendingAnswer(sends=request.sends, at=1, by="ada", by_hand=0)

    def _kept(self, once: Once | None) -> DispatchReceipt:
        if once is not None:
            self.memory.rows[once.key] = once.row(_DISPATCH, now=0)
        return _DISPATCH


@dataclass
class FakeCases:
    """One case."""

    memory: "Memory"

    async def open(
        self, request: OpenCase, who: Principal, *, once: Once | None = None
    ) -> CaseReceipt:
        await self.memory.called((request, who))
        return self._kept(once)

    async def list(self, who: Principal, purpose: Purpose | None = None) -> CasesAnswer:
        await self.memory.called((who, purpose))
        listed = CaseListed(
            case=CASE,
            state=CaseState.DRAFT,
            urgency=Urgency.U2,
            minors=True,
            ages_known=True,
            known_at=1,
            dispatch_by=2,
            owed=[],
            opened_by="ella",
            recall_due=False,
            next=[],
            test=False,
        )
        return CasesAnswer(cases=[listed])

    async def show(
        self, case_id: str, who: Principal, purpose: Purpose | None = None
    ) -> CaseAnswer:
        await self.memory.called((case_id, who, purpose))
        return _ANSWER

    async def assess(
        self,
        case_id: str,
        request: AssessCase,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        await self.memory.called((case_id, request, who))
        return self._kept(once)

    async def attach(
        self,
        case_id: str,
        request: AttachEvidence,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        await self.memory.called((case_id, request, who))
        return self._kept(once)

    async def call(
        self,
        case_id: str,
        request: NoteCall,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        await self.memory.called((case_id, request, who))
        return self._kept(once)

    async def inquire(
        self,
        case_id: str,
        request: NoteInquiry,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        await self.memory.called((case_id, request, who))
        return self._kept(once)

    async def approve(
        self, case_id: str, request: ApproveCase, who: Principal
    ) -> CaseReceipt:
        await self.memory.called((case_id, request, who))
        return _RECEIPT

    async def close(
        self, case_id: str, who: Principal, *, once: Once | None = None
    ) -> CaseReceipt:
        await self.memory.called((case_id, who))
        return self._kept(once)

    def _kept(self, once: Once | None) -> CaseReceipt:
        if once is not None:
            self.memory.rows[once.key] = once.row(_RECEIPT, now=0)
        return _RECEIPT


_PAPER: Final = RenderingAnswer(
    name="letter-1.html",
    media_type="text/html",
    mark=Mark.DRAFT,
    sha256="0f" * 32,
    content=b"paper",
)


@dataclass
class FakeRenderings:
    """One paper."""

    memory: "Memory"

    async def render(
        self, case_id: str, request: RenderCase, who: Principal
    ) -> RenderingAnswer:
        await self.memory.called((case_id, request, who))
        return _PAPER

    async def pack(
        self, quarter: str, request: PackQuery, who: Principal
    ) -> RenderingAnswer:
        await self.memory.called((quarter, request, who))
        return _PAPER
