# SPDX-License-Identifier: Apache-2.0
"""P9, retention: until when a signal matches, and when its opening is erased.

Both follow from the kind, the day that the clock started on (an account's
removal, a media signal's publication) and the policy; both are rounded down to a
bucket, so that they tell less of kind and day. An identifier that changes hands
(phone, device, IP address) ages faster than the plane's retention. The bucket
never rounds a short life away: a whole bucket is left of every span that has one.
So a shorter span never ends later.
"""

from dataclasses import dataclass
from datetime import date

from fedsafe_policies.documents.policy import Policy
from fedsafe_policies.ground.span import SECONDS_A_DAY, Span, day_number, day_of, today
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind

_LONGEST_DAYS = 3_660


def retention(
    kind: IdentifierKind | MediaKind,
    since: date,
    policy: Policy,
    *,
    epoch_ends: int | None = None,
) -> tuple[int, int]:
    """Return ``(match_until, erase_after)`` in UTC seconds.

    A signal matches before `match_until`. Its opening outlives that by the
    policy's `after_match`, for reviews under way, but never its retention and
    never `epoch_ends` (UTC seconds), with which its token dies.
    """
    times = policy.document.retention
    actor = isinstance(kind, IdentifierKind)
    kept = times.actor if actor else times.media
    age = policy.document.ageing.get(kind.name.lower()) if actor else None  # type: ignore[call-overload]
    start = day_number(since)
    end_of_life = _end(since, kept, times.bucket)
    matches = min(end_of_life, _end(since, age, times.bucket)) if age else end_of_life
    erased = min(end_of_life, matches + times.after_match.days)
    seconds = (max(matches, start), max(erased, start))
    limit = epoch_ends if epoch_ends is not None else seconds[1] * SECONDS_A_DAY
    return (
        min(seconds[0] * SECONDS_A_DAY, limit),
        min(seconds[1] * SECONDS_A_DAY, limit),
    )


@dataclass(frozen=True, slots=True)
class Term:
    """How long a kind is listed, and which days of removal still count.

    What was removed *first* or later matches now; what was removed on the day asked
    about matched until *ended*.
    """

    span: Span
    first: date
    ended: date


def explain_end(
    kind: IdentifierKind | MediaKind, since: date, policy: Policy, now: int
) -> Term:
    """Say why a signal is over: its term, its end, and the first day that counts.

    The term is that of the kind's ageing where that is shorter than what is kept.
    """
    times = policy.document.retention
    span = times.actor if isinstance(kind, IdentifierKind) else times.media
    if isinstance(kind, IdentifierKind):
        age = policy.document.ageing.get(kind.name.lower())  # type: ignore[call-overload]
        if age is not None and not age.exceeds(span):
            span = age
    low, high = 0, _LONGEST_DAYS  # so many days back it still matches, or no more
    while low < high:
        back = (low + high + 1) // 2
        until, _ = retention(kind, day_of(today(now) - back), policy)
        if until > now:
            low = back
        else:
            high = back - 1
    until, _ = retention(kind, since, policy)
    return Term(span, day_of(today(now) - low), day_of(until // SECONDS_A_DAY))


def _end(since: date, span: Span, bucket: Span) -> int:
    start, end = day_number(since), day_number(span.after(since))
    return max(end - end % bucket.days, min(end, start + bucket.days))
