# SPDX-License-Identifier: Apache-2.0
"""A case that went out answers what closing asks for, and changes nothing else."""

from typing import Any, Final

import msgspec
import pytest
from tests.node.people.conftest import team
from tests.support.answered_cases import case, post
from tests.support.case_team import ANSWERS, BKA, ada, ben, desk, refused, tables
from tests.support.case_time import YEAR, nothing_waits
from tests.support.sent_cases import following
from tests.support.taken_cases import Hands

from fedsafe_node.acts.cases import ApproveCase, AssessCase, NewHold
from fedsafe_node.casework.cases.answers import answered
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.erasure import CaseEraser, erase_cases
from fedsafe_node.ground.errors import BadRequestError, ForbiddenError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_policies.escalation.closure import EvidenceDecision, Help, unanswered
from fedsafe_policies.escalation.next_steps import NextStep
from fedsafe_policies.escalation.package import Elements, Threat
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Condition,
    Danger,
    Element,
    PartnerClass,
    Urgency,
)
from fedsafe_policies.vocabulary import Level, Role

__all__ = ["ada", "ben", "case", "desk", "post", "tables", "team"]

FEATURE: Final = AssessCase(feature="chat")


async def kept(post: Hands, case: str) -> tuple[CaseRow, CaseFile]:
    found: tuple[CaseRow, CaseFile] = await post.desk.store.read(
        lambda reader: post.desk.keeper.read(reader, case)
    )
    return found


async def test_a_case_that_is_acknowledged_is_answered_and_closed(
    post: Hands, ada: Principal, case: str
) -> None:
    cases = post.desk.cases
    before = await cases.show(case, ada)
    asked = await following(post, case, ada)
    sent = await post.only(case, ada)
    first = await cases.assess(case, ANSWERS, ada)
    between = await following(post, case, ada)
    late = AssessCase(elements=Elements(feature="chat"))
    await cases.assess(case, late, ada)
    after = await cases.show(case, ada)
    told = [
        text
        for event, _, text in await post.desk.team.events()
        if event == "case.assessed"
    ]
    asked_for = [
        part
        for text in told[-2:]
        for part in ("evidence, help, level", '"feature"')
        if part in text
    ]
    assert asked_for == ["evidence, help, level", '"feature"'], told[-2:]
    left = await following(post, case, ada)
    closed = await cases.close(case, ada)

    assert (asked, between, left) == (
        [NextStep.ANSWER],
        [NextStep.ANSWER],
        [NextStep.CLOSE],
    )
    assert before.unanswered == ["feature", "help", "level", "evidence"]
    assert (first.state, closed.state) == (CaseState.ACKNOWLEDGED, CaseState.CLOSED)
    assert (after.unanswered, after.feature, after.help) == ([], "chat", Help.OFFERED)
    assert [(step.step, step.by) for step in after.steps[-2:]] == [
        ("answered", "ada")
    ] * 2
    assert ["answered" in text for text in told] == [False, True, True]
    assert (after.terms, after.release) == (before.terms, before.release)
    assert after.elements == before.elements
    assert await post.only(case, ada) == sent


async def test_a_case_that_has_left_says_how_other_classes_come_in(
    post: Hands, ada: Principal, ben: Principal, case: str
) -> None:
    both = ApproveCase(partners=(*BKA.partners, PartnerClass.YOUTH_WELFARE))
    error = await refused(post.desk.cases.approve(case, both, ada))
    await post.recall(case, ada)  # as it says
    await post.desk.cases.assess(case, FEATURE, ada)
    await post.desk.approve(await post.desk.cases.approve(case, both, ada), ben)

    assert error.code == "already_approved"
    assert "already, for law_enforcement; for others open a case of its" in str(error)
    assert "or recall this one (`fedsafe case recall`), change it" in str(error)
    assert await post.desk.state(case) == CaseState.APPROVED


async def test_what_goes_to_one_more_partner_is_what_was_approved(
    post: Hands, ada: Principal, ben: Principal, case: str
) -> None:
    await post.desk.cases.assess(case, FEATURE, ada)
    more = (await post.send(case, ada, "lka")).dispatches[0].dispatch
    late = (await post.opened(more)).package.elements
    await post.recall(case, ada)
    asked = AssessCase(elements=Elements(summary="Berichtigt."))
    await post.desk.cases.assess(case, asked, ada)
    await post.desk.approve(await post.desk.cases.approve(case, BKA, ada), ben)
    anew = (await post.send(case, ada)).dispatches[0].dispatch
    approved = (await post.opened(anew)).package.elements

    assert (late.feature, approved.feature) == (msgspec.UNSET, "chat")
    assert (await kept(post, case))[1].late_feature is None


async def test_a_late_answer_is_taken_back_once_the_case_is_recalled(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.desk.cases.assess(case, FEATURE, ada)
    await post.recall(case, ada)
    gone = AssessCase(remove=(Element.FEATURE,))
    await post.desk.cases.assess(case, gone, ada)

    assert (await post.desk.cases.show(case, ada)).feature is None


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"urgency": Urgency.U0}, "urgency"),
        ({"elements": Elements(summary="Anders.")}, "elements.summary"),
        ({"elements": Elements(summary="So.", feature="chat")}, "elements.summary"),
        ({"remove": (Element.SUMMARY,)}, "remove"),
        ({"unavailable": {Element.NETWORK: Absence.NOT_RECORDED}}, "unavailable"),
        ({"conditions": (Condition.NECESSITY,)}, "conditions"),
        ({"lapsed": (Condition.NECESSITY,)}, "lapsed"),
        ({"done": ("ask_danger",)}, "done"),
        ({"undone": ("ask_danger",)}, "undone"),
        ({"mentions": ("nord/signal-1",)}, "mentions"),
        ({"hold": NewHold(authority="sta-7", basis="stpo", until=1)}, "hold"),
        ({"level": Level.L6, "done": ("ask_danger",)}, "done"),
        ({"level": Level.L6, "urgency": Urgency.U2}, "urgency"),
    ],
)
async def test_nothing_else_of_it_is_changed(
    post: Hands, ada: Principal, case: str, given: dict[str, Any], named: str
) -> None:
    before = await kept(post, case)
    error = await refused(post.desk.cases.assess(case, AssessCase(**given), ada))

    assert error.code == "case_state"
    assert str(error).startswith(
        "a case that is acknowledged is not changed before it is recalled"
    )
    assert str(error).endswith(f": {named}")
    assert await kept(post, case) == before


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"help": Help.DECLINED}, "help"),
        ({"level": Level.L6}, "level"),
        ({"evidence_decision": EvidenceDecision.NONE}, "evidence_decision"),
        ({"feature": "video"}, "feature"),
    ],
)
async def test_an_answer_is_given_once(
    post: Hands, ada: Principal, case: str, given: dict[str, Any], named: str
) -> None:
    await post.answer(case, ada)
    error = await refused(post.desk.cases.assess(case, AssessCase(**given), ada))

    assert error.code == "case_state"
    assert str(error).endswith(f": {named}")


async def test_an_opinion_is_the_advisers_where_closing_asks_for_one(
    post: Hands, ada: Principal, case: str
) -> None:
    lea = await post.desk.hire("lea", Role.LEGAL_ADVISER)
    opinion = AssessCase(opinion="opinion-3")
    unasked = await refused(post.desk.cases.assess(case, opinion, lea))
    foreign = await refused(post.desk.cases.assess(case, opinion, ada))
    row, file = await kept(post, case)
    unclear = Threat(danger=Danger.UNCLEAR, reason="Niemand weiß es.")
    elements = msgspec.structs.replace(file.elements, threat=unclear)
    file = msgspec.structs.replace(file, elements=elements)
    change = answered(row, file, opinion, Role.LEGAL_ADVISER)

    assert str(unasked).endswith(": opinion")
    assert isinstance(foreign, ForbiddenError)
    assert "opinion" in unanswered(file.answers)
    assert "opinion" not in unanswered(change.file.answers)
    with pytest.raises(ForbiddenError):
        answered(row, file, ANSWERS, Role.LEGAL_ADVISER)


async def test_who_says_nothing_answers_nothing(
    post: Hands, ada: Principal, case: str
) -> None:
    for empty in (AssessCase(), AssessCase(elements=Elements())):
        error = await refused(post.desk.cases.assess(case, empty, ada))
        assert isinstance(error, BadRequestError)


async def test_a_late_feature_is_counted_when_the_case_is_erased(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.answer(case, ada)
    await post.desk.cases.close(case, ada)
    post.desk.team.pass_time(400 * 86_400)
    count = await erase_cases(CaseEraser(post.desk.keeper, YEAR, nothing_waits))

    assert count == 1
    assert (await kept(post, case))[1].elements.feature == "chat"
