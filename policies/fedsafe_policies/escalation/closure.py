# SPDX-License-Identifier: Apache-2.0
"""What a case answers before it is closed, and when its user may not be told.

A notification hold ("no tipping off") names the authority that asked, its basis and
its end, thirty days on at most; another is another hold, with a reason of its own.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum, unique
from typing import Final

from msgspec import UNSET

from fedsafe_policies.escalation.package import Elements, MeasureTaken
from fedsafe_policies.escalation.vocabulary import Danger
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span, day_number
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


# When what is known of a closed case is erased, and what stays to be counted.
#
# P9: `retention.cases` after it was closed, and never while the evidence is preserved
# or the user must not be told. What stays are codes about nobody: what the quarterly
# pack counts, without moments, places or reasons.

_NO_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)


def erased_from(
    closed_at: int, kept: Span, holds: Iterable[int], preserved: date | None
) -> int:
    """Return from which second on a closed case is erased.

    `holds` are the ends of its notification holds; `preserved` is the last day of the
    preservation of its evidence.
    """
    end = kept.after(datetime.fromtimestamp(closed_at, UTC).date())
    moments = [(day_number(end) + 1) * SECONDS_A_DAY, *holds]
    if preserved is not None:
        moments.append((day_number(preserved) + 1) * SECONDS_A_DAY)
    return max(moments)


def preserved_until(known: Elements) -> date | None:
    """Return the last day on which the evidence of a case is preserved."""
    return None if known.preservation is UNSET else known.preservation.until


def countable(known: Elements) -> Elements:
    """Return what the quarterly pack counts of a case, and nothing else."""
    steps = () if known.measures is UNSET else {each.step for each in known.measures}
    return Elements(
        phenomenon=known.phenomenon,
        victim_ages=(
            UNSET
            if known.victim_ages is UNSET
            else tuple(sorted(set(known.victim_ages)))
        ),
        measures=tuple(
            MeasureTaken(step=step, taken_at=_NO_MOMENT) for step in sorted(steps)
        )
        or UNSET,
        feature=known.feature,
    )
