# SPDX-License-Identifier: Apache-2.0
"""The four exact digests of a file's bytes, taken in one streamed pass.

SHA-256 (FIPS 180-4), SHA-1 and MD5 (for lists that know nothing newer) and
BLAKE3. However long the file, memory holds one chunk of it. Opening the file is
left to the caller.

    with open("picture.jpg", "rb") as file:
        digests = digest_stream(file)
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from blake3 import blake3

from fedsafe_federation.errors import MediaError, MediaFault
from fedsafe_policies.vocabulary import MediaKind

CHUNK_BYTES = 256 * 1024
"""Small enough to stay in a core's cache while four hashes read it in turn."""

DIGEST_BYTES = {
    MediaKind.SHA256: 32,
    MediaKind.SHA1: 20,
    MediaKind.MD5: 16,
    MediaKind.BLAKE3: 32,
    MediaKind.PDQ: 32,
}


class ByteSource(Protocol):
    """A binary file object, or what reads like one."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill `buffer` and say how much was read; 0 at the end."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """What a file's bytes hash to, and how many there were."""

    size: int
    sha256: bytes
    sha1: bytes
    md5: bytes
    blake3: bytes

    def by_kind(self) -> dict[MediaKind, bytes]:
        """Give the digests under the numbers that tokens use."""
        return {
            MediaKind.SHA256: self.sha256,
            MediaKind.SHA1: self.sha1,
            MediaKind.MD5: self.md5,
            MediaKind.BLAKE3: self.blake3,
        }


def digest_stream(
    file: ByteSource, *, progress: Callable[[int], None] | None = None
) -> Digests:
    """Hash all bytes from the file's position to its end.

    Args:
        file: A blocking binary file object, buffered or raw.
        progress: Called after each chunk with the bytes read so far.

    Raises:
        MediaError: The file is in non-blocking mode and has nothing to read.
        OSError: Reading failed; the caller, who opened the file, can name it.
    """
    sha256 = hashlib.sha256()
    sha1 = hashlib.sha1(usedforsecurity=False)
    md5 = hashlib.md5(usedforsecurity=False)
    newest = blake3()
    chunk = memoryview(bytearray(CHUNK_BYTES))
    size = 0
    while (count := file.readinto(chunk)) != 0:
        if count is None:
            raise MediaError(MediaFault.UNREADABLE)
        part = chunk[:count]
        sha256.update(part)
        sha1.update(part)
        md5.update(part)
        newest.update(part)
        size += count
        if progress is not None:
            progress(size)
    return Digests(
        size=size,
        sha256=sha256.digest(),
        sha1=sha1.digest(),
        md5=md5.digest(),
        blake3=newest.digest(),
    )


def parse_digest(kind: MediaKind, text: str) -> bytes:
    """Read a digest written in hexadecimal letters of either case.

    Raises:
        MediaError: The text has the wrong length for its kind, or other letters.
    """
    try:
        # fromhex skips white space, so the length alone would not refuse it.
        digest = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        digest = b""
    if len(digest) != DIGEST_BYTES[kind]:
        raise MediaError(MediaFault.MALFORMED_DIGEST)
    return digest
