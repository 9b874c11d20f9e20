# SPDX-License-Identifier: Apache-2.0
"""Probation: an origin whose listings turn out wrong too often is on trial anew (P22).

Counted are this node's own closed reviews alone, by origin and kind of identifier or
file; what other members, or an origin itself, report counts for nothing. So nobody puts
an origin on probation at another node. A wrong listing counts once two people have
found so: the first says it and leaves the review open, the second closes it. What one
person closes alone counts in the origin's favour, or not at all. A review of signals of
several origins, or kinds, tells of neither.

Counted is what was closed after the last probation, and within a year. A probation is
of one kind, and only a person ends it.
"""

from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.reviews import Because
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Detail, Event, grounds_of
from fedsafe_node.notices.provider_events.announcer import Announcement, Content
from fedsafe_node.review.contents import open_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.trials import begin_probation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import ClosingRow, TaskDecisionRow, TaskRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.trials import Closings, least_share, wants_probation
from fedsafe_policies.vocabulary import Outcome

COUNTED_FOR: Final = 365 * SECONDS_A_DAY
"""So long a closed review counts."""
_BY: Final = Actor.REVIEW.value
_OPEN: Final = frozenset({Outcome.INQUIRE, Outcome.WATCH})


async def weigh_origin(
    desk: ReviewDesk, tx: Transaction, task: TaskRow, made: TaskDecisionRow
) -> None:
    """Count a closed review; put the origin on probation if it is one too many.

    While the task still has what it hangs on. Decided anew it counts as it is then.
    """
    if made.outcome in _OPEN:
        return
    about = await _about(desk, tx, task)
    if about is None:
        return
    origin, kind = about
    await tx.put_closing(
        ClosingRow(
            task=task.id,
            origin=origin,
            kind=kind,
            closed_at=made.decided_at,
            is_by_two=made.second is not None,
            is_wrong=made.because == Because.LISTING_WRONG,
        )
    )
    since = max(
        made.decided_at - COUNTED_FOR, await tx.last_probation(origin, kind) or 0
    )
    closings = await tx.closings(origin, kind, since)
    policy = desk.situation.policy.document.trial
    if not wants_probation(closings, policy):
        return
    if await tx.probation_of(origin, kind) is None:
        await _begin(desk, tx, origin, kind, closings)


async def find_wrong(
    desk: ReviewDesk,
    tx: Transaction,
    task: TaskRow,
    made: TaskDecisionRow,
    decision: Decision,
) -> None:
    """Keep that somebody finds the listing wrong, and leaves the closing to another.

    It is of the task as it is: once that changes, or after a week, it is said anew.
    """
    await tx.add_look(_finding(task), made.decided_by, made.decided_at)
    detail: Detail = {
        "dwell": made.dwell,
        "because": made.because,
        **grounds_of(decision),
    }
    entry = desk.event(Event.TASK_FOUND_WRONG, task, detail, by=made.decided_by)
    await desk.note(tx, entry)


async def with_finder(
    reader: Reader, task: TaskRow, made: TaskDecisionRow
) -> TaskDecisionRow:
    """Name who has found the listing wrong before, where another person closes so."""
    if made.because != Because.LISTING_WRONG:
        return made
    for look in await reader.lookers(_finding(task)):
        if look.person != made.decided_by and look.seen_at is not None:
            viewed = await reader.task_viewed(task.id, look.person)
            looked = 0 if viewed is None else max(look.seen_at - viewed, 0)
            return replace(made, second=look.person, second_dwell=looked)
    return made


def _finding(task: TaskRow) -> str:
    return f"wrong:{task.id}:{task.revision}"


async def _begin(
    desk: ReviewDesk, tx: Transaction, origin: str, kind: str, closings: Closings
) -> None:
    found: Detail = {
        "reviews": closings.counted,
        "by_two": closings.by_two,
        "wrong": closings.wrong,
        "least_percent": int(100 * least_share(closings.wrong, closings.counted)),
        "bound_percent": desk.situation.policy.document.trial.probation_percent,
    }
    trial = await begin_probation(desk, tx, origin, kind, by=_BY, found=found)
    content: Content = {
        "trial": trial.id,
        "cause": trial.cause.value,
        "origin": origin,
        "kind": kind,
        "reviews": closings.counted,
        "wrong": closings.wrong,
    }
    await desk.announcer.announce(
        tx, Announcement(EventKind.TRIAL_BEGAN, content=content)
    )


async def _about(
    desk: ReviewDesk, reader: Reader, task: TaskRow
) -> tuple[str, str] | None:
    """Name the one origin and kind that a task tells of, if it is another's."""
    found: set[tuple[str, str]] = set()
    for row in await reader.task_signals(task.id):
        match = open_match(row, desk.periods)
        if match is None:
            continue
        if match.own or match.origin == desk.situation.node:
            return None
        found.add((match.origin, match.kind))
    return found.pop() if len(found) == 1 else None
