# SPDX-License-Identifier: Apache-2.0
"""First bytes of files, and ways to write them."""

import base64
import quopri
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_from_bytes

TAIL: Final = bytes(range(64))
FILES: Final = {
    "JPEG": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + TAIL,
    "BMP": b"BM\x9a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28" + bytes(70),
    "PNG": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + TAIL,
    "GIF": b"GIF89a\x01\x00\x01\x00" + TAIL,
    "WebP": b"RIFF\x24\x00\x00\x00WEBPVP8 " + TAIL,
    "HEIC": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00" + TAIL,
    "MP4": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00" + TAIL,
    "WebM": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81" + TAIL,
    "AVI": b"RIFF\x24\x00\x00\x00AVI LIST" + TAIL,
    "ZIP": b"PK\x03\x04\x14\x00\x00\x00" + TAIL,
}
WAYS: Final[dict[str, Callable[[bytes], str]]] = {
    "plain": lambda data: data.decode("latin-1"),
    "surrogates": lambda data: data.decode("utf-8", "surrogateescape"),
    "base64": lambda data: base64.b64encode(data).decode(),
    "url_safe": lambda data: base64.urlsafe_b64encode(data).decode().rstrip("="),
    "mime_lines": lambda data: base64.encodebytes(data).decode(),
    "spaced": lambda data: " ".join(base64.b64encode(data).decode()),
    "in_a_sentence": lambda d: f"siehe abc{base64.b64encode(d).decode()} und mehr",
    "data_uri": lambda d: f"data:image/x;base64,{base64.b64encode(d).decode()}",
    "bare_data_uri": lambda d: (
        f"<img src='DATA:;base64,{base64.b64encode(d).decode()}'>"
    ),
    "percent": quote_from_bytes,
    "hexadecimal": lambda data: data.hex(),
    "base32": lambda data: base64.b32encode(data).decode(),
    "base32_in_lower_case": lambda d: f"ab{base64.b32encode(d).decode().lower()}",
    "base32_in_groups": lambda d: _in_pieces(base64.b32encode(d).decode(), " "),
    "ascii85": lambda data: base64.a85encode(data).decode(),
    "adobe_ascii85": lambda data: base64.a85encode(data, adobe=True).decode(),
    "base85": lambda data: f"siehe {base64.b85encode(data).decode()}",
    "quoted_printable": lambda data: quopri.encodestring(data).decode("latin-1"),
    "escapes": lambda data: repr(data)[2:-1],
    "unicode_escapes": lambda d: "".join(f"\\u00{byte:02x}" for byte in d),
    "entities": lambda data: "".join(f"&#{byte};" for byte in data),
    "hexadecimal_entities": lambda d: "".join(f"&#x{byte:X};" for byte in d),
    "numbers": lambda data: ", ".join(map(str, data)),
    "small_pieces": lambda d: _in_pieces(base64.b64encode(d).decode(), "-"),
    "pieces_in_brackets": lambda d: _in_pieces(base64.b64encode(d).decode(), ") ("),
}


def _in_pieces(text: str, mark: str, length: int = 5) -> str:
    return mark.join(text[at : at + length] for at in range(0, len(text), length))
