# SPDX-License-Identifier: Apache-2.0
"""P20: how many independent providers found it themselves, question by question.

Each provider counts once, however many signals it has. What it lists on a single
report is no finding of its own. The number stands beside the matches and changes
no verdict.
"""

from collections.abc import Sequence
from datetime import datetime

from fedsafe_node.messages import Corroboration, Match
from fedsafe_node.situation import Situation
from fedsafe_policies.corroboration import CorroborationRequest, Provenance
from fedsafe_policies.vocabulary import Grade


def corroborate(
    matches: Sequence[Match], situation: Situation, now: datetime
) -> list[Corroboration]:
    """Count for each question that has matches, in order."""
    by_question: dict[int, list[Provenance]] = {}
    for match in matches:
        by_question.setdefault(match.question, []).append(_provenance(match))
    found: list[Corroboration] = []
    for question, signals in sorted(by_question.items()):
        decision = situation.decide(CorroborationRequest(tuple(signals)), now)
        found.append(
            Corroboration(
                question=question,
                origins=int(decision.about),
                enough=decision.allowed,
            )
        )
    return found


def _provenance(match: Match) -> Provenance:
    # A member is one organisation, and publishes no signals but its own.
    return Provenance(
        origin=match.origin,
        organisation=match.origin,
        first_hand=match.grade is not Grade.SINGLE_REPORT,
    )
