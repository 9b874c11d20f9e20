# SPDX-License-Identifier: Apache-2.0
"""Show tasks to whoever has a purpose (P8); every look is an event."""

from datetime import UTC, date, datetime
from uuid import UUID

from msgspec.structs import asdict, replace

from fedsafe_node.acts.reviews import (
    Because,
    DecisionShown,
    HearingShown,
    InquiryQuestion,
    InquiryShown,
    ListedTask,
    Reply,
    TaskAnswer,
    TasksAnswer,
    TaskShown,
    TaskSignal,
    TasksQuery,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import account_of
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.review.contents import open_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.rules.policy_context import rule_on_reading
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import (
    FIRST_PLACE,
    ListedTaskRow,
    TaskAnswerRow,
    TaskDecisionRow,
    TaskHearingRow,
    TaskInquiryRow,
    TaskPlace,
    TaskRow,
    TaskSignalRow,
    TaskState,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.hearings import (
    Hearing,
    HearingException,
    HearingStep,
    completed,
)
from fedsafe_policies.vocabulary import (
    Grade,
    Level,
    Matter,
    Outcome,
    Phenomenon,
    Purpose,
    Source,
    Surface,
)


async def list_tasks(
    desk: ReviewDesk, query: TasksQuery, who: Principal
) -> TasksAnswer:
    """List tasks, page by page; `waiting` are those that wait for a person.

    Raises:
        DeniedError: this role may not, or not for that purpose.
    """

    async def read(reader: Reader) -> list[ListedTaskRow]:
        after = FIRST_PLACE if query.after is None else _place(query.after)
        if query.state == "waiting":
            return await reader.tasks_at_hand(query.limit, after=after)
        state = TaskState(query.state)
        return await reader.tasks_in(state, query.limit, after=after)

    rows = await desk.store.scan(read)

    async def act(tx: Transaction) -> TasksAnswer:
        decision = admit(desk, who, query.purpose)
        entry = desk.trail.entry(
            Event.TASK_READ,
            at=desk.clock.now(),
            actor=who.name,
            detail={"tasks": len(rows), **grounds_of(decision)},
        )
        await desk.note(tx, entry)
        return TasksAnswer(
            tasks=[
                ListedTask(**asdict(shown(row.task)), alike=row.alike) for row in rows
            ],
            next=_written(rows[-1].place) if len(rows) == query.limit else None,
            floods=await tx.floods_waiting(),
        )

    return await desk.admitted(act, who, "task.list")


def _place(written: str) -> TaskPlace:
    rank, moment, task = written.split(".")
    return TaskPlace(rank=int(rank), moment=int(moment), id=task)


def _written(place: TaskPlace) -> str:
    return f"{place.rank}.{place.moment}.{place.id}"


async def show_task(
    desk: ReviewDesk, task_id: str, who: Principal, purpose: Purpose | None
) -> TaskAnswer:
    """Show a task with all that bears on it.

    Raises:
        DeniedError: this role may not, or not for that purpose.
        NotFoundError: there is no such task.
    """

    async def act(tx: Transaction) -> TaskAnswer:
        decision = admit(desk, who, purpose)
        task = await tx.task(task_id)
        if task is None:
            raise NotFoundError(Phrase("no such task"))
        if task.subject is not None:
            await tx.add_task_view(task.id, who.name, desk.now())
        grounds = grounds_of(decision)
        await desk.note(tx, desk.event(Event.TASK_READ, task, grounds, by=who.name))
        return await describe(desk, tx, task)

    return await desk.admitted(act, who, "task.show")


def admit(desk: ReviewDesk, who: Principal, purpose: Purpose | None) -> Decision:
    """Decide whether somebody may read tasks.

    Raises:
        DeniedError: this role may not, or not for that purpose.
    """
    now = desk.clock.now()
    decision = rule_on_reading(desk.situation, who, Matter.TASKS, purpose, now)
    if not decision.allowed:
        raise DeniedError(decision)
    return decision


async def describe(desk: ReviewDesk, reader: Reader, task: TaskRow) -> TaskAnswer:
    """Give a task with all that bears on it."""
    signals = await reader.task_signals(task.id)
    hearings = await reader.task_hearings(task.id)
    service, reference = account_of(task.subject)
    return TaskAnswer(
        task=task.id,
        service=service,
        subject_ref=reference,
        state=task.state.value,
        opened_at=task.opened_at,
        ends_at=task.ends_at,
        flagged_at=task.flagged_at,
        renewals=_renewals(task),
        revision=task.revision,
        signals=[_signal(desk, row) for row in signals],
        decisions=[_decision(row) for row in await reader.task_decisions(task.id)],
        hearings=[_hearing(row) for row in hearings],
        inquiries=await inquiries_of(desk, reader, task.id),
        heard=completed(steps_of(hearings)),
    )


def shown(task: TaskRow) -> TaskShown:
    """Show how a task stands."""
    service, reference = account_of(task.subject)
    return TaskShown(
        task=task.id,
        service=service,
        subject_ref=reference,
        state=task.state.value,
        opened_at=task.opened_at,
        ends_at=task.ends_at,
        flagged_at=task.flagged_at,
        renewals=_renewals(task),
        revision=task.revision,
    )


def _renewals(task: TaskRow) -> int:
    # The row counts every watch, the first one with them.
    return max(task.renewals - 1, 0)


def steps_of(rows: list[TaskHearingRow]) -> list[Hearing]:
    """Read the steps of a hearing as the policy does."""
    return [
        Hearing(
            step=HearingStep(row.step),
            reference=row.reference,
            answer_until=None if row.answer_until is None else _day(row.answer_until),
            exception=_exception(row),
        )
        for row in rows
    ]


def _day(end: int) -> date:
    return datetime.fromtimestamp(end - 1, tz=UTC).date()


def _exception(row: TaskHearingRow) -> HearingException | None:
    return None if row.exception is None else HearingException(row.exception)


def _signal(desk: ReviewDesk, row: TaskSignalRow) -> TaskSignal:
    return TaskSignal(
        signal=str(UUID(bytes=row.signal_id)),
        origin=desk.origin_of(row.origin),
        added_at=row.added_at,
        match=open_match(row, desk.periods),
        effect=row.effect,
    )


def _decision(row: TaskDecisionRow) -> DecisionShown:
    return DecisionShown(
        outcome=Outcome(row.outcome),
        level=None if row.level is None else Level(row.level),
        decided_by=row.decided_by,
        second=row.second,
        decided_at=row.decided_at,
        dwell=row.dwell,
        until=row.until,
        reason=row.reason,
        evidence=row.evidence,
        hearing=row.hearing,
        second_dwell=row.second_dwell,
        rule=row.rule,
        phenomenon=None if row.phenomenon is None else Phenomenon(row.phenomenon),
        surface=None if row.surface is None else Surface(row.surface),
        grade=None if row.grade is None else Grade(row.grade),
        source=None if row.source is None else Source(row.source),
        because=None if row.because is None else Because(row.because),
    )


def _hearing(row: TaskHearingRow) -> HearingShown:
    return HearingShown(
        step=HearingStep(row.step),
        reference=row.reference,
        answer_until=row.answer_until,
        exception=_exception(row),
        recorded_by=row.recorded_by,
        recorded_at=row.recorded_at,
    )


async def inquiries_of(
    desk: ReviewDesk, reader: Reader, task_id: str
) -> list[InquiryShown]:
    """Give what was asked about a task's signals, with the answers that there are."""
    answers = {row.inquiry: row for row in await reader.task_answers(task_id)}
    contacts = {
        row.signal_id: match.contact
        for row in await reader.task_signals(task_id)
        if (match := open_match(row, desk.periods)) is not None
    }
    return [
        _inquiry(row, contacts.get(row.signal_id), answers.get(row.number or 0))
        for row in await reader.task_inquiries(task_id)
    ]


def _inquiry(
    row: TaskInquiryRow, contact: str | None, answer: TaskAnswerRow | None
) -> InquiryShown:
    shown = InquiryShown(
        inquiry=row.number or 0,
        task=row.task,
        signal=str(UUID(bytes=row.signal_id)),
        origin=row.origin,
        questions=[InquiryQuestion(name) for name in row.questions.split()],
        asked_by=row.asked_by,
        asked_at=row.asked_at,
        contact=contact,
    )
    if answer is None:
        return shown
    pairs = (each.split("=") for each in answer.replies.split())
    return replace(
        shown,
        replies={InquiryQuestion(name): Reply(reply) for name, reply in pairs},
        reference=answer.reference,
        answered_by=answer.answered_by,
        answered_at=answer.answered_at,
    )
