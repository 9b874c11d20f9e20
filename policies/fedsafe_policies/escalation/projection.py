# SPDX-License-Identifier: Apache-2.0
"""What of a case a class of partner receives, by the matrix, and what a role sees.

Pure, and closed by construction: what comes out is built up from nothing, element by
element, and an element that the matrix does not name for the class never enters.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID

from msgspec import UNSET, structs

from fedsafe_policies.errors import NothingForPartnerError
from fedsafe_policies.escalation.matrix import Cell, Handling, Matrix
from fedsafe_policies.escalation.package import (
    FORMAT,
    CasePackage,
    Elements,
    MediaHash,
    present,
)
from fedsafe_policies.escalation.vocabulary import (
    COUNTABLE,
    MAY_BE_UNAVAILABLE,
    Absence,
    Condition,
    Element,
    PartnerClass,
)
from fedsafe_policies.vocabulary import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What people have recorded for a case that conditional elements depend on.

    The consent of the affected person counts for what it covers and nothing else,
    so `CONSENT` is granted by `consented`, not by `granted`.
    """

    granted: frozenset[Condition] = frozenset()
    consented: frozenset[Element] = frozenset()

    def meet(self, cell: Cell, element: Element) -> bool:
        """Tell whether one of the cell's conditions is recorded."""
        others = self.granted - {Condition.CONSENT}
        agreed = Condition.CONSENT in cell.conditions and element in self.consented
        return agreed or bool(cell.conditions & others)


NOTHING_RECORDED = Circumstances()


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What a class receives of a case, and which required elements it lacks."""

    partner: PartnerClass
    matrix: str
    elements: Elements
    unavailable: Mapping[Element, Absence] = field(default_factory=dict)
    missing: frozenset[Element] = frozenset()


def project(
    known: Elements,
    unavailable: Mapping[Element, Absence],
    partner: PartnerClass,
    matrix: Matrix,
    circumstances: Circumstances = NOTHING_RECORDED,
) -> Projection:
    """Return what `partner` receives of what is known of a case.

    A required element that is neither known nor said to be unavailable is missing.

    Raises:
        NothingForPartnerError: the class receives nothing of any case, or something
            that it needs first is not recorded.
    """
    row = matrix.row(partner)
    _require_any(partner, row, matrix.needs(partner) - circumstances.granted)
    given = {
        element: value
        for element, cell in row.items()
        if (value := _given(known, element, cell, circumstances)) is not UNSET
    }
    lacking = {
        element
        for element, cell in row.items()
        if cell.handling in {Handling.REQUIRED, Handling.HASH_ONLY}
        and element not in given
    }
    said = {
        element: unavailable[element]
        for element in sorted(lacking & MAY_BE_UNAVAILABLE & set(unavailable))
    }
    return Projection(
        partner=partner,
        matrix=matrix.reference,
        elements=Elements(**{element.value: value for element, value in given.items()}),
        unavailable=said,
        missing=frozenset(lacking - set(said)),
    )


def make_package(
    projection: Projection, *, package_id: UUID, made_at: datetime, test: bool
) -> CasePackage:
    """Make a package of a projection; whether it may go is `release`'s answer."""
    return CasePackage(
        format=FORMAT,
        package_id=package_id,
        made_at=made_at,
        test=test,
        partner_class=projection.partner,
        matrix=projection.matrix,
        elements=projection.elements,
        unavailable=dict(projection.unavailable),
    )


def aggregate(
    cases: Iterable[Elements], partner: PartnerClass, matrix: Matrix
) -> Mapping[Element, Mapping[str, int]]:
    """Count codes over many cases, for what `partner` receives as an aggregate.

    A case counts once for each code. Codes of fewer cases than the matrix asks for
    are left out, and no total is given from which they could be reckoned back.
    """
    counted: dict[Element, Counter[str]] = {}
    for element, cell in matrix.row(partner).items():
        if cell.handling is Handling.AGGREGATE and element in COUNTABLE:
            counted[element] = Counter()
    for known in cases:
        for element in counted.keys() & present(known):
            counted[element].update(_codes(getattr(known, element), element))
    fewest = matrix.document.fewest
    return {
        element: {code: n for code, n in sorted(counts.items()) if n >= fewest}
        for element, counts in counted.items()
    }


def _require_any(
    partner: PartnerClass, row: Mapping[Element, Cell], lacking: frozenset[Condition]
) -> None:
    if lacking:
        raise NothingForPartnerError(partner, tuple(sorted(lacking)))
    if all(cell.handling is Handling.NEVER for cell in row.values()):
        raise NothingForPartnerError(partner)


def _given(
    known: Elements, element: Element, cell: Cell, circumstances: Circumstances
) -> Any:  # noqa: ANN401 - the type of an element is its own
    """Return an element as the class receives it, or UNSET."""
    value = getattr(known, element)
    match cell.handling:
        case Handling.REQUIRED:
            return value
        case Handling.CONDITIONAL:
            return value if circumstances.meet(cell, element) else UNSET
        case Handling.HASH_ONLY if element is Element.MEDIA_HASHES:
            return UNSET if value is UNSET else tuple(map(_digests, value))
        case Handling.HASH_ONLY | Handling.AGGREGATE | Handling.NEVER:
            return UNSET


def _digests(media: MediaHash) -> MediaHash:
    return MediaHash(sha256=media.sha256, blake3=media.blake3, pdq=media.pdq)


def _codes(value: Any, element: Element) -> set[str]:  # noqa: ANN401
    if element is Element.MEASURES:
        return {measure.step.value for measure in value}
    return {str(code) for code in ((value,) if isinstance(value, str) else value)}


# Which role sees which element of a case.
#
# Whoever works on a case sees all of it. Who advises or oversees sees what that takes:
# the youth-protection officer the harm and what was done, never who it was. Operators,
# auditors and machines see none of it.

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
