# SPDX-License-Identifier: Apache-2.0
"""The minimisation matrix: what each class of partner may receive of a case.

A matrix is a policy file (`data/minimisation.toml`): partner class by data element.
What it does not name is never given. Some things no matrix may allow, whatever its
author wants: they are refused at loading, with key and line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cache
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.vocabulary import (
    COUNTABLE,
    HASHED,
    Condition,
    Element,
    PartnerClass,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text


@unique
class Handling(StrEnum):
    """How a partner class is given an element."""

    REQUIRED = "required"
    CONDITIONAL = "conditional"
    AGGREGATE = "aggregate"
    HASH_ONLY = "hash_only"
    NEVER = "never"


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Given only if one of these conditions is recorded for the case."""

    when: Annotated[frozenset[Condition], msgspec.Meta(min_length=1)]


Written = Literal["required", "aggregate", "hash_only", "never"] | When


@dataclass(frozen=True, slots=True)
class Cell:
    """How one class is given one element, and on which conditions."""

    handling: Handling
    conditions: frozenset[Condition] = frozenset()


def _a_field_each(
    name: str, words: type[StrEnum], field: object, *default: object
) -> type[msgspec.Struct]:
    """Make a closed table with a field for each word, so that errors name it."""
    fields = [(word.value, field, *default) for word in words]
    return msgspec.defstruct(name, fields, frozen=True, forbid_unknown_fields=True)  # type: ignore[arg-type]


_Cells = _a_field_each("Cells", Element, Written, "never")


class PartnerRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One class: its name, what must be recorded first, and its cells."""

    name: Text
    needs: frozenset[Condition] = frozenset()
    cells: _Cells = msgspec.field(default_factory=_Cells)  # type: ignore[valid-type]

    def cell(self, element: Element) -> Cell:
        """Return how the class is given `element`; never, unless it is named."""
        written = getattr(self.cells, element)
        if isinstance(written, When):
            return Cell(Handling.CONDITIONAL, written.when)
        return Cell(Handling(written))


class MatrixFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The TOML of a matrix, as written; `fewest` cases make an aggregate."""

    format: Literal[1]
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}$(?!\n)")]
    fewest: Annotated[int, msgspec.Meta(ge=10, le=10_000)]
    elements: _a_field_each("Elements", Element, Text)  # type: ignore[valid-type]
    conditions: _a_field_each("Conditions", Condition, Text)  # type: ignore[valid-type]
    partners: _a_field_each("Partners", PartnerClass, PartnerRow)  # type: ignore[valid-type]


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix that was read and found lawful, and the digest of its bytes."""

    document: MatrixFile
    digest: str

    @property
    def reference(self) -> str:
        """Name and digest, as a package names the matrix that made it."""
        return f"{self.document.name}@{self.digest[:8]}"

    def partner(self, partner: PartnerClass) -> PartnerRow:
        """Return the row of a class."""
        row: PartnerRow = getattr(self.document.partners, partner)
        return row

    def cell(self, partner: PartnerClass, element: Element) -> Cell:
        """Return how a class is given an element; what is not named is never given."""
        return self.partner(partner).cell(element)

    def row(self, partner: PartnerClass) -> Mapping[Element, Cell]:
        """Return the cells of a class, all elements of them."""
        return {element: self.cell(partner, element) for element in Element}

    def needs(self, partner: PartnerClass) -> frozenset[Condition]:
        """Return what must be recorded before a class receives anything."""
        return self.partner(partner).needs

    def element_name(self, element: Element) -> Text:
        """Return what an element is called."""
        name: Text = getattr(self.document.elements, element)
        return name

    def condition_name(self, condition: Condition) -> Text:
        """Return what a condition says."""
        name: Text = getattr(self.document.conditions, condition)
        return name


_OFFICE: Final = frozenset(
    {
        Element.CASE,
        Element.SENDER,
        Element.CONTACT,
        Element.REPLY,
        Element.PHENOMENON,
        Element.LEGAL_BASIS,
    }
)
"""What says who writes about what kind of case, and names nobody."""

_SUSPECT: Final = frozenset(
    {Element.SUSPECTS, Element.NETWORK, Element.CONTENT, Element.SUSPICION}
)
_IDENTITY: Final = frozenset({Element.VICTIMS, Element.REPORTER, Element.REGION})

_MAY: Final[Mapping[PartnerClass, frozenset[Element]]] = MappingProxyType(
    {
        PartnerClass.POLICE_EMERGENCY: frozenset(Element) - {Element.VIGNETTE},
        PartnerClass.LAW_ENFORCEMENT: frozenset(Element) - {Element.VIGNETTE},
        PartnerClass.NCMEC: frozenset(Element)
        - {Element.VIGNETTE, Element.REPORTER, Element.CONSENT},
        PartnerClass.HOTLINE: _OFFICE
        | {Element.LOCATORS, Element.MEDIA_HASHES, Element.MEASURES},
        PartnerClass.BZKJ: (_OFFICE | COUNTABLE) - {Element.CASE},
        PartnerClass.COUNSELLING: _OFFICE
        | _IDENTITY
        | {Element.VICTIM_AGES, Element.MEASURES, Element.FEATURE, Element.CONSENT},
        PartnerClass.YOUTH_WELFARE: frozenset(Element)
        - {
            Element.VIGNETTE,
            Element.NETWORK,
            Element.CONTENT,
            Element.MEDIA_HASHES,
            Element.REPORTER,
            Element.ATTACHMENTS,
        },
        PartnerClass.PEER: frozenset(),
        PartnerClass.WORKING_GROUP: frozenset(
            {
                Element.PHENOMENON,
                Element.VICTIM_AGES,
                Element.FEATURE,
                Element.VIGNETTE,
            }
        ),
    }
)
"""What no matrix may go beyond, class by class."""

_TO_LAW_ENFORCERS: Final = frozenset(
    {PartnerClass.POLICE_EMERGENCY, PartnerClass.LAW_ENFORCEMENT, PartnerClass.NCMEC}
)


def load_matrix(text: bytes) -> Matrix:
    """Read a matrix.

    Raises:
        PolicyFileError: it is malformed, lacks the name of something, or gives a
            class of partner what none may receive; key and line are named.
    """
    document, written = read_document(text, MatrixFile)
    matrix = Matrix(document, sha256(text).hexdigest())
    for key, problem in _faults(matrix):
        raise locate(PolicyFileError(problem, key=key), written)
    return matrix


@cache
def shipped_matrix() -> Matrix:
    """Return the matrix that comes with FedSafe."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_matrix(folder.joinpath("minimisation.toml").read_bytes())


def _faults(matrix: Matrix) -> Iterator[tuple[str, Phrase]]:
    for partner in PartnerClass:
        key = f"partners.{partner}"
        abroad = partner is PartnerClass.NCMEC
        if abroad and Condition.TRANSFER_BASIS not in matrix.needs(partner):
            yield (
                f"{key}.needs",
                Phrase("lacks transfer_basis: it lies outside the EEA"),
            )
        for element, cell in matrix.row(partner).items():
            problem = _fault_of(partner, element, cell)
            if problem is not None:
                yield f"{key}.cells.{element}", problem


def _fault_of(partner: PartnerClass, element: Element, cell: Cell) -> Phrase | None:
    """Say what is wrong with a cell, in the order in which it weighs."""
    handling = cell.handling
    if handling is Handling.NEVER:
        return None
    counted, hashed = handling is Handling.AGGREGATE, handling is Handling.HASH_ONLY
    faults = (
        (
            element not in _MAY[partner],
            Phrase("{partner} never receives {element}").filled(
                partner=partner, element=element
            ),
        ),
        (
            counted and element not in COUNTABLE,
            Phrase("not a code that can be counted"),
        ),
        (hashed and element not in HASHED, Phrase("has no digests")),
        (
            element in HASHED and not hashed,
            Phrase("only digests of media are ever given"),
        ),
        (
            partner is PartnerClass.BZKJ and element in COUNTABLE and not counted,
            Phrase("bzkj receives aggregates only"),
        ),
    )
    fault = next((problem for holds, problem in faults if holds), None)
    return fault or _unconsented(partner, element, cell)


def _unconsented(partner: PartnerClass, element: Element, cell: Cell) -> Phrase | None:
    """Say where identity would go to somebody without anybody's consent."""
    consents = frozenset({Condition.CONSENT, Condition.REPORTER_CONSENT})
    if partner is PartnerClass.COUNSELLING and element in _IDENTITY:
        bound = cell.handling is Handling.CONDITIONAL and cell.conditions <= consents
        return (
            None if bound else Phrase("identity goes to counselling with consent only")
        )
    if element in _IDENTITY - {Element.REGION} and cell.handling is Handling.REQUIRED:
        return Phrase("who is affected and who reported is given on a condition only")
    if partner not in _TO_LAW_ENFORCERS and element in _SUSPECT:
        bound = cell.handling is Handling.CONDITIONAL
        return None if bound else Phrase("given to this class on a condition only")
    return None
