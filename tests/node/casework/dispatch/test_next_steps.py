# SPDX-License-Identifier: Apache-2.0
"""The queue says what a person does next, from the opening to after a recall."""

from typing import Any

import pytest
from tests.node.people.conftest import team
from tests.support.case_team import ANSWERS, ada, ben, desk, tables
from tests.support.package_desk import KNOWN
from tests.support.sent_cases import following
from tests.support.taken_cases import Hands

from fedsafe_node.acts.cases import ApproveCase, AssessCase
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.next_steps import NextStep
from fedsafe_policies.escalation.vocabulary import PartnerClass

__all__ = ["ada", "ben", "desk", "tables", "team"]

BKA = ApproveCase(partners=(PartnerClass.LAW_ENFORCEMENT,))
N = NextStep


@pytest.fixture
def post(desk: Any) -> Hands:  # noqa: ANN401
    return Hands(desk)


async def test_from_the_opening_to_the_end_it_says_what_comes_next(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    desk = post.desk
    await post.enter(ada, ben)
    case = await desk.open(ada)
    said = [await following(post, case, ada)]
    await desk.cases.assess(case, AssessCase(elements=KNOWN), ada)
    said.append(await following(post, case, ada))
    await desk.cases.assess(case, ANSWERS, ada)
    said.append(await following(post, case, ada))
    receipt = await desk.cases.approve(case, BKA, ada)
    said.append(await following(post, case, ada))
    await desk.approve(receipt, ben)
    said.append(await following(post, case, ada))
    await post.send(case, ada)
    said.append(await following(post, case, ada))
    sent = await post.take(case, ada)
    await post.notes.hand(case, sent, post.handed(), ada)
    said.append(await following(post, case, ada))
    await post.notes.acknowledge(case, sent, post.acknowledged(), ada)
    said.append(await following(post, case, ada))
    await desk.cases.close(case, ada)
    said.append(await following(post, case, ada))

    assert said == [
        [N.FILL_IN, N.ANSWER],
        [N.APPROVE, N.ANSWER],
        [N.APPROVE],
        [N.APPROVE_SECOND],
        [N.SEND],
        [N.HAND_OVER],
        [N.ASK_FOR_RECEIPT],
        [N.CLOSE],
        [],
    ]


async def test_after_a_recall_it_says_what_is_to_be_seen_through(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    case = await post.approved(ada, ben)
    await post.send(case, ada)
    sent = await post.take(case, ada)
    await post.recall(case, ada)
    correction = (await post.correction(case, ada)).dispatch
    said = [await following(post, case, ada)]
    await post.notes.hand(case, correction, post.handed(), ada)
    said.append(await following(post, case, ada))
    await post.notes.hand(case, sent, post.handed(), ada)
    said.append(await following(post, case, ada))
    await post.notes.acknowledge(case, correction, post.acknowledged(), ada)
    said.append(await following(post, case, ada))
    (listed,) = (await post.desk.cases.list(ada)).cases

    assert said == [
        [N.SAY_WHAT_CAME, N.HAND_OVER, N.PUT_RIGHT],
        [N.SAY_WHAT_CAME, N.SEE_THROUGH, N.PUT_RIGHT],
        [N.SEE_THROUGH, N.PUT_RIGHT],
        [N.PUT_RIGHT],
    ]
    assert listed.owed == []


async def test_an_approval_of_what_has_changed_or_has_expired_is_asked_for_anew(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    assert ben.name == "ben"  # who could be the second person
    case = await post.desk.full(ada)
    await post.desk.cases.assess(case, ANSWERS, ada)
    await post.desk.cases.approve(case, BKA, ada)
    waiting = await following(post, case, ada)
    await post.desk.cases.assess(case, AssessCase(done=("secure_evidence",)), ada)
    changed = await following(post, case, ada)
    await post.desk.cases.approve(case, BKA, ada)
    post.desk.team.pass_time(3 * 86_400)
    expired = await following(post, case, ada)

    assert (waiting, changed, expired) == ([N.APPROVE_SECOND], [N.APPROVE], [N.APPROVE])


async def test_a_case_that_was_recalled_once_closed_is_listed_until_it_is_corrected(
    post: Hands, ada: Principal, ben: Principal
) -> None:
    await post.enter(ada, ben)
    case = await post.desk.full(ada)
    await post.desk.cases.assess(case, ANSWERS, ada)
    await post.desk.approve(await post.desk.cases.approve(case, BKA, ada), ben)
    await post.send(case, ada)
    sent = await post.take(case, ada)
    await post.notes.hand(case, sent, post.handed(), ada)
    await post.notes.acknowledge(case, sent, post.acknowledged(), ada)
    await post.desk.cases.close(case, ada)
    closed = await following(post, case, ada)
    await post.recall(case, ada)
    recalled = await following(post, case, ada)
    correction = (await post.correction(case, ada)).dispatch
    await post.notes.hand(case, correction, post.handed(), ada)
    corrected = await following(post, case, ada)

    assert (closed, recalled, corrected) == ([], [N.HAND_OVER], [])
