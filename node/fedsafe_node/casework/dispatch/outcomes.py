# SPDX-License-Identifier: Apache-2.0
"""What came of a dispatch is noted: a way by hand, an acknowledgement, a reply."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from fedsafe_federation.wire.pace import Offload
from fedsafe_node.acts.dispatches import (
    KEPT_BACK,
    DispatchReceipt,
    NoteAcknowledged,
    NoteHanded,
    ReceiptKind,
    ReceiptWay,
    ReceiveReply,
    ReplyReceipt,
)
from fedsafe_node.casework.cases.changes import check_past
from fedsafe_node.casework.cases.content import CaseFile, KeptReceipt
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.cases.partners import read_partner
from fedsafe_node.casework.dispatch.bounces import note_bounce
from fedsafe_node.casework.dispatch.case_moves import change_to, settle
from fedsafe_node.casework.dispatch.note import (
    check_kept,
    check_left,
    check_mailed,
    dispatch_of,
    receipt_for,
    replied,
    replied_to,
    there_already,
    told_at,
    told_of_note,
    unless_stopped,
)
from fedsafe_node.casework.dispatch.replies import (
    Reply,
    key_to_verify,
    read_reply,
    signer_of,
)
from fedsafe_node.casework.dispatch.withheld import correct_after_all, keep_back
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Event
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.casework_rows import (
    AttemptRow,
    CaseRow,
    DispatchRow,
    PartnerRow,
)
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.dispatches import UNDER_WAY, DispatchState, Outcome
from fedsafe_policies.escalation.partners import Way
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.people import Person

_STEP: Final = "receipt"
_MOST: Final = 200
_TOO_OFTEN: Final = Phrase(
    "this package keeps no more than 200 attempts: note when it was handed over"
)
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
            WrongStateError: it was delivered before, was tried in vain too often, or
                who is said to have kept it back never took it.
            BadRequestError: the moment lies in the future or before the dispatch, a
                hand-over has no reference, or an outcome no way.
        """
        office, person = self.keeper.office, Person(who.name, who.role)
        check_past(request.at, office.now(), "/at")
        is_there = request.outcome == Outcome.DELIVERED.value
        way = _check_handed(request)

        async def note(
            tx: Transaction, row: CaseRow, file: CaseFile, found: DispatchRow
        ) -> DispatchReceipt:
            if way is None:
                await keep_back(office, tx, found, file, request, who)
                return await receipt_for(tx, row, found)
            is_there_already = found.delivered_at is not None
            if DispatchState(found.state) not in _HANDED_FROM or is_there_already:
                raise there_already(found)
            at = told_at(request.at, found)
            made = len(await tx.attempts(found.id))
            if made >= _MOST and not is_there:
                raise WrongStateError("case_full", _TOO_OFTEN)
            attempt = AttemptRow(
                dispatch_id=found.id,
                number=made + 1,
                way=way.value,
                began_at=at,
                ended_at=office.now(),
                outcome=request.outcome,
            )
            await tx.add_attempt(attempt)
            if not is_there:
                detail = told_of_note(found, way.value, request.outcome)
                await office.note(tx, Event.DISPATCH_NOTED, who.name, detail)
                return await receipt_for(tx, row, found)
            moved = msgspec.structs.replace(
                found,
                state=unless_stopped(found, DispatchState.DELIVERED),
                due_at=None,
                delivered_at=at,
            )
            receipt = KeptReceipt(
                dispatch=found.id,
                kind=ReceiptKind.HANDED.value,
                reference=request.reference or "",
                at=at,
                by=who.name,
                way=way.value,
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
            BadRequestError: the moment lies in the future, or before the dispatch.
        """
        office, person = self.keeper.office, Person(who.name, who.role)
        check_past(request.at, office.now(), "/at")

        async def note(
            tx: Transaction, row: CaseRow, file: CaseFile, found: DispatchRow
        ) -> DispatchReceipt:
            await check_left(tx, found)
            receipt = KeptReceipt(
                dispatch=found.id,
                kind=ReceiptKind.ACKNOWLEDGED.value,
                reference=request.reference,
                at=told_at(request.at, found),
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
            found = await replied_to(tx, reply)
            row, file = await self.keeper.read(tx, found.case_id)
            check_kept(file, found)
            if found.acknowledged_at is not None:
                nothing_happened()
                return replied(
                    await receipt_for(tx, row, found), signed_by, noted=False
                )
            await check_mailed(tx, found)
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
            return replied(done, signed_by, noted=True)

        return await self.keeper.office.store.write(act)

    async def _came_back(self, reply: Reply, who: Principal) -> ReplyReceipt:
        """Note that a mail of a dispatch came back."""
        office, person = self.keeper.office, Person(who.name, who.role)

        async def act(tx: Transaction) -> ReplyReceipt:
            found = await replied_to(tx, reply)
            row, file = await self.keeper.read(tx, found.case_id)
            if found.recalls is None:  # a correction has somebody call, erased or not
                check_kept(file, found)
            await check_mailed(tx, found)
            moved = await note_bounce(tx, found, reply.proof, office.now())
            if moved is None:
                nothing_happened()
                done = await receipt_for(tx, row, found)
                return replied(done, None, noted=False, bounced=True)
            detail = told_of_note(found, ReceiptWay.MAIL.value, Outcome.BOUNCED.value)
            await office.note(tx, Event.DISPATCH_NOTED, who.name, detail)
            if moved.recalls is None:
                row = await settle(self.keeper, tx, row, file, person)
            return replied(
                await receipt_for(tx, row, moved), None, noted=True, bounced=True
            )

        return await office.store.write(act)

    async def _signer(self, request: ReceiveReply, reply: Reply) -> str | None:
        """Say which key of the partner's has signed the token; None if none has."""
        if request.body is None:
            return None
        mail = request.headers.rstrip(b"\r\n") + b"\r\n\r\n" + request.body
        office = self.keeper.office

        async def asked(reader: Reader) -> tuple[DispatchRow, PartnerRow]:
            found = await replied_to(reader, reply)
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
        if state not in ends or found.acknowledged_at is not None:
            raise there_already(found)
        moved = msgspec.structs.replace(
            found,
            state=unless_stopped(found, DispatchState.ACKNOWLEDGED),
            due_at=None,
            delivered_at=(
                receipt.at if found.delivered_at is None else found.delivered_at
            ),
            acknowledged_at=receipt.at,
            sealed=None,  # it is there, and nobody needs it here any more
            signature=None,
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
        detail = told_of_note(moved, receipt.way or "", receipt.kind)
        if file.erased_at is not None:
            await tx.move_dispatch(moved)
            office = self.keeper.office
            await office.note(tx, Event.DISPATCH_NOTED, person.name, detail)
            await correct_after_all(office, tx, moved, person.name)
            return await receipt_for(tx, row, moved)
        if len(file.receipts) >= _MOST:
            raise WrongStateError("case_full", Phrase("a case keeps no more than that"))
        file = msgspec.structs.replace(file, receipts=(*file.receipts, receipt))
        await tx.move_dispatch(moved)
        change = change_to(row, file, CaseState(row.state), _STEP)
        row = await self.keeper.keep(tx, row, row.id, change, person, detail=detail)
        if moved.recalls is None:
            row = await settle(self.keeper, tx, row, file, person)
            await correct_after_all(self.keeper.office, tx, moved, person.name)
        return await receipt_for(tx, row, moved)

    async def _act(
        self, case_id: str, dispatch_id: str, note: Note, once: Once | None
    ) -> DispatchReceipt:
        office = self.keeper.office

        async def whole(tx: Transaction) -> DispatchReceipt:
            row, file = await self.keeper.read(tx, case_id)
            found = await dispatch_of(tx, case_id, dispatch_id)
            check_kept(file, found)
            answer = await note(tx, row, file, found)
            if once is not None:
                now = office.now()
                await tx.add_idempotent_answer(once.row(answer, now=now))
            return answer

        return await office.store.write(whole)


def _check_handed(request: NoteHanded) -> Way | None:
    """Return by which way it went; None of what was kept back.

    Raises:
        BadRequestError: no way, or of what was handed over no reference, is given.
    """
    if request.outcome == KEPT_BACK:
        return None
    if request.way is None:
        raise BadRequestError(
            "way_missing",
            Phrase("say by which way: portal, phone or letter"),
            pointer="/way",
        )
    if request.outcome == Outcome.DELIVERED.value and request.reference is None:
        raise BadRequestError(
            "reference_missing",
            Phrase("say under which reference the partner took it"),
            pointer="/reference",
        )
    return request.way
