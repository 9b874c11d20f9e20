# SPDX-License-Identifier: Apache-2.0
"""Who is refused, how that is told, and what a pattern shuts for an hour.

A refusal leaves an audit event, but not each of thousands: the first of a holder and
purpose within five minutes does, and the next one says how many there were. A pattern
(`enumeration`, `mass_listing`) raises an alarm, once, and breaks the circuit: for an
hour nothing more is asked or published that way, whatever the counts say. It closes
again by itself.
"""

import logging
from dataclasses import dataclass, field
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.log.audit import AuditTrail, Event, grounds_of
from fedsafe_node.rules.budgets.meter import HOUR, SLOT
from fedsafe_node.store.oversight_rows import CircuitRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import Decision

PATTERNS: Final = frozenset({Refusal.ENUMERATION, Refusal.MASS_LISTING})
BROKEN_FOR: Final = HOUR + SLOT  # by then all is forgotten that made the pattern
_LOG = logging.getLogger(f"{LOGGER}.budgets")


@dataclass(frozen=True, slots=True)
class Account:
    """Whose budget it is: a credential's holder and purpose, or a feed's."""

    holder: str
    purpose: str


@dataclass(slots=True)
class _Muted:
    """When the last refusal was written down, and how many were not since."""

    at: int
    unwritten: int = 0


@dataclass(slots=True)
class Circuits:
    """Refuses, and breaks circuits. Owned by the event loop."""

    store: Store
    trail: AuditTrail
    clock: Clock
    _broken: dict[Account, CircuitRow] = field(default_factory=dict)
    _muted: dict[Account, _Muted] = field(default_factory=dict)
    _loaded: bool = False

    @property
    def now(self) -> int:
        """The present, in whole seconds."""
        return int(self.clock.now().timestamp())

    def forget(self) -> None:
        """Read again what another process of the node may have shut."""
        self._loaded = False

    async def broken(self, account: Account) -> CircuitRow | None:
        """Return what shuts this account now, if anything does."""
        if not self._loaded:
            now = self.now
            for row in await self.store.read(lambda reader: reader.circuits(now)):
                account_of, known = Account(row.holder, row.purpose), self._broken
                if account_of not in known or known[account_of].until < row.until:
                    known[account_of] = row
            self._loaded = True
        found = self._broken.get(account)
        return found if found is not None and self.now < found.until else None

    async def refuse(  # noqa: PLR0913 - what is refused, and what that shuts
        self,
        account: Account,
        decision: Decision,
        *,
        act: str,
        retry_at: int,
        alarm: bool = False,
        of_one: bool = False,
    ) -> OverBudgetError:
        """Write a refusal down, break the circuit at a pattern; return the error.

        With *alarm* whatever was refused is such a pattern. One *of_one* account is
        refused by itself: it shuts nobody else out.
        """
        now = self.now
        entries = self._entries(account, decision, act, now)
        row = None
        breaks = alarm or (decision.code in PATTERNS and not of_one)
        if breaks and await self.broken(account) is None:
            retry_at = now + BROKEN_FOR
            row = CircuitRow(
                account.holder, account.purpose, decision.code, now, retry_at
            )
            self._broken[account] = row
            entries.append(self._alarm(row, decision))
            shown = fields(reason=decision.code)
            _LOG.warning("a pattern broke the circuit", extra=shown)

        async def write(tx: Transaction) -> None:
            if row is not None:
                await tx.put_circuit(row)
            await tx.append_many(self.trail.log, entries)

        if entries:
            await self.store.write(write)
        return OverBudgetError(decision, retry_after=max(1, retry_at - now))

    def _entries(
        self, account: Account, decision: Decision, act: str, now: int
    ) -> list[LogEntry]:
        muted = self._muted.get(account)
        if muted is not None and now < muted.at + SLOT:
            muted.unwritten += 1
            return []
        count = 1 + (muted.unwritten if muted is not None else 0)
        self._muted[account] = _Muted(now)
        return [
            self.trail.refusal(
                decision,
                at=self.clock.now(),
                actor=account.holder,
                act=act,
                asked={"signals": count},
            )
        ]

    def _alarm(self, row: CircuitRow, decision: Decision) -> LogEntry:
        return self.trail.entry(
            Event.BUDGET_BROKEN,
            at=self.clock.now(),
            outcome=row.code,
            detail={"holder": row.holder, "until": row.until, **grounds_of(decision)},
        )
