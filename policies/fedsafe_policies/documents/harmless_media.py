# SPDX-License-Identifier: Apache-2.0
"""P17 for files: what is evidence of nothing, though somebody may list it.

Empty and trivial files, blank and two-colour pictures and system icons lie with
everybody; a signal about one of them would match half of all accounts. So do
perceptual hashes near to one of these pictures, and those that no real picture has:
PDQ sets a bit for each of 256 frequencies above their median, hence half of them, and
fewer only where frequencies are alike to the last digit (docs/reference/media.md).

The entries are those of the do-not-share lists. The origin refuses a signal about one
of them, and every receiver does again, whatever its origin thinks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.vocabulary import MediaKind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MATCH_RADIUS: Final = 31
"""Two PDQ hashes are of one picture up to this many differing bits."""

_PDQ_BYTES: Final = 32
_PDQ_BITS: Final = 8 * _PDQ_BYTES
_DIGEST_BYTES: Final[Mapping[str, tuple[MediaKind, int]]] = {
    "sha256": (MediaKind.SHA256, 32),
    "sha1": (MediaKind.SHA1, 20),
    "md5": (MediaKind.MD5, 16),
    "blake3": (MediaKind.BLAKE3, 32),
}


@dataclass(frozen=True, slots=True)
class _Span:
    """Numbers of set bits that no real picture has, both ends included."""

    least: int
    most: int
    name: str


@dataclass(frozen=True, slots=True)
class HarmlessMedia:
    """The lists about files, ready to be asked.

    `pictures` holds each PDQ entry with its list, `_columns` the same entries as four
    columns of 64 bits for numpy, which is loaded with the first picture.
    """

    files: Mapping[tuple[MediaKind, bytes], str] = field(default_factory=dict)
    spans: tuple[_Span, ...] = ()
    pictures: tuple[tuple[bytes, str], ...] = ()
    _columns: "list[NDArray[np.uint64]]" = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def find(self, kind: MediaKind, digest: bytes) -> str | None:
        """Name the list that a file's digest is on, or too near to; None for none.

        A PDQ digest is compared with numbers of set bits first, then with pictures.
        """
        if kind is not MediaKind.PDQ:
            return self.files.get((kind, digest))
        bits = int.from_bytes(digest).bit_count()
        for span in self.spans:
            if span.least <= bits <= span.most:
                return span.name
        return self._find_near(digest) if self.pictures else None

    def _find_near(self, digest: bytes) -> str | None:
        import numpy as np  # noqa: PLC0415 (slow to load)

        if not self._columns:
            entries = b"".join(entry for entry, _ in self.pictures)
            words = np.frombuffer(entries, np.uint64).reshape(-1, _PDQ_BYTES // 8)
            self._columns.append(np.ascontiguousarray(words.T))
        asked = np.frombuffer(digest, np.uint64)
        counts = np.bitwise_count(self._columns[0] ^ asked[:, np.newaxis])
        if (counts[0] + counts[1]).min() > MATCH_RADIUS:  # half of the bits rules out
            return None
        distances = counts.sum(axis=0, dtype=np.uint16)
        nearest = int(np.argmin(distances))
        found = distances[nearest] <= MATCH_RADIUS
        return self.pictures[nearest][1] if found else None


def read_harmless(
    digests: Mapping[str, Iterable[str]],
    pictures: Mapping[str, Iterable[str]],
    set_bits: Mapping[str, Iterable[str]],
) -> HarmlessMedia:
    """Read the entries of lists by name: of files, of pictures, of set bits.

    Raises:
        PolicyFileError: an entry is malformed; with the key of its list.
    """
    files: dict[tuple[MediaKind, bytes], str] = {}
    for name, entries in sorted(digests.items()):
        for entry in sorted(entries):
            files.setdefault(_read_digest(name, entry), name)
    spans = [
        _read_span(name, entry)
        for name, entries in sorted(set_bits.items())
        for entry in sorted(entries)
    ]
    near = {
        _read_hex(name, entry, _PDQ_BYTES): name
        for name, entries in sorted(pictures.items(), reverse=True)
        for entry in entries
    }
    return HarmlessMedia(files, tuple(spans), tuple(sorted(near.items())))


def _read_digest(name: str, entry: str) -> tuple[MediaKind, bytes]:
    kind, colon, text = entry.partition(":")
    if not colon or kind not in _DIGEST_BYTES:
        known = ", ".join(_DIGEST_BYTES)
        raise _bad(name, f"want KIND:DIGEST with one of {known}")
    media, size = _DIGEST_BYTES[kind]
    return media, _read_hex(name, text, size)


def _read_hex(name: str, text: str, size: int) -> bytes:
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != size or digest.hex() != text:
        raise _bad(name, f"want digests of {2 * size} lower-case hexadecimal digits")
    return digest


def _read_span(name: str, entry: str) -> _Span:
    least, dash, most = entry.partition("-")
    if not (dash and least.isdecimal() and most.isdecimal()):
        raise _bad(name, "want numbers of set bits, such as 0-100")
    span = _Span(int(least), int(most), name)
    if not span.least <= span.most <= _PDQ_BITS:
        raise _bad(name, f"want numbers from 0 to {_PDQ_BITS}, the smaller one first")
    if span.least <= _PDQ_BITS // 2 <= span.most:
        # Half of the bits is what pictures have: that would refuse them all.
        raise _bad(name, f"{_PDQ_BITS // 2} set bits is what real pictures have")
    return span


def _bad(name: str, problem: str) -> PolicyFileError:
    return PolicyFileError(problem, key=f"lists.{name}.entries")
