# SPDX-License-Identifier: Apache-2.0
"""What the API says of reviews of published signals."""

from typing import Annotated, Literal

import msgspec

from fedsafe_federation.restrictions import Reason
from fedsafe_federation.signals import Day, RuleId
from fedsafe_federation.signed import Count, NodeName
from fedsafe_node.messages import (
    MAX_IMPORT,
    ImportId,
    Kind,
    ListName,
    Message,
    Question,
    Reference,
    SignalId,
)
from fedsafe_node.store.imports_rows import ImportState
from fedsafe_node.store.samples_rows import SampleFinding
from fedsafe_policies.document import Label
from fedsafe_policies.vocabulary import (
    Grade,
    Phenomenon,
    Provenance,
    Purpose,
    Scope,
    Surface,
)

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}(?!\n)$")]


class KeptAnswer(Message, frozen=True):
    """A signal that lives on; the next review is due before that day (UTC)."""

    signal: SignalId
    review_by: str


class DueSignal(Message, frozen=True):
    """A published signal about a file, who is its author, and until when to review."""

    signal: SignalId
    author: str
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


class DueAnswer(Message, frozen=True):
    """The signals whose review is due within two months, most urgent first."""

    signals: list[DueSignal]


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
    """Why a signal of an approved list was not published."""

    signal: SignalId
    detail: str


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


class ImportsQuery(Message, frozen=True):
    """Which imports are listed: the newest, or what is older than `before`."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 50
    before: ImportId | None = None
    purpose: Purpose | None = None


class ImportShown(Message, frozen=True):
    """An import: of its `lines`, so many were `added`, and so many were not.

    `listed` were on the list before, `refused` were not taken, of `over` the time was
    over. Of what it added, `stopped` was stopped with it, and `met_again` came with a
    later import as well: those found it listed, and would not list it any more. That is
    counted where one import is shown.
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
