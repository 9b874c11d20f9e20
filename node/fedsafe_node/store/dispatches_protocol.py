# SPDX-License-Identifier: Apache-2.0
"""What a store promises about dispatches; part of what it does about cases."""

from typing import Protocol

from fedsafe_node.store.dispatches_rows import (
    AttemptRow,
    DispatchRow,
    SendingRow,
    TakingRow,
)


class DispatchesReader(Protocol):
    """Reads dispatches."""

    async def dispatch(self, dispatch_id: str) -> DispatchRow | None:
        """Return a dispatch."""
        ...

    async def dispatches(self, case_id: str) -> list[DispatchRow]:
        """Return the dispatches of a case, oldest first."""
        ...

    async def dispatch_replied_to(self, token: str) -> DispatchRow | None:
        """Return the dispatch that a reply with this token is about."""
        ...

    async def dispatches_due(self, now: int) -> list[DispatchRow]:
        """Return the dispatches of which an attempt is due, those due longest first."""
        ...

    async def dispatches_to_take(self) -> list[str]:
        """Name the dispatches under way whose sealed package somebody can take out.

        Corrections are not among them.
        """
        ...

    async def dispatches_by_hand(self) -> int:
        """Count the dispatches that wait for a person."""
        ...

    async def dispatches_in_hand(self) -> int:
        """Count the dispatches that somebody took out, with no word what came of it."""
        ...

    async def attempts(self, dispatch_id: str) -> list[AttemptRow]:
        """Return the attempts of a dispatch, oldest first."""
        ...

    async def attempts_cut_off(self) -> list[AttemptRow]:
        """Return the attempts that have no end."""
        ...

    async def takings(self, dispatch_id: str) -> list[TakingRow]:
        """Return who took a sealed package out, oldest first."""
        ...

    async def dispatches_left(self) -> list[str]:
        """Name the dispatches of erased cases that say more than their course.

        A correction is not among them while it is under way.
        """
        ...

    async def sending(self) -> SendingRow | None:
        """Return the last switch of sending; without one everything is sent."""
        ...


class DispatchesWriter(Protocol):
    """Keeps dispatches."""

    async def add_dispatch(self, row: DispatchRow) -> None:
        """Keep a new dispatch.

        Raises:
            ConflictError: its key is there already.
        """
        ...

    async def move_dispatch(self, row: DispatchRow) -> None:
        """Keep where a dispatch is now; to whom and what it brings never changes.

        Raises:
            ConflictError: there is none of this key.
        """
        ...

    async def erase_dispatch(self, dispatch_id: str) -> None:
        """Erase what a dispatch and its attempts say beyond their course.

        What was sealed goes, where a call was noted, what servers said, and which
        channels people could mend; that it was brought, when and by which way stays.
        """
        ...

    async def add_attempt(self, row: AttemptRow) -> None:
        """Keep that an attempt began.

        Raises:
            ConflictError: it is there already.
        """
        ...

    async def end_attempt(self, row: AttemptRow) -> None:
        """Keep what came of an attempt.

        Raises:
            ConflictError: there is none, or it has ended already.
        """
        ...

    async def add_taking(self, row: TakingRow) -> None:
        """Keep that a person takes a sealed package out.

        Raises:
            ConflictError: it is there already.
        """
        ...

    async def end_taking(self, row: TakingRow) -> None:
        """Keep that what a person took was kept back.

        Raises:
            ConflictError: there is none, or that was said already.
        """
        ...

    async def add_sending(self, row: SendingRow) -> None:
        """Keep that somebody switched sending."""
        ...
