# SPDX-License-Identifier: Apache-2.0
"""A person ends a review, or puts it off (P13).

Policy decides, on what the task holds and not on what the asker says of it: how long
it has waited, whether it is watched, whether the person was heard. Where two people
are needed the first one's words wait as an act (`people.approvals`); the second one
approves exactly these, and all is decided anew in the transaction that does it. Both
have looked at the task as it is: what has changed since is looked at anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.reviews import OutcomeAnswer, OutcomeRequest
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.review.conclusion import conclude
from fedsafe_node.review.confirmation import KIND, Confirmation, let_one_wait
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.origin_questions import ask_origin
from fedsafe_node.review.pace import Haste, Ruling, in_time, weigh_haste
from fedsafe_node.review.probation import find_wrong, with_finder
from fedsafe_node.review.reviewer_stats import weigh_habits
from fedsafe_node.review.view import shown, steps_of
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import (
    TaskDecisionRow,
    TaskInquiryRow,
    TaskRow,
    TaskState,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.hearings import completed
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.reviews import ReviewRequest, day_ends
from fedsafe_policies.vocabulary import Outcome

MAX_INQUIRIES: Final = 20
FOUND: Final = ("phenomenon", "surface", "grade", "source")
"""What a measure says of the provider's own finding, beside its rule."""
_MEASURES: Final = frozenset({Outcome.FEATURE_LIMIT, Outcome.CONFIRM})
_CHANGED: Final = Phrase("the task has changed: look at it anew")
_UNSEEN_WRONG: Final = Phrase(
    "whoever finds a listing wrong has looked at the task as it is"
)
_UNSEEN: Final = Phrase("whoever takes an account away has looked at the task as it is")


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who wants what of a task; `dwell` is None until it is looked up."""

    want: OutcomeRequest
    first: Person
    second: Person | None = None
    dwell: int | None = None


@dataclass(frozen=True, slots=True)
class _Case:
    """A task with the words that policy decides on, and the row to be."""

    task: TaskRow
    facts: ReviewRequest
    row: TaskDecisionRow
    is_seen: bool


async def decide_task(
    desk: ReviewDesk,
    approvals: Approvals,
    task_id: str,
    want: OutcomeRequest,
    who: Principal,
) -> OutcomeAnswer:
    """Decide a task, or ask a second person where policy wants two.

    Raises:
        NotFoundError: there is no such task.
        WrongStateError: nothing is to be decided on it, or it has changed; or
            nobody else could be the second person, or is asked already; or whoever
            asks for one has not looked at the task as it is; or it was decided too
            fast (`pace`).
        BadRequestError: a field does not fit the outcome.
        DeniedError: policy refuses.
    """
    _check_fields(want)
    asked = _Asked(want, Person(who.name, who.role))

    async def act(
        tx: Transaction,
    ) -> tuple[Decision, TaskRow, Confirmation | None] | Haste:
        task = await at_hand(tx, task_id, want.revision)
        case = await _case(desk, tx, task, asked)
        decision = desk.situation.decide(case.facts, desk.clock.now())
        if not decision.allowed:
            if decision.code != Refusal.FOUR_EYES:
                raise DeniedError(decision)
            await _check_second(approvals, tx, case, who)
        inquiry = await _inquiry(desk, tx, task, asked)
        haste = await _weigh(desk, tx, case, want, who)
        if haste is not None:
            return haste
        if not decision.allowed:
            return decision, task, _confirmation(case, want)
        about = await _wrong(tx, task, want)
        if want.with_second:
            await _find_wrong(desk, tx, case, decision)
            return decision, task, None
        row = await with_finder(tx, task, case.row)
        after = await conclude(desk, tx, task, row, decision, about=about)
        if inquiry is not None:
            await ask_origin(desk, tx, after, inquiry)
        return decision, after, None

    decision, task, waits = in_time(await desk.admitted(act, who, "task.decide"))
    pending = None if waits is None else await _ask(desk, approvals, waits, who)
    return OutcomeAnswer(
        task=shown(task),
        outcome=want.outcome,
        decided=waits is None and not want.with_second,
        rule=decision.rule.value,
        policy=decision.policy,
        act=pending,
    )


async def _ask(
    desk: ReviewDesk, approvals: Approvals, said: Confirmation, who: Principal
) -> ActAnswer:
    async def keep(tx: Transaction, act: ActAnswer) -> None:
        await let_one_wait(desk, tx, act, said)

    return await approvals.ask(KIND, encode(said), who, keep=keep)


class ConfirmEffect:
    """The effect of an approved confirmation (`approvals.Effect`)."""

    def __init__(self, desk: ReviewDesk) -> None:
        self._desk = desk

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ReviewRequest:
        """Put the confirmation to the policy, with both persons.

        Raises:
            NotFoundError: there is no such task.
            WrongStateError: it has changed since it was asked for.
        """
        return (await self._case(reader, content, first, second)).facts

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Decide the task.

        Raises:
            WrongStateError: the second person has not looked at it as it is.
        """
        case = await self._case(tx, content, first, second)
        if case.row.second_dwell is None:
            raise WrongStateError("task_unseen", _UNSEEN)
        decision = self._desk.situation.decide(case.facts, self._desk.clock.now())
        if not decision.allowed:
            raise DeniedError(decision)
        await conclude(self._desk, tx, case.task, case.row, decision)

    async def _case(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> _Case:
        said = decode(content, Confirmation)
        want = OutcomeRequest(
            outcome=Outcome.CONFIRM,
            level=said.level,
            evidence=said.evidence,
            reason=said.reason,
            rule=said.rule,
            phenomenon=said.phenomenon,
            surface=said.surface,
            grade=said.grade,
            source=said.source,
        )
        task = await at_hand(reader, said.task, said.revision)
        asked = _Asked(want, first, second, said.dwell)
        case = await _case(self._desk, reader, task, asked)
        if case.row.hearing != said.hearing:
            raise WrongStateError("task_changed", _CHANGED)
        return case


async def at_hand(reader: Reader, task_id: str, revision: int | None) -> TaskRow:
    """Give a task that waits for a person, or is watched.

    Raises:
        NotFoundError: there is no such task.
        WrongStateError: nothing is to be decided on it, or it has changed.
    """
    task = await reader.task(task_id)
    if task is None:
        raise NotFoundError(Phrase("no such task"))
    ended = task.state in {TaskState.DECIDED, TaskState.LAPSED}
    if task.subject is None or (ended and task.flagged_at is None):
        raise WrongStateError(
            "not_pending", Phrase("nothing is to be decided on this task")
        )
    if revision is not None and revision != task.revision:
        raise WrongStateError("task_changed", _CHANGED)
    return task


async def _case(
    desk: ReviewDesk, reader: Reader, task: TaskRow, asked: _Asked
) -> _Case:
    want, now = asked.want, desk.now()
    dwell, second, second_dwell = asked.dwell, asked.second, None
    if dwell is None:
        dwell = await _dwell(reader, task, asked.first, now)
    if second is not None:
        second_dwell = await _dwell(reader, task, second, now)
    heard = completed(steps_of(await reader.task_hearings(task.id)))
    row = TaskDecisionRow(
        task=task.id,
        outcome=want.outcome.value,
        level=None if want.level is None else want.level.value,
        decided_by=asked.first.name,
        second=None if second is None else second.name,
        decided_at=now,
        dwell=dwell or 0,
        second_dwell=second_dwell,
        until=None if want.until is None else day_ends(want.until),
        reason=want.reason,
        evidence=want.evidence,
        hearing=heard,
        rule=want.rule,
        because=_code(want.because),
        **{name: _code(getattr(want, name)) for name in FOUND},
    )
    review = desk.situation.policy.document.review
    is_final = want.outcome is not Outcome.INQUIRE
    facts = ReviewRequest(
        outcome=want.outcome,
        opened=_opened(task),
        reviewer=asked.first,
        level=want.level,
        until=want.until,
        reason=want.reason,
        evidence=want.evidence,
        hearing=heard,
        rule=want.rule,
        phenomenon=want.phenomenon,
        second=second,
        renewals=task.renewals,
        watched=_watched(task),
        habit=(await weigh_habits(reader, row, review)).after if is_final else None,
    )
    return _Case(task, facts, row, dwell is not None)


async def _check_second(
    approvals: Approvals, tx: Transaction, case: _Case, who: Principal
) -> None:
    await approvals.check_second(tx, KIND, who)
    if not case.is_seen:
        raise WrongStateError("task_unseen", _UNSEEN)


async def _find_wrong(
    desk: ReviewDesk, tx: Transaction, case: _Case, decision: Decision
) -> None:
    if not case.is_seen:
        raise WrongStateError("task_unseen", _UNSEEN_WRONG)
    await find_wrong(desk, tx, case.task, case.row, decision)


async def _weigh(
    desk: ReviewDesk, tx: Transaction, case: _Case, want: OutcomeRequest, who: Principal
) -> Haste | None:
    if want.outcome is Outcome.INQUIRE:
        return None  # it ends nothing
    task = case.task
    ruling = Ruling(f"task:{task.id}", who, want, str(task.revision))
    seen_at = desk.now() - case.row.dwell if case.is_seen else None
    return await weigh_haste(desk, tx, ruling, seen_at)


async def _dwell(reader: Reader, task: TaskRow, person: Person, now: int) -> int | None:
    """Say how long ago somebody first looked at a task as it is."""
    seen = await reader.task_viewed(task.id, person.name)
    return None if seen is None else max(now - seen, 0)


def _opened(task: TaskRow) -> int:
    # What is decided and looked at anew waits from then on, as a match does.
    if task.state is TaskState.DECIDED and task.flagged_at is not None:
        return task.flagged_at
    return task.opened_at


def _watched(task: TaskRow) -> date | None:
    if task.state is not TaskState.WATCHED:
        return None
    return datetime.fromtimestamp(task.ends_at - 1, tz=UTC).date()


def _code(value: StrEnum | None) -> str | None:
    return None if value is None else value.value


def _confirmation(case: _Case, want: OutcomeRequest) -> Confirmation:
    # Only a confirmation takes two people, and it names both.
    level, evidence = case.facts.level, case.facts.evidence
    if level is None or evidence is None or case.facts.second is not None:
        raise AssertionError("policy asks for a second person where there is no case")
    return Confirmation(
        task=case.task.id,
        revision=case.task.revision,
        level=level,
        evidence=evidence,
        dwell=case.row.dwell,
        hearing=case.row.hearing,
        reason=case.row.reason,
        rule=want.rule,
        phenomenon=want.phenomenon,
        surface=want.surface,
        grade=want.grade,
        source=want.source,
    )


def _check_fields(want: OutcomeRequest) -> None:
    """Refuse what an outcome has no use for: nothing is taken and dropped."""
    outcome = want.outcome
    uses = {
        "until": outcome in {Outcome.WATCH, Outcome.FEATURE_LIMIT},
        "evidence": outcome is Outcome.CONFIRM,
        "signal": outcome is Outcome.INQUIRE or want.because is not None,
        "questions": outcome is Outcome.INQUIRE,
        "because": outcome is Outcome.DISMISS,
        "with_second": want.because is not None,
        **dict.fromkeys(("rule", *FOUND), outcome in _MEASURES),
    }
    for name, is_used in uses.items():
        if getattr(want, name) and not is_used:
            detail = Phrase("{outcome} takes no {name}").filled(
                outcome=outcome.value, name=name
            )
            raise BadRequestError("not_for_outcome", detail, pointer=f"/{name}")
    needed: Sequence[str] = ()
    if outcome is Outcome.INQUIRE:
        needed = ("signal", "questions")
    elif outcome in _MEASURES:
        needed = ("rule", *FOUND)  # the person is owed them (Art. 17 (3) DSA)
    for name in needed:
        if not getattr(want, name):
            detail = Phrase("{outcome} needs {name}").filled(
                outcome=outcome.value, name=name
            )
            raise BadRequestError("not_for_outcome", detail, pointer=f"/{name}")


async def _wrong(reader: Reader, task: TaskRow, want: OutcomeRequest) -> bytes | None:
    """Give which of a task's signals is listed wrongly, if only one of them is."""
    if want.because is None or want.signal is None:
        return None
    signal_id = UUID(want.signal).bytes
    if all(e.signal_id != signal_id for e in await reader.task_signals(task.id)):
        detail = Phrase("the task hangs on no such signal")
        raise BadRequestError("not_for_outcome", detail, pointer="/signal")
    return signal_id


async def _inquiry(
    desk: ReviewDesk, reader: Reader, task: TaskRow, asked: _Asked
) -> TaskInquiryRow | None:
    want = asked.want
    if want.outcome is not Outcome.INQUIRE or want.signal is None:
        return None
    if len(await reader.task_inquiries(task.id)) >= MAX_INQUIRIES:
        detail = Phrase("{most} inquiries are kept of a task").filled(
            most=MAX_INQUIRIES
        )
        raise WrongStateError("task_full", detail)
    signal_id = UUID(want.signal).bytes
    for row in await reader.task_signals(task.id):
        origin = desk.origin_of(row.origin)
        if row.signal_id == signal_id and origin != desk.situation.node:
            return TaskInquiryRow(
                task=task.id,
                origin=origin,
                signal_id=signal_id,
                questions=" ".join(
                    sorted(question.value for question in want.questions or ())
                ),
                asked_by=asked.first.name,
                asked_at=desk.now(),
            )
    detail = Phrase("the task hangs on no such signal of another provider")
    raise BadRequestError("not_for_outcome", detail, pointer="/signal")
