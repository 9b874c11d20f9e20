# SPDX-License-Identifier: Apache-2.0
r"""Witnessing a log (c2sp.org/tlog-witness): what is asked, and what a witness answers.

A log sends its newest checkpoint with a proof that it extends the one that the witness
saw last; the witness keeps it and answers with a cosignature. All decisions are here
and pure; who keeps the state does so atomically, and before an answer leaves.

Every member witnesses the logs of all others, of two kinds: the feed, and the anchor,
whose leaves are commitments to checkpoints of the private audit log. So a witness
learns that an audit log goes on, never its size or root.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from fedsafe_crypto.errors import ConsistencyError, CryptoError, SignatureError
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint
from fedsafe_crypto.tlog.note import COSIGNER, VerifierKey, decode_base64, split_note
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, HASH_BYTES, verify_consistency
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.charter.former_keys import FormerKeys, Trust, keys_of
from fedsafe_federation.errors import (
    MalformedError,
    UnknownLogError,
    UntrustedError,
    WitnessConflictError,
    WitnessRefusedError,
)
from fedsafe_federation.feed.verification import feed_name
from fedsafe_policies.ground.catalogue import Phrase

MAX_REQUEST: Final = 128 * 1024
"""Room for a proof, and for sixteen signatures of whatever kind on the note."""
SIZE_TYPE: Final = "text/x.tlog.size"
TEXT_TYPE: Final = "text/plain; charset=utf-8"

_MOST_PROOF: Final = 63
_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})", re.ASCII)
_SIZE: Final = re.compile(rb"(0|[1-9][0-9]{0,18})\n")
_TYPE: Final = "add-checkpoint"
_LIFE: Final = re.compile(r"[1-9][0-9]{0,3}", re.ASCII)
MOST_LIVES: Final = 9_999
"""So often a node can be restored from an older state."""


def anchor_name(node: str, life: int = 0) -> str:
    """Name a node's anchor, the log that peers cosign for its audit log.

    A node that was restored begins a new one: it cannot go on with what others have
    cosigned and it has lost. So each *life* has a name of its own.
    """
    return f"{node}/anchor/{life}" if life else f"{node}/anchor"


def anchor_life(log: str, node: str) -> int | None:
    """Tell which of a node's anchors a log is; None if it is none."""
    if log == anchor_name(node):
        return 0
    life = log.removeprefix(f"{anchor_name(node)}/")
    return int(life) if life != log and _LIFE.fullmatch(life) else None


def witness_name(node: str) -> str:
    """Name a node as a witness."""
    return f"{node}/witness"


def witness_of(member: Member) -> VerifierKey:
    """Give the key under which a member cosigns."""
    return VerifierKey.of(witness_name(member.name), member.keys.witness, COSIGNER)


def log_keys(
    charter: Charter, origin: str, *, me: str
) -> Mapping[VerifierKey, int | None]:
    """Give the keys of another member's log that is witnessed here, the present first.

    Raises:
        UnknownLogError: there is no such log.
    """
    for member in charter.members:
        keys = keys_in(member, origin, Trust.KEPT)
        if keys and member.name != me:
            return keys
    raise UnknownLogError(origin)


def keys_in(
    member: Member, origin: str, trust: Trust
) -> Mapping[VerifierKey, int | None]:
    """Give the keys that a member's log has had, the present one first.

    With each since when it was stolen, if it was.
    """
    is_feed = origin == feed_name(member.name)
    if not is_feed and anchor_life(origin, member.name) is None:
        return {}
    return {
        VerifierKey.of(origin, each.feed if is_feed else each.audit): (
            each.stolen if isinstance(each, FormerKeys) else None
        )
        for each in keys_of(member, trust)
    }


def open_log(
    note: bytes, keys: Mapping[VerifierKey, int | None]
) -> tuple[VerifierKey, Checkpoint]:
    """Open a note that bears a log's present key, or one given up in good order.

    Raises:
        CryptoError: the log has not signed it.
    """
    present, *former = [key for key, stolen in keys.items() if stolen is None]
    for key in former:
        with suppress(CryptoError):
            return key, open_checkpoint(note, key)
    return present, open_checkpoint(note, present)


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request: the size that the witness saw last, a proof, and the new note."""

    old: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """Write the request's body."""
        lines = [f"old {self.old}\n", *(f"{_base64(node)}\n" for node in self.proof)]
        return "".join(lines).encode() + b"\n" + self.note

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read the body of a request.

        Raises:
            MalformedError: it is none.
        """
        head, separator, note = body.partition(b"\n\n")
        try:
            first, *rest = head.decode("ascii").split("\n")
            proof = tuple(map(decode_base64, rest))
        except ValueError:
            raise MalformedError(_TYPE, Phrase("a line that is none")) from None
        found = _OLD.fullmatch(first)
        if not separator or found is None or len(proof) > _MOST_PROOF:
            raise MalformedError(_TYPE, Phrase("no old size, proof and checkpoint"))
        if any(len(node) != HASH_BYTES for node in proof):
            raise MalformedError(_TYPE, Phrase("a hash of another length"))
        return cls(int(found[1]), proof, note)

    def origin(self) -> str:
        """Give the origin that the checkpoint names, before anything is verified.

        Raises:
            MalformedError: the note holds no checkpoint.
        """
        try:
            return Checkpoint.parse(split_note(self.note)[0]).origin
        except CryptoError:
            raise MalformedError(_TYPE, Phrase("no checkpoint")) from None


def parse_size(body: bytes) -> int | None:
    """Read the size that a witness tells; None if it is none."""
    found = _SIZE.fullmatch(body)
    return int(found[1]) if found else None


@dataclass(frozen=True, slots=True)
class Seen:
    """The largest tree of a log that a witness has cosigned."""

    size: int
    root: bytes


NOTHING_SEEN: Final = Seen(0, EMPTY_ROOT)


def judge(request: AddCheckpoint, key: VerifierKey, seen: Seen) -> Checkpoint:
    """Decide whether a checkpoint may be cosigned, and give it.

    The order of the checks is that of the specification, so that a stranger learns
    nothing of a log that it cannot sign for.

    Raises:
        UntrustedError: the log has not signed it (403).
        MalformedError: the old size is larger than the new one (400).
        WitnessConflictError: the log is another size here (409).
        WitnessRefusedError: it does not extend what was seen (422); the log has signed
            two trees if its `fork` is set.
    """
    try:
        checkpoint = open_checkpoint(request.note, key)
    except SignatureError:
        raise UntrustedError(
            key.name, "the log has not signed the checkpoint"
        ) from None
    except CryptoError:
        raise MalformedError(_TYPE, Phrase("no checkpoint")) from None
    if request.old > checkpoint.size:
        raise MalformedError(_TYPE, Phrase("the old size is larger than the new one"))
    if request.old != seen.size:
        raise WitnessConflictError(key.name, seen.size)
    if checkpoint.size == seen.size and checkpoint.root != seen.root:
        raise WitnessRefusedError(key.name, "another root at this size", fork=True)
    if checkpoint.size == 0 or request.old in (0, checkpoint.size):
        if request.proof:
            raise WitnessRefusedError(key.name, "a proof where there is none")
        return checkpoint
    try:
        verify_consistency(
            seen.size, seen.root, checkpoint.size, checkpoint.root, request.proof
        )
    except ConsistencyError:
        raise WitnessRefusedError(key.name, "the proof does not verify") from None
    return checkpoint


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
