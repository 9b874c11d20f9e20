# SPDX-License-Identifier: Apache-2.0
"""Open a person's request, in one act: find, contest, keep, tell."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex, token_urlsafe
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.bodies import Question
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.requests import (
    Attestation,
    Language,
    RequestKind,
    RightsRequestAnswer,
    Way,
)
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id
from fedsafe_node.keys.lookup_items import Person
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.log.openings import period_of
from fedsafe_node.notices.provider_events.announcer import Announcement, Announcer
from fedsafe_node.notices.provider_events.announcer import Content as Said
from fedsafe_node.rights.contest import CONTESTABLE, Claim, contest, weigh_claim
from fedsafe_node.rights.known_facts import holds_nothing, is_closed, tell
from fedsafe_node.rights.listing_search import Evaluated, find
from fedsafe_node.rights.own_listings import own_tokens
from fedsafe_node.rights.sealing import (
    Checked,
    Content,
    Sought,
    seal_content,
    seal_sought,
)
from fedsafe_node.rights.shares import VOUCHED, Share
from fedsafe_node.rights.terms import MONTHS, months_after
from fedsafe_node.rights.view import describe_request
from fedsafe_node.rules.canonical_question import read_question
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.dispute_intake import weight_of
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import (
    DisputeRow,
    RequestRow,
    RequestState,
    WaitingRow,
    Weight,
)
from fedsafe_node.store.rows import SignalRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.help.offers import Age
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Contention, Control

_CONTENDS: Final = {
    RequestKind.RECTIFICATION: Contention.WRONG_PERSON,
    RequestKind.ERASURE: Contention.BASIS_LACKING,
    RequestKind.OBJECTION: Contention.BASIS_LACKING,
    RequestKind.DISPUTE: Contention.CONDUCT_DENIED,
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What opens a request: the person's identifier, wish and proof."""

    kind: RequestKind
    person: Person
    control: Control
    way: Way
    language: Language
    contention: Contention | None = None
    subject_ref: str | None = None
    age: Age = Age.ADULT
    proof: bytes | None = None
    attested: Attestation | None = None
    checked: Checked | None = None
    share: Share = VOUCHED


@dataclass(frozen=True, slots=True)
class Opening:
    """One act that opens a request; `packs` are those that name the account.

    A second officer may decide `until` a moment, where one has to. What could not be
    evaluated is looked up again from `again_at`.
    """

    desk: Desk
    announcer: Announcer
    opened: Opened
    evaluated: Evaluated
    who: Principal
    decision: Decision
    packs: Sequence[PackRow]
    until: int | None = None
    again_at: int | None = None
    name: str = field(default_factory=lambda: token_hex(16))

    async def run(self, tx: Transaction) -> Changed[RightsRequestAnswer]:
        """Open the request.

        Raises:
            ConflictError: its proof has opened one before.
        """
        desk, opened = self.desk, self.opened
        now = desk.clock.now()
        name, code = self.name, token_urlsafe(16)
        findings = await find(
            tx, desk.situation, desk.lists, opened.person, self.evaluated
        )
        content = Content(
            subject_ref=opened.subject_ref,
            findings=findings,
            unevaluated=list(self.evaluated.unevaluated),
            uncovered=desk.situation.unseen(now),
            shredded=list(self.evaluated.shredded),
            closed=is_closed(desk.situation, now),
            disputes=[],
            tokens=own_tokens(desk.situation, opened.person, self.evaluated),
            age=opened.age,
            attested=opened.attested,
            checked=opened.checked,
        )
        feed = None
        if opened.checked is None:  # else another officer decides first
            disputes, feed = await contest_findings(
                desk,
                tx,
                content,
                kind=opened.kind,
                control=opened.control,
                who=self.who,
                contention=opened.contention,
            )
            content = replace(content, disputes=disputes)
        row, content = await answer_nothing(
            tx, desk, self._row(name, code, now), content, self.packs
        )
        sealed = seal_content(desk.periods, name, row.period, content)
        row = replace(row, sealed=sealed)
        await tx.add_request(row)
        if self.again_at is not None:
            await tx.add_waiting(await self._waiting(tx, row, self.again_at))
        await self._tell(tx, row, content)
        shown = content if opened.way is Way.OFFICER else None  # once it is decided
        # Whether it was answered at once would tell who opens it what was found.
        told = replace(
            describe_request(row, shown, until=self.until, again_at=self.again_at),
            attested=opened.attested,
            state=RequestState.OPEN.value,
            ended_at=None,
            ended_by=None,
            collect=code,
        )
        return Changed(told, feed=feed)

    def _row(self, name: str, code: str, now: datetime) -> RequestRow:
        opened, at = self.opened, int(now.timestamp())
        return RequestRow(
            id=name,
            kind=opened.kind.value,
            way=opened.way.value,
            control=opened.control.value,
            language=opened.language.value,
            opened_at=at,
            opened_by=self.who.name,
            due_at=months_after(at, MONTHS),
            period=period_of(now),
            sealed=None,
            proof=opened.proof,
            collect=hashlib.sha256(code.encode()).digest(),
        )

    async def _waiting(
        self, reader: Reader, row: RequestRow, again_at: int
    ) -> WaitingRow:
        opened, keys = self.opened, self.desk.periods
        canonical, share = opened.person.canonical, opened.share
        sought = Sought(
            kind=canonical.kind,
            canonicaliser=canonical.canonicaliser,
            value=canonical.value,
            role=self.who.role,
            contention=opened.contention,
        )
        turn = await reader.next_turn(share.domain, share.place) if share.domain else 0
        return WaitingRow(
            request=row.id,
            domain=share.domain,
            place=share.place,
            turn=turn,
            since=row.opened_at,
            again_at=again_at,
            period=row.period,
            sealed=seal_sought(keys, row.id, row.period, sought),
        )

    async def _tell(self, tx: Transaction, row: RequestRow, content: Content) -> None:
        detail: Detail = {
            "request": row.id,
            "kind": row.kind,
            "way": row.way,
            "control": row.control,
            **_shown_by(content),
        }
        if not content.is_undecided:  # then nobody learns yet what was found
            unevaluated = len(content.unevaluated) + len(content.uncovered)
            found = {"signals": len(content.findings), "unevaluated": unevaluated}
            detail = {**detail, **found}
        desk = self.desk
        entry = desk.event(
            Event.REQUEST_OPENED, self.who, detail, decision=self.decision
        )
        await tx.append(desk.trail.log, entry.record, entry.openings)
        said: Said = {"request": row.id, "kind": row.kind, "due_at": row.due_at}
        await self.announcer.announce(
            tx, Announcement(EventKind.RIGHTS_DUE, content.subject_ref, said)
        )


async def answer_nothing(
    reader: Reader,
    desk: Desk,
    row: RequestRow,
    content: Content,
    packs: Sequence[PackRow],
) -> tuple[RequestRow, Content]:
    """Answer a request for access at once where nothing is kept: nobody has to weigh.

    With an identity check another officer decides first; *packs* name the account.
    """
    answered = (
        row.kind == RequestKind.ACCESS
        and content.checked is None
        and not packs
        and await holds_nothing(reader, desk, content)
    )
    if not answered:
        return row, content
    content = replace(content, answer=await tell(reader, desk, row, content, ()))
    row = replace(
        row,
        state=RequestState.ANSWERED,
        ended_at=int(desk.clock.now().timestamp()),
        ended_by=row.opened_by,
    )
    return row, content


async def contest_findings(  # noqa: PLR0913 - what is contested, and by whom
    desk: Desk,
    tx: Transaction,
    content: Content,
    *,
    kind: RequestKind,
    control: Control,
    who: Principal,
    contention: Contention | None = None,
) -> tuple[list[str], int | None]:
    """Contest what a request has found; give the disputes and the feed's size.

    Access contests nothing.
    """
    usual = _CONTENDS.get(kind)
    if usual is None:
        return [], None
    if content.age is Age.MINOR:  # no signal about a minor, ever (P4)
        usual = Contention.MINOR
    claim = Claim(contention or usual, control, who)
    disputes = list[str]()
    feed: int | None = None
    for finding in content.findings:
        list_ = desk.reviews.list_of(finding.origin, own=finding.own)
        row = await tx.signal(list_, read_signal_id(finding.signal))
        if row is None or row.status not in CONTESTABLE:
            continue
        decision = await weigh_claim(desk, tx, row, claim, None)
        kept = await _standing(desk, tx, row, decision, claim)
        if kept is None:
            kept, size = await contest(desk, tx, row, claim, decision)
            feed = feed if size is None else size
        disputes.append(kept.digest.hex())
    return disputes, feed


async def _standing(
    desk: Desk, tx: Transaction, row: SignalRow, decision: Decision, claim: Claim
) -> DisputeRow | None:
    """Find what the same credential has disputed before, and nobody ruled on.

    What rests nothing counts only as long as a new one would rest nothing either. That
    somebody is a minor is for itself (P4): whoever rules on the rest does not hear it.
    """
    resting = weight_of(decision) is Weight.SUSPENDS
    for each in await tx.disputes_on(row.origin, row.signal_id):
        theirs = desk.reviews.origin_of(each.author)
        if theirs != desk.situation.node or each.opened_by != claim.who.name:
            continue
        if claim.contention is Contention.MINOR and each.contention != claim.contention:
            continue
        if resting and each.weight is not Weight.SUSPENDS:
            continue
        if await tx.ruling(each) is None:
            return each
    return None


def _shown_by(content: Content) -> Detail:
    """Say for the log how control of the identifier was shown."""
    attested, checked = content.attested, content.checked
    if attested is not None:
        return {
            "verified": attested.verified.value,
            "verified_on": attested.verified_on.isoformat(),
        }
    if checked is not None:
        return {"seen_on": checked.seen_on, "reference": checked.reference}
    return {}


def read_person(question: Question, *, pointer: str) -> Person:
    """Read a person's identifier.

    Raises:
        BadRequestError: it has no canonical form, or is a file's digest.
    """
    asked = read_question(question, pointer=pointer)
    if not isinstance(asked, Person):
        raise BadRequestError(
            "not_a_person",
            Phrase("a digest belongs to a file and cannot identify a person"),
            pointer=f"{pointer}/kind",
        )
    return asked
