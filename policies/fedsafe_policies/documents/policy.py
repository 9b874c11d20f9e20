# SPDX-License-Identifier: Apache-2.0
"""A policy: a document that a person can read aloud and the engine obeys.

It is written in TOML, closed (an unknown key is refused, with its line), and
named in decisions as ``name@hash8`` after the SHA-256 of its exact bytes. Loading
refuses what no policy may allow (`limits`), and of a node's policy also what the
federation's does not (`strictness`).
"""

import hashlib
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import msgspec

from fedsafe_policies.documents.document import Code, Document, RuleEntry
from fedsafe_policies.documents.limits import check_limits
from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError, UnknownPolicyError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import Span
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane, Role

SHIPPED: Final = ("strict", "germany", "synthetic")
MAX_POLICY_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy, the digest of its bytes, and what decisions look up in it."""

    document: Document
    digest: str
    reference: str = field(init=False)
    kinds: frozenset[tuple[Plane, str]] = field(init=False)
    jurisdictions: frozenset[str] = field(init=False)
    rules: dict[str, RuleEntry] = field(init=False)
    apart: frozenset[tuple[Role, Role]] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare what every decision needs, once."""
        document, share = self.document, self.document.share
        actor = {(Plane.ACTOR, kind.upper()) for kind in share.identifiers}
        media = {(Plane.MEDIA, kind.upper()) for kind in share.media}
        kinds = frozenset(kind for kind in actor | media if kind[0] in share.planes)
        pairs = {
            (one, other)
            for one, others in document.staffing.apart.items()
            for other in others
        }
        derived = {
            "reference": f"{document.name}@{self.digest[:8]}",
            "kinds": kinds,
            "jurisdictions": expand(document.jurisdictions.allowed),
            "rules": {rule.id: rule for rule in document.rulebook.rules},
            "apart": frozenset(pairs | {(other, one) for one, other in pairs}),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    @property
    def name(self) -> str:
        """The policy's own name."""
        return self.document.name

    def shares(self, kind: IdentifierKind | MediaKind) -> bool:
        """Tell whether signals of this kind may be shared."""
        plane = Plane.ACTOR if isinstance(kind, IdentifierKind) else Plane.MEDIA
        return (plane, kind.name) in self.kinds

    def picture_radius(self, origin: str) -> int:
        """Say in how many bits of its PDQ hash a picture of an origin may differ."""
        pictures = self.document.pictures
        return min(pictures.radius, pictures.origins.get(origin, pictures.radius))


def load_policy(text: bytes) -> Policy:
    """Read a policy out of its exact bytes.

    Raises:
        PolicyFileError: it is malformed, or allows what no policy may allow.
    """
    if len(text) > MAX_POLICY_BYTES:
        raise PolicyFileError(
            Phrase("longer than {bytes} bytes").filled(bytes=MAX_POLICY_BYTES)
        )
    document, written = read_document(text, Document, dec_hook=_read_span)
    try:
        check_limits(document)
    except PolicyFileError as error:
        raise locate(error, written) from None
    return Policy(document, hashlib.sha256(text).hexdigest())


@cache
def shipped(name: str) -> Policy:
    """Return one of the policies that come with FedSafe.

    Raises:
        UnknownPolicyError: none of that name is shipped.
    """
    return load_policy(shipped_text(name))


def shipped_text(name: str) -> bytes:
    """Return the exact bytes of a policy that comes with FedSafe.

    Raises:
        UnknownPolicyError: none of that name is shipped.
    """
    if name not in SHIPPED:
        raise UnknownPolicyError(name, SHIPPED)
    folder = files("fedsafe_policies").joinpath("data")
    return folder.joinpath(f"{name}.toml").read_bytes()


def _read_span(wanted: type, value: object) -> object:
    if wanted is Span and isinstance(value, str):
        return Span.parse(value)
    raise ValueError("want a span like '12 months' or '7 days'")


# P15: names of places, and what a name of several stands for.
#
# `data/jurisdictions.toml` holds the groups, with source and date. A code that names no
# group stands for itself.


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Several jurisdictions under one name (ISO 3166-1 alpha-2)."""

    source: str
    dated: date
    members: frozenset[Code]


@cache
def groups() -> MappingProxyType[str, Group]:
    """Return the groups by name."""
    folder = files("fedsafe_policies").joinpath("data")
    text = folder.joinpath("jurisdictions.toml").read_text("utf-8")
    table = msgspec.convert(tomllib.loads(text), dict[str, Group])
    return MappingProxyType(table)


def expand(codes: Iterable[str]) -> frozenset[str]:
    """Resolve groups into their members."""
    table = groups()
    places: set[str] = set()
    for code in codes:
        places |= table[code].members if code in table else {code}
    return frozenset(places)
