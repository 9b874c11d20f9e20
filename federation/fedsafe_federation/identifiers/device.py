# SPDX-License-Identifier: Apache-2.0
"""Device identifiers (`device/1`): a UUID within its issuer's namespace.

The canonical form is `namespace:uuid` in lower case with hyphens. Values that
many devices share, such as the zeros that a phone gives when its owner opted
out of tracking, are refused: they would match everybody.
"""

from re import IGNORECASE
from re import compile as compile_pattern
from typing import Final
from unicodedata import normalize

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.namespaces import split_namespace
from fedsafe_federation.identifiers.unicode import admit
from fedsafe_policies.vocabulary import IdentifierKind

CANONICALISER: Final = "device/1"

_HYPHENATED: Final = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UUID: Final = compile_pattern(
    rf"(?:urn:uuid:)?({_HYPHENATED})|([0-9a-f]{{32}})|\{{({_HYPHENATED})\}}",
    IGNORECASE,
)
# Handed out by several broken devices alike: the example of RFC 4122, and the
# counting pattern of test images.
_SHARED: Final = frozenset(
    {"f81d4fae7dec11d0a76500a0c91e6bf6", "0123456789abcdef0123456789abcdef"}
)


def canonical_device(raw: str, namespace: str | None) -> str:
    """Return `namespace:uuid` of a device identifier.

    Raises:
        IdentifierError: It is no UUID, has no namespace, or is a placeholder.
    """
    text = normalize("NFKC", admit(IdentifierKind.DEVICE, raw))
    space, written = split_namespace(IdentifierKind.DEVICE, text, namespace)
    match = _UUID.fullmatch(written)
    if match is None or not written.isascii():
        raise IdentifierError(IdentifierKind.DEVICE, IdentifierFault.MALFORMED)
    digits = "".join(part for part in match.groups() if part).replace("-", "").lower()
    if len(set(digits)) == 1 or digits in _SHARED:
        raise IdentifierError(IdentifierKind.DEVICE, IdentifierFault.PLACEHOLDER)
    cuts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return f"{space}:{'-'.join(cuts)}"
