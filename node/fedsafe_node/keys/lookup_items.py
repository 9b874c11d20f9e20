# SPDX-License-Identifier: Apache-2.0
"""What keys are applied to: an identifier in canonical form, or a digest of a file."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fedsafe_crypto.oprf.tokens import frame_input
from fedsafe_federation.identifiers import Canonical
from fedsafe_federation.media.pdq import are_orientations
from fedsafe_policies.vocabulary import IdentifierKind, MediaKind


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
    """A digest of a file.

    Of a picture that was asked about turned and mirrored as well, `turned` has the
    digests in all eight orientations, the one as it is first.
    """

    kind: MediaKind
    digest: bytes = field(repr=False)
    turned: tuple[bytes, ...] = field(default=(), repr=False)
    questions: int = 1
    """How many questions it is: eight, where those are of no one picture."""


Asked = Person | File


def weight_of(turned: Sequence[bytes]) -> int:
    """Say how many questions the digests of a picture in all orientations are.

    They are one, or somebody asks about as many pictures at the price of one.
    """
    return 1 if are_orientations(turned) else len(turned)
