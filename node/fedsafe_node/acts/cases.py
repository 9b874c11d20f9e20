# SPDX-License-Identifier: Apache-2.0
"""What the API takes and says of cases.

A case's elements are those of the case package, so that what is entered is what can
be sent. What a change answers is a receipt that holds nothing of the case: answers to
changes are kept for repetitions, and only the case itself is sealed.
"""

from enum import StrEnum, unique
from typing import Annotated, Literal

import msgspec

from fedsafe_node.acts.bodies import Message, Reference
from fedsafe_policies.escalation.calls import Ordered, Said
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.clocks import Milestone, Stage
from fedsafe_policies.escalation.closure import EvidenceDecision, Help
from fedsafe_policies.escalation.manifest import Attachment
from fedsafe_policies.escalation.next_steps import NextStep
from fedsafe_policies.escalation.package import Elements, Feature, Threat
from fedsafe_policies.escalation.partners import Standing
from fedsafe_policies.escalation.playbooks import StepId
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.urgency import Fallback
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    AgeBand,
    Classification,
    Condition,
    Element,
    Form,
    Language,
    Mark,
    PartnerClass,
    Urgency,
    Written,
)
from fedsafe_policies.vocabulary import Level, Phenomenon, Purpose, Role

QuarterId = Annotated[str, msgspec.Meta(pattern=r"^20[0-9]{2}-Q[1-4](?!\n)$")]
CaseId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}(?!\n)$")]
Moment = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
Sources = Annotated[tuple[CaseSource, ...], msgspec.Meta(min_length=1, max_length=5)]
References = Annotated[tuple[Reference, ...], msgspec.Meta(max_length=20)]
Conditions = Annotated[tuple[Condition, ...], msgspec.Meta(max_length=6)]
Mention = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[a-z0-9.-]{1,253}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}(?!\n)$"
    ),
]
Mentions = Annotated[tuple[Mention, ...], msgspec.Meta(max_length=20)]
Steps = Annotated[tuple[StepId, ...], msgspec.Meta(max_length=30)]


class OpenCase(Message, frozen=True):
    """A case that somebody has known of since `known_at` (UTC seconds).

    Whether life or safety is threatened is answered at once, with a reason. A `test`
    is an exercise about nobody, and only ever goes to contacts for tests.
    """

    urgency: Urgency
    known_at: Moment
    threat: Threat
    sources: Sources
    phenomenon: Phenomenon | None = None
    ages: Annotated[tuple[AgeBand, ...], msgspec.Meta(max_length=50)] = ()
    evidence: References = ()
    test: bool = False


class NewHold(Message, frozen=True):
    """The user is not told until that moment (UTC seconds): for whom, on what basis."""

    authority: Reference
    basis: Reference
    until: Moment


class AssessCase(Message, frozen=True):
    """What is known now: a field or element takes the place of its own, the rest stays.

    `unavailable`, `conditions` and `done` add to what was said before; `lapsed` and
    `undone` take conditions and steps back. `remove` takes elements back, and that
    they are unavailable; taking back the consent revokes it. `opinion` is the legal
    adviser's own, and nobody else's to give. `mentions` adds signals, as origin/id, of
    which something is in the case.
    """

    urgency: Urgency | None = None
    elements: Elements | None = None
    remove: Annotated[tuple[Element, ...], msgspec.Meta(max_length=25)] = ()
    unavailable: dict[Element, Absence] = msgspec.field(default_factory=dict)
    conditions: Conditions = ()
    lapsed: Conditions = ()
    done: Steps = ()
    undone: Steps = ()
    feature: Feature | None = None
    help: Help | None = None
    level: Level | None = None
    evidence_decision: EvidenceDecision | None = None
    hold: NewHold | None = None
    opinion: Reference | None = None
    mentions: Mentions = ()


class AttachEvidence(Message, frozen=True):
    """Objects that the provider holds, by digest and place; never the objects."""

    attachments: Annotated[
        tuple[Attachment, ...], msgspec.Meta(min_length=1, max_length=100)
    ]


class ApproveCase(Message, frozen=True):
    """To which classes of partner the case may go as it stands."""

    partners: Annotated[
        tuple[PartnerClass, ...], msgspec.Meta(min_length=1, max_length=9)
    ]


class NoteCall(Message, frozen=True):
    """A call that was made about a case: what the form asks, and nothing else of it.

    One that nobody `answered` names nobody, and nothing that was said.
    """

    number: Annotated[str, msgspec.Meta(pattern=r"^\+?[0-9][0-9 /-]{1,29}(?!\n)$")]
    at: Moment
    officer: (
        Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]{1,100}(?!\n)$")] | None
    ) = None
    reference: Reference | None = None
    said: Annotated[tuple[Said, ...], msgspec.Meta(max_length=6)] = ()
    ordered: Annotated[tuple[Ordered, ...], msgspec.Meta(max_length=7)] = ()
    answered: bool = True


class NoteInquiry(Message, frozen=True):
    """That a partner asks for more, or that it has been answered; never what."""

    step: Literal["needs_info", "supplemented"]
    at: Moment
    reference: Reference


class InquiryShown(Message, frozen=True):
    """That a partner asked for more, or was answered, and who noted it."""

    __schema_name__ = "PartnerInquiryShown"

    step: CaseState
    at: int
    reference: str
    by: str


class CallShown(Message, frozen=True):
    """A call that was made, whether anybody answered, and who made it."""

    number: str
    at: int
    officer: str | None
    reference: str | None
    said: list[Said]
    ordered: list[Ordered]
    by: str
    answered: bool = True


class CaseReceipt(Message, frozen=True):
    """Where a case is now; `act` waits for a second person, if there is one.

    `ended` are acts that waited for one, and were withdrawn with the case's end. What
    was noted before is not `noted` again.
    """

    case: CaseId
    state: CaseState
    revision: int
    act: str | None = None
    ended: list[str] = msgspec.field(default_factory=list)
    noted: bool = True


class CasesQuery(Message, frozen=True):
    """What somebody reads for."""

    purpose: Purpose | None = None


class TermShown(Message, frozen=True):
    """One thing that a case owes: by when, and when it came."""

    milestone: Milestone
    due_at: int
    met_at: int | None
    overdue: bool


class AlarmShown(Message, frozen=True):
    """That people were told of something; `fallback` is the way that was next."""

    milestone: Milestone
    stage: Stage
    fallback: Fallback | None
    due_at: int
    told_at: int


class RenderCase(CasesQuery, frozen=True, kw_only=True):
    """In which form a case is written, for which class of partner.

    `dsa-row` goes to no partner. `classification` is asked by X-ARF for depictions,
    `automated_detection` by the row; both are for a person to know.
    """

    form: Form
    partner: PartnerClass | None = None
    written: Written = Written.HTML
    language: Language = Language.DE
    classification: Classification | None = None
    automated_detection: Literal["yes", "no"] | None = None
    test: Literal["yes", "no"] = "no"


class PackQuery(CasesQuery, frozen=True):
    """How the quarterly pack is written."""

    __schema_name__ = "QuarterlyPackQuery"

    written: Written = Written.HTML
    language: Language = Language.DE


class RenderingAnswer(Message, frozen=True):
    """A paper by name, its mark, its digest, and its bytes (in base64)."""

    name: str
    media_type: str
    mark: Mark | None
    sha256: str
    content: bytes


class CaseListed(Message, frozen=True):
    """A case in the queue: what its order needs, and nothing of what it is about.

    `minors` is whether somebody affected is, or may be, under eighteen; without
    `ages_known` nobody has said. `owed` is what it owes still, by when it is due.
    `recall_due` says that a signal it mentions no longer stands; `next` is what people
    do next, the first before the others. A `test` is an exercise, and comes last.
    """

    case: CaseId
    state: CaseState
    urgency: Urgency
    minors: bool
    ages_known: bool
    known_at: int
    dispatch_by: int
    owed: list[TermShown]
    opened_by: str
    recall_due: bool
    next: list[NextStep]
    test: bool


class CasesAnswer(Message, frozen=True):
    """The cases of which something is left to do, in the order of work."""

    cases: list[CaseListed]


class CaseStepShown(Message, frozen=True):
    """One step of a case."""

    step: str
    state: CaseState
    revision: int
    at: int
    by: str
    role: str


class ChecklistStep(Message, frozen=True):
    """One step of the playbook, in both languages; `due_at` counts from `known_at`."""

    step: str
    role: str
    de: str
    en: str
    due_at: int | None
    done: bool


class HoldShown(Message, frozen=True):
    """Why and until when the user is not told."""

    authority: str
    basis: str
    since: int
    until: int


class ApprovalShown(Message, frozen=True):
    """An approval of the case as it stands that waits for a second person.

    `act` is what they approve, with one of `roles`; never who has asked for it. It
    waits until `expires_at`.
    """

    act: str
    partners: list[PartnerClass]
    asked_by: str
    asked_at: int
    expires_at: int
    roles: list[Role]


class ReleaseShown(Message, frozen=True):
    """Who let the case go to whom; `second_by` is when a second person has looked.

    `matrix` is the minimisation matrix, as ``name@hash8``, that it was let go by.
    """

    partners: list[PartnerClass]
    first: str
    at: int
    second: str | None
    second_by: int | None
    matrix: str | None


class LackShown(Message, frozen=True):
    """What the case lacks before it may go, in both languages."""

    code: str
    element: Element
    de: str
    en: str


@unique
class WorkKind(StrEnum):
    """What a person has to do about a package.

    `hand_over`: no channel leads there. `say_what_came`: it was taken out before a
    recall, and nobody has noted whether it was handed over. `recall_again`: it turned
    out to have arrived after the recall, and nothing corrects it. `see_through`: a
    correction that its partner has not acknowledged.
    """

    HAND_OVER = "hand_over"
    SAY_WHAT_CAME = "say_what_came"
    RECALL_AGAIN = "recall_again"
    SEE_THROUGH = "see_through"


class Reached(Message, frozen=True):
    """Who answers at a partner, and under which number."""

    function: str
    phone: str | None


class Reach(Message, frozen=True):
    """Whom of a partner to call, the first before those behind; whether that counts."""

    name: str
    hours: str | None
    standing: Standing
    chain: list[Reached]


class ClassLacks(Message, frozen=True):
    """What a class of partner still lacks of a case, beside what all of them lack.

    `needs` is what must be recorded before the class receives anything. Without either
    the case lacks nothing for this class in particular.
    """

    partner: PartnerClass
    needs: list[Condition]
    lacks: list[LackShown]


class TaskShown(Message, frozen=True):
    """What a person has to do about a dispatch, whose package `taken_by` may have.

    `recalls` names the dispatch that this one corrects.
    """

    __schema_name__ = "DispatchTaskShown"

    kind: WorkKind
    dispatch: str
    partner: str
    since: int
    recalls: str | None
    taken_by: list[str]
    reach: Reach | None


class CaseAnswer(Message, frozen=True):
    """A case as the asker's role sees it.

    `hidden` names the elements that are there and are not this role's to see;
    `approval` is one that waits for a second person;
    `unanswered` what keeps it from being closed, `gaps` from going to any partner,
    `lacking` from going to each class that it could go to, while it is worked on;
    `terms` what it owes by when, `alarms` what people were told of that, `tasks`
    what packages wait for, `fallen` which signals no longer stand.
    """

    case: CaseId
    state: CaseState
    revision: int
    urgency: Urgency
    known_at: int
    opened_at: int
    opened_by: str
    sources: list[CaseSource]
    evidence: list[str]
    elements: Elements
    hidden: list[Element]
    unavailable: dict[Element, Absence]
    conditions: list[Condition]
    checklist: list[ChecklistStep]
    feature: str | None
    help: Help | None
    level: Level | None
    evidence_decision: EvidenceDecision | None
    opinion: str | None
    needs_opinion: bool
    holds: list[HoldShown]
    release: ReleaseShown | None
    approval: ApprovalShown | None
    unanswered: list[str]
    gaps: list[LackShown]
    lacking: list[ClassLacks]
    steps: list[CaseStepShown]
    calls: list[CallShown]
    inquiries: list[InquiryShown]
    terms: list[TermShown]
    alarms: list[AlarmShown]
    test: bool
    tasks: list[TaskShown]
    mentions: list[str]
    fallen: list[str]
