# SPDX-License-Identifier: Apache-2.0
"""The tables of cases in SQL, in two halves."""

from typing import Any, Final

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.casework_rows import CaseAlarmRow, CaseRow, CaseStepRow
from fedsafe_node.store.sql import Connection
from fedsafe_node.store.sql_dispatches import SqlDispatchesReader, SqlDispatchesWriter
from fedsafe_node.store.sql_partners import SqlPartnersReader, SqlPartnersWriter

_CASE: Final = ", ".join(CaseRow.__struct_fields__)
_STEP: Final = ", ".join(CaseStepRow.__struct_fields__)
_ALARM: Final = ", ".join(CaseAlarmRow.__struct_fields__)
_OPEN: Final = "case_id IN (SELECT id FROM cases WHERE state <> 'closed')"


class SqlCasesReader(SqlPartnersReader, SqlDispatchesReader):
    """Reads cases, who receives them, and what is on its way."""

    _connection: Connection

    async def case(self, case_id: str) -> CaseRow | None:
        """Return a case."""
        row = self._connection.execute(
            f"SELECT {_CASE} FROM cases WHERE id = ?",  # noqa: S608 - our own columns
            (case_id,),
        ).fetchone()
        return None if row is None else _case_row(row)

    async def open_cases(self) -> list[CaseRow]:
        """Return all cases that are not closed, those known longest first."""
        found = self._connection.execute(
            f"SELECT {_CASE} FROM cases WHERE state <> 'closed' "  # noqa: S608
            "ORDER BY known_at, id"
        )
        return [_case_row(row) for row in found]

    async def closed_cases_sent(self) -> list[CaseRow]:
        """Return the closed cases of which a package waits by hand, or was stopped."""
        found = self._connection.execute(
            f"SELECT {_CASE} FROM cases WHERE state = 'closed' "  # noqa: S608
            "AND EXISTS (SELECT 1 FROM dispatches WHERE case_id = cases.id "
            "AND state IN ('by_hand', 'stopped')) ORDER BY known_at, id"
        )
        return [_case_row(row) for row in found]

    async def cases_known(self, since: int, until: int) -> list[CaseRow]:
        """Return all cases known from `since` to before `until`, oldest first."""
        found = self._connection.execute(
            f"SELECT {_CASE} FROM cases WHERE known_at >= ? AND known_at < ? "  # noqa: S608
            "ORDER BY known_at, id",
            (since, until),
        )
        return [_case_row(row) for row in found]

    async def cases_to_erase(self, closed_before: int) -> list[CaseRow]:
        """Return what is closed since before that moment and not erased, by id."""
        found = self._connection.execute(
            f"SELECT {_CASE} FROM cases WHERE state = 'closed' "  # noqa: S608
            "AND sealed IS NOT NULL AND EXISTS (SELECT 1 FROM case_steps "
            "WHERE case_id = cases.id AND step = 'closed' AND at < ?) "
            "AND NOT EXISTS (SELECT 1 FROM case_steps "
            "WHERE case_id = cases.id AND step = 'erased') ORDER BY id",
            (closed_before,),
        )
        return [_case_row(row) for row in found]

    async def case_steps(self, case_id: str) -> list[CaseStepRow]:
        """Return the steps of a case, oldest first."""
        found = self._connection.execute(
            f"SELECT {_STEP} FROM case_steps WHERE case_id = ? "  # noqa: S608
            "ORDER BY number",
            (case_id,),
        )
        return [CaseStepRow(*row) for row in found]

    async def steps_of_open_cases(self) -> list[CaseStepRow]:
        """Return the steps of all cases that are not closed, case by case."""
        found = self._connection.execute(
            f"SELECT {_STEP} FROM case_steps WHERE {_OPEN} "  # noqa: S608
            "ORDER BY case_id, number"
        )
        return [CaseStepRow(*row) for row in found]

    async def case_alarms(self, case_id: str) -> list[CaseAlarmRow]:
        """Return what people were told of a case, oldest first."""
        found = self._connection.execute(
            f"SELECT {_ALARM} FROM case_alarms WHERE case_id = ? "  # noqa: S608
            "ORDER BY at, milestone, stage, number",
            (case_id,),
        )
        return [CaseAlarmRow(*row) for row in found]

    async def alarms_of_open_cases(self) -> list[CaseAlarmRow]:
        """Return what people were told of all cases that are not closed."""
        found = self._connection.execute(
            f"SELECT {_ALARM} FROM case_alarms WHERE {_OPEN}"  # noqa: S608
        )
        return [CaseAlarmRow(*row) for row in found]


class SqlCasesWriter(SqlPartnersWriter, SqlDispatchesWriter):
    """Keeps cases, who receives them, and what is on its way."""

    _connection: Connection

    async def put_case(self, row: CaseRow) -> None:
        """Keep a case; its next revision takes the place of the one before.

        Raises:
            ConflictError: it is not the next revision.
        """
        values = (*msgspec.structs.astuple(row)[:3], int(row.minors))
        values += msgspec.structs.astuple(row)[4:]
        kept = self._connection.execute(
            f"INSERT INTO cases ({_CASE}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "  # noqa: S608
            "ON CONFLICT (id) DO UPDATE SET state = excluded.state, "
            "urgency = excluded.urgency, minors = excluded.minors, "
            "known_at = excluded.known_at, revision = excluded.revision, "
            "period = excluded.period, key = excluded.key, sealed = excluded.sealed "
            "WHERE cases.revision = excluded.revision - 1",
            values,
        )
        if kept.rowcount != 1:
            raise ConflictError("the case has changed meanwhile")

    async def add_case_step(self, row: CaseStepRow) -> None:
        """Keep a step of a case."""
        self._connection.execute(
            f"INSERT INTO case_steps ({_STEP}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
            msgspec.structs.astuple(row),
        )

    async def add_case_alarm(self, row: CaseAlarmRow) -> None:
        """Keep that people were told of something.

        Raises:
            ConflictError: they were told of it before.
        """
        marks = ", ".join("?" * len(CaseAlarmRow.__struct_fields__))
        kept = self._connection.execute(
            f"INSERT INTO case_alarms ({_ALARM}) VALUES ({marks}) "  # noqa: S608
            "ON CONFLICT DO NOTHING",
            msgspec.structs.astuple(row),
        )
        if kept.rowcount != 1:
            raise ConflictError("people were told of it before")


def _case_row(row: Any) -> CaseRow:  # noqa: ANN401 - a row of either database
    found: dict[str, Any] = dict(zip(CaseRow.__struct_fields__, row, strict=True))
    found["minors"] = bool(found["minors"])
    return CaseRow(**found)
