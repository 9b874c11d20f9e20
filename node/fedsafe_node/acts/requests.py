# SPDX-License-Identifier: Apache-2.0
"""Requests of persons as the API gives and takes them."""

from collections.abc import Sequence
from datetime import date
from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_node.acts.bodies import (
    AccountRef,
    Message,
    Question,
    Reference,
)
from fedsafe_policies.help.offers import Age
from fedsafe_policies.vocabulary import Contention, Withholding


class Finding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A signal that lists the person, with all that it says of them."""

    __schema_name__ = "ListedFinding"

    signal: str
    origin: str
    own: bool
    kind: str
    phenomenon: str
    surface: str
    grade: str
    provenance: str
    rule: str
    removed_on: str
    published_on: str
    match_until: str
    contact: str


PackEntry = Annotated[str, msgspec.Meta(pattern=r"^[1-9][0-9]{0,14}(?!\n)$")]
"""The entry of the audit log with which a pack went out."""
RequestId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
CollectCode = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{22}(?!\n)$", max_length=22)
]
Email = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$", max_length=320)
]
PhoneNumber = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$", max_length=64)
]
Proved = Literal[
    "mailed_code", "account_login", "identity_document", "known_correspondence"
]
State = Literal["open", "answered", "closed"]
RequestOutcome = Literal["granted", "refused", "withdrawn", "answered"]


@unique
class Language(StrEnum):
    """The language of an answer."""

    __schema_name__ = "AnswerLanguage"

    DE = "de"
    EN = "en"


@unique
class Way(StrEnum):
    """By which way a request has come."""

    __schema_name__ = "RequestWay"

    PROVIDER = "provider"
    OFFICER = "officer"
    FORM = "form"


@unique
class RequestKind(StrEnum):
    """What a person asks for (GDPR Art. 15, 16, 17, 21; P10)."""

    ACCESS = "access"
    RECTIFICATION = "rectification"
    ERASURE = "erasure"
    OBJECTION = "objection"
    DISPUTE = "dispute"


@unique
class RefusalGround(StrEnum):
    """Why a request is refused, as the person is told (GDPR Art. 12 (4)).

    The data are right and stay (`founded`), nobody showed that the identifier is
    theirs (`not_shown`), only another provider can do it (`not_ours`), or the request
    is manifestly unfounded or excessive (`excessive`).
    """

    FOUNDED = "founded"
    NOT_SHOWN = "not_shown"
    NOT_OURS = "not_ours"
    EXCESSIVE = "excessive"


@unique
class Verified(StrEnum):
    """How a provider has verified that an identifier is its account holder's.

    By a code mailed to the address (`mailed_code`) or sent to the number
    (`sent_code`), by money from or to the bank account under the holder's name
    (`transfer`), or because username or device id are of its own namespace.
    """

    MAILED_CODE = "mailed_code"
    SENT_CODE = "sent_code"
    TRANSFER = "transfer"
    OWN_NAMESPACE = "own_namespace"


class Attestation(Message, frozen=True):
    """That a provider has verified the identifier of an account holder.

    `logged_in_at` is when the person has logged in again, in seconds since 1970.
    """

    verified: Verified
    verified_on: date
    logged_in_at: Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class IdentityCheck(Message, frozen=True):
    """That an officer has seen who a person is: on which day, and where it is noted.

    `reference` names the minute. No copy of a paper is kept, here or there.
    """

    seen_on: date
    reference: Reference


class NewRightsRequest(Message, frozen=True):
    """A person's request, by somebody who vouches that the identifier is theirs.

    `control` says how that was shown. A back-end says `account_login`, and in
    `attested` how it has verified the identifier. An officer says what they have
    `checked`, and another officer decides. `contention` is what a dispute, objection or
    erasure contends. A minor's letters begin in plain words, and what they contest is
    contested as a minor's. The identifier is evaluated and not kept, unless it waits
    for that; `subject_ref` is the provider's own name for the account.
    """

    kind: RequestKind
    about: Question
    control: Proved
    language: Language = Language.DE
    age: Age = Age.ADULT
    contention: Contention | None = None
    subject_ref: AccountRef | None = None
    attested: Attestation | None = None
    checked: IdentityCheck | None = None

    def __repr__(self) -> str:
        """Show nothing of whom it is about."""
        return "NewRightsRequest(…)"


class ReasonRequest(Message, frozen=True):
    """Why, as a reference to a document."""

    reason: Reference


class CloseRequest(Message, frozen=True):
    """How a request has ended, and a reference to why.

    A refusal has a `ground`, which the person is told; nothing else has one.
    """

    outcome: RequestOutcome
    reason: Reference
    ground: RefusalGround | None = None


class CodeRequest(Message, frozen=True):
    """Where to send a code, as its owner wants to make a request.

    Either an address or a number. A number without a country code is read as one of the
    provider's country.
    """

    email: Email | None = None
    phone: PhoneNumber | None = None
    language: Language = Language.DE
    age: Age = Age.ADULT

    def __repr__(self) -> str:
        """Show nothing of the address or number."""
        return "CodeRequest(…)"


class CodeSent(Message, frozen=True):
    """A code is on its way, if address or number exists; `nonce` goes with it.

    It is good for `minutes`.
    """

    nonce: str
    minutes: int


class ProofRequest(Message, frozen=True):
    """A request, with the address or number, and the code that was sent there."""

    kind: RequestKind
    nonce: CollectCode
    code: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    email: Email | None = None
    phone: PhoneNumber | None = None
    language: Language = Language.DE
    age: Age = Age.ADULT

    def __repr__(self) -> str:
        """Show nothing of address, number and code."""
        return "ProofRequest(…)"


class CollectRequest(Message, frozen=True):
    """Who comes for an answer."""

    request: RequestId
    code: CollectCode

    def __repr__(self) -> str:
        """Show nothing of the code."""
        return "CollectRequest(…)"


class Contested(Message, frozen=True):
    """How far it has come with a signal that a request contests, without naming it.

    It `rests`, `waits` for a decision without resting, `stands`, has `ended`, or has
    `lapsed` as nobody decided; somebody has to decide by `until`. `appeal` says where
    it stands with an appeal, `heard_by` who decides on that.
    """

    stage: Literal["rests", "waits", "stands", "ended", "lapsed"]
    until: str | None = None
    appeal: str | None = None
    heard_by: str | None = None


class CollectedAnswer(Message, frozen=True):
    """How far a request is, and its answer, handed out once.

    `collected` says that it was handed out before. `note` says how the request ended,
    with the reason and the remedies, or why it takes longer. An answer is `late` that
    was due by `due_at` and has not come: then `note` says whom to turn to. How far it
    has come is said each time: of each signal in `contested`, for people in `status`.
    As long as the identifier waits to be looked up, `again_at` says from when on that
    is tried.
    """

    state: Literal["open", "answered", "closed"]
    due_at: str
    text: str | None = None
    note: str | None = None
    collected: bool = False
    late: bool = False
    status: str | None = None
    contested: Sequence[Contested] = ()
    again_at: str | None = None


class WithholdPackRequest(Message, frozen=True):
    """Leave a pack's recipient out of answers to persons; `note` refers to why."""

    reason: Withholding
    note: Reference
    until: date


class PackWithheld(Message, frozen=True):
    """Why a pack's recipient is left out, by which two people, and until when."""

    reason: Withholding
    note: str
    by: str
    second: str
    until: str


class PackTold(Message, frozen=True):
    """An evidence pack about the person: its entry of the audit log, and for whom.

    What is `withheld` is left out of the answer to them.
    """

    entry: int
    recipient: str
    at: str
    withheld: PackWithheld | None = None


@unique
class Remains(StrEnum):
    """What an erasure does not reach.

    Who has received a signal (`recipient`), or an evidence pack (`pack`); what another
    member lists (`listing`); an account that is `held`, or that the request does not
    name (`account`); an open request of the same person (`request`); a `measure` that
    lasts; `reviews` of accounts that matched; what lies in `backups`, sealed on the
    disks of a database server (`residues`), among kept `answers` to repeated requests,
    and in `this_request`; the `ledger` of recipients, the `records` of the logs, and
    `cases`, which every erasure leaves alone.
    """

    RECIPIENT = "recipient"
    PACK = "pack"
    LISTING = "listing"
    HELD = "held"
    ACCOUNT = "account"
    REQUEST = "request"
    MEASURE = "measure"
    REVIEWS = "reviews"
    BACKUPS = "backups"
    RESIDUES = "residues"
    ANSWERS = "answers"
    THIS_REQUEST = "this_request"
    LEDGER = "ledger"
    RECORDS = "records"
    CASES = "cases"


class ErasedPart(Message, frozen=True):
    """How much of a part of the node was erased."""

    __schema_name__ = "RightsErasedPart"

    part: str
    count: int


class Remaining(Message, frozen=True):
    """What was not erased: at whom or by what, and until when it stays.

    Of a recipient, `until` is the day on which its last residue is gone, by its own
    receipt; null as long as that is missing. Else null means: no end is set.
    """

    what: Remains
    who: str | None = None
    until: str | None = None


class CheckTold(Message, frozen=True):
    """An identity check: by whom, decided by whom, and the `act` that decides it.

    While `second` is null nothing of the request is contested, shown or answered.
    The act may be approved before `until`; if both are null nobody can decide any more,
    and whoever made the check asks again.
    """

    seen_on: str
    reference: str
    by: str
    act: str
    second: str | None = None
    until: str | None = None


class RightsRequestAnswer(Message, frozen=True):
    """A request: until when it is to be answered, and what was found.

    What a back-end has `attested`, or an officer `checked`, is told where one request
    is opened or shown. `signals` and `disputes` are null once they are wiped, and
    before a check is decided on. `unevaluated` names the epochs and members that could
    not be asked, `shredded` the key epochs that are over, of which nothing can be
    answered any more. As long as the identifier waits to be looked up, `again_at` says
    from when on that is tried. `packs` are told where one request is
    shown or answered. `collect` is shown once, to whom hands it to the person. Once it
    is granted, `erased` says what has gone where, and `remains` what has not.
    """

    request: str
    kind: RequestKind
    way: Way
    control: str
    language: Language
    state: Literal["open", "answered", "closed"]
    opened_at: str
    opened_by: str
    due_at: str
    extended_for: str | None = None
    outcome: str | None = None
    reason: str | None = None
    ended_at: str | None = None
    ended_by: str | None = None
    signals: list[Finding] | None = None
    disputes: list[str] | None = None
    unevaluated: list[str] | None = None
    shredded: list[int] | None = None
    answer: str | None = None
    packs: list[PackTold] | None = None
    collect: str | None = None
    attested: Attestation | None = None
    checked: CheckTold | None = None
    erased: list[ErasedPart] | None = None
    remains: list[Remaining] | None = None
    again_at: str | None = None


class RightsRequestsAnswer(Message, frozen=True):
    """Requests of a state, the one that is due first in front, without findings.

    `next` names the last one, behind which more follow (`?after=`).
    """

    requests: list[RightsRequestAnswer]
    next: str | None = None
