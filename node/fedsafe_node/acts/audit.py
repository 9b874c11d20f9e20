# SPDX-License-Identifier: Apache-2.0
"""What the API says of the audit log; see `bodies.py`."""

from typing import Literal

import msgspec

from fedsafe_node.acts.bodies import Message, Sentence

Damage = Literal["tampered", "incomplete", "unreadable"]
"""What is wrong: something changed, entries are gone, or the disk cannot tell."""


class LogCheck(Message, frozen=True):
    """The outcome of verifying one log.

    Of the entries below `minimum`, which were pruned, there are hashes only.
    `why_made` says how the English of `why` was made.
    """

    log: str
    size: int
    root: str
    openings: int
    erased: int
    ok: bool
    minimum: int = 0
    damage: Damage | None = None
    first_bad_index: int | None = None
    last_bad_index: int | None = None
    why: str | None = None
    why_made: Sentence | msgspec.UnsetType = msgspec.UNSET


class TableCheck(Message, frozen=True):
    """The outcome of checking a table against logs and signed statements.

    `first_bad` names the signal (or statement, or log entry) that is at fault, and
    `first_bad_row` its row if it has one. `why_made` says how the English of `why`
    was made.
    """

    table: str
    rows: int
    ok: bool
    damage: Damage | None = None
    first_bad: str | None = None
    first_bad_row: int | None = None
    why: str | None = None
    why_made: Sentence | msgspec.UnsetType = msgspec.UNSET


class LostEntries(Message, frozen=True):
    """Entries that the audit log had, and that a restore has declared lost.

    `first` to `last` are their numbers, which later entries bear again; `entry` is the
    one that says so, `at` when it was made.
    """

    first: int
    last: int
    at: int
    entry: int


class VerifyAnswer(Message, frozen=True):
    """The outcome of verifying all logs of the node, and the tables beside them.

    It is `ok` if nothing is damaged. What was `lost` before, and signed for, is none.
    `moved` says where the store of a stopped node went on; what was verified is old.
    """

    ok: bool
    logs: list[LogCheck]
    tables: list[TableCheck] = msgspec.field(default_factory=list)
    lost: list[LostEntries] = msgspec.field(default_factory=list)
    moved: str | None = None


class AuditEvent(Message, frozen=True):
    """One line of the audit log, with what is not erased.

    `subject_ref` is the account that a match was found for; staff act under the
    pseudonym of the quarter. `trace` is the request's, `peer` the member that asked,
    `source` the prefix of the address from which somebody without a key did.
    """

    index: int
    event: str
    at: str
    outcome: str
    purpose: str
    basis: str
    rule: str | None = None
    code: str | None = None
    policy: str | None = None
    policy_hash: str | None = None
    trace: str | None = None
    peer: str | None = None
    actor: str | None = None
    service: str | None = None
    subject_ref: str | None = None
    source: str | None = None
    detail: dict[str, str | int | bool | None] | None = None


class AuditEvents(Message, frozen=True):
    """A page of the audit log; `next` is where the following page begins."""

    events: list[AuditEvent]
    next: int


class AuditEntry(Message, frozen=True):
    """One entry: its exact record, and of each field group what there is.

    `erased` has the second of the erasure, if it is known; `withheld` is in no
    page of events either. `proof` leads from `leaf` to the signed `checkpoint`.
    """

    index: int
    record: str
    leaf: str
    openings: dict[str, str]
    erased: dict[str, int | None]
    withheld: list[str]
    proof: list[str] | None = None
    checkpoint: str | None = None


class FoundEvents(AuditEvents, frozen=True):
    """Those before `next` that were looked for; `more` entries may lie behind.

    With the newest first they are those from `next` on. `complete_to` is the size of
    the log when it was looked through: nothing below it was passed over.
    """

    more: bool
    complete_to: int


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


class NightlyStanding(Message, frozen=True):
    """What the newest nightly check of the audit log has found, at a second in UTC.

    It opened the entries from `since` to below `size`, whose root was `root`; of those
    before, which earlier checks had opened, it compared the tree. If it is not `ok`,
    `damage`, `first_bad_index` and `why` say what is wrong, and `why_made` how the
    English of that was made.
    """

    at: int
    ok: bool
    since: int
    size: int
    root: str
    damage: Damage | None = None
    first_bad_index: int | None = None
    why: str | None = None
    why_made: Sentence | msgspec.UnsetType = msgspec.UNSET


class AuditStanding(Message, frozen=True):
    """How the audit log stands: its end, what the guard has kept, and its key.

    `missing` entries lie before the end and are not there, but for those below
    `minimum`, which were pruned: only their hashes are left. `lost` were there once,
    and a restore has declared them lost. `fingerprint` is what
    somebody compares who verifies an evidence pack. `kept_size` and `kept_at` are of
    the newest signed checkpoint that may have left the node. `cosigned` is null before
    the quorum has cosigned anything, `nightly` before the first check.
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
    nightly: NightlyStanding | None = None
    lost: list[LostEntries] = msgspec.field(default_factory=list)
