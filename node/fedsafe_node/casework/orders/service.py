# SPDX-License-Identifier: Apache-2.0
"""The register of orders and letters of authorities; every step is an audit event.

Whoever enters an order does not answer it: the legal adviser does, and says which
grounds stand against it where it is not fulfilled.
"""

from collections.abc import Callable
from secrets import token_hex
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.orders import (
    AddOrder,
    AnswerOrder,
    NoteOrder,
    OrderAnswer,
    OrderListed,
    OrderReceipt,
    OrdersAnswer,
    OrderStep,
)
from fedsafe_node.casework.cases.changes import check_content
from fedsafe_node.casework.cases.content import CaseVault
from fedsafe_node.casework.orders.content import OrderFile, OrderVault
from fedsafe_node.casework.orders.secrecy import check_case
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.log.openings import period_of
from fedsafe_node.people.office import Office
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.casework_rows import OrderRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.orders import (
    OrderKind,
    OrderOutcome,
    answer_by,
    confirm_by,
    orders,
    refuse_answer,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision, deny
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Matter, Purpose, Role

_ID_BYTES: Final = 16
_MISFITS: Final = {
    "outcome": Phrase(
        "an order is fulfilled or refused; only a letter is just answered"
    ),
    "grounds": Phrase("name grounds unless it is fulfilled wholly"),
}


class Orders:
    """Keeps the orders of authorities."""

    def __init__(
        self,
        situation: Situation,
        office: Office,
        vault: OrderVault,
        cases: CaseVault,
    ) -> None:
        self._situation = situation
        self._office = office
        self._vault = vault
        self._cases = cases

    async def add(
        self, request: AddOrder, who: Principal, *, once: Once | None = None
    ) -> OrderReceipt:
        """Enter an order that came in.

        Raises:
            BadRequestError: a time does not fit or is lacking, it is oral without
                danger, media bytes are in it, or it is secret and neither it nor its
                case names an account.
            NotFoundError: there is no such case.
        """
        check_content(request)
        self._check(request)
        office, order_id = self._office, token_hex(_ID_BYTES)
        period = period_of(office.clock.now())
        file = OrderFile(
            authority=request.authority,
            reference=request.reference,
            basis=request.basis,
            scope=request.scope,
            language=request.language,
            oral=request.oral,
            secret_until=request.secret_until,
            accounts=tuple(dict.fromkeys(request.accounts)),
        )
        new = OrderRow(
            id=order_id,
            kind=request.kind.value,
            emergency=request.emergency,
            received_at=request.received_at,
            due_at=self._due_at(request),
            confirm_by=self._confirm_by(request),
            entered_at=office.now(),
            entered_by=who.name,
            entered_role=who.role.value,
            case_id=request.case,
            revision=1,
            period=period,
            sealed=b"",
        )

        async def act(tx: Transaction) -> OrderReceipt:
            await check_case(tx, self._cases, request)
            # Here, since the key of a month that begins is a file that is written.
            sealed = self._vault.seal(period, order_id, 1, file)
            row = replace(new, sealed=sealed)
            await tx.put_order(row)
            await office.note(tx, Event.ORDER_ADDED, who.name, _told(row))
            return await self._keep(tx, row, once)

        return await office.store.write(act)

    async def list(
        self, who: Principal, purpose: Purpose | None = None
    ) -> OrdersAnswer:
        """List all orders, first what is due first.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        decision = await self._admit(who, purpose)
        office = self._office

        async def act(tx: Transaction) -> OrdersAnswer:
            rows = await tx.orders()
            detail: Detail = {"orders": len(rows), "purpose": decision.about}
            await office.note(tx, Event.ORDER_READ, who.name, detail)
            return OrdersAnswer(orders=[listed(row, office.now()) for row in rows])

        return await office.store.write(act)

    async def show(
        self, order_id: str, who: Principal, purpose: Purpose | None = None
    ) -> OrderAnswer:
        """Show an order with all that it says.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such order.
        """
        decision = await self._admit(who, purpose)
        office = self._office

        async def act(tx: Transaction) -> OrderAnswer:
            row = await _read(tx, order_id)
            detail: Detail = {"order": order_id, "purpose": decision.about}
            await office.note(tx, Event.ORDER_READ, who.name, detail)
            return shown(row, self._vault.open(row), office.now())

        return await office.store.write(act)

    async def note(
        self,
        order_id: str,
        request: NoteOrder,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> OrderReceipt:
        """Note that the receipt was acknowledged, or the order confirmed in writing.

        Or that the authority moved the deadline that its letter had set.

        Raises:
            NotFoundError: there is no such order.
            BadRequestError: a new deadline is lacking, or does not belong to the step.
            WrongStateError: that was noted before, or there is nothing to confirm or
                to move.
        """
        now = self._office.now()
        check_content(request)
        move = _move_of(request)

        def step(row: OrderRow, file: OrderFile) -> tuple[OrderRow, OrderFile]:
            if request.step is OrderStep.ACKNOWLEDGED:
                if row.acknowledged_at is not None:
                    raise WrongStateError(
                        "already_noted", Phrase("that was noted before")
                    )
                return replace(row, acknowledged_at=now), file
            if move is not None:
                return _moved(row, file, *move)
            if row.confirm_by is None or row.confirmed_at is not None:
                raise WrongStateError(
                    "nothing_to_confirm", Phrase("there is nothing to confirm")
                )
            return replace(row, confirmed_at=now), file

        detail: Detail = {"step": request.step.value}
        return await self._step(order_id, step, Event.ORDER_NOTED, who, detail, once)

    async def answer(
        self,
        order_id: str,
        request: AnswerOrder,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> OrderReceipt:
        """Answer an order, as the legal adviser, who did not enter it.

        Raises:
            NotFoundError: there is no such order.
            DeniedError: the same person entered it, or is no legal adviser (P6).
            BadRequestError: grounds are lacking, or stand beside a fulfilment, or the
                outcome is none of this kind.
            WrongStateError: it is answered already.
        """
        now, grounds = self._office.now(), frozenset(request.grounds)
        row = await self._office.store.read(lambda reader: _read(reader, order_id))
        entered_by = Person(row.entered_by, Role(row.entered_role))
        person = Person(who.name, who.role)
        kind = OrderKind(row.kind)
        found = refuse_answer(entered_by, person, kind, request.outcome, grounds)
        if isinstance(found, Refusal):
            policy = self._office.judge.policy.reference
            decision = deny(found, policy, "order")
            await self._office.refused(decision, who.name, "order.answer")
            raise DeniedError(decision)
        if found is not None:
            raise BadRequestError(
                "not_for_outcome", _MISFITS[found], pointer=f"/{found}"
            )

        def step(row: OrderRow, file: OrderFile) -> tuple[OrderRow, OrderFile]:
            if row.answered_at is not None:
                raise WrongStateError(
                    "already_answered", Phrase("it is answered already")
                )
            answered = replace(
                row,
                answered_at=now,
                answered_by=who.name,
                outcome=request.outcome.value,
            )
            said = replace(
                file,
                grounds=tuple(sorted(grounds)),
                answer_reference=request.reference,
            )
            return answered, said

        detail: Detail = {
            "outcome": request.outcome.value,
            "grounds": ",".join(sorted(grounds)),
            "late": now > row.due_at,
        }
        return await self._step(order_id, step, Event.ORDER_ANSWERED, who, detail, once)

    async def _step(  # noqa: PLR0913 - what a step leaves behind
        self,
        order_id: str,
        step: Callable[[OrderRow, OrderFile], tuple[OrderRow, OrderFile]],
        event: Event,
        who: Principal,
        detail: Detail,
        once: Once | None,
    ) -> OrderReceipt:
        async def act(tx: Transaction) -> OrderReceipt:
            before = await _read(tx, order_id)
            row, file = step(before, self._vault.open(before))
            revision = row.revision + 1
            sealed = self._vault.seal(row.period, row.id, revision, file)
            row = replace(row, revision=revision, sealed=sealed)
            await tx.put_order(row)
            told = {**_told(row), **detail}
            await self._office.note(tx, event, who.name, told)
            return await self._keep(tx, row, once)

        return await self._office.store.write(act)

    async def _keep(
        self, tx: Transaction, row: OrderRow, once: Once | None
    ) -> OrderReceipt:
        answer = OrderReceipt(
            order=row.id,
            revision=row.revision,
            due_at=row.due_at,
            answered_at=row.answered_at,
        )
        if once is not None:
            kept = once.row(answer, now=self._office.now())
            await tx.add_idempotent_answer(kept)
        return answer

    def _check(self, request: AddOrder) -> None:
        if request.received_at > self._office.now():
            raise BadRequestError(
                "bad_span", Phrase("that lies in the future"), pointer="/received_at"
            )
        for name in ("due_at", "secret_until"):
            moment = getattr(request, name)
            if moment is not None and moment <= request.received_at:
                raise BadRequestError(
                    "bad_span",
                    Phrase("that lies before the receipt"),
                    pointer=f"/{name}",
                )
        names = request.case is not None or bool(request.accounts)
        if request.secret_until is not None and not names:
            raise BadRequestError(
                "bad_request",
                Phrase(
                    "say whom nobody may tell: the accounts, or the case that "
                    "names them"
                ),
                pointer="/accounts",
            )
        rule = orders()[request.kind]
        if request.emergency and rule.emergency is None:
            raise BadRequestError(
                "bad_request",
                Phrase("this kind has no emergency"),
                pointer="/emergency",
            )
        if request.oral and not (request.emergency and rule.confirmation):
            raise BadRequestError(
                "bad_request",
                Phrase("this kind is not ordered by word"),
                pointer="/oral",
            )

    def _due_at(self, request: AddOrder) -> int:
        due_at = answer_by(
            request.kind,
            request.received_at,
            self._situation.config.deadlines.calendar,
            emergency=request.emergency,
            named=request.due_at,
        )
        if due_at is None:
            raise BadRequestError(
                "bad_request",
                Phrase("say by when this letter is answered"),
                pointer="/due_at",
            )
        return due_at

    def _confirm_by(self, request: AddOrder) -> int | None:
        if not request.oral:
            return None
        calendar = self._situation.config.deadlines.calendar
        return confirm_by(request.kind, request.received_at, calendar)

    async def _admit(self, who: Principal, purpose: Purpose | None) -> Decision:
        now = self._office.clock.now()
        decision = rule_on_reading(self._situation, who, Matter.CASES, purpose, now)
        if not decision.allowed:
            await self._office.refused(decision, who.name, "order.read")
            raise DeniedError(decision)
        return decision


def _move_of(request: NoteOrder) -> tuple[int, str] | None:
    moves = request.step is OrderStep.MOVED
    for name in ("due_at", "reference"):
        if (getattr(request, name) is not None) is not moves:
            problem = Phrase("is needed to move a deadline, and for nothing else")
            raise BadRequestError("bad_request", problem, pointer=f"/{name}")
    if request.due_at is None or request.reference is None:
        return None
    return request.due_at, request.reference


def _moved(
    row: OrderRow, file: OrderFile, due_at: int, reference: str
) -> tuple[OrderRow, OrderFile]:
    if row.answered_at is not None:
        raise WrongStateError("already_answered", Phrase("it is answered already"))
    if not orders()[OrderKind(row.kind)].by_letter:
        raise WrongStateError(
            "no_letter", Phrase("no letter sets the time of this kind")
        )
    if due_at <= row.received_at:
        raise BadRequestError(
            "bad_span", Phrase("that lies before the receipt"), pointer="/due_at"
        )
    return replace(row, due_at=due_at), replace(file, move_reference=reference)


def _told(row: OrderRow) -> Detail:
    return {
        "order": row.id,
        "kind": row.kind,
        "emergency": row.emergency,
        "due_at": row.due_at,
        "case": row.case_id,
        "revision": row.revision,
    }


async def _read(reader: Reader, order_id: str) -> OrderRow:
    row = await reader.order(order_id)
    if row is None:
        raise NotFoundError(Phrase("no such order"))
    return row


def listed(row: OrderRow, now: int) -> OrderListed:
    """Show an order as the list does."""
    waits = row.confirm_by is not None and row.confirmed_at is None
    return OrderListed(
        order=row.id,
        kind=OrderKind(row.kind),
        emergency=row.emergency,
        received_at=row.received_at,
        due_at=row.due_at,
        confirm_by=row.confirm_by,
        acknowledged_at=row.acknowledged_at,
        confirmed_at=row.confirmed_at,
        answered_at=row.answered_at,
        outcome=None if row.outcome is None else OrderOutcome(row.outcome),
        case=row.case_id,
        overdue=row.answered_at is None and row.due_at <= now,
        unconfirmed=waits and row.confirm_by is not None and row.confirm_by <= now,
    )


def shown(row: OrderRow, file: OrderFile, now: int) -> OrderAnswer:
    """Show an order with all that it says."""
    rule = orders()[OrderKind(row.kind)]
    return OrderAnswer(
        order=listed(row, now),
        revision=row.revision,
        source=rule.source,
        fixed=rule.fixed,
        by_letter=rule.by_letter,
        entered_by=row.entered_by,
        answered_by=row.answered_by,
        authority=file.authority,
        reference=file.reference,
        basis=file.basis,
        scope=file.scope,
        language=file.language,
        oral=file.oral,
        secret_until=file.secret_until,
        grounds=list(file.grounds),
        answer_reference=file.answer_reference,
        move_reference=file.move_reference,
        accounts=list(file.accounts),
    )
