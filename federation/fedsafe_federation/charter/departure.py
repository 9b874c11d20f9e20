# SPDX-License-Identifier: Apache-2.0
"""A suspended member's wish to leave, which the others fulfil.

Who is suspended signs no version of the charter. Its wish is a statement of its own
that is good for one version only: once another one counts, it is said anew, or not.
"""

from typing import Annotated, Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.signed import (
    Bytes32,
    Signed,
    open_statement,
    sign_statement,
)
from fedsafe_policies.ground.catalogue import Phrase

LEAVING: Final = "member.leaving"


class Leaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody's wish to be no member of what that version of the charter says."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    charter: Bytes32


def sign_leaving(version: Version, *, signer: str, key: SigningKey) -> Signed:
    """Say under a version that one wants to leave."""
    return sign_statement(
        Leaving(v=1, charter=version.digest),
        type_=LEAVING,
        signer=signer,
        key=key,
        federation=version.charter.federation,
    )


def open_leaving(version: Version, statement: Signed) -> str:
    """Check a wish to leave; give the member's name.

    Raises:
        UntrustedError: it is no member's, or badly signed.
        MalformedError: it is none, was said under another version, or by a member that
            takes part and leaves as such.
    """
    member = version.charter.member(statement.signer)
    said = open_statement(
        statement,
        Leaving,
        type_=LEAVING,
        public=member.keys.statement,
        federation=version.charter.federation,
    )
    if said.charter != version.digest:
        raise MalformedError("Leaving", Phrase("it was said under another version"))
    if member.active:
        raise MalformedError("Leaving", Phrase("its member is not suspended"))
    return member.name
