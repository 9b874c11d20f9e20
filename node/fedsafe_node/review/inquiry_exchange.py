# SPDX-License-Identifier: Apache-2.0
"""Inquiries between members: bring those of this node, take those of others (4.1).

What a decision owes an origin is kept in the act that decides (`review.feedback`).
`InquiryOutbox` brings it, again after a crash or while the origin is away, and goes on
to ask until the origin has ruled: an inquiry is the same however often it is brought.
`InquiryTaker` is the origin's side. No member can make work without end: it has a
budget of signals a day, and what members ask about one signal is one item.
"""

import logging
from collections.abc import Callable, Collection
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.errors import (
    FederationError,
    PeerRefusedError,
    StaleStatementError,
)
from fedsafe_federation.exchange.handshake import INQUIRIES
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.inquiries import (
    Inquiry,
    InquiryState,
    InquiryStatus,
    open_inquiry,
    open_status,
    sign_inquiry,
    sign_status,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.reviews import Because
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.log.audit import Event
from fedsafe_node.notices.provider_events.announcer import Announcement, Content
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.feedback import adds, take_inquiry
from fedsafe_node.rules.budgets.circuits import Account, Circuits
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import InquiryRow, SentInquiryRow
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.decision import deny

SIGNALS_A_DAY: Final = 100
"""About so many signals a member may inquire on a UTC day."""
KEPT: Final = 366 * SECONDS_A_DAY
"""So many seconds after its end an inquiry is forgotten, at both."""
AFTER: Final = 60 * 60
"""So many seconds later an origin that has not ruled is asked again."""
_FIRST: Final = 15
_LONGEST: Final = 6 * 60 * 60
_TRIES: Final = 16
_BATCH: Final = 50
_NOT_FOUND: Final = 404
_ACT: Final = "inquire"
_BY: Final = Actor.REVIEW.value
_ALIVE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})
_LOG: Final = logging.getLogger(f"{LOGGER}.inquiries")


class InquiryOutbox:
    """Brings this node's inquiries to origins, and learns what came of them."""

    def __init__(
        self,
        desk: ReviewDesk,
        client: PeerClient,
        key: SigningKey,
        features: Callable[[str], Collection[str]],
    ) -> None:
        self._desk = desk
        self._client = client
        self._key = key
        self._features = features

    async def run(self) -> None:
        """Bring what is due; a job of the node's clockwork.

        Raises:
            StoreError: the rest is brought by the next run.
        """
        desk, now = self._desk, self._desk.now()
        due = await desk.store.read(lambda reader: reader.inquiries_due(now, _BATCH))
        away: set[str] = set()
        for row in due:
            await self._bring(row, away)

    async def tend(self) -> None:
        """End the items whose signal is gone, and forget what ended long ago.

        Raises:
            StoreError: the rest is done by the next run.
        """
        desk, now = self._desk, self._desk.now()

        async def act(tx: Transaction) -> int:
            gone = await tx.end_inquiries(now, _BATCH)
            for signal_id in gone:
                detail = {
                    "signal": str(UUID(bytes=signal_id)),
                    "policy": desk.situation.policy.reference,
                }
                entry = desk.trail.entry(
                    Event.INQUIRY_RULED,
                    at=desk.clock.now(),
                    outcome=InquiryState.ENDED.value,
                    actor=_BY,
                    detail=detail,
                )
                await desk.note(tx, entry)
            return len(gone) + await tx.forget_inquiries(now - KEPT)

        while await desk.store.write(act):
            pass

    async def _bring(self, row: SentInquiryRow, away: set[str]) -> None:
        desk, shared = self._desk, self._desk.situation.shared
        signal = await desk.store.read(
            lambda reader: reader.signal(row.origin, row.signal_id)
        )
        if signal is None or signal.status not in _ALIVE:
            await self._settle(row, SentState.ENDED)
            return
        members = [] if shared is None else shared.membership.others
        member = next((each for each in members if each.name == row.origin), None)
        if shared is None or member is None:
            await self._settle(row, SentState.LOST)
            return
        if row.origin in away:
            await self._postpone(row)
            return
        charter = shared.membership.charter
        inquiry = Inquiry(
            v=1,
            member=desk.situation.node,
            origin=row.origin,
            signal=row.signal_id,
            reason=Because.LISTING_WRONG.value,
            day=row.day,
        )
        try:
            if INQUIRIES not in self._features(row.origin):
                away.add(row.origin)  # of the version before, or not heard of yet
                await self._postpone(row)
                return
            statement = sign_inquiry(
                inquiry, key=self._key, federation=charter.federation
            )
            answer = await self._client.inquire(member, statement)
            status = open_status(answer, inquiry, charter)
        except PeerRefusedError as error:
            if error.status == _NOT_FOUND:
                await self._settle(row, SentState.LOST)
                return
            away.add(row.origin)
            await self._postpone(row, error)
        except FederationError as error:
            away.add(row.origin)
            await self._postpone(row, error)
        else:
            if status.state is InquiryState.ENDED:
                # The signal is alive here: its end comes by the origin's feed, or the
                # origin says what is not so.
                await self._postpone(row)
                return
            await self._settle(row, SentState(status.state.value))

    async def _postpone(
        self, row: SentInquiryRow, error: FederationError | None = None
    ) -> None:
        if error is not None:
            reason = type(error).__name__
            _LOG.info("no inquiry", extra=fields(peer=row.origin, reason=reason))
        pause = min(_FIRST << min(row.tries, _TRIES), _LONGEST)
        later = replace(
            row, tries=min(row.tries + 1, _TRIES), next_at=self._desk.now() + pause
        )
        await self._desk.store.write(lambda tx: _put(tx, row, later))

    async def _settle(self, row: SentInquiryRow, state: SentState) -> None:
        """Keep where the inquiry stands, and tell of what is new."""
        desk, now = self._desk, self._desk.now()
        is_open = state is SentState.OPEN
        settled = replace(
            row,
            state=state,
            changed_at=row.changed_at if state is row.state else now,
            tries=0,
            next_at=now + AFTER if is_open else None,
        )
        if state is row.state:
            await desk.store.write(lambda tx: _put(tx, row, settled))
            return
        signal = str(UUID(bytes=row.signal_id))
        entry = desk.trail.entry(
            Event.INQUIRY_SENT,
            at=desk.clock.now(),
            outcome=state.value,
            actor=_BY,
            detail={
                "signal": signal,
                "origin": row.origin,
                "reason": Because.LISTING_WRONG.value,
                "day": row.day,
                "policy": desk.situation.policy.reference,
            },
        )
        content: Content = {
            "signal": signal,
            "origin": row.origin,
            "outcome": state.value,
        }

        async def act(tx: Transaction) -> None:
            if not await _put(tx, row, settled):
                return
            await desk.note(tx, entry)
            if not is_open:
                said = Announcement(EventKind.INQUIRY_RULED, content=content)
                await desk.announcer.announce(tx, said)

        await desk.store.write(act)


async def _put(tx: Transaction, row: SentInquiryRow, after: SentInquiryRow) -> bool:
    """Keep how an inquiry stands, unless another process has moved it meanwhile."""
    if await tx.sent_inquiry(row.origin, row.signal_id) != row:
        return False
    await tx.put_sent_inquiry(after)
    return True


class InquiryTaker:
    """Takes what members ask about this node's signals."""

    def __init__(self, desk: ReviewDesk, key: SigningKey) -> None:
        self._desk = desk
        self._key = key
        self._circuits = Circuits(desk.store, desk.trail, desk.clock)

    async def take(self, statement: Signed, peer: str) -> Signed:
        """Let a signal be reviewed, and say where its review stands.

        Raises:
            UntrustedError: the member did not sign it, or it is for another origin.
            MalformedError: it is no inquiry.
            StaleStatementError: its day lies in the future.
            NotFoundError: this node has published no such signal.
            OverBudgetError: the member has inquired about too many signals today.
            WrongStateError: this node has no federation.
        """
        desk, shared = self._desk, self._shared()
        charter, now = shared.membership.charter, desk.now()
        me, today = desk.situation.node, desk.now() // SECONDS_A_DAY
        inquiry = open_inquiry(statement, member=peer, me=me, charter=charter)
        if inquiry.day > today + 1:
            raise StaleStatementError(peer, "the statement lies in the future")

        async def act(tx: Transaction) -> InquiryStatus | None:
            signal = await tx.signal(me, inquiry.signal)
            if signal is None:
                raise NotFoundError(Phrase("no such signal"))
            if signal.status not in _ALIVE:
                nothing_happened()
                return _status(inquiry, InquiryState.ENDED, now)
            item = await tx.inquiry(inquiry.signal)
            asked = await tx.inquirers(inquiry.signal)
            if item is None or adds(item, asked, peer, now):
                if await self._spent(tx, peer, today):
                    return None
                item = await take_inquiry(
                    desk, tx, me, inquiry.signal, member=peer, day=inquiry.day
                )
            else:
                nothing_happened()
            return _status(inquiry, item.state, _since(item))

        status = await desk.store.write(act)
        if status is None:
            tomorrow = (today + 1) * SECONDS_A_DAY
            decision = deny(Refusal.BUDGET, desk.situation.policy.reference, _ACT)
            raise await self._circuits.refuse(
                Account(peer, _ACT), decision, act=_ACT, retry_at=tomorrow
            )
        return sign_status(status, key=self._key, federation=charter.federation)

    async def _spent(self, reader: Reader, peer: str, today: int) -> bool:
        since = today * SECONDS_A_DAY
        return await reader.count_inquired(peer, since) >= SIGNALS_A_DAY

    def _shared(self) -> SharedLists:
        shared = self._desk.situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return shared


def _status(inquiry: Inquiry, state: InquiryState, at: int) -> InquiryStatus:
    return InquiryStatus(
        v=1,
        origin=inquiry.origin,
        member=inquiry.member,
        signal=inquiry.signal,
        state=state,
        day=at // SECONDS_A_DAY,
    )


def _since(item: InquiryRow) -> int:
    return item.opened_at if item.ruled_at is None else item.ruled_at
