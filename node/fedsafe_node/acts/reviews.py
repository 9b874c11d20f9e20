# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API for reviews, as closed types.

Times are seconds since 1970 in UTC. No text is free: what a person adds are words of
closed lists, days, and references that say nothing by themselves.
"""

from datetime import date
from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_federation.feed.signals import RuleId
from fedsafe_node.acts.bodies import (
    Message,
    Reference,
    ServiceName,
    SignalId,
    SubjectRef,
    TaskId,
)
from fedsafe_node.acts.lookup import Match
from fedsafe_node.acts.people import ActAnswer
from fedsafe_policies.rules.hearings import HearingException, HearingStep
from fedsafe_policies.vocabulary import (
    Grade,
    Level,
    Outcome,
    Phenomenon,
    Purpose,
    Source,
    Surface,
)

MAX_LISTED = 1_000
MOST_INQUIRIES = 500
USUALLY_LISTED = 200
Listed = Literal["waiting", "open", "watched", "decided", "lapsed"]
Place = Annotated[
    str, msgspec.Meta(pattern=r"^[0-2]\.-?[0-9]{1,15}\.[0-9a-f]{32}(?!\n)$")
]
InquiryNumber = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,14}(?!\n)$")]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]


@unique
class InquiryQuestion(StrEnum):
    """What the origin of a signal can be asked; it answers with yes or no."""

    STILL_STANDS = "still_stands"
    FOUND_BY_A_PERSON = "found_by_a_person"
    IDENTIFIER_CONFIRMED = "identifier_confirmed"
    AGE_CONFIRMED = "age_confirmed"
    PERSON_WAS_HEARD = "person_was_heard"
    COMPLAINT_PENDING = "complaint_pending"


@unique
class Reply(StrEnum):
    """What an origin replied to a question."""

    YES = "yes"
    NO = "no"
    UNANSWERED = "unanswered"


@unique
class Because(StrEnum):
    """Why a match is dismissed, where that is about the listing itself."""

    LISTING_WRONG = "listing_wrong"


class TaskShown(Message, frozen=True):
    """A task as it is listed.

    `ends_at` is when its content goes: undecided, at the end of its watch, or when a
    decision is kept no longer. `flagged_at`: a signal was stopped since, so it needs
    a new look. `service` and `subject_ref` are null once the content is gone.
    """

    __schema_name__ = "ReviewTaskShown"

    task: TaskId
    service: ServiceName | None
    subject_ref: SubjectRef | None
    state: Literal["open", "watched", "decided", "lapsed"]
    opened_at: int
    ends_at: int
    flagged_at: int | None
    renewals: int
    revision: int


class ListedTask(TaskShown, frozen=True):
    """A task in a list; of what waits, `alike` counts the tasks on the same signals.

    That is how many wait on the rarest of its signals, itself among them.
    """

    alike: int


class TasksAnswer(Message, frozen=True):
    """Tasks; of those that wait for a person, what ends first comes first.

    Behind the others come accounts of which more than 20 wait on the same signals,
    and then what was asked without naming an account. `next` leads to the tasks behind
    these; null if these are the last. `floods` counts the match floods that wait for a
    ruling; they are listed by themselves.
    """

    tasks: list[ListedTask]
    next: Place | None
    floods: int = 0


class TasksQuery(Message, frozen=True):
    """Which tasks are listed: those that wait for a person, or those of a state.

    With `after`, the `next` of an earlier answer, those behind it. Left out, the
    `purpose` is what the role usually reads tasks for.
    """

    state: Listed = "waiting"
    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_LISTED)] = USUALLY_LISTED
    after: Place | None = None
    purpose: Purpose | None = None


class TaskSignal(Message, frozen=True):
    """A signal that a task hangs on.

    `match` is what the lookup showed, with `question` 0; null once the signal was
    revoked, expired or erased. `effect` says how it was stopped.
    """

    signal: SignalId
    origin: str
    added_at: int
    match: Match | None
    effect: str | None = None


class DecisionShown(Message, frozen=True):
    """A decision; `dwell` says how many seconds after the first look it was taken.

    `second_dwell` says so of the second person's look. What the statement of reasons
    says of a measure is from `rule` on.
    """

    outcome: Outcome
    level: Level | None
    decided_by: str
    second: str | None
    decided_at: int
    dwell: int
    until: int | None
    reason: str | None
    evidence: str | None
    hearing: str | None
    second_dwell: int | None
    rule: str | None = None
    phenomenon: Phenomenon | None = None
    surface: Surface | None = None
    grade: Grade | None = None
    source: Source | None = None
    because: Because | None = None


class HearingShown(Message, frozen=True):
    """A step of the hearing."""

    step: HearingStep
    reference: str
    answer_until: int | None
    exception: HearingException | None
    recorded_by: str
    recorded_at: int


class InquiryShown(Message, frozen=True):
    """Questions to an origin, and its replies once somebody has entered them.

    `contact` is where the origin is reached about its signal; null once what the task
    held of the signal is gone.
    """

    __schema_name__ = "OriginInquiryShown"

    inquiry: int
    task: TaskId
    signal: SignalId
    origin: str
    questions: list[InquiryQuestion]
    asked_by: str
    asked_at: int
    contact: str | None = None
    replies: dict[InquiryQuestion, Reply] | None = None
    reference: str | None = None
    answered_by: str | None = None
    answered_at: int | None = None


class InquiriesAnswer(Message, frozen=True):
    """The inquiries that wait for the origin's answer, oldest first.

    `next` leads to those behind these; null if these are the last.
    """

    inquiries: list[InquiryShown]
    next: int | None = None


class InquiriesQuery(Message, frozen=True):
    """Which inquiries are listed: with `after`, a `next`, those behind it.

    Left out, the `purpose` is what the role usually reads tasks for.
    """

    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_INQUIRIES)] = MOST_INQUIRIES
    after: Annotated[int, msgspec.Meta(ge=0)] = 0
    purpose: Purpose | None = None


class ReplyRequest(Message, frozen=True):
    """What the origin replied to each question, and where that is written down."""

    replies: dict[InquiryQuestion, Reply]
    reference: Reference


class TaskAnswer(TaskShown, frozen=True):
    """A task with all that bears on it; `heard` refers to a complete hearing."""

    signals: list[TaskSignal]
    decisions: list[DecisionShown]
    hearings: list[HearingShown]
    inquiries: list[InquiryShown]
    heard: str | None


class HearingAnswer(TaskShown, frozen=True):
    """A task to whose hearing a step was added; `heard` is there if it is complete."""

    heard: str | None


class OutcomeRequest(Message, frozen=True):
    """How a review ends, or is put off.

    `watch` and `feature_limit` end with a day (`until`); `confirm` names a level and
    the provider's own `evidence`. Both name what the person is told: the `rule` of the
    rulebook that carries the measure, and the provider's own finding (`phenomenon`,
    `surface`, `grade`) with what led to it (`source`). `inquire` names a `signal` and
    `questions`. `dismiss` may say that the listing itself is wrong (`because`), each of
    them or the one that `signal` names: its origin is asked; and leave it to another
    person to close the review so (`with_second`): only what two people found wrong
    counts against the origin. With a `revision` it is refused if anything has changed
    since. `again` says the same once more, after 409 `look_again`.
    """

    outcome: Outcome
    level: Level | None = None
    until: date | None = None
    reason: Reference | None = None
    evidence: Reference | None = None
    rule: RuleId | None = None
    phenomenon: Phenomenon | None = None
    surface: Surface | None = None
    grade: Grade | None = None
    source: Source | None = None
    signal: SignalId | None = None
    questions: (
        Annotated[
            list[InquiryQuestion],
            msgspec.Meta(min_length=1, max_length=len(InquiryQuestion)),
        ]
        | None
    ) = None
    because: Because | None = None
    revision: Revision | None = None
    again: bool = False
    with_second: bool = False


class OutcomeAnswer(Message, frozen=True):
    """What became of it: `decided`, or an act that a second person has to approve."""

    task: TaskShown
    outcome: Outcome
    decided: bool
    rule: str
    policy: str
    act: ActAnswer | None = None


class HearingRequest(Message, frozen=True):
    """A step of the hearing; an invitation names the day until which to answer."""

    step: HearingStep
    reference: Reference
    answer_until: date | None = None
    exception: HearingException | None = None
