# SPDX-License-Identifier: Apache-2.0
"""Open, assess, attach to, approve and close cases; every step is an audit event.

A case rests on the provider's own finding: a foreign signal alone is refused by the
policy (P13), and this room knows nothing of signals. It holds no media bytes: what
comes in is searched for them before anything is kept.
"""

from collections.abc import Awaitable, Callable
from secrets import token_hex

import msgspec

from fedsafe_node.acts.cases import (
    ApproveCase,
    AssessCase,
    AttachEvidence,
    CaseAnswer,
    CaseReceipt,
    CasesAnswer,
    NoteCall,
    NoteInquiry,
    OpenCase,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.casework.cases.answers import answered, check_answered, has_left
from fedsafe_node.casework.cases.assessment import assessed, attached
from fedsafe_node.casework.cases.changes import (
    called,
    changed,
    check_been,
    check_content,
    check_past,
    editable_state,
    first_file,
)
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import CaseParts, Change
from fedsafe_node.casework.cases.nondisclosure import dropping, stood
from fedsafe_node.casework.cases.packages import check_brought, work_of
from fedsafe_node.casework.cases.partner_inquiry import inquired
from fedsafe_node.casework.cases.queue import Queue, list_cases
from fedsafe_node.casework.cases.release import (
    KIND,
    check_release,
    check_still,
    dispatch_content,
    end_approvals,
    refuse,
    takes_two,
    waiting_approval,
)
from fedsafe_node.casework.cases.sole_release import look, receipt_of, release_alone
from fedsafe_node.casework.cases.view import Told, fallen, show_case
from fedsafe_node.casework.orders.content import OrderVault
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import rule_on_reading
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.case_start import CaseRequest
from fedsafe_policies.escalation.laender import Calendar
from fedsafe_policies.escalation.states import EDITABLE, CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Matter, Purpose

Step = Callable[[CaseRow, CaseFile], Change]


class Cases:
    """Keeps the provider's own cases."""

    def __init__(self, parts: CaseParts) -> None:
        self._parts = parts
        self._keeper = parts.keeper
        self._office = parts.keeper.office
        self._orders = OrderVault(parts.keeper.vault.periods)

    @property
    def _calendar(self) -> Calendar:
        return self._parts.situation.config.deadlines.calendar

    async def open(
        self, request: OpenCase, who: Principal, *, once: Once | None = None
    ) -> CaseReceipt:
        """Open a case; its clocks run from when somebody knew.

        Raises:
            DeniedError: it rests on nothing of the provider's own (P13).
            BadRequestError: that moment lies in the future, or media bytes or
                control characters are in it.
        """
        check_content(request)
        check_past(request.known_at, self._office.now(), "/known_at")
        asked = CaseRequest(_person(who), frozenset(request.sources), request.evidence)
        now = self._office.clock.now()
        decision = self._parts.situation.decide(asked, now)
        if not decision.allowed:
            await self._office.refused(decision, who.name, "case.open")
            raise DeniedError(decision)
        case_id = token_hex(16)
        file = first_file(case_id, request)
        change = Change(
            step="opened",
            state=editable_state(file),
            urgency=request.urgency,
            known_at=request.known_at,
            file=file,
        )

        async def act(tx: Transaction) -> CaseReceipt:
            row = await self._keeper.keep(
                tx, None, case_id, change, _person(who), detail=_ruled(decision)
            )
            return receipt_of(row)

        return await self._write(act, once)

    async def list(self, who: Principal, purpose: Purpose | None = None) -> CasesAnswer:
        """List the cases that are not closed, in the order of work.

        One that is closed is listed as well while something of it waits for a person.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        decision = await self._admit(who, purpose)

        async def act(tx: Transaction) -> CasesAnswer:
            queue = Queue(
                self._keeper.vault,
                self._calendar,
                self._parts.matrix(),
                self._office.now(),
            )
            found = await list_cases(queue, tx)
            detail: Detail = {"cases": len(found), **_read_for(decision)}
            await self._office.note(tx, Event.CASE_READ, who.name, detail)
            return CasesAnswer(cases=found)

        return await self._office.store.write(act)

    async def show(
        self, case_id: str, who: Principal, purpose: Purpose | None = None
    ) -> CaseAnswer:
        """Show a case as the role of whoever asks sees it.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such case.
        """
        decision = await self._admit(who, purpose)

        async def act(tx: Transaction) -> CaseAnswer:
            row, file = await self._keeper.read(tx, case_id)
            told = Told(
                await tx.case_steps(case_id),
                await tx.case_alarms(case_id),
                self._calendar,
                self._office.now(),
                await work_of(tx, case_id, self._office.now()),
                await fallen(tx, file.mentions),
                await waiting_approval(tx, row, self._office.now()),
            )
            detail: Detail = {"case": case_id, **_read_for(decision)}
            await self._office.note(tx, Event.CASE_READ, who.name, detail)
            return show_case(row, file, told, who.role, self._parts.matrix())

        return await self._office.store.write(act)

    async def assess(
        self,
        case_id: str,
        request: AssessCase,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        """Enter what is known now; an approved case is a draft again with it.

        One that has left takes what is open before it closes, and stays as it is.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: it is closed, or has left and more is changed than that.
            BadRequestError: a field does not fit, as a moment to come does not, or
                media bytes or control characters are in it.
            ForbiddenError: an opinion of somebody who is no legal adviser.
        """
        check_content(request)
        check_been(request, now := self._office.now())

        async def act(tx: Transaction) -> CaseReceipt:
            stands = await stood(tx, self._orders, case_id)

            def step(row: CaseRow, file: CaseFile) -> Change:
                if has_left(row):
                    return answered(row, file, request, who.role)
                name, known = assessed(file, request, who.role, now)
                known = dropping(file, known, stands, now)
                urgency = request.urgency or Urgency(row.urgency)
                return changed(row, known, name, urgency)

            return await self._take(tx, case_id, step, who)

        return await self._write(act, once)

    async def attach(
        self,
        case_id: str,
        request: AttachEvidence,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        """Add evidence by digest and place.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: it has left, or an object is known with other digests.
            BadRequestError: a moment in it lies in the future.
        """
        check_content(request)
        check_been(request, self._office.now())

        def step(row: CaseRow, file: CaseFile) -> Change:
            return changed(row, attached(file, request), "attached")

        return await self._step(case_id, step, who, once)

    async def call(
        self,
        case_id: str,
        request: NoteCall,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        """Note a call that was made about a case.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: it is closed.
            BadRequestError: when the call was cannot be, or media bytes are in it.
        """
        check_content(request)
        check_past(request.at, self._office.now(), "/at")

        def step(row: CaseRow, file: CaseFile) -> Change:
            return called(row, file, request, who.name)

        return await self._step(case_id, step, who, once)

    async def inquire(
        self,
        case_id: str,
        request: NoteInquiry,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> CaseReceipt:
        """Note that a partner asks for more, or that it was answered.

        What was noted before stays as it is, and is no step of the case.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: nobody has acknowledged it, or nobody has asked.
            BadRequestError: that cannot have been then.
        """
        check_past(request.at, self._office.now(), "/at")

        async def act(tx: Transaction) -> CaseReceipt:
            sent = await tx.dispatches(case_id)
            is_there = any(each.acknowledged_at is not None for each in sent)

            row, file = await self._keeper.read(tx, case_id)
            change = inquired(row, file, request, who.name, is_there=is_there)
            if change is None:
                nothing_happened()
                return msgspec.structs.replace(receipt_of(row), noted=False)
            kept = await self._keeper.keep(tx, row, case_id, change, _person(who))
            return receipt_of(kept)

        return await self._write(act, once)

    async def approve(
        self, case_id: str, request: ApproveCase, who: Principal
    ) -> CaseReceipt:
        """Let a case go, ask a second person to, or look at it as that person.

        Whoever asks again for what waits is given that, and asks for nothing more.

        Raises:
            NotFoundError: there is no such case.
            DeniedError: this role may not, the legal adviser was not asked (P6, P7),
                or the training for acting alone is missing or over (P19).
            WrongStateError: it lacks something, has left, an approval of it for other
                classes waits or was given, or nobody could be second.
        """
        office, keeper, parts = self._office, self._keeper, self._parts
        row, file = await office.store.read(lambda r: keeper.read(r, case_id))
        if CaseState(row.state) not in EDITABLE:
            return await self._decided(lambda tx: look(tx, parts, case_id, who), who)
        denied = refuse(keeper, row, file, _person(who))
        if denied is not None:
            await office.refused(denied.decision, who.name, "case.approve")
            raise denied
        check_release(row, file, request.partners, parts.matrix())
        if not takes_two(Urgency(row.urgency)):
            return await self._decided(
                lambda tx: release_alone(tx, parts, case_id, request, who), who
            )
        await office.store.scan(lambda r: parts.approvals.check_second(r, KIND, who))
        content = dispatch_content(row, request.partners)

        async def keep(tx: Transaction, act: ActAnswer) -> None:
            await check_still(tx, case_id, act)

        act = await parts.approvals.ask(KIND, content, who, keep=keep, single=True)
        return msgspec.structs.replace(receipt_of(row), act=act.act)

    async def close(
        self, case_id: str, who: Principal, *, once: Once | None = None
    ) -> CaseReceipt:
        """Close a case that has answered all of its questions.

        What waits for a second person's approval of it is withdrawn with that.

        Raises:
            NotFoundError: there is no such case.
            WrongStateError: something is unanswered, also to a partner, or a package
                is under way.
        """

        async def act(tx: Transaction) -> CaseReceipt:
            row, file = await self._keeper.read(tx, case_id)
            check_answered(row, file)
            await check_brought(tx, case_id, self._office.now())
            change = Change(
                step="closed",
                state=CaseState.CLOSED,
                urgency=Urgency(row.urgency),
                known_at=row.known_at,
                file=file,
            )
            kept = await self._keeper.keep(tx, row, case_id, change, _person(who))
            ended = await end_approvals(self._office, tx, case_id, who.name)
            return msgspec.structs.replace(receipt_of(kept), ended=ended)

        return await self._write(act, once)

    async def _decided(
        self,
        act: Callable[[Transaction], Awaitable[CaseReceipt | Decision]],
        who: Principal,
    ) -> CaseReceipt:
        """Do an act that ends in a receipt, or in a refusal that is noted."""
        answer = await self._office.store.write(act)
        if isinstance(answer, Decision):
            await self._office.refused(answer, who.name, "case.approve")
            raise DeniedError(answer)
        return answer

    async def _step(
        self, case_id: str, step: Step, who: Principal, once: Once | None
    ) -> CaseReceipt:
        return await self._write(lambda tx: self._take(tx, case_id, step, who), once)

    async def _take(
        self, tx: Transaction, case_id: str, step: Step, who: Principal
    ) -> CaseReceipt:
        row, file = await self._keeper.read(tx, case_id)
        change = step(row, file)
        kept = await self._keeper.keep(tx, row, case_id, change, _person(who))
        return receipt_of(kept)

    async def _write(
        self, act: Callable[[Transaction], Awaitable[CaseReceipt]], once: Once | None
    ) -> CaseReceipt:
        async def whole(tx: Transaction) -> CaseReceipt:
            answer = await act(tx)
            if once is not None:
                now = self._office.now()
                await tx.add_idempotent_answer(once.row(answer, now=now))
            return answer

        return await self._office.store.write(whole)

    async def _admit(self, who: Principal, purpose: Purpose | None) -> Decision:
        now = self._office.clock.now()
        decision = rule_on_reading(
            self._parts.situation, who, Matter.CASES, purpose, now
        )
        if not decision.allowed:
            await self._office.refused(decision, who.name, "case.read")
            raise DeniedError(decision)
        return decision


def _person(who: Principal) -> Person:
    return Person(who.name, who.role)


def _ruled(decision: Decision) -> Detail:
    return {
        "rule": decision.rule.value,
        "code": decision.code,
        "policy": decision.policy,
    }


def _read_for(decision: Decision) -> Detail:
    return {**_ruled(decision), "purpose": decision.about}
