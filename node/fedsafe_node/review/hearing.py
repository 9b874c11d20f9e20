# SPDX-License-Identifier: Apache-2.0
"""Keep what happened with the person before an account is closed for good (P13)."""

from msgspec.structs import asdict, replace

from fedsafe_node.acts.reviews import HearingAnswer, HearingRequest
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.review.decision import at_hand
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.view import shown, steps_of
from fedsafe_node.store.review_rows import TaskHearingRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.hearings import Hearing, HearingFault, completed, fault_of
from fedsafe_policies.rules.reviews import day_ends

MAX_STEPS = 20
_WORDS = {
    HearingFault.REFERENCE: Phrase(
        "a reference names a document and says nothing itself"
    ),
    HearingFault.ANSWER_UNTIL: Phrase(
        "an invitation, and nothing else, names a day in 2 to 30 days to answer until"
    ),
    HearingFault.EXCEPTION: Phrase(
        "an exception, and nothing else, names a listed reason"
    ),
    HearingFault.STEP: Phrase("the time to answer is not over, or nobody was invited"),
}


async def record_hearing(
    desk: ReviewDesk, task_id: str, request: HearingRequest, who: Principal
) -> HearingAnswer:
    """Enter a step of a task's hearing; what waits for a second person begins anew.

    Only the task's head is told: what it holds takes a purpose, and leaves an event.

    Raises:
        NotFoundError: there is no such task.
        WrongStateError: nothing is to be decided on it, or it has too many steps.
        BadRequestError: the step does not fit; names the field.
    """
    step = Hearing(
        request.step, request.reference, request.answer_until, request.exception
    )

    async def act(tx: Transaction) -> HearingAnswer:
        now = desk.now()
        task = await at_hand(tx, task_id, None)
        steps = steps_of(await tx.task_hearings(task.id))
        if len(steps) >= MAX_STEPS:
            raise WrongStateError(
                "task_full",
                Phrase("a hearing has {most} steps").filled(most=MAX_STEPS),
            )
        fault = fault_of(step, steps, now)
        if fault is not None:
            pointer = f"/{fault.value}"
            raise BadRequestError("bad_hearing", _WORDS[fault], pointer=pointer)
        until, why = request.answer_until, request.exception
        row = TaskHearingRow(
            task=task.id,
            step=step.step.value,
            reference=step.reference,
            recorded_by=who.name,
            recorded_at=now,
            answer_until=None if until is None else day_ends(until),
            exception=None if why is None else why.value,
        )
        await tx.add_task_hearing(row)
        after = replace(task, revision=task.revision + 1)
        await tx.put_task(after)
        detail: dict[str, str] = {"step": row.step, "reference": row.reference}
        if until is not None:
            detail["answer_until"] = until.isoformat()
        if row.exception is not None:
            detail["exception"] = row.exception
        entry = desk.event(
            Event.TASK_HEARING, task, detail, by=who.name, outcome=row.step
        )
        await desk.note(tx, entry)
        heard = completed([*steps, step])
        return HearingAnswer(**asdict(shown(after)), heard=heard)

    return await desk.store.write(act)
