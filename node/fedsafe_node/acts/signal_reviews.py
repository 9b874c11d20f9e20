# SPDX-License-Identifier: Apache-2.0
"""What the API says of reviews of published signals."""

from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.feed.signals import Day, RuleId
from fedsafe_federation.wire.signed import Count, NodeName
from fedsafe_node.acts.bodies import (
    MAX_IMPORT,
    AccountRef,
    ImportId,
    Kind,
    ListName,
    Message,
    Param,
    Question,
    Reference,
    SignalId,
    SignalState,
)
from fedsafe_policies.documents.document import Label
from fedsafe_policies.vocabulary import (
    Finding,
    Grade,
    Phenomenon,
    Plane,
    Provenance,
    Purpose,
    Scope,
    Surface,
)


@unique
class ImportState(StrEnum):
    """How far an import is, or its undoing."""

    OPEN = "open"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"


@unique
class SampleFinding(StrEnum):
    """What a person finds of a signal that was drawn."""

    STANDS = "stands"
    WRONG = "wrong"


Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


_ID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
Cursor = Annotated[str, msgspec.Meta(pattern=rf"^([0-9]{{1,12}}\.)?{_ID}(?!\n)$")]


@unique
class ListedState(StrEnum):
    """How the signals stand that are listed: some states together, or one of them."""

    LIVING = "living"
    ENDED = "ended"
    ALL = "all"
    OWN = "own"
    DRAFT = "draft"
    PUBLISHED = "published"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ERASED = "erased"


class SignalsQuery(Message, frozen=True):
    """Which of the node's own signals are listed, and in which order.

    Without a `state` those that live: drafts, own bans, published and disputed ones; of
    those for which receipts are `owed`, those that have ended. `since` and `before` are
    days on which they were recorded, `ends_before` is the day before which they stop to
    match or their review is due. `recipient` names a member that has received them.
    `sort` is by when they were recorded, or by their end, which comes first where
    `ends_before` is given; drafts are oldest first, all else newest. `after` is where
    the page before ended. `accounts` shows the provider's names of accounts, each with
    an event of its own in the audit log; of a page of a hundred at most. Left out, the
    `purpose` is what the role usually reads signals for.
    """

    state: ListedState | None = None
    kind: Kind | None = None
    phenomenon: Phenomenon | None = None
    since: Day | None = None
    before: Day | None = None
    ends_before: Day | None = None
    disputed: bool = False
    owed: bool = False
    recipient: NodeName | None = None
    accounts: bool = False
    sort: Literal["newest", "oldest", "ends"] | None = None
    after: Cursor | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 100
    purpose: Purpose | None = None


class ListedSignal(Message, frozen=True):
    """An own signal in a list: how it stands, and what this node knows it is about.

    The identifier is not here: the node does not have it. Whatever it is about is null
    once the signal has ended, or if an older version of this program recorded it.
    `ends` is when it stops to match by itself, at the latest: with its term, or once a
    review is not done by `review_by`. `recipients` counts the members that received
    it; `owed` names, if that is asked for, those without a receipt for its erasure.
    `disputed`: a dispute waits for its ruling. For a draft, what its author answers
    for, as in `SignalAnswer`.
    """

    signal: SignalId
    state: SignalState
    scope: Scope
    plane: Plane
    listed_at: int
    kind: Kind | None = None
    phenomenon: Phenomenon | None = None
    surface: Surface | None = None
    grade: Grade | None = None
    rule: str | None = None
    list_name: str | None = None
    service: str | None = None
    subject_ref: str | None = None
    match_until: Day | None = None
    review_by: Day | None = None
    ends: Day | None = None
    disputed: bool = False
    recipients: int | None = None
    owed: list[NodeName] | None = None
    author: str | None = None
    approver: str | None = None
    nodes: list[NodeName] | None = None
    group: str | None = None
    provenance: Provenance | None = None
    findings: list[Finding] | None = None
    legal_review: str | None = None


class SignalsAnswer(Message, frozen=True):
    """A page of the own signals; `after` leads to the next one, null at the end.

    A page may be short, or empty, and not be the last: no request looks at more than
    20,000 signals. `unknown` counts those that were passed over because nobody here
    can read any more what they are about.
    """

    signals: list[ListedSignal]
    after: Cursor | None = None
    unknown: int = 0


class HolderShown(Message, frozen=True):
    """How many of this node's signals a member has received.

    Those that `live`, those that have `ended`, and of these those for which it `owes`
    a receipt.
    """

    recipient: str
    living: int
    ended: int
    owed: int


class HoldersAnswer(Message, frozen=True):
    """Which members have what of this node, by name; `published` signals in all."""

    published: int
    holders: list[HolderShown]


class KeptAnswer(Message, frozen=True):
    """A signal that lives on; the next review is due before that day (UTC)."""

    signal: SignalId
    review_by: str


class EndingSignal(Message, frozen=True):
    """A published signal that would live longer than its key epoch.

    `sealed` is the identifier as custody keeps it, which only the custody key opens;
    there is none for a file.
    """

    signal: SignalId
    epoch: int
    sealed: bytes | None


class EndingAnswer(Message, frozen=True):
    """What of this node ends with an epoch on a day, unless it is published anew.

    Nothing ends (`until` is null) while signals are published in every epoch that
    lives. `more`: there are others than are listed.
    """

    origin: str
    until: str | None
    signals: list[EndingSignal]
    more: bool = False


class SampleQuery(Message, frozen=True):
    """Of the year's sample, what waits for a look, or what was `found`.

    Left out, the `purpose` is what the role usually reads signals for.
    """

    state: Literal["waiting", "found"] = "waiting"
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 200
    purpose: Purpose | None = None


class SampledSignal(Message, frozen=True):
    """A published signal that was drawn, and what somebody found.

    `is_yours`: you had no part in it, and may look at it. `due_at` is until when.
    """

    signal: SignalId
    drawn_at: int
    due_at: int
    overdue: bool
    is_yours: bool
    finding: SampleFinding | None = None
    found_by: str | None = None
    found_at: int | None = None
    reason: str | None = None


class SampleAnswer(Message, frozen=True):
    """Signals of the sample: first due first, or the newest finding first."""

    signals: list[SampledSignal]


class SampleRequest(Message, frozen=True):
    """What was found, and where that is written down; `wrong` revokes the signal.

    `again` says the same once more, after 409 `look_again`.
    """

    finding: SampleFinding
    reason: Reference
    again: bool = False


class WaitingList(Message, frozen=True):
    """A list of files that waits for its second person, as its importers said."""

    name: ListName
    count: int
    authors: list[str]
    sources: list[str]
    signatures: list[str]


class WaitingLists(Message, frozen=True):
    """The lists of files that wait, by name."""

    lists: list[WaitingList]


class ExamineRequest(Message, frozen=True):
    """Examine a list; `rehearsal` has digests of files that should not be on it."""

    rehearsal: Annotated[list[Question], msgspec.Meta(max_length=MAX_IMPORT)]


class Overlap(Message, frozen=True):
    """How many files of a list an origin has listed already."""

    origin: str
    count: int


class DrawnFile(Message, frozen=True):
    """An entry of a list that was drawn to be looked at."""

    signal: SignalId
    kind: Kind
    digest: str


class ListedFacts(Message, frozen=True):
    """What is said of `count` files of a list, and of whose list it is.

    `provenance` travels with each: what is said to be from a list is on trial, and
    nothing else. `nodes` are the members it is meant for, null if all.
    """

    count: int
    source: Reference | None
    signature: Reference | None
    provenance: Provenance
    scope: Scope
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    rule: RuleId
    match_until: Day
    legal_review: Reference | None = None
    nodes: list[NodeName] | None = None
    group: Label | None = None


class ExaminedList(Message, frozen=True):
    """What the second person sees of a list, and approves by its `digest`.

    The digest is over the files and over all that is said of them. Whoever has seen it
    may approve it before `approve_until` (UTC seconds). `facts` are what is said of the
    files, the rarest first. `hits` are positions in the rehearsal. `drawn` are the same
    entries for whoever asks, by the `seed` that was drawn once for those files.
    """

    waiting: WaitingList
    digest: Digest
    approve_until: int
    facts: list[ListedFacts]
    kinds: dict[Kind, int]
    overlap: list[Overlap]
    rehearsed: int
    hits: list[int]
    seed: str
    drawn: list[DrawnFile]


class ApproveListRequest(Message, frozen=True):
    """Approve the list of just that digest."""

    digest: Digest


class ListProblem(Message, frozen=True):
    """Why a signal of an approved list was not published.

    `template`, `context` and `params` are how `detail` was made, as in a `Sentence`.
    """

    signal: SignalId
    detail: str
    code: str | msgspec.UnsetType = msgspec.UNSET
    template: str | msgspec.UnsetType = msgspec.UNSET
    context: str | msgspec.UnsetType = msgspec.UNSET
    params: dict[str, Param] | msgspec.UnsetType = msgspec.UNSET


class ListApproved(Message, frozen=True):
    """How many signals of a list were published; `problems` names a hundred at most."""

    digest: Digest
    approved: int
    refused: int
    problems: list[ListProblem]


class BeginImportRequest(Message, frozen=True):
    """Begin an import; `digest` is of the file and of how it is read.

    Only a keyed digest of it is kept. The same of the same person, while it is open, is
    the same import: one that was broken off goes on.
    """

    digest: Digest | None = None


class BegunImport(Message, frozen=True):
    """An import that rows may belong to.

    By the `key`, which is not kept either, its requests are told apart: who repeats one
    gives the same Idempotency-Key. `resumed` says that it was begun before.
    """

    run: ImportId
    key: str
    resumed: bool


class FinishImportRequest(Message, frozen=True):
    """What came of all rows of an import, those included that were never sent."""

    lines: Count
    listed: Count
    refused: Count
    over: Count
    taken_off: Count = 0


class ImportsQuery(Message, frozen=True):
    """Which imports are listed: the newest, or what is older than `before`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    before: ImportId | None = None
    purpose: Purpose | None = None


class ImportShown(Message, frozen=True):
    """An import: of its `lines`, so many were `added`, and so many were not.

    `listed` were on the list before, `refused` were not taken, of `over` the time was
    over, and `taken_off` had been taken off by somebody before. Of what it added,
    `stopped` was stopped with it, and `met_again` came with a later import as well:
    those found it listed, and would not list it any more. That is counted where one
    import is shown.
    """

    run: ImportId
    author: str
    began_at: int
    state: ImportState
    lines: int
    added: int
    listed: int
    refused: int
    over: int
    taken_off: int
    stopped: int
    met_again: int | None = None
    list: str | None = None
    ended_at: int | None = None
    undone_by: str | None = None
    undone_at: int | None = None
    reason: str | None = None


class ImportsAnswer(Message, frozen=True):
    """Imports, newest first; `more`: there are older ones."""

    imports: list[ImportShown]
    more: bool


class RevokeAccountRequest(Message, frozen=True):
    """Stop everything that this provider lists about one account, for good.

    A `dry_run` says what that would end, and ends nothing.
    """

    subject_ref: AccountRef
    reason: Reason
    dry_run: bool = False


class RevokedAccount(Message, frozen=True):
    """What ended of one account, or would end if it was a `dry_run`.

    Drafts are `withdrawn`, own bans `erased`, what was published is `revoked`. A dry
    run has each signal as it stands, else it has the state that it ended in. Members
    have asked for a review of those `inquired`. `end_is_told`: the person knows of a
    published signal, and is told of its end. Of those `unknown` nobody here can read
    any more whose they are: they stay.
    """

    signals: list[ListedSignal]
    withdrawn: int
    erased: int
    revoked: int
    inquired: list[SignalId]
    end_is_told: bool
    unknown: int
    dry_run: bool


class UndoImportRequest(Message, frozen=True):
    """Stop everything that an import has added, for good."""

    reason: Reason = Reason.MISTAKE


class UndoneImport(Message, frozen=True):
    """How far an import is undone; `left` signals are still to be stopped.

    While some are left, the same request goes on. `stopped` counts this request's: own
    bans and drafts `withdrawn`, what was published `revoked`.
    """

    run: ImportId
    state: ImportState
    withdrawn: int
    revoked: int
    left: int
    met_again: int
