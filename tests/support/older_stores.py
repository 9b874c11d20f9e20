# SPDX-License-Identifier: Apache-2.0
"""Databases as far as an older version had come, and what roles wrote."""

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.databases import ClosedBehind

from fedsafe_node.store.casework_rows import DispatchRow
from fedsafe_node.store.schema import MIGRATIONS, migrate


def open_database(path: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, factory=ClosedBehind)


def migrate_until(
    name: str, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [each for each, _ in MIGRATIONS].index(name)
    with monkeypatch.context() as older:
        older.setattr("fedsafe_node.store.schema.MIGRATIONS", MIGRATIONS[:before])
        older.setattr("fedsafe_node.store.schema.VERSION", before)
        migrate(connection)


LINE = "INSERT INTO recipients VALUES (1, 'b.demo', 0, 4, 7, 'p', 'b')"


def of_then(row: DispatchRow) -> dict[str, Any]:
    """Give the columns that dispatches had before they had signatures."""
    return {k: v for k, v in msgspec.structs.asdict(row).items() if k != "signature"}


def leaves(start: int, stop: int) -> bytes:
    records = (b"\x00%d" % index for index in range(start, stop))
    return b"".join(hashlib.sha256(record).digest() for record in records)
