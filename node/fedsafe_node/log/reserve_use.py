# SPDX-License-Identifier: Apache-2.0
"""Which acts may use the reserve of a full disk: those that make things safer.

What an act was, its audit events say. It may be kept if one of them relieves and all
others only come along. Whatever lets something out, takes something in or shows
something to somebody waits until there is room again; so does an act without events.
"""

from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.log.audit import (
    AuditRecord,
    Event,
    audit_log_name,
    decode_audit_record,
)
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.reserve import Reserve

RELIEVING: Final = frozenset(
    {
        # The log itself, and what it no longer tells.
        Event.AUDIT_GAP,
        Event.NODE_STARTED,
        Event.NODE_STOPPED,
        Event.AUDIT_ERASED,
        Event.AUDIT_PRUNED,
        Event.KEY_DESTROYED,
        # A signal stops, here or by a member's word.
        Event.REVOKED,
        Event.WITHDRAWN,
        Event.IMPORT_UNDONE,
        Event.ACCOUNT_REVOKED,
        Event.EXPIRED,
        Event.DISPUTED,
        Event.DISPUTES_WEIGHED,
        Event.RESTRICTED,
        Event.RESTRICTIONS_HEARD,
        Event.RECEIPT_GIVEN,
        Event.RECEIPT_TAKEN,
        Event.ORIGIN_SUSPENDED,
        Event.QUARANTINED,
        Event.BUDGET_BROKEN,
        Event.GATE_RELOCKED,
        # What was kept for a time is erased.
        Event.REQUESTS_WIPED,
        Event.NOTICE_ERASED,
        Event.PROVIDER_ERASED,
        # Somebody may do less.
        Event.ACCOUNT_LOCKED,
        Event.ACCOUNT_LOGGED_OUT,
        Event.PASSKEY_REMOVED,
        Event.ROLE_ENDED,
        Event.CREDENTIAL_REVOKED,
        Event.SESSION_ENDED,
        Event.ACT_WITHDRAWN,
        Event.ACT_REFUSED,
        # The way to all of this: an act that is asked for does nothing yet.
        Event.SESSION_BEGAN,
        Event.SESSION_ROLE,
        Event.STEPPED_UP,
        Event.ACT_ASKED,
    }
)
"""One of these is in every act that may use the reserve."""

BESIDE: Final = frozenset(
    {
        Event.ACT_APPROVED,
        Event.REQUEST_OPENED,  # an objection rests what it is about
        Event.REQUEST_LOOKED_UP,  # as that
        Event.REQUEST_CLOSED,
        Event.RULING_DUE,
        Event.DISPUTES_FLOODED,
        Event.TASK_REOPENED,
        Event.INQUIRY_RULED,
        Event.NOTICE_QUEUED,
    }
)
"""These may come along with one of the others, and never alone."""

_ENDING: Final = frozenset(
    {
        (Event.GATE_RECORDED, "incomplete"),  # closes the gate
        (Event.AUDIT_HELD, "expired"),  # what it held may be erased
        (Event.RULED, "revoked"),
        (Event.RULED, "lapsed"),
        (Event.APPEAL_RULED, "ended"),
    }
)
_MOST: Final = 10_000  # no act that relieves leaves more events


def relieves(record: AuditRecord) -> bool:
    """Whether an event is one of an act that makes things safer."""
    return record.event in RELIEVING or (record.event, record.outcome) in _ENDING


class AuditRelief:
    """Judges acts by what they leave in a node's audit log (`reserve.Relief`)."""

    def __init__(self, node: str) -> None:
        self._log = audit_log_name(node)

    async def mark(self, reader: Reader) -> int:
        """Remember where the audit log ends before an act."""
        return await reader.log_size(self._log)

    async def relieves(self, reader: Reader, mark: int) -> bool:
        """Whether what an act has left since the mark says that it makes safer."""
        records = await reader.records(self._log, mark, _MOST + 1)
        if not 0 < len(records) <= _MOST:
            return False
        try:
            said = [decode_audit_record(record) for record in records]
        except MalformedError:
            return False
        fits = [relieves(record) for record in said]
        return any(fits) and all(
            fit or record.event in BESIDE
            for fit, record in zip(fits, said, strict=True)
        )


def reserve_of(place: Place, config: Config) -> Reserve:
    """Give the reserve of a node; nothing is made before its store is opened."""
    return Reserve(place.reserve, config.disk.reserve, AuditRelief(config.name))
