# SPDX-License-Identifier: Apache-2.0
"""Runs one statement of SQLite with many sets of values.

Rows are added many to a statement. Where there is a savepoint, each statement that
fires triggers walks at its end over all that SQLite keeps to go back to it, which is a
page for each that was changed: row by row, the time would grow with the square of the
rows. And between two statements the interpreter's lock is let go: the loop would take
it each time, and the writer wait for it.
"""

import re
import sqlite3
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain, islice
from typing import Final

_TOGETHER: Final = (64, 8)  # rows that one statement adds
_FEW: Final = _TOGETHER[-1]
_ADDS_ROW: Final = re.compile(r"(INSERT .*\bVALUES )(\([?, ]+\))(.*)", re.DOTALL)


def run_many(
    raw: sqlite3.Connection, sql: str, rows: Iterable[Sequence[object]]
) -> None:
    """Run a statement, that returns nothing, with many sets of values."""
    if isinstance(rows, list) and len(rows) < _FEW:
        raw.executemany(sql, rows)
        return
    left = iter(rows)
    for many in _TOGETHER:
        together = _adding(sql, many)
        if together is None:
            break
        batch = list(islice(left, many))
        while len(batch) == many:
            raw.execute(together, tuple(chain.from_iterable(batch)))
            batch = list(islice(left, many))
        left = chain(batch, left)
    raw.executemany(sql, left)


@cache
def _adding(sql: str, many: int) -> str | None:
    """Let a statement that adds a row add many; None if it adds none."""
    found = _ADDS_ROW.fullmatch(sql)
    if found is None:
        return None
    start, row, rest = found.groups()
    return start + ", ".join([row] * many) + rest
