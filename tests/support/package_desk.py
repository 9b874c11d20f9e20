# SPDX-License-Identifier: Apache-2.0
"""A team that sends cases: partners, an approved case, and short ways to both."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from tests.support.case_team import Desk
from tests.support.maximal import MAXIMAL

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.casework.container import open_package
from fedsafe_federation.casework.keys import key_fingerprint, write_public
from fedsafe_federation.casework.statement import Opened
from fedsafe_node.acts.cases import ApproveCase, AssessCase
from fedsafe_node.acts.dispatches import (
    DispatchShown,
    NoteAcknowledged,
    NoteHanded,
    SendCase,
    SentAnswer,
)
from fedsafe_node.acts.partners import EnterPartner, VerifyPartner
from fedsafe_node.casework.cases.partners import Partners
from fedsafe_node.casework.dispatch.outcomes import DispatchNotes
from fedsafe_node.casework.dispatch.service import Dispatches
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.partners import Partner, Way
from fedsafe_policies.escalation.vocabulary import PartnerClass

Facts: TypeAlias = Any
T = TypeVar("T")
ADDRESS: Final = "trust@chat.example.de"
KEY: Final = RecipientKey.generate()
KNOWN: Final = msgspec.structs.replace(MAXIMAL, case=msgspec.UNSET)
BKA: Final = Partner(
    name="Erfundene Stelle",
    partner_class=PartnerClass.LAW_ENFORCEMENT,
    country="DE",
    test=False,
    function="Dauerdienst",
    phone="+49 30 0000001",
    key=write_public(KEY.public),
    ways=(Way.PORTAL, Way.PHONE),
)


async def at_once(work: Callable[[], T]) -> T:
    """Run a long function here and now."""
    return work()


class Post:
    """What sends the cases of a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.signer = SigningKey.generate()
        office, matrix = desk.team.office, shipped_matrix
        self.partners = Partners(office, lambda: self.signer, matrix)
        self.dispatches = Dispatches(
            desk.team.situation, desk.keeper, matrix, lambda: self.signer
        )
        self.notes = DispatchNotes(desk.keeper, at_once)

    async def enter(
        self, ada: Principal, ben: Principal | None, name: str = "bka", **facts: Facts
    ) -> None:
        """Enter a partner; ben verifies it, if he is there."""
        entry = msgspec.structs.replace(BKA, **facts)
        asked = EnterPartner(partner=name, revision=0, entry=entry)
        await self.partners.enter(asked, ada)
        if ben is not None:
            key = None if entry.key is None else key_fingerprint(KEY.public)
            call = VerifyPartner(revision=1, reference="call-1", fingerprint=key)
            await self.partners.verify(name, call, ben)

    async def change(self, ada: Principal, **facts: Facts) -> None:
        """Change the entry that the first verification was about."""
        entry = msgspec.structs.replace(BKA, **facts)
        asked = EnterPartner(partner="bka", revision=2, entry=entry)
        await self.partners.enter(asked, ada)

    async def approve_anew(self, case: str, ada: Principal, ben: Principal) -> None:
        """Put a recalled case right, and approve it."""
        await self.desk.cases.assess(case, AssessCase(feature="chat"), ada)
        asked = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
        receipt = await self.desk.cases.approve(case, asked, ada)
        await self.desk.approve(receipt, ben)

    async def approved(
        self,
        ada: Principal,
        ben: Principal,
        *classes: PartnerClass,
        **facts: Facts,
    ) -> str:
        """Open a case that says all, and approve it for classes of partner."""
        case = await self.desk.open(ada, **facts)
        await self.desk.cases.assess(case, AssessCase(elements=KNOWN), ada)
        named = classes or (PartnerClass.LAW_ENFORCEMENT,)
        asked = ApproveCase(partners=named)
        receipt = await self.desk.cases.approve(case, asked, ada)
        await self.desk.approve(receipt, ben)
        return case

    async def send(
        self, case: str, who: Principal, *partners: str, **more: Facts
    ) -> SentAnswer:
        asked = SendCase(partners=partners or ("bka",), **more)
        return await self.dispatches.send(case, asked, who)

    async def only(self, case: str, who: Principal) -> DispatchShown:
        (found,) = (await self.dispatches.list(case, who)).dispatches
        return found

    async def opened(self, dispatch: str) -> Opened:
        """Open what travels, as the partner does."""
        row = await self.desk.store.read(lambda reader: reader.dispatch(dispatch))
        assert row is not None
        assert row.sealed is not None
        return open_package(row.sealed, KEY)

    def handed(self, **facts: Facts) -> NoteHanded:
        now = self.desk.team.now
        given: dict[str, Facts] = {
            "way": Way.PORTAL,
            "at": now,
            "reference": "BKA-2026/4711",
        }
        return NoteHanded(**(given | facts))

    def acknowledged(self) -> NoteAcknowledged:
        return NoteAcknowledged(at=self.desk.team.now, reference="AZ-17")
