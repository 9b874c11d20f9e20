# SPDX-License-Identifier: Apache-2.0
"""The bodies of a lookup: the questions about an account, and what is answered.

No answer repeats a value that somebody asked about: questions are named by their
position. There is no word for refusing a person.
"""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_federation.feed.signals import Contact, Day, RuleId
from fedsafe_federation.media.pdq import Orientation
from fedsafe_node.acts.bodies import (
    AccountRef,
    Bilingual,
    FloodId,
    ItemProblem,
    Kind,
    Message,
    Param,
    Question,
    ServiceName,
    SignalId,
    SubjectRef,
    TaskId,
)
from fedsafe_policies.vocabulary import (
    Grade,
    Phenomenon,
    Plane,
    Provenance,
    Purpose,
    Surface,
)

MAX_QUESTIONS = 16
MAX_LOOKUPS = 10_000
Deadline = Annotated[int, msgspec.Meta(ge=10, le=60_000)]


class LookupRequest(Message, frozen=True):
    """Ask about one account; several questions give one verdict.

    The `value` of a picture (`pdq`) is one digest, or eight behind each other: as it
    is, turned and mirrored, in the order of `Orientation`. They are one question.
    `surface` says where the account or file is met; some purposes say it themselves.
    """

    questions: Annotated[
        list[Question], msgspec.Meta(min_length=1, max_length=MAX_QUESTIONS)
    ]
    subject_ref: AccountRef | None = None
    purpose: Purpose = Purpose.SIGNUP_CHECK
    surface: Surface | None = None
    deadline_ms: Deadline = 800


class Subject(Message, frozen=True):
    """One account of a batch."""

    questions: Annotated[
        list[Question], msgspec.Meta(min_length=1, max_length=MAX_QUESTIONS)
    ]
    subject_ref: AccountRef | None = None


class BatchRequest(Message, frozen=True):
    """Ask about many accounts for one purpose, met on one surface."""

    lookups: Annotated[
        list[Subject], msgspec.Meta(min_length=1, max_length=MAX_LOOKUPS)
    ]
    purpose: Purpose = Purpose.RECHECK
    surface: Surface | None = None
    deadline_ms: Deadline = 60_000


@unique
class Result(StrEnum):
    """The answer's one word. There is no word for refusing a person."""

    NONE = "none"
    REVIEW = "review"
    INCOMPLETE = "incomplete"
    DEFERRED = "deferred"


@unique
class MatchReason(StrEnum):
    """Why a match does not restrict by itself."""

    FLOOD = "flood"
    TRIAL = "trial"


class OnTrial(Message, frozen=True):
    """A signal that matches, and has no effect: it is on trial.

    `question` is its position in the request, `until` the day on which its trial ends
    unless a person decides otherwise.
    """

    question: int
    signal: SignalId
    origin: str
    kind: Kind
    until: Day


class Appeal(Message, frozen=True):
    """Where the person contests a match, whoever's signal it is.

    `form` and `contact` are this provider's; `origin_form` is that of the other
    provider who has listed them, and rules. A form that takes no requests is null.
    """

    contact: str
    form: str | None = None
    origin_form: str | None = None


class Match(Message, frozen=True):
    """What a matching signal says; `question` is its position in the request.

    `policy_rule` of `policy` (`name@hash8`) let it count here. What tasks kept
    before these were said has neither, and no `appeal`. With a `reason` it restricts
    nothing: `flood` says that the signal has matched too many, and that a person
    rules on all of them together. `orientation` says how the picture lies beside the
    listed one, where it was asked about in all eight.
    """

    question: int
    signal: SignalId
    origin: str
    own: bool
    plane: Plane
    kind: Kind
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    provenance: Provenance
    rule: RuleId
    removed_on: Day | None
    published_on: Day
    match_until: Day
    contact: Contact
    distance: int | None = None
    orientation: Orientation | None = None
    policy_rule: str | None = None
    policy: str | None = None
    appeal: Appeal | None = None
    reason: MatchReason | None = None


class Corroboration(Message, frozen=True):
    """How many independent providers found it themselves (P20).

    `question` is its position in the request; `others` counts the providers that
    relay it, have it from a list, or have a single report. `enough` says whether
    policy would let `origins` carry a recommendation. It changes no verdict.
    """

    question: int
    origins: int
    others: int
    enough: bool


class LeftOut(Message, frozen=True):
    """A question that was compared with nothing, by its place, never by its value.

    `code` and `detail` say why, `way_out` what to do; `template`, `context` and
    `params` are how `detail` was made, as in a `Sentence`.
    """

    question: int
    kind: Kind
    code: str
    detail: Bilingual
    way_out: Bilingual
    template: str | msgspec.UnsetType = msgspec.UNSET
    context: str | msgspec.UnsetType = msgspec.UNSET
    params: dict[str, Param] | msgspec.UnsetType = msgspec.UNSET


class LookupAnswer(Message, frozen=True):
    """The answer: *none*, *review*, *incomplete* or *deferred*.

    `none` only if every origin was covered and every question could be read.
    `not_covered` names origins whose feed is stale or suspended. `unreadable` names
    the questions that have no canonical form, `not_compared` those that name nobody,
    such as an address of a private network: they change no verdict. A match is a
    reason to review, never a verdict. `corroboration` has an entry for each question
    with matches. `gate_closed`: this node's own legal gate is, so none of the others
    was asked. `task` is the review that the match has opened, or has joined;
    `service` and `subject_ref` then name the account, which is made up where the
    request named none. `reason` says why no match restricts by itself, and is left
    out if one does; `flood` is what keeps the reference of those whose reason that is.
    What is in `on_trial` has no effect, and changes neither result nor matches.
    About so many `further` signals are as near to a picture, or name the same, and were
    not looked at, because nearer ones match; where none does, the result is
    `incomplete`.
    """

    result: Result
    matches: list[Match]
    not_covered: list[str]
    subject_ref: SubjectRef | None = None
    retry_after_ms: int | None = None
    reminder: Bilingual | None = None
    corroboration: list[Corroboration] | None = None
    gate_closed: bool = False
    task: TaskId | None = None
    service: ServiceName | None = None
    unreadable: list[LeftOut] | None = None
    not_compared: list[LeftOut] | None = None
    reason: MatchReason | None = None
    flood: FloodId | None = None
    on_trial: list[OnTrial] | None = None
    further: int | None = None


class BatchAnswer(Message, frozen=True):
    """One answer for each account, in order; null where a problem names it."""

    answers: list[LookupAnswer | None]
    problems: list[ItemProblem]
