# SPDX-License-Identifier: Apache-2.0
"""The tables of trials: a reading and a writing half."""

from typing import Any, Final

import msgspec

from fedsafe_node.acts.trials import TrialCause
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.review_rows import ClosingRow, TrialRow
from fedsafe_node.store.sql import Connection, IntegrityError
from fedsafe_policies.rules.trials import Closings

_FIELDS: Final = TrialRow.__struct_fields__
_COLUMNS: Final = ", ".join(_FIELDS)
_TRIAL: Final = f"SELECT {_COLUMNS} FROM trials "  # noqa: S608 - our own columns
_PROBATION: Final = "cause = 'probation' AND ended_at IS NULL"
_ADD: Final = (
    f"INSERT INTO trials ({_COLUMNS}) "  # noqa: S608 - our own columns
    f"VALUES ({', '.join('?' * len(_FIELDS))})"
)
_PUT: Final = (
    "UPDATE trials SET "  # noqa: S608 - our own columns
    f"{', '.join(f'{name} = ?' for name in _FIELDS[1:])} WHERE id = ?"
)


def _trial(row: Any) -> TrialRow:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    named["cause"] = TrialCause(named["cause"])
    return TrialRow(**named)


class SqlTrialsReader:
    """Reads trials and what was drawn in them."""

    _connection: Connection

    def _trials(self, where: str, *values: object) -> list[TrialRow]:
        return [_trial(row) for row in self._connection.execute(_TRIAL + where, values)]

    async def trial(self, trial_id: str) -> TrialRow | None:
        """Return a trial."""
        found = self._trials("WHERE id = ?", trial_id)
        return found[0] if found else None

    async def trial_of(
        self, origin: str, cause: TrialCause, list_: str, began_at: int
    ) -> TrialRow | None:
        """Return the trial of an origin for a cause that began at a moment."""
        where = "WHERE origin = ? AND cause = ? AND list = ? AND began_at = ?"
        found = self._trials(where, origin, cause.value, list_, began_at)
        return found[0] if found else None

    async def probation_of(self, origin: str, kind: str) -> TrialRow | None:
        """Return the probation of an origin's signals of a kind that has not ended."""
        found = self._trials(
            f"WHERE {_PROBATION} AND origin = ? AND list = ?", origin, kind
        )
        return found[0] if found else None

    async def last_probation(self, origin: str, kind: str) -> int | None:
        """Return when the last probation of an origin's signals of a kind ended."""
        (ended,) = self._connection.execute(
            "SELECT max(ended_at) FROM trials "
            "WHERE cause = 'probation' AND origin = ? AND list = ?",
            (origin, kind),
        ).fetchone()
        return None if ended is None else int(ended)

    async def probations(self) -> int:
        """Count the probations that have not ended."""
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM trials WHERE {_PROBATION}"  # noqa: S608 - our own
        ).fetchone()
        return int(count)

    async def closings(self, origin: str, kind: str, since: int) -> Closings:
        """Sum up how reviews of an origin's matches of a kind ended after a moment."""
        # What one person alone found wrong counts for nothing.
        counted, by_two, wrong = self._connection.execute(
            "SELECT count(*), coalesce(sum(is_by_two), 0), coalesce(sum(is_wrong), 0) "
            "FROM closings WHERE origin = ? AND kind = ? AND closed_at > ? "
            "AND (is_by_two = 1 OR is_wrong = 0)",
            (origin, kind, since),
        ).fetchone()
        return Closings(counted=int(counted), by_two=int(by_two), wrong=int(wrong))

    async def trials(self, *, running: bool, limit: int) -> list[TrialRow]:
        """Return the trials that run, or that have ended; the newest first."""
        which = "IS NULL" if running else "IS NOT NULL"
        where = f"WHERE ended_at {which} ORDER BY began_at DESC, id LIMIT ?"
        return self._trials(where, limit)

    async def trials_due(self, now: int, limit: int) -> list[TrialRow]:
        """Return the trials whose time is over at `now`, and that can end by it."""
        where = (
            "WHERE ended_at IS NULL AND ends_at <= ? AND wrong = 0 "
            "AND cause <> 'probation' ORDER BY ends_at LIMIT ?"
        )
        return self._trials(where, now, limit)

    async def trials_to_remind_of(self, now: int, limit: int) -> list[TrialRow]:
        """Return the trials that only a person ends, and of which nobody was told."""
        where = (
            "WHERE ended_at IS NULL AND ends_at <= ? "
            "AND (wrong > 0 OR cause = 'probation') AND reminded_at IS NULL "
            "ORDER BY ends_at LIMIT ?"
        )
        return self._trials(where, now, limit)

    async def in_trial(self, trial_id: str, mark: bytes) -> bool:
        """Tell whether a trial has counted a match."""
        row = self._connection.execute(
            "SELECT 1 FROM trial_matches WHERE trial = ? AND mark = ?",
            (trial_id, mark),
        ).fetchone()
        return row is not None

    async def samples_of(self, task_id: str) -> list[tuple[str, bytes]]:
        """Return what a task was drawn for and is not decided on: trial and mark."""
        rows = self._connection.execute(
            "SELECT trial, mark FROM trial_matches WHERE task = ? ORDER BY trial, mark",
            (task_id,),
        )
        return [(str(trial), bytes(mark)) for trial, mark in rows]


class SqlTrialsWriter:
    """Keeps trials and what was drawn in them."""

    _connection: Connection

    async def add_trial(self, trial: TrialRow) -> None:
        """Keep a trial.

        Raises:
            ConflictError: there is one like it.
        """
        self._write_trial(_ADD, msgspec.structs.astuple(trial))

    async def put_trial(self, trial: TrialRow) -> None:
        """Keep how a trial stands.

        Raises:
            ConflictError: it has ended.
        """
        id_, *values = msgspec.structs.astuple(trial)
        self._write_trial(_PUT, (*values, id_))

    def _write_trial(self, sql: str, values: tuple[object, ...]) -> None:
        try:
            self._connection.execute(sql, values)
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def add_trial_match(
        self, trial_id: str, mark: bytes, task_id: str | None
    ) -> None:
        """Count a match, and the task of one that was drawn."""
        self._connection.execute(
            "INSERT INTO trial_matches (trial, mark, task) VALUES (?, ?, ?)",
            (trial_id, mark, task_id),
        )

    async def settle_sample(self, trial_id: str, mark: bytes) -> None:
        """Note that what was drawn is decided on."""
        self._connection.execute(
            "UPDATE trial_matches SET task = NULL WHERE trial = ? AND mark = ?",
            (trial_id, mark),
        )

    async def forget_trial_matches(self, trial_id: str) -> None:
        """Drop what a trial has counted; its sums stay."""
        self._connection.execute(
            "DELETE FROM trial_matches WHERE trial = ?", (trial_id,)
        )

    async def put_closing(self, closing: ClosingRow) -> None:
        """Keep how a review ended; the last time counts."""
        self._connection.execute(
            "INSERT INTO closings (task, origin, kind, closed_at, is_by_two, is_wrong) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (task) DO UPDATE SET "
            "closed_at = excluded.closed_at, is_by_two = excluded.is_by_two, "
            "is_wrong = excluded.is_wrong",
            (
                closing.task,
                closing.origin,
                closing.kind,
                closing.closed_at,
                int(closing.is_by_two),
                int(closing.is_wrong),
            ),
        )

    async def forget_closings(self, before: int) -> None:
        """Drop how reviews ended that were closed before a moment."""
        self._connection.execute("DELETE FROM closings WHERE closed_at < ?", (before,))
