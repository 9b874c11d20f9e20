# SPDX-License-Identifier: Apache-2.0
"""What a store promises about match floods. Part of `Reader` and `Transaction`."""

from collections.abc import Sequence
from typing import Protocol

from fedsafe_node.review.flood_messages import FloodState
from fedsafe_node.store.floods_rows import FloodRow, PictureRow, RaisedRow


class FloodsReader(Protocol):
    """Reads what listings have restricted of late, and floods.

    A listing is an origin, and a mark of what it lists (`about`).
    """

    async def has_restricted(
        self, origin: str, about: bytes, mark: bytes, since: int
    ) -> bool:
        """Tell whether a listing has restricted a marked subject after a moment."""
        ...

    async def restricted(self, origin: str, about: bytes, since: int) -> int:
        """Count the subjects that a listing has restricted after a moment."""
        ...

    async def raised_bound(
        self, origin: str, about: bytes, now: int
    ) -> RaisedRow | None:
        """Return to what two people have raised a bound, while it lasts."""
        ...

    async def flood(self, flood_id: str) -> FloodRow | None:
        """Return a flood."""
        ...

    async def flood_alive(self, origin: str, signal_id: bytes) -> FloodRow | None:
        """Return the flood of a signal that waits, or by which it rests."""
        ...

    async def floods_alive(self, marks: Sequence[bytes]) -> list[FloodRow]:
        """Return the floods of marked listings that wait, or by which they rest."""
        ...

    async def flood_pictures(self, origin: str, limit: int) -> list[PictureRow]:
        """Return the pictures that an origin lists, those with a flood in front."""
        ...

    async def floods_in(
        self, state: FloodState, limit: int, *, after: str = ""
    ) -> list[FloodRow]:
        """Return the floods of a state by id, from behind one on."""
        ...

    async def floods_waiting(self) -> int:
        """Count the floods that wait for a ruling."""
        ...

    async def floods_ended(self, now: int, limit: int) -> list[FloodRow]:
        """Return the floods that wait, and whose time is over."""
        ...

    async def floods_due(
        self, state: FloodState, before: int, limit: int
    ) -> list[FloodRow]:
        """Return the floods of a state with references that end by a moment."""
        ...

    async def floods_to_remind_of(self, now: int, limit: int) -> list[FloodRow]:
        """Return the floods with `remind_at` at or before `now`."""
        ...

    async def floods_stopped(self, limit: int) -> list[FloodRow]:
        """Return the floods whose signal has ended, or is gone.

        Of those with a ruling, those that still have content.
        """
        ...

    async def in_flood(self, flood_id: str, subject: str) -> bool:
        """Tell whether a flood has kept a reference."""
        ...

    async def flood_subjects(
        self, flood_id: str, limit: int, *, after: str = ""
    ) -> list[tuple[str, int]]:
        """Return what a flood refers to and since when, from behind one on."""
        ...

    async def floods_about(self, subject: str) -> list[FloodRow]:
        """Return the floods that refer to an account, oldest first."""
        ...


class FloodsWriter(Protocol):
    """Keeps what signals restrict, and floods."""

    async def add_restricted(
        self, origin: str, about: bytes, mark: bytes, at: int
    ) -> None:
        """Count a marked subject that a listing restricts; a later moment counts."""
        ...

    async def forget_restricted(self, before: int) -> int:
        """Drop what was counted at or before a moment; return how many."""
        ...

    async def put_raised_bound(self, row: RaisedRow) -> None:
        """Keep a raised bound in the place of an earlier one of its listing."""
        ...

    async def forget_raised(self, now: int) -> None:
        """Drop raised bounds that are over."""
        ...

    async def add_flood(self, flood: FloodRow) -> None:
        """Keep a flood.

        Raises:
            ConflictError: one of its listing is alive.
        """
        ...

    async def put_flood(self, flood: FloodRow) -> None:
        """Keep how a flood stands."""
        ...

    async def add_flood_subject(self, flood_id: str, subject: str, at: int) -> None:
        """Keep a reference that the flood has not yet, and count it."""
        ...

    async def drop_flood_subject(self, flood_id: str, subject: str) -> None:
        """Drop a reference; the flood still counts it."""
        ...

    async def drop_flood_subjects(self, flood_id: str) -> None:
        """Drop all references of a flood; it still counts them."""
        ...

    async def forget_floods(self, before: int, rested_before: int) -> int:
        """Drop floods without references that ended before a moment; say how many.

        A ruling by which something rests goes once its signal ended before another.
        """
        ...

    async def put_flood_picture(self, row: PictureRow) -> None:
        """Keep a picture that an origin lists; a later row takes its place."""
        ...

    async def forget_flood_pictures(self, before: int) -> None:
        """Drop the pictures counted at or before a moment, without flood or bound."""
        ...
