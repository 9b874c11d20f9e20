# SPDX-License-Identifier: Apache-2.0
"""Take the own feed back from the other members, batch by batch.

What they hold of it was verified (`member_survey`). Restrictions come first, so that a
signal that was stopped since the backup is not brought back. A record goes where it
stood, with its opening if a member still holds that. Whoever holds an opening has
received it, so the recipient ledger learns of it again. What nobody holds is noted as
erased.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.tokens import media_token
from fedsafe_crypto.primitives.commitment import SALT_BYTES
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.feed.records import SignalRecord, decode_record
from fedsafe_federation.feed.signals import SIGNAL_GROUP
from fedsafe_federation.feed.verification import (
    VerifiedBatch,
    VerifiedRecord,
    VerifiedSignal,
    feed_name,
)
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.members.peering.disclosure import PURPOSES
from fedsafe_node.rules.audience import audience_digest
from fedsafe_node.rules.media_bodies import open_media_body
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.arrival import Arrival
from fedsafe_node.signals.creation import signal_row
from fedsafe_node.signals.dispute_intake import take_ruling
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.signals.inventory_facts import listed
from fedsafe_node.signals.persist_batch import keep_arrivals
from fedsafe_node.signals.restrictions import Restricting, in_acts
from fedsafe_node.store.imports_rows import ListedToken
from fedsafe_node.store.peering_rows import HandedRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import (
    DraftState,
    NewSignal,
    Opening,
    SignalRow,
    SignalStatus,
    sequence_key,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.disputes import ruling_ends
from fedsafe_policies.vocabulary import MediaKind, Plane

_PAGE: Final = 1_000


@dataclass(slots=True)
class Adopted:
    """What came back: records, openings, lines of the ledger, statements.

    `bans` are own bans that a signal had taken the place of; `limited` signals go to
    nobody but those that hold them. `bare` ones came without what they say; of those
    that were not stopped, `lacking`, nobody holds it.
    """

    records: int = 0
    openings: int = 0
    handed: int = 0
    statements: int = 0
    drafts: int = 0
    bans: int = 0
    limited: int = 0
    bare: int = 0
    lacking: int = 0


@dataclass(slots=True)
class Adopting:
    """One restore; `start` is how many records the backup holds."""

    store: Store
    situation: Situation
    trail: AuditTrail
    periods: PeriodKeys
    now: datetime
    start: int
    by: str
    adopted: Adopted = field(default_factory=Adopted)
    _holders: dict[bytes, set[str]] = field(default_factory=dict)

    @property
    def _node(self) -> str:
        return self.situation.node

    @property
    def _at(self) -> int:
        return int(self.now.timestamp())

    async def take(self, batch: VerifiedBatch, member: Member) -> None:
        """Take what a member holds; the restrictions before all else."""
        own = [
            each for each in batch.restrictions if each.restriction.author == self._node
        ]
        for part in in_acts(own):
            act = Restricting(
                self._node,
                part,
                self.trail,
                self.now,
                judge=lambda request: self.situation.decide(request, self.now),
                due=ruling_ends(self._at, self.situation.policy),
                recorded=True,
            )
            before = await self._sequence()
            await self.store.write(act.run, alone=True)
            self.adopted.statements += await self._sequence() - before
        await self.store.write(lambda tx: self._keep(tx, batch, member), alone=True)

    async def _sequence(self) -> int:
        key = sequence_key(self._node)
        return int(await self.store.read(lambda reader: reader.meta(key)) or 0)

    async def _keep(
        self, tx: Transaction, batch: VerifiedBatch, member: Member
    ) -> None:
        log = feed_name(self._node)
        size = await tx.log_size(log)
        arrivals = [
            self._arrival(record)
            for record in batch.records
            if record.index >= self.start
        ]
        usable = await self._missing(tx, arrivals)
        _, hints = await keep_arrivals(tx, self._node, usable, size)
        self.adopted.records += await tx.log_size(log) - size
        self.adopted.openings += len(hints)
        for arrival in usable:
            if arrival.signal is not None:
                await tx.add_inventory([listed(arrival.signal)])
                await self._take(tx, arrival.signal)
                await self._settle(tx, arrival.signal.signal_id, arrival.index)
        for item in batch.rulings:
            await take_ruling(tx, item.ruling, at=self._at)
        await self._enter(tx, batch.records, member)

    async def _missing(
        self, tx: Transaction, arrivals: Sequence[Arrival]
    ) -> list[Arrival]:
        """Leave out the openings of signals that are here, or were stopped."""
        ids = [each.signal.signal_id for each in arrivals if each.signal is not None]
        settled = await tx.settled(self._node, ids)
        return [
            Arrival(each.index, each.record)
            if each.signal is not None and each.signal.signal_id in settled
            else each
            for each in arrivals
        ]

    def _arrival(self, record: VerifiedRecord) -> Arrival:
        bare = Arrival(record.index, record.record)
        signal, opening = record.signal, record.opening
        if signal is None or opening is None:
            return bare
        found = self._token(signal)
        if found is None:
            return bare
        kind, token = found
        row = signal_row(
            signal.header,
            signal_id=signal.signal,
            origin=self._node,
            token=token,
            media_kind=kind,
            place=(feed_name(self._node), record.index),
        )
        kept = Opening(group=SIGNAL_GROUP, salt=opening.salt, payload=opening.payload)
        return Arrival(record.index, record.record, (kept,), row)

    def _token(self, signal: VerifiedSignal) -> tuple[MediaKind | None, bytes] | None:
        header, opening = signal.header, signal.opening
        if header.plane is Plane.ACTOR:
            return (None, opening.token) if opening.token is not None else None
        shared = self.situation.shared
        try:
            body = open_media_body(
                signal.signal, self._node, header, opening, self.situation
            )
        except (CryptoError, MalformedError):
            return None
        if shared is None:
            return None
        keys = shared.membership.media[header.epoch, header.generation]
        return body.kind, media_token(keys.token, body.kind, body.digest)

    async def _take(self, tx: Transaction, signal: NewSignal) -> None:
        """Keep under which token a signal stands, so that no import lists it twice."""
        row = ListedToken(
            origin=signal.origin,
            token=signal.token,
            audience=audience_digest(await tx.audience(signal.signal_id)),
            signal_id=signal.signal_id,
            generation=signal.generation if signal.media_kind is not None else 0,
            until=signal.match_until,
        )
        await tx.take_listed([row], self._at)

    async def _settle(self, tx: Transaction, signal_id: bytes, index: int) -> None:
        """End the draft that the signal came of, and the own ban beside it."""
        if await tx.audience(signal_id) is not None:
            await tx.place_audience(signal_id, index)
        draft = await tx.draft(signal_id)
        if draft is None or draft.state is not DraftState.PENDING:
            return
        try:
            own = open_draft(draft, self.periods).own
        except WrongStateError:  # its own ban ends with its retention
            own = None
        published = DraftState.PUBLISHED
        await tx.decide_draft(signal_id, published, by=self.by, at=self._at)
        self.adopted.drafts += 1
        list_ = self.situation.own.name
        row = None if own is None else await tx.signal(list_, own)
        if row is not None and row.status is not SignalStatus.ERASED:
            await self._erase(tx, row)

    async def _erase(self, tx: Transaction, row: SignalRow) -> None:
        await tx.set_signal_status(row.origin, row.signal_id, SignalStatus.ERASED)
        await tx.erase_opening(row.log, row.index, row.group, at=self._at)
        self.adopted.bans += 1

    async def _enter(
        self, tx: Transaction, records: Sequence[VerifiedRecord], member: Member
    ) -> None:
        """Enter in the ledger what the member holds and has not received by it."""
        runs: list[HandedRow] = []
        for record in records:
            signal = record.signal
            if signal is None:
                continue
            if record.index >= self.start:
                holders = self._holders.setdefault(signal.signal, set())
                holders.add(member.name)
            known = await tx.handed(record.index, MAX_RECORDS)
            if any(row.recipient == member.name for row in known):
                continue
            purpose = PURPOSES[signal.header.plane].value
            last = runs[-1] if runs else None
            if last and last.last == record.index - 1 and last.purpose == purpose:
                runs[-1] = self._run(member, last.first, record.index, purpose)
            else:
                runs.append(self._run(member, record.index, record.index, purpose))
            self.adopted.handed += 1
        if runs:
            await tx.add_handed(runs)

    def _run(self, member: Member, first: int, last: int, purpose: str) -> HandedRow:
        shared = self.situation.shared
        epoch = shared.membership.epoch.epoch if shared is not None else 0
        return HandedRow(
            recipient=member.name,
            first=first,
            last=last,
            at=self._at,
            purpose=purpose,
            basis=f"charter:epoch-{epoch}",
        )

    async def finish(self, others: Sequence[str]) -> Adopted:
        """Note what nobody holds, and for whom signals are meant that are back.

        A signal of which the backup knows nothing goes to no more members than hold it:
        nobody here knows for whom it was meant. *others* are all other members.
        """
        log = feed_name(self._node)
        size = await self.store.read(lambda reader: reader.log_size(log))
        for since in range(self.start, size, _PAGE):
            stop = min(since + _PAGE, size)
            await self.store.write(
                lambda tx, since=since, stop=stop: self._close(  # type: ignore[misc]
                    tx, range(since, stop), set(others)
                ),
                alone=True,
            )
        return self.adopted

    async def _close(self, tx: Transaction, span: range, others: set[str]) -> None:
        log = feed_name(self._node)
        records = await tx.records(log, span.start, len(span))
        sealed = await tx.sealed_openings(log, span.start, len(span))
        there = {each.index for each in sealed}
        for index, data in zip(span, records, strict=True):
            try:
                record = decode_record(data)
            except MalformedError:
                continue
            if not isinstance(record, SignalRecord):
                continue
            if index not in there:
                await self._note_erased(tx, index)
                self.adopted.bare += 1
                stopped = await tx.settled(self._node, [record.signal])
                self.adopted.lacking += not stopped
            elif await tx.audience(record.signal) is None:
                holders = self._holders.get(record.signal, set())
                if holders and holders != others:
                    await tx.add_audience(record.signal, frozenset(holders))
                    await tx.place_audience(record.signal, index)
                    self.adopted.limited += 1

    async def _note_erased(self, tx: Transaction, index: int) -> None:
        # A log of one's own has an opening of each commitment, if only an erased one.
        log, salt = feed_name(self._node), token_bytes(SALT_BYTES)
        empty = Opening(group=SIGNAL_GROUP, salt=salt, payload=b"")
        await tx.grant_opening(log, index, empty)
        await tx.erase_opening(log, index, SIGNAL_GROUP, at=self._at)
