# SPDX-License-Identifier: Apache-2.0
"""No media bytes, ever: find pictures, videos and archives that hide in fields.

A case names media by digest and reference. What comes in or goes out is searched
here, at every border and in every field, for the first bytes of files
(`media_magic`), plain or in any of the ways in which bytes are written as text
(`media_spellings`), at any place of a text, broken up by blanks and marks, and torn
into pieces over the items of a list or the fields of a document. Every data-URI is
refused. The finding says where and what, never the bytes themselves.

It looks for files as they are. What somebody compresses or encrypts first, strips of
its first bytes, writes backwards or in an alphabet of their own is not recognised, so
the length of every field is limited as well.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

import msgspec

from fedsafe_policies.escalation.media_magic import kind_in, kind_in_key, sure_kind_in
from fedsafe_policies.escalation.media_spellings import (
    base32,
    base64_and_hex,
    base85,
    escaped,
)

_TORN: Final = (
    ("JPEG", re.compile("\ufffd\ufffd\ufffd[\ufffd\\x00-\\x1f]")),
    ("PNG", re.compile("[\ufffd?]PNG\r?\n")),
)
"""What is left of a file that was read as text and lost its bytes above 127."""

_DATA_URI: Final = re.compile(
    r"data:\s*(?:(?:image|video|audio|font)/|application/(?!json)|[^,\s]{0,200};\s*base64)",
    re.IGNORECASE,
)
_BLANKS: Final = re.compile(rb"[\s\x00]+|\\[rnt]")
_MARKS: Final = re.compile(rb"[\s\x00:;,.|]+|\\[rntx]|0x")
_NO_LETTERS: Final = re.compile(rb"[^A-Za-z0-9+/]+")
_UNSEEN: Final = re.compile("[\t\r\n\xad\u200b-\u200f\u2060-\u2064\ufeff]+")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_SURE_TEXT: Final = 16
"""How many bytes of text in a row are no chance."""

_PIECE: Final = re.compile(r"\s*[A-Za-z0-9+/=_-]{1,64}\s*")
_DIGEST: Final = re.compile(r"[0-9a-f]{16,128}")
_APART: Final = b"\x55" * 8
"""What stands between guesses that are searched at once."""

_INDEX: Final = re.compile(r"\[\d+\]")
"""A text of letters without blanks may be a piece; a digest is whole."""


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
    pieces: dict[str, list[str]] = {path: []}
    for place, leaf in _leaves(value, path):
        kind = _kind_of(leaf)
        if kind is not None:
            return MediaFound(place, kind)
        if isinstance(leaf, str) and _is_piece(place, leaf):
            field = _INDEX.sub("[]", place)
            for group in {path, field}:
                pieces.setdefault(group, []).append(leaf.strip())
    for field, cut in pieces.items():
        kind = _encoded_in("".join(cut).encode()) if len(cut) > 1 else None
        if kind is not None:
            return MediaFound(field.replace("[]", "[0]"), kind)
    return None


def _is_piece(place: str, leaf: str) -> bool:
    """Tell whether a text may be one of several that a file was cut into."""
    if place.endswith("(key)") or _DIGEST.fullmatch(leaf):
        return False
    return _PIECE.fullmatch(leaf) is not None


def _leaves(value: object, path: str) -> Iterator[tuple[str, str | bytes]]:
    """Walk in order and without recursion: how deep it is nested is the sender's."""
    waiting: list[tuple[str, Any]] = [(path, value)]
    while waiting:
        place, found = waiting.pop()
        if isinstance(found, str | bytes | bytearray | memoryview):
            yield place, found if isinstance(found, str) else bytes(found)
        elif isinstance(found, dict):
            inner: list[tuple[str, Any]] = []
            for key, each in found.items():
                if isinstance(key, str | bytes):
                    yield f"{place}.(key)", key
                name = key if isinstance(key, str) and key.isidentifier() else "(key)"
                inner.append((f"{place}.{name}".lstrip("."), each))
            waiting += reversed(inner)
        elif isinstance(found, list | tuple | set | frozenset):
            inner = [(f"{place}[{n}]", each) for n, each in enumerate(found)]
            waiting += reversed(inner)


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
        kind = kind_in(spelling) or _encoded_in(spelling) or _spelt_in(spelling)
        if kind is not None:
            return kind
    return None


def _encoded_in(written: bytes, *, again: bool = True) -> str | None:
    """Search what a text says in base64 or hexadecimal, broken up or not."""
    joined, bare = _BLANKS.sub(b"", written), _MARKS.sub(b"", written)
    letters = _NO_LETTERS.sub(b"", written)
    for spelling in dict.fromkeys((written, joined, bare, letters)):
        guesses = list(base64_and_hex(spelling.translate(_URL_SAFE)))
        kind = kind_in(_APART.join(guesses))
        if kind is not None:
            return kind
        texts = (each for each in guesses if again and each[:_SURE_TEXT].isascii())
        for text in texts:
            kind = _encoded_in(text, again=False) or _spelt_in(text)
            if kind is not None:
                return kind
    return None


def _spelt_in(written: bytes) -> str | None:
    """Search what a text says in the rarer spellings, for what is sure."""
    joined = _BLANKS.sub(b"", written)
    guesses = [
        guess
        for spelling in dict.fromkeys((written, joined, _MARKS.sub(b"", written)))
        for guess in (*base32(spelling), *base85(spelling))
    ]
    undone = list(escaped(written))
    bare = [_BLANKS.sub(b"", each) for each in undone]
    return kind_in(_APART.join(undone)) or sure_kind_in(_APART.join(guesses + bare))


# Public keys as partners send them: the bytes in the armor, and what stands around.
#
# The bytes of a key are random, and their base64 read from a wrong letter on is random
# once more: one in some thousands seems to hold the first bytes of a film. So they are
# searched as the bytes that they are, for what is no chance; all that is written around
# them is searched as every other text.

_LINES: Final = r"(?P<body>(?:[A-Za-z0-9+/]+={0,2}\r?\n)+)"
_ARMORS: Final = (
    re.compile(
        r"\s*-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n"
        r"(?:[A-Za-z]+: [^\r\n]*\r?\n)*\r?\n"
        rf"{_LINES}(?:=[A-Za-z0-9+/]{{4}}\r?\n)?-----END PGP PUBLIC KEY BLOCK-----\s*"
    ),
    re.compile(
        rf"\s*-----BEGIN CERTIFICATE-----\r?\n{_LINES}-----END CERTIFICATE-----\s*"
    ),
    re.compile(rf"fedsafe-partner-public-v1\r?\n{_LINES}"),
)
_WORDS: Final = re.compile(rb"[\t\r\n\x20-\x7e]{16,}")
"""Text in a key, such as whose it is."""


def beside_key(text: str) -> tuple[str, bytes]:
    """Part what is written around a key from its bytes.

    What is not one whole key, with nothing between its lines, has no bytes: all of it
    is text.
    """
    for armor in _ARMORS:
        found = armor.fullmatch(text)
        if found is None:
            continue
        try:
            body = binascii.a2b_base64("".join(found["body"].split()), strict_mode=True)
        except binascii.Error:
            break
        return text[: found.start("body")] + text[found.end("body") :], body
    return text, b""


def media_in_key(body: bytes, path: str) -> MediaFound | None:
    """Search the bytes of a key for a file, such as the picture of whose it is."""
    kind = kind_in_key(body)
    if kind is not None:
        return MediaFound(path, kind)
    words = (each.decode() for each in _WORDS.findall(body))
    return next(filter(None, (find_media(each, path) for each in words)), None)
