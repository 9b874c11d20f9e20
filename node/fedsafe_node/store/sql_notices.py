# SPDX-License-Identifier: Apache-2.0
"""Notices in SQL: a reading and a writing half for the store's classes.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from typing import Any, Final

from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.notices_rows import (
    NoticeKey,
    NoticeRow,
    SignOffRow,
    WithholdingRow,
)
from fedsafe_node.store.rows import Row
from fedsafe_node.store.sql import Connection, IntegrityError


def _columns(type_: type[Row]) -> str:
    return ", ".join(type_.__struct_fields__)


def _add(connection: Connection, table: str, row: Row) -> None:
    fields = row.__struct_fields__
    marks = ", ".join("?" for _ in fields)
    values = [getattr(row, field) for field in fields]
    try:
        connection.execute(
            f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({marks})",  # noqa: S608
            values,
        )
    except IntegrityError as error:
        raise ConflictError(str(error)) from None


_NOTICE: Final = f"SELECT {_columns(NoticeRow)} FROM notices "  # noqa: S608
_HELD: Final = f"SELECT {_columns(WithholdingRow)} FROM withholdings "  # noqa: S608
_SIGNED: Final = f"SELECT {_columns(SignOffRow)} FROM notice_texts "  # noqa: S608


def _notice(row: Any) -> NoticeRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(NoticeRow.__struct_fields__, row, strict=True))
    named |= {"kind": NoticeKind(named["kind"]), "state": NoticeState(named["state"])}
    return NoticeRow(**named)


class SqlNoticesReader:
    """Reads what persons are told."""

    _connection: Connection

    async def notice(
        self, about: bytes, kind: NoticeKind, nth: int = 1
    ) -> NoticeRow | None:
        """Return a notice about a signal or a review."""
        row = self._connection.execute(
            _NOTICE + "WHERE about = ? AND kind = ? AND nth = ?",
            (about, kind.value, nth),
        ).fetchone()
        return None if row is None else _notice(row)

    async def notices_about(self, about: bytes, kind: NoticeKind) -> int:
        """Count the notices of a kind about a signal or a review."""
        rows = self._connection.execute(
            "SELECT count(*) FROM notices WHERE about = ? AND kind = ?",
            (about, kind.value),
        )
        return int(rows.fetchone()[0])

    async def notices(self, state: NoticeState, limit: int) -> list[NoticeRow]:
        """Return notices of a state, oldest first; of delivered ones those not erased.

        A notice that is erased has no facts any more.
        """
        rows = self._connection.execute(
            _NOTICE + "WHERE state = ? AND sealed IS NOT NULL "
            "ORDER BY queued_at, about, kind DESC, nth LIMIT ?",
            (state.value, limit),
        )
        return [_notice(row) for row in rows]

    async def notices_waiting(self, now: int) -> int:
        """Count the notices that wait, those left out that somebody holds back."""
        rows = self._connection.execute(
            "SELECT count(*) FROM notices n WHERE n.state = ? AND NOT EXISTS "
            "(SELECT 1 FROM withholdings w "
            "WHERE w.about = n.about AND w.until > ?)",
            (NoticeState.WAITING.value, now),
        )
        return int(rows.fetchone()[0])

    async def ended_unannounced(self, origin: str, limit: int) -> list[bytes]:
        """Return an origin's stopped signals whose persons know of them, not of that.

        Those with a notice of publication, not erased untold, and none of the end; of
        what was erased on request only those whose notice still says to whom it goes.
        """
        rows = self._connection.execute(
            "SELECT n.about FROM notices n "
            "JOIN signals s ON s.signal_id = n.about AND s.origin = ? "
            "WHERE n.kind = ? AND n.state <> ? AND (s.status = 'revoked' OR "
            "(n.sealed IS NOT NULL AND EXISTS (SELECT 1 FROM restricted r "
            "WHERE r.origin = s.origin AND r.signal_id = n.about "
            "AND r.effect = 'erased'))) AND NOT EXISTS "
            "(SELECT 1 FROM notices e WHERE e.about = n.about "
            "AND e.kind = ?) ORDER BY n.about LIMIT ?",
            (
                origin,
                NoticeKind.PUBLICATION.value,
                NoticeState.ERASED.value,
                NoticeKind.END.value,
                limit,
            ),
        )
        return [signal_id for (signal_id,) in rows]

    async def withholding(self, about: bytes) -> WithholdingRow | None:
        """Return what holds back the notices about something, or did."""
        row = self._connection.execute(_HELD + "WHERE about = ?", (about,)).fetchone()
        if row is None:
            return None
        return WithholdingRow(
            **dict(zip(WithholdingRow.__struct_fields__, row, strict=True))
        )

    async def sign_offs(self) -> list[SignOffRow]:
        """Return all sign-offs, oldest first."""
        fields = SignOffRow.__struct_fields__
        return [
            SignOffRow(**dict(zip(fields, row, strict=True)))
            for row in self._connection.execute(_SIGNED + "ORDER BY number")
        ]


class SqlNoticesWriter:
    """Keeps what persons are told."""

    _connection: Connection

    async def add_notice(self, notice: NoticeRow) -> None:
        """Queue a notice.

        Raises:
            ConflictError: there is one with that kind and number.
        """
        _add(self._connection, "notices", notice)

    async def set_notice(
        self, key: NoticeKey, state: NoticeState, event: int | None = None
    ) -> None:
        """Set how far a notice is; an event's number once it is announced."""
        about, kind, nth = key
        self._connection.execute(
            "UPDATE notices SET state = ?, event = coalesce(?, event) "
            "WHERE about = ? AND kind = ? AND nth = ?",
            (state.value, event, about, kind.value, nth),
        )

    async def erase_notice(self, key: NoticeKey) -> None:
        """Erase the facts of a notice; one that was not delivered ends with them."""
        about, kind, nth = key
        self._connection.execute(
            "UPDATE notices SET sealed = NULL, "
            "state = CASE state WHEN ? THEN state ELSE ? END "
            "WHERE about = ? AND kind = ? AND nth = ?",
            (
                NoticeState.DELIVERED.value,
                NoticeState.ERASED.value,
                about,
                kind.value,
                nth,
            ),
        )

    async def add_withholding(self, row: WithholdingRow) -> None:
        """Hold back the notices about a signal or a review.

        Raises:
            ConflictError: it was held back before.
        """
        _add(self._connection, "withholdings", row)

    async def add_sign_off(self, row: SignOffRow) -> None:
        """Keep who has signed off a text."""
        _add(self._connection, "notice_texts", row)
