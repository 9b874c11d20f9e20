# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API for trials (P22), as closed types.

Times are seconds since 1970 in UTC.
"""

from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_node.acts.bodies import Message, Reference, TaskId
from fedsafe_policies.vocabulary import Purpose


@unique
class TrialCause(StrEnum):
    """Why signals are on trial."""

    NEW_ORIGIN = "new_origin"
    IMPORTED_LIST = "imported_list"
    PROBATION = "probation"


TrialId = TaskId
TrialState = Literal["running", "ended"]
MOST_TRIALS = 1_000


class TrialsQuery(Message, frozen=True):
    """Which trials are listed: those that run, or those that have ended.

    Left out, the `purpose` is what the role usually reads tasks for.
    """

    state: TrialState = "running"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_TRIALS)] = MOST_TRIALS
    purpose: Purpose | None = None


class TrialShown(Message, frozen=True):
    """Signals of an origin that have no effect here, and what came of their matches.

    `list` is the day on which an imported list was published, `kind` that of signals on
    probation. Of the `matches`, `drawn` were reviewed: `upheld` by findings of one's
    own, `wrong` where the listing is, and `other`. With a wrong one, or on probation,
    it does not end by itself (`needs_person`).
    """

    trial: TrialId
    origin: str
    cause: TrialCause
    list: str | None
    began_at: int
    ends_at: int
    matches: int
    drawn: int
    upheld: int
    wrong: int
    other: int
    needs_person: bool
    prolonged_by: str | None = None
    prolonged_at: int | None = None
    ended_by: str | None = None
    ended_at: int | None = None
    reason: str | None = None
    kind: str | None = None


class TrialsAnswer(Message, frozen=True):
    """Trials, the newest first."""

    trials: list[TrialShown]


class TrialRequest(Message, frozen=True):
    """Why a trial is prolonged, or ended: a reference to what was looked at.

    `again` says the same once more, after 409 `look_again`.
    """

    reason: Reference
    again: bool = False
