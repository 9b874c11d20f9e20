# SPDX-License-Identifier: Apache-2.0
"""The three messages of the key generation, and the run that they belong to.

Messages are MessagePack with one valid encoding each; who sent them is known from
the federation's signature around them, and they repeat it. Nothing here believes a
message: read gives back a Reason to complain instead of one that it refuses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, TypeVar

import msgspec

from fedsafe_crypto.errors import CryptoError, DkgError
from fedsafe_crypto.framing import lp, lp_text
from fedsafe_crypto.group import ELEMENT_BYTES
from fedsafe_crypto.keys import Generation
from fedsafe_crypto.oprf import PROOF_BYTES
from fedsafe_crypto.seal import OVERHEAD_BYTES, PUBLIC_KEY_BYTES
from fedsafe_crypto.shares import check_index, check_sizes

DIGEST_BYTES: Final = 32
CONTRIBUTION_BYTES: Final = 32
CONTENTS_BYTES: Final = 32 + CONTRIBUTION_BYTES
MAX_MESSAGE_BYTES: Final = 1 << 18
MAX_ATTEMPT_BYTES: Final = 64


class Reason(StrEnum):
    """Why a participant's message ends the run."""

    MALFORMED = "malformed message"
    OTHER_RUN = "message of another run or sender"
    OTHER_ANNOUNCEMENTS = "dealt for other announcements"
    UNUSABLE_KEY = "announced a key that nothing can be sealed to"
    NO_POSSESSION = "no proof of possession"
    UNREADABLE = "sub-share does not open"
    WRONG_SHARE = "sub-share does not fit the commitments"
    WRONG_CONTRIBUTION = "media contribution does not fit its commitment"
    OTHER_TRANSCRIPT = "saw another transcript"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What all participants agree on before they start.

    Attributes:
        roster: Share index and identity (public key) of each, in index order.
        attempt: Tells apart runs that agree in all else.

    Raises:
        SharesError: Threshold, indices or their order are out of bounds.
        DkgError: An identity or the attempt is too long.
    """

    federation_id: str
    generation: Generation
    threshold: int
    roster: tuple[tuple[int, bytes], ...]
    attempt: bytes = b""

    def __post_init__(self) -> None:
        """Check every part."""
        check_sizes(self.threshold, len(self.roster))
        for index in self.indices:
            check_index(index)
        if list(self.indices) != sorted(set(self.indices)):
            raise DkgError("roster out of order")
        if len({identity for _, identity in self.roster}) != len(self.roster):
            raise DkgError("one identity twice in the roster")
        if len(self.attempt) > MAX_ATTEMPT_BYTES:
            raise DkgError("attempt is longer than 64 bytes")
        self.digest()

    @property
    def indices(self) -> tuple[int, ...]:
        """The share indices, ascending."""
        return tuple(index for index, _ in self.roster)

    def others(self, index: int) -> tuple[int, ...]:
        """All share indices but one.

        Raises:
            DkgError: That one is not in the roster.
        """
        if index not in self.indices:
            raise DkgError(f"index {index} is not in the roster")
        return tuple(other for other in self.indices if other != index)

    def digest(self) -> bytes:
        """Hash everything that the run is bound to."""
        members = (bytes((index,)) + lp(identity) for index, identity in self.roster)
        return sha256(
            b"fedsafe/v1/dkg run\n"
            + lp_text(self.federation_id)
            + self.generation.to_bytes()
            + bytes((self.threshold, len(self.roster)))
            + lp(self.attempt)
            + b"".join(members)
        ).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A fresh sealing key for each other dealer, in index order."""

    sender: int
    run: bytes
    keys: tuple[bytes, ...]

    def well_formed(self, run: Run) -> bool:
        """Tell whether counts and lengths are right."""
        others = len(run.others(self.sender))
        return _lengths(self.keys, others, PUBLIC_KEY_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One dealer's commitments, and a sealed sub-share for each other.

    Attributes:
        announcements: Digest of the announcements that it was dealt for.
        commitments: To the coefficients of the dealer's polynomial.
        possession: Proof that the dealer knows the constant one.
        contribution: SHA-256 commitment to the dealer's media contribution.
        sealed: Sub-share and contribution for each other, in index order.
    """

    sender: int
    run: bytes
    announcements: bytes
    commitments: tuple[bytes, ...]
    possession: bytes
    contribution: bytes
    sealed: tuple[bytes, ...]

    def well_formed(self, run: Run) -> bool:
        """Tell whether counts and lengths are right."""
        others = len(run.others(self.sender))
        return (
            _lengths(self.commitments, run.threshold, ELEMENT_BYTES)
            and _lengths(self.sealed, others, OVERHEAD_BYTES + CONTENTS_BYTES)
            and len(self.possession) == PROOF_BYTES
            and len(self.announcements) == len(self.contribution) == DIGEST_BYTES
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a participant saw: a transcript, or who ended the run and why.

    Attributes:
        transcript: Digest of all announcements and deals; empty with complaints.
        complaints: Whom the sender complains of and why.
    """

    sender: int
    run: bytes
    transcript: bytes
    complaints: tuple[tuple[int, Reason], ...]

    def well_formed(self, run: Run) -> bool:
        """Tell whether it is one thing or the other, about the others."""
        others = run.others(self.sender)
        accused = [about for about, _ in self.complaints]
        want = 0 if self.complaints else DIGEST_BYTES
        return (
            len(self.transcript) == want
            and accused == sorted(set(accused))
            and set(accused) <= set(others)
        )


Message = TypeVar("Message", Announcement, Deal, Verdict)


def encode(value: Any) -> bytes:  # noqa: ANN401 - any of our frozen types
    """Write a message or a state."""
    return msgspec.msgpack.encode(value)


def read(kind: type[Message], data: bytes, run: Run, sender: int) -> Message | Reason:
    """Read a message of that sender, or tell why not."""
    if len(data) > MAX_MESSAGE_BYTES:
        return Reason.MALFORMED
    try:
        message = msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, CryptoError, ValueError, RecursionError):
        return Reason.MALFORMED
    if encode(message) != data:  # unknown fields, other orders, longer numbers
        return Reason.MALFORMED
    if message.sender != sender or message.run != run.digest():
        return Reason.OTHER_RUN
    if not message.well_formed(run):
        return Reason.MALFORMED
    return message


def transcript_of(label: bytes, run: Run, messages: Mapping[int, bytes]) -> bytes:
    """Hash one message of each participant, in index order."""
    framed = (
        len(messages[index]).to_bytes(4) + messages[index] for index in run.indices
    )
    return sha256(label + run.digest() + b"".join(framed)).digest()


def _lengths(values: Sequence[bytes], count: int, size: int) -> bool:
    return len(values) == count and all(len(value) == size for value in values)
