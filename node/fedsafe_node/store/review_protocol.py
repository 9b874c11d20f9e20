# SPDX-License-Identifier: Apache-2.0
"""What a store promises about reviews. Part of `Reader` and `Transaction`."""

from collections.abc import Sequence
from typing import Protocol

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


class ReviewReader(Protocol):
    """Reads tasks."""

    async def task(self, task_id: str) -> TaskRow | None:
        """Return a task."""
        ...

    async def live_tasks(self, subject: str) -> list[TaskRow]:
        """Return an account's tasks that are open or watched, oldest first."""
        ...

    async def tasks_about(self, subject: str) -> list[TaskRow]:
        """Return an account's tasks of every state, oldest first."""
        ...

    async def tasks_at_hand(
        self, limit: int, *, after: TaskPlace = FIRST_PLACE, crowd: int = 20
    ) -> list[ListedTaskRow]:
        """Return what waits for a person, by place, from behind one on.

        What hangs only on signals that more than `crowd` tasks wait on comes after
        the rest, and then what nobody named. Walks all that waits: use it in `scan`.
        """
        ...

    async def tasks_waiting(self) -> int:
        """Count what waits for a person."""
        ...

    async def tasks_in(
        self, state: TaskState, limit: int, *, after: TaskPlace = FIRST_PLACE
    ) -> list[ListedTaskRow]:
        """Return the tasks of a state, newest first, from behind a place on."""
        ...

    async def ended_tasks(self, now: int, limit: int) -> list[TaskRow]:
        """Return the tasks whose content has to go at or before `now`."""
        ...

    async def tasks_to_remind_of(self, now: int, limit: int) -> list[TaskRow]:
        """Return the tasks with `remind_at` at or before `now`."""
        ...

    async def task_signals(self, task_id: str) -> list[TaskSignalRow]:
        """Return what a task hangs on, oldest first."""
        ...

    async def tasks_on(self, origin: str, signal_id: bytes) -> list[TaskSignalRow]:
        """Return what tasks hang on a signal of a list."""
        ...

    async def untold_stops(self, limit: int) -> list[TaskSignalRow]:
        """Return stopped signals for which their tasks were not flagged, by task."""
        ...

    async def task_decisions(self, task_id: str) -> list[TaskDecisionRow]:
        """Return what was decided on a task, oldest first."""
        ...

    async def decisions_by(self, person: str, limit: int) -> list[TaskDecisionRow]:
        """Return the newest decisions of a person, inquiries left out."""
        ...

    async def decisions_seconded(
        self, person: str, limit: int
    ) -> list[TaskDecisionRow]:
        """Return the newest decisions that a person approved as the second."""
        ...

    async def newest_decisions(self, limit: int) -> list[TaskDecisionRow]:
        """Return the newest decisions of everybody, inquiries left out."""
        ...

    async def deciders(self) -> list[str]:
        """Return everybody whose decisions are kept, by name."""
        ...

    async def task_hearings(self, task_id: str) -> list[TaskHearingRow]:
        """Return the steps of a task's hearing, oldest first."""
        ...

    async def task_inquiries(self, task_id: str) -> list[TaskInquiryRow]:
        """Return what was asked about a task's signals, oldest first."""
        ...

    async def task_answers(self, task_id: str) -> list[TaskAnswerRow]:
        """Return what origins have replied to a task's inquiries."""
        ...

    async def unanswered_inquiries(self, limit: int) -> list[TaskInquiryRow]:
        """Return the inquiries that nobody has answered, oldest first."""
        ...

    async def task_viewed(self, task_id: str, person: str) -> int | None:
        """Return when a person first looked at a task since it changed last."""
        ...

    async def look(self, matter: str, person: str) -> LookRow | None:
        """Return when a person was first shown a matter, and what it is asked again."""
        ...

    async def lookers(self, matter: str) -> list[LookRow]:
        """Return the looks at a matter, the earliest first."""
        ...


class ReviewWriter(Protocol):
    """Keeps tasks."""

    async def add_task(self, task: TaskRow) -> None:
        """Keep a task.

        Raises:
            ConflictError: its account has an open one.
        """
        ...

    async def put_task(self, task: TaskRow) -> None:
        """Keep how a task stands; it must be there, with its content."""
        ...

    async def put_task_signals(self, signals: Sequence[TaskSignalRow]) -> None:
        """Keep what tasks hang on; what is there already is replaced."""
        ...

    async def drop_task_signal(
        self, task_id: str, origin: str, signal_id: bytes
    ) -> None:
        """Let a task hang on a signal no more."""
        ...

    async def add_task_decision(self, decision: TaskDecisionRow) -> None:
        """Keep a decision; who has looked at the task looks anew after it."""
        ...

    async def add_task_hearing(self, step: TaskHearingRow) -> None:
        """Keep a step of a hearing."""
        ...

    async def add_task_inquiry(self, inquiry: TaskInquiryRow) -> int:
        """Keep questions to an origin; return their number."""
        ...

    async def add_task_answer(self, answer: TaskAnswerRow) -> None:
        """Keep what an origin replied.

        Raises:
            ConflictError: that inquiry is answered.
        """
        ...

    async def add_task_view(self, task_id: str, person: str, at: int) -> None:
        """Keep when a person looks at a task; the first time of a revision counts."""
        ...

    async def add_look(self, matter: str, person: str, at: int) -> None:
        """Keep when a matter is shown to a person; the first time counts."""
        ...

    async def ask_again(self, matter: str, person: str, words: bytes, at: int) -> None:
        """Keep that a person was asked to say these words of a matter once more."""
        ...

    async def drop_look(self, matter: str, person: str) -> None:
        """Drop what is kept of a person's look at a matter."""
        ...

    async def forget_looks(self, before: int) -> None:
        """Drop looks that were last touched before a moment."""
        ...

    async def erase_task(self, task_id: str, state: TaskState) -> None:
        """Erase whom a task is about and what it hung on; its decisions stay."""
        ...

    async def forget_decisions(self, before: int, limit: int) -> int:
        """Drop decisions from before a moment, with tasks that are erased and bare."""
        ...
