# SPDX-License-Identifier: Apache-2.0
"""No media bytes, ever: find pictures, videos and archives that hide in fields.

A case names media by digest and reference. What comes in or goes out is searched
here, at every border and in every field: the first bytes of JPEG, PNG, GIF, WebP,
HEIC, JPEG XL, JPEG 2000, TIFF, MP4, QuickTime, WebM, AVI, FLV, WMV, MPEG, WAV, OGG,
MP3, PDF, ZIP, RAR, 7z and gzip, plain, in base64 (once or twice) or hexadecimal at any
place of a text, and every data-URI. The finding says where and what, never the bytes
themselves.

It looks for files as they are. What somebody compresses or encrypts first is not
recognised, so the length of every field is limited as well.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

import msgspec

_MAGIC: Final = (
    ("JPEG", re.compile(rb"\xff\xd8\xff[\xc0-\xfe]")),
    ("PNG", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("WebP", re.compile(rb"RIFF.{4}WEBP", re.DOTALL)),
    ("AVI", re.compile(rb"RIFF.{4}AVI ", re.DOTALL)),
    ("HEIC", re.compile(rb"ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1|avi[fs])")),
    ("MP4", re.compile(rb"\x00.{3}ftyp[\x20-\x7e]{4}", re.DOTALL)),
    ("WebM", re.compile(rb"\x1a\x45\xdf\xa3")),
    ("ZIP", re.compile(rb"PK(?:\x03\x04|\x05\x06|\x07\x08)")),
    ("JXL", re.compile(rb"\x00\x00\x00\x0c(?:JXL |jP  )\r\n\x87\n")),
    ("TIFF", re.compile(rb"II\*\x00|MM\x00\*")),
    ("QuickTime", re.compile(rb"\x00.{3}(?:wide|moov|mdat)", re.DOTALL)),
    ("FLV", re.compile(rb"FLV\x01[\x01\x04\x05]")),
    ("WMV", re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11")),
    ("MPEG", re.compile(rb"\x00\x00\x01[\xb3\xba]")),
    ("WAV", re.compile(rb"RIFF.{4}WAVE", re.DOTALL)),
    ("OGG", re.compile(rb"OggS\x00")),
    ("MP3", re.compile(rb"ID3[\x02-\x04]\x00")),
    ("PDF", re.compile(rb"%PDF-\d")),
    ("RAR", re.compile(rb"Rar!\x1a\x07")),
    ("7z", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("gzip", re.compile(rb"\x1f\x8b\x08[\x00-\x1f]")),
)
"""What a file of each kind begins with; searched at any place, not only the first."""

_TORN: Final = (
    ("JPEG", re.compile("\ufffd\ufffd\ufffd[\ufffd\\x00-\\x1f]")),
    ("PNG", re.compile("[\ufffd?]PNG\r?\n")),
)
"""What is left of a file that was read as text and lost its bytes above 127."""

_DATA_URI: Final = re.compile(
    r"data:\s*(?:(?:image|video|audio|font)/|application/(?!json)|[^,\s]{0,200};\s*base64)",
    re.IGNORECASE,
)
_BASE64_RUN: Final = re.compile(rb"[A-Za-z0-9+/]{8,}")
_HEX_RUN: Final = re.compile(rb"[0-9A-Fa-f]+")
_BLANKS: Final = re.compile(rb"[\s\x00]+|\\[rnt]")
_MARKS: Final = re.compile(rb"[\s\x00:;,.|]+|\\[rntx]|0x")
_UNSEEN: Final = re.compile("[\t\r\n\xad\u200b-\u200f\u2060-\u2064\ufeff]+")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_LONGEST_DIGEST: Final = 128
"""How many hexadecimal digits a digest has at most; a file has more."""

_ALIGNMENTS: Final = 4
_SURE: Final = 16
"""How many bytes of text in a row are no chance."""


@dataclass(frozen=True, slots=True)
class MediaFound:
    """Where media bytes were found, and of which kind."""

    path: str
    kind: str


def find_media(value: object, path: str = "") -> MediaFound | None:
    """Search a value, and all that it holds, for media bytes; name the first.

    Structs, mappings, sequences, texts and bytes are searched, keys too; `path` is
    where the value itself stands.
    """
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    for place, leaf in _leaves(value, path):
        kind = _kind_of(leaf)
        if kind is not None:
            return MediaFound(place, kind)
    return None


def _leaves(value: object, path: str) -> Iterator[tuple[str, str | bytes]]:
    """Walk without recursion: how deep a document is nested is its sender's choice."""
    waiting: list[tuple[str, Any]] = [(path, value)]
    while waiting:
        place, found = waiting.pop()
        if isinstance(found, str | bytes | bytearray | memoryview):
            yield place, found if isinstance(found, str) else bytes(found)
        elif isinstance(found, dict):
            for key, each in found.items():
                if isinstance(key, str | bytes):
                    yield f"{place}.(key)", key
                name = key if isinstance(key, str) and key.isidentifier() else "(key)"
                waiting.append((f"{place}.{name}".lstrip("."), each))
        elif isinstance(found, list | tuple | set | frozenset):
            waiting += [(f"{place}[{n}]", each) for n, each in enumerate(found)]


def _kind_of(leaf: str | bytes) -> str | None:
    if isinstance(leaf, str):
        # What a browser and a reader pass over, and letters of another width.
        seen = normalize("NFKC", _UNSEEN.sub("", leaf))
        if _DATA_URI.search(leaf) or _DATA_URI.search(seen):
            return "data-URI"
        for torn, pattern in _TORN:
            if pattern.search(leaf):
                return torn
        plain = leaf.encode("latin-1", "replace")
        written = leaf.encode("utf-8", "surrogateescape")
        plainly = seen.encode("utf-8", "surrogateescape")
        spellings = (plain, written, unquote_to_bytes(written), plainly)
    else:
        if _DATA_URI.search(leaf.decode("latin-1")):
            return "data-URI"
        spellings = (leaf, leaf, unquote_to_bytes(leaf), leaf)
    for spelling in dict.fromkeys(spellings):
        kind = _magic_in(spelling) or _encoded_in(spelling)
        if kind is not None:
            return kind
    return None


def _magic_in(found: bytes) -> str | None:
    return next((kind for kind, magic in _MAGIC if magic.search(found)), None)


def _encoded_in(written: bytes, *, again: bool = True) -> str | None:
    """Search what a text says in base64 or hexadecimal, broken up or not."""
    joined, bare = _BLANKS.sub(b"", written), _MARKS.sub(b"", written)
    for spelling in dict.fromkeys((written, joined, bare)):
        for decoded in _decoded(spelling.translate(_URL_SAFE)):
            kind = _magic_in(decoded)
            if kind is None and again and decoded[:_SURE].isascii():
                kind = _encoded_in(decoded, again=False)
            if kind is not None:
                return kind
    return None


def _decoded(text: bytes) -> Iterator[bytes]:
    for run in _BASE64_RUN.finditer(text):
        letters = run[0]
        for start in range(_ALIGNMENTS):
            shifted = letters[start:]
            yield binascii.a2b_base64(shifted[: len(shifted) // 4 * 4])
    for run in _HEX_RUN.finditer(text):
        if len(run[0]) > _LONGEST_DIGEST:
            for start in range(2):
                digits = run[0][start:].decode()
                yield bytes.fromhex(digits[: len(digits) // 2 * 2])
