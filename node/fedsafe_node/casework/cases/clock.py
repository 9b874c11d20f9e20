# SPDX-License-Identifier: Apache-2.0
"""The clocks of cases: who is on duty is told what is due, and what comes next.

A job of the node's clockwork. What is due is computed from the cases and their steps
each time; kept is only what people were told already. So a restart, another process
that leads, or a clock that is set back tells nobody twice, and whoever was away for a
week is told once. What tells is an event for the provider's back-end (`case.due`) and
an audit event, in one act with the row that says so. An exercise runs by the same
clocks, but wakes nobody: of it there is no event for the back-end.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.cases.timeline import course_of, is_over
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.casework_rows import CaseAlarmRow, CaseRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.clocks import Alarm, Course, Term, alarms, terms
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.urgency import Fallback
from fedsafe_policies.escalation.vocabulary import Urgency

ACTOR_NAME: Final = Actor.CLOCK.value
Tell = Callable[[Transaction, Detail], Awaitable[object]]
SendOn = Callable[[Transaction, str, int], Awaitable[int]]
_AT_ONCE: Final = frozenset({Urgency.U0, Urgency.U1})


@dataclass(frozen=True, slots=True)
class CaseClock:
    """What the clocks of cases work with; `tell` reaches whoever is on duty.

    `send_on` lets what nobody has acknowledged go out by the next channel.
    """

    office: Office
    vault: CaseVault
    tell: Tell
    calendar: Calendar
    send_on: SendOn


@dataclass(frozen=True, slots=True)
class Overdue:
    """How many cases are open, overdue, and of these about life or safety.

    An exercise is open, but never overdue: nobody waits for it.
    """

    open: int = 0
    late: int = 0
    urgent: int = 0


async def tend_cases(clock: CaseClock) -> int:
    """Tell people of all that is due; return how often.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    office = clock.office
    if not await office.store.scan(lambda reader: _due(clock, reader)):
        return 0

    async def act(tx: Transaction) -> int:
        found = await _due(clock, tx)
        for row, alarm in found:
            await _tell(clock, tx, row, alarm)
        return len(found)

    return await office.store.write(act)


async def courses(reader: Reader) -> list[tuple[CaseRow, Course]]:
    """Return the cases that are not closed, and how far each has come."""
    rows = {row.id: row for row in await reader.open_cases()}
    steps = await reader.steps_of_open_cases()
    by_case = {
        case: list(group) for case, group in groupby(steps, lambda each: each.case_id)
    }
    return [(row, course_of(row, by_case.get(row.id, ()))) for row in rows.values()]


async def count_overdue(
    reader: Reader, vault: CaseVault, calendar: Calendar, now: int
) -> Overdue:
    """Count the cases that are open and those that owe something by now."""
    found = await courses(reader)
    late = [
        row
        for row, course in found
        if not is_over(row)
        and any(term.is_overdue(now) for term in terms(course, calendar))
        and not vault.is_exercise(row)
    ]
    urgent = sum(Urgency(row.urgency) in _AT_ONCE for row in late)
    return Overdue(len(found), len(late), urgent)


async def _due(clock: CaseClock, reader: Reader) -> list[tuple[CaseRow, Alarm]]:
    now, told = clock.office.now(), await reader.alarms_of_open_cases()
    marks: dict[tuple[str, str, str, int], int] = {}
    for row in told:
        place = (row.case_id, row.urgency, row.milestone, row.since)
        marks[place] = max(row.at, marks.get(place, row.at))
    found = []
    for case, course in await courses(reader):
        if not is_over(case):
            due = alarms(course, clock.calendar, now)
            found += [(case, alarm) for alarm in _untold(case, due, marks)]
    return found


def _untold(
    case: CaseRow, due: Iterable[Alarm], marks: dict[tuple[str, str, str, int], int]
) -> Iterator[Alarm]:
    # What lies before something that was told is past, whatever the clock says now.
    for alarm in due:
        term = alarm.term
        mark = marks.get((case.id, case.urgency, term.milestone.value, term.since))
        if mark is None or alarm.at > mark:
            yield alarm


async def _tell(clock: CaseClock, tx: Transaction, case: CaseRow, alarm: Alarm) -> None:
    term, fallback = alarm.term, alarm.fallback
    row = CaseAlarmRow(
        case_id=case.id,
        urgency=case.urgency,
        milestone=term.milestone.value,
        since=term.since,
        stage=alarm.stage.value,
        number=alarm.number,
        at=alarm.at,
        due_at=term.due_at,
        fallback=None if fallback is None else fallback.value,
        told_at=clock.office.now(),
    )
    await tx.add_case_alarm(row)
    if fallback is Fallback.SECOND_CHANNEL:
        await clock.send_on(tx, case.id, row.told_at)
    content: Detail = {
        "case": case.id,
        "urgency": case.urgency,
        "milestone": row.milestone,
        "stage": row.stage,
        "fallback": row.fallback,
        "due_at": _written(term.due_at),
        "overdue": term.is_overdue(row.told_at),
    }
    if not clock.vault.is_exercise(case):
        await clock.tell(tx, content)
    await clock.office.note(tx, Event.CASE_DUE, ACTOR_NAME, content, outcome=row.stage)


def owed(course: Course, calendar: Calendar) -> list[Term]:
    """Return what a case owes still, by when it is due."""
    open_terms = [term for term in terms(course, calendar) if term.met_at is None]
    return sorted(open_terms, key=lambda term: term.due_at)


def _written(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
