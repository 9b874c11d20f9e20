# SPDX-License-Identifier: Apache-2.0
"""The rows of reviews, floods, trials and inquiries.

Times are whole seconds since 1970 in UTC.
"""

from enum import StrEnum, unique
from typing import Final

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.floods import FloodState
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.acts.trials import TrialCause
from fedsafe_node.store.rows import Row


@unique
class TaskState(StrEnum):
    """Whether a match waits, is watched, was decided on, or ended by itself."""

    OPEN = "open"
    WATCHED = "watched"
    DECIDED = "decided"
    LAPSED = "lapsed"


class TaskRow(Row, frozen=True, kw_only=True):
    """The review of one account; `subject` is None once its content is erased.

    `opened_at` begins the clock, `ends_at` is when the content goes. `flagged_at`
    says since when a stopped signal asks for a new look; `renewals` counts how often
    the account was watched; `revision` grows with all that bears on a decision.
    """

    id: str
    subject: str | None
    state: TaskState
    opened_at: int
    ends_at: int
    remind_at: int | None = None
    renewals: int = 0
    flagged_at: int | None = None
    revision: int = 0


class TaskPlace(Row, frozen=True, kw_only=True):
    """Where a task stands in a list: by `rank`, then by `moment`, then by name.

    Of what waits, rank 0 comes before what hangs on crowded signals only (1) and what
    nobody named (2), and `moment` is when it ends; of a state, the newest comes first
    and `moment` is negative.
    """

    rank: int
    moment: int
    id: str


FIRST_PLACE: Final = TaskPlace(rank=-1, moment=0, id="")


class ListedTaskRow(Row, frozen=True, kw_only=True):
    """A task in its place; `alike` counts the tasks that wait on its rarest signal."""

    task: TaskRow
    place: TaskPlace
    alike: int


class TaskSignalRow(Row, frozen=True, kw_only=True):
    """A signal that a task hangs on; `effect` says how it was stopped since.

    `effect_at` is when the task was flagged for that; None until it is.
    """

    task: str
    origin: str
    signal_id: bytes
    added_at: int
    period: str
    sealed: bytes | None
    effect: str | None = None
    effect_at: int | None = None


class TaskDecisionRow(Row, frozen=True, kw_only=True):
    """What a person, or two, made of a task.

    `rule` and what follows it are what a measure rests on: a rule of the provider's
    own, and its own finding. `dwell` and `second_dwell` say how many seconds after
    their first look at it.
    """

    task: str
    outcome: str
    decided_by: str
    decided_at: int
    dwell: int
    level: str | None = None
    second: str | None = None
    until: int | None = None
    reason: str | None = None
    evidence: str | None = None
    hearing: str | None = None
    second_dwell: int | None = None
    rule: str | None = None
    phenomenon: str | None = None
    surface: str | None = None
    grade: str | None = None
    source: str | None = None
    because: str | None = None


class LookRow(Row, frozen=True, kw_only=True):
    """When a matter was first shown to a person, and the digest of words said too fast.

    `at` is when the row was last touched.
    """

    matter: str
    person: str
    at: int
    seen_at: int | None = None
    words: bytes | None = None


class TaskHearingRow(Row, frozen=True, kw_only=True):
    """A step of a hearing; `answer_until` is the end of a day."""

    task: str
    step: str
    reference: str
    recorded_by: str
    recorded_at: int
    answer_until: int | None = None
    exception: str | None = None


class TaskInquiryRow(Row, frozen=True, kw_only=True):
    """Questions to an origin about its signal, by name, with blanks between.

    `number` is the store's.
    """

    task: str
    origin: str
    signal_id: bytes
    questions: str
    asked_by: str
    asked_at: int
    number: int | None = None


class TaskAnswerRow(Row, frozen=True, kw_only=True):
    """What an origin replied to an inquiry: `question=reply`, with blanks between."""

    inquiry: int
    task: str
    replies: str
    reference: str
    answered_by: str
    answered_at: int


class FloodRow(Row, frozen=True, kw_only=True):
    """A signal that has matched more than its bound within a day.

    `origin` names its list, and `about` marks what it lists: another signal of the
    same belongs to this flood. `ends_at` is when the references go.
    """

    id: str
    origin: str
    signal_id: bytes
    about: bytes
    state: FloodState
    bound: int
    opened_at: int
    ends_at: int
    remind_at: int | None
    period: str
    sealed: bytes | None
    kept: int = 0
    beyond: int = 0
    ruled_by: str | None = None
    second: str | None = None
    ruled_at: int | None = None
    reason: str | None = None


class RaisedRow(Row, frozen=True, kw_only=True):
    """The bound to which two people have raised that of a listing, until then."""

    origin: str
    about: bytes
    bound: int
    until: int
    raised_by: str
    second: str


class PictureRow(Row, frozen=True, kw_only=True):
    """The PDQ value of what an origin lists, sealed, and when it was counted last."""

    origin: str
    about: bytes
    at: int
    period: str
    sealed: bytes


class TrialRow(Row, frozen=True, kw_only=True):
    """Signals of an origin that have no effect here for a time.

    `list` names the imported list by the day of its publication, and of a probation the
    kind of the signals; it is empty for a new origin. `upheld`, `wrong` and `other`
    count how those that were drawn ended.
    """

    id: str
    origin: str
    cause: TrialCause
    list: str
    began_at: int
    ends_at: int
    seed: bytes
    matches: int = 0
    drawn: int = 0
    upheld: int = 0
    wrong: int = 0
    other: int = 0
    prolonged_by: str | None = None
    prolonged_at: int | None = None
    ended_by: str | None = None
    ended_at: int | None = None
    reason: str | None = None
    reminded_at: int | None = None

    def __repr__(self) -> str:
        """Name it, never its seed."""
        return f"TrialRow({self.id}, {self.origin}, {self.cause})"


class ClosingRow(Row, frozen=True, kw_only=True):
    """How a review ended that tells of one origin and kind; it names nobody."""

    task: str
    origin: str
    kind: str
    closed_at: int
    is_by_two: bool
    is_wrong: bool


class SentInquiryRow(Row, frozen=True, kw_only=True):
    """An inquiry to the origin of a signal; at `next_at` it is brought again.

    `day` numbers the UTC day of the dismissal; `tries` counts what failed in a row.
    """

    origin: str
    signal_id: bytes
    state: SentState
    day: int
    changed_at: int
    tries: int = 0
    next_at: int | None = None


class InquiryRow(Row, frozen=True, kw_only=True):
    """A signal of this node that is to be reviewed; `origin` names its list."""

    signal_id: bytes
    origin: str
    state: InquiryState
    opened_at: int
    ruled_at: int | None = None
    ruled_by: str | None = None
    reason: str | None = None


class InquirerRow(Row, frozen=True, kw_only=True):
    """A member that has asked for the review of a signal."""

    signal_id: bytes
    member: str
    day: int
    received_at: int


class ToldRow(Row, frozen=True, kw_only=True):
    """What a member has told last of how reviews of this node's signals ended."""

    member: str
    received_at: int
    statement: bytes
