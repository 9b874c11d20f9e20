# SPDX-License-Identifier: Apache-2.0
"""Statements of the store as PostgreSQL takes them, each read once.

The driver's own placeholders are `$1`, `$2`; ours are `?`, or `?1` for one that is
used twice.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

_MARK: Final = re.compile(r"'[^']*'|\?(\d*)")
_PLAIN: Final = re.compile(
    r"\s*INSERT INTO (?P<table>\w+) \((?P<columns>[\w, ]+)\) VALUES \([?, ]+\)\s*"
)
_READS: Final = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_GIVES: Final = re.compile(r"\A\s*(SELECT|WITH|FETCH)\b|\bRETURNING\b")
_CONTROLS: Final = re.compile(
    r"BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|DECLARE|FETCH|CLOSE"
)
_DOES: Final = re.compile(r"\b(erase_opening|grant_opening|prune_log|extend_logs)\(")
_LOGS: Final = re.compile(r"\b(entries|openings|tile_roots)\b")
BUFFERED: Final = frozenset({"entries", "openings", "tile_roots"})


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    * `sql`: as the driver takes it;
    * `writes`: whether it may change rows;
    * `is_control`: whether it is about transactions, savepoints or cursors;
    * `gives`: whether it gives rows;
    * `sees_logs`: whether it depends on rows of the logs;
    * `table`, `columns`: where a plain insert puts its values, else empty.
    """

    sql: bytes
    writes: bool
    is_control: bool
    gives: bool
    sees_logs: bool
    table: str = ""
    columns: tuple[str, ...] = ()

    @property
    def is_buffered(self) -> bool:
        """Whether it adds rows to the logs, which wait for the end of the batch."""
        return self.table in BUFFERED


@cache
def statement_of(sql: str) -> Statement:
    """Translate a statement of the store."""
    plain = _PLAIN.fullmatch(sql)
    controls = _CONTROLS.match(sql) is not None
    does = _DOES.search(sql) is not None
    return Statement(
        sql=_numbered(sql).encode(),
        writes=does or not (controls or _READS.match(sql)),
        is_control=controls,
        gives=_GIVES.search(sql) is not None,
        sees_logs=does or _LOGS.search(sql) is not None,
        table=plain["table"] if plain else "",
        columns=tuple(re.split(r",\s*", plain["columns"])) if plain else (),
    )


def _numbered(sql: str) -> str:
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        if found[0].startswith("'"):
            return found[0]
        if found[1]:
            return f"${found[1]}"
        count += 1
        return f"${count}"

    return _MARK.sub(mark, sql)
