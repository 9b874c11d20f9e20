# SPDX-License-Identifier: Apache-2.0
"""What a decision makes of its task, with the events that it owes.

* `dismiss` erases what the task held, at once, unless somebody holds the account.
* `watch` keeps it until a day; `inquire` changes nothing.
* `feature_limit` and `confirm` keep it as long as the person may complain, so that a
  signal which is taken back brings the decision before a person again. The person is
  owed a statement of reasons (Art. 17 DSA), which is queued as a notice in this act;
  the provider is told of the measure at once, so that it need not wait for the text.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.notices import NoticeKind
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.subject_refs import is_about
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.review.confirmation import withdraw_confirmations
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.feedback import give_back
from fedsafe_node.review.probation import weigh_origin
from fedsafe_node.review.reasons import reasons_of
from fedsafe_node.review.reviewer_stats import weigh_habits
from fedsafe_node.review.task_start import reminder_before
from fedsafe_node.review.trials import settle_samples
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import TaskDecisionRow, TaskRow, TaskState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.reviews import decision_ends, is_rubber_stamp
from fedsafe_policies.vocabulary import Outcome

_TOLD: Final = (
    *("level", "until", "reason", "evidence", "hearing", "second"),
    *("phenomenon", "surface", "grade", "source", "because"),
)


async def conclude(  # noqa: PLR0913 - a task, and what a person made of it
    desk: ReviewDesk,
    tx: Transaction,
    task: TaskRow,
    made: TaskDecisionRow,
    decision: Decision,
    *,
    about: bytes | None = None,
) -> TaskRow:
    """Carry an allowed decision out; return how the task stands then.

    *about* is the one signal that is listed wrongly, if not all are.
    """
    told = {name: getattr(made, name) for name in _TOLD}
    told["house_rule"] = made.rule  # `rule` is the policy's that decided
    detail = {
        "outcome": made.outcome,
        "dwell": made.dwell,
        **{name: value for name, value in told.items() if value is not None},
        **grounds_of(decision),
    }
    entry = desk.event(
        Event.TASK_DECIDED, task, detail, by=made.decided_by, outcome=made.outcome
    )
    await desk.note(tx, entry)
    if Obligation.ALARM in decision.obligations:
        await _alarm(desk, tx, task, made)
    await _tell(desk, tx, task, made, decision)
    await tx.add_task_decision(made)
    await settle_samples(tx, made)
    await give_back(desk, tx, made, about)
    await weigh_origin(desk, tx, task, made)
    await withdraw_confirmations(desk, tx, {task.id}, by=made.decided_by)
    after = _after(task, made)
    await tx.put_task(after)
    if made.outcome == Outcome.DISMISS and not await is_held(tx, task, desk.now()):
        await tx.erase_task(task.id, TaskState.DECIDED)
        return await tx.task(task.id) or after
    return after


async def _tell(
    desk: ReviewDesk,
    tx: Transaction,
    task: TaskRow,
    made: TaskDecisionRow,
    decision: Decision,
) -> None:
    """Tell the provider, which keeps the account restricted until it hears."""
    if made.outcome == Outcome.INQUIRE:
        return
    content = {"outcome": made.outcome, "until": made.until}
    if made.level is not None:
        content["level"] = made.level
    await desk.announce(tx, EventKind.TASK_DECIDED, task, content)
    if Obligation.NOTICE_TO_THE_PERSON in decision.obligations:
        about, facts = bytes.fromhex(task.id), await reasons_of(desk, tx, task, made)
        await desk.notices.queue(tx, about, NoticeKind.REVIEW, facts)


def _after(task: TaskRow, made: TaskDecisionRow) -> TaskRow:
    now, outcome = made.decided_at, Outcome(made.outcome)
    grown = replace(task, revision=task.revision + 1)
    if outcome is Outcome.INQUIRE:
        return grown
    if outcome is Outcome.WATCH and made.until is not None:
        return replace(
            grown,
            state=TaskState.WATCHED,
            ends_at=made.until,
            remind_at=reminder_before(made.until, now),
            renewals=task.renewals + 1,
            flagged_at=None,
        )
    is_dismissed = outcome is Outcome.DISMISS
    return replace(
        grown,
        state=TaskState.DECIDED,
        ends_at=now if is_dismissed else decision_ends(now),
        remind_at=made.until if outcome is Outcome.FEATURE_LIMIT else None,
        flagged_at=None,
    )


async def _alarm(
    desk: ReviewDesk, tx: Transaction, task: TaskRow, made: TaskDecisionRow
) -> None:
    """Tell of a habit in the moment in which it becomes one."""
    review = desk.situation.policy.document.review
    habits = await weigh_habits(tx, made, review)
    if habits.before is not None and is_rubber_stamp(habits.before, review):
        return
    detail: Detail = {
        "whose": habits.whose,
        "tasks": habits.after.tasks,
        "confirmed": habits.after.confirmed,
        "median_seconds": habits.after.median_seconds,
    }
    entry = desk.event(
        Event.TASK_ALARM, task, detail, by=made.decided_by, outcome="alarm"
    )
    await desk.note(tx, entry)


async def is_held(reader: Reader, task: TaskRow, now: int) -> bool:
    """Tell whether a hold keeps the account of a task."""
    return any(
        is_about(hold.subject, task.subject) and hold.until > now
        for hold in await reader.holds()
        if task.subject is not None
    )
