# SPDX-License-Identifier: Apache-2.0
"""Rows that the acts of a batch have added, as they wait in memory.

Most acts that share a commit do no more than append an event and count a lookup.
Nothing refuses such rows, so they wait until something else is asked of the database,
or the batch ends, and go there many to a statement; what several acts count in one
place goes as one row. An act has a savepoint from its first other statement on; one
that only adds needs none. PostgreSQL has the same for its own reasons
(`postgresql.pending_rows`).

If rows of earlier acts do not go in, the act that is under way fails, and so does every
later one and the commit, until the batch is taken back: rows of one kind may be in by
then and those of another not, and nobody could say whose. So nobody is told that they
were kept.
"""

import sqlite3
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

from fedsafe_node.store.sql_logs import ENTRY, OPENING
from fedsafe_node.store.sql_oversight import ADD_SPENT
from fedsafe_node.store.sqlite.many import run_many

Values = Sequence[Any]
_KEY: Final = 3  # cells of a row by which it is found
_key_of: Final = itemgetter(*range(_KEY))


class WaitingRows:
    """The rows that wait; owned by the writer's thread.

    `_own`: behind how many rows of each kind those of the act begin; `_is_saved`:
    whether it has its savepoint. Unless it `is_due` there is nothing to be done before
    another statement. `_spared`: rows that went in with another one. `_refused`: why
    rows did not go in, and nothing may until all is taken back.
    """

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw
        self._openings: list[Values] = []
        self._single: dict[str, list[Values]] = {ENTRY: [], ADD_SPENT: []}
        self._kinds = (*self._single.values(), self._openings)
        self._own = [0] * len(self._kinds)
        self._is_in_act = self._is_saved = False
        self._spared = 0
        self._refused: BaseException | None = None
        self.is_due = False

    @property
    def changes(self) -> int:
        """A number that grows by each row, and stays as they go in."""
        return sum(map(len, self._kinds)) + self._spared

    def take(self, sql: str, values: Values) -> bool:
        """Let a row wait; False if it is not for that, or its act is alone."""
        rows = self._single.get(sql)
        if rows is None or not self._is_in_act:
            return False
        rows.append(values)
        self.is_due = True
        return True

    def take_many(self, sql: str, rows: Sequence[Values]) -> bool:
        """Let openings wait; False if they are none or refused, or the act is alone."""
        if sql != OPENING or not self._is_in_act:
            return False
        if len(set(map(_key_of, rows))) < len(rows):
            return False  # two of one group
        self._openings += rows
        self.is_due = True
        return True

    def begin_act(self) -> None:
        """Set the point to which `undo_act` goes back."""
        self._own = list(map(len, self._kinds))
        self._is_saved = False
        self._is_in_act = self.is_due = True

    def end_act(self) -> None:
        """Keep what the act did."""
        if self._is_saved:
            self._raw.execute("RELEASE act")
        self._is_in_act = self._is_saved = False

    def undo_act(self) -> None:
        """Take back what the act did."""
        for rows, own in zip(self._kinds, self._own, strict=True):
            del rows[own:]
        if self._is_saved:
            self._raw.execute("ROLLBACK TO act")
            self._raw.execute("RELEASE act")
        self._is_in_act = self._is_saved = False

    def settle(self) -> None:
        """See that a statement finds all rows, and can be taken back with its act.

        Once that has failed it does so again, until `clear`: the same statement may go
        through the next time, and would leave rows of an act that was taken back.
        """
        if not self._raw.in_transaction:  # SQLite took it back, as on a full disk
            self.clear()
            return
        if self._refused is not None:
            raise self._refused
        try:
            self._add_all()
        except BaseException as error:
            self._refused = error
            raise
        self.is_due = False

    def _add_all(self) -> None:
        if self._is_in_act and not self._is_saved:
            self._add(self._own)
            self._raw.execute("SAVEPOINT act")
            self._is_saved, self._own = True, [0] * len(self._kinds)
        self._add(list(map(len, self._kinds)))

    def clear(self) -> None:
        """Forget all rows, and the act."""
        for rows in self._kinds:
            rows.clear()
        self._is_in_act = self._is_saved = self.is_due = False
        self._refused = None

    def _add(self, counts: Sequence[int]) -> None:
        statements = (*self._single, OPENING)
        for sql, rows, count in zip(statements, self._kinds, counts, strict=True):
            if count:
                added = rows[:count] if sql != ADD_SPENT else _summed(rows[:count])
                run_many(self._raw, sql, added)
                self._spared += count - len(added)
                del rows[:count]


def _summed(rows: Sequence[Values]) -> list[Values]:
    """Add up what is counted in one place."""
    sums: dict[Values, Values] = {}
    for row in rows:
        before, counts = sums.get(row[:_KEY]), row[_KEY:]
        if before is not None:
            counts = tuple(map(sum, zip(before, counts, strict=True)))
        sums[row[:_KEY]] = counts
    return [(*key, *counts) for key, counts in sums.items()]
