# SPDX-License-Identifier: Apache-2.0
"""One dealer's part of the key generation: to deal, and to check what was dealt.

Feldman's commitments let a recipient check its sub-share. Schnorr's proof of the
constant coefficient keeps a dealer from answering others' commitments with a
combination of them. Proof and sealed sub-shares are bound to all else in the deal:
run (federation, epoch, generation, roster), dealer, announcements, commitments.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from fedsafe_crypto.dkg_messages import Deal, Reason, encode
from fedsafe_crypto.group import (
    REFUSED_BYTES,
    SCALAR_BYTES,
    hash_to_scalar,
    multiply,
    multiply_base,
    scalar_add,
    scalar_multiply,
    subtract,
)
from fedsafe_crypto.oprf import hedged_nonce
from fedsafe_crypto.shares import commitment_at

_POSSESSION: Final = b"fedsafe/v1/dkg possession"
_CONTRIBUTION: Final = b"fedsafe/v1/dkg contribution\n"


def commit_deal(
    *,
    sender: int,
    run: bytes,
    announcements: bytes,
    polynomial: Sequence[bytes],
    contribution: bytes,
) -> Deal:
    """Make a deal that still lacks its sealed sub-shares."""
    deal = Deal(
        sender=sender,
        run=run,
        announcements=announcements,
        commitments=tuple(multiply_base(each) for each in polynomial),
        possession=b"",
        contribution=_commit(run, sender, contribution),
        sealed=(),
    )
    nonce = hedged_nonce(polynomial[0], _bound(deal))
    challenge = _challenge(deal, multiply_base(nonce))
    answer = scalar_add(nonce, scalar_multiply(challenge, polynomial[0]))
    return replace(deal, possession=challenge + answer)


def seal_context(deal: Deal, recipient: int) -> bytes:
    """Give what a sub-share is sealed to, beside the recipient's key."""
    return bytes((recipient,)) + _bound(deal)


def possesses(deal: Deal) -> bool:
    """Tell whether the dealer proved that it knows its constant coefficient."""
    challenge = deal.possession[:SCALAR_BYTES]
    answer = deal.possession[SCALAR_BYTES:]
    try:
        claimed = multiply(challenge, deal.commitments[0])
        point = subtract(multiply_base(answer), claimed)
    except REFUSED_BYTES:
        return False
    return _challenge(deal, point) == challenge


def fault_of(deal: Deal, index: int, contents: bytes) -> Reason | None:
    """Tell what is wrong with what a dealer sealed to an index, if anything."""
    share, contribution = contents[:SCALAR_BYTES], contents[SCALAR_BYTES:]
    try:
        fits = multiply_base(share) == commitment_at(deal.commitments, index)
    except REFUSED_BYTES:
        fits = False
    if not fits:
        return Reason.WRONG_SHARE
    if _commit(deal.run, deal.sender, contribution) != deal.contribution:
        return Reason.WRONG_CONTRIBUTION
    return None


def _bound(deal: Deal) -> bytes:
    return encode(replace(deal, possession=b"", sealed=()))


def _challenge(deal: Deal, point: bytes) -> bytes:
    return hash_to_scalar(_bound(deal) + point, _POSSESSION)


def _commit(run: bytes, dealer: int, contribution: bytes) -> bytes:
    return sha256(_CONTRIBUTION + run + bytes((dealer,)) + contribution).digest()
