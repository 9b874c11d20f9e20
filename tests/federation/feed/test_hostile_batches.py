# SPDX-License-Identifier: Apache-2.0
"""Answers that are made to cost more than they say: each is left at its first step.

What is bounded is counted: the memory that is taken, and the bytes and lines that are
looked at. No time is measured.
"""

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator

import msgspec
import pytest
from tests.support.members import Log, restriction, salt_of

from fedsafe_federation.errors import FederationError, MalformedError
from fedsafe_federation.feed import batch as feed
from fedsafe_federation.feed.batch import (
    MAX_BATCH,
    MAX_LINE,
    BatchReader,
    FeedOpening,
    RecordLine,
    Trailer,
    decode_batch,
    encode_batch,
)
from fedsafe_federation.wire import compression as packing
from fedsafe_federation.wire.bulk import Frames, frame
from fedsafe_federation.wire.compression import STEP, Unpacker, squeeze

MIB = 1 << 20
ORIGIN = "a.example"
LINE = Log().fill(1).batch(feed.FeedRequest(ORIGIN, 0, 0, 0)).split(b"\n")[0]
ROWS = 18 * MIB


def packed(plain: bytes) -> Callable[[], bytes]:
    return lambda: squeeze(b"", plain)


def head(kind: bytes, size: int) -> bytes:
    return kind + size.to_bytes(4)


def closed(lines: bytes) -> bytes:
    """Close lines with the trailer that fits them, as a liar would."""
    digest = hashlib.sha256(lines).digest()
    trailer = Trailer(lines.count(b"\n"), digest, 0, "", [], [])
    return lines + b'{"of":%b}\n' % msgspec.json.encode(trailer)


HOSTILE: dict[str, tuple[Callable[[], bytes], int]] = {
    "newlines": (lambda: b"\n" * MAX_BATCH, 1),
    "newlines and a trailer": (lambda: closed(b"\n" * (MAX_BATCH - 1_000)), 1),
    "one line": (lambda: b"{" * MAX_BATCH, 1),
    "nested lines": (lambda: b"[" * 60_000 + b"\n" + b"[" * (30 * MIB), 1),
    "nested in a line": (lambda: b'{"of":' * 10_000 + b"\n", 1),
    "empty objects": (lambda: b"{}\n" * (MAX_BATCH // 3), 1),
    "too many lines": (lambda: (LINE + b"\n") * (MAX_BATCH // (len(LINE) + 1)), 8),
    "packed zeros": (lambda: squeeze(b"", bytes(MAX_BATCH)), 1),
    "packed newlines": (lambda: squeeze(b"", b"\n" * MAX_BATCH), 1),
    "a long frame": (packed(head(b"e", 2**32 - 1) + bytes(MAX_BATCH)), 1),
    "the longest frame": (packed(head(b"e", ROWS) + bytes(ROWS)), 24),
    "a frame that never ends": (packed(head(b"e", ROWS) + bytes(ROWS - 1)), 24),
    "a long restriction": (packed(head(b"r", ROWS) + bytes(ROWS)), 1),
    "nested rows": (packed(frame(b"e", b"\x91" * ROWS)), 24),
    "a huge count": (packed(frame(b"e", b"\x91\xdd\xff\xff\xff\xff")), 1),
    "huge bytes": (packed(frame(b"r", b"\x84\xa4type\xdb\xff\xff\xff\xff")), 1),
    "a huge map": (packed(frame(b"r", b"\xdf\xff\xff\xff\xff")), 1),
    "empty frames": (packed(frame(b"e", b"\x91\x90") * (MAX_BATCH // 7)), 1),
    "empty blocks": (
        lambda: squeeze(b"", b"x")[:6] + b"\x00\x00\x00" * (MAX_BATCH // 3 - 9),
        1,
    ),
}


@pytest.mark.parametrize(("make", "most"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_batch_takes_no_memory(make: Callable[[], bytes], most: int) -> None:
    data = make()
    assert len(data) <= MAX_BATCH
    tracemalloc.start()
    try:
        with pytest.raises(FederationError):
            decode_batch(ORIGIN, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < most * MIB


@pytest.mark.parametrize(
    "data",
    [b"\n" * MAX_BATCH, b"[" * MAX_BATCH, b"{}\n" * (MAX_BATCH // 3)],
    ids=["newlines", "one line", "empty objects"],
)
def test_what_is_no_batch_is_left_at_the_first_piece_that_shows_it(
    data: bytes,
) -> None:
    reader = BatchReader(ORIGIN)

    def read() -> None:
        for start in range(0, len(data), STEP):
            reader.take(data[start : start + STEP])

    with pytest.raises(MalformedError):
        read()

    assert reader.size <= 2 * MAX_LINE + STEP


def test_a_bomb_is_unpacked_a_step_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = squeeze(b"", bytes(MAX_BATCH))
    assert len(bomb) < 4_096
    steps: list[int] = []
    take = Unpacker.take

    def counted(self: Unpacker, data: bytes) -> Iterator[bytes]:
        for plain in take(self, data):
            steps.append(len(plain))
            yield plain

    monkeypatch.setattr(packing.Unpacker, "take", counted)
    with pytest.raises(MalformedError):
        decode_batch(ORIGIN, bomb)

    assert steps == [STEP]


def test_a_part_of_a_frame_is_all_that_is_kept() -> None:
    frames = Frames({b"e": MAX_LINE})
    body = b"x" * MAX_LINE
    for _ in range(100):
        assert [bytes(each.body) for each in frames.take(frame(b"e", body))] == [body]
    assert frames.is_between

    assert list(frames.take(frame(b"e", body)[:-1])) == []
    assert not frames.is_between


@pytest.mark.parametrize("bulk", [False, True])
def test_the_largest_batch_that_may_be_is_read(*, bulk: bool) -> None:
    opening = FeedOpening(salt_of(1), bytes(4_000))
    lines = [RecordLine(at, bytes(600), opening) for at in range(5_000)]
    statements = [restriction(ORIGIN, 1, [bytes(16)])] * 1_000
    data = encode_batch(
        statements,
        lines,
        next_index=5_000,
        checkpoint="",
        consistency=[],
        extends=[],
        bulk=bulk,
    )
    batch = decode_batch(ORIGIN, data)

    assert batch.records == lines
    assert batch.restrictions == statements


def test_a_large_answer_is_dropped_as_it_is_read() -> None:
    """What was read is held once, and not beside the bytes that it was read from."""
    size = 24 * MIB
    part = frame(b"e", msgspec.msgpack.encode([[RecordLine(0, bytes(60_000))] * 40]))
    count = size // len(part)
    whole = squeeze(b"", part * count)
    reader = BatchReader(ORIGIN)
    tracemalloc.start()
    try:
        for start in range(0, len(whole), STEP):
            reader.take(whole[start : start + STEP])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(reader.records) == 40 * count
    assert peak < size + 8 * MIB
