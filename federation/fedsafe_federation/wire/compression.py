# SPDX-License-Identifier: Apache-2.0
"""Pack and unpack bytes with zstd (RFC 8878).

What another has packed is unpacked a step at a time, no further than its receiver says,
in a window of 1 MiB at most: a small answer fills no memory and holds up nobody.
Whoever needs this module loads it when it comes to that, since most exchanges are small
and are not packed.
"""

import sys
from collections.abc import Iterator
from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_policies.ground.catalogue import Phrase

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd  # pyright: ignore[reportMissingImports]  # not there for 3.14

STEP: Final = 65_536
"""So many bytes are unpacked at once."""
_LEVEL: Final = 1  # most of a feed is sealed: more effort would gain next to nothing
_WINDOW: Final = 20  # bits


def squeeze(first: bytes, rest: bytes) -> bytes:
    """Pack bytes so that what comes *first* is whole before the *rest* begins."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _LEVEL,
        zstd.CompressionParameter.window_log: _WINDOW,
    }
    packer = zstd.ZstdCompressor(options=options)
    start: bytes = packer.compress(first, packer.FLUSH_BLOCK) if first else b""
    end: bytes = packer.compress(rest, packer.FLUSH_FRAME)
    return start + end


class Unpacker:
    """Unpacks a stream that may become *most* bytes, and no more.

    State: how many bytes are left of them, and whether the stream's end was there.
    """

    def __init__(self, most: int) -> None:
        options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW}
        self._unpacker = zstd.ZstdDecompressor(options=options)
        self._left = most

    @property
    def is_whole(self) -> bool:
        """Whether the end of the stream was there."""
        ended: bool = self._unpacker.eof
        return ended

    def take(self, data: bytes) -> Iterator[bytes]:
        """Give what *data* unpacks to, in pieces of `STEP` bytes at most.

        Raises:
            MalformedError: it is nothing that zstd packs, needs a larger window,
                becomes larger than it may, or something follows its end.
        """
        unpacker = self._unpacker
        while not unpacker.eof:
            try:
                plain = unpacker.decompress(data, max_length=STEP)
            except zstd.ZstdError:
                raise MalformedError(
                    "packed answer", Phrase("not packed as agreed")
                ) from None
            self._left -= len(plain)
            if self._left < 0:
                raise MalformedError(
                    "packed answer", Phrase("larger than it may become")
                )
            data = b""
            if plain:
                yield plain
            if unpacker.needs_input:
                return
        if data or unpacker.unused_data:
            raise MalformedError("packed answer", Phrase("something follows its end"))
