# SPDX-License-Identifier: Apache-2.0
"""P20: who counts when several providers say the same.

Only independent origins with a finding of their own: what one relays of another,
or took from a list, adds nothing, however often it is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Grade, Provenance


@dataclass(frozen=True, slots=True)
class Statement:
    """Who says it, for which organisation, whence it knows, and how well."""

    origin: str
    organisation: str
    provenance: Provenance
    grade: Grade

    @property
    def first_hand(self) -> bool:
        """Whether it found it itself; a single report is no finding."""
        found = self.provenance is Provenance.OWN_FINDING
        return found and self.grade is not Grade.SINGLE_REPORT


@dataclass(frozen=True, slots=True)
class CorroborationRequest:
    """Do these signals about the same thing carry a recommendation?"""

    signals: tuple[Statement, ...]


def independent(signals: Iterable[Statement]) -> int:
    """Count the independent first-hand origins."""
    return len({signal.organisation for signal in signals if signal.first_hand})


def second_hand(signals: Iterable[Statement]) -> int:
    """Count those who say it and have no finding of their own."""
    said = list(signals)
    return len({signal.organisation for signal in said}) - independent(said)


def rule_on_corroboration(request: CorroborationRequest, ground: Ground) -> Decision:
    """Decide whether a recommendation may be shown; `about` is the count."""
    count = independent(request.signals)
    if count < ground.document.corroboration.origins:
        return ground.deny(Refusal.UNCORROBORATED, str(count))
    return ground.allow(Grant.CORROBORATED, about=str(count))
