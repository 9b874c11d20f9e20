# SPDX-License-Identifier: Apache-2.0
"""Requests of persons as the API's tests have them: one, whatever is asked."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.node.api.staff import ACT

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import (
    CloseRequest,
    CodeRequest,
    CodeSent,
    CollectedAnswer,
    CollectRequest,
    Language,
    NewRightsRequest,
    ProofRequest,
    RequestKind,
    RightsRequestAnswer,
    RightsRequestsAnswer,
    Way,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.rules.appeal_ways import Ways
from fedsafe_node.store.rights_rows import RequestState

if TYPE_CHECKING:
    from tests.node.api.conftest import Memory

REQUEST: Final = RightsRequestAnswer(
    request="0a" * 16,
    kind=RequestKind.ACCESS,
    way=Way.OFFICER,
    control="account_login",
    language=Language.DE,
    state="open",
    opened_at="2026-11-24T12:00:00+00:00",
    opened_by="lea",
    due_at="2026-12-24T12:00:00+00:00",
)
RIGHTS_BODIES: Final[dict[str, object]] = {
    "openRequest": {
        "kind": "access",
        "about": {"kind": "email", "value": "anna@example.de"},
        "control": "account_login",
    },
    "extendRequest": {"reason": "note-4"},
    "grantRequest": {"reason": "decision-1"},
    "closeRequest": {"outcome": "answered", "reason": "letter-12"},
    "sendCode": {"email": "anna@example.de"},
    "proveControl": {
        "kind": "access",
        "email": "anna@example.de",
        "nonce": "A" * 22,
        "code": "0123456789",
    },
    "collectAnswer": {"request": "0a" * 16, "code": "A" * 22},
}
RIGHTS_FORMS: Final[dict[str, bytes]] = {
    "rightsFormCode": b"kind=access&email=anna%40example.de",
    "rightsFormProof": b"email=anna%40example.de&code=0123456789&nonce=" + b"A" * 22,
    "rightsFormAnswer": b"request=" + b"0a" * 16 + b"&collect=" + b"A" * 22,
}


@dataclass
class FakeRequests:
    memory: "Memory"

    async def open(
        self, request: NewRightsRequest, who: Principal
    ) -> RightsRequestAnswer:
        return await self._called((request, who))

    async def list(
        self,
        who: Principal,
        state: RequestState = RequestState.OPEN,
        after: str | None = None,
    ) -> RightsRequestsAnswer:
        called = await self._called((who, state, after))
        return RightsRequestsAnswer(requests=[called])

    async def show(self, request: str, who: Principal) -> RightsRequestAnswer:
        return await self._called((request, who))

    async def answer(self, request: str, who: Principal) -> RightsRequestAnswer:
        return await self._called((request, who))

    async def check(self, request: str, who: Principal) -> RightsRequestAnswer:
        return await self._called((request, who))

    async def extend(
        self, request: str, reason: str, who: Principal
    ) -> RightsRequestAnswer:
        return await self._called((request, reason, who))

    async def close(
        self, request: str, closing: CloseRequest, who: Principal
    ) -> RightsRequestAnswer:
        return await self._called((request, closing, who))

    async def grant(self, request: str, reason: str, who: Principal) -> ActAnswer:
        await self._called((request, reason, who))
        return ACT

    async def collect(self, asked: CollectRequest, source: str) -> CollectedAnswer:
        await self._called((asked, source))
        return CollectedAnswer(state="open", due_at="2026-12-24T12:00:00+00:00")

    async def _called(self, call: object) -> RightsRequestAnswer:
        await self.memory.called(call)
        return REQUEST


@dataclass
class FakeProofs:
    memory: "Memory"
    kinds: tuple[Kind, ...] = (Kind.EMAIL,)
    contact: str = "safety@a.demo"
    ways: Ways = field(default_factory=lambda: Ways("safety@a.demo"))
    ruling_days: int = 10
    zone: str = "Europe/Berlin"

    async def marks(self, language: Language) -> tuple[str, ...]:
        await self.memory.called(language)
        return ()

    def help(self, language: Language) -> str:
        del self, language
        return ""

    async def send_code(self, request: CodeRequest, source: str) -> CodeSent:
        await self.memory.called((request, source))
        return CodeSent(nonce="A" * 22, minutes=15)

    async def prove(self, request: ProofRequest, source: str) -> RightsRequestAnswer:
        await self.memory.called((request, source))
        return REQUEST
