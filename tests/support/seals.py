# SPDX-License-Identifier: Apache-2.0
"""What lies around a sealed database in a test: files, marks, no logs."""

from datetime import UTC, datetime
from typing import Final

from fedsafe_node.store.sealed_parts import SealKey

KEY: Final = SealKey(bytes(32))
MONTH: Final = "periods/2026-11.key"


class ClockOfMonth:
    """A clock that stands in the month whose key lies around."""

    def now(self) -> datetime:
        return datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Around:
    """What lies around a database: here, files and marks that a test sets."""

    def __init__(self, key: SealKey = KEY) -> None:
        self.key = key
        self.was_sealed = False
        self.begun = 0
        self.files: dict[str, bytes] = {MONTH: b"0"}
        self.sizes: dict[str, int] = {}

    def begin_sealing(self) -> None:
        self.begun += 1

    def end_sealing(self) -> None:
        self.was_sealed = True

    def digests(self) -> dict[str, bytes]:
        return dict(self.files)

    def news(self, sealed: object, destroyed: object) -> dict[str, bytes]:
        del sealed, destroyed
        return dict(self.files)

    def marks(self) -> dict[str, int]:
        return dict(self.sizes)


class NoLogs:
    """Logs that never grow."""

    def grown(self, sealed: object) -> dict[str, tuple[int, bytes]]:
        del sealed
        return {}

    def vouch(self, sealed: object) -> None:
        pass

    def tail(self, rows: object, log: str) -> object:
        raise AssertionError((rows, log))
