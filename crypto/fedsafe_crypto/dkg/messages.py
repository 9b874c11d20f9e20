# SPDX-License-Identifier: Apache-2.0
"""The three messages of a run of the key generation.

A message is the digest of its run, then MessagePack with one valid encoding; who sent
it is known from the federation's signature around it, and it repeats that. A message
that does not begin with the run's digest is nobody's fault, since couriers can repeat
old ones: of_run sorts them out, and they count as not sent. Nothing here believes a
message: read gives back a Reason to complain instead of one that it refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, Literal, TypeVar

import msgspec

from fedsafe_crypto.dkg.runs import DIGEST_BYTES, Run
from fedsafe_crypto.errors import CryptoError, DkgError
from fedsafe_crypto.oprf.voprf import PROOF_BYTES
from fedsafe_crypto.primitives.ristretto import ELEMENT_BYTES
from fedsafe_crypto.seal.hpke import OVERHEAD_BYTES, PRIVATE_KEY_BYTES, PUBLIC_KEY_BYTES

CONTRIBUTION_BYTES: Final = 32
CONTENTS_BYTES: Final = 32 + CONTRIBUTION_BYTES
TOKEN_KEY_BYTES: Final = 32
GROUP_KEY_BYTES: Final = 32
MAX_MESSAGE_BYTES: Final = 1 << 18


class Reason(StrEnum):
    """Why a participant's message ends the run."""

    MALFORMED = "malformed message"
    OTHER_SENDER = "message in another's name"
    TWO_MESSAGES = "two messages in one round"
    UNUSABLE_KEY = "announced a key that nothing can be sealed to"
    OTHER_ANNOUNCEMENTS = "dealt for other announcements"
    NO_POSSESSION = "no proof of possession"
    WRONG_CONSTANT = "does not deal the pinned share"
    UNREADABLE = "sub-share does not open"
    WRONG_SHARE = "sub-share does not fit the commitments"
    WRONG_CONTRIBUTION = "media contribution does not fit its commitment"
    UNREADABLE_TOKEN_KEY = "media token key does not open"  # noqa: S105
    WRONG_TOKEN_KEY = "media token key does not fit its commitment"  # noqa: S105
    OTHER_TRANSCRIPT = "saw another transcript"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A recipient's fresh sealing keys for each other dealer, in index order.

    Attributes:
        keys: For the sub-shares.
        token_keys: For the media token key; a newcomer's only. They are others, so
            that the complaint that opens a sub-share opens nothing that lasts.
    """

    sender: int
    keys: tuple[bytes, ...]
    token_keys: tuple[bytes, ...]

    def well_formed(self, run: Run) -> bool:
        """Tell whether counts and lengths are right."""
        dealers = len(run.dealers_to(self.sender))
        handed = dealers if self.sender in run.newcomers else 0
        return (
            self.sender in run.indices
            and _lengths(self.keys, dealers, PUBLIC_KEY_BYTES)
            and _lengths(self.token_keys, handed, PUBLIC_KEY_BYTES)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One dealer's commitments, and a sealed sub-share for each other.

    Attributes:
        announcements: SHA-256 of each announcement that it was dealt for.
        commitments: To the coefficients of the dealer's polynomial.
        possession: Proof that the dealer knows the constant one.
        contribution: SHA-256 commitment to the dealer's media contribution.
        sealed: Sub-share and contribution for each other, in index order.
        tokens: The media token key for each newcomer, in index order.
    """

    sender: int
    announcements: tuple[bytes, ...]
    commitments: tuple[bytes, ...]
    possession: bytes
    contribution: bytes
    sealed: tuple[bytes, ...]
    tokens: tuple[bytes, ...]

    def well_formed(self, run: Run) -> bool:
        """Tell whether counts and lengths are right."""
        others = len(run.recipients_of(self.sender))
        handed = OVERHEAD_BYTES + TOKEN_KEY_BYTES
        return (
            self.sender in run.dealers
            and _lengths(self.announcements, len(run.roster), DIGEST_BYTES)
            and _lengths(self.commitments, run.threshold, ELEMENT_BYTES)
            and _lengths(self.sealed, others, OVERHEAD_BYTES + CONTENTS_BYTES)
            and _lengths(self.tokens, len(run.newcomers), handed)
            and len(self.possession) == PROOF_BYTES
            and len(self.contribution) == DIGEST_BYTES
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """Whose message the sender of a verdict complains of, and why.

    Attributes:
        round: 1 for an announcement, 2 for a deal.
        message: SHA-256 of the message complained of.
        key: The private sealing key that opens what is wrong in a deal; empty where
            the message alone shows the fault.
        instead: SHA-256 of the announcement that the complainer saw, when a deal is
            for another one.
    """

    round: Literal[1, 2]
    about: int
    reason: Reason
    message: bytes
    key: bytes = field(default=b"", repr=False)
    instead: bytes = b""

    def well_formed(self, run: Run, sender: int) -> bool:
        """Tell whether the sender had dealings with the one it complains of."""
        other = self.reason is Reason.OTHER_ANNOUNCEMENTS
        about_deal = self.round == 2  # noqa: PLR2004 - the second round
        known = run.dealers_to(sender) if about_deal else run.recipients_of(sender)
        return (
            self.about in known
            and len(self.message) == DIGEST_BYTES
            and len(self.key) in {0, PRIVATE_KEY_BYTES if about_deal else 0}
            and len(self.instead) == (DIGEST_BYTES if other else 0)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a participant saw: a transcript, or who ended the run and why.

    Attributes:
        transcript: Digest of all announcements and deals; empty with complaints.
    """

    sender: int
    transcript: bytes
    complaints: tuple[Complaint, ...]

    def well_formed(self, run: Run) -> bool:
        """Tell whether it is one thing or the other, about the others."""
        accused = [complaint.about for complaint in self.complaints]
        want = 0 if self.complaints else DIGEST_BYTES
        return (
            len(self.transcript) == want
            and accused == sorted(set(accused))
            and all(each.well_formed(run, self.sender) for each in self.complaints)
        )


Message = TypeVar("Message", Announcement, Deal, Verdict)


def encode(value: Any) -> bytes:  # noqa: ANN401 - any of our frozen types
    """Write a value as MessagePack."""
    return msgspec.msgpack.encode(value)


def write(run: Run, message: Announcement | Deal | Verdict) -> bytes:
    """Write a message of a run."""
    return run.digest() + encode(message)


def of_run(run: Run, messages: Mapping[int, bytes]) -> dict[int, bytes]:
    """Leave out the messages that belong to another run."""
    digest = run.digest()
    return {i: data for i, data in messages.items() if data.startswith(digest)}


def complete(
    run: Run, messages: Mapping[int, bytes], senders: Sequence[int]
) -> dict[int, bytes]:
    """Take one message of each sender, in index order.

    Raises:
        DkgError: One is missing, or of another run.
    """
    received = of_run(run, messages)
    missing = [index for index in senders if index not in received]
    if missing:
        raise DkgError(f"messages of {missing} are missing")
    return {index: received[index] for index in senders}


def read(kind: type[Message], data: bytes, run: Run, sender: int) -> Message | Reason:
    """Read a message that a sender signed for this run, or tell what is wrong."""
    if len(data) > MAX_MESSAGE_BYTES:
        return Reason.MALFORMED
    try:
        message = msgspec.msgpack.decode(data[DIGEST_BYTES:], type=kind)
    except (msgspec.MsgspecError, CryptoError, ValueError, RecursionError):
        return Reason.MALFORMED
    if write(run, message) != data:  # unknown fields, other orders, longer numbers
        return Reason.MALFORMED
    if message.sender != sender:
        return Reason.OTHER_SENDER
    if not message.well_formed(run):
        return Reason.MALFORMED
    return message


def complaint_of(
    round_: Literal[1, 2], about: int, reason: Reason, message: bytes, key: bytes = b""
) -> Complaint:
    """Make a complaint of a message; the key opens what is wrong in it."""
    return Complaint(
        round=round_, about=about, reason=reason, message=digest_of(message), key=key
    )


def digest_of(message: bytes) -> bytes:
    """Hash a message as deals and complaints cite it."""
    return sha256(message).digest()


def transcript_of(
    run: Run, announcements: Sequence[bytes], deals: Mapping[int, bytes]
) -> bytes:
    """Hash what was cited as announced, and every deal, in index order."""
    cited = [*announcements, *(digest_of(deals[index]) for index in run.dealers)]
    label = b"fedsafe/v1/dkg transcript\n"
    return sha256(label + run.digest() + b"".join(cited)).digest()


def _lengths(values: Sequence[bytes], count: int, size: int) -> bool:
    return len(values) == count and all(len(value) == size for value in values)
