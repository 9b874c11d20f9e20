# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API that say how the audit log stands, as closed types."""

import msgspec

from fedsafe_node.acts.audit import LostEntries
from fedsafe_node.acts.bodies import Message


class CosignedBy(Message, frozen=True):
    """A witness, and when it says it cosigned (RFC 3339)."""

    name: str
    at: str


class CosignedStanding(Message, frozen=True):
    """What others have cosigned: the first `size` entries of the audit log.

    They saw a commitment in the anchor, whose size they cosigned is `anchor`.
    """

    size: int
    anchor: int
    by: list[CosignedBy]


class AuditStanding(Message, frozen=True):
    """How the audit log stands: its end, what the guard has kept, and its key.

    `missing` entries lie before the end and are not there, but for those below
    `minimum`, which were pruned: only their hashes are left. `lost` were there once,
    and a restore has declared them lost. `fingerprint` is what
    somebody compares who verifies an evidence pack. `kept_size` and `kept_at` are of
    the newest signed checkpoint that may have left the node. `cosigned` is null before
    the quorum has cosigned anything.
    """

    log: str
    size: int
    root: str
    missing: int
    kept_size: int
    kept_at: int | None
    key: str
    fingerprint: str
    minimum: int = 0
    cosigned: CosignedStanding | None = None
    lost: list[LostEntries] = msgspec.field(default_factory=list)
