# SPDX-License-Identifier: Apache-2.0

import hashlib
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import Log, rescued, restriction, salt_of

from fedsafe_federation.errors import (
    FederationError,
    MalformedError,
    TruncatedFeedError,
)
from fedsafe_federation.feed import batch as feed
from fedsafe_federation.feed.batch import (
    BatchReader,
    FeedOpening,
    FeedRequest,
    RecordLine,
    decode_batch,
    encode_batch,
)

ORIGIN = "a.example"
LOG = Log().fill(5)
LOG.add_restriction(1)
LOG.add_restriction(2)
REQUEST = FeedRequest(origin=ORIGIN, since=0, known=0, restrictions=0)
VALID = LOG.batch(REQUEST)
LINES = VALID.splitlines(keepends=True)


def closed(lines: list[bytes]) -> bytes:
    """Close other lines with the trailer that fits them, as a liar would."""
    body = b"".join(lines)
    trailer = decode_batch(ORIGIN, VALID).trailer
    fitting = msgspec.structs.replace(
        trailer, count=len(lines), digest=hashlib.sha256(body).digest()
    )
    return body + b'{"of":' + msgspec.json.encode(fitting) + b"}\n"


def test_a_batch_survives_the_round_trip() -> None:
    batch = decode_batch(ORIGIN, VALID)

    assert list(batch.restrictions) == LOG.statements
    assert list(batch.records) == LOG.lines(0, LOG.size)
    assert batch.trailer.count == len(LINES) - 1
    assert batch.trailer.next == LOG.size
    assert batch.trailer.checkpoint == LOG.note()


def test_a_trailer_says_from_where_to_ask_again_only_if_so() -> None:
    plain, more = (
        encode_batch(
            [],
            [],
            next_index=9,
            checkpoint=LOG.note(),
            consistency=[],
            extends=[],
            again=again,
        )
        for again in (None, 4)
    )

    assert b"again" not in plain
    assert decode_batch(ORIGIN, plain).trailer.again is None
    assert decode_batch(ORIGIN, more).trailer.again == 4
    with pytest.raises(MalformedError, match="another spelling"):
        decode_batch(ORIGIN, plain.replace(b"}}\n", b',"again":null}}\n'))


def test_an_empty_batch_is_a_trailer() -> None:
    data = Log().batch(REQUEST)

    assert data.count(b"\n") == 1
    batch = decode_batch(ORIGIN, data)
    assert (batch.restrictions, batch.records) == ([], [])


@given(
    records=st.lists(
        st.tuples(st.binary(max_size=50), st.none() | st.binary(max_size=50)),
        max_size=5,
    ),
    next_index=st.integers(0, 2**53 - 1),
    checkpoint=st.text(max_size=50),
    hashes=st.lists(st.binary(min_size=32, max_size=32), max_size=3),
)
def test_any_batch_survives_the_round_trip(
    records: list[tuple[bytes, bytes | None]],
    next_index: int,
    checkpoint: str,
    hashes: list[bytes],
) -> None:
    lines = [
        RecordLine(
            index,
            record,
            FeedOpening(bytes(32), payload) if payload is not None else None,
            erased=payload is None,
        )
        for index, (record, payload) in enumerate(records)
    ]
    data = encode_batch(
        [],
        lines,
        next_index=next_index,
        checkpoint=checkpoint,
        consistency=hashes,
        extends=hashes[:1],
    )
    batch = decode_batch(ORIGIN, data)

    assert batch.records == lines
    assert batch.trailer.checkpoint == checkpoint
    assert batch.trailer.consistency == hashes


@given(data=st.binary(max_size=300))
def test_junk_is_no_batch(data: bytes) -> None:
    for stream in (data, data + b"\n", LINES[0] + data, data + LINES[-1]):
        if stream != LINES[0] and stream != LINES[-1]:
            with pytest.raises((MalformedError, TruncatedFeedError)):
                decode_batch(ORIGIN, stream)
        rescued(stream)


def test_a_stream_cut_anywhere_is_void() -> None:
    for end in range(len(VALID)):
        with pytest.raises((MalformedError, TruncatedFeedError)):
            decode_batch(ORIGIN, VALID[:end])


@pytest.mark.parametrize("bit", range(8))
def test_a_changed_byte_of_the_stream_voids_it(bit: int) -> None:
    for place in range(bit, len(VALID), 3):
        data = bytearray(VALID)
        data[place] ^= 1 << bit
        try:
            batch = decode_batch(ORIGIN, bytes(data))
        except FederationError:
            continue
        # What no digest covers is checked by signature and proofs.
        trailer = batch.trailer
        valid = decode_batch(ORIGIN, VALID).trailer
        assert (trailer.digest, trailer.count) == (valid.digest, valid.count)
        assert trailer != valid


@given(st.permutations(range(len(LINES) - 1)))
def test_reordered_lines_void_the_stream(order: list[int]) -> None:
    data = b"".join(LINES[place] for place in order) + LINES[-1]
    if data != VALID:
        with pytest.raises((MalformedError, TruncatedFeedError)):
            decode_batch(ORIGIN, data)


@pytest.mark.parametrize("place", range(len(LINES)))
def test_a_repeated_or_missing_line_voids_the_stream(place: int) -> None:
    for lines in (
        LINES[: place + 1] + LINES[place:],
        LINES[:place] + LINES[place + 1 :],
    ):
        with pytest.raises((MalformedError, TruncatedFeedError)):
            decode_batch(ORIGIN, b"".join(lines))


def test_restrictions_stand_before_records() -> None:
    with pytest.raises(MalformedError, match="out of order"):
        decode_batch(ORIGIN, closed([LINES[2], LINES[0]]))


def test_a_trailer_stands_last_only() -> None:
    with pytest.raises(MalformedError, match="out of order"):
        decode_batch(ORIGIN, closed([LINES[-1], LINES[2]]))


def test_an_erased_record_has_no_opening() -> None:
    line = RecordLine(0, LOG.records[0], LOG.openings[0], erased=True)
    data = encode_batch(
        [], [line], next_index=1, checkpoint="", consistency=[], extends=[]
    )
    with pytest.raises(MalformedError, match="out of order"):
        decode_batch(ORIGIN, data)


def test_the_count_must_fit_the_lines() -> None:
    trailer = msgspec.structs.replace(decode_batch(ORIGIN, VALID).trailer, count=3)
    last = b'{"of":' + msgspec.json.encode(trailer) + b"}\n"

    with pytest.raises(TruncatedFeedError, match="count"):
        decode_batch(ORIGIN, b"".join(LINES[:-1]) + last)


def test_a_trailer_has_one_spelling() -> None:
    spaced = LINES[-1].replace(b",", b", ", 1)

    with pytest.raises(MalformedError, match="another spelling"):
        decode_batch(ORIGIN, b"".join(LINES[:-1]) + spaced)


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    long = b'{"of":"' + b"x" * 2 * feed.MAX_LINE + b'"}\n'
    with pytest.raises(MalformedError, match="longer than a line"):
        decode_batch(ORIGIN, closed([long]))

    monkeypatch.setattr(feed, "MAX_BATCH", len(VALID) - 1)
    with pytest.raises(MalformedError, match="larger than a batch"):
        decode_batch(ORIGIN, VALID)


def test_the_largest_lines_that_types_allow_fit() -> None:
    opening = FeedOpening(salt_of(1), bytes(16_384))
    line = RecordLine(2**53 - 1, bytes(feed.MAX_LINE), opening)
    data = encode_batch(
        [restriction(ORIGIN, 1, [bytes(16)] * 1_000)],
        [line],
        next_index=0,
        checkpoint="x" * 4_096,
        consistency=[bytes(32)] * 64,
        extends=[bytes(32)] * 64,
    )
    assert decode_batch(ORIGIN, data).records == [line]


@given(end=st.integers(0, len(VALID)))
def test_whole_restrictions_are_rescued_from_a_cut_stream(end: int) -> None:
    whole = VALID[:end].count(b"\n")

    assert rescued(VALID[:end]) == LOG.statements[: min(whole, 2)]


def test_rescue_ends_at_the_first_line_that_is_none() -> None:
    first, second = LINES[0], LINES[1]

    assert rescued(first + b"junk\n" + second) == LOG.statements[:1]
    assert rescued(first + LINES[2] + second) == LOG.statements[:1]


def test_no_more_records_are_read_than_were_asked_for() -> None:
    reader = BatchReader(ORIGIN, most=4)

    with pytest.raises(MalformedError, match="more lines"):
        reader.take(VALID)
    assert len(reader.records) == 4


@given(st.lists(st.integers(0, len(VALID)), max_size=8))
def test_a_batch_may_come_in_any_pieces(cuts: list[int]) -> None:
    reader = BatchReader(ORIGIN)
    for start, end in pairwise([0, *sorted(cuts), len(VALID)]):
        reader.take(VALID[start:end])

    assert reader.close() == decode_batch(ORIGIN, VALID)


@pytest.mark.parametrize(("leads", "records"), [(3, 0), (0, 3), (3, 3)])
def test_a_batch_has_no_more_lines_than_anybody_asks_for(
    leads: int, records: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "MAX_RESTRICTIONS", 2)
    monkeypatch.setattr(feed, "MAX_RECORDS", 2)
    log = Log().fill(records)
    log.statements = [restriction(ORIGIN, n + 1, [bytes(16)]) for n in range(leads)]
    data = log.batch(REQUEST)

    with pytest.raises(MalformedError, match="more lines"):
        decode_batch(ORIGIN, data)
    assert rescued(data) == log.statements[:2]
