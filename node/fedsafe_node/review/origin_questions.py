# SPDX-License-Identifier: Apache-2.0
"""Questions to the origin of a signal, and what it replies (P13).

The questions reach the provider's back-end as an event, and whoever reads the list of
inquiries, both with the origin's evidence contact: people ask there, by mail or phone.
What the origin says comes back as yes, no or unanswered to each question, with a
reference to where it is written down; no free text, no case data. An answer brings the
review before a person again.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.reviews import (
    InquiriesAnswer,
    InquiriesQuery,
    InquiryShown,
    ReplyRequest,
    TaskAnswer,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    ConflictError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.notices.provider_events.announcer import Content
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.task_start import reminder_before
from fedsafe_node.review.view import admit, describe, inquiries_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import (
    TaskAnswerRow,
    TaskInquiryRow,
    TaskRow,
    TaskState,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import is_case_number
from fedsafe_policies.rules.reviews import review_ends

_ALL: Final = 100_000


async def ask_origin(
    desk: ReviewDesk, tx: Transaction, task: TaskRow, inquiry: TaskInquiryRow
) -> None:
    """Keep questions to an origin, and tell the provider to put them to it."""
    number = await tx.add_task_inquiry(inquiry)
    shown = await _shown(desk, tx, task.id, number)
    content: Content = {
        "inquiry": number,
        "signal": shown.signal,
        "origin": shown.origin,
        "contact": shown.contact,
        "questions": inquiry.questions,
    }
    await desk.announce(tx, EventKind.TASK_INQUIRY, task, content)


async def list_inquiries(
    desk: ReviewDesk, query: InquiriesQuery, who: Principal
) -> InquiriesAnswer:
    """List the inquiries that nobody has answered yet, behind one of them.

    Raises:
        DeniedError: this role may not, or not for that purpose.
    """

    async def act(tx: Transaction) -> InquiriesAnswer:
        decision = admit(desk, who, query.purpose)
        rows = [
            (row.number, row.task)
            for row in await tx.unanswered_inquiries(_ALL)
            if row.number is not None and row.number > query.after
        ]
        page = rows[: query.limit]
        found = [await _shown(desk, tx, task, number) for number, task in page]
        detail: Detail = {"inquiries": len(found), **grounds_of(decision)}
        now = desk.clock.now()
        entry = desk.trail.entry(Event.TASK_READ, at=now, actor=who.name, detail=detail)
        await desk.note(tx, entry)
        more = len(rows) > len(page)
        return InquiriesAnswer(inquiries=found, next=page[-1][0] if more else None)

    return await desk.admitted(act, who, "task.inquiries")


async def answer_inquiry(
    desk: ReviewDesk, task_id: str, number: int, request: ReplyRequest, who: Principal
) -> TaskAnswer:
    """Enter what an origin replied; the review is looked at anew.

    That can be done as long as the task keeps its content, and once.

    Raises:
        NotFoundError: there is no such task, or no such inquiry of it.
        WrongStateError: it is answered, or the task's content is gone.
        BadRequestError: a question lacks its reply, or nobody asked it; or the
            reference names no document.
    """
    if not is_case_number(request.reference):
        detail = Phrase("a reference names a document and says nothing itself")
        raise BadRequestError("bad_answer", detail, pointer="/reference")

    async def act(tx: Transaction) -> TaskAnswer:
        task = await tx.task(task_id)
        if task is None:
            raise NotFoundError(Phrase("no such task"))
        if task.subject is None:
            raise WrongStateError("not_pending", Phrase("this review is over"))
        inquiry = await _shown(desk, tx, task_id, number)
        if set(request.replies) != set(inquiry.questions):
            asked = ", ".join(inquiry.questions)
            raise BadRequestError(
                "bad_answer",
                Phrase("reply to exactly these: {asked}").filled(asked=asked),
                pointer="/replies",
            )
        row = TaskAnswerRow(
            inquiry=number,
            task=task_id,
            replies=" ".join(
                f"{name.value}={reply.value}"
                for name, reply in sorted(request.replies.items())
            ),
            reference=request.reference,
            answered_by=who.name,
            answered_at=desk.now(),
        )
        try:
            await tx.add_task_answer(row)
        except ConflictError:
            raise WrongStateError(
                "already_answered", Phrase("this inquiry is answered")
            ) from None
        after = _anew(desk, task)
        await tx.put_task(after)
        await _tell(desk, tx, after, row, inquiry)
        return await describe(desk, tx, after)

    return await desk.store.write(act)


async def _shown(
    desk: ReviewDesk, reader: Reader, task_id: str, number: int
) -> InquiryShown:
    for shown in await inquiries_of(desk, reader, task_id):
        if shown.inquiry == number:
            return shown
    raise NotFoundError(Phrase("no such inquiry"))


def _anew(desk: ReviewDesk, task: TaskRow) -> TaskRow:
    """Let a task be looked at anew; an open one waits for a person already."""
    grown = replace(task, revision=task.revision + 1)
    if task.state is TaskState.OPEN:
        return grown
    now, remind = desk.now(), task.remind_at
    if task.state is TaskState.DECIDED:
        look = reminder_before(review_ends(now, desk.situation.policy), now)
        remind = look if remind is None else min(look, remind)
    return replace(grown, flagged_at=now, remind_at=remind)


async def _tell(
    desk: ReviewDesk,
    tx: Transaction,
    task: TaskRow,
    row: TaskAnswerRow,
    inquiry: InquiryShown,
) -> None:
    detail: Detail = {
        "inquiry": row.inquiry,
        "signal": inquiry.signal,
        "replies": row.replies,
        "reference": row.reference,
    }
    entry = desk.event(Event.TASK_ANSWERED, task, detail, by=row.answered_by)
    await desk.note(tx, entry)
    content = {"why": "answered", "state": task.state.value, "ends_at": task.ends_at}
    await desk.announce(tx, EventKind.TASK_DUE, task, content)
