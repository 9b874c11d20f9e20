# SPDX-License-Identifier: Apache-2.0
"""Inquiries about this node's listings, as its people see and rule on them (4.1).

Another member's reviewer has found a listing wrong, or this node's own has. People look
at the signal: it is kept, by somebody who had no part in it, or it is revoked, by
whoever may revoke. Each member that has asked learns which. Until then it matches:
an inquiry has no proof that an identifier is somebody's, a dispute has.
"""

from datetime import UTC, date, datetime

from msgspec.structs import replace

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.inquiries import (
    Inquirer,
    InquiryRuling,
    InquiryRulingRequest,
    ListingInquiriesAnswer,
    ListingInquiriesQuery,
    ListingInquiryShown,
    SentInquiriesAnswer,
    SentInquiriesQuery,
    SentInquiryShown,
)
from fedsafe_node.acts.reviews import Because
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.signal_ids import read_signal_id, signal_name
from fedsafe_node.log.audit import Event
from fedsafe_node.review.view import admit
from fedsafe_node.rights.participants import parties_to
from fedsafe_node.rights.terms import moment
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.stop import stop_within
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import InquiryRow
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.rules.disputes import RulingRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Purpose

_ALIVE = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})


class ListingInquiries:
    """Lists and shows inquiries, and rules on them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list(
        self, query: ListingInquiriesQuery, who: Principal
    ) -> ListingInquiriesAnswer:
        """List the inquiries about this node's signals.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """

        async def act(tx: Transaction) -> ListingInquiriesAnswer:
            decision = admit(self._desk.reviews, who, query.purpose)
            rows = await tx.inquiries(query.state, query.limit)
            await self._note_read(tx, who, decision, len(rows))
            shown = [await self._shown(tx, row) for row in rows]
            return ListingInquiriesAnswer(inquiries=shown)

        return await self._desk.reviews.admitted(act, who, "inquiry.list")

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> ListingInquiryShown:
        """Show what members ask about a signal, and how its review ended.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: nobody has asked about such a signal.
        """

        async def act(tx: Transaction) -> ListingInquiryShown:
            decision = admit(self._desk.reviews, who, purpose)
            row = await _asked(tx, signal)
            await self._note_read(tx, who, decision, 1)
            return await self._shown(tx, row)

        return await self._desk.reviews.admitted(act, who, "inquiry.show")

    async def sent(
        self, query: SentInquiriesQuery, who: Principal
    ) -> SentInquiriesAnswer:
        """List this node's inquiries about other members' signals.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """

        async def act(tx: Transaction) -> SentInquiriesAnswer:
            decision = admit(self._desk.reviews, who, query.purpose)
            rows = await tx.sent_inquiries(query.limit)
            await self._note_read(tx, who, decision, len(rows))
            return SentInquiriesAnswer(
                inquiries=[
                    SentInquiryShown(
                        signal=signal_name(row.signal_id),
                        origin=row.origin,
                        state=row.state,
                        day=_day(row.day),
                        changed_at=moment(row.changed_at),
                    )
                    for row in rows
                ]
            )

        return await self._desk.reviews.admitted(act, who, "inquiry.sent")

    async def rule(
        self,
        signal: str,
        request: InquiryRulingRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> ListingInquiryShown:
        """Keep a signal after a review, or revoke it; an own ban is erased.

        Raises:
            DeniedError: this role may not, or had a part in what it would keep.
            NotFoundError: nobody has asked about such a signal.
            WrongStateError: it was ruled on, or the signal is gone.
        """
        desk = self._desk

        async def act(
            tx: Transaction,
        ) -> Changed[ListingInquiryShown | Decision]:
            row = await _asked(tx, signal)
            if (await self._state(tx, row)) is not InquiryState.OPEN:
                raise WrongStateError(
                    "already_ruled",
                    Phrase(
                        "this inquiry has ended: a ruling on it is no longer possible"
                    ),
                )
            if request.ruling is InquiryRuling.REVOKED:
                stopped = await stop_within(
                    desk, tx, row.signal_id, Reason.FINDING_WITHDRAWN, who
                )
                if isinstance(stopped.result, Decision):
                    return Changed(stopped.result)
                decision = None
            else:
                decision = await self._decide(tx, row, request.reason, who)
                if not decision.allowed:
                    entry = desk.refusal(decision, who, "inquiry.rule")
                    await tx.append(desk.trail.log, entry.record, entry.openings)
                    return Changed(decision)
                stopped = None
            ruled = replace(
                row,
                state=InquiryState.KEPT if stopped is None else InquiryState.ENDED,
                ruled_at=desk.reviews.now(),
                ruled_by=who.name,
                reason=request.reason,
            )
            await tx.put_inquiry(ruled)
            entry = desk.event(
                Event.INQUIRY_RULED,
                who,
                {"signal": signal, "reference": request.reason},
                outcome=ruled.state.value,
                decision=decision,
            )
            await tx.append(desk.trail.log, entry.record, entry.openings)
            answer = await self._shown(tx, ruled)
            await desk.keep_answer(tx, once, answer)
            if stopped is None:
                return Changed(answer)
            return Changed(answer, removed=stopped.removed, feed=stopped.feed)

        result = await desk.commit(act)
        if isinstance(result, Decision):
            raise DeniedError(result)
        return result

    async def _decide(
        self, tx: Transaction, row: InquiryRow, reason: str, who: Principal
    ) -> Decision:
        """Put it to the rule for disputes (P10): who had a part in it keeps nothing.

        An inquiry rests nothing, so it has no deadline after which it would revoke.
        """
        desk = self._desk
        desk.check_account(who)
        now = desk.reviews.now()
        involved = await parties_to(tx, desk, row.origin, row.signal_id, who.name)
        asked = RulingRequest(
            ruler=Person(who.name, who.role),
            involved=involved,
            opened=now,
            stands=True,
            reason=reason,
        )
        return desk.situation.decide(asked, desk.clock.now())

    async def _state(self, reader: Reader, row: InquiryRow) -> InquiryState:
        signal = await reader.signal(row.origin, row.signal_id)
        if signal is None or signal.status not in _ALIVE:
            return InquiryState.ENDED
        return row.state

    async def _shown(self, reader: Reader, row: InquiryRow) -> ListingInquiryShown:
        asked = await reader.inquirers(row.signal_id)
        return ListingInquiryShown(
            signal=signal_name(row.signal_id),
            own=row.origin == self._desk.situation.own.name,
            reason=Because.LISTING_WRONG.value,
            state=await self._state(reader, row),
            members=[
                Inquirer(member=each.member, day=_day(each.day)) for each in asked
            ],
            opened_at=moment(row.opened_at),
            ruled_at=None if row.ruled_at is None else moment(row.ruled_at),
            ruled_by=row.ruled_by,
            reference=row.reason,
        )

    async def _note_read(
        self, tx: Transaction, who: Principal, decision: Decision, count: int
    ) -> None:
        detail = {"inquiries": count}
        entry = self._desk.event(Event.INQUIRY_READ, who, detail, decision=decision)
        await tx.append(self._desk.trail.log, entry.record, entry.openings)


async def _asked(reader: Reader, signal: str) -> InquiryRow:
    row = await reader.inquiry(read_signal_id(signal))
    if row is None:
        raise NotFoundError(Phrase("no such inquiry"))
    return row


def _day(day: int) -> str:
    """Write a numbered day; one that no calendar has as the last that it has."""
    last = date.max.toordinal() - date(1970, 1, 1).toordinal()
    return (
        datetime.fromtimestamp(min(day, last) * SECONDS_A_DAY, UTC).date().isoformat()
    )
