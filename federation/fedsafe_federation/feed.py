# SPDX-License-Identifier: Apache-2.0
"""The wire form of a feed batch: lines of JSON, closed by a trailer.

Whoever asks for it gets a large batch in bulk (`bulk`): the same documents as
MessagePack, a restriction a frame, hundreds of records a frame, and packed. A reader
knows by the first bytes which of both it has.

A batch is restrictions first, then records in the order of their index with the
openings that this peer may have, then one trailer. The trailer counts the lines,
digests their exact bytes, and carries the origin's checkpoint with two RFC 6962
consistency proofs. A stream without its trailer is void (protocol 3.6).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Final

import msgspec

from fedsafe_federation.bulk import MAGIC, Frame, frame, frames
from fedsafe_federation.errors import MalformedError, TruncatedFeedError
from fedsafe_federation.signed import Bytes32, Count, Signed
from fedsafe_federation.wireformat import decode, encode, pack, unpack

MAX_RECORDS: Final = 5_000
MAX_RESTRICTIONS: Final = 1_000
MAX_LINE: Final = 65_536
MAX_BATCH: Final = 32 * 1024 * 1024
MEDIA_TYPE: Final = "application/x-ndjson"
BULK_FROM: Final = 64
"""A batch of fewer lines is never packed: it gains nothing."""
_ROWS: Final = 500  # records a frame: one call of the decoder keeps nobody waiting

_Hashes = Annotated[list[Bytes32], msgspec.Meta(max_length=64)]


class FeedOpening(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The salt and the exact payload behind a commitment."""

    salt: Bytes32
    payload: Annotated[bytes, msgspec.Meta(max_length=16_384)]


class RestrictionLine(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="line", tag="r"
):
    """A restriction statement that the peer has not applied yet."""

    statement: Signed


class RecordLine(
    msgspec.Struct,
    frozen=True,
    gc=False,
    forbid_unknown_fields=True,
    tag_field="line",
    tag="e",
):
    """A record; without an opening it is erased, or not for this peer."""

    index: Count
    record: Annotated[bytes, msgspec.Meta(max_length=MAX_LINE)]
    opening: FeedOpening | None = None
    erased: bool = False


class Trailer(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="line",
    tag="t",
):
    """What closes a batch.

    `consistency` proves that the checkpoint extends the tree of the checkpoint
    that the peer knew before, `extends` that it extends the tree up to `next`. From
    `again` on the peer may now have openings that were meant for others before.
    `waiting` records behind the checkpoint wait for its witnesses.
    """

    count: Count
    digest: Bytes32
    next: Count
    checkpoint: Annotated[str, msgspec.Meta(max_length=16_384)]
    consistency: _Hashes
    extends: _Hashes
    again: Count | None = None
    waiting: Count = 0


Line = RestrictionLine | RecordLine | Trailer


class _Tagged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    of: Line


class _Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """The records of one frame."""

    rows: Annotated[list[RecordLine], msgspec.Meta(max_length=MAX_RECORDS)]


@dataclass(frozen=True, slots=True)
class FeedRequest:
    """Which part of *origin*'s feed a peer asks for.

    `since` is the peer's own cursor, `known` the size of the largest checkpoint
    that it has verified, `restrictions` the last sequence number it has applied. It
    may say that it takes a large batch in *bulk*.
    """

    origin: str
    since: int
    known: int
    restrictions: int
    limit: int = MAX_RECORDS
    bulk: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch whose digest and count fit its trailer; nothing else is checked."""

    restrictions: Sequence[Signed]
    records: Sequence[RecordLine]
    trailer: Trailer


def encode_batch(  # noqa: PLR0913 - a trailer has so many parts
    restrictions: Sequence[Signed],
    records: Sequence[RecordLine],
    *,
    next_index: int,
    checkpoint: str,
    consistency: Sequence[bytes],
    extends: Sequence[bytes],
    again: int | None = None,
    waiting: int = 0,
    bulk: bool = False,
) -> bytes:
    """Encode a batch and close it with its trailer; in *bulk* if it is large."""
    count = len(restrictions) + len(records)
    packed = bulk and count >= BULK_FROM
    first, rest = (_frames if packed else _lines)(restrictions, records)
    digest = hashlib.sha256(first)
    digest.update(rest)
    trailer = Trailer(
        count=count,
        digest=digest.digest(),
        next=next_index,
        checkpoint=checkpoint,
        consistency=list(consistency),
        extends=list(extends),
        again=again,
        waiting=waiting,
    )
    if packed:
        from fedsafe_federation.packing import squeeze  # noqa: PLC0415 - see there

        return squeeze(first, rest + frame(b"t", pack(trailer)))
    return first + rest + encode(_Tagged(trailer)) + b"\n"


def _lines(
    restrictions: Sequence[Signed], records: Sequence[RecordLine]
) -> tuple[bytes, bytes]:
    first = (RestrictionLine(statement) for statement in restrictions)
    return _joined(first), _joined(records)


def _joined(lines: Iterable[Line]) -> bytes:
    return b"".join(encode(_Tagged(line)) + b"\n" for line in lines)


def _frames(
    restrictions: Sequence[Signed], records: Sequence[RecordLine]
) -> tuple[bytes, bytes]:
    first = [frame(b"r", pack(statement)) for statement in restrictions]
    rest = [
        frame(b"e", pack(_Rows(list(records[start : start + _ROWS]))))
        for start in range(0, len(records), _ROWS)
    ]
    return b"".join(first), b"".join(rest)


def decode_batch(origin: str, data: bytes) -> Batch:
    """Read a batch whole.

    The trailer is outside its own digest, so only its one spelling counts.

    Raises:
        TruncatedFeedError: the trailer is missing, or does not fit the lines.
        MalformedError: a line is none of ours or out of order, or there are more
            lines than anybody asks for.
    """
    if len(data) > MAX_BATCH:
        raise MalformedError("feed batch", "larger than a batch may be")
    if data.startswith(MAGIC):
        return _decode_bulk(origin, data)
    if not data.endswith(b"\n"):
        raise TruncatedFeedError(origin, "the stream ends within a line")
    end = data.rfind(b"\n", 0, len(data) - 1) + 1
    tagged = decode(memoryview(data)[end:-1], _Tagged)
    last = tagged.of
    if not isinstance(last, Trailer):
        raise TruncatedFeedError(origin, "the stream has no trailer")
    if encode(tagged) != data[end:-1]:
        raise MalformedError("Trailer", "another spelling than ours")
    if hashlib.sha256(memoryview(data)[:end]).digest() != last.digest:
        raise TruncatedFeedError(origin, "the trailer's digest does not fit")
    restrictions, records = _sort_lines(data[:end].split(b"\n")[:-1])
    if len(restrictions) + len(records) != last.count:
        raise TruncatedFeedError(origin, "the trailer's count does not fit")
    return Batch(restrictions, records, last)


def leading_restrictions(data: bytes) -> list[Signed]:
    """Rescue the restrictions of a batch that cannot be read whole.

    They stand first in a batch and act by themselves, so neither a lost trailer
    nor a bad line behind them holds them up.
    """
    if data.startswith(MAGIC):
        return _leading_frames(data)
    found: list[Signed] = []
    for line in data[:MAX_BATCH].split(b"\n")[:-1]:
        try:
            entry = decode(line, _Tagged).of
        except MalformedError:
            break
        if not isinstance(entry, RestrictionLine) or len(found) == MAX_RESTRICTIONS:
            break
        found.append(entry.statement)
    return found


def _expand(data: bytes) -> tuple[bytes, bool]:
    from fedsafe_federation.packing import expand  # noqa: PLC0415 - see there

    return expand(data, MAX_BATCH)


def _decode_bulk(origin: str, data: bytes) -> Batch:
    plain, whole = _expand(data)
    if not whole:
        raise TruncatedFeedError(origin, "the packed stream is cut off")
    most = MAX_RESTRICTIONS + MAX_RECORDS + 1
    found = list(islice(frames(plain), most + 1))
    if len(found) > most:
        raise MalformedError("feed batch", "more frames than a batch may have")
    end = found.pop() if found else None
    if end is None or end.kind != b"t" or end.stop != len(plain):
        raise TruncatedFeedError(origin, "the stream has no trailer")
    last = unpack(end.body, Trailer)
    if pack(last) != end.body:
        raise MalformedError("Trailer", "another spelling than ours")
    if hashlib.sha256(memoryview(plain)[: end.start]).digest() != last.digest:
        raise TruncatedFeedError(origin, "the trailer's digest does not fit")
    restrictions, records = _sort_frames(found)
    if len(restrictions) + len(records) != last.count:
        raise TruncatedFeedError(origin, "the trailer's count does not fit")
    return Batch(restrictions, records, last)


def _leading_frames(data: bytes) -> list[Signed]:
    found: list[Signed] = []
    try:
        for each in frames(_expand(data[:MAX_BATCH])[0]):
            if each.kind != b"r" or len(found) == MAX_RESTRICTIONS:
                break
            found.append(_restriction(each))
    except MalformedError:
        pass
    return found


def _sort_frames(found: Sequence[Frame]) -> tuple[list[Signed], list[RecordLine]]:
    restrictions: list[Signed] = []
    records: list[RecordLine] = []
    for each in found:
        if each.kind == b"r" and not records:
            restrictions.append(_restriction(each))
        elif each.kind == b"e":
            rows = unpack(each.body, _Rows).rows
            if any(line.opening is not None and line.erased for line in rows):
                raise MalformedError("feed line", "out of order")
            records.extend(rows)
        else:
            raise MalformedError("feed frame", "out of order")
        if len(restrictions) > MAX_RESTRICTIONS or len(records) > MAX_RECORDS:
            raise MalformedError("feed batch", "more lines than a batch may have")
    return restrictions, records


def _restriction(found: Frame) -> Signed:
    if len(found.body) > MAX_LINE * 2:
        raise MalformedError("feed frame", "longer than a line may be")
    return unpack(found.body, Signed)


def _sort_lines(lines: Sequence[bytes]) -> tuple[list[Signed], list[RecordLine]]:
    restrictions: list[Signed] = []
    records: list[RecordLine] = []
    for data in lines:
        if len(data) > MAX_LINE * 2:
            raise MalformedError("feed line", "longer than a line may be")
        line = decode(data, _Tagged).of
        match line:
            case RestrictionLine() if not records:
                restrictions.append(line.statement)
            case RecordLine() if line.opening is None or not line.erased:
                records.append(line)
            case _:
                raise MalformedError("feed line", "out of order")
        if len(restrictions) > MAX_RESTRICTIONS or len(records) > MAX_RECORDS:
            raise MalformedError("feed batch", "more lines than a batch may have")
    return restrictions, records
