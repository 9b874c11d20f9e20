# SPDX-License-Identifier: Apache-2.0
"""The tables of dispatches in SQL, in two halves."""

from typing import Any, Final

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import (
    MENDABLE,
    AttemptRow,
    DispatchRow,
    SendingRow,
    TakingRow,
)
from fedsafe_node.store.sql import Connection

_DISPATCH: Final = ", ".join(DispatchRow.__struct_fields__)
_ATTEMPT: Final = ", ".join(AttemptRow.__struct_fields__)
_TAKING: Final = ", ".join(TakingRow.__struct_fields__)
_MOVES: Final = (
    *("state", "channel", "tries", "due_at", "delivered_at", "acknowledged_at"),
    *("sealed", "signature"),
)
_END: Final = ("ended_at", "outcome", "proof", "message")


class SqlDispatchesReader:
    """Reads dispatches."""

    _connection: Connection

    async def dispatch(self, dispatch_id: str) -> DispatchRow | None:
        """Return a dispatch."""
        row = self._connection.execute(
            f"SELECT {_DISPATCH} FROM dispatches WHERE id = ?",  # noqa: S608 - our own columns
            (dispatch_id,),
        ).fetchone()
        return None if row is None else _dispatch_row(row)

    async def dispatch_replied_to(self, token: str) -> DispatchRow | None:
        """Return the dispatch that a reply with this token is about."""
        row = self._connection.execute(
            f"SELECT {_DISPATCH} FROM dispatches WHERE reply_token = ?",  # noqa: S608
            (token,),
        ).fetchone()
        return None if row is None else _dispatch_row(row)

    async def dispatches(self, case_id: str) -> list[DispatchRow]:
        """Return the dispatches of a case, oldest first."""
        found = self._connection.execute(
            f"SELECT {_DISPATCH} FROM dispatches WHERE case_id = ? "  # noqa: S608
            "ORDER BY made_at, id",
            (case_id,),
        )
        return [_dispatch_row(row) for row in found]

    async def dispatches_due(self, now: int) -> list[DispatchRow]:
        """Return the dispatches of which an attempt is due, those due longest first."""
        found = self._connection.execute(
            f"SELECT {_DISPATCH} FROM dispatches WHERE due_at <= ? "  # noqa: S608
            "ORDER BY due_at, id",
            (now,),
        )
        return [_dispatch_row(row) for row in found]

    async def dispatches_to_take(self) -> list[str]:
        """Name the dispatches under way whose sealed package somebody can take out.

        Corrections are not among them.
        """
        found = self._connection.execute(
            "SELECT id FROM dispatches WHERE state IN ('queued', 'by_hand') "
            "AND recalls IS NULL AND sealed IS NOT NULL ORDER BY id"
        )
        return [str(row[0]) for row in found]

    async def dispatches_by_hand(self) -> int:
        """Count the dispatches that wait for a person."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM dispatches WHERE state = 'by_hand'"
        ).fetchone()
        return int(count)

    async def dispatches_in_hand(self) -> int:
        """Count the dispatches that somebody took out, with no word what came of it."""
        (count,) = self._connection.execute(
            "SELECT count(DISTINCT dispatches.id) FROM takings "
            "JOIN dispatches ON dispatches.id = takings.dispatch_id "
            "WHERE kept_back_at IS NULL AND delivered_at IS NULL"
        ).fetchone()
        return int(count)

    async def attempts(self, dispatch_id: str) -> list[AttemptRow]:
        """Return the attempts of a dispatch, oldest first."""
        found = self._connection.execute(
            f"SELECT {_ATTEMPT} FROM attempts WHERE dispatch_id = ? "  # noqa: S608
            "ORDER BY number",
            (dispatch_id,),
        )
        return [_attempt_row(row) for row in found]

    async def attempts_cut_off(self) -> list[AttemptRow]:
        """Return the attempts that have no end."""
        found = self._connection.execute(
            f"SELECT {_ATTEMPT} FROM attempts WHERE ended_at IS NULL "  # noqa: S608
            "ORDER BY dispatch_id, number"
        )
        return [_attempt_row(row) for row in found]

    async def takings(self, dispatch_id: str) -> list[TakingRow]:
        """Return who took a sealed package out, oldest first."""
        found = self._connection.execute(
            f"SELECT {_TAKING} FROM takings WHERE dispatch_id = ? "  # noqa: S608
            "ORDER BY number",
            (dispatch_id,),
        )
        return [_taking_row(row) for row in found]

    async def dispatches_left(self) -> list[str]:
        """Name the dispatches of erased cases that say more than their course.

        A correction is not among them while it is under way.
        """
        found = self._connection.execute(
            "SELECT id FROM dispatches WHERE EXISTS (SELECT 1 FROM case_steps "
            "WHERE case_steps.case_id = dispatches.case_id AND step = 'erased') "
            "AND NOT (recalls IS NOT NULL AND state IN ('queued', 'by_hand')) "
            "AND (called IS NOT NULL OR sealed IS NOT NULL OR EXISTS (SELECT 1 "
            "FROM attempts WHERE attempts.dispatch_id = dispatches.id "
            "AND (proof IS NOT NULL OR message IS NOT NULL)) "
            "OR EXISTS (SELECT 1 FROM meta WHERE meta.key = ? || dispatches.id)) "
            "ORDER BY id",
            (MENDABLE,),
        )
        return [str(row[0]) for row in found]

    async def sending(self) -> SendingRow | None:
        """Return the last switch of sending; without one everything is sent."""
        row = self._connection.execute(
            "SELECT sends, at, by FROM sendings ORDER BY number DESC LIMIT 1"
        ).fetchone()
        return None if row is None else SendingRow(bool(row[0]), row[1], row[2])


class SqlDispatchesWriter:
    """Keeps dispatches."""

    _connection: Connection

    async def add_dispatch(self, row: DispatchRow) -> None:
        """Keep a new dispatch.

        Raises:
            ConflictError: its key is there already.
        """
        marks = ", ".join("?" * len(DispatchRow.__struct_fields__))
        values = [_plain(value) for value in msgspec.structs.astuple(row)]
        self._change(
            f"INSERT INTO dispatches ({_DISPATCH}) VALUES ({marks}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            values,
            "there is a dispatch of this key",
        )

    async def move_dispatch(self, row: DispatchRow) -> None:
        """Keep where a dispatch is now; to whom and what it brings never changes.

        Raises:
            ConflictError: there is none of this key.
        """
        changes = ", ".join(f"{name} = ?" for name in _MOVES)
        values = [getattr(row, name) for name in _MOVES]
        self._change(
            f"UPDATE dispatches SET {changes} WHERE id = ?",  # noqa: S608
            [*values, row.id],
            "there is no such dispatch",
        )

    async def erase_dispatch(self, dispatch_id: str) -> None:
        """Erase what a dispatch and its attempts say beyond their course.

        What was sealed goes, where a call was noted, what servers said, and which
        channels people could mend; that it was brought, when and by which way stays.
        """
        self._connection.execute(
            "UPDATE dispatches SET called = NULL, sealed = NULL, signature = NULL "
            "WHERE id = ?",
            (dispatch_id,),
        )
        self._connection.execute(
            "UPDATE attempts SET proof = NULL, message = NULL WHERE dispatch_id = ?",
            (dispatch_id,),
        )
        self._connection.execute(
            "DELETE FROM meta WHERE key = ?", (MENDABLE + dispatch_id,)
        )

    async def add_attempt(self, row: AttemptRow) -> None:
        """Keep that an attempt began.

        Raises:
            ConflictError: it is there already.
        """
        marks = ", ".join("?" * len(AttemptRow.__struct_fields__))
        self._change(
            f"INSERT INTO attempts ({_ATTEMPT}) VALUES ({marks}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            list(msgspec.structs.astuple(row)),
            "there is such an attempt",
        )

    async def end_attempt(self, row: AttemptRow) -> None:
        """Keep what came of an attempt.

        Raises:
            ConflictError: there is none, or it has ended already.
        """
        changes = ", ".join(f"{name} = ?" for name in _END)
        self._change(
            f"UPDATE attempts SET {changes} "  # noqa: S608
            "WHERE dispatch_id = ? AND number = ? AND ended_at IS NULL",
            [*(getattr(row, name) for name in _END), row.dispatch_id, row.number],
            "no such attempt is under way",
        )

    async def add_taking(self, row: TakingRow) -> None:
        """Keep that a person takes a sealed package out.

        Raises:
            ConflictError: it is there already.
        """
        marks = ", ".join("?" * len(TakingRow.__struct_fields__))
        self._change(
            f"INSERT INTO takings ({_TAKING}) VALUES ({marks}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            list(msgspec.structs.astuple(row)),
            "it was taken under that number",
        )

    async def end_taking(self, row: TakingRow) -> None:
        """Keep that what a person took was kept back.

        Raises:
            ConflictError: there is none, or that was said already.
        """
        self._change(
            "UPDATE takings SET kept_back_at = ?, kept_back_by = ? "
            "WHERE dispatch_id = ? AND number = ? AND kept_back_at IS NULL",
            [row.kept_back_at, row.kept_back_by, row.dispatch_id, row.number],
            "nobody holds it under that number",
        )

    async def add_sending(self, row: SendingRow) -> None:
        """Keep that somebody switched sending."""
        self._connection.execute(
            "INSERT INTO sendings (sends, at, by) VALUES (?, ?, ?)",
            (int(row.sends), row.at, row.by),
        )

    def _change(self, statement: str, values: list[Any], otherwise: str) -> None:
        if self._connection.execute(statement, values).rowcount != 1:
            raise ConflictError(otherwise)


def _plain(value: Any) -> Any:  # noqa: ANN401 - a value of any column
    return int(value) if isinstance(value, bool) else value


def _dispatch_row(row: Any) -> DispatchRow:  # noqa: ANN401 - a row of either database
    found: dict[str, Any] = dict(zip(DispatchRow.__struct_fields__, row, strict=True))
    found["test"] = bool(found["test"])
    return DispatchRow(**found)


def _attempt_row(row: Any) -> AttemptRow:  # noqa: ANN401 - a row of either database
    return AttemptRow(**dict(zip(AttemptRow.__struct_fields__, row, strict=True)))


def _taking_row(row: Any) -> TakingRow:  # noqa: ANN401 - a row of either database
    return TakingRow(**dict(zip(TakingRow.__struct_fields__, row, strict=True)))
