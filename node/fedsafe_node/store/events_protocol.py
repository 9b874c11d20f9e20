# SPDX-License-Identifier: Apache-2.0
"""What a store promises about the events for the provider's back-end.

Part of `Reader` and `Transaction`.
"""

from typing import Protocol

from fedsafe_node.store.events_rows import ProviderEventRow


class EventsReader(Protocol):
    """Reads what was announced."""

    async def provider_events(self, after: int, limit: int) -> list[ProviderEventRow]:
        """Return events above a number that still have their content, in order."""
        ...

    async def provider_event(self, number: int) -> ProviderEventRow | None:
        """Return an event, erased or not."""
        ...

    async def last_provider_event(self) -> int:
        """Return the highest number there is; 0 if there is none."""
        ...

    async def receipts_overdue(self, now: int) -> int:
        """Count the events whose receipt was due at or before `now`."""
        ...

    async def reminders_due(self, now: int, limit: int) -> list[ProviderEventRow]:
        """Return events without a receipt whose reminder is due."""
        ...

    async def expired_provider_events(
        self, now: int, limit: int
    ) -> list[ProviderEventRow]:
        """Return events with content whose time is over."""
        ...


class EventsWriter(Protocol):
    """Announces, takes receipts, erases."""

    async def add_provider_event(self, event: ProviderEventRow) -> None:
        """Keep an event.

        Raises:
            ConflictError: its number is taken.
        """
        ...

    async def receipt_provider_event(
        self, number: int, *, at: int, by: str, expires_at: int
    ) -> bool:
        """Note that an event has reached its person; False if that was noted before.

        Its content ends at `expires_at`.
        """
        ...

    async def set_provider_reminder(self, number: int, remind_at: int) -> None:
        """Set when an event is reminded of next."""
        ...

    async def erase_provider_event(self, number: int) -> bool:
        """Erase an event's content for good; False if there is none."""
        ...
