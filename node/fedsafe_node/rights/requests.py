# SPDX-License-Identifier: Apache-2.0
"""Requests of persons: opened with proof, answered within a month (GDPR Art. 12 (3)).

Whoever opens one has seen that the identifier is the person's: the provider's
back-end attests it (`attestations`), two officers stand by an identity check
(`identity_checks`), or the public form knows by a mailed code. The identifier is
evaluated and forgotten, or waits for that (`retries`); the request keeps which signals
were found, sealed, and no more. What a person contests rests at once, shared or not: by
a dispute of this node.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace as dataclass_replace
from datetime import UTC
from typing import Final, cast

from msgspec.structs import replace

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.acts.requests import (
    CloseRequest,
    CollectedAnswer,
    CollectRequest,
    Language,
    NewRightsRequest,
    Proved,
    RequestKind,
    RightsRequestAnswer,
    RightsRequestsAnswer,
    Way,
)
from fedsafe_node.ground.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Event
from fedsafe_node.notices.provider_events.announcer import Announcer
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.services import naming_of
from fedsafe_node.people.throttle import Counter, count_tries
from fedsafe_node.people.vault import Vault
from fedsafe_node.rights.attestations import read_attestation
from fedsafe_node.rights.closure import check_apart, check_end, check_ground
from fedsafe_node.rights.grants import KIND, Grant, grantable
from fedsafe_node.rights.identity_checks import KIND as CHECK
from fedsafe_node.rights.identity_checks import Check, check_decided, read_check
from fedsafe_node.rights.known_facts import is_late, tell, tell_end
from fedsafe_node.rights.person_packs import (
    Packs,
    packs_about,
    packs_asked_for,
    show_packs,
)
from fedsafe_node.rights.progress import (
    Progress,
    progress_in_words,
    read_progress,
    shown,
)
from fedsafe_node.rights.request_start import Opened, Opening, read_person
from fedsafe_node.rights.request_state import decidable_until, in_state, known
from fedsafe_node.rights.retries import look_up
from fedsafe_node.rights.sealing import Checked, Content, open_content, seal_content
from fedsafe_node.rights.shares import Shares
from fedsafe_node.rights.terms import EXTENDED_MONTHS, moment, months_after
from fedsafe_node.rights.unerased import read_remains
from fedsafe_node.rights.view import describe_request
from fedsafe_node.rules.budgets.lookups import LookupBudgets, Spending, Wanted
from fedsafe_node.signals.decision_snapshot import until_it_holds
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.lookups import LookupRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Control, Plane, Purpose, Role

LISTED: Final = 500
FORM: Final = Principal(Actor.FORM.value, Role.SERVICE)
"""The public form, by which persons come themselves."""


class Requests:
    """Opens, answers and closes requests of persons."""

    def __init__(  # noqa: PLR0913 - every way to open one has its part
        self,
        desk: Desk,
        announcer: Announcer,
        vault: Vault,
        approvals: Approvals,
        budgets: LookupBudgets,
        shares: Shares,
    ) -> None:
        self._desk = desk
        self._announcer = announcer
        self._vault = vault
        self._approvals = approvals
        self._budgets = budgets
        self._shares = shares

    async def open(
        self, request: NewRightsRequest, who: Principal
    ) -> RightsRequestAnswer:
        """Open a request for somebody whose control of the identifier was shown.

        An officer's waits for another one, who decides on the identity check.

        Raises:
            BadRequestError: the identifier has no canonical form, or what is attested
                or was checked does not show whose it is.
            DeniedError: this role may not.
            OverBudgetError: this credential has opened too many within the hour.
        """
        store = self._desk.store
        naming = await store.read(lambda reader: naming_of(reader, who))
        person = read_person(request.about, pointer="/about")
        opened = Opened(
            kind=request.kind,
            person=person,
            control=Control(request.control),
            way=Way.PROVIDER if who.role is Role.SERVICE else Way.OFFICER,
            language=request.language,
            contention=request.contention,
            subject_ref=naming.subject(request.subject_ref, pointer="/subject_ref"),
            age=request.age,
        )
        decision = await self._admit(who, "rights.open")
        opened = self._shown(opened, request, who)
        # Whoever vouches for others could ask about anybody: it counts as a lookup.
        about = opened.person.canonical
        identifier = bytes([about.kind]) + about.value.encode()
        wanted = Wanted([(opened.subject_ref, [identifier])])
        purpose = Purpose.RIGHTS_OF_THE_PERSON
        spending = await self._budgets.admit(who, purpose, wanted)
        return await self._open(opened, who, decision, spending)

    async def open_proved(self, opened: Opened, who: Principal) -> RightsRequestAnswer:
        """Open a request whose proof was checked.

        Raises:
            DeniedError: this role may not.
            WrongStateError: the proof has opened a request before.
        """
        decision = await self._admit(who, "rights.open")
        return await self._open(opened, who, decision, None)

    async def _open(
        self,
        opened: Opened,
        who: Principal,
        decision: Decision,
        spending: Spending | None,
    ) -> RightsRequestAnswer:
        desk = self._desk
        found, again_at = await look_up(desk, self._shares, opened.person, opened.share)

        async def attempt() -> RightsRequestAnswer:
            packs = await packs_about(desk, opened.subject_ref)
            opening = Opening(
                desk,
                self._announcer,
                opened,
                found,
                who,
                decision,
                packs.rows,
                again_at=again_at,
            )
            if opened.checked is not None:
                return await self._ask(opening, packs, spending)

            async def act(tx: Transaction) -> Changed[RightsRequestAnswer]:
                await packs.check(tx)
                if spending is not None:
                    await spending.keep(tx)
                return await opening.run(tx)

            return await desk.commit(act)

        try:
            return await until_it_holds(attempt)
        except ConflictError:
            raise WrongStateError(
                "proof_used", Phrase("a request has already been made with this code")
            ) from None

    def _shown(
        self, opened: Opened, request: NewRightsRequest, who: Principal
    ) -> Opened:
        situation, now = self._desk.situation, self._desk.clock.now()
        if opened.way is Way.PROVIDER:
            attested = read_attestation(
                request, opened.person, situation.config, situation.policy, now
            )
            return dataclass_replace(opened, attested=attested)
        check = read_check(request, now.astimezone(UTC).date().isoformat())
        checked = Checked(
            seen_on=check.seen_on.isoformat(),
            reference=check.reference,
            by=who.name,
            contention=opened.contention,
        )
        return dataclass_replace(opened, checked=checked)

    async def _ask(
        self, opening: Opening, packs: Packs, spending: Spending | None
    ) -> RightsRequestAnswer:
        """Keep a request that waits for another officer, and ask them."""
        opened, told = opening.opened, list[RightsRequestAnswer]()
        checked = opened.checked
        if checked is None:
            raise TypeError("nothing was checked")

        async def keep(tx: Transaction, act: ActAnswer) -> None:
            await packs.check(tx)
            if spending is not None:
                await spending.keep(tx)
            asked = dataclass_replace(opened, checked=replace(checked, act=act.act))
            opened_now = dataclass_replace(opening, opened=asked, until=act.expires_at)
            changed = await opened_now.run(tx)
            told[:] = [changed.result]

        control = opened.control.value
        content = _check_of(opening.name, opened.kind, control, checked)
        await self._approvals.ask(CHECK, content, opening.who, keep=keep)
        return told[0]

    async def check(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Ask another officer once more to decide on one's own identity check.

        Raises:
            DeniedError: this role may not.
            ForbiddenError: somebody else has made the check.
            NotFoundError: there is no such request.
            WrongStateError: it is answered, closed or decided, or another is asked.
        """
        await self._admit(who, "rights.check")
        keys, told = self._desk.periods, list[RightsRequestAnswer]()

        async def read(reader: Reader) -> tuple[RequestRow, Content, Checked]:
            row = await in_state(reader, request, RequestState.OPEN)
            content = open_content(keys, row)
            checked = content.checked if content is not None else None
            if content is None or checked is None or checked.second is not None:
                raise WrongStateError(
                    "not_pending",
                    Phrase(
                        "this request has no identity check that waits for a decision"
                    ),
                )
            if (until := await decidable_until(reader, checked, self._now())) is None:
                return row, content, checked
            raise WrongStateError(
                "already_asked",
                Phrase(
                    "another officer has already been asked to decide on this "
                    "identity check until {until}: act {act}"
                ).filled(until=moment(until), act=checked.act),
            )

        row, _, checked = await self._desk.store.read(read)
        first = Person(checked.by, who.role)
        if first.identity != Person(who.name, who.role).identity:
            raise ForbiddenError(
                Phrase(
                    "{by} made this identity check and must ask for the "
                    "decision again. If {by} cannot do that, close the "
                    "request (not_shown), and the person makes a new "
                    "request"
                ).filled(by=checked.by),
                authenticated=True,
            )

        async def keep(tx: Transaction, act: ActAnswer) -> None:
            row, content, checked = await read(tx)
            again = replace(checked, act=act.act, reminded_at=None)
            content = replace(content, checked=again)
            await tx.put_request(row := self._sealed(row, content))
            told[:] = [describe_request(row, content, until=act.expires_at)]

        content = _check_of(row.id, RequestKind(row.kind), row.control, checked)
        await self._approvals.ask(CHECK, content, who, keep=keep)
        return told[0]

    async def list(
        self,
        who: Principal,
        state: RequestState = RequestState.OPEN,
        after: str | None = None,
    ) -> RightsRequestsAnswer:
        """List requests of a state behind one of them, without what was found.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no request to begin behind.
        """
        decision = await self._admit(who, "rights.list")

        async def act(tx: Transaction) -> RightsRequestsAnswer:
            last = None if after is None else await known(tx, after)
            rows = await tx.requests(state, LISTED, last)
            await self._note(tx, Event.REQUESTS_READ, who, decision, count=len(rows))
            return RightsRequestsAnswer(
                requests=[await self._listed(tx, row) for row in rows],
                next=rows[-1].id if len(rows) == LISTED else None,
            )

        return await self._desk.store.write(act)

    async def _listed(self, reader: Reader, row: RequestRow) -> RightsRequestAnswer:
        """Describe a request for a list: without findings, but with what it lacks."""
        content, again_at = None, await self._again_at(reader, row)
        if row.state is RequestState.OPEN and row.way == Way.OFFICER:
            content = open_content(self._desk.periods, row)
        if content is None or content.checked is None or not content.is_undecided:
            return describe_request(row, again_at=again_at)
        until = await decidable_until(reader, content.checked, self._now())
        return describe_request(row, content, until=until, again_at=again_at)

    async def show(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Show a request with what was found.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no such request.
        """
        decision, desk = await self._admit(who, "rights.show"), self._desk
        packs = await packs_asked_for(desk, request)

        async def act(tx: Transaction) -> RightsRequestAnswer:
            row = await known(tx, request)
            await self._note(tx, Event.REQUESTS_READ, who, decision, request=row.id)
            content = open_content(desk.periods, row)
            again_at = await self._again_at(tx, row)
            if content is None or content.is_undecided:
                if content is None or content.checked is None:
                    return describe_request(row, content)
                until = await decidable_until(tx, content.checked, self._now())
                return describe_request(row, content, until=until, again_at=again_at)
            told = await show_packs(tx, content, packs, self._now())
            if content.erased is None:
                return describe_request(row, content, told, again_at=again_at)
            left = await read_remains(tx, desk.situation, content, self._now())
            return describe_request(row, content, told, left)

        return await desk.store.write(act)

    async def answer(self, request: str, who: Principal) -> RightsRequestAnswer:
        """Write the answer out of what was found and the recipient ledger.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no such request.
            WrongStateError: it is answered or closed.
        """
        decision = await self._admit(who, "rights.answer")
        return await until_it_holds(lambda: self._answer(request, who, decision))

    async def _answer(
        self, request: str, who: Principal, decision: Decision
    ) -> RightsRequestAnswer:
        desk = self._desk
        packs = await packs_asked_for(desk, request)

        async def act(tx: Transaction) -> RightsRequestAnswer:
            await packs.check(tx)
            row = await in_state(tx, request, RequestState.OPEN)
            content = open_content(desk.periods, row)
            if content is None:
                raise WrongStateError(
                    "wiped",
                    Phrase("what was found for this request can no longer be read"),
                )
            check_decided(content)
            text = await tell(tx, desk, row, content, packs.rows)
            content = replace(content, answer=text)
            answered = replace(
                row,
                state=RequestState.ANSWERED,
                sealed=self._sealed(row, content).sealed,
                ended_at=self._now(),
                ended_by=who.name,
            )
            await tx.put_request(answered)
            await self._note(tx, Event.REQUEST_ANSWERED, who, decision, request=row.id)
            told = await show_packs(tx, content, packs, self._now())
            again_at = await self._again_at(tx, row)
            return describe_request(answered, content, told, again_at=again_at)

        return await desk.store.write(act)

    async def extend(
        self, request: str, reason: str, who: Principal
    ) -> RightsRequestAnswer:
        """Take two months more, once, for a reason that the person is told.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no such request.
            WrongStateError: it is answered, closed, extended already or overdue.
        """
        decision = await self._admit(who, "rights.extend")

        async def act(tx: Transaction) -> RightsRequestAnswer:
            row = await in_state(tx, request, RequestState.OPEN)
            if row.extended_for is not None or row.due_at <= self._now():
                raise WrongStateError(
                    "too_late",
                    Phrase(
                        "a request can be extended only once, and only before "
                        "its answer is due"
                    ),
                )
            extended = replace(
                row,
                due_at=months_after(row.opened_at, EXTENDED_MONTHS),
                extended_for=reason,
                reminded_at=None,
            )
            await tx.put_request(extended)
            await self._note(tx, Event.REQUEST_EXTENDED, who, decision, request=row.id)
            return describe_request(extended)

        return await self._desk.store.write(act)

    async def close(
        self, request: str, closing: CloseRequest, who: Principal
    ) -> RightsRequestAnswer:
        """End a request, with its outcome and a reference to why.

        Raises:
            DeniedError: this role may not, or who refuses has listed the person.
            BadRequestError: a refusal lacks its ground, or something else has one.
            NotFoundError: there is no such request.
            WrongStateError: it is closed, or cannot end so (`check_end`).
        """
        decision = await self._admit(who, "rights.close")
        check_ground(closing)
        if closing.outcome == "refused":
            await check_apart(self._desk, request, who)

        async def act(tx: Transaction) -> RightsRequestAnswer:
            row = await known(tx, request)
            if row.state is RequestState.CLOSED:
                raise WrongStateError(
                    "request_closed", Phrase("this request is closed")
                )
            content = open_content(self._desk.periods, row)
            if content is not None:
                await check_end(tx, self._desk, row, content, closing.outcome)
                row = self._sealed(row, replace(content, ground=closing.ground))
            closed = replace(
                row,
                state=RequestState.CLOSED,
                outcome=closing.outcome,
                reason=closing.reason,
                ended_at=self._now(),
                ended_by=who.name,
            )
            await tx.put_request(closed)
            await self._note(
                tx,
                Event.REQUEST_CLOSED,
                who,
                decision,
                request=row.id,
                outcome=closing.outcome,
            )
            return describe_request(closed)

        return await self._desk.store.write(act)

    async def grant(self, request: str, reason: str, who: Principal) -> ActAnswer:
        """Ask that what this provider lists be erased; a second person approves.

        With an erasure or objection that names an account, all goes that is kept of it.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no such request.
            WrongStateError: it is closed, or nothing of it is this provider's.
        """
        await self._admit(who, "rights.grant")
        desk = self._desk
        granting = await desk.store.read(
            lambda reader: grantable(reader, desk, request)
        )
        asked = Grant(
            request=granting.row.id,
            reason=reason,
            signals=len(granting.listed),
            account=granting.subject is not None,
        )
        return await self._approvals.ask(KIND, encode(asked), who)

    async def collect(self, asked: CollectRequest, source: str) -> CollectedAnswer:
        """Say how a request stands to who has the code; hand its answer out, once.

        Raises:
            NotFoundError: no request has this code.
            TooManyTriesError: too many came from this place.
        """
        given = hashlib.sha256(asked.code.encode()).digest()

        async def act(tx: Transaction) -> CollectedAnswer | None:
            row = await tx.request(asked.request)
            if row is None or not hmac.compare_digest(row.collect or b"", given):
                return None
            content = open_content(self._desk.periods, row)
            before = content is not None and content.collected
            text = content.answer if content is not None and not before else None
            if content is not None and text is not None:
                spent = replace(content, collected=True)
                await tx.put_request(self._sealed(row, spent))
                event = Event.REQUEST_COLLECTED
                await self._note(tx, event, FORM, None, request=row.id)
            else:
                nothing_happened()
            progress: Sequence[Progress] = ()
            again_at = await self._again_at(tx, row)
            if content is not None:
                progress = await read_progress(tx, self._desk.situation, content)
            return CollectedAnswer(
                state=row.state.value,
                due_at=moment(row.due_at),
                text=text,
                note=await tell_end(tx, self._desk, row, content),
                collected=before,
                late=is_late(row, self._desk.clock.now()),
                status=self._status(row, content, progress, again_at),
                contested=shown(progress),
                again_at=None if again_at is None else moment(again_at),
            )

        collected = await self._desk.store.write(act)
        if collected is None:
            # Only failures count: behind a proxy all persons come from one place.
            if source:
                counter = Counter(self._vault.blind("collect", source), 20, longest=60)
                await count_tries(self._desk.store, [counter], self._now())
            raise NotFoundError(Phrase("no such request"))
        return collected

    def _status(
        self,
        row: RequestRow,
        content: Content | None,
        progress: Sequence[Progress],
        again_at: int | None,
    ) -> str | None:
        if content is None:
            return None
        config = self._desk.situation.config
        return progress_in_words(
            progress,
            content,
            Language(row.language),
            contact=config.contact,
            now=self._now(),
            again_at=again_at,
            due_at=row.due_at,
            zone=config.deadlines.time_zone,
        )

    async def _again_at(self, reader: Reader, row: RequestRow) -> int | None:
        """Say from when on what waits is looked up again; None if nothing does."""
        waiting = await reader.waiting(row.id)
        return None if waiting is None else max(waiting.again_at, self._now())

    def _sealed(self, row: RequestRow, content: Content) -> RequestRow:
        sealed = seal_content(self._desk.periods, row.id, row.period, content)
        return replace(row, sealed=sealed)

    async def _admit(self, who: Principal, act: str) -> Decision:
        desk = self._desk
        # A machine and the form act for the person, as whoever protects data would.
        role = Role.DPO if who.role is Role.SERVICE else who.role
        asked = LookupRequest(role, Purpose.RIGHTS_OF_THE_PERSON, Plane.ACTOR)
        decision = desk.situation.decide(asked, desk.clock.now())
        if not decision.allowed:
            await desk.refuse(decision, who, act)
        return decision

    async def _note(
        self,
        tx: Transaction,
        event: Event,
        who: Principal,
        decision: Decision | None,
        **detail: str | int,
    ) -> None:
        entry = self._desk.event(event, who, detail, decision=decision)
        await tx.append(self._desk.trail.log, entry.record, entry.openings)

    def _now(self) -> int:
        return int(self._desk.clock.now().timestamp())


def _check_of(request: str, kind: RequestKind, control: str, checked: Checked) -> bytes:
    """Write what a second officer decides on."""
    check = Check(
        request=request,
        asks=kind,
        control=cast("Proved", control),
        seen_on=checked.seen_on,
        reason=checked.reference,
    )
    return encode(check)
