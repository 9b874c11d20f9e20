# SPDX-License-Identifier: Apache-2.0
"""P20: how many independent providers found it themselves, question by question.

Each provider counts once, however many signals it has. What it relays, has from a
list or lists on a single report is no finding of its own; those who have none stand
in a number of their own. Both stand beside the matches and change no verdict.
"""

from collections.abc import Sequence
from datetime import datetime

from fedsafe_node.acts.lookup import (
    Corroboration,
    Match,
)
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.rules.corroboration import (
    CorroborationRequest,
    Statement,
    second_hand,
)


def corroborate(
    matches: Sequence[Match], situation: Situation, now: datetime
) -> list[Corroboration]:
    """Count for each question that has matches, in order."""
    by_question: dict[int, list[Statement]] = {}
    for match in matches:
        by_question.setdefault(match.question, []).append(_statement(match))
    found: list[Corroboration] = []
    for question, signals in sorted(by_question.items()):
        decision = situation.decide(CorroborationRequest(tuple(signals)), now)
        found.append(
            Corroboration(
                question=question,
                origins=int(decision.about),
                others=second_hand(signals),
                enough=decision.allowed,
            )
        )
    return found


def _statement(match: Match) -> Statement:
    # A member is one organisation.
    return Statement(
        origin=match.origin,
        organisation=match.origin,
        provenance=match.provenance,
        grade=match.grade,
    )
