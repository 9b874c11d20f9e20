# SPDX-License-Identifier: Apache-2.0
"""Transferable evidence that a log was forked: two notes that it signed itself.

Either both are of one size and have different roots, or a consistency proof binds the
larger tree to another past than the smaller one shows. Whoever holds the log's public
key can check it, with nothing else and without a network, and nobody can make it up.
"""

from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.checkpoint import Checkpoint, open_checkpoint
from fedsafe_crypto.tlog.note import VerifierKey
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, root_before, verify_consistency
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.charter.former_keys import Trust, keys_of
from fedsafe_federation.errors import EquivocationError, MalformedError, UnknownLogError
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.feed.witnessing import keys_in
from fedsafe_federation.wire.signed import Bytes32
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.ground.catalogue import Phrase

MAX_EVIDENCE: Final = 64 * 1024
_TYPE: Final = "fork"
_Key = Annotated[str, msgspec.Meta(max_length=1_024)]
_Note = Annotated[str, msgspec.Meta(max_length=16_384)]


class ForkEvidence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Two checkpoints of one log that contradict each other.

    `key` is the log's verifier key, `other` the one that has signed the second, if the
    log had new keys in between, `proof` an RFC 6962 consistency proof from the
    smaller tree's size to the larger tree; it is empty if they are of one size. Where
    the smaller size is a power of two, such a proof leaves out the one node that is the
    past of the larger tree: here it comes first.
    """

    v: Literal[1]
    kind: Literal["fork"]
    key: _Key
    first: _Note
    second: _Note
    proof: Annotated[list[Bytes32], msgspec.Meta(max_length=64)]
    other: _Key | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Fork:
    """What evidence proves: the log, and the two trees, the smaller first.

    `other` is the key of the second note; most often it is the same.
    """

    key: VerifierKey
    trees: tuple[Checkpoint, Checkpoint]
    other: VerifierKey

    @property
    def log(self) -> str:
        """The log's name."""
        return self.key.name

    @property
    def digest(self) -> str:
        """Name this contradiction, whoever has cosigned either tree."""
        told = sorted((tree.size, tree.root) for tree in self.trees)
        return sha256(encode([self.key.encode(), told])).hexdigest()


def fork_of(
    key: VerifierKey,
    first: str,
    second: str,
    proof: list[bytes] | None = None,
    *,
    other: VerifierKey | None = None,
) -> ForkEvidence:
    """Put evidence together; *other* is the key of the second note, if not the same."""
    named = msgspec.UNSET if other is None or other == key else other.encode()
    return ForkEvidence(1, "fork", key.encode(), first, second, proof or [], named)


def transferable(origin: Member, error: EquivocationError) -> ForkEvidence | None:
    """Give what convicts an origin before others; None if only this node saw it."""
    first, second, *shown = error.evidence
    proof = [b64decode(line) for line in "".join(shown).split()]
    log = feed_name(origin.name)
    known = [VerifierKey.of(log, each.feed) for each in keys_of(origin, Trust.SOUND)]
    for key, other in product(known, known):
        evidence = fork_of(key, first, second, proof, other=other)
        try:
            open_fork(evidence)
        except MalformedError:
            continue
        return evidence
    return None


def open_fork(evidence: ForkEvidence) -> Fork:
    """Check that evidence proves a fork by the key that it names.

    Raises:
        MalformedError: it does not, with what is lacking.
    """
    try:
        key = VerifierKey.parse(evidence.key)
        other = key
        if evidence.other is not msgspec.UNSET:
            other = VerifierKey.parse(evidence.other)
        first = open_checkpoint(evidence.first.encode(), key)
        second = open_checkpoint(evidence.second.encode(), other)
    except (CryptoError, UnicodeEncodeError) as error:
        why = f"a note that the log has not signed: {error}"
        raise MalformedError(_TYPE, why) from None
    if key.name != other.name:
        raise MalformedError(_TYPE, Phrase("two logs"))
    old, new = sorted((first, second), key=lambda tree: tree.size)
    if old.size == new.size:
        if evidence.proof:
            raise MalformedError(_TYPE, Phrase("a proof between trees of one size"))
        past: bytes | None = new.root
    else:
        past = _past(old.size, new, evidence.proof)
    if past is None:
        raise MalformedError(
            _TYPE, Phrase("the proof does not lead to the larger tree")
        )
    if past == old.root:
        raise MalformedError(_TYPE, Phrase("the two trees agree"))
    return Fork(key, (old, new), other)


def _past(old: int, new: Checkpoint, proof: list[bytes]) -> bytes | None:
    if old & (old - 1):
        return root_before(old, new.size, new.root, proof)
    if old == 0 or not proof:
        return EMPTY_ROOT if old == 0 and not proof else None
    try:
        verify_consistency(old, proof[0], new.size, new.root, proof[1:])
    except CryptoError:
        return None
    return proof[0]


def culprit(fork: Fork, charter: Charter) -> Member:
    """Find the member whose log it is.

    Raises:
        UnknownLogError: the charter knows no such log, or not under that key.
    """
    for member in charter.members:
        if {fork.key, fork.other} <= keys_in(member, fork.log, Trust.SOUND).keys():
            return member
    raise UnknownLogError(fork.log)
