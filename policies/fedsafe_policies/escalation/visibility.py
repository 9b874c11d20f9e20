# SPDX-License-Identifier: Apache-2.0
"""Which role sees which element of a case.

Whoever works on a case sees all of it. Who advises or oversees sees what that takes:
the youth-protection officer the harm and what was done, never who it was. Operators,
auditors and machines see none of it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import UNSET, structs

from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.vocabulary import Element
from fedsafe_policies.vocabulary import Role

_ALL: Final = frozenset(Element)
_PERSONS: Final = frozenset(
    {
        Element.SUSPECTS,
        Element.NETWORK,
        Element.CONTENT,
        Element.LOCATORS,
        Element.VICTIMS,
        Element.REPORTER,
        Element.LOCATION,
        Element.CONSENT,
        Element.SUMMARY,
    }
)
_SEEN: Final[Mapping[Role, frozenset[Element]]] = MappingProxyType(
    {
        Role.ANALYST: _ALL,
        Role.REVIEWER: _ALL,
        Role.ESCALATION_OFFICER: _ALL,
        Role.LEGAL_ADVISER: _ALL - {Element.REPORTER},
        Role.YOUTH_PROTECTION_OFFICER: _ALL - _PERSONS,
        Role.DPO: _ALL,
    }
)
VIEWERS: Final = frozenset(_SEEN)
"""Who sees something of a case."""


def seen_by(role: Role) -> frozenset[Element]:
    """Return which elements a role sees; a role that is not named sees none."""
    return _SEEN.get(role, frozenset())


def as_seen_by(role: Role, known: Elements) -> Elements:
    """Return what a role sees of what is known of a case."""
    hidden = {element.value: UNSET for element in _ALL - seen_by(role)}
    return structs.replace(known, **hidden)
