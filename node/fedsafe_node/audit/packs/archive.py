# SPDX-License-Identifier: Apache-2.0
"""Writing a pack's archive piece by piece, with a memory of names and digests only.

The bytes around the files are those that the verifier computes, so a pack has one
form and no byte of it is free.
"""

from binascii import crc32
from hashlib import sha256
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.note import sign_note
from fedsafe_node.evidence.verify import (
    FORMAT,
    MANIFEST,
    MAX_FILE_BYTES,
    MAX_FILES,
    central_header,
    end_record,
    local_header,
)
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_policies.ground.catalogue import Phrase

MAX_ARCHIVE_BYTES: Final = 2**32 - 1 - 2 * MAX_FILE_BYTES  # a ZIP without extensions


class Archive:
    """The archive so far: its directory, its length and the manifest's lines."""

    def __init__(self) -> None:
        self._directory = bytearray()
        self._lines = [f"{FORMAT}\n"]
        self._offset = 0
        self._count = 0

    def add(self, name: str, content: bytes) -> bytes:
        """Give the bytes of the next file.

        Raises:
            BadRequestError: the pack becomes larger than a pack may be.
        """
        place = self._offset
        fits = len(content) <= MAX_FILE_BYTES and place <= MAX_ARCHIVE_BYTES
        if not fits or self._count == MAX_FILES:
            raise BadRequestError(
                "pack_too_large", Phrase("choose a shorter part of the log")
            )
        encoded, crc, size = name.encode("ascii"), crc32(content), len(content)
        piece = local_header(encoded, crc, size) + content
        self._directory += central_header(encoded, crc, size, place)
        self._lines.append(f"{sha256(content).hexdigest()} {size} {name}\n")
        self._offset += len(piece)
        self._count += 1
        return piece

    def close(self, log: str, key: SigningKey) -> bytes:
        """Give the signed manifest and the archive's end."""
        note = sign_note("".join(self._lines), log, key)
        manifest = self.add(MANIFEST, note)
        directory = bytes(self._directory)
        end = end_record(self._count, len(directory), self._offset)
        return manifest + directory + end
