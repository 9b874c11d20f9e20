# SPDX-License-Identifier: Apache-2.0
"""Events for the provider in SQL: a reading and a writing half.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from typing import Any, Final

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.notices_rows import ProviderEventRow
from fedsafe_node.store.sql import Connection, IntegrityError

_FIELDS: Final = ProviderEventRow.__struct_fields__
_EVENT: Final = f"SELECT {', '.join(_FIELDS)} FROM provider_events "  # noqa: S608
_ADD: Final = (
    f"INSERT INTO provider_events ({', '.join(_FIELDS)}) "  # noqa: S608
    f"VALUES ({', '.join('?' * len(_FIELDS))})"
)
_WAITS: Final = "receipted_at IS NULL AND remind_at IS NOT NULL AND sealed IS NOT NULL"


def _event(row: Any) -> ProviderEventRow:  # noqa: ANN401 - a raw row
    return ProviderEventRow(**dict(zip(_FIELDS, row, strict=True)))


class SqlEventsReader:
    """Reads what was announced."""

    _connection: Connection

    async def provider_events(self, after: int, limit: int) -> list[ProviderEventRow]:
        """Return events above a number that still have their content, in order."""
        where = "WHERE number > ? AND sealed IS NOT NULL ORDER BY number LIMIT ?"
        return self._events(where, after, limit)

    async def provider_event(self, number: int) -> ProviderEventRow | None:
        """Return an event, erased or not."""
        found = self._events("WHERE number = ?", number)
        return found[0] if found else None

    async def last_provider_event(self) -> int:
        """Return the highest number there is; 0 if there is none."""
        sql = "SELECT coalesce(max(number), 0) FROM provider_events"
        return int(self._connection.execute(sql).fetchone()[0])

    async def receipts_overdue(self, now: int) -> int:
        """Count the events whose receipt was due at or before `now`."""
        sql = (
            f"SELECT count(*) FROM provider_events WHERE {_WAITS} "  # noqa: S608
            "AND due_at <= ?"
        )
        return int(self._connection.execute(sql, (now,)).fetchone()[0])

    async def reminders_due(self, now: int, limit: int) -> list[ProviderEventRow]:
        """Return events without a receipt whose reminder is due."""
        where = f"WHERE {_WAITS} AND remind_at <= ? ORDER BY remind_at, number LIMIT ?"
        return self._events(where, now, limit)

    async def expired_provider_events(
        self, now: int, limit: int
    ) -> list[ProviderEventRow]:
        """Return events with content whose time is over."""
        where = "WHERE sealed IS NOT NULL AND expires_at <= ? ORDER BY number LIMIT ?"
        return self._events(where, now, limit)

    def _events(self, where: str, *values: int) -> list[ProviderEventRow]:
        return [_event(row) for row in self._connection.execute(_EVENT + where, values)]


class SqlEventsWriter:
    """Announces, takes receipts, erases."""

    _connection: Connection

    async def add_provider_event(self, event: ProviderEventRow) -> None:
        """Keep an event.

        Raises:
            ConflictError: its number is taken.
        """
        values = tuple(getattr(event, field) for field in _FIELDS)
        try:
            self._connection.execute(_ADD, values)
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def receipt_provider_event(
        self, number: int, *, at: int, by: str, expires_at: int
    ) -> bool:
        """Note that an event has reached its person; False if that was noted before.

        Its content ends at `expires_at`.
        """
        changed = self._connection.execute(
            "UPDATE provider_events SET receipted_at = ?, receipted_by = ?, "
            "expires_at = ? WHERE number = ? AND receipted_at IS NULL "
            "AND due_at IS NOT NULL",
            (at, by, expires_at, number),
        )
        return changed.rowcount == 1

    async def set_provider_reminder(self, number: int, remind_at: int) -> None:
        """Set when an event is reminded of next."""
        self._connection.execute(
            "UPDATE provider_events SET remind_at = ? WHERE number = ?",
            (remind_at, number),
        )

    async def erase_provider_event(self, number: int) -> bool:
        """Erase an event's content for good; False if there is none."""
        changed = self._connection.execute(
            "UPDATE provider_events SET sealed = NULL "
            "WHERE number = ? AND sealed IS NOT NULL",
            (number,),
        )
        return changed.rowcount == 1
