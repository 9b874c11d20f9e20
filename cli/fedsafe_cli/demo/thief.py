# SPDX-License-Identifier: Apache-2.0
"""What a thief of a node's whole directory finds by reading it.

Looks for values in the spellings and encodings in which a program would keep
them. This is the cheap half of the thief test: it shows that nothing lies there
openly. That nothing can be *guessed* either is shown by `tests/`.
"""

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WINDOW: Final = 8
_SHORTEST_BASE64: Final = 12  # a shorter part of a value says little
_PART: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Loot:
    """How much was read, and how many of the persons were found in it."""

    files: int
    size: int
    found: int


def rob(directory: Path, persons: Sequence[Iterable[str]]) -> Loot:
    """Read every file of a directory and look for every spelling of every person."""
    needles: defaultdict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
    for number, spellings in enumerate(persons):
        for needle in {part for text in spellings for part in _encodings(text)}:
            if len(needle) >= _WINDOW:
                needles[needle[:_WINDOW]].append((needle, number))
    starts = np.unique(np.frombuffer(b"".join(needles), dtype=np.uint64))
    files = [path for path in sorted(directory.rglob("*")) if path.is_file()]
    found: set[int] = set()
    size = 0
    for path in files:
        content = path.read_bytes()
        size += len(content)
        for position in _candidates(content, starts):
            for needle, number in needles[content[position : position + _WINDOW]]:
                if content.startswith(needle, position):
                    found.add(number)
    return Loot(len(files), size, len(found))


def _candidates(content: bytes, starts: NDArray[np.uint64]) -> Iterator[int]:
    """Yield where one of the sorted `starts` begins, at any offset."""
    if not starts.size:
        return
    for begin in range(0, len(content), _PART):
        part = content[begin : begin + _PART + _WINDOW - 1]
        for shift in range(_WINDOW):
            count = (len(part) - shift) // _WINDOW
            if count <= 0:
                continue
            words = np.frombuffer(part, dtype=np.uint64, count=count, offset=shift)
            places = np.minimum(np.searchsorted(starts, words), starts.size - 1)
            for hit in np.flatnonzero(starts[places] == words):
                yield begin + shift + int(hit) * _WINDOW


def _encodings(value: str) -> Iterator[bytes]:
    for text in {value, value.casefold(), value.upper()}:
        raw = text.encode()
        yield raw
        yield text.encode("utf-16-le")
        yield raw.hex().encode()
        for lead in range(3):
            # base64 depends on the offset; the letters in the middle do not.
            part = base64.b64encode(b"\0" * lead + raw)[(0, 3, 4)[lead] : -4]
            if len(part) >= _SHORTEST_BASE64:
                yield part
