# SPDX-License-Identifier: Apache-2.0
"""The anchor: a log of commitments to the audit log's checkpoints.

Peers cosign this log. A leaf is a salted commitment, so it tells nothing but that the
audit log went on; the opening is the signed checkpoint itself and stays in the node,
sealed as other openings are. Whoever is given the opening and a proof sees that this
checkpoint was there when the anchor was cosigned.
"""

from dataclasses import dataclass
from secrets import token_bytes
from typing import Final, Literal

import msgspec

from fedsafe_crypto.primitives.commitment import SALT_BYTES, commit
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.note import split_note
from fedsafe_federation.wire.signed import Bytes32
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_node.store.transaction import Transaction

CHECKPOINT: Final = "checkpoint"
_LIFE: Final = "anchor/"


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The largest own checkpoint that the quorum has cosigned; `by` tells when."""

    size: int
    lines: tuple[str, ...]
    by: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnchorProof:
    """Which checkpoint of the audit log was there when others cosigned.

    `note` is the anchor's checkpoint with the cosignatures; its last leaf, at `index`,
    commits to the audit log's checkpoint of `size` entries.
    """

    note: bytes
    index: int
    size: int
    by: tuple[tuple[str, int], ...]


async def read_life(reader: Reader, node: str) -> int:
    """Read which of a member's anchors is the newest that was cosigned here.

    Of the own node it says with which one it goes on since it was restored last.
    """
    return int(await reader.meta(_LIFE + node) or 0)


async def keep_life(tx: Transaction, node: str, life: int) -> None:
    """Keep which of a node's anchors is the newest."""
    await tx.set_meta(_LIFE + node, b"%d" % life)


class AnchorRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The leaf of the anchor."""

    v: Literal[1]
    commitment: Bytes32


def anchor_entry(log: str, note: bytes) -> LogEntry:
    """Commit to a signed checkpoint of the audit log."""
    salt = token_bytes(SALT_BYTES)
    commitment = commit(log, CHECKPOINT, salt, note)
    record = encode(AnchorRecord(v=1, commitment=commitment))
    opening = Opening(group=CHECKPOINT, salt=salt, payload=note)
    return LogEntry(record=record, openings=(opening,))


def checkpoint_in(payload: bytes) -> Checkpoint:
    """Give the checkpoint that a leaf commits to, whichever key of the node signed it.

    Raises:
        CryptoError: it is none.
    """
    return Checkpoint.parse(split_note(payload)[0])


def decode_anchor_record(data: bytes) -> AnchorRecord:
    """Decode a leaf of the anchor.

    Raises:
        MalformedError: it is none of this version.
    """
    return decode(data, AnchorRecord)
