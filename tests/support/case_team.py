# SPDX-License-Identifier: Apache-2.0
"""A small team that opens, assesses, approves and closes cases."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from tests.node.people.conftest import Team
from tests.support.maximal import MAXIMAL

from fedsafe_node.acts.cases import ApproveCase, AssessCase, CaseReceipt, OpenCase
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.cases.keeper import CaseKeeper, CaseParts
from fedsafe_node.casework.cases.release import CaseRelease
from fedsafe_node.casework.cases.service import Cases
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.people.approvals import Approvals
from fedsafe_policies.documents.phenomena import phenomena
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.closure import EvidenceDecision, Help
from fedsafe_policies.escalation.laender import laender
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.package import Threat
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import (
    AgeBand,
    Danger,
    PartnerClass,
    Urgency,
)
from fedsafe_policies.vocabulary import Act, Level, Phenomenon, Role

BKA: Final = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
YES: Final = Threat(danger=Danger.YES, reason="Ein Treffen ist verabredet.")
REPORT: Final = (CaseSource.USER_REPORT,)
KNOWN: Final = msgspec.structs.replace(MAXIMAL, case=msgspec.UNSET)
ANSWERS: Final = AssessCase(
    help=Help.OFFERED,
    level=Level.L6,
    evidence_decision=EvidenceDecision.PRESERVED,
)


class Desk:
    """The cases of a team, and short ways through them."""

    def __init__(self, team: Team, keys: PeriodKeys) -> None:
        self.team = team
        self.store = team.store
        self.vault = CaseVault(keys)
        self.keeper = CaseKeeper(team.office, self.vault)
        effect = CaseRelease(self.keeper, shipped_matrix)
        self.approvals = Approvals(team.office, {Act.DISPATCH: effect})
        parts = CaseParts(team.situation, self.keeper, self.approvals, shipped_matrix)
        self.cases = Cases(parts)

    async def hire(self, name: str, role: Role) -> Principal:
        await self.team.hire(name, role)
        return await self.team.principal(name)

    async def open(self, who: Principal, **more: Any) -> str:  # noqa: ANN401
        facts: dict[str, Any] = {
            "urgency": Urgency.U1,
            "known_at": self.team.now - 60,
            "threat": YES,
            "sources": REPORT,
            "phenomenon": Phenomenon.GROOMING,
            "ages": (AgeBand.FROM_10_TO_13,),
        }
        return (await self.cases.open(OpenCase(**(facts | more)), who)).case

    async def full(self, who: Principal, **more: Any) -> str:  # noqa: ANN401
        case = await self.open(who, **more)
        await self.cases.assess(case, AssessCase(elements=KNOWN), who)
        return case

    async def approve(self, receipt: CaseReceipt, who: Principal) -> None:
        (found,) = (await self.approvals.pending()).acts
        assert found.act == receipt.act
        await self.approvals.approve(found.act, bytes.fromhex(found.digest), who)

    async def state(self, case: str) -> str:
        row = await self.store.read(lambda reader: reader.case(case))
        assert row is not None
        return row.state


@pytest.fixture(scope="module", autouse=True)
def tables() -> None:
    for table in (laender, phenomena, playbooks, urgencies):
        table()  # as a node reads them, off the loop


@pytest.fixture
def desk(team: Team, keys: PeriodKeys) -> Desk:
    return Desk(team, keys)


@pytest.fixture
async def ada(desk: Desk) -> Principal:
    return await desk.hire("ada", Role.ESCALATION_OFFICER)


@pytest.fixture
async def ben(desk: Desk) -> Principal:
    return await desk.hire("ben", Role.REVIEWER)


async def refused(work: Awaitable[object]) -> Any:  # noqa: ANN401
    with pytest.raises(NodeError) as caught:
        await work
    return caught.value


def holding(folder: Path, what: bytes) -> list[Path]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in files if what in path.read_bytes()]
