# SPDX-License-Identifier: Apache-2.0
"""Rows that a worker has in memory until its batch ends, or somebody looks for them.

Nothing refuses them, so nobody has to wait for the server's word. Those of an act that
is taken back go. If rows of earlier acts went over behind the act's savepoint, they are
taken back with it, and wait again.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from fedsafe_node.store.postgresql.statements import Statement

Values = Sequence[object]


@dataclass(slots=True)
class Waiting:
    """Rows of one statement; `own` counts those of the act under way.

    `gone` are rows of earlier acts that went over during this one.
    """

    statement: Statement
    rows: list[Values] = field(default_factory=list)
    gone: list[Values] = field(default_factory=list)
    own: int = 0

    def went(self, *, in_act: bool) -> None:
        """Be told that all rows are with the server."""
        if in_act:
            self.gone += self.rows[: len(self.rows) - self.own]
        self.rows, self.own = [], 0


class WaitingRows:
    """All rows that wait; owned by the writer's thread."""

    def __init__(self) -> None:
        self._by_statement: dict[bytes, Waiting] = {}

    def add(self, statement: Statement, rows: Sequence[Values]) -> None:
        """Let rows wait."""
        new = Waiting(statement)
        waiting = self._by_statement.setdefault(statement.sql, new)
        waiting.rows.extend(rows)
        waiting.own += len(rows)

    def begin_act(self) -> None:
        """Set the point to which `undo_act` goes back."""
        for waiting in self._by_statement.values():
            waiting.own, waiting.gone = 0, []

    def undo_act(self) -> None:
        """Take back the rows of the act, and what the server takes back with it."""
        for waiting in self._by_statement.values():
            kept = waiting.rows[: len(waiting.rows) - waiting.own]
            waiting.rows, waiting.gone, waiting.own = waiting.gone + kept, [], 0

    def of(self, tables: Collection[str]) -> list[Waiting]:
        """Return what waits for tables."""
        return [
            waiting
            for waiting in self._by_statement.values()
            if waiting.rows and waiting.statement.into in tables
        ]

    def __len__(self) -> int:
        """Count the rows."""
        return sum(len(waiting.rows) for waiting in self._by_statement.values())

    def take(self) -> Iterator[tuple[bytes, Values]]:
        """Give all rows with their statements, and forget them."""
        taken, self._by_statement = self._by_statement, {}
        for sql, waiting in taken.items():
            for row in waiting.rows:
                yield sql, row

    def clear(self) -> None:
        """Forget all rows."""
        self._by_statement.clear()
