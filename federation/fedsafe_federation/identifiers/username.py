# SPDX-License-Identifier: Apache-2.0
"""User names (`username/1`): PRECIS UsernameCaseMapped (RFC 8265).

The canonical form is `namespace:name`. Width and case are mapped, nothing else:
confusable letters stay apart, because the platforms keep them apart.
"""

from functools import cache
from typing import TYPE_CHECKING, Final

from fedsafe_federation.errors import IdentifierError, IdentifierFault
from fedsafe_federation.identifiers.namespaces import AT_BEFORE_NAME, split_namespace
from fedsafe_federation.identifiers.unicode import JOINERS, admit
from fedsafe_policies.vocabulary import IdentifierKind

if TYPE_CHECKING:
    from precis_i18n.profile import Profile

CANONICALISER: Final = "username/1"

_MAX_ROUNDS: Final = 4


@cache
def _profile() -> "Profile":
    from precis_i18n import get_profile  # noqa: PLC0415 - rarely needed, loads slowly

    return get_profile("UsernameCaseMapped")


def canonical_username(raw: str, namespace: str | None) -> str:
    """Return `namespace:name` of a user name on a platform.

    Raises:
        IdentifierError: The name or its namespace is not valid.
    """
    text = admit(IdentifierKind.USERNAME, raw, tolerated=JOINERS)
    space, name = split_namespace(IdentifierKind.USERNAME, text, namespace)
    if space in AT_BEFORE_NAME:
        # A full-width @ becomes one by the profile's width mapping, too late here.
        name = name.replace("\uff20", "@").removeprefix("@")
    if not name:
        raise IdentifierError(IdentifierKind.USERNAME, IdentifierFault.EMPTY)
    return f"{space}:{enforce_profile(name)}"


def enforce_profile(name: str) -> str:
    """Apply UsernameCaseMapped until nothing changes (RFC 8264 section 7).

    Raises:
        IdentifierError: The profile refuses the name.
    """
    if name.isascii():
        if " " in name:
            raise IdentifierError(IdentifierKind.USERNAME, IdentifierFault.MALFORMED)
        return name.lower()
    for _ in range(_MAX_ROUNDS):
        before = name
        try:
            name = _profile().enforce(name)
        except UnicodeError:
            break
        if name == before:
            return name
    raise IdentifierError(IdentifierKind.USERNAME, IdentifierFault.MALFORMED)
