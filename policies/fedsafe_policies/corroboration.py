# SPDX-License-Identifier: Apache-2.0
"""P20: who counts when several providers say the same.

Only independent origins with a finding of their own: what one relays of another,
or took from a list, adds nothing, however often it is said.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsafe_policies.decision import Decision
from fedsafe_policies.ground import Ground
from fedsafe_policies.reasons import Grant, Refusal


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who says it, for which organisation, and whether it found it itself."""

    origin: str
    organisation: str
    first_hand: bool


@dataclass(frozen=True, slots=True)
class CorroborationRequest:
    """Do these signals about the same thing carry a recommendation?"""

    signals: tuple[Provenance, ...]


def independent(signals: Iterable[Provenance]) -> int:
    """Count the independent first-hand origins."""
    return len({signal.organisation for signal in signals if signal.first_hand})


def rule_on_corroboration(request: CorroborationRequest, ground: Ground) -> Decision:
    """Decide whether a recommendation may be shown; `about` is the count."""
    count = independent(request.signals)
    if count < ground.document.corroboration.origins:
        return ground.deny(Refusal.UNCORROBORATED, str(count))
    return ground.allow(Grant.CORROBORATED, about=str(count))
