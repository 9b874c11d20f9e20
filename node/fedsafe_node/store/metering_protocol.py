# SPDX-License-Identifier: Apache-2.0
"""What a store promises about evaluations. Part of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_node.store.metering_rows import LeasedRow, Side, TallyRow


class MeteringReader(Protocol):
    """Reads what was leased and signed."""

    async def leased(
        self, side: Side, member: str, purpose: str, after: int
    ) -> list[LeasedRow]:
        """Return what was leased in the hours after one, oldest first."""
        ...

    async def all_leased(self, first: int, last: int) -> list[LeasedRow]:
        """Return what was leased from the first hour to the last, of everybody."""
        ...

    async def tallies(self, first: int) -> list[TallyRow]:
        """Return the statements about a day and all after it, by author and day."""
        ...


class MeteringWriter(Protocol):
    """Keeps what is leased and signed."""

    async def add_leased(self, row: LeasedRow) -> None:
        """Take elements off a budget, beside what is off it already."""
        ...

    async def give_back(self, row: LeasedRow) -> None:
        """Put elements back that were leased and never spent.

        Raises:
            ConflictError: so many were not leased.
        """
        ...

    async def forget_leased(self, before: int) -> int:
        """Drop the hours before one; return how many rows."""
        ...

    async def put_tally(self, row: TallyRow) -> None:
        """Keep a statement; it takes the place of the author's one about that day."""
        ...

    async def forget_tallies(self, before: int) -> int:
        """Drop the statements about days before one; return how many."""
        ...
