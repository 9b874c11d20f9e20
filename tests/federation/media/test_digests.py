# SPDX-License-Identifier: Apache-2.0
import hashlib
import io
import os
import tracemalloc

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_federation.errors import MediaError, MediaFault
from fedsafe_federation.media.digests import (
    CHUNK_BYTES,
    DIGEST_BYTES,
    Digests,
    digest_stream,
    parse_digest,
)
from fedsafe_policies.vocabulary import MediaKind

# SHA and MD5 of nothing and of "abc": FIPS 180-4 examples and RFC 1321 A.5;
# BLAKE3 of nothing: the first of the test vectors of its authors.
NOTHING = {
    MediaKind.SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4"
    "649b934ca495991b7852b855",
    MediaKind.SHA1: "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    MediaKind.MD5: "d41d8cd98f00b204e9800998ecf8427e",
    MediaKind.BLAKE3: "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9"
    "adc112b7cc9a93cae41f3262",
}
ABC = {
    MediaKind.SHA256: "ba7816bf8f01cfea414140de5dae2223b00361a3"
    "96177a9cb410ff61f20015ad",
    MediaKind.SHA1: "a9993e364706816aba3e25717850c26c9cd0d89d",
    MediaKind.MD5: "900150983cd24fb0d6963f7d28e17f72",
}


class Trickle(io.RawIOBase):
    """A raw file that gives fewer bytes than it is asked for."""

    def __init__(self, content: bytes, most: int) -> None:
        self.rest = io.BytesIO(content)
        self.most = most

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self.rest.readinto(buffer[: self.most])


def one_by_one(content: bytes) -> Digests:
    return Digests(
        size=len(content),
        sha256=hashlib.sha256(content).digest(),
        sha1=hashlib.sha1(content, usedforsecurity=False).digest(),
        md5=hashlib.md5(content, usedforsecurity=False).digest(),
        blake3=blake3(content).digest(),
    )


@pytest.mark.parametrize(("content", "known"), [(b"", NOTHING), (b"abc", ABC)])
def test_published_digests(content: bytes, known: dict[MediaKind, str]) -> None:
    actual = digest_stream(io.BytesIO(content)).by_kind()

    assert {kind: actual[kind].hex() for kind in known} == known


@given(st.binary(max_size=2000), st.integers(1, 700))
def test_pieces_give_the_digests_of_the_whole(content: bytes, most: int) -> None:
    assert digest_stream(Trickle(content, most)) == one_by_one(content)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_chunk_borders_do_not_show(extra: int) -> None:
    content = bytes(range(251)) * (2 * CHUNK_BYTES // 251 + 1)
    content = content[: 2 * CHUNK_BYTES + extra]

    assert digest_stream(io.BytesIO(content)) == one_by_one(content)


def test_hashing_starts_where_the_file_stands() -> None:
    file = io.BytesIO(b"head and tail")
    file.seek(5)

    assert digest_stream(file) == one_by_one(b"and tail")


def test_progress_tells_the_bytes_read_so_far() -> None:
    told: list[int] = []
    digest_stream(io.BytesIO(bytes(2 * CHUNK_BYTES + 7)), progress=told.append)

    assert told == [CHUNK_BYTES, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 7]


def test_memory_holds_one_chunk_of_a_long_file() -> None:
    with open("/dev/zero", "rb", buffering=0) as zeros:  # noqa: PTH123

        class Long(io.RawIOBase):
            left = 64 * 1024 * 1024

            def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
                count = zeros.readinto(buffer[: min(len(buffer), self.left)]) or 0
                self.left -= count
                return count

        tracemalloc.start()
        size = digest_stream(Long()).size
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert size == 64 * 1024 * 1024
    assert peak < 4 * CHUNK_BYTES


def test_non_blocking_file_without_bytes_is_refused() -> None:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with (
        os.fdopen(reader, "rb", buffering=0) as file,
        pytest.raises(MediaError) as told,
    ):
        digest_stream(file)
    os.close(writer)

    assert told.value.code is MediaFault.UNREADABLE


@given(st.sampled_from(MediaKind), st.data())
def test_digest_text_round_trips(kind: MediaKind, data: st.DataObject) -> None:
    length = DIGEST_BYTES[kind]
    digest = data.draw(st.binary(min_size=length, max_size=length))

    assert parse_digest(kind, digest.hex()) == digest
    assert parse_digest(kind, digest.hex().upper()) == digest


@given(st.sampled_from(MediaKind), st.text() | st.text("0123456789abcdefg ٣"))
def test_junk_is_no_digest(kind: MediaKind, text: str) -> None:
    if len(text) == 2 * DIGEST_BYTES[kind]:
        text += "0"
    with pytest.raises(MediaError) as told:
        parse_digest(kind, text)

    assert told.value.code is MediaFault.MALFORMED_DIGEST


@pytest.mark.parametrize(
    "spelt", ["0x" + "0" * 62, "00 " * 32, " " + "0" * 63, "٣" * 64, "g" * 64, "0" * 63]
)
def test_other_spellings_are_refused(spelt: str) -> None:
    with pytest.raises(MediaError):
        parse_digest(MediaKind.SHA256, spelt)
