# SPDX-License-Identifier: Apache-2.0
"""The recipient ledger as people read it (P12): the answer to GDPR Art. 15 (1) c.

It outlives the openings, since who has received something must be told when that
ends (Art. 19). A member is told by the feed; what it has applied it says with the
next request, and what it has erased with a receipt.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.recipients import (
    PackShown,
    ReceiptShown,
    RecipientsAnswer,
    RecipientShown,
)
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import DeniedError, NotFoundError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Event, grounds_of
from fedsafe_node.members.peering.receipts import ended_by
from fedsafe_node.rules.audience import group_in, members_in
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.peering_rows import LedgerRow, PackRow, ReceiptRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import ErasureMethod, Matter, Purpose


@dataclass(frozen=True, slots=True)
class _Times:
    """How often one entry of a line was handed over, first and last when."""

    times: int
    first_at: int
    last_at: int


class Recipients:
    """Tells who has received a signal of this node."""

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock

    async def show(
        self, signal: str, who: Principal, purpose: Purpose | None = None
    ) -> RecipientsAnswer:
        """Tell who has received a signal of this node, and whether its end came there.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: this node has no such signal.
        """
        now = self._clock.now()
        decision = rule_on_reading(self._situation, who, Matter.LEDGER, purpose, now)
        if not decision.allowed:
            entry = self._trail.refusal(
                decision, at=now, actor=who.name, act="signal.recipients"
            )
            await self._store.write(
                lambda tx: tx.append(self._trail.log, entry.record, entry.openings)
            )
            raise DeniedError(decision)

        async def act(tx: Transaction) -> RecipientsAnswer:
            answer = await read_recipients(tx, self._situation, signal)
            entry = self._trail.entry(
                Event.RECIPIENTS_READ,
                at=now,
                actor=who.name,
                detail={
                    "signal": signal,
                    "recipients": len(answer.recipients),
                    "packs": len(answer.packs),
                    **grounds_of(decision),
                },
            )
            await tx.append(self._trail.log, entry.record, entry.openings)
            return answer

        return await self._store.write(act)


async def read_recipients(
    reader: Reader, situation: Situation, signal: str
) -> RecipientsAnswer:
    """Read who has received a signal of this node, and must hear when it ends.

    Of another member's signal, which packs tell of it.

    Raises:
        NotFoundError: this node has no such signal, and no pack tells of it.
    """
    signal_id = uuid.UUID(signal).bytes
    row = await reader.signal(situation.node, signal_id)
    audience = await reader.audience(signal_id)
    meant = members_in(audience, situation.policy)
    lines: Sequence[LedgerRow] = ()
    index = 0 if row is None else row.index
    if row is not None:
        lines = await reader.handed(index, MAX_RECORDS)
    packs = await reader.packs_with(signal_id)
    if row is None and not packs and await reader.draft(signal_id) is None:
        own = await reader.signal(situation.own.name, signal_id)
        if own is None:
            raise NotFoundError(Phrase("no such signal"))
    ended = await ended_by(reader, situation.node, signal_id)
    heard = {each.recipient: each.sequence for each in await reader.heard()}
    receipts = await _receipts(reader, ended)
    groups: dict[tuple[str, str, str], list[_Times]] = {}
    for line in lines:
        terms = (line.recipient, line.purpose, line.basis)
        groups.setdefault(terms, []).append(
            _times(line, 0 if row is None else row.index)
        )
    return RecipientsAnswer(
        signal=signal,
        nodes=None if meant is None else sorted(meant),
        group=group_in(audience),
        recipients=[
            RecipientShown(
                recipient=recipient,
                purpose=Purpose(purpose),
                basis=basis,
                first_at=_moment(min(each.first_at for each in found)),
                last_at=_moment(max(each.last_at for each in found)),
                times=sum(each.times for each in found),
                told=None if ended is None else heard.get(recipient, 0) >= ended,
                receipt=receipts.get(recipient),
            )
            for (recipient, purpose, basis), found in sorted(groups.items())
        ],
        packs=[_pack(each) for each in packs],
    )


def _times(line: LedgerRow, index: int) -> _Times:
    times, last_at = 1, line.at
    for part in line.again:
        if part.first <= index <= part.last:
            times, last_at = times + part.times, max(last_at, part.last_at)
    return _Times(times, line.at, last_at)


async def _receipts(reader: Reader, ended: int | None) -> dict[str, ReceiptShown]:
    if ended is None:
        return {}
    return {row.member: show_receipt(row) for row in await reader.receipts_for(ended)}


def show_receipt(row: ReceiptRow) -> ReceiptShown:
    """Show what a member has signed that it erased."""
    return ReceiptShown(
        sequence=row.seq,
        method=ErasureMethod(row.method),
        erased_at=_moment(row.erased_at),
        residual_until=_moment(row.residual_until),
        received_at=_moment(row.received_at),
        statement=decode(row.statement, Signed),
        parted=row.parted or None,
    )


def _pack(pack: PackRow) -> PackShown:
    return PackShown(
        entry=pack.entry,
        recipient=pack.recipient,
        purpose=Purpose(pack.purpose),
        basis=pack.basis,
        at=_moment(pack.at),
        first=pack.first,
        last=pack.last,
        asked_by=pack.asked_by,
        approved_by=pack.approved_by,
    )


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
