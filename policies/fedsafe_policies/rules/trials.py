# SPDX-License-Identifier: Apache-2.0
"""P22: what signals on trial may do: be looked at, in a drawn sample, and no more.

Signals of a new origin, of an imported list, or of an origin on probation restrict
nobody while their trial lasts. Of their matches the first few are reviewed, and then a
part that is drawn; so people see whether the listings are right before they count.
Pure rules over counts that the caller keeps.
"""

import math
from dataclasses import dataclass
from typing import Final

from fedsafe_policies.documents.document import Trial
from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

RULERS: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER})
"""Who prolongs a trial, and ends one that does not end by itself."""
CHANCES: Final = 10_000
"""A draw is a number below this."""
MOST_DRAWN: Final = 500
"""So many matches of a trial are reviewed at most."""
DOUBT: Final = 0.01
"""How likely the lower bound on a share lies above it; as small as it is since the
share is looked at anew with every review."""
_STEPS: Final = 40


@dataclass(frozen=True, slots=True)
class TrialRequest:
    """May a match of a signal on trial be reviewed?

    `matches` counts the matches of the trial before this one, `drawn` those that are
    reviewed; `draw` is the number that was drawn for it, below `CHANCES`.
    """

    matches: int
    drawn: int
    draw: int


@dataclass(frozen=True, slots=True)
class TrialRulingRequest:
    """A person prolongs a trial, or ends one that is over and does not end by itself.

    `prolonged` says that it was before, and `is_over` that its time has passed.
    """

    ruler: Person
    prolong: bool
    reason: str
    prolonged: bool = False
    is_over: bool = False


def rule_on_trial(request: TrialRequest, ground: Ground) -> Decision:
    """Decide whether a match is in the sample."""
    trial = ground.document.trial
    is_first = request.matches < trial.first
    is_drawn = request.draw * 100 < trial.percent * CHANCES
    if request.drawn >= MOST_DRAWN or not (is_first or is_drawn):
        return ground.deny(Refusal.ON_TRIAL)
    return ground.allow(Grant.SAMPLED, Obligation.REVIEW_TASK)


def rule_on_trial_ruling(request: TrialRulingRequest, ground: Ground) -> Decision:
    """Decide whether this person may prolong or end a trial now."""
    if request.ruler.role not in RULERS:
        return ground.deny(Refusal.ROLE)
    if not is_reference(request.reason):
        return ground.deny(Refusal.FREE_TEXT)
    if request.prolong and request.prolonged:
        return ground.deny(Refusal.TRIAL_PROLONGED)
    if not request.prolong and not request.is_over:
        return ground.deny(Refusal.TRIAL_RUNS)
    return ground.allow(Grant.TRIAL_RULED)


@dataclass(frozen=True, slots=True)
class Closings:
    """How reviews of an origin's matches of one kind ended.

    `by_two` counts those that two people closed, `wrong` those of them whose listing
    was wrong. `counted` also has what one person closed for another reason.
    """

    counted: int
    by_two: int
    wrong: int


def wants_probation(closings: Closings, trial: Trial) -> bool:
    """Tell whether surely more listings are wrong than the policy bears."""
    if closings.by_two < trial.probation_reviews:
        return False
    # The bound is below the least share if so many finds would be that improbable.
    bound = trial.probation_percent / 100
    return _tail(closings.wrong, closings.counted, bound) < DOUBT


def least_share(found: int, tries: int) -> float:
    """Give the lower confidence bound on a share: so much it surely is.

    One-sided and exact: the share at which so many finds, or more, have the
    probability `DOUBT`.

    Source: Clopper and Pearson, Biometrika 26 (1934), pp. 404-413.
    """
    low, high = 0.0, found / tries if tries else 0.0
    for _ in range(_STEPS if found else 0):
        middle = (low + high) / 2
        if _tail(found, tries, middle) < DOUBT:
            low = middle
        else:
            high = middle
    return low


def _tail(found: int, tries: int, share: float) -> float:
    """Give the probability of so many finds or more (binomial)."""
    if share <= 0:
        return 0.0
    ways = math.lgamma(tries + 1)
    return math.fsum(
        math.exp(
            ways
            - math.lgamma(each + 1)
            - math.lgamma(tries - each + 1)
            + each * math.log(share)
            + (tries - each) * math.log1p(-share)
        )
        for each in range(found, tries + 1)
    )
