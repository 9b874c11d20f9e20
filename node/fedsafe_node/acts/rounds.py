# SPDX-License-Identifier: Apache-2.0
"""What the API takes and says of review rounds of the audit log."""

from enum import StrEnum, unique
from typing import Annotated

import msgspec

from fedsafe_federation.wire.signed import Count
from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.acts.bodies import Message
from fedsafe_node.acts.breaches import BreachId, Note

MOST_MARKED = 500
MOST_LISTED = 200
RoundId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]


@unique
class Verdict(StrEnum):
    """What somebody finds of an entry; `ask` leaves it open until another mark."""

    PLAUSIBLE = "plausible"
    ASK = "ask"
    INCIDENT = "incident"


class OpenRound(Message, frozen=True):
    """A new round, with so many reads, decisions and exports each in its sample."""

    sample: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20


class MarkRound(Message, frozen=True):
    """One finding of some entries, with its reason; an incident may name its breach."""

    entries: Annotated[list[Count], msgspec.Meta(min_length=1, max_length=MOST_MARKED)]
    verdict: Verdict
    note: Note
    breach: BreachId | None = None


class RoundQuery(Message, frozen=True):
    """From which entry on, and how many."""

    since: Count = 0
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_LISTED)] = 50


class DrawnFrom(Message, frozen=True):
    """Of how many entries of a kind the sample was drawn, and how many there are.

    Services' acts and those passed over are among them. If fewer were `tried` than the
    round has, these were themselves drawn by lot.
    """

    kind: str
    entries: int
    tried: int


class RoundAnswer(Message, frozen=True):
    """How a round stands, which reviews the entries `since` to below `size`.

    `reads`, `decisions` and `exports` are in the sample, `alarms` and `refusals` are
    all there are. Left out of the sample were `own` entries of whoever opened it, and
    `unattributable` ones, whose actor nobody can name any more. `left` are the signer's
    own, which somebody else has yet to review; moments are UTC seconds. One that is
    `cut` ends before the log did, since it takes no more alarms and refusals.
    """

    round: RoundId
    state: str
    since: int
    size: int
    root: str
    opened_at: int
    opened_by: str
    reads: int = 0
    decisions: int = 0
    exports: int = 0
    alarms: int = 0
    refusals: int = 0
    own: int = 0
    unattributable: int = 0
    drawn_from: list[DrawnFrom] = msgspec.field(default_factory=list)
    cut: bool = False
    marked: int = 0
    asked: int = 0
    incidents: int = 0
    left: int | None = None
    signed_at: int | None = None
    signed_by: str | None = None


class RoundsAnswer(Message, frozen=True):
    """All rounds, the last at the end; the log is reviewed below `reviewed_to`."""

    rounds: list[RoundAnswer]
    reviewed_to: int
    due_at: int | None = None


class RoundEntry(Message, frozen=True):
    """An entry to be reviewed; it tells neither who acted nor about whom."""

    index: int
    event: str
    at: str
    outcome: str
    kind: str
    verdict: Verdict | None = None
    own: bool = False


class RoundEntries(Message, frozen=True):
    """Entries to be reviewed, in the order of the log, and where to go on."""

    entries: list[RoundEntry]
    next: int
    more: bool


class RoundMark(Message, frozen=True):
    """One finding, its entries and its reason; `note` is None once its key is gone.

    A later mark of an entry takes the place of an earlier one. One that `answers`
    another is what the asked person said, under the pseudonym `by`; it leaves the
    entries to be asked about until somebody marks them anew.
    """

    mark: int
    at: int
    by: str
    verdict: Verdict
    entries: list[int]
    note: str | None = None
    breach: BreachId | None = None
    answers: int | None = None


class AskedEntry(Message, frozen=True):
    """An entry that somebody is asked about: an act of their own."""

    index: int
    event: str
    at: str


class AskedQuestion(Message, frozen=True):
    """What an officer asks somebody about own acts, in the words `asks`."""

    question: int
    at: int
    entries: list[AskedEntry]
    asks: str | None = None


class AskedQuestions(Message, frozen=True):
    """The questions of open rounds to whoever reads them, without those answered."""

    questions: list[AskedQuestion]


class AnswerQuestion(Message, frozen=True):
    """What somebody says to a question about own acts; without identifiers."""

    answer: Note


class RoundMarks(Message, frozen=True):
    """The marks of a round, in their order; it tells about nobody's account."""

    marks: list[RoundMark]


class RoundEntryShown(Message, frozen=True):
    """One entry with all that is known of it, and what was found."""

    entry: AuditEvent
    kind: str
    own: bool
    verdict: Verdict | None = None
    breach: BreachId | None = None
    notes: list[str] = msgspec.field(default_factory=list)
