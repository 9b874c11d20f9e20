# SPDX-License-Identifier: Apache-2.0
"""Many documents in one piece: frames of MessagePack, packed with zstd.

A frame is a letter, a length in four bytes, and that many bytes. Frames follow each
other, and are packed together (`packing`). Of an answer that was cut off the whole
frames before the cut can still be read.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""How everything begins that is packed."""
MEDIA_TYPE: Final = "application/vnd.fedsafe.bulk"
_HEAD: Final = 5
_NEVER: Final = re.compile(r"q *= *0(\.0*)?")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame, and where it begins and ends."""

    kind: bytes
    start: int
    stop: int
    body: memoryview


def frame(kind: bytes, body: bytes) -> bytes:
    """Frame an encoded document; *kind* is one letter."""
    return kind + len(body).to_bytes(_HEAD - 1) + body


def frames(data: bytes) -> Iterator[Frame]:
    """Walk over the whole frames; a part of one behind them is left aside."""
    view, at, size = memoryview(data), 0, len(data)
    while at + _HEAD <= size:
        stop = at + _HEAD + int.from_bytes(view[at + 1 : at + _HEAD])
        if stop > size:
            return
        yield Frame(data[at : at + 1], at, stop, view[at + _HEAD : stop])
        at = stop


def wants_bulk(accept: str) -> bool:
    """Whether who sends this `Accept` header takes bulk answers."""
    for each in accept.lower().split(","):
        media, *parameters = (part.strip() for part in each.split(";"))
        if media == MEDIA_TYPE:
            return not any(_NEVER.fullmatch(part) for part in parameters)
    return False
