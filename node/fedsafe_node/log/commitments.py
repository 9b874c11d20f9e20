# SPDX-License-Identifier: Apache-2.0
"""What the records of a node's logs commit to, for `log.verification`."""

from collections.abc import Mapping
from typing import cast

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.records import SignalRecord, decode_record
from fedsafe_federation.feed.signals import SIGNAL_GROUP
from fedsafe_federation.feed.witnessing import anchor_life
from fedsafe_node.log.anchor import CHECKPOINT, decode_anchor_record
from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.log.verification import CommitmentsOf
from fedsafe_node.store.rows import LogName


def commitments_for(log: LogName) -> CommitmentsOf:
    """Return the function that reads the commitments of a log's records."""
    if log.endswith("/audit"):
        return audit_commitments
    if anchor_life(log, log.partition("/")[0]) is not None:
        return anchor_commitments
    return feed_commitments


def anchor_commitments(record: bytes) -> Mapping[str, bytes]:
    """Return the commitments of an entry of the anchor, by group.

    Raises:
        ValueError: it is none.
    """
    try:
        return {CHECKPOINT: decode_anchor_record(record).commitment}
    except MalformedError as error:
        raise ValueError(str(error)) from None


def audit_commitments(record: bytes) -> Mapping[str, bytes]:
    """Return the commitments of an entry of the audit log, by group.

    Raises:
        ValueError: it is none.
    """
    try:
        return cast("Mapping[str, bytes]", decode_audit_record(record).commitments)
    except MalformedError as error:
        raise ValueError(str(error)) from None


def feed_commitments(record: bytes) -> Mapping[str, bytes]:
    """Return the commitments of an entry of a feed, by group.

    Raises:
        ValueError: it is none.
    """
    try:
        entry = decode_record(record)
    except MalformedError as error:
        raise ValueError(str(error)) from None
    if isinstance(entry, SignalRecord):
        return {SIGNAL_GROUP: entry.commitment}
    return {}
