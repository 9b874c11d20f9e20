# SPDX-License-Identifier: Apache-2.0
"""Who was told to erase and has given no receipt for it (rule P11).

Whoever has received an opening that has ended since, and has signed no receipt for as
long as the policy has it, raises an alarm; after that it gets no new opening until its
receipt is here. However late that comes, it is the way back. Who is no member any more
owes a receipt for all that it was given (`former_members`). Policy decides on both
alarms, with the oldest of the debts; what was raised is kept, so that a restart raises
nothing twice.

State of `Debts`, owned by the event loop: the oldest debt of each member, up to which
of the own restrictions each was looked at, up to which line of the ledger that holds,
and who was looked at.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.feed.restrictions import open_restriction
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.log.audit import AuditTrail, Event, grounds_of
from fedsafe_node.members.peering.former_members import read_partings, unreceipted
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.decision import Decision, Obligation
from fedsafe_policies.rules.erasures import ErasureDebtRequest

_PAGE: Final = 200
_LOG = logging.getLogger(f"{LOGGER}.debts")


@dataclass(frozen=True, slots=True)
class Debt:
    """The oldest own restriction that a member has not applied, and since when."""

    sequence: int
    told: int


@dataclass(frozen=True, slots=True)
class _Change:
    """What is written down about a member: an alarm, or its end."""

    member: str
    raised: bytes
    entry: LogEntry


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
    _looked_at: Sequence[str] = ()

    async def run(self) -> None:
        """Find what is owed now, and raise what alarms.

        Raises:
            StoreFailedError: the rest is done by the next run.
        """
        await self.store.scan(self._look)
        self.situation.debts = {
            member: debt.told for member, debt in self._oldest.items()
        }
        raised = await self.store.read(self._raised)
        changes = [
            change
            for member in self._looked_at
            if (change := self._change(member, raised[member])) is not None
        ]

        async def act(tx: Transaction) -> None:
            for change in changes:
                await tx.set_meta(_raised_key(change.member), change.raised)
            entries = [change.entry for change in changes]
            await tx.append_many(self.trail.log, entries)

        if changes:
            await self.store.write(act)

    async def _raised(self, reader: Reader) -> dict[str, bytes]:
        return {
            member: await reader.meta(_raised_key(member)) or b""
            for member in self._looked_at
        }

    async def _look(self, reader: Reader) -> None:
        # What concerned a member in nothing may concern it in what it has got since.
        newest = await reader.handed_after(self._ledger)
        for member in newest:
            self._seen.pop(member, None)
        self._ledger = max(newest.values(), default=self._ledger)
        receipted = await reader.receipted()
        for member in self.situation.others():
            applied = receipted.get(member, 0)
            debt = self._oldest.get(member)
            if debt is not None and debt.sequence > applied:
                continue
            self._oldest.pop(member, None)
            await self._look_at(reader, member, applied)
        others = self.situation.others()
        gone = await unreceipted(reader)
        for member in self._oldest.keys() - {*others, *gone}:
            del self._oldest[member]
        for member in gone.keys() - {*others}:
            self._oldest[member] = Debt(0, gone[member])
        self._looked_at = sorted({*others, *await read_partings(reader)})

    async def _look_at(self, reader: Reader, member: str, applied: int) -> None:
        shared, node = self.situation.shared, self.situation.node
        if shared is None:
            return
        after = max(applied, self._seen.get(member, 0))
        while rows := await reader.restrictions_by(node, after, _PAGE):
            for row in rows:
                statement = decode(row.statement, Signed)
                charter = shared.membership.charter
                said = open_restriction(statement, charter, trust=Trust.KEPT)
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

    def _change(self, member: str, before: bytes) -> _Change | None:
        """Say what is to be raised about a member, or that nothing is any more."""
        debt = self._oldest.get(member)
        if debt is None:
            return self._settled(member) if before else None
        now = self.clock.now()
        decision = self.situation.decide(ErasureDebtRequest(told=debt.told), now)
        if not is_late(decision):
            return self._settled(member) if before else None
        outcome = "late" if decision.allowed else "stopped"
        raised = f"{debt.sequence} {outcome}".encode()
        if raised == before:
            return None
        _LOG.warning("a member owes erasures", extra=fields(peer=member))
        detail: dict[str, str | int] = {
            "member": member,
            "sequence": debt.sequence,
            "told": debt.told,
            **grounds_of(decision),
        }
        entry = self.trail.entry(
            Event.ERASURE_OWED, at=now, outcome=outcome, detail=detail
        )
        return _Change(member, raised, entry)

    def _settled(self, member: str) -> _Change:
        detail = {"member": member, "rule": "P11"}
        entry = self.trail.entry(
            Event.ERASURE_SETTLED, at=self.clock.now(), detail=detail
        )
        return _Change(member, b"", entry)


def _raised_key(member: str) -> str:
    return f"erasure-owed/{member}"
