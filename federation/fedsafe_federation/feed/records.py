# SPDX-License-Identifier: Apache-2.0
"""The records of a feed: small, never erased, without a fact about a person.

A record's exact bytes are the leaf of the feed's RFC 6962 tree. What can be
erased lies behind the commitment and travels beside the record.
"""

from typing import Annotated

import msgspec

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_federation.feed.signals import SIGNAL_GROUP
from fedsafe_federation.wire.signed import Bytes16, Bytes32, Signed
from fedsafe_federation.wire.wireformat import decode, encode


class SignalRecord(
    msgspec.Struct,
    frozen=True,
    gc=False,
    forbid_unknown_fields=True,
    tag_field="record",
    tag="signal",
):
    """A signal was published; `commitment` covers its opening."""

    signal: Bytes16
    commitment: Bytes32


class RestrictionRecord(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="record",
    tag="restriction",
):
    """A restriction statement, repeated in its author's feed.

    The repetition makes omission visible; the statement acts by itself.
    """

    statement: Signed


class RulingRecord(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    tag_field="record",
    tag="ruling",
):
    """The origin's ruling on disputes of one of its signals."""

    statement: Signed


Record = SignalRecord | RestrictionRecord | RulingRecord


class _Envelope(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    entry: Record


def encode_record(record: Record) -> bytes:
    """Encode *record* into the bytes that a log keeps."""
    return encode(_Envelope(v=1, entry=record))


def decode_record(data: bytes | memoryview | msgspec.Raw) -> Record:
    """Decode a log's bytes.

    Raises:
        MalformedError: they are no record of this version.
    """
    return decode(data, _Envelope).entry


def signal_record(
    feed: str, signal: bytes, *, salt: bytes, payload: bytes
) -> SignalRecord:
    """Commit to *payload* under the log origin *feed*, e.g. `a.demo/feed`."""
    return SignalRecord(
        signal=signal, commitment=commit(feed, SIGNAL_GROUP, salt, payload)
    )
