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
_INTO: Final = re.compile(r"\s*INSERT INTO (\w+) ")
_NAMED: Final = re.compile(r"\b(entries|openings|tile_roots|spent|touched)\b")
LOGS: Final = frozenset({"entries", "openings", "tile_roots"})
NOTED: Final = frozenset({"spent"})
WAITING: Final = LOGS | NOTED


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    * `sql`: as the driver takes it;
    * `writes`: whether it may change rows;
    * `is_control`: whether it is about transactions, savepoints or cursors;
    * `gives`: whether it gives rows;
    * `sees`: the tables on which it depends, of those whose rows wait;
    * `into`: the table to which it adds rows and gives none;
    * `table`, `columns`: where a plain insert puts its values, else empty.
    """

    sql: bytes
    writes: bool
    is_control: bool
    gives: bool
    sees: frozenset[str]
    into: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()

    @property
    def is_buffered(self) -> bool:
        """Whether it adds rows that nothing refuses, and that can wait."""
        return self.into in WAITING


@cache
def statement_of(sql: str) -> Statement:
    """Translate a statement of the store."""
    plain = _PLAIN.fullmatch(sql)
    controls = _CONTROLS.match(sql) is not None
    does = _DOES.search(sql) is not None
    gives = _GIVES.search(sql) is not None
    into = None if gives else _INTO.match(sql)
    return Statement(
        sql=_numbered(sql).encode(),
        writes=does or not (controls or _READS.match(sql)),
        is_control=controls,
        gives=gives,
        sees=_seen(sql, does=does),
        into=into[1] if into else "",
        table=plain["table"] if plain else "",
        columns=tuple(re.split(r",\s*", plain["columns"])) if plain else (),
    )


def _seen(sql: str, *, does: bool) -> frozenset[str]:
    named = set(_NAMED.findall(sql))
    logs = LOGS if does or named & LOGS else frozenset[str]()
    # Who reads what was noted of rows depends on those rows.
    return logs | (NOTED if named - LOGS else frozenset())


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
