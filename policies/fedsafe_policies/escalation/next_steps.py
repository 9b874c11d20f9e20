# SPDX-License-Identifier: Apache-2.0
"""What a person does next with a case, for every state in which one has to act.

Pure. What a mistake would make worse comes first: a package that no longer counts and
that somebody may be working with; then what waits for a person; then what the case's
own state asks for. Where the node is at work nobody has to act, and that is said too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique

from fedsafe_policies.escalation.states import (
    EDITABLE,
    CaseState,
    is_for_many,
    may_follow,
)
from fedsafe_policies.escalation.vocabulary import Urgency


@unique
class NextStep(StrEnum):
    """What a person does next; `wait` is that the node is at work."""

    RECALL = "recall"
    SAY_WHAT_CAME = "say_what_came"
    RECALL_AGAIN = "recall_again"
    HAND_OVER = "hand_over"
    SEE_THROUGH = "see_through"
    SECOND_LOOK = "second_look"
    GIVE_OPINION = "give_opinion"
    FILL_IN = "fill_in"
    APPROVE = "approve"
    APPROVE_SECOND = "approve_second"
    SEND = "send"
    ASK_FOR_RECEIPT = "ask_for_receipt"
    SUPPLEMENT = "supplement"
    ANSWER = "answer"
    PUT_RIGHT = "put_right"
    CLOSE = "close"
    WAIT = "wait"


_S = CaseState
_N = NextStep
WORK = (_N.SAY_WHAT_CAME, _N.RECALL_AGAIN, _N.HAND_OVER, _N.SEE_THROUGH)
"""What a case's packages ask for, most urgent first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a case when somebody asks what comes next.

    `work` is what its packages ask for; `lacks` says that something is missing whoever
    receives it, `asked` that an approval waits for a second person, `questioned` that a
    partner waits for an answer.
    """

    state: CaseState
    urgency: Urgency
    work: frozenset[NextStep] = frozenset()
    recall_due: bool = False
    lacks: bool = False
    asked: bool = False
    waits_for_look: bool = False
    unanswered: bool = False
    questioned: bool = False


def next_steps(case: Standing) -> tuple[NextStep, ...]:
    """Name what people do next, the first before the others."""
    found = tuple(dict.fromkeys(_steps(case)))
    if found or case.state is _S.CLOSED:
        return found
    return (_N.WAIT,)


def _steps(case: Standing) -> Iterator[NextStep]:
    if case.recall_due and may_follow(case.state, _S.RECALLED):
        yield _N.RECALL
    yield from (each for each in WORK if each in case.work)
    if case.waits_for_look and case.state is not _S.CLOSED:
        yield _N.SECOND_LOOK
    if case.questioned and case.state is not _S.CLOSED:
        yield _N.SUPPLEMENT
    yield from _of_state(case)


def _of_state(case: Standing) -> Iterator[NextStep]:
    """Name what the state itself asks for."""
    match case.state:
        case _S.DRAFT | _S.LEGAL_REVIEW:
            yield from _before_release(case)
        case _S.APPROVED:
            yield _N.SEND
        case _S.DELIVERED:
            yield _N.ASK_FOR_RECEIPT
        case _S.ACKNOWLEDGED | _S.NEEDS_INFO | _S.SUPPLEMENTED:
            if case.unanswered:
                yield _N.ANSWER
            elif not case.questioned:
                yield _N.CLOSE
        case _S.RECALLED:
            yield _N.PUT_RIGHT
        case _S.PACKAGED | _S.DISPATCHING | _S.FAILED | _S.FALLBACK | _S.CLOSED:
            return  # the node is at work, or a package waits for a person
    if case.unanswered and case.state in EDITABLE | {_S.APPROVED}:
        yield _N.ANSWER


def _before_release(case: Standing) -> Iterator[NextStep]:
    if case.state is _S.LEGAL_REVIEW:
        yield _N.GIVE_OPINION
    if is_for_many(case.urgency):  # a pattern goes to nobody as one case
        if not case.unanswered:
            yield _N.CLOSE
    elif case.asked:
        yield _N.APPROVE_SECOND
    elif case.lacks:
        yield _N.FILL_IN
    elif case.state is _S.DRAFT:
        yield _N.APPROVE
