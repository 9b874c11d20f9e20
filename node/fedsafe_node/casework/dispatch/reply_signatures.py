# SPDX-License-Identifier: Apache-2.0
"""Whether a partner has signed a reply, by the OpenPGP key of its entry."""

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fedsafe_federation.casework.errors import PartnerKeyError, SignedMailError
from fedsafe_federation.casework.openpgp import openpgp_identity, read_openpgp
from fedsafe_federation.casework.signed_mail import signed_text
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.store.partners_rows import PartnerRow
from fedsafe_policies.escalation.partners import Partner

if TYPE_CHECKING:
    from pysequoia import Cert


def key_to_verify(partner: PartnerRow, now: int) -> "Cert | None":
    """Return the OpenPGP key of an entry whose verification counts; None without one.

    A key that nobody has compared with the partner proves nothing.
    """
    if partner.verified_until is None or partner.verified_until <= now:
        return None
    text = decode(partner.record, Partner).openpgp
    if text is None:
        return None
    try:
        return read_openpgp(text, datetime.fromtimestamp(now, UTC))
    except PartnerKeyError:
        return None


def signer_of(mail: bytes, token: str, key: "Cert") -> str | None:
    """Return the fingerprint of the key if it has signed the token; None if not.

    A signature on something else, which may be as old as the partner, says nothing of
    this dispatch.

    Raises:
        BadRequestError: a signature on it is none of the key, or does not verify.
    """
    try:
        signed = signed_text(mail, key)
    except SignedMailError as error:
        raise BadRequestError(
            "bad_signature",
            f"this message is not signed as it says, {error}: call the partner",
            pointer="/body",
        ) from None
    whole = rb"(?<![A-Za-z0-9_-])" + re.escape(token.encode()) + rb"(?![A-Za-z0-9_-])"
    if signed is None or re.search(whole, signed) is None:
        return None
    return openpgp_identity(key).hex()
