# SPDX-License-Identifier: Apache-2.0
"""A charter that is always the same, for tests of the border."""

from dataclasses import dataclass
from typing import Any

from fedsafe_federation.charter.bundles import Bundle
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.charter import (
    CarriedAnswer,
    CarriedRequest,
    ChangeRequest,
    ExchangeAnswer,
    ExchangeRequest,
    GovernanceAnswer,
    HistoryAnswer,
    InvitationAnswer,
    InvitationShown,
    JoinAnswer,
    KnockAnswer,
    KnockRequest,
    QuarantineAnswer,
    ReshareRequest,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.ground.principal import Principal
from fedsafe_node.members.quarantine import QuarantineRequest
from fedsafe_policies.vocabulary import Act, Role

ASKED = ActAnswer(
    act="0" * 32,
    kind=Act.CHARTER_CHANGE,
    digest="0" * 64,
    content={},
    asked_by="olga",
    asked_role=Role.OPERATOR,
    asked_at=0,
    expires_at=1,
    state="pending",
)


@dataclass
class FakeCharters:
    memory: Any

    async def show(self) -> GovernanceAnswer:
        return GovernanceAnswer(
            federation="demo#1",
            standing="active",
            version=1,
            charter="0" * 64,
            fingerprint="0000",
            quorum=1,
            appeal=None,
            policy="synthetic@00000000",
            arrangement="arrangement@00000000",
            members=[],
            proposals=[],
            joining=[],
            invitations=[],
            leaving=[],
            quarantines=[],
            forked=None,
            keys=[],
            attempts=[],
        )

    async def history(self) -> HistoryAnswer:
        return HistoryAnswer(federation="demo#1", versions=[])

    async def versions(self, after: int) -> list[Bundle]:
        assert after >= 0
        return []

    async def exchange(self, request: ExchangeRequest) -> ExchangeAnswer:
        await self.memory.called(("exchange", request.version))
        return ExchangeAnswer(versions=[], statements=[])

    async def invite(self, hours: int, who: Principal) -> InvitationAnswer:
        await self.memory.called(("invite", hours, who.name))
        return InvitationAnswer(
            invitation="FSI1-AAAAA", id="0a" * 8, expires=1, fingerprint="00"
        )

    async def withdraw(self, invitation: str, who: Principal) -> list[InvitationShown]:
        await self.memory.called(("withdraw", invitation, who.name))
        return []

    async def knock(self, request: KnockRequest) -> KnockAnswer:
        await self.memory.called(("knock", request.version))
        return KnockAnswer(versions=[], proposal=None, media=[])

    async def join(self, invitation: str) -> JoinAnswer:
        await self.memory.called(("join", invitation))
        return JoinAnswer(
            federation="demo#1",
            version=1,
            charter="0" * 64,
            fingerprint="0000",
            members=[],
            policy="strict",
            joined=False,
        )

    async def take(self, statement: Signed) -> None:
        await self.memory.called(("leaving", statement.signer))

    async def begin(
        self, request: QuarantineRequest, who: Principal
    ) -> QuarantineAnswer:
        await self.memory.called(("quarantine", request.member, who.name))
        return QuarantineAnswer(
            member=request.member,
            after=request.after,
            first=0,
            records=0,
            whole=False,
            by=who.name,
            at=0,
        )

    async def end(self, member: str, who: Principal) -> ActAnswer:
        await self.memory.called(("endQuarantine", member, who.name))
        return ASKED

    async def propose(self, request: ChangeRequest, who: Principal) -> ActAnswer:
        await self.memory.called(("propose", request.change, who.name))
        return ASKED

    async def sign(self, proposal: str, who: Principal) -> ActAnswer:
        await self.memory.called(("sign", proposal, who.name))
        return ASKED

    async def refuse(self, proposal: str, who: Principal) -> ActAnswer:
        await self.memory.called(("refuse", proposal, who.name))
        return ASKED


@dataclass
class FakeRotations:
    memory: Any

    async def ask(self, request: ReshareRequest, who: Principal) -> ActAnswer:
        await self.memory.called(("reshare", request.threshold, who.name))
        return ASKED


@dataclass
class FakeCarrying:
    memory: Any

    async def exchange(self, request: CarriedRequest, peer: str) -> CarriedAnswer:
        await self.memory.called(("carry", request.version, peer))
        return CarriedAnswer(statements=[], media=[])
