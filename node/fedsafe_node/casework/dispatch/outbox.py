# SPDX-License-Identifier: Apache-2.0
"""The outbox: brings queued dispatches to their partners, however often it is killed.

Each attempt is a row before anything leaves, and has an end after. One that has none
was cut off: it may have arrived, and is made again under the same key. Where all
channels have failed, or the partner's entry is another by now, people take over.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import msgspec

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.dispatches import SendingAnswer, SwitchSending
from fedsafe_node.casework.cases.keeper import CaseKeeper
from fedsafe_node.casework.cases.packages import may_be_there
from fedsafe_node.casework.dispatch.bounces import unless_it_came_back
from fedsafe_node.casework.dispatch.case_moves import settle
from fedsafe_node.casework.dispatch.fallback import is_strange, note_mendable
from fedsafe_node.casework.dispatch.package import kind_of, mark_of
from fedsafe_node.casework.dispatch.signing import parcel_of
from fedsafe_node.casework.dispatch.view import sends
from fedsafe_node.casework.dispatch.withheld import withdraw_correction
from fedsafe_node.casework.transports.errors import SendingError
from fedsafe_node.casework.transports.parcels import Carrier, Parcel
from fedsafe_node.ground.errors import (
    ConflictError,
    CorruptRowError,
    LogError,
    WrongStateError,
)
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.ground.principal import Actor, Principal
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.casework_rows import AttemptRow, DispatchRow, SendingRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.channels import Channel
from fedsafe_policies.escalation.dispatches import (
    DispatchState,
    Outcome,
    Place,
    after_failure,
    pause,
)
from fedsafe_policies.escalation.partners import Partner
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Role

_LOG: Final = logging.getLogger(f"{LOGGER}.outbox")
AT_ONCE: Final = 4
_CLOCK: Final = Person(Actor.CLOCK.value, Role.SERVICE)
_QUEUED: Final = DispatchState.QUEUED.value
_NO_WAY: Final = "registry"
"""By which way an attempt went that did not go: the partner's entry is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Begun:
    """An attempt that is on record and may leave now."""

    attempt: AttemptRow
    channel: Channel
    parcel: Parcel


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """What came of an attempt."""

    outcome: Outcome
    retry: bool = False
    proof: str | None = None
    message: str | None = None


_STRANGE: Final = _Ended(
    outcome=Outcome.UNTRUSTED, proof="nobody has compared the host key of this server"
)
_CHANGED: Final = _Ended(
    outcome=Outcome.MISCONFIGURED,
    proof="what is kept here is not what was sealed, as far as anybody can tell",
)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Brings what is queued; `chance` spreads what failed together.

    `signer` is the key that packages are signed with.
    """

    keeper: CaseKeeper
    carrier: Carrier
    chance: Callable[[], float]
    signer: Callable[[], SigningKey] = field(repr=False)
    faults: Faults = NO_FAULTS

    async def run(self) -> None:
        """Make the attempts that are due, most urgent first, some at once.

        A partner that answers slowly holds up no other, and not the node's other jobs
        for long: what is left over has its turn in the next run.

        Raises:
            StoreFailedError: the rest is done by the next run.
        """
        office = self.keeper.office
        in_doubt = _Ended(outcome=Outcome.IN_DOUBT, retry=True)
        for cut_off in await office.store.read(lambda r: r.attempts_cut_off()):
            await self._end(cut_off, in_doubt)
        now = office.now()
        due = await office.store.read(lambda reader: reader.dispatches_due(now))
        first = sorted(due, key=lambda each: each.urgency)[:AT_ONCE]
        ended = await asyncio.gather(
            *(self._bring(row.id) for row in first), return_exceptions=True
        )
        for error in ended:
            if error is not None:  # the others had their turn
                raise error

    async def _bring(self, dispatch_id: str) -> None:
        begun = await self.keeper.office.store.write(
            lambda tx: self._begin(tx, dispatch_id)
        )
        if begun is None:
            return
        self.faults.reach(FaultPoint.DISPATCH_BEFORE_CARRY)
        try:
            handed = await self.carrier.carry(begun.parcel, begun.channel)
            ended = _Ended(
                outcome=Outcome.DELIVERED, proof=handed.proof, message=handed.message
            )
        except SendingError as error:
            outcome = Outcome(error.why.value)
            ended = _Ended(outcome=outcome, retry=error.retry, proof=error.words)
        self.faults.reach(FaultPoint.DISPATCH_AFTER_CARRY)
        await self._end(begun.attempt, ended)

    async def _begin(self, tx: Transaction, dispatch_id: str) -> _Begun | None:
        """Keep that an attempt begins, unless there is none to make any more."""
        office = self.keeper.office
        row, now = await tx.dispatch(dispatch_id), office.now()
        is_due = row is not None and row.due_at is not None and row.due_at <= now
        if row is None or not is_due or not await sends(tx):
            return None
        channels = await self._channels(tx, row)
        is_left = row.channel < len(channels)
        attempt = AttemptRow(
            dispatch_id=row.id,
            number=len(await tx.attempts(row.id)) + 1,
            way=kind_of(channels[row.channel]) if is_left else _NO_WAY,
            began_at=now,
        )
        await tx.add_attempt(attempt)
        moved = msgspec.structs.replace(row, tries=row.tries + 1)
        await tx.move_dispatch(moved)
        detail = _told(row, attempt)
        await office.note(tx, Event.DISPATCH_BEGUN, Actor.CLOCK.value, detail)
        packed = await self._pack(tx, moved, channels)
        if isinstance(packed, _Ended):
            await self._ended(tx, attempt, packed)
            return None
        return _Begun(attempt=attempt, channel=channels[row.channel], parcel=packed)

    async def _pack(
        self, tx: Transaction, row: DispatchRow, channels: tuple[Channel, ...]
    ) -> Parcel | _Ended:
        """Return what may leave by a dispatch's channel, or why nothing may."""
        if row.channel >= len(channels) or row.sealed is None:
            return _Ended(outcome=Outcome.PARTNER_CHANGED)
        if await is_strange(tx, row, channels[row.channel]):
            return _STRANGE
        log = self.keeper.office.trail.log
        try:
            return await parcel_of(tx, log, row, self.signer())
        except (LogError, WrongStateError):
            _LOG.error("a sealed package was changed", extra=fields(reason="damaged"))
            return _CHANGED

    async def _channels(self, reader: Reader, row: DispatchRow) -> tuple[Channel, ...]:
        """Return the channels of the very entry that the package was sealed for."""
        partner = await reader.partner(row.partner)
        if partner is None or mark_of(partner) != row.mark:
            return ()
        return decode(partner.record, Partner).channels

    async def _end(self, attempt: AttemptRow, ended: _Ended) -> None:
        await self.keeper.office.store.write(lambda tx: self._ended(tx, attempt, ended))

    async def _ended(self, tx: Transaction, attempt: AttemptRow, ended: _Ended) -> None:
        """Keep what came of an attempt, where the dispatch is by that, and its case."""
        office = self.keeper.office
        whole = msgspec.structs.replace(
            attempt,
            ended_at=office.now(),
            outcome=ended.outcome.value,
            proof=ended.proof,
            message=ended.message,
        )
        try:
            await tx.end_attempt(whole)
        except ConflictError:
            # Another process has taken it for cut off; that it arrived counts still.
            if ended.outcome is not Outcome.DELIVERED:
                return
        row = await tx.dispatch(attempt.dispatch_id)
        if row is None:
            return
        detail = _told(row, attempt)
        outcome = ended.outcome.value
        clock = Actor.CLOCK.value
        await office.note(tx, Event.DISPATCH_ENDED, clock, detail, outcome=outcome)
        if row.state != _QUEUED:  # somebody was faster, by hand or with a recall
            if row.recalls is None and not await may_be_there(tx, row):
                await withdraw_correction(office, tx, row, clock)
            return
        await note_mendable(tx, row, ended.outcome)
        moved = await self._moved(tx, row, ended)
        if ended.outcome is Outcome.DELIVERED:
            moved = await unless_it_came_back(tx, moved, attempt, office.now())
        await tx.move_dispatch(moved)
        if row.recalls is None:
            await self._settle(tx, row.case_id)

    async def _moved(
        self, reader: Reader, row: DispatchRow, ended: _Ended
    ) -> DispatchRow:
        now = self.keeper.office.now()
        if ended.outcome is Outcome.DELIVERED:
            state = DispatchState.DELIVERED.value
            first = row.delivered_at or now
            return msgspec.structs.replace(
                row, state=state, due_at=None, delivered_at=first
            )
        here = Place(row.channel, row.tries)
        after = after_failure(here, retry=ended.retry)
        moved = msgspec.structs.replace(row, channel=after.channel, tries=after.tries)
        if after.channel >= len(await self._channels(reader, row)):
            left = DispatchState.BY_HAND
            if row.delivered_at is not None:  # it went out once more, and is there
                left = DispatchState.DELIVERED
            channel = max(after.channel, 1)
            return msgspec.structs.replace(
                moved, state=left.value, due_at=None, channel=channel
            )
        wait = 0
        if after == here:
            wait = pause(row.tries, Urgency(row.urgency), self.chance())
        return msgspec.structs.replace(moved, due_at=now + wait)

    async def _settle(self, tx: Transaction, case_id: str) -> None:
        try:
            row, file = await self.keeper.read(tx, case_id)
        except WrongStateError:  # its content is erased, and it is over
            return
        except CorruptRowError:  # no reason to hold up what is to be sent of others
            _LOG.error("a case cannot be read", extra=fields(reason="damaged"))
            return
        await settle(self.keeper, tx, row, file, _CLOCK)


def _told(row: DispatchRow, attempt: AttemptRow) -> Detail:
    return {
        "case": row.case_id,
        "dispatch": row.id,
        "partner": row.partner,
        "attempt": attempt.number,
        "way": attempt.way,
    }


@dataclass(frozen=True, slots=True)
class SendingSwitch:
    """Stops all sending, and lets it go on; what is queued stays so meanwhile."""

    office: Office

    async def show(self) -> SendingAnswer:
        """Tell whether anything leaves, and who has said so."""
        return await self.office.store.read(_shown)

    async def switch(self, request: SwitchSending, who: Principal) -> SendingAnswer:
        """Stop sending, or let it go on; what is so already is no act."""

        async def act(tx: Transaction) -> SendingAnswer:
            if await sends(tx) != request.sends:
                row = SendingRow(request.sends, self.office.now(), who.name)
                await tx.add_sending(row)
                detail: Detail = {"sends": request.sends, "role": who.role.value}
                event = Event.SENDING_SWITCHED
                await self.office.note(tx, event, who.name, detail)
            else:
                nothing_happened()
            return await _shown(tx)

        return await self.office.store.write(act)


async def _shown(reader: Reader) -> SendingAnswer:
    last = await reader.sending()
    return SendingAnswer(
        sends=last is None or last.sends,
        at=None if last is None else last.at,
        by=None if last is None else last.by,
        by_hand=await reader.dispatches_by_hand(),
    )
