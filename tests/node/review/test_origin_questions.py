# SPDX-License-Identifier: Apache-2.0
"""Questions reach somebody, and what the origin replies reaches the reviewer (P13)."""

import pytest
from tests.node.review.conftest import Ward, match

from fedsafe_node.acts.reviews import (
    InquiriesQuery,
    InquiryQuestion,
    Reply,
    ReplyRequest,
    TaskAnswer,
    TasksQuery,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import Level, Outcome, Role

ALL = InquiriesQuery()
STANDS, OF_AGE = InquiryQuestion.STILL_STANDS, InquiryQuestion.AGE_CONFIRMED
REPLIES = {STANDS: Reply.YES, OF_AGE: Reply.UNANSWERED}


async def asked(ward: Ward) -> str:
    task = (await ward.open(match(1), match(2, "c.demo"))).task
    questions = [STANDS, OF_AGE]
    signal = match(2).signal
    await ward.decide(task, Outcome.INQUIRE, signal=signal, questions=questions)
    return task


async def answer(
    ward: Ward,
    task: str,
    replies: dict[InquiryQuestion, Reply] | None = None,
    reference: str = "mail-7",
    number: int = 1,
) -> TaskAnswer:
    request = ReplyRequest(
        replies=REPLIES if replies is None else replies, reference=reference
    )
    return await ward.tasks.answer(task, number, request, ward.people["anna"])


async def waiting(ward: Ward) -> list[str]:
    listed = await ward.tasks.list(TasksQuery(), ward.people["anna"])
    return [each.task for each in listed.tasks]


async def test_questions_reach_the_provider_with_the_origins_contact(
    ward: Ward,
) -> None:
    task = await asked(ward)
    (event,) = [each for each in await ward.announced() if each.kind == "task.inquiry"]
    (listed,) = (await ward.tasks.inquiries(ALL, ward.people["anna"])).inquiries

    assert event.subject_ref == "account-1"
    assert event.content == {
        "task": task,
        "inquiry": 1,
        "signal": match(2).signal,
        "origin": "c.demo",
        "contact": "trust@b.demo",
        "questions": "age_confirmed still_stands",
    }
    assert (listed.task, listed.inquiry) == (task, 1)
    assert (listed.contact, listed.replies) == ("trust@b.demo", None)


async def test_replies_are_shown_to_the_reviewer_and_logged(ward: Ward) -> None:
    task = await asked(ward)
    before = (await ward.show(task)).revision
    told = await answer(ward, task)
    (inquiry,) = (await ward.show(task)).inquiries
    ((_, text),) = await ward.told("task.answered")

    assert told.inquiries == [inquiry]
    assert inquiry.replies == REPLIES
    assert (inquiry.reference, inquiry.answered_by) == ("mail-7", "anna")
    assert told.revision == before + 1
    assert '"replies":"age_confirmed=unanswered still_stands=yes"' in text
    assert "account-1" in text
    assert (await ward.tasks.inquiries(ALL, ward.people["anna"])).inquiries == []
    (due,) = [each for each in await ward.announced() if each.kind == "task.due"]
    assert due.content["why"] == "answered"


@pytest.mark.parametrize("outcome", [Outcome.WATCH, Outcome.CONFIRM])
async def test_an_answer_brings_a_review_before_a_person_again(
    ward: Ward, outcome: Outcome
) -> None:
    task = await asked(ward)
    if outcome is Outcome.WATCH:
        await ward.decide(task, outcome, days=9)
    else:
        await ward.confirm(task, Level.L2)
    assert await waiting(ward) == []
    told = await answer(ward, task, {STANDS: Reply.NO, OF_AGE: Reply.NO})

    assert told.flagged_at == ward.team.now
    assert await waiting(ward) == [task]
    assert (await ward.decide(task, Outcome.DISMISS)).decided


@pytest.mark.parametrize(
    ("replies", "reference", "pointer"),
    [
        ({STANDS: Reply.YES}, "mail-7", "/replies"),
        (
            REPLIES | {InquiryQuestion.COMPLAINT_PENDING: Reply.NO},
            "mail-7",
            "/replies",
        ),
        (REPLIES, "they-say-so", "/reference"),
    ],
)
async def test_only_what_was_asked_is_answered_under_a_reference(
    ward: Ward,
    replies: dict[InquiryQuestion, Reply],
    reference: str,
    pointer: str,
) -> None:
    task = await asked(ward)

    with pytest.raises(BadRequestError) as refused:
        await answer(ward, task, replies, reference)
    assert refused.value.pointer == pointer
    assert (await ward.show(task)).inquiries[0].replies is None


async def test_an_inquiry_is_answered_once(ward: Ward) -> None:
    task = await asked(ward)
    await answer(ward, task)

    with pytest.raises(WrongStateError) as again:
        await answer(ward, task)
    assert again.value.code == "already_answered"


async def test_what_nobody_asked_and_what_is_over_is_answered_by_nobody(
    ward: Ward,
) -> None:
    task = await asked(ward)
    with pytest.raises(NotFoundError):
        await answer(ward, task, number=2)
    with pytest.raises(NotFoundError):
        await answer(ward, "0" * 32)
    await ward.decide(task, Outcome.DISMISS)

    with pytest.raises(WrongStateError) as over:
        await answer(ward, task)
    assert over.value.code == "not_pending"
    assert (await ward.tasks.inquiries(ALL, ward.people["anna"])).inquiries == []


async def test_inquiries_are_listed_page_by_page(ward: Ward) -> None:
    task, anna = await asked(ward), ward.people["anna"]
    for _ in range(2):
        signal, questions = match(2).signal, [InquiryQuestion.STILL_STANDS]
        await ward.decide(task, Outcome.INQUIRE, signal=signal, questions=questions)
    await answer(ward, task)
    first = await ward.tasks.inquiries(InquiriesQuery(limit=1), anna)
    assert first.next is not None
    rest = await ward.tasks.inquiries(InquiriesQuery(after=first.next), anna)

    assert [each.inquiry for each in (*first.inquiries, *rest.inquiries)] == [2, 3]
    assert (first.next, rest.next) == (2, None)


async def test_inquiries_are_read_for_a_purpose(ward: Ward) -> None:
    await asked(ward)

    with pytest.raises(DeniedError):
        await ward.tasks.inquiries(ALL, Principal("olaf", Role.OPERATOR))
