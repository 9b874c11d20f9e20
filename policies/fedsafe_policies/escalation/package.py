# SPDX-License-Identifier: Apache-2.0
"""The case package: what leaves a provider about one case, closed and typed.

`Elements` is all that can be known of a case, one field for each data element.
`CasePackage` is what one class of partner receives of it: made by `projection`,
never by hand. No field holds media bytes; `decode_package` refuses them wherever
they hide. A field that is not there was not known, or is none of that partner's
business; which of the two, the package says in `unavailable` for what it must.
"""

from datetime import date
from typing import Annotated, Final, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_policies.errors import CasePackageError
from fedsafe_policies.escalation.manifest import (
    Attachment,
    Digest,
    MediaType,
    Moment,
    ObjectId,
    require_utc,
)
from fedsafe_policies.escalation.media_bytes import MediaFound, find_media
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    AgeBand,
    ConsentGiver,
    Danger,
    Element,
    NetworkEvent,
    PartnerClass,
    Step,
    Urgency,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Phenomenon

FORMAT: Final = "fedsafe-case-package-v1"
LONGEST: Final = 1 << 20
"""How many bytes a package has at most."""
WANT_PLACE: Final = "want url or content_id"

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"\S")]
Passage = Annotated[str, msgspec.Meta(min_length=1, max_length=4_000, pattern=r"\S")]
Handle = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$(?!\n)")
]
Phone = Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 /()-]{1,30}$(?!\n)")]
Mail = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]{1,64}@[^@\s]{1,189}$(?!\n)")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)")]
Land = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}-[A-Z0-9]{1,3}$(?!\n)")]
Language = Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2,3}$(?!\n)")]
Address = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Fa-f.:]{2,45}$(?!\n)")]
Port = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
Feature = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,47}$(?!\n)")]


class _Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all parts of a package are: closed, frozen, told by name."""


class CaseIdentity(_Closed, frozen=True, kw_only=True):
    """Which case this is; all clocks start at `known_at`, when somebody knew."""

    case_ref: Handle
    urgency: Urgency
    known_at: Moment
    prior_refs: Annotated[tuple[Handle, ...], msgspec.Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC."""
        require_utc(self.known_at, "known_at")


class Sender(_Closed, frozen=True, kw_only=True):
    """Which provider sends, and from which node."""

    provider: Line
    node: Handle
    country: Country


class Contact(_Closed, frozen=True, kw_only=True):
    """Who answers at any hour: a function, not a name."""

    function: Line
    phone: Phone


class ReplyAddress(_Closed, frozen=True, kw_only=True):
    """Where questions go, and in which languages."""

    address: Mail
    languages: Annotated[tuple[Language, ...], msgspec.Meta(min_length=1, max_length=8)]


class Threat(_Closed, frozen=True, kw_only=True):
    """Whether life or safety is threatened (Art. 18 DSA), and why so."""

    danger: Danger
    reason: Passage


class Suspect(_Closed, frozen=True, kw_only=True):
    """An account under suspicion, as the provider knows it."""

    account_id: Line
    name: Line | UnsetType = UNSET
    email: Mail | UnsetType = UNSET
    phone: Phone | UnsetType = UNSET


class NetworkTrace(_Closed, frozen=True, kw_only=True):
    """One event at one address.

    Without the source port many subscribers share an address: it is told, or it is
    said that it is not available.
    """

    ip: Address
    source_port: Port | Literal["not_available"]
    at: Moment
    event: NetworkEvent
    possible_proxy: bool

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC."""
        require_utc(self.at, "at")


class Excerpt(_Closed, frozen=True, kw_only=True):
    """A passage of text that matters, and when it was written."""

    text: Passage
    at: Moment | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC."""
        if self.at is not UNSET:
            require_utc(self.at, "at")


class Locator(_Closed, frozen=True, kw_only=True):
    """Where the content is, or was: an address, or an id of the provider."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://\S{1,1990}$(?!\n)")] | (
        UnsetType
    ) = UNSET
    content_id: ObjectId | UnsetType = UNSET

    def __post_init__(self) -> None:
        """Refuse a locator that leads nowhere."""
        if self.url is UNSET and self.content_id is UNSET:
            raise ValueError(WANT_PLACE)


class MediaHash(_Closed, frozen=True, kw_only=True):
    """A file by its digests; what stands beside them is not for everybody."""

    sha256: Digest
    blake3: Digest | UnsetType = UNSET
    pdq: Digest | UnsetType = UNSET
    object_id: ObjectId | UnsetType = UNSET
    media_type: MediaType | UnsetType = UNSET


class Victim(_Closed, frozen=True, kw_only=True):
    """An affected person, as the provider knows them."""

    account_id: Line
    contact: Line | UnsetType = UNSET


class Reporter(_Closed, frozen=True, kw_only=True):
    """Who reported; most partners never learn it."""

    name: Line | UnsetType = UNSET
    contact: Line | UnsetType = UNSET
    is_affected: bool = False


class Location(_Closed, frozen=True, kw_only=True):
    """Where somebody probably is, and what that rests on."""

    place: Line
    because: Line


class Region(_Closed, frozen=True, kw_only=True):
    """Country and Land: enough to find who is competent."""

    country: Country
    land: Land | UnsetType = UNSET


class Suspicion(_Closed, frozen=True, kw_only=True):
    """Which sections of the criminal code may be touched; a suspicion, no verdict."""

    sections: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=20)]
    opinion: Handle | UnsetType = UNSET


class MeasureTaken(_Closed, frozen=True, kw_only=True):
    """What the provider did, and when."""

    step: Step
    taken_at: Moment

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC."""
        require_utc(self.taken_at, "taken_at")


class LegalBasis(_Closed, frozen=True, kw_only=True):
    """On what the hand-over rests."""

    basis: Annotated[tuple[Line, ...], msgspec.Meta(min_length=1, max_length=10)]


class Preservation(_Closed, frozen=True, kw_only=True):
    """Until when the evidence is kept, under which hold."""

    until: date
    hold_id: ObjectId


class Consent(_Closed, frozen=True, kw_only=True):
    """Who consented to what, when; revocable, and then recalled."""

    giver: ConsentGiver
    given_at: Moment
    covers: Annotated[tuple[Element, ...], msgspec.Meta(min_length=1, max_length=25)]
    record: Handle

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC."""
        require_utc(self.given_at, "given_at")


class Vignette(_Closed, frozen=True, kw_only=True):
    """A case retold without anybody in it, to learn from."""

    text: Passage
    steps: Annotated[tuple[Step, ...], msgspec.Meta(max_length=10)] = ()
    question: Passage | UnsetType = UNSET


def _some(most: int) -> msgspec.Meta:
    return msgspec.Meta(min_length=1, max_length=most)


class Elements(_Closed, frozen=True, kw_only=True):
    """All data elements of a case; the fields are those of `Element`, by name."""

    case: CaseIdentity | UnsetType = UNSET
    sender: Sender | UnsetType = UNSET
    contact: Contact | UnsetType = UNSET
    reply: ReplyAddress | UnsetType = UNSET
    phenomenon: Phenomenon | UnsetType = UNSET
    threat: Threat | UnsetType = UNSET
    suspects: Annotated[tuple[Suspect, ...], _some(20)] | UnsetType = UNSET
    network: Annotated[tuple[NetworkTrace, ...], _some(200)] | UnsetType = UNSET
    content: Annotated[tuple[Excerpt, ...], _some(50)] | UnsetType = UNSET
    locators: Annotated[tuple[Locator, ...], _some(200)] | UnsetType = UNSET
    media_hashes: Annotated[tuple[MediaHash, ...], _some(500)] | UnsetType = UNSET
    victims: Annotated[tuple[Victim, ...], _some(50)] | UnsetType = UNSET
    victim_ages: Annotated[tuple[AgeBand, ...], _some(50)] | UnsetType = UNSET
    reporter: Reporter | UnsetType = UNSET
    location: Location | UnsetType = UNSET
    region: Region | UnsetType = UNSET
    suspicion: Suspicion | UnsetType = UNSET
    measures: Annotated[tuple[MeasureTaken, ...], _some(50)] | UnsetType = UNSET
    feature: Feature | UnsetType = UNSET
    legal_basis: LegalBasis | UnsetType = UNSET
    attachments: Annotated[tuple[Attachment, ...], _some(500)] | UnsetType = UNSET
    preservation: Preservation | UnsetType = UNSET
    consent: Consent | UnsetType = UNSET
    summary: Passage | UnsetType = UNSET
    vignette: Vignette | UnsetType = UNSET


class CasePackage(_Closed, frozen=True, kw_only=True):
    """What one class of partner receives of one case, before it is sealed.

    `matrix` names the minimisation matrix that made it, as ``name@hash8``. A package
    with `test` says so to whoever reads it and never goes to a production contact.
    """

    format: Literal["fedsafe-case-package-v1"]
    package_id: UUID
    made_at: Moment
    test: bool
    partner_class: PartnerClass
    matrix: Annotated[
        str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,31}@[0-9a-f]{8}$(?!\n)")
    ]
    elements: Elements
    unavailable: dict[Element, Absence] = {}

    def __post_init__(self) -> None:
        """Refuse a moment that is not in UTC, and what is there and is not."""
        require_utc(self.made_at, "made_at")
        for element in self.unavailable:
            if getattr(self.elements, element) is not UNSET:
                raise ValueError(f"{element} is there and said to be unavailable")


def present(elements: Elements) -> frozenset[Element]:
    """Return which elements are there."""
    return frozenset(
        element for element in Element if getattr(elements, element) is not UNSET
    )


def encode_package(package: CasePackage) -> bytes:
    """Write a package as JSON, the same bytes for the same package.

    Raises:
        CasePackageError: it is too long, or holds media bytes.
    """
    refuse_media(package)
    data = msgspec.json.encode(package, order="deterministic")
    if len(data) > LONGEST:
        raise CasePackageError(
            Phrase("the package has more than {longest} bytes").filled(longest=LONGEST)
        )
    return data


def decode_package(data: bytes) -> CasePackage:
    """Read a package.

    Raises:
        CasePackageError: it does not fit the schema, or holds media bytes; the
            field is named, its content never.
    """
    if len(data) > LONGEST:
        raise CasePackageError(
            Phrase("the package has more than {longest} bytes").filled(longest=LONGEST)
        )
    try:
        tree = msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise CasePackageError(Phrase("the package is no JSON")) from None
    refuse_media(tree)
    try:
        return msgspec.json.decode(data, type=CasePackage)
    except (msgspec.ValidationError, RecursionError) as error:
        raise CasePackageError(
            Phrase("the package does not fit: {why}").filled(why=error)
        ) from None


def refuse_media(value: object) -> None:
    """Refuse media bytes in any field of a value.

    Raises:
        CasePackageError: some were found; the field and the kind are named.
    """
    refuse_found(find_media(value))


def refuse_found(found: MediaFound | None) -> None:
    """Refuse what a search for media bytes has found, if it has.

    Raises:
        CasePackageError: it has; the field and the kind are named.
    """
    if found is not None:
        raise CasePackageError(
            Phrase(
                "{value} holds media bytes ({kind}); a case names media by digest and "
                "reference only"
            ).filled(value=found.path or "the value", kind=found.kind),
            path=found.path,
        )
