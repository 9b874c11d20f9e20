# SPDX-License-Identifier: Apache-2.0
"""What came of a dispatch is noted: a way by hand, an acknowledgement, a reply."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from fedsafe_federation.replication import Offload
from fedsafe_node.cases.changing import check_past
from fedsafe_node.cases.content import CaseFile, KeptReceipt
from fedsafe_node.cases.keeping import CaseKeeper
from fedsafe_node.cases.partners import read_partner
from fedsafe_node.dispatch.bouncing import note_bounce
from fedsafe_node.dispatch.messages import (
    DispatchReceipt,
    NoteAcknowledged,
    NoteHanded,
    ReceiptKind,
    ReceiptWay,
    ReceiveReply,
    ReplyReceipt,
)
from fedsafe_node.dispatch.moving import change_to, may_be_there, settle
from fedsafe_node.dispatch.replying import Reply, read_reply
from fedsafe_node.dispatch.signatures import key_to_verify, signer_of
from fedsafe_node.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.idempotency import Once
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.principal import Principal
from fedsafe_node.store.cases_rows import CaseRow
from fedsafe_node.store.dispatches_rows import AttemptRow, DispatchRow
from fedsafe_node.store.partners_rows import PartnerRow
from fedsafe_node.store.protocol import Reader, Transaction
from fedsafe_node.tracing import nothing_happened
from fedsafe_policies.escalation.dispatching import (
    MAY_HAVE_ARRIVED,
    UNDER_WAY,
    DispatchState,
    Outcome,
)
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.people import Person

_STEP: Final = "receipt"
_MOST: Final = 200
_HANDED_FROM: Final = frozenset({*UNDER_WAY, DispatchState.STOPPED})
"""Stopped as well: what was handed over before a recall may be noted after it."""
Note = Callable[
    [Transaction, CaseRow, CaseFile, DispatchRow], Awaitable[DispatchReceipt]
]


@dataclass(frozen=True, slots=True)
class DispatchNotes:
    """Keeps what people note of dispatches."""

    keeper: CaseKeeper
    offload: Offload

    async def hand(
        self,
        case_id: str,
        dispatch_id: str,
        request: NoteHanded,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DispatchReceipt:
        """Note what came of a way by hand; handed over, the dispatch is delivered.

        Raises:
            NotFoundError: there is no such dispatch of this case.
            WrongStateError: it was delivered before.
            BadRequestError: the moment is none, or a hand-over has no reference.
        """
        office, person = self.keeper.office, Person(who.name, who.role)
        check_past(request.at, office.now(), "/at")
        is_there = request.outcome == Outcome.DELIVERED.value
        if is_there and request.reference is None:
            raise BadRequestError(
                "reference_missing",
                "say under which reference the partner took it",
                pointer="/reference",
            )

        async def note(
            tx: Transaction, row: CaseRow, file: CaseFile, found: DispatchRow
        ) -> DispatchReceipt:
            if DispatchState(found.state) not in _HANDED_FROM or found.delivered_at:
                raise _wrong(found)
            attempt = AttemptRow(
                dispatch_id=found.id,
                number=len(await tx.attempts(found.id)) + 1,
                way=request.way.value,
                began_at=request.at,
                ended_at=office.now(),
                outcome=request.outcome,
            )
            await tx.add_attempt(attempt)
            if not is_there:
                detail = _told(found, request.way.value, request.outcome)
                await office.note(tx, Event.DISPATCH_NOTED, who.name, detail)
                return _receipt(row, found)
            moved = msgspec.structs.replace(
                found,
                state=_unless_stopped(found, DispatchState.DELIVERED),
                due_at=None,
                delivered_at=request.at,
            )
            receipt = KeptReceipt(
                dispatch=found.id,
                kind=ReceiptKind.HANDED.value,
                reference=request.reference or "",
                at=request.at,
                by=who.name,
                way=request.way.value,
            )
            return await self._keep(tx, (row, file), moved, receipt, person)

        return await self._act(case_id, dispatch_id, note, once)

    async def acknowledge(
        self,
        case_id: str,
        dispatch_id: str,
        request: NoteAcknowledged,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> DispatchReceipt:
        """Note that the partner has acknowledged what has arrived or may have.

        Raises:
            NotFoundError: there is no such dispatch of this case.
            WrongStateError: it was acknowledged before, or cannot have arrived.
            BadRequestError: the moment lies in the future.
        """
        office, person = self.keeper.office, Person(who.name, who.role)
        check_past(request.at, office.now(), "/at")

        async def note(
            tx: Transaction, row: CaseRow, file: CaseFile, found: DispatchRow
        ) -> DispatchReceipt:
            await _check_left(tx, found)
            receipt = KeptReceipt(
                dispatch=found.id,
                kind=ReceiptKind.ACKNOWLEDGED.value,
                reference=request.reference,
                at=request.at,
                by=who.name,
            )
            return await self._arrived(tx, (row, file), found, receipt, person)

        return await self._act(case_id, dispatch_id, note, once)

    async def receive(self, request: ReceiveReply, who: Principal) -> ReplyReceipt:
        """Note a reply to a mailed package as the acknowledgement of its dispatch.

        It says that whoever wrote had the token, or that the partner wrote if it is
        signed, and moves the case no further than an acknowledgement that a person
        notes. A second one is no act. A mail that came back is noted as what became of
        an attempt, and acknowledges nothing.

        Raises:
            BadRequestError: a machine wrote it, it has no Message-ID, it carries the
                tokens of several dispatches, or its signature does not verify.
            NotFoundError: it carries the token of none.
            WrongStateError: the case is erased, or no mail of it can have arrived.
        """
        reply = read_reply(request.headers)
        if reply.bounced:
            return await self._came_back(reply, who)
        signed_by = await self._signer(request, reply)

        async def act(tx: Transaction) -> ReplyReceipt:
            found = await _replied_to(tx, reply)
            row, file = await self.keeper.read(tx, found.case_id)
            _check_kept(file, found)
            if found.acknowledged_at is not None:
                nothing_happened()
                return _replied(_receipt(row, found), signed_by, noted=False)
            await _check_mailed(tx, found)
            receipt = KeptReceipt(
                dispatch=found.id,
                kind=ReceiptKind.ACKNOWLEDGED.value,
                reference=reply.proof,
                at=self.keeper.office.now(),
                by=who.name,
                way=ReceiptWay.MAIL.value,
                signed_by=signed_by,
            )
            person = Person(who.name, who.role)
            done = await self._arrived(tx, (row, file), found, receipt, person)
            return _replied(done, signed_by, noted=True)

        return await self.keeper.office.store.write(act)

    async def _came_back(self, reply: Reply, who: Principal) -> ReplyReceipt:
        """Note that a mail of a dispatch came back."""
        office, person = self.keeper.office, Person(who.name, who.role)

        async def act(tx: Transaction) -> ReplyReceipt:
            found = await _replied_to(tx, reply)
            row, file = await self.keeper.read(tx, found.case_id)
            if found.recalls is None:  # a correction has somebody call, erased or not
                _check_kept(file, found)
            await _check_mailed(tx, found)
            moved = await note_bounce(tx, found, reply.proof, office.now())
            if moved is None:
                nothing_happened()
                done = _receipt(row, found)
                return _replied(done, None, noted=False, bounced=True)
            detail = _told(found, ReceiptWay.MAIL.value, Outcome.BOUNCED.value)
            await office.note(tx, Event.DISPATCH_NOTED, who.name, detail)
            if moved.recalls is None:
                row = await settle(self.keeper, tx, row, file, person)
            return _replied(_receipt(row, moved), None, noted=True, bounced=True)

        return await office.store.write(act)

    async def _signer(self, request: ReceiveReply, reply: Reply) -> str | None:
        """Say which key of the partner's has signed the token; None if none has."""
        if request.body is None:
            return None
        mail = request.headers.rstrip(b"\r\n") + b"\r\n\r\n" + request.body
        office = self.keeper.office

        async def asked(reader: Reader) -> tuple[DispatchRow, PartnerRow]:
            found = await _replied_to(reader, reply)
            partner, _ = await read_partner(reader, found.partner)
            return found, partner

        found, partner = await office.store.read(asked)
        key = key_to_verify(partner, office.now())
        if key is None:
            return None
        return await self.offload(lambda: signer_of(mail, found.reply_token, key))

    async def _arrived(
        self,
        tx: Transaction,
        case: tuple[CaseRow, CaseFile],
        found: DispatchRow,
        receipt: KeptReceipt,
        person: Person,
    ) -> DispatchReceipt:
        """Keep that a dispatch was acknowledged, and so has arrived."""
        state = DispatchState(found.state)
        ends = {*_HANDED_FROM, DispatchState.DELIVERED}
        if state not in ends or found.acknowledged_at:
            raise _wrong(found)
        moved = msgspec.structs.replace(
            found,
            state=_unless_stopped(found, DispatchState.ACKNOWLEDGED),
            due_at=None,
            delivered_at=found.delivered_at or receipt.at,
            acknowledged_at=receipt.at,
            sealed=None,  # it is there, and nobody needs it here any more
        )
        return await self._keep(tx, case, moved, receipt, person)

    async def _keep(
        self,
        tx: Transaction,
        case: tuple[CaseRow, CaseFile],
        moved: DispatchRow,
        receipt: KeptReceipt,
        person: Person,
    ) -> DispatchReceipt:
        """Keep the receipt with the case, and take the case along."""
        row, file = case
        detail = _told(moved, receipt.way or "", receipt.kind)
        if file.erased_at is not None:
            await tx.move_dispatch(moved)
            office = self.keeper.office
            await office.note(tx, Event.DISPATCH_NOTED, person.name, detail)
            return _receipt(row, moved)
        if len(file.receipts) >= _MOST:
            raise WrongStateError("wrong_state", "a case keeps no more than that")
        file = msgspec.structs.replace(file, receipts=(*file.receipts, receipt))
        await tx.move_dispatch(moved)
        change = change_to(row, file, CaseState(row.state), _STEP)
        row = await self.keeper.keep(tx, row, row.id, change, person, detail=detail)
        if moved.recalls is None:
            row = await settle(self.keeper, tx, row, file, person)
        return _receipt(row, moved)

    async def _act(
        self, case_id: str, dispatch_id: str, note: Note, once: Once | None
    ) -> DispatchReceipt:
        office = self.keeper.office

        async def whole(tx: Transaction) -> DispatchReceipt:
            row, file = await self.keeper.read(tx, case_id)
            found = await _dispatch_of(tx, case_id, dispatch_id)
            _check_kept(file, found)
            answer = await note(tx, row, file, found)
            if once is not None:
                now = office.now()
                await tx.add_idempotent_answer(once.row(answer, now=now))
            return answer

        return await office.store.write(whole)


def _check_kept(file: CaseFile, found: DispatchRow) -> None:
    """Refuse what is noted of an erased case, but for what brings a correction there.

    Of that nothing is kept with the case: where the dispatch is by it, and the event.
    """
    is_open = found.recalls is not None and DispatchState(found.state) in UNDER_WAY
    if file.erased_at is not None and not is_open:
        raise WrongStateError("wiped", "this case is erased")


async def _replied_to(reader: Reader, reply: Reply) -> DispatchRow:
    rows = [await reader.dispatch_replied_to(each) for each in reply.tokens]
    found = {row.id: row for row in rows if row is not None}
    if not found:
        raise NotFoundError("dispatch that this message answers")
    if len(found) > 1:
        raise BadRequestError(
            "bad_reply",
            "this message carries the tokens of several dispatches; note each by "
            "hand: `fedsafe case acknowledged`",
            pointer="/headers",
        )
    return next(iter(found.values()))


async def _check_left(reader: Reader, found: DispatchRow) -> None:
    """Refuse the acknowledgement of what nobody can have: it would never be sent."""
    if not await may_be_there(reader, found):
        raise WrongStateError(
            "wrong_state",
            "nothing of this dispatch can have arrived: note first that it was handed "
            "over (`fedsafe case handed`), or let the node send it",
        )


async def _check_mailed(reader: Reader, found: DispatchRow) -> None:
    """Refuse a reply to a package that nobody can have got by mail.

    Who refuses a package and replies all the same must not stop it from being sent.
    """
    mailed = [
        each.outcome
        for each in await reader.attempts(found.id)
        if each.way == ReceiptWay.MAIL.value
    ]
    if not any(each is None or Outcome(each) in MAY_HAVE_ARRIVED for each in mailed):
        raise WrongStateError(
            "wrong_state",
            "no mail of this dispatch can have arrived; call the partner",
        )


async def _dispatch_of(reader: Reader, case_id: str, dispatch_id: str) -> DispatchRow:
    found = await reader.dispatch(dispatch_id)
    if found is None or found.case_id != case_id:
        raise NotFoundError("dispatch")
    return found


def _unless_stopped(found: DispatchRow, state: DispatchState) -> str:
    """Return where a dispatch is now; one that was stopped is not brought again."""
    stopped = DispatchState.STOPPED.value
    return stopped if found.state == stopped else state.value


def _wrong(found: DispatchRow) -> WrongStateError:
    state = DispatchState(found.state)
    if found.acknowledged_at:  # which one that was stopped does not show by its state
        state = DispatchState.ACKNOWLEDGED
    elif found.delivered_at:
        state = DispatchState.DELIVERED
    return WrongStateError("wrong_state", f"this dispatch is {state} already")


def _told(row: DispatchRow, way: str, outcome: str) -> Detail:
    return {
        "case": row.case_id,
        "dispatch": row.id,
        "partner": row.partner,
        "way": way,
        "outcome": outcome,
    }


def _receipt(row: CaseRow, found: DispatchRow) -> DispatchReceipt:
    return DispatchReceipt(
        case=row.id,
        state=CaseState(row.state),
        dispatch=found.id,
        dispatch_state=DispatchState(found.state),
    )


def _replied(
    done: DispatchReceipt,
    signed_by: str | None,
    *,
    noted: bool,
    bounced: bool = False,
) -> ReplyReceipt:
    told = msgspec.structs.asdict(done)
    return ReplyReceipt(**told, noted=noted, signed_by=signed_by, bounced=bounced)
