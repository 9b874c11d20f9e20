# SPDX-License-Identifier: Apache-2.0
"""What the engine answers: a decision with its rule, reason and obligations.

Every function of this room named `decide_…` returns a `Decision`, whatever it is
given: it never raises for a value of the declared types, and what no rule allows
is denied. A decision names the policy that took it as ``name@hash8``, so that an
audit event can be explained years later.
"""

from dataclasses import dataclass
from enum import StrEnum, unique

from fedsafe_policies.reasons import ALLOWED, REFUSED, Grant, Refusal, Rule, Text


@unique
class Verdict(StrEnum):
    """Whether the request may go on."""

    ALLOW = "allow"
    DENY = "deny"


@unique
class Obligation(StrEnum):
    """What the caller must do when it acts on a decision."""

    AUDIT_EVENT = "audit_event"
    SECOND_PERSON = "second_person"
    RECIPIENT_LEDGER = "recipient_ledger"
    NOTICE_TO_THE_PERSON = "notice_to_the_person"
    REVIEW_TASK = "review_task"
    OWN_BANS_ONLY = "own_bans_only"
    HELP_PATH = "help_path"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of the engine.

    `code` is stable and for programs (`legal_gate`), `rule` names the rule of the
    data-protection plan (`P1`), `reason` is for people.
    """

    effect: Verdict
    rule: Rule
    code: str
    reason: Text
    policy: str
    obligations: frozenset[Obligation] = frozenset()

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.effect is Verdict.ALLOW


_AUDIT = frozenset({Obligation.AUDIT_EVENT})
_HELP = frozenset({Obligation.AUDIT_EVENT, Obligation.HELP_PATH})


def allow(
    grant: Grant, policy: str, obligations: frozenset[Obligation] = frozenset()
) -> Decision:
    """Allow for `grant`; an audit event is owed in every case."""
    rule, reason = ALLOWED[grant]
    duties = _AUDIT | obligations
    return Decision(Verdict.ALLOW, rule, grant.value, reason, policy, duties)


def deny(refusal: Refusal, policy: str) -> Decision:
    """Deny for `refusal`; the refusal itself is audited."""
    rule, reason = REFUSED[refusal]
    duties = _HELP if refusal is Refusal.HELP_INSTEAD else _AUDIT
    return Decision(Verdict.DENY, rule, refusal.value, reason, policy, duties)
