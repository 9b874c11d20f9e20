# SPDX-License-Identifier: Apache-2.0
"""What a question or a new signal is about, in canonical form.

Here a raw value ends: what goes on is a framed OPRF input or a digest. Neither is
ever shown.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.feed.signals import DIGEST_BYTES
from fedsafe_federation.identifiers import canonicalise
from fedsafe_federation.media.pdq import ORIENTATIONS
from fedsafe_node.acts.bodies import Bilingual, Question
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.keys.lookup_items import Asked, File, Person, weight_of
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind, Plane

_IDENTIFIERS: Final = {kind.name.lower(): kind for kind in IdentifierKind}
_MEDIA: Final = {kind.name.lower(): kind for kind in MediaKind}
_NAMES_NOBODY: Final = frozenset(
    {IdentifierFault.NOT_GLOBAL, IdentifierFault.PLACEHOLDER}
)


@dataclass(frozen=True, slots=True)
class Unread:
    """Why a question has no canonical form; never what it was.

    It `names_nobody` if the value is well-formed, but means something else in every
    network or device, so that there is nothing to compare.
    """

    code: str
    why: Phrase
    field: str = "/value"
    names_nobody: bool = False

    def error(self, question: Question, *, pointer: str) -> BadRequestError:
        """Give the error for a request that stands or falls with this question."""
        name, said = question.kind.value, self.why
        if name in _IDENTIFIERS:
            said = Phrase("{kind}: {why}").filled(kind=name, why=said)
        return BadRequestError(self.code, said, pointer=f"{pointer}{self.field}")

    @property
    def detail(self) -> Bilingual:
        """Say it in both languages."""
        return Bilingual(de=self.why.said("de"), en=self.why.said("en"))


def plane_of(question: Question) -> Plane:
    """Give the plane that a question belongs to, read or not."""
    return Plane.MEDIA if question.kind.value in _MEDIA else Plane.ACTOR


def read_question(question: Question, *, pointer: str) -> Asked:
    """Bring a question into canonical form; *pointer* (RFC 6901) is its place.

    Raises:
        BadRequestError: it has none; the error does not hold the value.
    """
    found = try_question(question)
    if isinstance(found, Unread):
        raise found.error(question, pointer=pointer)
    return found


def try_question(question: Question, *, turned: bool = False) -> "Asked | Unread":
    """Bring a question into canonical form, or say why it has none.

    With *turned*, a picture may come with the digests of all eight orientations.
    """
    name = question.kind.value
    if name in _MEDIA:
        kind = _MEDIA[name]
        return _read_digest(question, kind, turned=turned and kind is MediaKind.PDQ)
    try:
        canonical = canonicalise(
            _IDENTIFIERS[name],
            question.value,
            region=question.region,
            namespace=question.namespace,
        )
    except IdentifierError as error:
        return Unread(
            f"identifier_{error.code.value}",
            error.fault,
            names_nobody=error.code in _NAMES_NOBODY,
        )
    return Person(canonical)


def _read_digest(
    question: Question, kind: MediaKind, *, turned: bool
) -> "File | Unread":
    want = DIGEST_BYTES[kind]
    all_wanted = want * len(ORIENTATIONS)
    if question.region is not None or question.namespace is not None:
        said = Phrase("a digest has no region or namespace")
        return Unread("not_for_media", said, field="")
    try:
        digest = bytes.fromhex(question.value)
    except ValueError:
        digest = b""
    if len(question.value) != 2 * len(digest):
        digest = b""
    if turned and len(digest) == all_wanted:
        starts = range(0, all_wanted, want)
        all_of_it = tuple(digest[at : at + want] for at in starts)
        return File(kind, digest[:want], all_of_it, weight_of(all_of_it))
    if len(digest) != want:
        name, digits = question.kind.value, 2 * want
        said = Phrase("a {kind} digest is {digits} hexadecimal digits").filled(
            kind=name, digits=digits
        )
        if turned:
            said = Phrase(
                "a {kind} digest is {digits} hexadecimal digits, or {all} in all eight "
                "orientations"
            ).filled(kind=name, digits=digits, all=2 * all_wanted)
        return Unread("bad_digest", said)
    return File(kind, digest)
