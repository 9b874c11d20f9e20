# SPDX-License-Identifier: Apache-2.0
"""The life of the node's own signals: recorded, approved, shown, stopped.

This is the `Signals` service of the API. Recording is here; approval is in
`approval`, stopping in `stop`. Every act is one transaction with its audit
event and, if the request may be repeated, its kept answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace as replace_fields
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_federation.feed.signals import SignalHeader
from fedsafe_node.acts.bodies import (
    ApproveAnswer,
    ImportAnswer,
    ImportRequest,
    ItemProblem,
    Kind,
    LaterRow,
    NewSignalRequest,
    OverRows,
    RevokeRequest,
    SignalAnswer,
    SignalState,
    TakenOffRows,
    made_of,
)
from fedsafe_node.acts.signal_reviews import (
    HoldersAnswer,
    ImportState,
    RevokeAccountRequest,
    RevokedAccount,
    SignalsAnswer,
    SignalsQuery,
)
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.lookup.index.lists import Hint
from fedsafe_node.people.services import naming_of
from fedsafe_node.rules.audience import group_in
from fedsafe_node.rules.budgets.publications import PublicationBudget
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.accounts import revoke_account
from fedsafe_node.signals.approval import approve_drafts, check_listed
from fedsafe_node.signals.decision_snapshot import Present, hold, until_it_holds
from fedsafe_node.signals.desk import CHUNK, Changed, Desk
from fedsafe_node.signals.file_lists import FileLists
from fedsafe_node.signals.imports import Imports, added_by, note_rows, open_run
from fedsafe_node.signals.inventory import list_holders, list_signals
from fedsafe_node.signals.plan import DraftPlan, OwnPlan, Plan, Planner
from fedsafe_node.signals.record import (
    Kept,
    Prepared,
    Recorder,
    date_standing,
    latest_first,
)
from fedsafe_node.signals.stop import (
    Living,
    find_living,
    rule_on_stopping,
    stop_many,
    stop_signal,
)
from fedsafe_node.signals.taken_off import find_taken, may_come_back
from fedsafe_node.signals.view import describe, nodes_in, show_signal
from fedsafe_node.store.imports_rows import ImportRow, ListedToken, Standing, TakenOff
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase, phrase_in
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.retention import explain_end
from fedsafe_policies.vocabulary import (
    IdentifierKind,
    MediaKind,
    Provenance,
    Purpose,
    Scope,
)

_STATES = {
    OwnPlan: SignalState.OWN,
    DraftPlan: SignalState.DRAFT,
}

_FILES = frozenset(Kind(each.name.lower()) for each in MediaKind)
_ID_BYTES: Final = 16
_UNKEPT: Final = b""
"""The id of what a dry run would have kept."""
Outcome = Plan | Decision | BadRequestError


@dataclass(frozen=True, slots=True)
class _Import:
    """An import's outcomes in order, and what of it is going to be kept."""

    request: ImportRequest
    outcomes: Sequence[Outcome]
    prepared: Sequence[Prepared]
    present: Present

    @property
    def plans(self) -> list[Plan]:
        return [item for item in self.outcomes if not isinstance(item, _REFUSED)]


_REFUSED = (Decision, BadRequestError)


class SignalService:
    """Records, approves, shows and stops this node's signals."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._budget = PublicationBudget(
            desk.situation, desk.store, desk.trail, desk.clock
        )

    @property
    def imports(self) -> Imports:
        """Imports, and their undoing."""
        return Imports(self._desk)

    @property
    def lists(self) -> FileLists:
        """The lists of files that wait for one approval."""
        return FileLists(self._desk, self._budget)

    def forget_circuits(self) -> None:
        """Read again what another process of the node may have shut."""
        self._budget.forget_circuits()

    async def add(
        self, request: NewSignalRequest, who: Principal, *, once: Once | None = None
    ) -> SignalAnswer:
        """Record an own ban, or keep as a draft what takes two.

        What stands for the same audience already is answered with; nothing is recorded
        beside it.

        Raises:
            BadRequestError: the subject has no canonical form, or a date is wrong.
            DeniedError: a rule of the policy denies it.
            ForbiddenError: without an account somebody wants more than an own ban.
            WrongStateError: there is no federation to share with.
            UnavailableError: fewer than t members answered in time.
            StoreFailedError: it could not be made durable.
        """
        return await until_it_holds(lambda: self._add(request, who, once))

    async def _owned(
        self, requests: Sequence[NewSignalRequest], who: Principal, pointer: str
    ) -> list[NewSignalRequest]:
        """Say of which service the accounts are that signals name."""
        if all(request.subject_ref is None for request in requests):
            return list(requests)
        naming = await self._desk.store.read(lambda reader: naming_of(reader, who))
        return [
            replace(
                request,
                subject_ref=naming.subject(
                    request.subject_ref,
                    pointer=f"{pointer.format(position)}/subject_ref",
                ),
            )
            for position, request in enumerate(requests)
        ]

    async def _add(
        self, request: NewSignalRequest, who: Principal, once: Once | None
    ) -> SignalAnswer:
        desk = self._desk
        if request.scope is not Scope.SELF:
            desk.check_account(who)
        (request,) = await self._owned([request], who, "")
        present = hold(desk.situation, desk.clock.now())
        planner = Planner(present, who)
        plan = planner.plan(request, "")
        if isinstance(plan, Decision):
            await desk.refuse(plan, who, "signal.add")
        if isinstance(plan, OwnPlan):
            await desk.check_named(who, "signal.add")
        else:
            desk.check_account(who)
        recorder = Recorder(desk, present, who)
        prepared = await recorder.prepare([plan])

        async def act(tx: Transaction) -> Changed[SignalAnswer]:
            planner.check(hold(desk.situation, desk.clock.now()))
            # Whoever adds one by one has decided anew.
            kept = await recorder.keep(tx, prepared, anew=lambda _: True)
            (before,) = kept.before
            if before is None:
                answer = self._added(plan, prepared[0], who)
            else:
                answer = await self._standing(tx, before, who)
            await desk.keep_answer(tx, once, answer)
            return Changed(answer, kept.hints)

        return await desk.commit(act)

    async def _standing(
        self, tx: Transaction, before: Standing, who: Principal
    ) -> SignalAnswer:
        """Answer with what stood before: where it stands, and not who said it."""
        desk = self._desk
        found = await describe(tx, before.signal_id, desk)
        said: Detail = {"signal": found.signal, "already": True}
        await self._write(tx, desk.event(Event.SIGNAL_READ, who, said))
        return SignalAnswer(
            signal=found.signal,
            state=found.state,
            scope=found.scope,
            plane=found.plane,
            origin=found.origin,
            match_until=found.match_until,
            nodes=found.nodes,
            group=found.group,
            already=True,
            differs=before.differs,
        )

    async def add_many(
        self, request: ImportRequest, who: Principal, *, once: Once | None = None
    ) -> ImportAnswer:
        """Record many in one act; bad ones become problems, the others are kept.

        A dry run reads and decides, asks no member, and writes the audit event
        alone. What stands for the same audience already, or earlier in the request, is
        recorded no second time.

        Raises:
            ForbiddenError: without an account somebody wants more than own bans.
            WrongStateError: there is no federation to share with, or more files are
                for it than one act takes without a list.
            UnavailableError: fewer than t members answered in time.
            StoreFailedError: nothing of it could be made durable.
        """
        return await until_it_holds(lambda: self._add_many(request, who, once))

    async def _add_many(
        self, request: ImportRequest, who: Principal, once: Once | None
    ) -> ImportAnswer:
        desk = self._desk
        if any(item.scope is not Scope.SELF for item in request.signals):
            desk.check_account(who)
        if request.list is None:
            check_listed(
                sum(
                    item.about.kind in _FILES and item.scope is not Scope.SELF
                    for item in request.signals
                )
            )
        signals = await self._owned(request.signals, who, "/signals/{}")
        request = replace(request, signals=signals)
        present = hold(desk.situation, desk.clock.now())
        planner = Planner(present, who, Provenance.IMPORTED_LIST, request.list)
        outcomes: list[Outcome] = []
        for start in range(0, len(request.signals), CHUNK):
            chunk = request.signals[start : start + CHUNK]
            read = partial(_plan_all, planner, chunk, start)
            outcomes += await desk.work(len(chunk), read)
        if any(isinstance(item, DraftPlan) for item in outcomes):
            desk.check_account(who)  # an own ban that takes two is a draft as well
        if any(isinstance(item, OwnPlan) for item in outcomes):
            await desk.check_named(who, "signal.import")
        recorder = Recorder(desk, present, who)
        batch = _Import(request, outcomes, (), present)
        if not request.dry_run:
            prepared = await recorder.prepare(batch.plans)
            batch = replace_fields(batch, prepared=prepared)
        run = desk.randomness(_ID_BYTES)
        bans = [] if not request.dry_run else await recorder.own_listed(batch.plans)

        async def act(tx: Transaction) -> Changed[ImportAnswer]:
            planner.check(hold(desk.situation, desk.clock.now()))
            if request.dry_run:
                answer = await _rehearse(tx, batch, bans, desk)
                hints: Sequence[Hint] = ()
                gone: Sequence[int] = ()
            else:
                gone = await self._give_way(tx, batch, who)
                anew = may_come_back if request.anew else None
                kept = await recorder.keep(tx, batch.prepared, anew=anew)
                row = await self._run(tx, batch, who, run, kept)
                answer = _answer(batch, kept.before, kept.taken, row)
                hints = kept.hints
            for entry in self._import_events(batch, answer, who):
                await self._write(tx, entry)
            await desk.keep_answer(tx, once, answer)
            return Changed(answer, hints, removed=gone)

        return await desk.commit(act, alone=len(outcomes) > CHUNK)

    async def _give_way(
        self, tx: Transaction, batch: _Import, who: Principal
    ) -> Sequence[int]:
        """Withdraw own bans of an import for its rows with a later removal.

        Only what the same import has added gives way: its undoing still leaves all as
        it was before. What stood earlier is told, and a person decides.
        """
        if batch.request.run is None:
            return ()
        desk = self._desk
        rows = [item.listed for item in batch.prepared if item.listed is not None]
        stands = await tx.standing(rows, batch.present.at)
        dated = await date_standing(tx, desk.periods, rows, stands)
        old = {each.signal_id for each in dated if each is not None and each.since}
        if not old:
            return ()
        run = await open_run(tx, batch.request.run, who)
        added = [each for each in sorted(old) if await added_by(tx, run, each)]
        bans = (await find_living(desk, tx, added)).bans
        living = Living(bans=bans, published=(), drafts=())
        decision = await rule_on_stopping(desk, tx, living, who)
        if not bans or not decision.allowed:
            return ()
        said: Detail = {"import": batch.request.run}
        reason = Reason.SUPERSEDED
        changed = await stop_many(desk, tx, living, reason, who, decision, said)
        ids = [row.signal_id for row in bans]
        await tx.stop_import_signals(run.id, ids)
        await tx.put_import(replace(run, stopped=run.stopped + len(ids)))
        return changed.removed

    async def _run(
        self,
        tx: Transaction,
        batch: _Import,
        who: Principal,
        run: bytes,
        kept: Kept,
    ) -> bytes:
        """Keep which import the rows belong to: the one named, or one of their own."""
        request = batch.request
        if request.run is not None:
            row = await open_run(tx, request.run, who)
        else:
            listed = sum(old is not None for old in kept.before)
            refused = [each for each in batch.outcomes if isinstance(each, _REFUSED)]
            over = sum(_is_over(each) for each in refused)
            row = ImportRow(
                id=run,
                author=who.name,
                began_at=batch.present.at,
                state=ImportState.DONE,
                list=None if request.list is None else request.list.name,
                ended_at=batch.present.at,
                lines=len(batch.outcomes),
                listed=listed,
                refused=len(refused) - over,
                lapsed=over,
                taken_off=sum(off is not None for off in kept.taken),
            )
            await tx.add_import(row)
        added = [
            item.signal_id
            for item, old, off in zip(
                batch.prepared, kept.before, kept.taken, strict=True
            )
            if old is None and off is None
        ]
        met = [old.signal_id for old in kept.before if old is not None]
        await note_rows(tx, row, added, met)
        return row.id

    async def approve(
        self, signals: Sequence[str], who: Principal, *, once: Once | None = None
    ) -> ApproveAnswer:
        """Publish drafts as their second person.

        What cannot be approved becomes a problem of the answer. If nothing at all
        was approved, for one and the same reason, that reason is raised.

        Raises:
            DeniedError: the author approves, or another rule denies it.
            NotFoundError: there are no such drafts.
            WrongStateError: they are decided, or there is no federation.
            StoreFailedError: nothing of it could be made durable.
        """
        return await approve_drafts(self._desk, self._budget, signals, who, once)

    async def revoke(
        self,
        signal: str,
        request: RevokeRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> SignalAnswer:
        """Stop a signal everywhere; a draft is withdrawn, an own ban erased.

        Raises:
            DeniedError: this role may not.
            NotFoundError: this node has no such signal.
            WrongStateError: it is stopped already.
            StoreFailedError: it could not be made durable.
        """
        return await stop_signal(self._desk, signal, request.reason, who, once)

    async def revoke_account(
        self,
        request: RevokeAccountRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RevokedAccount:
        """Stop all that is listed about an account; see `accounts.revoke_account`."""
        return await revoke_account(self._desk, request, who, once)

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> SignalAnswer:
        """Tell where a signal of this node stands.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: this node has no such signal.
        """
        return await show_signal(self._desk, signal, who, purpose)

    async def listed(self, query: SignalsQuery, who: Principal) -> SignalsAnswer:
        """List the node's own signals; see `inventory.list_signals`."""
        return await list_signals(self._desk, query, who)

    async def holders(
        self, who: Principal, purpose: Purpose | None = None
    ) -> HoldersAnswer:
        """Count by member what it has; see `inventory.list_holders`."""
        return await list_holders(self._desk, who, purpose)

    async def _write(self, tx: Transaction, entry: LogEntry) -> None:
        await tx.append(self._desk.trail.log, entry.record, entry.openings)

    def _added(self, plan: Plan, prepared: Prepared, who: Principal) -> SignalAnswer:
        header = _header(plan)
        wording = plan.wording if isinstance(plan, DraftPlan) else None
        facts = wording.facts if wording is not None else None
        until = datetime.fromtimestamp(header.match_until, tz=UTC).date()
        return SignalAnswer(
            signal=signal_name(prepared.signal_id),
            state=_STATES[type(plan)],
            scope=header.scope,
            plane=header.plane,
            origin=self._desk.situation.node,
            author=who.name,
            match_until=until.isoformat(),
            nodes=nodes_in(plan.address.nodes, self._desk.situation),
            group=group_in(plan.address.nodes),
            provenance=wording.provenance if wording is not None else None,
            findings=sorted(facts.findings) if facts is not None else None,
            legal_review=facts.legal_review if facts is not None else None,
        )

    def _import_events(
        self, batch: _Import, answer: ImportAnswer, who: Principal
    ) -> list[LogEntry]:
        taken = {at for each in answer.taken_off for at in each.positions}
        known = taken | set(answer.already)
        plans = [
            item
            for position, item in enumerate(batch.outcomes)
            if not isinstance(item, _REFUSED) and position not in known
        ]
        refused: dict[tuple[str, str], list[Decision]] = {}
        for outcome in batch.outcomes:
            if isinstance(outcome, Decision):
                same = (outcome.code, outcome.about)
                refused.setdefault(same, []).append(outcome)
        said = batch.request.list
        event = self._desk.event(
            Event.IMPORTED,
            who,
            {
                **({} if said is None else {"list": said.name, "source": said.source}),
                **({} if answer.run is None else {"import": answer.run}),
                "own": sum(isinstance(plan, OwnPlan) for plan in plans),
                "drafts": sum(isinstance(plan, DraftPlan) for plan in plans),
                "already": len(answer.already),
                "taken_off": len(taken),
                "refused": sum(map(len, refused.values())),
                "unreadable": sum(
                    isinstance(item, BadRequestError) for item in batch.outcomes
                ),
            },
            outcome="dry_run" if batch.request.dry_run else "ok",
        )
        if batch.request.dry_run:
            return [event]
        refusals = [
            self._desk.refusal(alike[0], who, "signal.import", count=len(alike))
            for alike in refused.values()
        ]
        return [event, *refusals]


def _header(plan: Plan) -> SignalHeader:
    wording = plan.own if isinstance(plan, OwnPlan) else plan.wording
    return wording.header


def _plan_all(
    planner: Planner, requests: Sequence[NewSignalRequest], first: int
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for position, request in enumerate(requests, start=first):
        try:
            outcomes.append(planner.plan(request, f"/signals/{position}"))
        except BadRequestError as error:
            outcomes.append(error)
    return outcomes


def _answer(
    batch: _Import,
    before: Sequence[Standing | None],
    taken: Sequence[TakenOff | None],
    run: bytes | None,
) -> ImportAnswer:
    """Answer row by row; of a dry run *before* and *taken* are of own bans alone."""
    dry = batch.request.dry_run
    ids, old = iter(batch.prepared), iter(zip(before, taken, strict=True))
    signals: list[str | None] = []
    problems: list[ItemProblem] = []
    already: list[int] = []
    differing: list[int] = []
    later: list[LaterRow] = []
    over: dict[Kind, list[int]] = {}
    reasons: dict[str, list[int]] = {}
    for position, outcome in enumerate(batch.outcomes):
        name = None
        if isinstance(outcome, Decision):
            if _is_over(outcome):
                kind = batch.request.signals[position].about.kind
                over.setdefault(kind, []).append(position)
            else:
                problems.append(_denied(position, outcome))
        elif isinstance(outcome, BadRequestError):
            problem = ItemProblem(
                position=position,
                code=outcome.code,
                detail=outcome.detail,
                pointer=outcome.pointer,
                **made_of(outcome.phrase),
            )
            problems.append(problem)
        else:
            is_known = not dry or isinstance(outcome, OwnPlan)
            stood, off = next(old) if is_known else (None, None)
            if off is not None:
                reasons.setdefault(off.reason, []).append(position)
            elif stood is not None:
                already.append(position)
                if stood.differs:
                    differing.append(position)
                if stood.since is not None:
                    later.append(_later(position, stood.since, outcome))
            name = _named(None if dry else next(ids), stood, off)
        signals.append(name)
    return ImportAnswer(
        signals=signals,
        problems=problems,
        state=_state(batch),
        already=already,
        differing=differing,
        later=later,
        over=[_over(batch.present, kind, found) for kind, found in over.items()],
        taken_off=[
            TakenOffRows(reason=reason, positions=found)
            for reason, found in reasons.items()
        ],
        run=None if run is None else run.hex(),
    )


def _later(position: int, since: date, plan: Plan) -> LaterRow:
    wording = plan.own if isinstance(plan, OwnPlan) else plan.wording
    return LaterRow(
        position=position,
        listed=since.isoformat(),
        removed_on=wording.facts.since.isoformat(),
    )


def _named(
    item: Prepared | None, stood: Standing | None, off: TakenOff | None
) -> str | None:
    """Name the signal that stands for a row now; None if it is none."""
    standing = item if stood is None else stood
    if off is not None or standing is None or standing.signal_id == _UNKEPT:
        return None
    return signal_name(standing.signal_id)


async def _rehearse(
    tx: Transaction, batch: _Import, bans: Sequence[ListedToken], desk: Desk
) -> ImportAnswer:
    """Answer a dry run, whose own bans would stand at *bans*."""
    now = batch.present.at
    stands = _rehearsed(bans, await tx.standing(bans, now))
    stands = await date_standing(tx, desk.periods, bans, stands)
    taken = await find_taken(tx, bans, now)
    if batch.request.anew:
        taken = [None if e is None or may_come_back(e) else e for e in taken]
    return _answer(batch, stands, taken, None)


def _rehearsed(
    bans: Sequence[ListedToken], before: Sequence[Standing | None]
) -> list[Standing | None]:
    """Say what would stand before each ban, the earlier ones among them included."""
    found: list[Standing | None] = []
    first: dict[bytes, ListedToken] = {}
    for row in sorted(bans, key=latest_first):
        first.setdefault(row.token, row)
    for row, stands in zip(bans, before, strict=True):
        known = first[row.token]
        earlier = None
        if known is not row:
            differs = known.said != row.said
            earlier = Standing(signal_id=_UNKEPT, differs=differs)
        found.append(stands or earlier)
    return found


def _is_over(outcome: Outcome) -> bool:
    return isinstance(outcome, Decision) and outcome.code == Refusal.RETENTION


def _over(present: Present, kind: Kind, positions: list[int]) -> OverRows:
    name = kind.name
    found = (
        IdentifierKind[name] if name in IdentifierKind.__members__ else MediaKind[name]
    )
    today = present.now.date()
    term = explain_end(found, today, present.policy, present.at)
    return OverRows(
        kind=kind,
        term=str(term.span),
        first=term.first.isoformat(),
        positions=positions,
    )


def _state(batch: _Import) -> SignalState:
    # Of a mixed import the state that asks most of people: drafts wait for somebody.
    states = {_STATES[type(plan)] for plan in batch.plans}
    for state in (SignalState.DRAFT, SignalState.OWN):
        if state in states:
            return state
    shared = any(item.scope is not Scope.SELF for item in batch.request.signals)
    return SignalState.DRAFT if shared else SignalState.OWN


def _denied(position: int, decision: Decision) -> ItemProblem:
    told = phrase_in(decision.reason)
    if decision.about:
        named = Phrase("{reason} ({about})")
        told = named.filled(reason=decision.reason, about=decision.about)
    return ItemProblem(
        position=position,
        code=decision.code,
        detail=str(told),
        **made_of(told),
    )
