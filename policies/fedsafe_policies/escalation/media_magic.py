# SPDX-License-Identifier: Apache-2.0
"""What files of each kind begin with.

`SURE` begins so rarely by chance that it is looked for in whatever a text may be
decoded to; the others are short, and looked for where somebody encodes bytes.
"""

import re
from typing import Final

Magic = tuple[str, re.Pattern[bytes]]


def _magic(*table: tuple[str, bytes]) -> tuple[Magic, ...]:
    return tuple((kind, re.compile(begins, re.DOTALL)) for kind, begins in table)


SURE: Final = _magic(
    ("JPEG", rb"\xff\xd8\xff[\xc0-\xfe].{2}(?:JFIF|Exif|ICC_|Adobe|Ducky)"),
    ("JPEG", rb"\xff\xd8\xff\xdb\x00[\x43\x84]\x00"),
    ("PNG", rb"\x89PNG\r?\n\x1a\r?\n"),
    ("GIF", rb"GIF8[79]a"),
    ("WebP", rb"RIFF.{4}WEBP"),
    ("AVI", rb"RIFF.{4}AVI "),
    ("WAV", rb"RIFF.{4}WAVE"),
    ("HEIC", rb"ftyp(?:hei[cxms]|hev[cxms]|mif1|msf1|avi[fs])"),
    ("MP4", rb"\x00.{3}ftyp[\x20-\x7e]{4}"),
    ("WebM", rb"\x1a\x45\xdf\xa3"),
    ("ZIP", rb"PK(?:\x03\x04|\x05\x06|\x07\x08)"),
    ("JXL", rb"\x00\x00\x00\x0c(?:JXL |jP  )\r\n\x87\n"),
    ("QuickTime", rb"\x00.{3}(?:wide|moov|mdat)"),
    ("FLV", rb"FLV\x01[\x01\x04\x05]"),
    ("WMV", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"),
    ("OGG", rb"OggS\x00"),
    ("PDF", rb"%PDF-\d"),
    ("RAR", rb"Rar!\x1a\x07"),
    ("7z", rb"7z\xbc\xaf\x27\x1c"),
    ("gzip", rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]"),
    ("BMP", rb"BM.{4}\x00{4}.{2}\x00\x00[\x0c\x28\x34\x38\x40\x6c\x7c]\x00{3}"),
    ("ICO", rb"\x00\x00[\x01\x02]\x00[\x01-\x40]\x00.{2}.\x00.{4}.{4}.{2}\x00\x00"),
    ("PSD", rb"8BPS\x00[\x01\x02]\x00{6}"),
    ("FLAC", rb"fLaC[\x00\x80]\x00\x00\x22"),
    ("AMR", rb"#!AMR(?:-WB)?\n"),
    ("bzip2", rb"BZh[1-9]1AY&SY"),
    ("xz", rb"\xfd7zXZ\x00"),
    ("zstd", rb"\x28\xb5\x2f\xfd"),
    ("tar", rb"ustar(?:\x0000|  \x00)"),
    ("CAB", rb"MSCF\x00{4}"),
    ("OLE", rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("EMF", rb"\x01\x00\x00\x00.{36} EMF"),
    ("DICOM", rb"\x00{16}DICM"),
    ("DjVu", rb"AT&TFORM"),
)
"""At least about thirty-two bits, at any place."""

_BARE_JPEG: Final = _magic(("JPEG", rb"\xff\xd8\xff[\xc0-\xfe]"))
SHORT: Final = (
    *_BARE_JPEG,
    *_magic(
        ("TIFF", rb"II\*\x00|MM\x00\*"),
        ("MPEG", rb"\x00\x00\x01[\xb3\xba]"),
        ("MP3", rb"ID3[\x02-\x04]\x00"),
        ("gzip", rb"\x1f\x8b\x08[\x00-\x1f]"),
    ),
)
"""Fewer bits, but of bytes that no text has."""


_ALL: Final = (*SURE, *SHORT)
_IN_KEYS: Final = (*SURE, *_BARE_JPEG)
_NEEDLES: Final = (
    *(
        b"\xff\xd8\xff",
        b"PNG\r",
        b"PNG\n",
        b"GIF8",
        b"RIFF",
        b"ftyp",
        b"\x1a\x45\xdf\xa3",
    ),
    *(b"PK\x03", b"PK\x05", b"PK\x07", b"\x00\x00\x00\x0cJ", b"wide", b"moov", b"mdat"),
    *(b"FLV\x01", b"\x30\x26\xb2\x75", b"OggS", b"%PDF", b"Rar!", b"7z\xbc\xaf"),
    *(
        b"\x1f\x8b\x08",
        b"BM",
        b"\x00\x00\x01\x00",
        b"\x00\x00\x02\x00",
        b"8BPS",
        b"fLaC",
    ),
    *(
        b"#!AM",
        b"BZh",
        b"\xfd7zX",
        b"\x28\xb5\x2f\xfd",
        b"ustar",
        b"MSCF",
        b"\xd0\xcf\x11",
    ),
    *(
        b" EMF",
        b"DICM",
        b"AT&T",
        b"II*\x00",
        b"MM\x00*",
        b"\x00\x00\x01\xb3",
        b"\x00\x00\x01\xba",
    ),
    b"ID3",
)
"""A part of every beginning: without one of these, no pattern is tried."""


def kind_in(found: bytes) -> str | None:
    """Name the kind of a file that begins anywhere in `found`."""
    return _kind(found, _ALL)


def sure_kind_in(found: bytes) -> str | None:
    """Name the kind of a file of `SURE` that begins anywhere in `found`."""
    return _kind(found, SURE)


def kind_in_key(found: bytes) -> str | None:
    """Name the kind of a file that begins in the bytes of a key, and is no chance.

    A key may hold a picture of whose it is; short beginnings of all else meet in it.
    """
    return _kind(found, _IN_KEYS)


def _kind(found: bytes, table: tuple[Magic, ...]) -> str | None:
    for needle in _NEEDLES:  # a loop: it runs for every guess at what a text says
        if needle in found:
            return next((kind for kind, magic in table if magic.search(found)), None)
    return None
