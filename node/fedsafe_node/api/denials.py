# SPDX-License-Identifier: Apache-2.0
"""Which status a refusal by policy has, by its rule.

Most say that somebody may not do it (403). Some say that the signal itself is none
(422), that something else comes first (409), or that it is too much for now (429).
"""

from collections.abc import Mapping
from typing import Final

from fedsafe_policies.ground.reasons import Refusal, Rule
from fedsafe_policies.rules.decision import Decision

DENIED: Final = 403
TITLES: Final[Mapping[int, str]] = {
    DENIED: "The policy does not allow this",
    409: "The policy wants something else first",
    422: "The policy takes no such signal",
    429: "The policy's budget is spent",
}
"""The title of a refusal by policy, by status."""

_BY_RULE: Final[Mapping[Rule, int]] = {
    Rule.NO_ACCUSATION: 422,
    Rule.EVIDENCE_GRADE: 422,
    Rule.HUMAN_DECISION: 409,
    Rule.DO_NOT_SHARE: 422,
    Rule.BUDGET: 429,
}
# Of their rules, these alone show another way; the others say no.
_BY_CODE: Final[Mapping[str, int]] = {
    Refusal.HELP_INSTEAD: 409,
    Refusal.LEGAL_REVIEW: 409,
    Refusal.LISTS_CHANGED: 409,
}


def status_of(decision: Decision) -> int:
    """Give the HTTP status of a refusal."""
    status = _BY_CODE.get(decision.code)
    return status or _BY_RULE.get(decision.rule, DENIED)
