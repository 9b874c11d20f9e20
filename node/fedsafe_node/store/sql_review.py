# SPDX-License-Identifier: Apache-2.0
"""Reviews in SQL: a reading and a writing half for the store's classes."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.ground.subject_refs import UNNAMED
from fedsafe_node.store.review_rows import (
    FIRST_PLACE,
    ListedTaskRow,
    LookRow,
    TaskAnswerRow,
    TaskDecisionRow,
    TaskHearingRow,
    TaskInquiryRow,
    TaskPlace,
    TaskRow,
    TaskSignalRow,
    TaskState,
)
from fedsafe_node.store.rows import Row
from fedsafe_node.store.sql import Connection, IntegrityError

T = TypeVar("T", bound=Row)
_AT_HAND: Final = "(state = 'open' OR flagged_at IS NOT NULL)"


def _columns(type_: type[Row]) -> str:
    return ", ".join(type_.__struct_fields__)


def _insert(table: str, type_: type[Row]) -> str:
    fields = _given(type_)
    marks = ", ".join("?" for _ in fields)
    return f"INSERT INTO {table} ({', '.join(fields)}) VALUES ({marks})"  # noqa: S608


def _given(type_: type[Row]) -> list[str]:
    """Name the fields of a row that the store does not give by itself."""
    return [name for name in type_.__struct_fields__ if name != "number"]


def _values(row: Row) -> list[object]:
    return [getattr(row, name) for name in _given(type(row))]


_TASK: Final = f"SELECT {_columns(TaskRow)} FROM tasks "  # noqa: S608
_SIGNAL: Final = f"SELECT {_columns(TaskSignalRow)} FROM task_signals "  # noqa: S608
_DECISION: Final = f"SELECT {_columns(TaskDecisionRow)} FROM task_decisions "  # noqa: S608
_HEARING: Final = f"SELECT {_columns(TaskHearingRow)} FROM task_hearings "  # noqa: S608
_INQUIRY: Final = f"SELECT {_columns(TaskInquiryRow)} FROM task_inquiries "  # noqa: S608
_ANSWER: Final = f"SELECT {_columns(TaskAnswerRow)} FROM task_answers "  # noqa: S608
_LOOK: Final = f"SELECT {_columns(LookRow)} FROM looks "  # noqa: S608
_BEHIND_UNNAMED: Final = UNNAMED[:-1] + chr(ord(UNNAMED[-1]) + 1)
_HAND: Final = f"""
WITH hand AS (
    SELECT * FROM tasks WHERE subject IS NOT NULL AND {_AT_HAND}
), crowds AS (
    SELECT s.origin, s.signal_id, count(*) AS many
    FROM hand JOIN task_signals s ON s.task = hand.id GROUP BY s.origin, s.signal_id
), counted AS (
    SELECT s.task, min(c.many) AS alike
    FROM hand JOIN task_signals s ON s.task = hand.id
    JOIN crowds c ON c.origin = s.origin AND c.signal_id = s.signal_id GROUP BY s.task
), placed AS (
    SELECT hand.*, coalesce(counted.alike, 1) AS alike, CASE
        WHEN subject >= '{UNNAMED}' AND subject < '{_BEHIND_UNNAMED}' THEN 2
        WHEN counted.alike > ? THEN 1 ELSE 0 END AS rank
    FROM hand LEFT JOIN counted ON counted.task = hand.id
)
SELECT rank, alike, {_columns(TaskRow)} FROM placed
WHERE (rank, ends_at, id) > (?, ?, ?) ORDER BY rank, ends_at, id LIMIT ?
"""  # noqa: S608 - our own words
_PUT_TASK: Final = (
    "UPDATE tasks SET subject = ?, state = ?, opened_at = ?, ends_at = ?, "
    "remind_at = ?, renewals = ?, flagged_at = ?, revision = ? WHERE id = ?"
)
_PUT_SIGNAL: Final = _insert("task_signals", TaskSignalRow) + (
    " ON CONFLICT (task, origin, signal_id) DO UPDATE SET "
    "added_at = excluded.added_at, period = excluded.period, "
    "sealed = excluded.sealed, effect = excluded.effect, "
    "effect_at = excluded.effect_at"
)


def _task(row: Any) -> TaskRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(TaskRow.__struct_fields__, row, strict=True))
    named["state"] = TaskState(named["state"])
    return TaskRow(**named)


def _made(type_: type[T], row: Any) -> T:  # noqa: ANN401 - a raw row
    return type_(**dict(zip(type_.__struct_fields__, row, strict=True)))


class SqlReviewReader:
    """Reads tasks."""

    _connection: Connection

    def _task_rows(self, where: str, *values: object) -> list[TaskRow]:
        return [_task(row) for row in self._connection.execute(_TASK + where, values)]

    def _review_rows(self, type_: type[T], sql: str, *values: object) -> list[T]:
        rows = self._connection.execute(sql, values)
        return [_made(type_, row) for row in rows]

    async def task(self, task_id: str) -> TaskRow | None:
        """Return a task."""
        found = self._task_rows("WHERE id = ?", task_id)
        return found[0] if found else None

    async def live_tasks(self, subject: str) -> list[TaskRow]:
        """Return an account's tasks that are open or watched, oldest first."""
        return self._task_rows(
            "WHERE subject = ? AND state IN ('open', 'watched') ORDER BY opened_at, id",
            subject,
        )

    async def tasks_about(self, subject: str) -> list[TaskRow]:
        """Return an account's tasks of every state, oldest first."""
        return self._task_rows("WHERE subject = ? ORDER BY opened_at, id", subject)

    async def tasks_at_hand(
        self, limit: int, *, after: TaskPlace = FIRST_PLACE, crowd: int = 20
    ) -> list[ListedTaskRow]:
        """Return what waits for a person, by place, from behind one on.

        What hangs only on signals that more than `crowd` tasks wait on comes after
        the rest, and then what nobody named. Walks all that waits: use it in `scan`.
        """
        values = (crowd, after.rank, after.moment, after.id, limit)
        found: list[ListedTaskRow] = []
        for rank, alike, *row in self._connection.execute(_HAND, values):
            task = _task(row)
            place = TaskPlace(rank=rank, moment=task.ends_at, id=task.id)
            found.append(ListedTaskRow(task=task, place=place, alike=alike))
        return found

    async def tasks_waiting(self) -> int:
        """Count what waits for a person."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM tasks "  # noqa: S608 - our own words
            f"WHERE subject IS NOT NULL AND {_AT_HAND}"
        ).fetchone()
        return int(count)

    async def tasks_in(
        self, state: TaskState, limit: int, *, after: TaskPlace = FIRST_PLACE
    ) -> list[ListedTaskRow]:
        """Return the tasks of a state, newest first, from behind a place on."""
        where = (
            "WHERE state = ? AND (0, -opened_at, id) > (?, ?, ?) "
            "ORDER BY opened_at DESC, id LIMIT ?"
        )
        behind = (after.rank, after.moment, after.id)
        return [
            ListedTaskRow(
                task=task,
                place=TaskPlace(rank=0, moment=-task.opened_at, id=task.id),
                alike=1,
            )
            for task in self._task_rows(where, state.value, *behind, limit)
        ]

    async def ended_tasks(self, now: int, limit: int) -> list[TaskRow]:
        """Return the tasks whose content has to go at or before `now`."""
        where = "WHERE subject IS NOT NULL AND ends_at <= ? ORDER BY ends_at LIMIT ?"
        return self._task_rows(where, now, limit)

    async def tasks_to_remind_of(self, now: int, limit: int) -> list[TaskRow]:
        """Return the tasks with `remind_at` at or before `now`."""
        where = "WHERE remind_at <= ? ORDER BY remind_at LIMIT ?"
        return self._task_rows(where, now, limit)

    async def task_signals(self, task_id: str) -> list[TaskSignalRow]:
        """Return what a task hangs on, oldest first."""
        sql = _SIGNAL + "WHERE task = ? ORDER BY added_at, origin, signal_id"
        return self._review_rows(TaskSignalRow, sql, task_id)

    async def tasks_on(self, origin: str, signal_id: bytes) -> list[TaskSignalRow]:
        """Return what tasks hang on a signal of a list."""
        sql = _SIGNAL + "WHERE origin = ? AND signal_id = ? ORDER BY task"
        return self._review_rows(TaskSignalRow, sql, origin, signal_id)

    async def untold_stops(self, limit: int) -> list[TaskSignalRow]:
        """Return stopped signals for which their tasks were not flagged, by task."""
        sql = _SIGNAL + (
            "WHERE effect IS NOT NULL AND effect_at IS NULL "
            "ORDER BY task, origin, signal_id LIMIT ?"
        )
        return self._review_rows(TaskSignalRow, sql, limit)

    async def task_decisions(self, task_id: str) -> list[TaskDecisionRow]:
        """Return what was decided on a task, oldest first."""
        sql = _DECISION + "WHERE task = ? ORDER BY number"
        return self._review_rows(TaskDecisionRow, sql, task_id)

    async def decisions_by(self, person: str, limit: int) -> list[TaskDecisionRow]:
        """Return the newest decisions of a person, inquiries left out."""
        sql = _DECISION + (
            "WHERE decided_by = ? AND outcome <> 'inquire' ORDER BY number DESC LIMIT ?"
        )
        return self._review_rows(TaskDecisionRow, sql, person, limit)

    async def decisions_seconded(
        self, person: str, limit: int
    ) -> list[TaskDecisionRow]:
        """Return the newest decisions that a person approved as the second."""
        sql = _DECISION + "WHERE second = ? ORDER BY number DESC LIMIT ?"
        return self._review_rows(TaskDecisionRow, sql, person, limit)

    async def newest_decisions(self, limit: int) -> list[TaskDecisionRow]:
        """Return the newest decisions of everybody, inquiries left out."""
        sql = _DECISION + "WHERE outcome <> 'inquire' ORDER BY number DESC LIMIT ?"
        return self._review_rows(TaskDecisionRow, sql, limit)

    async def deciders(self) -> list[str]:
        """Return everybody whose decisions are kept, by name."""
        rows = self._connection.execute(
            "SELECT decided_by AS name FROM task_decisions UNION SELECT second "
            "FROM task_decisions WHERE second IS NOT NULL ORDER BY name"
        )
        return [str(name) for (name,) in rows]

    async def task_hearings(self, task_id: str) -> list[TaskHearingRow]:
        """Return the steps of a task's hearing, oldest first."""
        sql = _HEARING + "WHERE task = ? ORDER BY number"
        return self._review_rows(TaskHearingRow, sql, task_id)

    async def task_inquiries(self, task_id: str) -> list[TaskInquiryRow]:
        """Return what was asked about a task's signals, oldest first."""
        sql = _INQUIRY + "WHERE task = ? ORDER BY number"
        return self._review_rows(TaskInquiryRow, sql, task_id)

    async def task_answers(self, task_id: str) -> list[TaskAnswerRow]:
        """Return what origins have replied to a task's inquiries."""
        sql = _ANSWER + "WHERE task = ? ORDER BY inquiry"
        return self._review_rows(TaskAnswerRow, sql, task_id)

    async def unanswered_inquiries(self, limit: int) -> list[TaskInquiryRow]:
        """Return the inquiries that nobody has answered, oldest first."""
        unanswered = "WHERE number NOT IN (SELECT inquiry FROM task_answers) "
        sql = _INQUIRY + unanswered + "ORDER BY number LIMIT ?"
        return self._review_rows(TaskInquiryRow, sql, limit)

    async def task_viewed(self, task_id: str, person: str) -> int | None:
        """Return when a person first looked at a task since it changed last."""
        row = self._connection.execute(
            "SELECT v.at FROM task_views v JOIN tasks t ON t.id = v.task "
            "AND t.revision = v.revision WHERE v.task = ? AND v.person = ?",
            (task_id, person),
        ).fetchone()
        return None if row is None else int(row[0])

    async def look(self, matter: str, person: str) -> LookRow | None:
        """Return when a person was first shown a matter, and what it is asked again."""
        sql = _LOOK + "WHERE matter = ? AND person = ?"
        found = self._review_rows(LookRow, sql, matter, person)
        return found[0] if found else None

    async def lookers(self, matter: str) -> list[LookRow]:
        """Return the looks at a matter, the earliest first."""
        sql = _LOOK + "WHERE matter = ? ORDER BY seen_at, person"
        return self._review_rows(LookRow, sql, matter)


class SqlReviewWriter:
    """Keeps tasks."""

    _connection: Connection

    def _keep_review(self, table: str, row: Row) -> None:
        try:
            self._connection.execute(_insert(table, type(row)), _values(row))
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def add_task(self, task: TaskRow) -> None:
        """Keep a task.

        Raises:
            ConflictError: its account has an open one.
        """
        self._keep_review("tasks", task)

    async def put_task(self, task: TaskRow) -> None:
        """Keep how a task stands; it must be there, with its content."""
        id_, *values = msgspec.structs.astuple(task)
        try:
            changed = self._connection.execute(_PUT_TASK, (*values, id_))
        except IntegrityError as error:
            raise ConflictError(str(error)) from None
        if changed.rowcount != 1:
            raise ConflictError("no such task")

    async def put_task_signals(self, signals: Sequence[TaskSignalRow]) -> None:
        """Keep what tasks hang on; what is there already is replaced."""
        rows = [msgspec.structs.astuple(signal) for signal in signals]
        self._connection.executemany(_PUT_SIGNAL, rows)

    async def drop_task_signal(
        self, task_id: str, origin: str, signal_id: bytes
    ) -> None:
        """Let a task hang on a signal no more."""
        self._connection.execute(
            "DELETE FROM task_signals WHERE task = ? AND origin = ? AND signal_id = ?",
            (task_id, origin, signal_id),
        )

    async def add_task_decision(self, decision: TaskDecisionRow) -> None:
        """Keep a decision; who has looked at the task looks anew after it."""
        self._keep_review("task_decisions", decision)
        self._drop_of_task("task_views", decision.task)

    async def add_task_hearing(self, step: TaskHearingRow) -> None:
        """Keep a step of a hearing."""
        self._keep_review("task_hearings", step)

    async def add_task_inquiry(self, inquiry: TaskInquiryRow) -> int:
        """Keep questions to an origin; return their number."""
        sql = _insert("task_inquiries", TaskInquiryRow) + " RETURNING number"
        (number,) = self._connection.execute(sql, _values(inquiry)).fetchone()
        return int(number)

    async def add_task_answer(self, answer: TaskAnswerRow) -> None:
        """Keep what an origin replied.

        Raises:
            ConflictError: that inquiry is answered.
        """
        self._keep_review("task_answers", answer)

    async def add_task_view(self, task_id: str, person: str, at: int) -> None:
        """Keep when a person looks at a task; the first time of a revision counts."""
        self._connection.execute(
            "INSERT INTO task_views (task, person, revision, at) "
            "SELECT id, ?, revision, ? FROM tasks WHERE id = ? "
            "ON CONFLICT (task, person) DO UPDATE SET revision = excluded.revision, "
            "at = excluded.at WHERE excluded.revision <> task_views.revision",
            (person, at, task_id),
        )

    async def add_look(self, matter: str, person: str, at: int) -> None:
        """Keep when a matter is shown to a person; the first time counts."""
        self._connection.execute(
            "INSERT INTO looks (matter, person, at, seen_at) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (matter, person) DO UPDATE SET at = excluded.at, "
            "seen_at = excluded.seen_at WHERE looks.seen_at IS NULL",
            (matter, person, at, at),
        )

    async def ask_again(self, matter: str, person: str, words: bytes, at: int) -> None:
        """Keep that a person was asked to say these words of a matter once more."""
        self._connection.execute(
            "INSERT INTO looks (matter, person, at, words) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (matter, person) DO UPDATE SET at = excluded.at, "
            "words = excluded.words",
            (matter, person, at, words),
        )

    async def drop_look(self, matter: str, person: str) -> None:
        """Drop what is kept of a person's look at a matter."""
        self._connection.execute(
            "DELETE FROM looks WHERE matter = ? AND person = ?", (matter, person)
        )

    async def forget_looks(self, before: int) -> None:
        """Drop looks that were last touched before a moment."""
        self._connection.execute("DELETE FROM looks WHERE at < ?", (before,))

    async def erase_task(self, task_id: str, state: TaskState) -> None:
        """Erase whom a task is about and what it hung on; its decisions stay."""
        self._connection.execute(
            "UPDATE tasks SET subject = NULL, remind_at = NULL, flagged_at = NULL, "
            "state = ?, revision = revision + 1 WHERE id = ?",
            (state.value, task_id),
        )
        for table in (
            *("task_signals", "task_hearings", "task_answers"),
            *("task_inquiries", "task_views"),
        ):
            self._drop_of_task(table, task_id)

    async def forget_decisions(self, before: int, limit: int) -> int:
        """Drop decisions from before a moment, with tasks that are erased and bare."""
        gone = self._connection.execute(
            "DELETE FROM task_decisions WHERE number IN (SELECT number FROM "
            "task_decisions WHERE decided_at < ? ORDER BY decided_at LIMIT ?)",
            (before, limit),
        )
        self._connection.execute(
            "DELETE FROM tasks WHERE id IN (SELECT id FROM tasks WHERE subject IS NULL "
            "AND ends_at < ? AND NOT EXISTS (SELECT 1 FROM task_decisions "
            "WHERE task_decisions.task = tasks.id) LIMIT ?)",
            (before, limit),
        )
        return gone.rowcount

    def _drop_of_task(self, table: str, task_id: str) -> None:
        self._connection.execute(
            f"DELETE FROM {table} WHERE task = ?",  # noqa: S608 - our own tables
            (task_id,),
        )
