# SPDX-License-Identifier: Apache-2.0
"""P13: the person is heard before an account is closed for good, or it is said why not.

A hearing is a record of steps: invited, with a day until which there is time to
answer; then heard, or that day has passed without an answer. Where nobody can be
asked there is an exception with a listed reason. Steps refer and never tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.ground.references import is_case_number
from fedsafe_policies.ground.span import day_number, today

SHORTEST: Final = 2  # days to answer
LONGEST: Final = 30


@unique
class HearingStep(StrEnum):
    """What happened with the person."""

    INVITED = "invited"
    HEARD = "heard"
    NO_ANSWER = "no_answer"
    EXCEPTION = "exception"


@unique
class HearingException(StrEnum):
    """Why a person was not asked."""

    DANGER_TO_A_CHILD = "danger_to_a_child"
    INVESTIGATION_AT_RISK = "investigation_at_risk"
    ORDER_OF_AN_AUTHORITY = "order_of_an_authority"
    NO_WAY_TO_REACH = "no_way_to_reach"


@unique
class HearingFault(StrEnum):
    """Why a step does not fit; the field it is about, for whoever shows it."""

    REFERENCE = "reference"
    ANSWER_UNTIL = "answer_until"
    EXCEPTION = "exception"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class Hearing:
    """One step. `reference` names where it is written down."""

    step: HearingStep
    reference: str
    answer_until: date | None = None
    exception: HearingException | None = None


def fault_of(
    hearing: Hearing, before: Sequence[Hearing], now: int
) -> HearingFault | None:
    """Say what is wrong with a step after others, at `now` (UTC seconds)."""
    if not is_case_number(hearing.reference):
        return HearingFault.REFERENCE
    invites = hearing.step is HearingStep.INVITED
    if invites is (hearing.answer_until is None):
        return HearingFault.ANSWER_UNTIL
    if (hearing.step is HearingStep.EXCEPTION) is (hearing.exception is None):
        return HearingFault.EXCEPTION
    if hearing.answer_until is not None:
        days = day_number(hearing.answer_until) - today(now)
        return None if SHORTEST <= days <= LONGEST else HearingFault.ANSWER_UNTIL
    if hearing.step is HearingStep.NO_ANSWER and not _had_its_time(before, now):
        return HearingFault.STEP
    return None


def completed(steps: Sequence[Hearing]) -> str | None:
    """Give the reference of a hearing that is complete, None of one that is not.

    Whoever is invited anew has not been heard on it yet.
    """
    last = steps[-1] if steps else None
    if last is None or last.step is HearingStep.INVITED:
        return None
    return last.reference


def _had_its_time(before: Sequence[Hearing], now: int) -> bool:
    last = before[-1] if before else None
    return (
        last is not None
        and last.answer_until is not None
        and day_number(last.answer_until) < today(now)
    )
