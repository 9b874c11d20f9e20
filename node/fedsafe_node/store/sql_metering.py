# SPDX-License-Identifier: Apache-2.0
"""The tables about evaluations: a reading and a writing half."""

from typing import Final

from fedsafe_node.store.peering_rows import LeasedRow, Side, TallyRow
from fedsafe_node.store.sql import Connection

_LEASED: Final = "SELECT side, member, purpose, hour, elements FROM leased "


def _leased(row: tuple[str, str, str, int, int]) -> LeasedRow:
    side, member, purpose, hour, elements = row
    return LeasedRow(Side(side), member, purpose, hour, elements)


class SqlMeteringReader:
    """Reads what was leased and signed."""

    _connection: Connection

    async def leased(
        self, side: Side, member: str, purpose: str, after: int
    ) -> list[LeasedRow]:
        """Return what was leased in the hours after one, oldest first."""
        where = "WHERE side = ? AND member = ? AND purpose = ? AND hour > ?"
        found = self._connection.execute(
            f"{_LEASED}{where} ORDER BY hour", (side.value, member, purpose, after)
        )
        return [_leased(row) for row in found]

    async def all_leased(self, first: int, last: int) -> list[LeasedRow]:
        """Return what was leased from the first hour to the last, of everybody."""
        found = self._connection.execute(
            _LEASED + "WHERE hour BETWEEN ? AND ? ORDER BY side, member, purpose, hour",
            (first, last),
        )
        return [_leased(row) for row in found]

    async def tallies(self, first: int) -> list[TallyRow]:
        """Return the statements about a day and all after it, by author and day."""
        found = self._connection.execute(
            "SELECT author, day, statement, differs FROM tallies "
            "WHERE day >= ? ORDER BY author, day",
            (first,),
        )
        return [TallyRow(*row) for row in found]


class SqlMeteringWriter:
    """Keeps what is leased and signed."""

    _connection: Connection

    async def add_leased(self, row: LeasedRow) -> None:
        """Take elements off a budget, beside what is off it already."""
        self._connection.execute(
            "INSERT INTO leased (side, member, purpose, hour, elements) "
            "VALUES (?, ?, ?, ?, ?) ON CONFLICT (side, member, purpose, hour) "
            "DO UPDATE SET elements = leased.elements + excluded.elements",
            (row.side.value, row.member, row.purpose, row.hour, row.elements),
        )

    async def give_back(self, row: LeasedRow) -> None:
        """Put elements back that were leased and never spent.

        Raises:
            ConflictError: so many were not leased.
        """
        self._connection.execute(
            "UPDATE leased SET elements = elements - ? "
            "WHERE side = ? AND member = ? AND purpose = ? AND hour = ?",
            (row.elements, row.side.value, row.member, row.purpose, row.hour),
        )

    async def forget_leased(self, before: int) -> int:
        """Drop the hours before one; return how many rows."""
        sql = "DELETE FROM leased WHERE hour < ?"
        return self._connection.execute(sql, (before,)).rowcount

    async def put_tally(self, row: TallyRow) -> None:
        """Keep a statement; it takes the place of the author's one about that day."""
        self._connection.execute(
            "INSERT INTO tallies (author, day, statement, differs) "
            "VALUES (?, ?, ?, ?) ON CONFLICT (author, day) DO UPDATE SET "
            "statement = excluded.statement, differs = excluded.differs",
            (row.author, row.day, row.statement, row.differs),
        )

    async def forget_tallies(self, before: int) -> int:
        """Drop the statements about days before one; return how many."""
        sql = "DELETE FROM tallies WHERE day < ?"
        return self._connection.execute(sql, (before,)).rowcount
