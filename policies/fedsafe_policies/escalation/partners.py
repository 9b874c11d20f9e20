# SPDX-License-Identifier: Apache-2.0
"""Partners: who could receive cases, and whom a provider has entered and verified.

`data/partners.toml` is the landscape: what public sources say of each office, with the
source of every fact. It names nobody to send to. A `Partner` is the provider's own
entry, with contacts and a key, and counts for as long as its verification does.
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.channels import Channels, check_channels
from fedsafe_policies.escalation.package import Contact, Country, Line, Phone
from fedsafe_policies.escalation.vocabulary import PartnerClass
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import Role

VALID_DAYS: Final = 180
"""For how long a verification counts at most."""

KEEPERS: Final = frozenset({Role.ESCALATION_OFFICER})
"""Who enters partners."""

VERIFIERS: Final = frozenset(
    {Role.ESCALATION_OFFICER, Role.REVIEWER, Role.LEGAL_ADVISER}
)
"""Who verifies one, if somebody else has entered it."""

PartnerId = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}$(?!\n)")]
KeyText = Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]
CertificateText = Annotated[str, msgspec.Meta(min_length=1, max_length=32_768)]


@unique
class Way(StrEnum):
    """How a partner is reached by hand; a person records what came of it."""

    __schema_name__ = "PartnerWay"

    PORTAL = "portal"
    PHONE = "phone"
    LETTER = "letter"


class Partner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A provider's own entry of a partner.

    `function` answers, rather than a named person; `chain` is who is called next. The
    node itself hands over by `channels`, the first of which is preferred; what fails
    there goes by `ways`, by hand. With `test` only test packages go there, without it
    only real ones. `key` is FedSafe's own, `certificate` an X.509 certificate
    (S/MIME), `openpgp` one of OpenPGP.
    """

    name: Line
    partner_class: PartnerClass
    country: Country
    test: bool
    function: Line
    phone: Phone | None = None
    hours: Line | None = None
    key: KeyText | None = None
    certificate: CertificateText | None = None
    openpgp: CertificateText | None = None
    ways: Annotated[tuple[Way, ...], msgspec.Meta(max_length=3)] = ()
    channels: Channels = ()
    chain: Annotated[tuple[Contact, ...], msgspec.Meta(max_length=10)] = ()

    def __post_init__(self) -> None:
        """Refuse another provider, which gets signals only, and who is unreachable."""
        if self.partner_class is PartnerClass.PEER:
            raise ValueError("another provider is no partner of cases")
        if not self.ways and not self.channels:
            raise ValueError("want ways or channels: this partner cannot be reached")
        check_channels(self.channels)


@unique
class Standing(StrEnum):
    """Whether an entry counts."""

    __schema_name__ = "PartnerStanding"

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    EXPIRED = "expired"


def standing_of(verified_until: int | None, now: int) -> Standing:
    """Tell whether an entry counts now; whatever changes it, lets that lapse."""
    if verified_until is None:
        return Standing.UNVERIFIED
    return Standing.VERIFIED if now < verified_until else Standing.EXPIRED


@unique
class FactKind(StrEnum):
    """What a fact of the landscape is about."""

    ROLE = "role"
    INTAKE = "intake"
    PHONE = "phone"
    HOURS = "hours"
    URL = "url"
    LIMIT = "limit"


class Fact(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a source says of an office, and how old the source is, if it says so."""

    about: FactKind
    text: Text
    source: Line
    as_of: (
        Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}(-[0-9]{2}){0,2}$(?!\n)")] | None
    ) = None


class Office(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An office of the landscape; a template stands for one that a provider names."""

    name: Text
    partner_class: PartnerClass
    country: Country
    template: bool = False
    facts: tuple[Fact, ...] = ()

    @property
    def open(self) -> tuple[FactKind, ...]:
        """Of what no source says anything."""
        known = {fact.about for fact in self.facts}
        return tuple(kind for kind in FactKind if kind not in known)


class Landscape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All offices, and of which day the list is."""

    format: Literal[1]
    dated: date
    partner: dict[PartnerId, Office]


def load_landscape(text: bytes) -> Landscape:
    """Read a landscape.

    Raises:
        PolicyFileError: it is malformed, or names another provider as an office.
    """
    found, written = read_document(text, Landscape)
    for name, office in found.partner.items():
        if office.partner_class is PartnerClass.PEER:
            fault = PolicyFileError(
                Phrase("another provider is no partner of cases"),
                key=f"partner.{name}.partner_class",
            )
            raise locate(fault, written)
    return found


@cache
def landscape() -> Landscape:
    """Return the shipped landscape of Germany."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_landscape(folder.joinpath("partners.toml").read_bytes())


def offices() -> Mapping[str, Office]:
    """Return the offices of the shipped landscape."""
    return landscape().partner
