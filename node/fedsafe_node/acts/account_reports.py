# SPDX-License-Identifier: Apache-2.0
"""What is asked and told in a report about an account: `audit.account_reports`."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_federation.wire.signed import Seconds
from fedsafe_node.acts.audit import (
    AuditEvent,
    CosignedStanding,
    LogCheck,
    NightlyStanding,
)
from fedsafe_node.acts.audit_upkeep import GapsAnswer
from fedsafe_node.acts.bodies import AccountRef, Message, ServiceName, SubjectRef
from fedsafe_policies.vocabulary import Purpose

ErasedFor = Literal["retention", "subject", "key", "unknown"]
"""Its time was over, an account was erased, its month's key is gone, or no event says.
"""


class ReportRequest(Message, frozen=True):
    """About which account, of which time, and what for.

    `after` and `before` are seconds in UTC, the second one excluded; without it the
    report goes up to now. The account is never in a URL. Unless `verify`, the log is
    not verified for it: the answer says what the check of the last night has found, and
    each entry that it shows is compared with what the log has committed to.
    """

    subject_ref: AccountRef
    after: Seconds
    before: Seconds | UnsetType = UNSET
    purpose: Purpose | None = None
    verify: bool = True


class ErasedPart(Message, frozen=True):
    """A field group of an entry that is erased: when and why.

    `erased_at` is null where the key of its month was destroyed.
    """

    __schema_name__ = "EntryErasedPart"

    group: str
    erased_at: int | None
    why: ErasedFor


class ReportEntry(AuditEvent, frozen=True):
    """An event that names the account; `access` says that somebody looked by it.

    `person` says whether the actor is one of the staff; null if that is erased.
    """

    access: bool = False
    person: bool | None = None
    erased: list[ErasedPart] = msgspec.field(default_factory=list)


class ErasedEntries(Message, frozen=True):
    """Entries of one class in the span that named an account which is erased.

    Nobody can tell any more which account that was. `first` and `last` are the first
    and the last of these entries.
    """

    event: str
    count: int
    first: int
    last: int
    erased_at: int | None
    why: ErasedFor


class AccountReport(Message, frozen=True):
    """All that the log says of an account in a span, and how complete that is.

    It was read up to entry `end`, excluded, and verified as `log` says; if it was not
    to be, `log` is null and `nightly` says what the last night has found. `entry` is
    the event of this reading, `made_by` who read, as the log names them. `nameless`
    are entries whose account is erased: each may have been this one. `more` says that
    there are too many entries. `cosigned` is what other members vouch for.
    """

    node: str
    subject_ref: SubjectRef
    after: int
    before: int
    made_at: int
    made_by: str
    purpose: str
    entry: int
    end: int
    entries: list[ReportEntry]
    more: bool
    nameless: list[ErasedEntries]
    log: LogCheck | None
    gaps: GapsAnswer
    service: ServiceName | None = None
    cosigned: CosignedStanding | None = None
    nightly: NightlyStanding | None = None
