# SPDX-License-Identifier: Apache-2.0
"""What a case answers before it is closed, and when its user may not be told.

A notification hold ("no tipping off") names the authority that asked, its basis and
its end, thirty days on at most; another is another hold, with a reason of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.escalation.vocabulary import Danger
from fedsafe_policies.ground.days import SECONDS_A_DAY
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.vocabulary import Level, Phenomenon

LONGEST_HOLD: Final = 30 * SECONDS_A_DAY


@unique
class Help(StrEnum):
    """Which help was offered to whom it happened."""

    OFFERED = "offered"
    HANDED_OVER = "handed_over"
    DECLINED = "declined"
    NOBODY_KNOWN = "nobody_known"


@unique
class EvidenceDecision(StrEnum):
    """What becomes of the evidence that the provider holds."""

    PRESERVED = "preserved"
    HANDED_OVER = "handed_over"
    DELETED = "deleted"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What has been answered of the six questions of a case."""

    phenomenon: Phenomenon | None = None
    feature: str | None = None
    help: Help | None = None
    danger: Danger | None = None
    level: Level | None = None
    evidence: EvidenceDecision | None = None
    opinion: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why and until when the user is not told; moments in UTC seconds."""

    authority: str
    basis: str
    since: int
    until: int


@unique
class HoldFault(StrEnum):
    """What a hold is refused for."""

    AUTHORITY = "authority"
    BASIS = "basis"
    UNTIL = "until"


def unanswered(answers: Answers) -> tuple[str, ...]:
    """Name what a case has not answered; empty when it may be closed.

    Whether life or safety was threatened is answered once it is clear, by the legal
    adviser's opinion if nobody else can say.
    """
    return tuple(_unanswered(answers))


def fault_of_hold(hold: Hold) -> HoldFault | None:
    """Say what is wrong with a hold."""
    if not is_reference(hold.authority):
        return HoldFault.AUTHORITY
    if not is_reference(hold.basis):
        return HoldFault.BASIS
    lasts = hold.until - hold.since
    return None if 0 < lasts <= LONGEST_HOLD else HoldFault.UNTIL


def _unanswered(answers: Answers) -> Iterator[str]:
    if answers.phenomenon is None:
        yield "phenomenon"
    if answers.feature is None:
        yield "feature"
    if answers.help is None:
        yield "help"
    if answers.danger is None:
        yield "threat"
    elif answers.danger is Danger.UNCLEAR and not answers.opinion:
        yield "opinion"
    if answers.level is None:
        yield "level"
    if answers.evidence is None:
        yield "evidence"
