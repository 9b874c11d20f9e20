# SPDX-License-Identifier: Apache-2.0
"""What a question or a new signal is about, in canonical form.

Here a raw value ends: what goes on is a framed OPRF input or a digest. Neither is
ever shown.
"""

from dataclasses import dataclass, field
from typing import Final

from fedsafe_crypto.tokens import frame_input
from fedsafe_federation.errors import IdentifierError
from fedsafe_federation.identifiers import Canonical, canonicalise
from fedsafe_federation.signals import DIGEST_BYTES
from fedsafe_node.errors import BadRequestError
from fedsafe_node.messages import Question
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane

_IDENTIFIERS: Final = {kind.name.lower(): kind for kind in IdentifierKind}
_MEDIA: Final = {kind.name.lower(): kind for kind in MediaKind}


@dataclass(frozen=True, slots=True)
class Person:
    """An identifier in canonical form."""

    canonical: Canonical = field(repr=False)

    @property
    def kind(self) -> IdentifierKind:
        """The identifier's kind."""
        return self.canonical.kind

    def input(self, federation: str) -> bytes:
        """Give the OPRF input under a federation (protocol 3.2)."""
        return frame_input(
            federation,
            self.kind,
            self.canonical.canonicaliser,
            self.canonical.value,
        )


@dataclass(frozen=True, slots=True)
class File:
    """A digest of a file."""

    kind: MediaKind
    digest: bytes = field(repr=False)


Asked = Person | File


def plane_of(asked: Asked) -> Plane:
    """Give the plane that a question belongs to."""
    return Plane.ACTOR if isinstance(asked, Person) else Plane.MEDIA


def read_question(question: Question, *, pointer: str) -> Asked:
    """Bring a question into canonical form; *pointer* (RFC 6901) is its place.

    Raises:
        BadRequestError: it has none; the error does not hold the value.
    """
    name = question.kind.value
    if name in _MEDIA:
        return _read_digest(question, _MEDIA[name], pointer)
    try:
        canonical = canonicalise(
            _IDENTIFIERS[name],
            question.value,
            region=question.region,
            namespace=question.namespace,
        )
    except IdentifierError as error:
        raise BadRequestError(
            f"identifier_{error.code.value}", str(error), pointer=f"{pointer}/value"
        ) from None
    return Person(canonical)


def _read_digest(question: Question, kind: MediaKind, pointer: str) -> File:
    want = DIGEST_BYTES[kind]
    if question.region is not None or question.namespace is not None:
        raise BadRequestError(
            "not_for_media", "a digest has no region or namespace", pointer=pointer
        )
    try:
        digest = bytes.fromhex(question.value)
    except ValueError:
        digest = b""
    if len(digest) != want or len(question.value) != 2 * want:
        raise BadRequestError(
            "bad_digest",
            f"a {question.kind.value} digest is {2 * want} hexadecimal digits",
            pointer=f"{pointer}/value",
        )
    return File(kind, digest)
