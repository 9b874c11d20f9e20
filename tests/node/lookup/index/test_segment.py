# SPDX-License-Identifier: Apache-2.0
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_node.ground.errors import CorruptIndexError
from fedsafe_node.ground.faults import NO_FAULTS
from fedsafe_node.lookup.index.builder import (
    Span,
    columns_of,
    probe,
    sort_tokens,
    write_merged,
)
from fedsafe_node.lookup.index.segment import HEADER_BYTES, Header, Segment, file_size

STORE = bytes(range(16))
# Few values for each half, so that equal tokens and equal halves are common.
HALVES = st.sampled_from(
    [bytes(8), b"\xff" * 8, b"\x01" + bytes(7), bytes(7) + b"\x01"]
)
TOKENS = st.one_of(
    st.builds(bytes.__add__, HALVES, HALVES), st.binary(min_size=16, max_size=16)
)


def write(
    path: Path, tokens: list[bytes], removed: frozenset[int] = frozenset()
) -> Path:
    part = sort_tokens(b"".join(tokens), range(1, len(tokens) + 1))
    span = Span(0, len(tokens), STORE)
    write_merged(path, [part], removed, span, NO_FAULTS)
    return path


def rows_of(tokens: list[bytes], token: bytes) -> tuple[int, ...]:
    return tuple(row for row, known in enumerate(tokens, start=1) if known == token)


@given(tokens=st.lists(TOKENS, max_size=80), other=TOKENS)
def test_every_token_is_found_with_all_its_rows(
    tmp_path_factory: pytest.TempPathFactory, tokens: list[bytes], other: bytes
) -> None:
    path = tmp_path_factory.mktemp("segment") / "one"
    segment = Segment(write(path, tokens))

    for token in (*tokens, other):
        assert segment.find(token) == rows_of(tokens, token)
    batch = b"".join((*tokens, other))
    found = sorted(probe(segment, batch))
    expected = [
        (at, row)
        for at, token in enumerate((*tokens, other))
        for row in rows_of(tokens, token)
    ]
    assert found == expected
    segment.verify()


@given(
    parts=st.lists(st.lists(TOKENS, max_size=30), min_size=1, max_size=4),
    removed=st.frozensets(st.integers(1, 60)),
)
def test_parts_merge_into_what_was_added(
    tmp_path_factory: pytest.TempPathFactory,
    parts: list[list[bytes]],
    removed: frozenset[int],
) -> None:
    path = tmp_path_factory.mktemp("segment") / "one"
    tokens = [token for part in parts for token in part]
    columns, row = [], 1
    for part in parts:
        columns.append(sort_tokens(b"".join(part), range(row, row + len(part))))
        row += len(part)
    write_merged(path, columns, removed, Span(0, len(tokens), STORE), NO_FAULTS)
    segment = Segment(path)

    assert len(segment) == len(set(range(1, row)) - removed)
    for token in tokens:
        left = tuple(r for r in rows_of(tokens, token) if r not in removed)
        assert segment.find(token) == left
    merged = columns_of(segment)
    triples = list(zip(*(column.tolist() for column in merged), strict=True))
    assert triples == sorted(triples)


def test_a_segment_is_private_and_as_large_as_said(tmp_path: Path) -> None:
    path = write(tmp_path / "one", [bytes(16), b"\x01" * 16, b"\x02" * 16])
    segment = Segment(path)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.stat().st_size == file_size(segment.header) == segment.size
    assert [item.name for item in tmp_path.iterdir()] == ["one"]


@given(
    st.integers(0, 28), st.integers(0, 2**32 - 1), st.binary(min_size=32, max_size=32)
)
def test_a_header_is_read_as_it_was_written(
    bits: int, count: int, digest: bytes
) -> None:
    header = Header(bits, count, 3, count | 3, STORE, digest)

    assert Header.decode(Path("x"), header.encode()) == header


@pytest.mark.parametrize("at", [0, 8])
def test_another_format_or_version_is_refused(at: int) -> None:
    data = bytearray(Header(1, 1, 0, 1, STORE, bytes(32)).encode()[:-16])
    data[at] ^= 2
    resealed = bytes(data) + sha256(data).digest()[:16]

    with pytest.raises(CorruptIndexError, match="format or version"):
        Header.decode(Path("x"), resealed)


@given(st.binary(max_size=2 * HEADER_BYTES))
def test_junk_is_no_header(junk: bytes) -> None:
    with pytest.raises(CorruptIndexError):
        Header.decode(Path("x"), junk)


@pytest.mark.parametrize(
    "header",
    [
        Header(29, 1, 0, 1, STORE, bytes(32)),
        Header(1, 2**32, 0, 1, STORE, bytes(32)),
        Header(1, 1, 2, 1, STORE, bytes(32)),
        Header(1, 1, 0, 2**32, STORE, bytes(32)),
    ],
)
def test_numbers_that_do_not_add_up_are_refused(header: Header) -> None:
    with pytest.raises(CorruptIndexError, match="add up"):
        Header.decode(Path("x"), header.encode())


def test_every_changed_byte_is_detected(tmp_path: Path) -> None:
    tokens = [bytes([n]) * 16 for n in range(0, 250, 7)]
    whole = write(tmp_path / "one", tokens).read_bytes()
    path = tmp_path / "two"

    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        with pytest.raises(CorruptIndexError):
            Segment(path).verify()


@pytest.mark.parametrize("cut", [0, 1, HEADER_BYTES - 1, HEADER_BYTES, -8, -1])
def test_a_torn_file_is_refused_at_open(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "one", [bytes(16)] * 5)
    path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(CorruptIndexError):
        Segment(path)


def test_a_longer_or_missing_file_is_refused_at_open(tmp_path: Path) -> None:
    path = write(tmp_path / "one", [bytes(16)] * 5)
    path.write_bytes(path.read_bytes() + b"\0")

    with pytest.raises(CorruptIndexError, match="torn"):
        Segment(path)
    with pytest.raises(CorruptIndexError, match="No such file"):
        Segment(tmp_path / "two")


def test_a_misleading_directory_makes_a_read_raise(tmp_path: Path) -> None:
    tokens = [bytes([n]) * 16 for n in range(64)]
    path = write(tmp_path / "one", tokens)
    data = bytearray(path.read_bytes())
    assert Segment(path).header.bits == 2
    data[-16:-12] = (10**6).to_bytes(4, "little")
    path.write_bytes(data)

    with pytest.raises(CorruptIndexError, match="misleading"):
        Segment(path).find(b"\x7f" * 16)
    with pytest.raises(CorruptIndexError, match="misleading"):
        probe(Segment(path), b"\x7f" * 16)
