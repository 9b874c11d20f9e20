# SPDX-License-Identifier: Apache-2.0
"""A partner that has acknowledged a case asks for more, and is answered."""

from typing import Any

import pytest
from tests.node.people.conftest import team
from tests.support.answered_cases import case, post
from tests.support.case_team import ada, ben, desk, refused, tables
from tests.support.sent_cases import following
from tests.support.taken_cases import Hands

from fedsafe_node.acts.cases import NoteInquiry
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.next_steps import NextStep
from fedsafe_policies.escalation.states import CaseState

__all__ = ["ada", "ben", "case", "desk", "post", "tables", "team"]


def inquiry(
    post: Hands,
    step: Any = "needs_info",  # noqa: ANN401
    late: int = 0,
    reference: str = "AZ-17",
) -> NoteInquiry:
    return NoteInquiry(step=step, at=post.desk.team.now + late, reference=reference)


async def test_a_case_is_asked_about_and_answered_and_closed(
    post: Hands, ada: Principal, case: str
) -> None:
    cases = post.desk.cases
    asked = await cases.inquire(case, inquiry(post), ada)
    again = await cases.inquire(case, inquiry(post), ada)
    first = await following(post, case, ada)
    await post.answer(case, ada)
    done = await cases.inquire(case, inquiry(post, "supplemented"), ada)
    shown = await cases.show(case, ada)
    last = await following(post, case, ada)
    told = [
        text
        for event, _, text in await post.desk.team.events()
        if event == "case.moved" and "needs_info" in text
    ]
    await cases.close(case, ada)

    assert asked.state is again.state is CaseState.NEEDS_INFO
    assert (first, last) == (
        [NextStep.SUPPLEMENT, NextStep.ANSWER],
        [NextStep.CLOSE],
    )
    assert done.state is CaseState.SUPPLEMENTED
    assert [(each.step, each.reference, each.by) for each in shown.inquiries] == [
        (CaseState.NEEDS_INFO, "AZ-17", "ada"),
        (CaseState.SUPPLEMENTED, "AZ-17", "ada"),
    ]
    assert all(term.met_at is not None for term in shown.terms)
    assert (asked.noted, again.noted, again.revision) == (True, False, asked.revision)
    assert len(told) == 1
    assert "AZ-17" not in str(told)


async def test_a_question_that_is_open_is_one_however_often_it_is_noted(
    post: Hands, ada: Principal, case: str
) -> None:
    cases, answer = post.desk.cases, "supplemented"
    await post.answer(case, ada)
    asked = inquiry(post)
    await cases.inquire(case, asked, ada)
    post.desk.team.pass_time(60)
    later = await cases.inquire(case, inquiry(post), ada)
    other = await cases.inquire(case, inquiry(post, reference="AZ-18"), ada)
    for reference in ("AZ-17", "AZ-18"):
        await cases.inquire(case, inquiry(post, answer, reference=reference), ada)
    same = await cases.inquire(case, asked, ada)
    anew = await cases.inquire(case, inquiry(post, late=-1), ada)
    shown = await cases.show(case, ada)

    assert [each.noted for each in (later, other, same, anew)] == [
        *(False, True, False, True),
    ]
    assert same.state is CaseState.SUPPLEMENTED  # what was answered is not open again
    assert anew.state is CaseState.NEEDS_INFO  # but a partner may ask again
    assert [each.reference for each in shown.inquiries] == [
        *("AZ-17", "AZ-18", "AZ-17", "AZ-18", "AZ-17"),
    ]


async def test_who_answers_twice_is_not_told_to_ask_anew(
    post: Hands, ada: Principal, ben: Principal, case: str
) -> None:
    cases, answer = post.desk.cases, "supplemented"
    await cases.inquire(case, inquiry(post), ada)
    await cases.inquire(case, inquiry(post, answer), ada)
    again = await refused(cases.inquire(case, inquiry(post, answer), ben))

    assert str(again).startswith("all that was asked is answered already")


async def test_nobody_is_answered_who_has_not_asked_and_asks_before_it_is_there(
    post: Hands, ada: Principal, ben: Principal, case: str
) -> None:
    cases = post.desk.cases
    unasked = await refused(cases.inquire(case, inquiry(post, "supplemented"), ada))
    early = await refused(cases.inquire(case, inquiry(post, late=-4_000), ada))
    late = await refused(cases.inquire(case, inquiry(post, late=1), ada))
    other = await post.approved(ada, ben)
    unsent = await refused(cases.inquire(other, inquiry(post), ada))
    await post.answer(case, ada)
    await cases.close(case, ada)
    closed = await refused(cases.inquire(case, inquiry(post), ada))

    assert "`fedsafe case asked`" in str(unasked)
    assert "not changed any more" in str(closed)
    for error in (early, late):
        assert (error.code, error.pointer) == ("bad_span", "/at")
    assert "`fedsafe case acknowledged`" in str(unsent)


@pytest.mark.parametrize("answered", [False, True])
async def test_a_case_that_is_asked_about_goes_to_one_more_partner(
    post: Hands, ada: Principal, case: str, *, answered: bool
) -> None:
    await post.desk.cases.inquire(case, inquiry(post), ada)
    if answered:
        await post.desk.cases.inquire(case, inquiry(post, "supplemented"), ada)
    (sent,) = (await post.send(case, ada, "lka")).dispatches
    between = await post.desk.state(case)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.notes.acknowledge(case, sent.dispatch, post.acknowledged(), ada)
    shown = await post.desk.cases.show(case, ada)

    assert (between, shown.state) == ("dispatching", CaseState.ACKNOWLEDGED)
    assert len(shown.inquiries) == 1 + answered


async def test_a_case_that_is_asked_about_can_be_recalled(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.desk.cases.inquire(case, inquiry(post), ada)
    found = await post.recall(case, ada)

    assert await post.desk.state(case) == "recalled"
    assert [each for each in found if each.recalls]


async def test_a_case_keeps_no_more_questions_than_that(
    post: Hands, ada: Principal, case: str
) -> None:
    cases, answer = post.desk.cases, "supplemented"
    for number in range(50):
        await cases.inquire(case, inquiry(post, reference=f"AZ-{number}"), ada)
    error = await refused(cases.inquire(case, inquiry(post, reference="AZ-50"), ada))
    for number in range(50):
        await cases.inquire(case, inquiry(post, answer, reference=f"AZ-{number}"), ada)

    assert "no more than 100" in str(error)
    assert await post.desk.state(case) == "supplemented"


async def test_each_question_is_open_until_it_is_answered_itself(
    post: Hands, ada: Principal, case: str
) -> None:
    cases, answer = post.desk.cases, "supplemented"
    await post.answer(case, ada)
    await cases.inquire(case, inquiry(post), ada)
    await cases.inquire(case, inquiry(post, reference="AZ-18"), ada)
    first = await cases.inquire(case, inquiry(post, answer), ada)
    again = await refused(cases.inquire(case, inquiry(post, answer), ada))
    unanswered = await refused(cases.close(case, ada))
    steps = await following(post, case, ada)
    before = await cases.show(case, ada)
    last = await cases.inquire(case, inquiry(post, answer, reference="AZ-18"), ada)
    after = await cases.show(case, ada)
    await cases.close(case, ada)

    assert (first.state, last.state) == (CaseState.NEEDS_INFO, CaseState.SUPPLEMENTED)
    assert "under which it was asked" in str(again)
    assert (unanswered.code, str(unanswered)) == (
        "unanswered",
        "not answered yet: inquiry",
    )
    assert (before.unanswered, after.unanswered) == (["inquiry"], [])
    assert steps == [NextStep.SUPPLEMENT]


async def test_who_has_acknowledged_asks_while_another_package_is_on_its_way(
    post: Hands, ada: Principal, case: str
) -> None:
    (sent,) = (await post.send(case, ada, "lka")).dispatches
    asked = await post.desk.cases.inquire(case, inquiry(post), ada)
    steps = await following(post, case, ada)
    await post.notes.hand(case, sent.dispatch, post.handed(), ada)
    await post.notes.acknowledge(case, sent.dispatch, post.acknowledged(), ada)
    await post.answer(case, ada)
    unanswered = await refused(post.desk.cases.close(case, ada))
    done = await post.desk.cases.inquire(case, inquiry(post, "supplemented"), ada)
    await post.desk.cases.close(case, ada)

    assert asked.state is CaseState.DISPATCHING
    assert NextStep.SUPPLEMENT in steps
    assert unanswered.code == "unanswered"
    assert done.state is CaseState.ACKNOWLEDGED


async def test_a_recalled_case_is_closed_once_its_question_is_answered(
    post: Hands, ada: Principal, case: str
) -> None:
    await post.desk.cases.inquire(case, inquiry(post), ada)
    await post.recall(case, ada)
    done = await post.desk.cases.inquire(case, inquiry(post, "supplemented"), ada)
    shown = await post.desk.cases.show(case, ada)

    assert done.state is CaseState.RECALLED
    assert [each.step for each in shown.inquiries][-1] is CaseState.SUPPLEMENTED
