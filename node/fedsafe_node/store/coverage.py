# SPDX-License-Identifier: Apache-2.0
"""Which rows the seal vouches for, read off the schema itself.

Every table is covered with all of its rows and columns unless it stands in `EXEMPT`
with the reason, so a table of a later migration is covered without a word here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from zlib import crc32

import msgspec

from fedsafe_crypto.primitives.multiset import Multiset, RowHash
from fedsafe_node.store.sql import Connection

EXEMPT: Final[Mapping[str, str]] = {
    "seal": "it is the seal; each of its parts is authenticated by itself",
    "entries": "the seal holds size and root of each log, which follow from them",
    "tile_roots": "they are computed from the entries, and compared with them",
}
# Of these only some rows are covered; the reason says what vouches for the others.
PARTLY: Final[Mapping[str, tuple[str, str]]] = {
    "openings": (
        "erased_at",
        "what is not erased is sealed to its place and committed to by its entry",
    )
}
OF_LOGS: Final = ("entries", "leaf_tiles", "openings", "tile_roots")
_SHOWN: Final = 40
_encode = msgspec.msgpack.Encoder().encode
_Values = Sequence[Any]


@dataclass(frozen=True)
class Covered:
    """A table, its columns, which of them are its key, and a filter if it has one.

    Rows count that are not NULL in the column `only`.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[int, ...]
    only: str | None = None

    @cached_property
    def select(self) -> str:
        """Read all rows that count."""
        where = f" WHERE {self.only} IS NOT NULL" if self.only else ""
        cells = ", ".join(f'"{column}"' for column in self.columns)
        return f"SELECT {cells} FROM {self.name}{where}"  # noqa: S608 - our own schema

    @cached_property
    def select_others(self) -> str:
        """Read the keys of all rows that do not count."""
        where = f" WHERE {self.only} IS NULL" if self.only else " WHERE FALSE"
        cells = ", ".join(f'"{self.columns[at]}"' for at in self.key)
        return f"SELECT {cells} FROM {self.name}{where}"  # noqa: S608 - our own schema

    def sum_up(self, hash_row: RowHash, rows: Iterable[_Values]) -> Multiset:
        """Add up rows of this table, or several walks over them."""
        signed = ((1, row) for row in rows)
        return self.change(Multiset(), hash_row, signed)

    def change(
        self,
        before: Multiset,
        hash_row: RowHash,
        rows: Iterable[tuple[int, _Values]],
    ) -> Multiset:
        """Add rows (1) to a sum, or take them away (-1)."""
        name, key = self.name, self.key
        count = total = by_place = 0
        for sign, row in rows:
            hashed = sign * hash_row(_encode((name, *row)))
            count += sign
            total += hashed
            by_place += hashed * crc32(_encode([row[at] for at in key]))
        return before.with_sums(count, total, by_place)

    def key_of(self, row: _Values) -> list[Any]:
        """Return the key of a row."""
        return [row[at] for at in self.key]


def place_of(key: list[Any]) -> int:
    """Return the number of the place of a key; few share one."""
    return crc32(_encode(key))


def name_of(key: _Values) -> str:
    """Name a row by its key, as somebody finds it again."""
    return ", ".join(map(_shown, key))


def _shown(value: object) -> str:
    text = value.hex() if isinstance(value, bytes) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def covered_tables(connection: Connection) -> list[Covered]:
    """Return the tables of a database that the seal covers."""
    names = [name for name in connection.tables() if name not in EXEMPT]
    return [covered_table(connection, name) for name in names]


def covered_table(connection: Connection, name: str) -> Covered:
    """Return a table with its columns, its key and its filter."""
    found = connection.columns(name)
    columns = tuple(column for column, _ in found)
    key = tuple(at for at, (_, is_key) in enumerate(found) if is_key)
    only = PARTLY[name][0] if name in PARTLY else None
    return Covered(name, columns, key or tuple(range(len(columns))), only)


def rows_of(connection: Connection, table: Covered) -> Iterator[_Values]:
    """Walk over the rows of a table that count."""
    return connection.walk(table.select)
