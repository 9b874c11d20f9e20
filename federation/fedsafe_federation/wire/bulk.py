# SPDX-License-Identifier: Apache-2.0
"""Many documents in one piece: frames of MessagePack, packed with zstd.

A frame is a letter, a length in four bytes, and that many bytes. Frames follow each
other, and are packed together (`compression`). They are read as they come, so that of
an answer that was cut off the whole frames before the cut are known.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_policies.ground.catalogue import Phrase

MAGIC: Final = b"\x28\xb5\x2f\xfd"
"""How everything begins that is packed."""
MEDIA_TYPE: Final = "application/vnd.fedsafe.bulk"
_HEAD: Final = 5
_NEVER: Final = re.compile(r"q *= *0(\.0*)?")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: its letter, all of its bytes, and the document in it.

    Its bytes are there until the next one is asked for.
    """

    kind: bytes
    whole: memoryview
    body: memoryview


def frame(kind: bytes, body: bytes) -> bytes:
    """Frame an encoded document; *kind* is one letter."""
    return kind + len(body).to_bytes(_HEAD - 1) + body


class Frames:
    """Cuts a stream into its frames.

    *longest* says how many bytes the body of each kind may have: one that is longer, or
    of another kind, is refused by its head.

    State: the bytes of the frame that is not whole yet.
    """

    def __init__(self, longest: Mapping[bytes, int]) -> None:
        self._longest = longest
        self._held = bytearray()

    @property
    def is_between(self) -> bool:
        """Whether no frame is cut off by the end of what was taken."""
        return not self._held

    def take(self, data: bytes) -> Iterator[Frame]:
        """Give the frames that are whole by now; take all before more is given.

        Raises:
            MalformedError: a frame of no known kind, or a longer one than may be.
        """
        held = self._held
        held += data
        while len(held) >= _HEAD:
            kind = bytes(held[:1])
            if kind not in self._longest:
                raise MalformedError("frame", Phrase("out of order"))
            stop = _HEAD + int.from_bytes(held[1:_HEAD])
            if stop - _HEAD > self._longest[kind]:
                raise MalformedError("frame", Phrase("longer than it may be"))
            if stop > len(held):
                return
            with memoryview(held) as view, view[:stop] as whole, whole[_HEAD:] as body:
                yield Frame(kind, whole, body)
            del held[:stop]


def wants_bulk(accept: str) -> bool:
    """Whether who sends this `Accept` header takes bulk answers."""
    for each in accept.lower().split(","):
        media, *parameters = (part.strip() for part in each.split(";"))
        if media == MEDIA_TYPE:
            return not any(_NEVER.fullmatch(part) for part in parameters)
    return False
