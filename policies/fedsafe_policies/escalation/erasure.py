# SPDX-License-Identifier: Apache-2.0
"""When what is known of a closed case is erased, and what stays to be counted.

P9: `retention.cases` after it was closed, and never while the evidence is preserved or
the user must not be told. What stays are codes about nobody: what the quarterly pack
counts, without moments, places or reasons.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Final

from msgspec import UNSET

from fedsafe_policies.escalation.package import Elements, MeasureTaken
from fedsafe_policies.ground.days import SECONDS_A_DAY, day_number
from fedsafe_policies.ground.span import Span

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
