# SPDX-License-Identifier: Apache-2.0
"""Who lets a case of imminent danger go alone: whoever is trained for it now."""

from typing import Final

from tests.node.people.conftest import YEAR, team
from tests.support.case_team import BKA, Desk, ada, ben, desk, refused, tables

from fedsafe_node.acts.cases import ApproveCase
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.staff_levels import Staffing
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import PartnerClass, Urgency
from fedsafe_policies.vocabulary import Module, Role

__all__ = ["ada", "ben", "desk", "tables", "team"]

POLICE: Final = ApproveCase(partners=(PartnerClass.POLICE_EMERGENCY,))
OF_THE_ROLE: Final = (Module.BASIC, Module.ADVANCED, Module.LEGAL)


async def lapse(desk: Desk, *names: str) -> None:
    """Let all trainings lapse, and renew those that the role of an officer takes."""
    desk.team.pass_time(YEAR // 2)
    for name in names:
        for module in OF_THE_ROLE:
            await desk.team.train(name, module)


async def test_one_officer_alone_takes_a_training_that_counts_now(
    desk: Desk, ada: Principal
) -> None:
    await desk.hire("eva", Role.ESCALATION_OFFICER)
    case = await desk.full(ada, urgency=Urgency.U0)
    await lapse(desk, "ada", "eva")
    lapsed = await refused(desk.cases.approve(case, POLICE, ada))
    await desk.team.train("eva", Module.EMERGENCY)
    of_another = await refused(desk.cases.approve(case, POLICE, ada))
    before = await desk.state(case)
    await desk.team.train("ada", Module.EMERGENCY)
    released = await desk.cases.approve(case, POLICE, ada)

    for error in (lapsed, of_another):
        assert isinstance(error, DeniedError)
        assert (error.decision.code, error.decision.about) == ("training", "emergency")
    assert before == CaseState.DRAFT
    assert released.state is CaseState.APPROVED
    outcomes = [outcome for _, outcome, _ in await desk.team.events()]
    assert outcomes.count("training") == 2


async def test_two_people_let_a_case_go_without_that_training(
    desk: Desk, ada: Principal, ben: Principal
) -> None:
    case = await desk.full(ada, urgency=Urgency.U2)
    await lapse(desk, "ada", "ben")
    await desk.team.train("ben", Module.TRAUMA_INFORMED)
    asked = await desk.cases.approve(case, BKA, ada)
    await desk.approve(asked, await desk.team.principal(ben.name))

    assert await desk.state(case) == CaseState.APPROVED


async def test_the_staffing_names_that_no_officer_may_act_alone(
    desk: Desk, ada: Principal
) -> None:
    staffing = Staffing(desk.team.office)
    trained = await staffing.check()
    await lapse(desk, ada.name)
    lapsed = await staffing.check()

    assert "alone:u0" not in trained.gaps
    assert "alone:u0" in lapsed.gaps
    assert not lapsed.suffices
