# SPDX-License-Identifier: Apache-2.0
"""One immutable sorted file of tokens, read in place.

A segment holds the tokens of a range of rows, sorted, in columns of the machine's
byte order (little-endian wherever FedSafe is known to run; another order reads
as a foreign file and is rebuilt)::

    header     128 bytes, see `Header`
    high       u64 x count   the first 8 bytes of each token, as a number
    low        u64 x count   the last 8 bytes
    row        u32 x count   the row that carries the token, padded to 8 bytes
    directory  u32 x (2^bits + 1)  where each prefix of `bits` bits begins

`Segment` checks header, size and the directory's ends and touches no more pages
than these. What bits may have rotted inside is found by `Segment.verify`, which the
index calls once when it opens; after that a damaged directory makes a read raise,
never answer from outside a column.
Reads take the standard library only.
"""

import os
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from hashlib import sha256
from mmap import ACCESS_READ, mmap
from pathlib import Path
from struct import Struct
from typing import Final, Self

from fedsafe_node.ground.errors import CorruptIndexError
from fedsafe_node.ground.process_memory import unlock
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

TOKEN_BYTES: Final = 16
MAX_ROW: Final = 2**32 - 1
HEADER_BYTES: Final = 128
MAX_BITS: Final = 28

# Read as a number in the machine's order: a foreign order is another magic.
_MAGIC: Final = int.from_bytes(b"FSTOKENS", "little")
_VERSION: Final = 1
_FIELDS: Final = Struct("=QII QQQ 16s 32s")
_SEAL_BYTES: Final = 16
_TOKEN: Final = Struct(">QQ")


@dataclass(frozen=True, slots=True)
class Header:
    """What a segment says of itself.

    It holds exactly the rows in (`after`, `through`] that had a token; `store`
    names the database that the rows belong to; `digest` is BLAKE3 over all that
    follows the header.
    """

    bits: int
    count: int
    after: int
    through: int
    store: bytes
    digest: bytes

    def encode(self) -> bytes:
        """Write the header, sealed by the first half of its own SHA-256."""
        numbers = (self.bits, self.count, self.after, self.through)
        fields = _FIELDS.pack(_MAGIC, _VERSION, *numbers, self.store, self.digest)
        body = fields.ljust(HEADER_BYTES - _SEAL_BYTES, b"\0")
        return body + sha256(body).digest()[:_SEAL_BYTES]

    @classmethod
    def decode(cls, path: Path, data: bytes) -> Self:
        """Read a header.

        Raises:
            CorruptIndexError: it is none of this version, or damaged.
        """
        body, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
        if len(data) != HEADER_BYTES or sha256(body).digest()[:_SEAL_BYTES] != seal:
            raise CorruptIndexError(str(path), Phrase("the header is damaged"))
        magic, version, *numbers, store, digest = _FIELDS.unpack_from(body)
        if (magic, version) != (_MAGIC, _VERSION):
            raise CorruptIndexError(str(path), Phrase("another format or version"))
        bits, count, after, through = numbers
        if bits > MAX_BITS or count > MAX_ROW or not after <= through <= MAX_ROW:
            raise CorruptIndexError(
                str(path), Phrase("the header's numbers do not add up")
            )
        return cls(bits, count, after, through, store, digest)


def row_padding(count: int) -> int:
    """Return how many bytes fill the row column up to a multiple of eight."""
    return count % 2 * 4


def file_size(header: Header) -> int:
    """Return how long the file of this header is."""
    columns = header.count * 20 + row_padding(header.count)
    return HEADER_BYTES + columns + 4 * ((1 << header.bits) + 1)


class Segment:
    """An open segment; it never changes, so any thread may read it.

    The mapping lives until the last reader lets go of the segment, also after
    its file has been replaced or removed.
    """

    __slots__ = ("_shift", "directory", "header", "high", "low", "path", "row", "size")

    def __init__(self, path: Path) -> None:
        """Map `path` and check header, size and the directory's ends.

        Raises:
            CorruptIndexError: it can't be read, or is no whole segment.
        """
        self.path: Final = path
        try:
            with path.open("rb") as file:
                self.header: Final = Header.decode(path, file.read(HEADER_BYTES))
                self.size: Final = os.fstat(file.fileno()).st_size
                if self.size != file_size(self.header):
                    raise CorruptIndexError(str(path), Phrase("the file is torn"))
                view = memoryview(mmap(file.fileno(), 0, access=ACCESS_READ))
                unlock(view)
        except OSError as problem:
            raise CorruptIndexError(str(path), reason_of(problem)) from None
        count, at = self.header.count, HEADER_BYTES
        self.high: Final = view[at : at + 8 * count].cast("Q")
        self.low: Final = view[at + 8 * count : at + 16 * count].cast("Q")
        self.row: Final = view[at + 16 * count : at + 20 * count].cast("I")
        self.directory: Final = view[at + 20 * count + row_padding(count) :].cast("I")
        self._shift = 64 - self.header.bits
        if self.directory[0] != 0 or self.directory[-1] != count:
            raise CorruptIndexError(str(path), Phrase("the directory is damaged"))

    def __len__(self) -> int:
        """Count the tokens."""
        return self.header.count

    def __repr__(self) -> str:
        """Show the range of rows, no token."""
        header = self.header
        return f"<Segment rows {header.after}..{header.through}, {header.count} tokens>"

    def find(self, token: bytes) -> tuple[int, ...]:
        """Return the rows that carry `token`, ascending.

        Raises:
            CorruptIndexError: the directory points outside the columns.
        """
        high, low = _TOKEN.unpack(token)
        bucket = high >> self._shift
        numbers = self.high
        try:
            end = self.directory[bucket + 1]
            at = bisect_left(numbers, high, self.directory[bucket], end)
            if at == end or numbers[at] != high:
                return ()
            if at + 1 == end or numbers[at + 1] != high:
                return (self.row[at],) if self.low[at] == low else ()
            # Whoever grinds equal halves must not make reads slow.
            end = bisect_right(numbers, high, at, end)
            first = bisect_left(self.low, low, at, end)
            return tuple(self.row[first : bisect_right(self.low, low, first, end)])
        except IndexError:
            raise CorruptIndexError(
                str(self.path), Phrase("misleading directory")
            ) from None

    def verify(self) -> None:
        """Read the whole file and compare its digest.

        Raises:
            CorruptIndexError: a byte is not as it was written.
        """
        from blake3 import blake3  # noqa: PLC0415 - a point read does not need it

        digest = blake3()
        columns = (self.high, self.low, self.row)
        for column in columns:
            digest.update(column.cast("B"))
        digest.update(bytes(row_padding(len(self))))
        digest.update(self.directory.cast("B"))
        if digest.digest() != self.header.digest:
            raise CorruptIndexError(str(self.path), Phrase("the digest does not match"))
