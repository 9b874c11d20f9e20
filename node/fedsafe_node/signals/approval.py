# SPDX-License-Identifier: Apache-2.0
"""The second person: drafts become publications (rule P6).

Everything is decided anew, with the approver, and once more in the act. One act appends
the records to the feed (of own bans, to the audit log), adds their rows, erases the own
bans that matched meanwhile together with their openings, decides the drafts and writes
the audit events: a ban that is published keeps no token under the own key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.charter.charter import Epoch
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import SignalHeader, decode_opening
from fedsafe_node.acts.bodies import ApproveAnswer, ItemProblem, made_of
from fedsafe_node.acts.notices import NoticeKind, TextName
from fedsafe_node.ground.errors import (
    DeniedError,
    NodeError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.keys.lookup_items import File
from fedsafe_node.log.audit import Event, grounds_of
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.notices.facts import Facts, Finding
from fedsafe_node.review.flags import succeed
from fedsafe_node.rules.audience import members_in
from fedsafe_node.rules.budgets.publications import PublicationBudget
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.media_bodies import open_media_body
from fedsafe_node.signals.creation import EPOCH_ENDED, TOO_FEW_HOLDERS, Made
from fedsafe_node.signals.decision_snapshot import (
    OutdatedError,
    Present,
    hold,
    until_it_holds,
)
from fedsafe_node.signals.desk import CHUNK, Changed, Desk
from fedsafe_node.signals.drafts import DraftFacts, open_draft
from fedsafe_node.signals.epoch_end import ERASURE_OPEN, unfit_to_follow
from fedsafe_node.signals.record import (
    Prepared,
    append_signals,
    feed_entry,
    note_published,
)
from fedsafe_node.signals.stop import erase_own
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import DraftRow, DraftState, LogEntry, SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, Obligation, deny
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.publication import FILES_WITHOUT_LIST, PublishRequest
from fedsafe_policies.vocabulary import MediaKind, Plane, Scope

_STALE: Final = WrongStateError(
    "stale_draft", Phrase("the keys have changed since; withdraw and draft anew")
)
_CONTESTED: Final = WrongStateError(
    "contested",
    Phrase(
        "the own ban that this draft goes with is contested; rule on it first: "
        "`fedsafe dispute list`"
    ),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the draft at a position of the request was not approved."""

    position: int
    error: NodeError


@dataclass(frozen=True, slots=True)
class _Ready:
    """A draft that may be published, and the own ban that goes with it."""

    position: int
    own: bytes | None
    asked: PublishRequest
    prepared: Prepared
    author: Person
    decision: Decision
    facts: DraftFacts

    @property
    def is_file(self) -> bool:
        """Whether a file is published."""
        return self.prepared.published and isinstance(self.asked.kind, MediaKind)


def check_listed(files: int) -> None:
    """Refuse more files in one act than somebody looks at one by one.

    Raises:
        WrongStateError: they take a list, which its second person examines.
    """
    if files > FILES_WITHOUT_LIST:
        raise WrongStateError(
            "list_missing",
            Phrase(
                "{files} files for the federation in one act, and "
                "{most} at most without a list: import them as one "
                "(`fedsafe signal import --list`), which its second person "
                "examines and approves as a whole; what you have found yourselves "
                "goes out in parts that somebody has looked at"
            ).filled(files=files, most=FILES_WITHOUT_LIST),
        )


async def approve_drafts(  # noqa: PLR0913
    desk: Desk,
    budget: PublicationBudget,
    signals: Sequence[str],
    who: Principal,
    once: Once | None,
    *,
    as_list: bool = False,
) -> ApproveAnswer:
    """Publish drafts as their second person; those of a list only *as list*.

    Raises:
        DeniedError: nothing was approved, since a rule denies it.
        NotFoundError: nothing was approved, since there are no such drafts.
        WrongStateError: nothing was approved, since they are decided, or since more
            files are among them than one act takes without a list.
        UnavailableError: the node's present changes with every try.
    """
    return await until_it_holds(
        lambda: _approve(desk, budget, signals, who, once, as_list=as_list)
    )


async def _approve(  # noqa: PLR0913
    desk: Desk,
    budget: PublicationBudget,
    signals: Sequence[str],
    who: Principal,
    once: Once | None,
    *,
    as_list: bool,
) -> ApproveAnswer:
    present = hold(desk.situation, desk.clock.now())
    approval = _Approval(desk, present, signals, who, as_list=as_list)
    ready: list[_Ready] = []
    failures: list[Failure] = []
    rows = await desk.store.scan(approval.read)
    approval.unsigned = await desk.store.read(desk.notices.unsigned_of_signals)
    for start in range(0, len(signals), CHUNK):
        part = range(start, min(start + CHUNK, len(signals)))
        judge = partial(approval.judge, rows, part)
        for outcome in await desk.work(len(part), judge):
            if isinstance(outcome, _Ready):
                ready.append(outcome)
            else:
                failures.append(outcome)
    if not as_list:
        check_listed(sum(item.is_file for item in ready))
    spending = await budget.admit(sum(item.prepared.published for item in ready))

    async def act(
        tx: Transaction,
    ) -> Changed[tuple[ApproveAnswer, Sequence[Failure]]]:
        await approval.check(tx, ready)
        if spending is not None:
            await spending.keep(tx)
        return await approval.publish(tx, ready, failures, once)

    answer, failed = await desk.commit(act, alone=len(signals) > CHUNK)
    if not answer.approved and len({code_of(item.error) for item in failed}) == 1:
        raise failed[0].error
    return answer


class _Approval:
    def __init__(
        self,
        desk: Desk,
        present: Present,
        signals: Sequence[str],
        who: Principal,
        *,
        as_list: bool,
    ) -> None:
        self._desk = desk
        self._as_list = as_list
        self._present = present
        self._signals = signals
        self._who = who
        self.unsigned: Sequence[TextName] = ()
        """What persons could not be told, because nobody has signed it off."""

    async def read(self, reader: Reader) -> list[DraftRow | None]:
        """Read the drafts in order."""
        rows: list[DraftRow | None] = []
        for signal in self._signals:
            try:
                rows.append(await reader.draft(read_signal_id(signal)))
            except NotFoundError:
                rows.append(None)
        return rows

    def judge(
        self, rows: Sequence[DraftRow | None], part: range
    ) -> list[_Ready | Failure]:
        """Decide on a part of the drafts."""
        outcomes: list[_Ready | Failure] = []
        for position in part:
            try:
                outcomes.append(self._judge(position, rows[position]))
            except NodeError as error:
                outcomes.append(Failure(position, error))
        return outcomes

    def _judge(self, position: int, row: DraftRow | None) -> _Ready:
        present, desk = self._present, self._desk
        if row is None:
            raise NotFoundError(Phrase("no such draft"))
        draft = open_draft(row, desk.periods)
        if draft.facts.list is not None and not self._as_list:
            raise WrongStateError(
                "part_of_list",
                Phrase(
                    "it belongs to the list {list}, which is approved as a whole: "
                    "`fedsafe signal examine`"
                ).filled(list=draft.facts.list.name),
            )
        approver = Person(self._who.name, self._who.role)
        compared = present.compared(draft.kind)
        made = draft.made(row.signal_id, present.node, desk.situation.own)
        asked = draft.request(approver, compared, self._listed(made))
        decision = present.decide(asked)
        if decision.allowed and made.header.match_until <= present.at:
            # Its key epoch is over since it waits.
            decision = deny(Refusal.RETENTION, present.policy.reference)
        if not decision.allowed:
            raise DeniedError(decision)
        published = made.header.scope is not Scope.SELF
        if published:
            self._check_told(decision, draft.facts)
            self._check_epoch(made.header)
            entry = feed_entry(desk.feed, made)
        else:
            entry = self._own_ban(made, row.author, decision)
        return _Ready(
            position=position,
            own=draft.own,
            asked=asked,
            prepared=Prepared(row.signal_id, made, entry, published=published),
            author=Person(row.author, draft.facts.role),
            decision=decision,
            facts=draft.facts,
        )

    def _listed(self, made: Made) -> str | None:
        """Name the do-not-share list that holds a draft's file by now, if any does."""
        if made.media_kind is None or made.header.scope is Scope.SELF:
            return None
        header, opening = decode_opening(made.opening.payload)
        try:
            body = open_media_body(
                made.signal_id, made.origin, header, opening, self._desk.situation
            )
        except (CryptoError, MalformedError):
            raise _STALE from None
        return self._present.listed(File(body.kind, body.digest))

    def _own_ban(self, made: Made, author: str, decision: Decision) -> LogEntry:
        """Make the event of an own ban of two people; its opening lies there."""
        return self._desk.trail.entry(
            Event.OWN_BAN,
            at=self._present.now,
            actor=self._who.name,
            detail={
                "signal": signal_name(made.signal_id),
                "author": author,
                **grounds_of(decision),
            },
            extra=[made.opening],
        )

    def _check_told(self, decision: Decision, facts: DraftFacts) -> None:
        # Without real persons there is nobody who would have to be told.
        owed = Obligation.NOTICE_TO_THE_PERSON in decision.obligations
        if not owed or self._desk.situation.synthetic:
            return
        if facts.source is None or facts.detection is None:
            raise WrongStateError(
                "stale_draft",
                Phrase(
                    "nobody has stated what led to the finding; withdraw and draft anew"
                ),
            )
        if self.unsigned:
            raise WrongStateError(
                "texts_unsigned",
                Phrase(
                    "the person could not be told: nobody has signed off {texts}; see "
                    "`fedsafe notice sign-off`"
                ).filled(texts=", ".join(self.unsigned)),
            )

    def _check_epoch(self, header: SignalHeader) -> None:
        shared = self._present.shared
        if shared is None or not _is_newest(header, shared.membership.epoch):
            raise _STALE
        if self._present.at >= shared.membership.charter.epoch_ends(header.epoch):
            raise WrongStateError("epoch_ended", EPOCH_ENDED)
        if header.plane is Plane.ACTOR and shared.membership.charter.is_short:
            raise WrongStateError("too_few_holders", TOO_FEW_HOLDERS)

    async def check(self, reader: Reader, ready: Sequence[_Ready]) -> None:
        """Refuse to publish what would not be allowed in the same way by now.

        Raises:
            OutdatedError: the node's present, or a decision, is another.
        """
        desk = self._desk
        now = hold(desk.situation, desk.clock.now())
        texts = await desk.notices.unsigned_of_signals(reader)
        if not self._present.is_like(now) or texts != self.unsigned:
            raise OutdatedError
        for asked, decision in {item.asked: item.decision for item in ready}.items():
            if now.decide(asked) != decision:
                raise OutdatedError

    async def publish(
        self,
        tx: Transaction,
        ready: Sequence[_Ready],
        failures: Sequence[Failure],
        once: Once | None,
    ) -> Changed[tuple[ApproveAnswer, Sequence[Failure]]]:
        """Publish what is still pending, in one act with all that belongs to it."""
        desk, at = self._desk, self._present.at
        failed = list(failures)
        approved: list[_Ready] = []
        events: list[LogEntry] = []
        removed: list[int] = []
        shielded = await desk.shield.tokens(tx) if ready else frozenset()
        for item in ready:
            signal_id, made = item.prepared.signal_id, item.prepared.made
            if made is not None and made.token in shielded:
                failed.append(Failure(item.position, ERASURE_OPEN))
                continue
            if unfit := await unfit_to_follow(tx, item.facts.renews, desk, shielded):
                failed.append(Failure(item.position, unfit))
                continue
            if await self._rests(tx, item.own):
                failed.append(Failure(item.position, _CONTESTED))
                continue
            decided = await tx.decide_draft(
                signal_id, DraftState.PUBLISHED, by=self._who.name, at=at
            )
            if not decided:
                decided_before = WrongStateError(
                    "not_pending", Phrase("this draft is decided")
                )
                failed.append(Failure(item.position, decided_before))
                continue
            approved.append(item)
            if item.facts.renews is not None:  # the identifier lies under the new one
                await tx.remove_custody(read_signal_id(item.facts.renews))
            if item.own:
                await succeed(desk.reviews, tx, item.own, signal_id)
            bans = await erase_own(desk, tx, item.own, at=at) if item.own else ()
            removed += bans
            if item.prepared.published:
                events.append(self._event(item, bans=len(bans)))
        hints, feed = await self._append(tx, approved, events, failed)
        answer = answer_of([item.prepared.signal_id for item in approved], failed)
        if approved:
            await desk.keep_answer(tx, once, answer)
        size = feed.stop if feed else None
        return Changed((answer, failed), hints, removed, size)

    async def _rests(self, tx: Transaction, own: bytes | None) -> bool:
        # What rests would match again as the signal that takes its place.
        list_ = self._desk.situation.own.name
        row = None if own is None else await tx.signal(list_, own)
        return row is not None and row.status is SignalStatus.DISPUTED

    def _event(self, item: _Ready, *, bans: int) -> LogEntry:
        detail: dict[str, str | int] = {
            "signal": signal_name(item.prepared.signal_id),
            "author": item.author.name,
            "bans": bans,
        }
        if item.facts.renews is not None:
            detail["renews"] = item.facts.renews
        if item.facts.legal_review is not None:
            detail["legal_review"] = item.facts.legal_review
        return self._desk.event(
            Event.PUBLISHED, self._who, detail, decision=item.decision
        )

    async def _append(
        self,
        tx: Transaction,
        approved: Sequence[_Ready],
        entries: Sequence[LogEntry],
        failed: Sequence[Failure],
    ) -> tuple[list[Hint], range]:
        desk = self._desk
        prepared = [item.prepared for item in approved]
        published = [item for item in prepared if item.published]
        hints, feed = await append_signals(tx, desk.feed, published)
        for item, index in zip(published, feed, strict=True):
            await tx.place_audience(item.signal_id, index)
        for ready in approved:
            if Obligation.NOTICE_TO_THE_PERSON in ready.decision.obligations:
                await self._owe_notice(tx, ready)
        for each in approved:
            if each.prepared.published:
                at = self._present.at
                await note_published(tx, [each.prepared], each.author, at)
        more, _ = await append_signals(
            tx, desk.trail.log, [item for item in prepared if not item.published]
        )
        events = list(entries)
        events += [
            desk.refusal(failure.error.decision, self._who, "signal.approve")
            for failure in failed
            if isinstance(failure.error, DeniedError)
        ]
        if events:
            await tx.append_many(desk.trail.log, events)
        elif not approved:
            nothing_happened()
        return [*hints, *more], feed

    async def _owe_notice(self, tx: Transaction, item: _Ready) -> None:
        made, facts = item.prepared.made, item.facts
        if not item.prepared.published or made is None:
            return  # an own ban is the provider's own processing
        audience = await tx.audience(item.prepared.signal_id)
        meant = members_in(audience, self._desk.situation.policy)
        others = self._desk.situation.others()
        until = datetime.fromtimestamp(made.header.match_until, UTC).date()
        finding = Finding(
            phenomenon=facts.phenomenon,
            surface=facts.surface,
            grade=facts.grade,
            provenance=facts.provenance,
            rule=facts.rule,
            removed_on=facts.since,
            match_until=until,
            source=facts.source,
            detection=facts.detection,
        )
        notice = Facts(
            subject_ref=facts.subject_ref,
            published_on=self._present.now.date(),
            recipients=sorted(others if meant is None else meant),
            finding=finding,
        )
        signal_id, kind = item.prepared.signal_id, NoticeKind.PUBLICATION
        await self._desk.notices.queue(tx, signal_id, kind, notice)


def _is_newest(header: SignalHeader, newest: Epoch) -> bool:
    """Whether a draft was made under the newest keys.

    A file's opening is sealed under its generation's group key: who has joined since
    has no older one, and who has left has.
    """
    if header.epoch != newest.epoch:
        return False
    return header.plane is Plane.ACTOR or header.generation == newest.generation


def answer_of(approved: Sequence[bytes], failed: Sequence[Failure]) -> ApproveAnswer:
    """Answer with the ids of what was approved, and the rest in order."""
    return ApproveAnswer(
        approved=[signal_name(signal_id) for signal_id in approved],
        problems=[
            ItemProblem(
                position=failure.position,
                code=code_of(failure.error),
                detail=str(failure.error),
                **made_of(failure.error.phrase),
            )
            for failure in sorted(failed, key=lambda item: item.position)
        ],
    )


def code_of(error: NodeError) -> str:
    """Give the code of a problem."""
    match error:
        case DeniedError():
            return error.decision.code
        case WrongStateError():
            return error.code
        case _:
            return "not_found"
