# SPDX-License-Identifier: Apache-2.0
"""One dealer's part of a run: to deal, and to judge what was dealt.

Feldman's commitments (1987) let a recipient check its sub-share. Schnorr's proof of
the constant coefficient keeps a dealer from answering others' commitments with a
combination of them. When a key is shared anew, that constant must be the dealer's
pinned public share: sub-shares that fit their commitments are not enough (Wong, Wang
and Wing, 2002). Proof and sealed values are bound to all else in the deal: run,
dealer, announcements, commitments.

Recipients, and whoever decides a complaint, judge by the same functions here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from fedsafe_crypto.dkg.messages import (
    GROUP_KEY_BYTES,
    TOKEN_KEY_BYTES,
    Announcement,
    Complaint,
    Deal,
    Reason,
    complaint_of,
    encode,
    read,
)
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import MalformedKeyError, OpenError, WrongLengthError
from fedsafe_crypto.oprf.shares import commitment_at
from fedsafe_crypto.oprf.voprf import hedged_nonce
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.primitives.ristretto import (
    REFUSED_BYTES,
    SCALAR_BYTES,
    hash_to_scalar,
    multiply,
    multiply_base,
    scalar_add,
    scalar_multiply,
    subtract,
)
from fedsafe_crypto.seal.hpke import RecipientKey, check_recipient, open_sealed, seal

_POSSESSION: Final = b"fedsafe/v1/dkg possession"
_CONTRIBUTION: Final = b"fedsafe/v1/dkg contribution\n"
_SUB_SHARE: Final = b"fedsafe/v1/dkg sub-share"
_TOKEN_KEY: Final = b"fedsafe/v1/dkg token key"
_TOKEN_COMMITMENT: Final = b"fedsafe/v1/token key commitment\n"
_GROUP_COMMITMENT: Final = b"fedsafe/v1/group key commitment\n"


def commit_deal(
    run: Run,
    sender: int,
    *,
    announcements: Sequence[bytes],
    polynomial: Sequence[bytes],
    contribution: bytes,
) -> Deal:
    """Make a deal that still lacks what is sealed to each recipient."""
    deal = Deal(
        sender=sender,
        announcements=tuple(announcements),
        commitments=tuple(multiply_base(each) for each in polynomial),
        possession=b"",
        contribution=_commit(run, sender, contribution),
        sealed=(),
        tokens=(),
    )
    nonce = hedged_nonce(polynomial[0], _bound(run, deal))
    challenge = _challenge(run, deal, multiply_base(nonce))
    answer = scalar_add(nonce, scalar_multiply(challenge, polynomial[0]))
    return replace(deal, possession=challenge + answer)


def token_key_commitment(federation_id: str, epoch: int, token_key: bytes) -> bytes:
    """Commit to the media token key of an epoch; whoever is handed it can check it.

    Raises:
        WrongLengthError: The key is not of 32 bytes.
    """
    if len(token_key) != TOKEN_KEY_BYTES:
        raise WrongLengthError("media token key", len(token_key), TOKEN_KEY_BYTES)
    bound = lp_text(federation_id) + epoch.to_bytes(4)
    return sha256(_TOKEN_COMMITMENT + bound + token_key).digest()


def group_key_commitment(
    federation_id: str, epoch: int, generation: int, group_key: bytes
) -> bytes:
    """Commit to the media group key of a generation, as to the token key of an epoch.

    Raises:
        WrongLengthError: The key is not of 32 bytes.
    """
    if len(group_key) != GROUP_KEY_BYTES:
        raise WrongLengthError("media group key", len(group_key), GROUP_KEY_BYTES)
    bound = lp_text(federation_id) + epoch.to_bytes(4) + generation.to_bytes(4)
    return sha256(_GROUP_COMMITMENT + bound + group_key).digest()


def seal_deal(
    run: Run,
    deal: Deal,
    announcements: Mapping[int, bytes],
    contents: Mapping[int, bytes],
    token_key: bytes,
) -> Deal | list[Complaint]:
    """Seal to each other recipient what is for it, or complain of announcements."""
    sealed: list[bytes] = []
    tokens: list[bytes] = []
    complaints: list[Complaint] = []
    for recipient in run.recipients_of(deal.sender):
        data = announcements[recipient]
        announced = read_announcement(run, recipient, data, dealer=deal.sender)
        if isinstance(announced, Reason):
            complaints.append(complaint_of(1, recipient, announced, data))
            continue
        place, aad = key_place(run, deal, recipient), _context(run, deal, recipient)
        own = contents[recipient]
        sealed.append(seal(announced.keys[place], own, info=_SUB_SHARE, aad=aad))
        tokens += [
            seal(key, token_key, info=_TOKEN_KEY, aad=aad)
            for key in announced.token_keys[place : place + 1]
        ]
    return complaints or replace(deal, sealed=tuple(sealed), tokens=tuple(tokens))


def read_announcement(
    run: Run, sender: int, data: bytes, *, dealer: int
) -> Announcement | Reason:
    """Read an announcement whose keys for a dealer can be sealed to."""
    announcement = read(Announcement, data, run, sender)
    if isinstance(announcement, Reason):
        return announcement
    place = run.dealers_to(sender).index(dealer)
    try:
        for keys in (announcement.keys, announcement.token_keys):
            for key in keys[place : place + 1]:
                check_recipient(key)
    except MalformedKeyError:
        return Reason.UNUSABLE_KEY
    return announcement


def read_deal(run: Run, dealer: int, data: bytes) -> Deal | Reason:
    """Read a deal in which everybody finds nothing wrong, recipient or not."""
    deal = read(Deal, data, run, dealer)
    if isinstance(deal, Reason):
        return deal
    source = run.source
    if source and deal.commitments[0] != source.read_pins().members[dealer]:
        return Reason.WRONG_CONSTANT
    return deal if _possesses(run, deal) else Reason.NO_POSSESSION


def key_place(run: Run, deal: Deal, recipient: int) -> int:
    """Tell which of a recipient's announced keys is for this dealer."""
    return run.dealers_to(recipient).index(deal.sender)


def open_share(
    run: Run, deal: Deal, recipient: int, key: RecipientKey
) -> bytes | Reason:
    """Open sub-share and contribution, if they fit the commitments to them."""
    sealed = deal.sealed[run.recipients_of(deal.sender).index(recipient)]
    context = _context(run, deal, recipient)
    try:
        contents = open_sealed(key, sealed, info=_SUB_SHARE, aad=context)
    except OpenError:
        return Reason.UNREADABLE
    return _contents_fault(run, deal, recipient, contents) or contents


def open_token_key(
    run: Run, deal: Deal, recipient: int, key: RecipientKey
) -> bytes | Reason:
    """Open the media token key for a newcomer, if it is the one committed to."""
    sealed = deal.tokens[run.newcomers.index(recipient)]
    context = _context(run, deal, recipient)
    try:
        token_key = open_sealed(key, sealed, info=_TOKEN_KEY, aad=context)
    except OpenError:
        return Reason.UNREADABLE_TOKEN_KEY
    want = run.source.token_commitment if run.source else b""
    epoch = run.generation.epoch
    if token_key_commitment(run.federation_id, epoch, token_key) != want:
        return Reason.WRONG_TOKEN_KEY
    return token_key


def _possesses(run: Run, deal: Deal) -> bool:
    challenge = deal.possession[:SCALAR_BYTES]
    answer = deal.possession[SCALAR_BYTES:]
    try:
        claimed = multiply(challenge, deal.commitments[0])
        point = subtract(multiply_base(answer), claimed)
    except REFUSED_BYTES:
        return False
    return _challenge(run, deal, point) == challenge


def _contents_fault(
    run: Run, deal: Deal, recipient: int, contents: bytes
) -> Reason | None:
    share, contribution = contents[:SCALAR_BYTES], contents[SCALAR_BYTES:]
    try:
        fits = multiply_base(share) == commitment_at(deal.commitments, recipient)
    except REFUSED_BYTES:
        fits = False
    if not fits:
        return Reason.WRONG_SHARE
    if _commit(run, deal.sender, contribution) != deal.contribution:
        return Reason.WRONG_CONTRIBUTION
    return None


def _context(run: Run, deal: Deal, recipient: int) -> bytes:
    return bytes((recipient,)) + _bound(run, deal)


def _bound(run: Run, deal: Deal) -> bytes:
    bare = replace(deal, possession=b"", sealed=(), tokens=())
    return run.digest() + encode(bare)


def _challenge(run: Run, deal: Deal, point: bytes) -> bytes:
    return hash_to_scalar(_bound(run, deal) + point, _POSSESSION)


def _commit(run: Run, dealer: int, contribution: bytes) -> bytes:
    preimage = _CONTRIBUTION + run.digest() + bytes((dealer,)) + contribution
    return sha256(preimage).digest()
