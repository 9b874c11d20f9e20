# SPDX-License-Identifier: Apache-2.0
"""The wire form of a feed batch: lines of JSON, closed by a trailer.

Whoever asks for it gets a large batch in bulk (`wire.bulk`): the same documents as
MessagePack, a restriction a frame, hundreds of records a frame, and packed. A reader
knows by the first bytes which of both it has.

A batch is restrictions first, then records in the order of their index with the
openings that this peer may have, then one trailer. The trailer counts the lines,
digests their exact bytes, and carries the origin's checkpoint with two RFC 6962
consistency proofs. A stream without its trailer is void (protocol 3.6).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from fedsafe_federation.errors import MalformedError, TruncatedFeedError
from fedsafe_federation.wire.bulk import MAGIC, Frame, Frames, frame
from fedsafe_federation.wire.signed import Bytes32, Count, Signed
from fedsafe_federation.wire.wireformat import decode, encode, pack, unpack
from fedsafe_policies.ground.catalogue import Phrase

MAX_RECORDS: Final = 5_000
MAX_RESTRICTIONS: Final = 1_000
MAX_LINE: Final = 65_536
MAX_BATCH: Final = 32 * 1024 * 1024
MEDIA_TYPE: Final = "application/x-ndjson"
BULK_FROM: Final = 64
"""A batch of fewer lines is never packed: it gains nothing."""
_ROWS: Final = 500  # records a frame: one call of the decoder keeps nobody waiting
_FRAME: Final = 1024 * 1024  # bytes of records in a frame, a record more or less
_PIECE: Final = 65_536
_LONGEST_LINE: Final = 2 * MAX_LINE
# The most that 500 records have, each of which restricts a thousand signals: a node of
# an earlier version puts them into one frame.
_LONGEST_ROWS: Final = 18 * 1024 * 1024
_LONGEST_FRAME: Final[Mapping[bytes, int]] = {
    b"r": _LONGEST_LINE,
    b"e": _LONGEST_ROWS,
    b"t": _LONGEST_LINE,
}

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

    rows: Annotated[list[RecordLine], msgspec.Meta(max_length=_ROWS)]


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
        from fedsafe_federation.wire.compression import squeeze  # noqa: PLC0415 - see there

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
    rest = [frame(b"e", pack(_Rows(rows))) for rows in _grouped(records)]
    return b"".join(first), b"".join(rest)


def _grouped(records: Sequence[RecordLine]) -> Iterator[list[RecordLine]]:
    """Put records together, so that no frame is long."""
    rows: list[RecordLine] = []
    size = 0
    for line in records:
        rows.append(line)
        opening = line.opening
        size += len(line.record) + (len(opening.payload) if opening is not None else 0)
        if len(rows) == _ROWS or size > _FRAME:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows


class BatchReader:
    """Reads a batch as it comes, and believes nothing of it before its end.

    What comes is counted before it is split, unpacked a step at a time, and refused at
    the first line that does not fit: a reader never holds more than the lines that it
    has read and the one under way. *most* is how many records were asked for.

    State: `restrictions` and `records`, as read so far. The restrictions stand first in
    a batch and act by themselves, so neither a lost trailer nor a bad line behind them
    holds them up.
    """

    def __init__(self, origin: str, *, most: int | None = None) -> None:
        self.restrictions: list[Signed] = []
        self.records: list[RecordLine] = []
        self.size = 0
        self._origin = origin
        self._most = MAX_RECORDS if most is None else min(most, MAX_RECORDS)
        self._parts = 0
        self._digest = hashlib.sha256()
        self._trailer: Trailer | None = None
        self._held = bytearray()
        self._packed: _Packed | None = None

    @property
    def unpacked(self) -> int:
        """How many bytes were read by now, in which form they ever came."""
        return self.size if self._packed is None else self._packed.size

    @property
    def is_packed(self) -> bool:
        """Whether a batch in bulk is being read: few bytes of it may become many."""
        return self._packed is not None

    def take(self, data: bytes) -> None:
        """Read on.

        Raises:
            MalformedError: a line is none of ours or out of order, or there are more
                lines or bytes than anybody asks for.
        """
        is_first = self.size == len(self._held) < len(MAGIC)
        self.size += len(data)
        if self.size > MAX_BATCH:
            raise MalformedError("feed batch", Phrase("larger than a batch may be"))
        if is_first:
            data = bytes(self._held) + data
            self._held.clear()
            if len(data) < len(MAGIC):
                self._held += data
                return
            if data.startswith(MAGIC):
                self._packed = _Packed()
        if self._packed is None:
            self._take_lines(data)
        else:
            for each in self._packed.take(data):
                self._take_frame(each)

    def close(self) -> Batch:
        """End the batch.

        The trailer is outside its own digest, so only its one spelling counts.

        Raises:
            TruncatedFeedError: the trailer is missing, or does not fit the lines.
        """
        if self._packed is not None:
            self._packed.close(self._origin)
        elif self._held or not self.size:
            raise TruncatedFeedError(self._origin, "the stream ends within a line")
        last = self._trailer
        if last is None:
            raise TruncatedFeedError(self._origin, "the stream has no trailer")
        if self._digest.digest() != last.digest:
            raise TruncatedFeedError(self._origin, "the trailer's digest does not fit")
        if len(self.restrictions) + len(self.records) != last.count:
            raise TruncatedFeedError(self._origin, "the trailer's count does not fit")
        return Batch(self.restrictions, self.records, last)

    def _take_lines(self, data: bytes) -> None:
        held, start, counted = self._held, 0, 0
        held += data
        with memoryview(held) as view:
            while (end := held.find(b"\n", start)) >= 0:
                if end - start > _LONGEST_LINE:
                    break
                self._take_line(bytes(view[start:end]))
                start = end + 1
                counted = counted if self._trailer is not None else start
            self._digest.update(view[:counted])
        del held[:start]
        if len(held) > _LONGEST_LINE:
            raise MalformedError("feed line", Phrase("longer than a line may be"))

    def _take_line(self, data: bytes) -> None:
        self._count("feed line")
        tagged = decode(data, _Tagged)
        line = tagged.of
        match line:
            case Trailer():
                if encode(tagged) != data:
                    raise MalformedError(
                        "Trailer", Phrase("another spelling than ours")
                    )
                self._trailer = line
            case RestrictionLine() if not self.records:
                self._add([line.statement], [])
            case RecordLine() if line.opening is None or not line.erased:
                self._add([], [line])
            case _:
                raise MalformedError("feed line", Phrase("out of order"))

    def _take_frame(self, found: Frame) -> None:
        self._count("feed frame")
        if found.kind == b"t":
            last = unpack(found.body, Trailer)
            if pack(last) != found.body:
                raise MalformedError("Trailer", Phrase("another spelling than ours"))
            self._trailer = last
            return
        if found.kind == b"e":
            rows = unpack(found.body, _Rows).rows
            if any(line.opening is not None and line.erased for line in rows):
                raise MalformedError("feed line", Phrase("out of order"))
            self._add([], rows)
        elif self.records:
            raise MalformedError("feed frame", Phrase("out of order"))
        else:
            self._add([unpack(found.body, Signed)], [])
        self._digest.update(found.whole)

    def _count(self, what: str) -> None:
        """Count a line or a frame before anything is made of it."""
        if self._trailer is not None:
            raise MalformedError(what, Phrase("out of order"))
        self._parts += 1
        if self._parts > MAX_RESTRICTIONS + self._most + 1:
            raise MalformedError(what, Phrase("more of them than a batch may have"))

    def _add(self, found: list[Signed], rows: list[RecordLine]) -> None:
        if (
            len(self.restrictions) + len(found) > MAX_RESTRICTIONS
            or len(self.records) + len(rows) > self._most
        ):
            raise MalformedError(
                "feed batch", Phrase("more lines than a batch may have")
            )
        self.restrictions += found
        self.records += rows


class _Packed:
    """The frames of a batch that is packed."""

    def __init__(self) -> None:
        from fedsafe_federation.wire.compression import Unpacker  # noqa: PLC0415 - see there

        self._unpacker = Unpacker(MAX_BATCH)
        self._frames = Frames(_LONGEST_FRAME)
        self.size = 0

    def take(self, data: bytes) -> Iterator[Frame]:
        for plain in self._unpacker.take(data):
            self.size += len(plain)
            yield from self._frames.take(plain)

    def close(self, origin: str) -> None:
        if not self._unpacker.is_whole:
            raise TruncatedFeedError(origin, "the packed stream is cut off")
        if not self._frames.is_between:
            raise TruncatedFeedError(origin, "the stream has no trailer")


def decode_batch(origin: str, data: bytes) -> Batch:
    """Read a batch that is here whole.

    Raises:
        TruncatedFeedError: the trailer is missing, or does not fit the lines.
        MalformedError: a line is none of ours or out of order, or there are more
            lines or bytes than anybody asks for.
    """
    reader = BatchReader(origin)
    for start in range(0, len(data), _PIECE):
        reader.take(data[start : start + _PIECE])
    return reader.close()
