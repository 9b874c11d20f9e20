# SPDX-License-Identifier: Apache-2.0
"""Cases whose packages somebody has taken out."""

from typing import Any, Final

import pytest
from tests.support.case_team import ANSWERS
from tests.support.package_desk import ADDRESS, Post

from fedsafe_node.acts.cases import AssessCase, TaskShown
from fedsafe_node.acts.dispatches import (
    DispatchReceipt,
    DispatchShown,
    NoteHanded,
    RecallCase,
)
from fedsafe_node.casework.dispatch.handover import SealedPackages
from fedsafe_node.casework.dispatch.outbox import Outbox
from fedsafe_node.casework.dispatch.recall import Recalls
from fedsafe_node.casework.transports.parcels import Carrier
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.dispatches import RecallReason
from fedsafe_policies.escalation.matrix import shipped_matrix

WRONG: Final = RecallCase(reason=RecallReason.WRONG_FACTS)


class Hands(Post):
    """Who takes packages out, and recalls what they took."""

    def __init__(self, desk: Any) -> None:  # noqa: ANN401
        super().__init__(desk)
        self.packages = SealedPackages(desk.keeper, lambda: self.signer)
        self.recalls = Recalls(
            desk.keeper, shipped_matrix, lambda: self.signer, ADDRESS
        )

    def outbox(self, carrier: Carrier) -> Outbox:
        return Outbox(self.desk.keeper, carrier, lambda: 0.0, lambda: self.signer)

    async def take(self, case: str, who: Principal) -> str:
        """Take the only dispatch of a case out; return which."""
        sent = (await self.dispatches.list(case, who)).dispatches[0]
        await self.packages.take(case, sent.dispatch, who)
        return sent.dispatch

    async def recall(self, case: str, who: Principal) -> list[DispatchShown]:
        return (await self.recalls.recall(case, WRONG, who)).dispatches

    async def correction(self, case: str, who: Principal) -> DispatchShown:
        found = (await self.dispatches.list(case, who)).dispatches
        (one,) = [each for each in found if each.recalls]
        return one

    async def keep_back(
        self, case: str, sent: str, who: Principal, taken_by: str | None = None
    ) -> DispatchReceipt:
        now = self.desk.team.now
        note = NoteHanded(at=now, outcome="kept_back", taken_by=taken_by)
        return await self.notes.hand(case, sent, note, who)

    async def tasks(self, case: str, who: Principal) -> list[TaskShown]:
        return (await self.desk.cases.show(case, who)).tasks

    async def kinds(self, case: str, who: Principal) -> list[tuple[str, list[str]]]:
        tasks = await self.tasks(case, who)
        return sorted((str(each.kind), each.taken_by) for each in tasks)

    async def answer(self, case: str, who: Principal) -> None:
        """Answer all that a case asks before it is closed."""
        await self.desk.cases.assess(case, ANSWERS, who)
        await self.desk.cases.assess(case, AssessCase(feature="chat"), who)


@pytest.fixture
def post(desk: Any) -> Hands:  # noqa: ANN401
    return Hands(desk)


@pytest.fixture
async def case(post: Hands, ada: Principal, ben: Principal) -> str:
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    return case
