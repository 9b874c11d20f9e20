# SPDX-License-Identifier: Apache-2.0
"""What keys are applied to: an identifier in canonical form, or a digest of a file."""

from dataclasses import dataclass, field

from fedsafe_crypto.oprf.tokens import frame_input
from fedsafe_federation.identifiers import Canonical
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


Asked = Person | File
