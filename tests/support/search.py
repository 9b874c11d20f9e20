# SPDX-License-Identifier: Apache-2.0
"""Look for thousands of byte strings at once in millions of bytes."""

import base64
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

SHORTEST: Final = 8
"""What is shorter is found by chance, so it is not looked for."""


class Haystack:
    """Bytes to search."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @cached_property
    def _windows(self) -> NDArray[np.uint64]:
        data = self._data.ljust(SHORTEST, b"\0")
        parts = [
            np.frombuffer(data, np.uint64, (len(data) - shift) // SHORTEST, shift)
            for shift in range(SHORTEST)
            if len(data) >= shift + SHORTEST
        ]
        return np.unique(np.concatenate(parts))

    def find(self, needles: Sequence[bytes]) -> Iterator[int]:
        """Give the positions of the needles that are in the haystack."""
        ends = b"".join(needle[-SHORTEST:] for needle in needles)
        wanted = np.frombuffer(ends, dtype=np.uint64)
        windows = self._windows
        places = np.minimum(np.searchsorted(windows, wanted), windows.size - 1)
        for place in map(int, np.flatnonzero(windows[places] == wanted)):
            if needles[place] in self._data:
                yield place


def encodings(secret: bytes) -> Iterator[bytes]:
    """Give the forms in which a program might write bytes down."""
    yield from _long({secret, *_texts(secret), *_printed(secret)})


def _texts(secret: bytes) -> Iterator[bytes]:
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return
    for form in {text, text.casefold(), text.upper()}:
        yield form.encode()
        yield form.encode("utf-16-le")
        yield form.encode("utf-16-be")
        yield json.dumps(form)[1:-1].encode()
        yield ascii(form)[1:-1].encode()
        yield quote(form, safe="").encode()
        yield quote(form, safe="").lower().encode()
        yield quote(form, safe="/:@").encode()
        yield from _printed(form.encode())


def _printed(secret: bytes) -> Iterator[bytes]:
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield secret.hex(":").encode()
    yield repr(secret)[2:-1].encode()
    for lead in range(3):
        # base64 depends on the offset; the letters in the middle do not.
        whole = base64.b64encode(b"\0" * lead + secret)
        middle = whole[(0, 2, 3)[lead] : len(whole) - 4]
        yield middle
        yield middle.translate(bytes.maketrans(b"+/", b"-_"))


def _long(forms: Iterable[bytes]) -> Iterator[bytes]:
    return (form for form in forms if len(form) >= SHORTEST)
