# SPDX-License-Identifier: Apache-2.0
"""Who was told to erase and has not said that it did (rule P11).

A member says with every request which of this node's restrictions it has applied.
Whoever has received an opening that has ended since, and has not said so for as long
as the policy has it, raises an alarm; after that it gets no new opening until it has
caught up. Policy decides on both, with the oldest of the debts.

State of `Debts`, owned by the event loop: the oldest debt of each member, up to which
of the own restrictions each was looked at, up to which line of the ledger that holds,
and which alarms were raised.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

from fedsafe_federation.feed import MAX_RECORDS
from fedsafe_federation.restrictions import open_restriction
from fedsafe_federation.signed import Signed
from fedsafe_federation.wireformat import decode
from fedsafe_node.clock import Clock
from fedsafe_node.log.audit import AuditTrail, Event, grounds_of
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Reader, Store, Transaction
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.telemetry import LOGGER, fields
from fedsafe_policies.decision import Decision, Obligation
from fedsafe_policies.erasures import ErasureDebtRequest

_PAGE: Final = 200
_LOG = logging.getLogger(f"{LOGGER}.debts")


@dataclass(frozen=True, slots=True)
class Debt:
    """The oldest own restriction that a member has not applied, and since when."""

    sequence: int
    told: int


def is_late(decision: Decision) -> bool:
    """Whether a debt is old enough for an alarm, or for more."""
    return not decision.allowed or Obligation.ALARM in decision.obligations


@dataclass(slots=True)
class Debts:
    """Looks after what members owe."""

    situation: Situation
    store: Store
    trail: AuditTrail
    clock: Clock
    _oldest: dict[str, Debt] = field(default_factory=dict)
    _seen: dict[str, int] = field(default_factory=dict)
    _ledger: int = 0
    _raised: set[tuple[str, int, str]] = field(default_factory=set)

    async def run(self) -> None:
        """Find what is owed now, and raise what alarms.

        Raises:
            StoreFailedError: the rest is done by the next run.
        """
        if self.situation.shared is None:
            return
        await self.store.scan(self._look)
        self.situation.debts = {
            member: debt.told for member, debt in self._oldest.items()
        }
        entries = [
            entry
            for member, debt in self._oldest.items()
            if (entry := self._alarm(member, debt)) is not None
        ]

        async def act(tx: Transaction) -> None:
            await tx.append_many(self.trail.log, entries)

        if entries:
            await self.store.write(act)

    async def _look(self, reader: Reader) -> None:
        # What concerned a member in nothing may concern it in what it has got since.
        newest = await reader.handed_after(self._ledger)
        for member in newest:
            self._seen.pop(member, None)
        self._ledger = max(newest.values(), default=self._ledger)
        heard = {row.recipient: row.sequence for row in await reader.heard()}
        for member in self.situation.others():
            applied = heard.get(member, 0)
            debt = self._oldest.get(member)
            if debt is not None and debt.sequence > applied:
                continue
            self._oldest.pop(member, None)
            await self._look_at(reader, member, applied)

    async def _look_at(self, reader: Reader, member: str, applied: int) -> None:
        shared, node = self.situation.shared, self.situation.node
        if shared is None:
            return
        after = max(applied, self._seen.get(member, 0))
        while rows := await reader.restrictions_by(node, after, _PAGE):
            for row in rows:
                statement = decode(row.statement, Signed)
                said = open_restriction(statement, shared.membership.charter)
                if await self._concerns(reader, member, said.signals):
                    self._oldest[member] = Debt(row.sequence, said.at)
                    return
                after = self._seen[member] = row.sequence

    async def _concerns(
        self, reader: Reader, member: str, signals: list[bytes]
    ) -> bool:
        for signal_id in signals:
            row = await reader.signal(self.situation.node, signal_id)
            if row is None:
                continue
            runs = await reader.handed(row.index, MAX_RECORDS)
            if any(run.recipient == member for run in runs):
                return True
        return False

    def _alarm(self, member: str, debt: Debt) -> LogEntry | None:
        request = ErasureDebtRequest(told=debt.told)
        now = self.clock.now()
        decision = self.situation.decide(request, now)
        outcome = "late" if decision.allowed else "stopped"
        key = (member, debt.sequence, outcome)
        if not is_late(decision) or key in self._raised:
            return None
        self._raised.add(key)
        _LOG.warning("a member owes erasures", extra=fields(peer=member))
        return self.trail.entry(
            Event.ERASURE_OWED,
            at=now,
            outcome=outcome,
            detail={
                "member": member,
                "sequence": debt.sequence,
                "told": debt.told,
                **grounds_of(decision),
            },
        )
