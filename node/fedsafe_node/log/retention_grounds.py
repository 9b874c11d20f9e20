# SPDX-License-Identifier: Apache-2.0
"""What a class of events is kept for, and on which legal basis.

A class is named `<family>.<what>`; the family says what such events serve unless the
one who acts named a purpose of their own. The bases are the engineering reading of the
documentation, not legal advice; a provider's own records of processing refer to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from fedsafe_policies.vocabulary import Purpose


@unique
class Basis(StrEnum):
    """The legal basis of the processing that an event tells of."""

    ACCOUNTABILITY = "gdpr_5_2"
    LEGAL_OBLIGATION = "gdpr_6_1_c"
    LEGITIMATE_INTERESTS = "gdpr_6_1_f"
    RIGHTS = "gdpr_12"
    SECURITY = "gdpr_32"


@dataclass(frozen=True, slots=True)
class Grounds:
    """A purpose and its legal basis."""

    purpose: Purpose
    basis: Basis


_OPERATIONS: Final = Grounds(Purpose.OPERATIONS, Basis.SECURITY)
_GOVERNING: Final = Grounds(Purpose.OPERATIONS, Basis.ACCOUNTABILITY)
_CASEWORK: Final = Grounds(Purpose.MODERATION_REVIEW, Basis.LEGITIMATE_INTERESTS)
_OVERSIGHT: Final = Grounds(Purpose.AUDIT_REVIEW, Basis.ACCOUNTABILITY)
_RIGHTS: Final = Grounds(Purpose.RIGHTS_OF_THE_PERSON, Basis.RIGHTS)
_DUTY: Final = Grounds(Purpose.SUPERVISION, Basis.LEGAL_OBLIGATION)

FAMILIES: Final[Mapping[str, Grounds]] = {
    "account": _OPERATIONS,
    "act": _GOVERNING,
    "additions": _OPERATIONS,
    "attestation": _GOVERNING,
    "audit": _OVERSIGHT,
    "backup": _OPERATIONS,
    "breach": _DUTY,
    "budget": _OPERATIONS,
    "case": Grounds(Purpose.ESCALATION, Basis.LEGAL_OBLIGATION),
    "credential": _OPERATIONS,
    "door": _OPERATIONS,
    "decision": _CASEWORK,
    "dispatch": Grounds(Purpose.ESCALATION, Basis.LEGAL_OBLIGATION),
    "events": _CASEWORK,
    "evaluation": Grounds(Purpose.OPERATIONS, Basis.LEGITIMATE_INTERESTS),
    "federation": _GOVERNING,
    "feed": Grounds(Purpose.OPERATIONS, Basis.LEGITIMATE_INTERESTS),
    "founding": _GOVERNING,
    "flood": _CASEWORK,
    "gate": _GOVERNING,
    "inquiry": _CASEWORK,
    "list": _CASEWORK,
    "lookup": Grounds(Purpose.RECHECK, Basis.LEGITIMATE_INTERESTS),
    "node": _OPERATIONS,
    "notice": _RIGHTS,
    "origin": _OPERATIONS,
    "order": Grounds(Purpose.ESCALATION, Basis.LEGAL_OBLIGATION),
    "outside_key": _OPERATIONS,
    "own_ban": _CASEWORK,
    "partner": Grounds(Purpose.ESCALATION, Basis.LEGAL_OBLIGATION),
    "policy": _GOVERNING,
    "recipients": _RIGHTS,
    "records": _DUTY,
    "refused": _GOVERNING,
    "register": _GOVERNING,
    "restrictions": Grounds(Purpose.OPERATIONS, Basis.LEGITIMATE_INTERESTS),
    "rights": _RIGHTS,
    "role": _OPERATIONS,
    "round": _OVERSIGHT,
    "sending": Grounds(Purpose.ESCALATION, Basis.LEGAL_OBLIGATION),
    "session": _OPERATIONS,
    "demonstration": _OPERATIONS,
    "sightings": _OVERSIGHT,
    "signal": _CASEWORK,
    "task": _CASEWORK,
    "training": _GOVERNING,
    "trial": _CASEWORK,
    "witness": _OPERATIONS,
}
"""What events of a family serve, if nothing else is said."""


def grounds_for(event: str) -> Grounds:
    """Return what events of a class serve, and on which basis."""
    return FAMILIES.get(event.partition(".")[0], _GOVERNING)
