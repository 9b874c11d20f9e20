# SPDX-License-Identifier: Apache-2.0
"""Statements of several members about the same bytes, which travel once.

With 64 members a charter that goes beside each of its signatures is larger than any
message may be.
"""

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from fedsafe_federation.charter.charter import MAX_MEMBERS, SignedCharter
from fedsafe_federation.wire.signed import TYPE, Bytes64, NodeName, Signed

MOST_SIGNATURES: Final = 4 * MAX_MEMBERS
_WRITTEN: Final = 512
"""So many bytes a signature takes at most, with the longest name, as it is written."""


class Signature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who has signed, and the signature."""

    signer: NodeName
    signature: Bytes64


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was signed, once, and all who have signed it."""

    type: Annotated[str, msgspec.Meta(max_length=64, pattern=TYPE)]
    payload: bytes
    signatures: Annotated[
        list[Signature], msgspec.Meta(min_length=1, max_length=MOST_SIGNATURES)
    ]

    def statements(self) -> list[Signed]:
        """Give the statements again; they share the bytes."""
        return [
            Signed(self.type, each.signer, self.payload, each.signature)
            for each in self.signatures
        ]


def bundled(statements: Iterable[Signed]) -> list[Bundle]:
    """Put together what is about the same bytes, in the order of the first of each."""
    found: dict[tuple[str, bytes], list[Signature]] = {}
    for each in statements:
        signatures = found.setdefault((each.type, each.payload), [])
        signatures.append(Signature(each.signer, each.signature))
    return [Bundle(type_, payload, each) for (type_, payload), each in found.items()]


def opened(bundles: Iterable[Bundle]) -> list[Signed]:
    """Take statements apart again."""
    return [statement for each in bundles for statement in each.statements()]


def bundle_of(document: SignedCharter) -> Bundle:
    """Write a version of the charter with its bytes once."""
    (bundle,) = bundled(document.signatures)
    return bundle


def documents(bundles: Iterable[Bundle]) -> list[SignedCharter]:
    """Read versions of the charter again; what they say is checked by whoever asked."""
    return [SignedCharter(each.statements()) for each in bundles]


def as_many_as_fit(bundles: Iterable[Bundle], most: int) -> list[Bundle]:
    """Leave out what would make all together longer than so many bytes."""
    left, found = most, list[Bundle]()
    for each in bundles:
        size = size_of(each)
        if size <= left:
            left -= size
            found.append(each)
    return found


def size_of(bundle: Bundle) -> int:
    """Give how many bytes a bundle takes at most as it is written."""
    return 4 * len(bundle.payload) // 3 + _WRITTEN * (1 + len(bundle.signatures))
