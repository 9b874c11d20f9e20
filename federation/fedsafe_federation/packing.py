# SPDX-License-Identifier: Apache-2.0
"""Pack and unpack bytes with zstd (RFC 8878).

What another has packed is unpacked no further than its receiver says, in a window of
1 MiB at most: a small answer cannot fill the memory. Whoever needs this module loads it
when it comes to that, since most exchanges are small and are not packed.
"""

import sys
from typing import Final

from fedsafe_federation.errors import MalformedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 1  # most of a feed is sealed: more effort would gain next to nothing
_WINDOW: Final = 20  # bits


def squeeze(first: bytes, rest: bytes) -> bytes:
    """Pack bytes so that what comes *first* is whole before the *rest* begins."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: _LEVEL,
        zstd.CompressionParameter.window_log: _WINDOW,
    }
    packer = zstd.ZstdCompressor(options=options)
    start = packer.compress(first, packer.FLUSH_BLOCK) if first else b""
    return start + packer.compress(rest, packer.FLUSH_FRAME)


def expand(data: bytes, most: int) -> tuple[bytes, bool]:
    """Unpack what was packed; say whether its end was there.

    Raises:
        MalformedError: it is nothing that zstd packs, needs a larger window, becomes
            larger than *most*, or something follows its end.
    """
    options: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _WINDOW}
    unpacker = zstd.ZstdDecompressor(options=options)
    try:
        plain = unpacker.decompress(data, max_length=most + 1)
    except zstd.ZstdError:
        raise MalformedError("packed answer", "not packed as agreed") from None
    if len(plain) > most:
        raise MalformedError("packed answer", "larger than it may become")
    if unpacker.unused_data:
        raise MalformedError("packed answer", "something follows its end")
    return plain, unpacker.eof
