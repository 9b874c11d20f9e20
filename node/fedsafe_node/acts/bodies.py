# SPDX-License-Identifier: Apache-2.0
"""The bodies of API version 1, as closed types.

The OpenAPI document is generated from these types and the route table, so what is
documented is what is checked. An unknown field is refused. No answer repeats a value
that somebody asked about: questions are named by their position.
"""

from enum import StrEnum, unique
from typing import Annotated, TypedDict

import msgspec

from fedsafe_federation.charter.charter import MAX_MEMBERS
from fedsafe_federation.charter.proposal import FederationId
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.feed.signals import Day, RuleId
from fedsafe_federation.wire.signed import NodeName, Signed
from fedsafe_policies.documents.document import Label
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.vocabulary import (
    Detection,
    Finding,
    Grade,
    Phenomenon,
    Plane,
    Provenance,
    Scope,
    Source,
    Surface,
)

MAX_IMPORT = 5_000

# `(?!\n)$`: a bare `$` lets a newline pass in Python, though not in JSON Schema.
_REF = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}"
SubjectRef = Annotated[str, msgspec.Meta(pattern=rf"^{_REF}(?!\n)$", max_length=128)]
_SERVICE = r"[a-z][a-z0-9._-]{0,31}"
ServiceName = Annotated[str, msgspec.Meta(pattern=rf"^{_SERVICE}(?!\n)$")]
# Of whom several services have accounts, they name one as `shop/u-4711`.
AccountRef = Annotated[
    str, msgspec.Meta(pattern=rf"^(?:{_SERVICE}/)?{_REF}(?!\n)$", max_length=160)
]
Reference = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/:-]{0,63}(?!\n)$")
]
_UUID = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\n)$"
SignalId = Annotated[str, msgspec.Meta(pattern=_UUID)]
TaskId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
FloodId = TaskId


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every body."""


@unique
class Kind(StrEnum):
    """What a question or a signal is about: an identifier or a file's digest."""

    __schema_name__ = "QuestionKind"

    EMAIL = "email"
    PHONE = "phone"
    USERNAME = "username"
    DEVICE = "device"
    PAYMENT = "payment"
    IP = "ip"
    URL = "url"
    SHA256 = "sha256"
    SHA1 = "sha1"
    MD5 = "md5"
    BLAKE3 = "blake3"
    PDQ = "pdq"


class Question(Message, frozen=True):
    """An identifier as written, or a digest in hexadecimal.

    A `value` is not empty and has at most 4,096 bytes; the canonicaliser says so, since
    one that somebody made too long must not make the questions beside it unread.
    `region` (two letters) is needed for a phone number in national form,
    `namespace` for a username (platform) and a device id (vendor).
    """

    kind: Kind
    value: str
    region: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}(?!\n)$")] | None = None
    namespace: (
        Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}(?!\n)$")] | None
    ) = None

    def __repr__(self) -> str:
        """Show the kind, never the value."""
        return f"Question(kind={self.kind.value!r})"


class Bilingual(Message, frozen=True):
    """A sentence for people, in German and English."""

    de: str
    en: str

    @classmethod
    def of(cls, text: Phrase | Text) -> "Bilingual":
        """Say a text in both."""
        return cls(de=text.said("de"), en=text.said("en"))


class Sentence(Message, frozen=True, omit_defaults=True):
    """How an English sentence was made, so that another language can be said.

    `template` is English with places in braces, and the key of the sentence in
    catalogues of other languages; `context` tells two apart that have the same words.
    `params` fill its places by name; one may be a sentence itself.
    """

    template: str
    context: str = ""
    params: "dict[str, Param]" = {}


Param = str | int | Sentence
"""What fills a place of a sentence; the sentence shows it, so it tells nothing more."""


def sentence_of(phrase: Phrase | None) -> Sentence | None:
    """Write a phrase as it travels; None of one that is none, or has no names in it."""
    if phrase is None or phrase.values:
        return None
    params: dict[str, Param] = {}
    for name, value in phrase.named.items():
        if f"{{{name}}}" in phrase.english:  # nothing travels that nobody is shown
            param = _param(value)
            if param is None:
                return None
            params[name] = param
    return Sentence(template=phrase.english, context=phrase.context, params=params)


def _param(value: object) -> Param | None:
    inner = value if isinstance(value, Phrase) else getattr(value, "phrase", None)
    if isinstance(inner, Phrase):
        return sentence_of(inner)
    if isinstance(value, Text):
        return Sentence(template=value.en)
    if isinstance(value, int) and not isinstance(value, bool):
        return int(value)
    return format(value, "")


def made_of(phrase: Phrase | None) -> "Made":
    """Give the fields of an item by which its English can be said otherwise."""
    said = sentence_of(phrase)
    if said is None:
        return {}
    fields: Made = {"template": said.template}
    if said.context:
        fields["context"] = said.context
    if said.params:
        fields["params"] = said.params
    return fields


class Made(TypedDict, total=False):
    """The fields of a `Sentence`, as a problem or an item of an answer has them."""

    template: str
    context: str
    params: dict[str, Param]


class ItemProblem(Message, frozen=True):
    """Why one item of many was refused; `position` counts from 0.

    `pointer` (RFC 6901) leads to the field of the request that is wrong. `template`,
    `context` and `params` are how `detail` was made, as in a `Sentence`.
    """

    position: int
    code: str
    detail: str
    question: int | None = None
    pointer: str | None = None
    template: str | msgspec.UnsetType = msgspec.UNSET
    context: str | msgspec.UnsetType = msgspec.UNSET
    params: dict[str, Param] | msgspec.UnsetType = msgspec.UNSET


class NewSignalRequest(Message, frozen=True):
    """Record an own ban, or propose a signal to the federation.

    `removed_on` is the day of the permanent removal (actor signals only);
    `minor` says that the person is or may be a minor: such a signal is refused.
    `findings` are what the author has established about the person's conduct, and
    `legal_review` refers to the review that the phenomenon asks for: both decide
    here, are shown to the second person, and never travel. `provenance` does: it
    says where the finding comes from. Left out, a single signal is an own finding,
    and one of an import is from a list.
    `nodes` are the members that a signal of the federation is meant for, all if it
    is left out; nobody, if it is empty. In their place it may name a `group` of the
    policy: its members, whoever they are at each hand-over. `subject_ref` is the
    provider's own name for the account, under which a notice to the person is
    announced. `source` is what led to the finding, and `detection` whether a program
    found it: the person is told both, so a signal about a person that goes to others
    needs them.
    `renews` names the own signal about the same person that this one follows in a new
    key epoch: it has to be in force when the second person approves.
    """

    about: Question
    phenomenon: Phenomenon
    surface: Surface
    grade: Grade
    rule: RuleId
    provenance: Provenance | None = None
    scope: Scope = Scope.SELF
    removed_on: Day | None = None
    minor: bool = False
    findings: Annotated[list[Finding], msgspec.Meta(max_length=8)] = []
    legal_review: Reference | None = None
    nodes: Annotated[list[NodeName], msgspec.Meta(max_length=MAX_MEMBERS)] | None = None
    group: Label | None = None
    subject_ref: AccountRef | None = None
    source: Source | None = None
    detection: Detection | None = None
    renews: SignalId | None = None


ListName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9._-]{0,31}(?!\n)$")]


class ListSource(Message, frozen=True):
    """What an importer says of a list of files: its name here, and where it is from.

    `signature` refers to how the list was signed, such as a key's fingerprint. Nothing
    of it travels: the second person is shown it.
    """

    name: ListName
    source: Reference
    signature: Reference | None = None


ImportId = TaskId


class ImportRequest(Message, frozen=True):
    """Many signals at once; with `dry_run` nothing is written.

    They belong to the import that `run` names, and to one of their own without it. With
    a `list`, all are signals about files for the federation, and wait under its
    name for one approval of the whole list; it may come in several requests. Whom a
    person has taken off is listed only with `anew`, and then only if the reason was a
    mistake: a ruling, an appeal or an erasure holds until somebody adds them by hand.
    """

    signals: Annotated[
        list[NewSignalRequest], msgspec.Meta(min_length=1, max_length=MAX_IMPORT)
    ]
    dry_run: bool = False
    list: ListSource | None = None
    run: ImportId | None = None
    anew: bool = False


@unique
class SignalState(StrEnum):
    """Where a signal stands."""

    OWN = "own"
    DRAFT = "draft"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    DISPUTED = "disputed"
    EXPIRED = "expired"
    ERASED = "erased"


class ErasureShown(Message, frozen=True):
    """How far a signal that has ended is erased at those who received it.

    So many members have received it, and so many have given a receipt for having
    erased it; the last residue of which these tell lives until `residual_until`.
    """

    recipients: int
    receipts: int
    residual_until: str | None = None


class SignalAnswer(Message, frozen=True):
    """A signal's state, and what this node knows it is about.

    Never what it is found by. `kind`, `phenomenon` and `rule` are null once it has
    ended; the account is there for whoever may read drafts. `recipients` are the
    members that received it. `end_is_told`: its person knows of it, and is told once it
    ends. `nodes` are the members that it is meant for, of a `group` those of now; all
    if it is null. While it is a draft, `provenance`, `findings` and `legal_review` say
    what its author answers for, and its second person will. `erasure` is there once a
    published signal has ended by a statement. `already` answers who has just added
    it: it was listed before, and nothing new was recorded; it `differs` if its
    phenomenon, surface, grade, rule or day of removal is another.
    """

    signal: SignalId
    state: SignalState
    scope: Scope
    plane: Plane
    origin: str
    author: str | None = None
    approver: str | None = None
    feed_index: int | None = None
    match_until: Day | None = None
    nodes: list[str] | None = None
    group: str | None = None
    provenance: Provenance | None = None
    findings: list[Finding] | None = None
    legal_review: str | None = None
    erasure: ErasureShown | None = None
    kind: Kind | None = None
    phenomenon: Phenomenon | None = None
    rule: str | None = None
    service: str | None = None
    subject_ref: str | None = None
    recipients: list[NodeName] | None = None
    end_is_told: bool | None = None
    already: bool = False
    differs: bool = False


class OverRows(Message, frozen=True):
    """Rows whose time is over: their kind is listed for a `term` from the removal.

    The removals of the day `first` and later still count (rule P9).
    """

    kind: Kind
    term: str
    first: Day
    positions: list[int]


class TakenOffRows(Message, frozen=True):
    """Rows of whom a person has taken off the list before, and why."""

    reason: str
    positions: list[int]


class LaterRow(Message, frozen=True):
    """A row with a later removal than what stands, and with both days.

    What stands ends by its own day until somebody puts the row in its place.
    """

    position: int
    listed: Day
    removed_on: Day


class ImportAnswer(Message, frozen=True):
    """What became of an import: ids in order, null where nothing stands for a row yet.

    A row is in `problems`, in `over` or in `taken_off`, or it is listed. Those at the
    positions `already` were listed before, or stand earlier in the request; a dry run
    knows that, and who was taken off, of own bans only. Of these the `differing` say
    something else than what stands, of which those that are `later` name a later
    removal. Of rows of one import that are one own ban, the latest removal is what
    stands. `run` names the import, by which it can be undone.
    """

    signals: list[SignalId | None]
    problems: list[ItemProblem]
    state: SignalState
    already: list[int] = []
    differing: list[int] = []
    later: list[LaterRow] = []
    over: list[OverRows] = []
    taken_off: list[TakenOffRows] = []
    run: ImportId | None = None


class ApproveRequest(Message, frozen=True):
    """Approve many drafts at once, as the second person."""

    signals: Annotated[
        list[SignalId], msgspec.Meta(min_length=1, max_length=MAX_IMPORT)
    ]


class ApproveAnswer(Message, frozen=True):
    """The approved signals and why others were not."""

    approved: list[SignalId]
    problems: list[ItemProblem]


class RevokeRequest(Message, frozen=True):
    """Stop a signal everywhere, for good."""

    reason: Reason


class PeerStatus(Message, frozen=True):
    """How far a peer's feed is replicated; `uncovered` says why it is not covered.

    `uncovered_made` says how that was made. That its gate is shut is no fault: its
    feed is here, and says nothing of persons.
    Since `owes_since` it has been told to erase something, and has given no receipt.
    """

    name: str
    url: str
    cursor: int
    synced_at: str | None
    covered: bool
    suspended: bool
    uncovered: str | None = None
    owes_since: str | None = None
    uncovered_made: Sentence | msgspec.UnsetType = msgspec.UNSET


class StatusAnswer(Message, frozen=True):
    """The node at a glance; `store` is `ok`, or why writes fail and since when.

    `receipts_overdue` counts events for the provider that lack their receipt,
    `notices_waiting` notices to persons that wait for the sign-off of a text;
    `texts_unsigned` names what nobody has signed off.
    `disputes_beyond_budget` counts by member what of the last week rests nothing,
    `review_alarms` whose reviews confirm nearly everything or take seconds.
    `evaluations_differing` counts by member what of the last week's evaluations one of
    both has counted and the other has not,
    `circuits_broken` counts what a pattern has shut (`GET /v1/budgets`),
    `keys_unfinished` keys of which it is open whether they are destroyed;
    `breaches_overdue` counts those open whose 72 hours are over, `rounds_overdue` is 1
    while the next signature of a review round is overdue, `cases_overdue` counts the
    open cases that owe something by now, without exercises, `orders_overdue` the orders
    of authorities that are unanswered or unconfirmed in time, `requests_overdue` the
    requests of persons without their answer, `requests_waiting` those that wait to be
    looked up, the oldest for `longest_wait_s` seconds, `checks_forgotten` those whose
    identity check no second officer can decide on any more. With `sending_off` no
    case package leaves; `packages_by_hand` wait for somebody, and `packages_in_hand`
    are those that somebody took out without saying what came of them. `not_approved`
    names what node.toml names now, and the node does not decide by. `rests` says why
    the node exchanges nothing, though it is a member. `epoch_ends` is the day from
    which on nothing is published in the newest key epoch, `ending_over` the day on
    which the one before it is over, with all that was published in it.
    `keys_departed` says for which keys members that left hold nearly enough shares,
    `resharings_overdue` which were to be shared anew three days ago, and who lacked,
    `keys_uncommitted` of which generations the charter does not bind the media keys.
    `disk` is `ok`, `short` while less than twice the reserve is free, and `full` while
    the reserve is given up; both numbers of it are missing where the store is on a
    server, whose disk is not the node's. `holders` are the members that hold a share of
    the newest key, and `shares_missing` counts those that this node was to hold and has
    not, since it was restored without them. With `too_few_holders` nothing about
    persons is published. With `appeals_unheard` no other member hears an appeal that
    this node files for a person. `memory` is `resident` if no core is
    written of the process that answers, no other process of its user reads it and
    nothing of it is swapped out; `swappable` if the last may be, else `readable`.
    What ends with `_made` says how the English of that name was made.
    """

    node: str
    version: str
    policy: str
    federation: str | None
    threshold: int | None
    members: int
    epoch: int | None
    peers: list[PeerStatus]
    signals: int
    own_bans: int
    drafts: int
    feed_size: int
    audit_size: int
    sodium: str
    url: str
    store: str = "ok"
    receipts_overdue: int = 0
    notices_waiting: int = 0
    texts_unsigned: list[str] = []
    tasks_waiting: int = 0
    floods_waiting: int = 0
    review_alarms: int = 0
    disputes_open: int = 0
    disputes_beyond_budget: dict[str, int] = {}
    circuits_broken: int = 0
    evaluations_differing: dict[str, int] = {}
    keys_unfinished: int = 0
    keys_departed: list[str] = []
    resharings_overdue: list[str] = []
    keys_uncommitted: list[str] = []
    breaches_open: int = 0
    breaches_overdue: int = 0
    rounds_open: int = 0
    rounds_overdue: int = 0
    cases_open: int = 0
    cases_overdue: int = 0
    orders_overdue: int = 0
    requests_overdue: int = 0
    requests_waiting: int = 0
    longest_wait_s: int = 0
    checks_forgotten: int = 0
    sending_off: bool = False
    packages_by_hand: int = 0
    packages_in_hand: int = 0
    disk: str = "ok"
    disk_free_mib: int | None = None
    reserve_mib: int | None = None
    not_approved: list[str] = []
    rests: str | None = None
    epoch_ends: str | None = None
    ending_over: str | None = None
    holders: int | None = None
    shares_missing: int = 0
    too_few_holders: bool = False
    appeals_unheard: bool = False
    memory: str = "readable"
    store_made: Sentence | msgspec.UnsetType = msgspec.UNSET
    rests_made: Sentence | msgspec.UnsetType = msgspec.UNSET
    keys_departed_made: list[Sentence] | msgspec.UnsetType = msgspec.UNSET
    resharings_overdue_made: list[Sentence] | msgspec.UnsetType = msgspec.UNSET


class GateAnswer(Message, frozen=True):
    """Whether signals about persons may be exchanged, and what stands against it.

    `missing` names the fields that the newest record lacks or that do not hold;
    `register` stands for the Schutzkonzept register. `act` is that of a record which
    waits for its second person, and says nothing about the gate yet. In a federation
    the record's arrangement has to end in `arrangement`, if its charter names one.
    """

    open: bool
    rule: str
    policy: str
    missing: list[str]
    valid_until: str | None
    act: str | None = None
    arrangement: str | None = None


class ProposalRequest(Message, frozen=True):
    """Propose a founding: the cards of all members, in the order of their shares.

    `threshold` is ⌊n/2⌋ + 1 unless given. Of the joint-controller `arrangement`, or
    the reference to it, only the hash enters the charter. Unless `anew`, the same again
    is the same proposal while it is of this week.
    """

    federation: FederationId
    cards: Annotated[list[Signed], msgspec.Meta(min_length=1, max_length=64)]
    threshold: Annotated[int, msgspec.Meta(ge=1, le=64)] | None = None
    arrangement: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    anew: bool = False


class FoundingMember(Message, frozen=True):
    """A member of a founding that was proposed.

    Of another member's `fingerprint` the groups that it has to read out are hidden;
    `asked` says which, counted from 1. Of this node itself none is. An address that
    leads `inside`, to an inner network that node.toml does not name, is never asked.
    """

    name: str
    url: str
    jurisdiction: str
    fingerprint: str
    asked: list[int]
    inside: bool


class FoundingAnswer(Message, frozen=True):
    """A founding that was proposed to this node, and how it stands here.

    `proposal` is the SHA-256 of what the convenor `by` has signed; `state` is
    `waiting`, `confirmed`, `refused`, or `dealt` once this node has made its share;
    `expires` says when what is not dealt ends. Wrong groups may be typed `tries_left`
    times more. The first epoch is from `since` to `until`. `quorum` members change the
    charter. Consent is for as few as `fewest` of the members too, if that is no null;
    the threshold stays, and the quorum becomes more than half of them.
    """

    proposal: str
    state: str
    expires: int
    tries_left: int
    federation: str
    by: str
    threshold: int
    quorum: int
    fewest: int | None
    since: int
    until: int
    policy: str
    policy_sha256: str
    arrangement_sha256: str
    members: list[FoundingMember]


class FoundingsAnswer(Message, frozen=True):
    """The foundings that were proposed to this node."""

    foundings: list[FoundingAnswer]


ProposalDigest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
_Groups = Annotated[
    list[Annotated[str, msgspec.Meta(max_length=16)]],
    msgspec.Meta(min_length=2, max_length=2),
]


class ConfirmRequest(Message, frozen=True):
    """Confirm a founding: two groups of each other member's fingerprint, by its name.

    Each reads its own from its own node, over another channel than the proposal's.
    """

    proposal: ProposalDigest
    groups: Annotated[dict[NodeName, _Groups], msgspec.Meta(max_length=64)]


class WithdrawRequest(Message, frozen=True):
    """Refuse a founding, or take a confirmation back."""

    proposal: ProposalDigest


class Poke(Message, frozen=True):
    """Say that the own feed has grown; the receiver pulls from its own position."""

    origin: str
    size: int


class CheckMade(Message, frozen=True):
    """How the name of what was checked was made, and what was found of it."""

    name: Sentence
    verdict: Sentence


class HealthAnswer(Message, frozen=True):
    """Whether the node is alive and ready.

    `checks_made` says how the English of `checks` was made, by the same names.
    """

    status: str
    node: str
    checks: dict[str, str]
    checks_made: dict[str, CheckMade] | msgspec.UnsetType = msgspec.UNSET


class Problem(Message, frozen=True):
    """RFC 9457 problem details; `code` is stable and for programs.

    `rule` and `reason` name the policy rule that denied, `about` what that rests on
    (a list, a purpose, an entry of the legal calendar), `pointer` the field (RFC
    6901) that is wrong. `trace` is in the log lines and audit events of the request.
    `template`, `context` and `params` are how `detail` was made, as in a `Sentence`.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None
    rule: str | None = None
    policy: str | None = None
    about: str | None = None
    reason: Bilingual | None = None
    pointer: str | None = None
    problems: list[ItemProblem] | None = None
    retry_after_ms: int | None = None
    trace: str | None = None
    template: str | None = None
    context: str | None = None
    params: dict[str, Param] | None = None
