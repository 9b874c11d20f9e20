# SPDX-License-Identifier: Apache-2.0
"""The queue of cases: whose turn it is, what each owes, and what a person does next.

A case that was closed is in it once more while a package or a correction of it waits
for a person: nobody would look for it among those that are over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fedsafe_node.acts.cases import CaseListed
from fedsafe_node.casework.cases.clock import courses, owed
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.cases.packages import work_of
from fedsafe_node.casework.cases.release import pending_dispatches, waits_for_look
from fedsafe_node.casework.cases.timeline import course_of, is_over
from fedsafe_node.casework.cases.view import fallen, own_gaps, show_term
from fedsafe_node.ground.errors import CorruptRowError, WrongStateError
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.escalation.clocks import Course
from fedsafe_policies.escalation.closure import unanswered
from fedsafe_policies.escalation.deadlines import end_of
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.next_steps import NextStep, Standing, next_steps
from fedsafe_policies.escalation.queue import Waiting, in_order
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.urgency import urgencies
from fedsafe_policies.escalation.vocabulary import Urgency

_WAITS = frozenset({NextStep.HAND_OVER, NextStep.SAY_WHAT_CAME, NextStep.RECALL_AGAIN})
"""With what a closed case is listed: something of it waits for a person."""


@dataclass(frozen=True, slots=True)
class Queue:
    """What the list of cases is made with."""

    vault: CaseVault
    calendar: Calendar
    matrix: Matrix
    now: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listable:
    """A case that may be listed, and what is read of it beside its row."""

    row: CaseRow
    course: Course
    recall_due: bool = False
    steps: tuple[NextStep, ...] = ()


async def list_cases(queue: Queue, reader: Reader) -> list[CaseListed]:
    """List the cases of which somebody has to do something, in the order of work."""
    asked = await _asked(reader, queue.now)
    found = [
        await _read(queue, reader, row, course, asked)
        for row, course in await courses(reader)
    ]
    for row in await reader.closed_cases_sent():
        course = course_of(row, await reader.case_steps(row.id))
        known = await _read(queue, reader, row, course, asked)
        if _WAITS & set(known.steps):
            found.append(known)
    return queue_of(queue, found)


def queue_of(queue: Queue, found: Sequence[Listable]) -> list[CaseListed]:
    """List cases in the order in which they are worked on, with what they owe.

    No exercise comes before a case about somebody.
    """
    by_id = {each.row.id: each for each in found}
    young = {name: queue.vault.has_minors(each.row) for name, each in by_id.items()}
    waiting = [
        Waiting(
            case=each.row.id,
            urgency=Urgency(each.row.urgency),
            minors=young[each.row.id] is not False,
            known_at=each.row.known_at,
        )
        for each in found
    ]
    listed = [
        _listed(queue, by_id[each.case], each, young=young[each.case])
        for each in in_order(waiting, queue.now)
    ]
    return sorted(listed, key=lambda each: each.test)


def _listed(
    queue: Queue, known: Listable, place: Waiting, *, young: bool | None
) -> CaseListed:
    first, row = urgencies()[place.urgency].first_dispatch, known.row
    terms = [] if is_over(row) else owed(known.course, queue.calendar)
    return CaseListed(
        case=row.id,
        state=CaseState(row.state),
        urgency=place.urgency,
        minors=place.minors,
        ages_known=young is not None,
        known_at=row.known_at,
        dispatch_by=end_of(row.known_at, first, queue.calendar),
        owed=[show_term(term, queue.now) for term in terms],
        opened_by=row.opened_by,
        recall_due=known.recall_due,
        next=list(known.steps),
        test=queue.vault.is_exercise(row),
    )


async def _read(
    queue: Queue,
    reader: Reader,
    row: CaseRow,
    course: Course,
    asked: Mapping[str, int],
) -> Listable:
    """Read what is to be done next; of a case that does not open, by its packages."""
    work = await work_of(reader, row.id, queue.now)
    standing = Standing(
        state=CaseState(row.state),
        urgency=Urgency(row.urgency),
        work=frozenset(NextStep(each.kind.value) for each in work),
        asked=asked.get(row.id) == row.revision,
    )
    try:
        file = queue.vault.open(row)
    except (WrongStateError, CorruptRowError):
        return Listable(row=row, course=course, steps=next_steps(standing))
    is_fallen = bool(await fallen(reader, file.mentions))
    standing = replace(
        standing,
        recall_due=is_fallen,
        lacks=bool(own_gaps(row, file, queue.matrix)),
        waits_for_look=waits_for_look(row, file),
        unanswered=bool(unanswered(file.answers)),
        questioned=bool(file.open_questions),
    )
    return Listable(
        row=row, course=course, recall_due=is_fallen, steps=next_steps(standing)
    )


async def _asked(reader: Reader, now: int) -> dict[str, int]:
    """Say of which cases a revision waits for a second person's approval."""
    found = dict[str, int]()
    async for _, asked in pending_dispatches(reader, now):
        found[asked.case] = max(asked.revision, found.get(asked.case, 0))
    return found
