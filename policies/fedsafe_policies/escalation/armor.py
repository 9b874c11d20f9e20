# SPDX-License-Identifier: Apache-2.0
"""Public keys as partners send them: the bytes in the armor, and what stands around.

The bytes of a key are random, and their base64 read from a wrong letter on is random
once more: one in some thousands seems to hold the first bytes of a film. So they are
searched as the bytes that they are, for what is no chance; all that is written around
them is searched as every other text.
"""

import binascii
import re
from typing import Final

from fedsafe_policies.escalation.media_bytes import MediaFound, find_media
from fedsafe_policies.escalation.media_magic import kind_in_key

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
