# SPDX-License-Identifier: Apache-2.0
"""When a package may go: what it must say, and who lets it go.

Two answers, both pure. `gaps` names what a case of an urgency still lacks for a
partner, in words for the person who fills it in. `refuse_release` says whether the
people who release are the right ones, and two where it takes two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final

from msgspec import UNSET

from fedsafe_policies.escalation.matrix import Matrix
from fedsafe_policies.escalation.package import Elements
from fedsafe_policies.escalation.projection import Projection
from fedsafe_policies.escalation.urgency import Release, urgencies
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Danger,
    Element,
    Urgency,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal, Text
from fedsafe_policies.rules.people import Person, refuse_second
from fedsafe_policies.vocabulary import Role


@unique
class GapKind(StrEnum):
    """What is wrong with a case that is to go."""

    MISSING = "missing"
    NO_REASON = "no_threat_reason"
    NO_THREAT = "no_threat"
    UNCLEAR_THREAT = "unclear_threat"
    NO_TIME = "no_time"
    NO_ADDRESS = "no_address"
    NO_PRESERVATION = "no_preservation"
    NO_CONTACT = "no_contact"
    NO_CONSENT = "no_consent"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that a case lacks, and how a person puts it right."""

    kind: GapKind
    element: Element
    text: Text


_TEXTS: Final[Mapping[GapKind, tuple[Element, Text]]] = {
    GapKind.NO_REASON: (
        Element.THREAT,
        Phrase("Say why life or safety is, or is not, under threat (threat).").both(),
    ),
    GapKind.NO_THREAT: (
        Element.THREAT,
        Phrase("U0 and U1 are for a threat; without one take U2.").both(),
    ),
    GapKind.UNCLEAR_THREAT: (
        Element.THREAT,
        Phrase(
            "The threat is unclear: the legal adviser decides on Art. 18 DSA."
        ).both(),
    ),
    GapKind.NO_TIME: (
        Element.CASE,
        Phrase("Say since when the incident is known, in UTC (case.known_at).").both(),
    ),
    GapKind.NO_ADDRESS: (
        Element.NETWORK,
        Phrase(
            "Give IP addresses with source port and time in UTC, or say that they are "
            "not available (network)."
        ).both(),
    ),
    GapKind.NO_PRESERVATION: (
        Element.PRESERVATION,
        Phrase("Say until when the evidence is preserved (preservation).").both(),
    ),
    GapKind.NO_CONTACT: (
        Element.CONTACT,
        Phrase("Name a contact that answers at any hour (contact).").both(),
    ),
    GapKind.NO_CONSENT: (
        Element.CONSENT,
        Phrase("A hand-over to help needs a recorded consent (consent).").both(),
    ),
}

_FIRST: Final[Mapping[Release, frozenset[Role]]] = {
    Release.ONE_THEN_SECOND: frozenset({Role.ESCALATION_OFFICER}),
    Release.TWO_PEOPLE: frozenset({Role.ESCALATION_OFFICER}),
    Release.OFFICER_AND_DPO: frozenset({Role.YOUTH_PROTECTION_OFFICER}),
    Release.ONE_WITH_CONSENT: frozenset({Role.ESCALATION_OFFICER}),
}
_SECOND: Final[Mapping[Release, frozenset[Role]]] = {
    Release.TWO_PEOPLE: frozenset(
        {Role.ESCALATION_OFFICER, Role.REVIEWER, Role.LEGAL_ADVISER}
    ),
    Release.OFFICER_AND_DPO: frozenset({Role.DPO}),
}


def gaps(
    known: Elements,
    unavailable: Mapping[Element, Absence],
    urgency: Urgency,
    projection: Projection,
    matrix: Matrix,
) -> tuple[Gap, ...]:
    """Return what a case lacks before it may go to the projection's partner."""
    own = tuple(_own_gaps(known, unavailable, urgency))
    told = {gap.element for gap in own}
    name = matrix.element_name
    return own + tuple(
        Gap(
            GapKind.MISSING,
            element,
            Phrase("For this partner is missing: {name} ({element}).")
            .filled(name=name(element), element=element)
            .both(),
        )
        for element in Element
        if element in projection.missing - told
    )


def refuse_release(
    urgency: Urgency,
    first: Person,
    second: Person | None,
    *,
    legal_opinion: bool = True,
) -> Refusal | None:
    """Say why these people may not let a case of this urgency go.

    A borderline case goes only once the legal adviser's opinion is there.
    """
    rule = urgencies()[urgency].release
    if first.role not in _FIRST[rule]:
        return Refusal.ROLE
    if not legal_opinion and rule is not Release.ONE_THEN_SECOND:
        return Refusal.LEGAL_REVIEW
    seconds = _SECOND.get(rule)
    return None if seconds is None else refuse_second(first, second, seconds)


def _own_gaps(
    known: Elements, unavailable: Mapping[Element, Absence], urgency: Urgency
) -> Iterator[Gap]:
    """What an urgency asks of the case itself, whoever receives it."""
    kinds: list[GapKind] = []
    if urgency in {Urgency.U0, Urgency.U1}:
        kinds += _threat(known)
        if known.contact is UNSET:
            kinds.append(GapKind.NO_CONTACT)
        if known.case is UNSET:
            kinds.append(GapKind.NO_TIME)
    if urgency is Urgency.U1:
        if known.network is UNSET and Element.NETWORK not in unavailable:
            kinds.append(GapKind.NO_ADDRESS)
        if known.preservation is UNSET:
            kinds.append(GapKind.NO_PRESERVATION)
    if urgency is Urgency.UH and known.consent is UNSET:
        kinds.append(GapKind.NO_CONSENT)
    for kind in kinds:
        yield Gap(kind, *_TEXTS[kind])


def _threat(known: Elements) -> list[GapKind]:
    if known.threat is UNSET:
        return [GapKind.NO_REASON]
    match known.threat.danger:
        case Danger.YES:
            return []
        case Danger.NO:
            return [GapKind.NO_THREAT]
        case Danger.UNCLEAR:
            return [GapKind.UNCLEAR_THREAT]
