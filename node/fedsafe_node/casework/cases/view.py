# SPDX-License-Identifier: Apache-2.0
"""A case as a role sees it, the signals that it mentions, and the queue."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from fedsafe_node.acts.cases import (
    AlarmShown,
    ApprovalShown,
    CallShown,
    CaseAnswer,
    CaseStepShown,
    ChecklistStep,
    ClassLacks,
    HoldShown,
    InquiryShown,
    LackShown,
    ReleaseShown,
    TaskShown,
    TermShown,
)
from fedsafe_node.casework.cases.answers import open_before_closing
from fedsafe_node.casework.cases.content import CaseFile, Release
from fedsafe_node.casework.cases.packages import Work
from fedsafe_node.casework.cases.release import ALONE, OF_MANY, waits_for_look
from fedsafe_node.casework.cases.timeline import course_of, is_over
from fedsafe_node.store.casework_rows import CaseAlarmRow, CaseRow, CaseStepRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.errors import NothingForPartnerError
from fedsafe_policies.escalation.clocks import Milestone, Stage, Term, terms
from fedsafe_policies.escalation.deadlines import end_of
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import present
from fedsafe_policies.escalation.playbooks import playbooks
from fedsafe_policies.escalation.projection import (
    Projection,
    as_seen_by,
    project,
    seen_by,
)
from fedsafe_policies.escalation.release import Gap, gaps
from fedsafe_policies.escalation.states import EDITABLE, CaseState, is_for_many
from fedsafe_policies.escalation.urgency import Fallback, urgencies
from fedsafe_policies.escalation.vocabulary import PartnerClass, Urgency
from fedsafe_policies.vocabulary import Effect, Role

_WORKED_ON: Final = EDITABLE | {CaseState.RECALLED}


@dataclass(frozen=True, slots=True)
class Told:
    """What is there of a case beside what is known of it."""

    steps: list[CaseStepRow]
    alarms: list[CaseAlarmRow]
    calendar: Calendar
    now: int
    work: tuple[Work, ...]
    fallen: list[str]
    approval: ApprovalShown | None


def show_case(
    row: CaseRow, file: CaseFile, told: Told, role: Role, matrix: Matrix
) -> CaseAnswer:
    """Show a case as a role sees it."""
    calendar = told.calendar
    known, answers = file.elements, file.answers
    return CaseAnswer(
        case=row.id,
        state=CaseState(row.state),
        revision=row.revision,
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        opened_at=row.opened_at,
        opened_by=row.opened_by,
        sources=sorted(file.sources),
        evidence=list(file.evidence),
        elements=as_seen_by(role, known),
        hidden=sorted(present(known) - seen_by(role)),
        unavailable=file.unavailable,
        conditions=sorted(file.conditions),
        checklist=_checklist(row, file, calendar),
        feature=answers.feature,
        help=file.help,
        level=file.level,
        evidence_decision=file.evidence_decision,
        opinion=file.opinion,
        needs_opinion=file.waits_for_opinion,
        holds=[
            HoldShown(
                authority=hold.authority,
                basis=hold.basis,
                since=hold.since,
                until=hold.until,
            )
            for hold in file.holds
        ],
        release=None
        if file.release is None
        else show_release(row, file.release, calendar),
        approval=told.approval,
        unanswered=list(open_before_closing(row, file)),
        gaps=[show_gap(gap) for gap in own_gaps(row, file, matrix)],
        lacking=list(class_lacks(row, file, matrix)),
        steps=[
            CaseStepShown(
                step=step.step,
                state=CaseState(step.state),
                revision=step.revision,
                at=step.at,
                by=step.by,
                role=step.role,
            )
            for step in told.steps
        ],
        calls=[
            CallShown(
                number=call.number,
                at=call.at,
                officer=call.officer,
                reference=call.reference,
                said=list(call.said),
                ordered=list(call.ordered),
                by=call.by,
                answered=call.answered,
            )
            for call in file.calls
        ],
        inquiries=[
            InquiryShown(
                step=CaseState(each.step),
                at=each.at,
                reference=each.reference,
                by=each.by,
            )
            for each in file.inquiries
        ],
        terms=[show_term(term, told.now) for term in _terms(row, file, told)],
        alarms=[
            AlarmShown(
                milestone=Milestone(alarm.milestone),
                stage=Stage(alarm.stage),
                fallback=None if alarm.fallback is None else Fallback(alarm.fallback),
                due_at=alarm.due_at,
                told_at=alarm.told_at,
            )
            for alarm in told.alarms
        ],
        test=file.test,
        mentions=list(file.mentions),
        fallen=told.fallen,
        tasks=[_show_work(each) for each in told.work],
    )


def _show_work(work: Work) -> TaskShown:
    row = work.row
    return TaskShown(
        kind=work.kind,
        dispatch=row.id,
        partner=row.partner,
        since=row.made_at,
        recalls=row.recalls,
        taken_by=list(work.taken_by),
        reach=work.reach,
    )


def _terms(row: CaseRow, file: CaseFile, told: Told) -> Iterator[Term]:
    """Return what a case owes, and what came; one that is over owes nothing more.

    But for the second look: without it no case is closed.
    """
    for term in terms(course_of(row, told.steps), told.calendar):
        is_owed = not is_over(row)
        if term.milestone is Milestone.SECOND_LOOK:
            is_owed = is_owed or waits_for_look(row, file)
        if is_owed or term.met_at is not None:
            yield term


def own_gaps(row: CaseRow, file: CaseFile, matrix: Matrix) -> tuple[Gap, ...]:
    """Return what the urgency asks of the case, whoever receives it."""
    nobody = Projection(
        partner=PartnerClass.PEER, matrix=matrix.reference, elements=file.elements
    )
    urgency = Urgency(row.urgency)
    return gaps(file.elements, file.unavailable, urgency, nobody, matrix)


def class_lacks(row: CaseRow, file: CaseFile, matrix: Matrix) -> Iterator[ClassLacks]:
    """Name what each class of partner lacks that the case could go to as it stands.

    What all of them lack stands in `own_gaps`, and is not said again.
    """
    urgency = Urgency(row.urgency)
    if CaseState(row.state) not in _WORKED_ON or is_for_many(urgency):
        return
    own = own_gaps(row, file, matrix)
    for partner in PartnerClass:
        if partner is OF_MANY or partner not in ALONE.get(urgency, PartnerClass):
            continue
        known = file.circumstances
        needs = matrix.needs(partner) - known.granted
        granted = replace(known, granted=known.granted | needs)
        try:
            found = project(file.elements, file.unavailable, partner, matrix, granted)
        except NothingForPartnerError:  # whatever is recorded
            continue
        lacks = gaps(file.elements, file.unavailable, urgency, found, matrix)
        yield ClassLacks(
            partner=partner,
            needs=sorted(needs),
            lacks=[show_gap(gap) for gap in lacks if gap not in own],
        )


def show_term(term: Term, now: int) -> TermShown:
    """Show one thing that a case owes."""
    return TermShown(
        milestone=term.milestone,
        due_at=term.due_at,
        met_at=term.met_at,
        overdue=term.is_overdue(now),
    )


def show_gap(gap: Gap) -> LackShown:
    """Show what a case lacks."""
    return LackShown(
        code=gap.kind.value, element=gap.element, de=gap.text.de, en=gap.text.en
    )


def show_release(row: CaseRow, release: Release, calendar: Calendar) -> ReleaseShown:
    """Show who let the case go; alone, until when a second person looks at it."""
    second_look = urgencies()[Urgency(row.urgency)].second_look
    waits = release.second is None and second_look is not None
    return ReleaseShown(
        partners=sorted(release.partners),
        first=release.first,
        at=release.at,
        second=release.second,
        matrix=release.matrix,
        second_by=(
            end_of(release.at, second_look, calendar)
            if waits and second_look is not None
            else None
        ),
    )


def _checklist(row: CaseRow, file: CaseFile, calendar: Calendar) -> list[ChecklistStep]:
    phenomenon = file.answers.phenomenon
    if phenomenon is None:
        return []
    return [
        ChecklistStep(
            step=name,
            role=step.role.value,
            de=step.text.de,
            en=step.text.en,
            due_at=end_of(row.known_at, step.within, calendar),
            done=name in file.done,
        )
        for name, step in playbooks()[phenomenon].steps.items()
    ]


# Which signals a case mentions, and which of them no longer stand.
#
# A case never rests on a signal alone, but what came out of one may be in it. When its
# origin revokes it, or a ruling against it ends it, whoever got the case was told
# something wrong: the case says so until it is recalled. It is read off the statements
# each time, so that nothing about a case stands beside signals.

_ENDED: Final = frozenset({Effect.REVOKED.value, Effect.ERASED.value})


async def fallen(reader: Reader, mentions: Iterable[str]) -> list[str]:
    """Name the signals among these that were revoked, or erased for whom they meant."""
    return [each for each in mentions if await _is_fallen(reader, each)]


async def _is_fallen(reader: Reader, mention: str) -> bool:
    origin, _, name = mention.rpartition("/")
    signal_id = UUID(name).bytes
    row = await reader.signal(origin, signal_id)
    if row is not None and row.status is SignalStatus.REVOKED:
        return True
    named = await reader.restrictions_on(origin, signal_id)
    return any(each.effect in _ENDED for each in named)
