# SPDX-License-Identifier: Apache-2.0
"""A policy: a document that a person can read aloud and the engine obeys.

It is written in TOML, closed (an unknown key is refused, with its line), and
named in decisions as ``name@hash8`` after the SHA-256 of its exact bytes. Loading
refuses what no policy may allow: a report that is not confirmed, longer retention
than the law's reading bears, a purpose outside a role, a phenomenon beyond its
table.
"""

import hashlib
import tomllib
from dataclasses import dataclass
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_policies.errors import PolicyFileError, UnknownPolicyError
from fedsafe_policies.phenomena import Switch, phenomena
from fedsafe_policies.place import describe
from fedsafe_policies.reasons import Text
from fedsafe_policies.span import Span
from fedsafe_policies.vocabulary import (
    Grade,
    IdentifierKind,
    MediaKind,
    Phenomenon,
    Plane,
    Purpose,
    Role,
    Surface,
)

SHIPPED: Final = ("strict", "synthetic")
MAX_POLICY_BYTES: Final = 65_536

IdentifierName = Literal["email", "phone", "username", "device", "payment", "ip", "url"]
MediaName = Literal["sha256", "sha1", "md5", "blake3", "pdq"]

ROLE_PURPOSES: Final[dict[Role, frozenset[Purpose]]] = {
    Role.SERVICE: frozenset(
        {Purpose.SIGNUP_CHECK, Purpose.RECHECK, Purpose.MEDIA_MATCHING}
    ),
    Role.ANALYST: frozenset(
        {
            Purpose.RECHECK,
            Purpose.MODERATION_REVIEW,
            Purpose.MEDIA_MATCHING,
            Purpose.ESCALATION,
        }
    ),
    Role.REVIEWER: frozenset(
        {
            Purpose.MODERATION_REVIEW,
            Purpose.MEDIA_MATCHING,
            Purpose.ESCALATION,
            Purpose.RIGHTS_OF_THE_PERSON,
        }
    ),
    Role.OPERATOR: frozenset({Purpose.OPERATIONS}),
    Role.AUDITOR: frozenset({Purpose.AUDIT_REVIEW, Purpose.SUPERVISION}),
}
"""P8: what a role can be allowed at most; a policy allows a part of it."""

AGEING_LIMITS: Final[dict[str, Span]] = {
    "phone": Span.parse("6 months"),
    "device": Span.parse("12 months"),
    "ip": Span.parse("7 days"),
}
"""P9: how long an identifier is taken for the same person's, at most."""

_RETENTION_LIMITS: Final = {
    "actor": Span.parse("12 months"),
    "media": Span.parse("24 months"),
    "bucket": Span.parse("31 days"),
    "after_match": Span.parse("7 days"),
}


@unique
class GateMode(StrEnum):
    """What opens the gate: a complete record, or a demonstration on loopback."""

    RECORD = "record"
    SYNTHETIC = "synthetic"


class Gate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P1: which planes stay closed until the gate is open."""

    mode: GateMode
    planes: frozenset[Plane]


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may leave the node, and what is matched of others."""

    planes: frozenset[Plane]
    identifiers: frozenset[IdentifierName]
    media: frozenset[MediaName]
    surfaces: frozenset[Surface]
    grades: frozenset[Grade]


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """P9: how long a signal matches, and how long its opening outlives that."""

    actor: Span
    media: Span
    bucket: Span
    after_match: Span


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of a policy, as written."""

    format: Literal[1]
    name: Annotated[str, msgspec.Meta(pattern=r"\A[a-z][a-z0-9-]{0,31}\Z")]
    title: Text
    gate: Gate
    share: Share
    phenomena: dict[Phenomenon, frozenset[Plane]]
    purposes: dict[Role, frozenset[Purpose]]
    retention: Retention
    ageing: dict[IdentifierName, Span]


@dataclass(frozen=True, slots=True)
class Policy:
    """A loaded policy and the digest of the bytes that it was read from."""

    document: Document
    digest: str
    kinds: frozenset[tuple[Plane, str]]

    @property
    def name(self) -> str:
        """The policy's own name."""
        return self.document.name

    @property
    def reference(self) -> str:
        """`name@hash8`, as decisions and audit events cite the policy."""
        return f"{self.document.name}@{self.digest[:8]}"

    def shares(self, kind: IdentifierKind | MediaKind) -> bool:
        """Tell whether signals of this kind may be shared."""
        plane = Plane.ACTOR if isinstance(kind, IdentifierKind) else Plane.MEDIA
        return (plane, kind.name) in self.kinds


def load_policy(text: bytes) -> Policy:
    """Read a policy out of its exact bytes.

    Raises:
        PolicyFileError: it is malformed, or allows what no policy may allow.
    """
    if len(text) > MAX_POLICY_BYTES:
        raise PolicyFileError(f"longer than {MAX_POLICY_BYTES} bytes")
    try:
        tree = tomllib.loads(text.decode())
    except UnicodeDecodeError:
        raise PolicyFileError("not UTF-8") from None
    except (ValueError, RecursionError) as error:
        raise PolicyFileError(f"not TOML: {error}") from None
    try:
        document = msgspec.convert(tree, Document, dec_hook=_read_span)
    except msgspec.ValidationError as error:
        raise describe(str(error), text.decode()) from None
    _check_share(document)
    _check_phenomena(document)
    _check_times(document)
    return Policy(document, hashlib.sha256(text).hexdigest(), _kinds(document))


@cache
def shipped(name: str) -> Policy:
    """Return one of the policies that come with FedSafe.

    Raises:
        UnknownPolicyError: none of that name is shipped.
    """
    if name not in SHIPPED:
        raise UnknownPolicyError(name, SHIPPED)
    folder = files("fedsafe_policies").joinpath("data")
    return load_policy(folder.joinpath(f"{name}.toml").read_bytes())


def _read_span(wanted: type, value: object) -> object:
    if wanted is Span and isinstance(value, str):
        return Span.parse(value)
    raise ValueError("want a span like '12 months' or '7 days'")


def _kinds(document: Document) -> frozenset[tuple[Plane, str]]:
    share = document.share
    actor = {(Plane.ACTOR, kind.upper()) for kind in share.identifiers}
    media = {(Plane.MEDIA, kind.upper()) for kind in share.media}
    return frozenset(
        kind for kind in {*actor, *media} if kind[0] in document.share.planes
    )


def _check_share(document: Document) -> None:
    if Grade.SINGLE_REPORT in document.share.grades:
        raise PolicyFileError(
            "a single report never leaves the node (P5)", key="share.grades"
        )
    if Surface.NI_ICS_PRIVATE in document.share.surfaces:
        raise PolicyFileError(
            "no legal basis in force for ni_ics_private (P3)", key="share.surfaces"
        )
    if Plane.ACTOR not in document.gate.planes:
        raise PolicyFileError(
            "the actor plane always stands behind the gate (P1)", key="gate.planes"
        )
    for role, purposes in document.purposes.items():
        if not purposes <= ROLE_PURPOSES[role]:
            raise PolicyFileError(
                "a purpose that this role never has (P8)", key=f"purposes.{role}"
            )


def _check_phenomena(document: Document) -> None:
    table = phenomena()
    for code, planes in document.phenomena.items():
        for plane in planes:
            if table[code].switch(plane) is Switch.NO:
                raise PolicyFileError(
                    f"no {plane} signals of this phenomenon (P7)",
                    key=f"phenomena.{code}",
                )


def _check_times(document: Document) -> None:
    for field, limit in _RETENTION_LIMITS.items():
        if getattr(document.retention, field).exceeds(limit):
            raise PolicyFileError(f"more than {limit} (P9)", key=f"retention.{field}")
    if document.retention.bucket.months:
        raise PolicyFileError("want days", key="retention.bucket")
    for kind, limit in AGEING_LIMITS.items():
        span = document.ageing.get(kind)  # type: ignore[call-overload]
        if span is None or span.exceeds(limit):
            raise PolicyFileError(f"want {limit} at most (P9)", key=f"ageing.{kind}")
