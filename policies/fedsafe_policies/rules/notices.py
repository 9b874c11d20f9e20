# SPDX-License-Identifier: Apache-2.0
"""P16: may the notice to a listed person wait?

Statement of reasons (DSA Art. 17) and notice (GDPR Art. 14) are owed at
publication. Holding one back takes a reason out of the list, a note, a person and
an end date.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

from fedsafe_policies.ground.reasons import Grant, Refusal
from fedsafe_policies.ground.references import is_reference
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.context import Ground
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role, Withholding

_MAY: Final = frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.DPO})


@dataclass(frozen=True, slots=True)
class WithholdingRequest:
    """Who holds back a notice, why, and until which day; `note` refers."""

    person: Person
    reason: Withholding
    note: str
    until: date


def rule_on_withholding(request: WithholdingRequest, ground: Ground) -> Decision:
    """Decide whether a notice may wait; it goes out on the end date by itself."""
    notices = ground.document.notices
    if request.person.role not in _MAY:
        return ground.deny(Refusal.ROLE)
    now, until = today(ground.now), day_number(request.until)
    listed = request.reason in notices.reasons and is_reference(request.note)
    if not listed or not now < until <= now + notices.longest.fewest_days:
        return ground.deny(Refusal.WITHHOLDING, request.reason)
    return ground.allow(
        Grant.WITHHELD, Obligation.NOTICE_TO_THE_PERSON, about=request.reason
    )
