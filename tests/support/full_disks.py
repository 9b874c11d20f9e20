# SPDX-License-Identifier: Apache-2.0
"""A disk that has no room left."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

_BALLAST: Final = bytes(1 << 16)


@contextmanager
def filled(directory: Path) -> Iterator[None]:
    """Leave no room on the disk that a directory lies on, as long as this lasts."""
    ballast = directory / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(_BALLAST)
    try:
        yield
    finally:
        ballast.unlink()
