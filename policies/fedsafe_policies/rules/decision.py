# SPDX-License-Identifier: Apache-2.0
"""What the engine answers: a decision with its rule, reason and obligations.

`engine.decide` returns a `Decision`, whatever it is given: it never raises for a
value of the declared types, and what no rule allows is denied. A decision names
the policy that took it as ``name@hash8``, so that an audit event can be explained
years later.
"""

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal, Rule, Text
from fedsafe_policies.rules.grants import ALLOWED
from fedsafe_policies.rules.refusals import REFUSED


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
    NOTICE_TO_RECIPIENTS = "notice_to_recipients"
    REVIEW_TASK = "review_task"
    OWN_BANS_ONLY = "own_bans_only"
    HELP_PATH = "help_path"
    SUSPEND_MATCHING = "suspend_matching"
    REVOKE = "revoke"
    ERASE_OPENINGS = "erase_openings"
    ERASURE_RECEIPTS = "erasure_receipts"
    ALARM = "alarm"


@dataclass(frozen=True, slots=True)
class Decision:
    """One answer of the engine.

    `code` is stable and for programs (`legal_gate`), `rule` names the rule of the
    data-protection plan (`P1`), `reason` is for people. `about` names what it
    rests on, where there is such a thing: a list, an entry of the legal calendar,
    a training module, a purpose. It never holds a value of the request.
    """

    effect: Verdict
    rule: Rule
    code: str
    reason: Text
    policy: str
    obligations: frozenset[Obligation] = frozenset()
    about: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the request may go on."""
        return self.effect is Verdict.ALLOW


_AUDIT: Final = frozenset({Obligation.AUDIT_EVENT})
_OWED: Final = {
    Refusal.HELP_INSTEAD: _AUDIT | {Obligation.HELP_PATH},
    Refusal.RULING_LATE: _AUDIT | {Obligation.REVOKE},
    Refusal.RECEIPT_MISSING: _AUDIT | {Obligation.ALARM},
    Refusal.ENUMERATION: _AUDIT | {Obligation.ALARM},
    Refusal.MASS_LISTING: _AUDIT | {Obligation.ALARM},
    Refusal.FLOOD: _AUDIT | {Obligation.ALARM, Obligation.REVIEW_TASK},
}


def allow(
    grant: Grant,
    policy: str,
    obligations: frozenset[Obligation] = frozenset(),
    about: str = "",
) -> Decision:
    """Allow for `grant`; an audit event is owed in every case."""
    rule, reason = ALLOWED[grant]
    duties = _AUDIT | obligations
    return Decision(Verdict.ALLOW, rule, grant.value, reason, policy, duties, about)


def deny(refusal: Refusal, policy: str, about: str = "") -> Decision:
    """Deny for `refusal`; the refusal itself is audited."""
    rule, reason = REFUSED[refusal]
    duties = _OWED.get(refusal, _AUDIT)
    return Decision(Verdict.DENY, rule, refusal.value, reason, policy, duties, about)
