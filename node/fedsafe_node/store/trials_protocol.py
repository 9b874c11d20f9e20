# SPDX-License-Identifier: Apache-2.0
"""What a store promises about trials. Part of `Reader` and `Transaction`."""

from typing import Protocol

from fedsafe_node.review.trial_messages import TrialCause
from fedsafe_node.store.trials_rows import ClosingRow, TrialRow
from fedsafe_policies.trials import Closings


class TrialsReader(Protocol):
    """Reads trials and what was drawn in them."""

    async def trial(self, trial_id: str) -> TrialRow | None:
        """Return a trial."""
        ...

    async def trial_of(
        self, origin: str, cause: TrialCause, list_: str, began_at: int
    ) -> TrialRow | None:
        """Return the trial of an origin for a cause that began at a moment."""
        ...

    async def probation_of(self, origin: str, kind: str) -> TrialRow | None:
        """Return the probation of an origin's signals of a kind that has not ended."""
        ...

    async def last_probation(self, origin: str, kind: str) -> int | None:
        """Return when the last probation of an origin's signals of a kind ended."""
        ...

    async def probations(self) -> int:
        """Count the probations that have not ended."""
        ...

    async def closings(self, origin: str, kind: str, since: int) -> Closings:
        """Sum up how reviews of an origin's matches of a kind ended after a moment."""
        ...

    async def trials(self, *, running: bool, limit: int) -> list[TrialRow]:
        """Return the trials that run, or that have ended; the newest first."""
        ...

    async def trials_due(self, now: int, limit: int) -> list[TrialRow]:
        """Return the trials whose time is over at `now`, and that can end by it."""
        ...

    async def trials_to_remind_of(self, now: int, limit: int) -> list[TrialRow]:
        """Return the trials that only a person ends, and of which nobody was told."""
        ...

    async def in_trial(self, trial_id: str, mark: bytes) -> bool:
        """Tell whether a trial has counted a match."""
        ...

    async def samples_of(self, task_id: str) -> list[tuple[str, bytes]]:
        """Return what a task was drawn for and is not decided on: trial and mark."""
        ...


class TrialsWriter(Protocol):
    """Keeps trials and what was drawn in them."""

    async def add_trial(self, trial: TrialRow) -> None:
        """Keep a trial.

        Raises:
            ConflictError: there is one like it.
        """
        ...

    async def put_trial(self, trial: TrialRow) -> None:
        """Keep how a trial stands.

        Raises:
            ConflictError: it has ended.
        """
        ...

    async def add_trial_match(
        self, trial_id: str, mark: bytes, task_id: str | None
    ) -> None:
        """Count a match, and the task of one that was drawn."""
        ...

    async def settle_sample(self, trial_id: str, mark: bytes) -> None:
        """Note that what was drawn is decided on."""
        ...

    async def forget_trial_matches(self, trial_id: str) -> None:
        """Drop what a trial has counted; its sums stay."""
        ...

    async def put_closing(self, closing: ClosingRow) -> None:
        """Keep how a review ended; the last time counts."""
        ...

    async def forget_closings(self, before: int) -> None:
        """Drop how reviews ended that were closed before a moment."""
        ...
