# SPDX-License-Identifier: Apache-2.0
"""Look for what was erased in every file of a node's directory."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Final

from tests.support.search import Haystack

from fedsafe_node.app.container import Base
from fedsafe_node.store.reader import Reader

_PIECE: Final = 16


def sealed_in(database: Path) -> set[bytes]:
    """Give all sealed bytes that lie in any table."""
    found: set[bytes] = set()
    uri = f"file:{database}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        tables = connection.execute(
            "SELECT m.name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c "
            "WHERE m.type = 'table' AND c.name = 'sealed'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(
                f"SELECT sealed FROM {table} WHERE sealed IS NOT NULL"  # noqa: S608
            )
            found |= {sealed for (sealed,) in rows}
    return found


def pieces(sealed: set[bytes]) -> Iterator[bytes]:
    """Cut what was sealed, since a page may hold a part of it."""
    for each in sealed:
        for start in range(0, len(each) - _PIECE + 1, _PIECE):
            yield each[start : start + _PIECE]


def files_with(directory: Path, needles: list[bytes]) -> set[str]:
    """Name the files, write-ahead log and free pages included, that hold one."""
    found: set[str] = set()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and list(Haystack(path.read_bytes()).find(needles)):
            found.add(path.name)
    return found


@asynccontextmanager
async def reader_open(base: Base) -> AsyncIterator[None]:
    """Let somebody read the log, from the snapshot of now, until the end."""
    reading, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def slow(reader: Reader) -> int:
        size = await reader.log_size(base.trail.log)
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result()
        return size

    task = asyncio.create_task(base.store.scan(slow))
    await reading.wait()
    yield
    done.set()
    await task
