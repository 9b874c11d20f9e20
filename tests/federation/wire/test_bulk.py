# SPDX-License-Identifier: Apache-2.0
"""A batch in bulk says what its lines say, and a liar cannot fill a memory with it."""

import hashlib
import sys
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import Log, rescued, restriction

from fedsafe_federation.errors import (
    FederationError,
    FeedError,
    MalformedError,
    TruncatedFeedError,
)
from fedsafe_federation.feed import batch as feed
from fedsafe_federation.feed.batch import (
    MAX_BATCH,
    FeedRequest,
    RecordLine,
    Trailer,
    decode_batch,
    encode_batch,
)
from fedsafe_federation.wire.bulk import MAGIC, Frames, frame, wants_bulk
from fedsafe_federation.wire.compression import Unpacker, squeeze
from fedsafe_federation.wire.wireformat import pack, unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ORIGIN = "a.example"
LOG = Log().fill(600)
LOG.add_restriction(1)
LOG.add_restriction(2)
REQUEST = FeedRequest(origin=ORIGIN, since=0, known=0, restrictions=0)
LINES = LOG.batch(REQUEST)
BULK = LOG.batch(replace(REQUEST, bulk=True))
PLAIN = b"".join(Unpacker(MAX_BATCH).take(BULK))
ANY = {b"r": MAX_BATCH, b"e": MAX_BATCH, b"t": MAX_BATCH}
PARTS = [bytes(each.whole) for each in Frames(ANY).take(PLAIN)]


def closed(parts: list[bytes], **changes: object) -> bytes:
    """Close other frames with the trailer that fits them, as a liar would."""
    body = b"".join(parts)
    trailer = msgspec.structs.replace(
        unpack(PARTS[-1][5:], Trailer),
        **{"digest": hashlib.sha256(body).digest(), **changes},
    )
    return squeeze(b"", body + frame(b"t", pack(trailer)))


def test_bulk_says_what_lines_say_in_half_the_bytes() -> None:
    lines, bulk = decode_batch(ORIGIN, LINES), decode_batch(ORIGIN, BULK)

    assert BULK.startswith(MAGIC)
    assert list(bulk.restrictions) == list(lines.restrictions)
    assert list(bulk.records) == list(lines.records)
    changes = {"digest": lines.trailer.digest}
    assert msgspec.structs.replace(bulk.trailer, **changes) == lines.trailer
    assert len(BULK) < len(LINES) * 0.6


def test_a_small_batch_is_not_packed() -> None:
    few = replace(REQUEST, bulk=True, limit=feed.BULK_FROM - 3)
    many = replace(REQUEST, bulk=True, limit=feed.BULK_FROM - 2)

    assert not LOG.batch(few).startswith(MAGIC)
    assert LOG.batch(many).startswith(MAGIC)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/vnd.fedsafe.bulk", True),
        ("application/x-ndjson;q=0.5, Application/vnd.fedsafe.bulk; v=1", True),
        ("application/vnd.fedsafe.bulk;q=0", False),
        ("application/vnd.fedsafe.bulk; q=0.00", False),
        ("application/vnd.fedsafe.bulky", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_bulk_goes_to_whom_names_it(accept: str, wanted: bool) -> None:  # noqa: FBT001
    assert wants_bulk(accept) is wanted


@given(st.integers(0, len(BULK) - 1))
def test_a_packed_stream_cut_anywhere_is_void(end: int) -> None:
    with pytest.raises((MalformedError, TruncatedFeedError)):
        decode_batch(ORIGIN, BULK[:end])


@given(st.integers(0, len(PARTS) - 1))
def test_frames_without_their_trailer_or_one_of_them_are_void(place: int) -> None:
    left = PARTS[:place] + PARTS[place + 1 :]

    with pytest.raises(FeedError):
        decode_batch(ORIGIN, squeeze(b"", b"".join(left)))


@given(st.integers(4, len(BULK) - 1), st.integers(0, 7))
def test_a_changed_bit_of_the_packed_stream_voids_it(place: int, bit: int) -> None:
    data = bytearray(BULK)
    data[place] ^= 1 << bit
    valid = decode_batch(ORIGIN, BULK)
    try:
        batch = decode_batch(ORIGIN, bytes(data))
    except FederationError:
        return

    # What no digest covers is checked by signature and proofs.
    assert batch.records == valid.records
    assert batch.restrictions == valid.restrictions


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (closed([PARTS[2], PARTS[0]]), "out of order"),
        (closed([PARTS[-1], PARTS[2]]), "out of order"),
        (closed([frame(b"x", b"")]), "out of order"),
        (closed([frame(b"e", b"\xc1")]), "MessagePack"),
        (closed(PARTS[:-1], count=3), "count"),
        (closed([frame(b"r", bytes(feed.MAX_LINE * 2 + 1))]), "longer than"),
        (closed([frame(b"e", b"\x91\x90")] * 7_000), "more of them"),
        (squeeze(b"", b""), "no trailer"),
        (BULK + b"\n", "follows its end"),
        (MAGIC + b"\xff" * 20, "not packed"),
    ],
    ids=[
        "restriction behind records",
        "trailer first",
        "unknown frame",
        "junk",
        "count",
        "long restriction",
        "many frames",
        "nothing",
        "more behind",
        "no zstd",
    ],
)
def test_frames_that_do_not_fit_are_refused(data: bytes, why: str) -> None:
    with pytest.raises((MalformedError, TruncatedFeedError), match=why):
        decode_batch(ORIGIN, data)


def test_a_trailer_has_one_spelling() -> None:
    body = b"".join(PARTS[:-1])
    spelled = msgspec.msgpack.decode(PARTS[-1][5:])
    other = msgspec.msgpack.encode(dict(reversed(spelled.items())))

    with pytest.raises(MalformedError, match="another spelling"):
        decode_batch(ORIGIN, squeeze(b"", body + frame(b"t", other)))


def test_an_erased_record_has_no_opening() -> None:
    lines = [RecordLine(0, LOG.records[0], LOG.openings[0], erased=True)] * 100
    data = encode_batch(
        [], lines, next_index=1, checkpoint="", consistency=[], extends=[], bulk=True
    )

    with pytest.raises(MalformedError, match="out of order"):
        decode_batch(ORIGIN, data)


def test_a_batch_has_no_more_lines_than_anybody_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "MAX_RECORDS", 599)

    with pytest.raises(MalformedError, match="more lines"):
        decode_batch(ORIGIN, BULK)


def test_a_bomb_is_unpacked_no_further_than_a_batch_may_be() -> None:
    bomb = squeeze(b"", bytes(1 << 26))

    with pytest.raises(MalformedError, match="larger than it may become"):
        list(Unpacker(1 << 20).take(bomb))
    assert len(bomb) < 1 << 14


def test_a_window_that_would_fill_the_memory_is_refused() -> None:
    options: dict[int, int] = {zstd.CompressionParameter.window_log: 27}
    packer = zstd.ZstdCompressor(options=options)
    wide = packer.compress(b"x", packer.FLUSH_BLOCK) + packer.flush()

    with pytest.raises(MalformedError, match="not packed as agreed"):
        list(Unpacker(MAX_BATCH).take(wide))


@pytest.mark.parametrize("end", [-1, -10_000, len(BULK) // 2, 20_000])
def test_restrictions_are_rescued_from_a_cut_stream(end: int) -> None:
    assert rescued(BULK[:end]) == LOG.statements


def test_restrictions_are_rescued_in_front_of_bad_frames() -> None:
    bad = squeeze(b"", b"".join([*PARTS[:2], frame(b"e", b"junk")]))
    worse = squeeze(b"", b"".join([PARTS[0], frame(b"r", b"junk"), PARTS[1]]))

    assert rescued(bad) == LOG.statements
    assert rescued(worse) == LOG.statements[:1]


@given(st.binary(max_size=200))
def test_nothing_is_rescued_from_junk(data: bytes) -> None:
    assert rescued(MAGIC + data) == []


def test_no_more_restrictions_are_rescued_than_may_lead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed, "MAX_RESTRICTIONS", 2)
    log = Log().fill(100)
    log.statements = [restriction(ORIGIN, n + 1, [bytes(16)]) for n in range(3)]
    data = log.batch(replace(REQUEST, bulk=True))

    with pytest.raises(MalformedError, match="more"):
        decode_batch(ORIGIN, data)
    assert rescued(data) == log.statements[:2]
