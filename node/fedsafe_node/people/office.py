# SPDX-License-Identifier: Apache-2.0
"""What every act about people works with."""

from dataclasses import dataclass, field

from fedsafe_node.ground.clock import Clock
from fedsafe_node.log.audit import AuditTrail, Detail, Event
from fedsafe_node.people.known_credentials import KnownCredentials
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.people.person_rules import Judge
from fedsafe_node.people.vault import Vault
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.decision import Decision


@dataclass(frozen=True, slots=True)
class Office:
    """The parts of the node that accounts, sessions and approvals need."""

    node: str
    store: Store
    trail: AuditTrail
    clock: Clock
    vault: Vault
    passwords: Passwords
    judge: Judge
    known: KnownCredentials = field(default_factory=KnownCredentials)

    def now(self) -> int:
        """Return the present in whole seconds, as rows keep it."""
        return int(self.clock.now().timestamp())

    async def refused(self, decision: Decision, actor: str, act: str) -> None:
        """Write the refusal of an act by policy into the audit log."""
        now = self.clock.now()
        entry = self.trail.refusal(decision, at=now, actor=actor, act=act)

        async def write(tx: Transaction) -> None:
            await tx.append(self.trail.log, entry.record, entry.openings)

        await self.store.write(write)

    async def note(
        self,
        tx: Transaction,
        event: Event,
        actor: str,
        detail: Detail,
        *,
        outcome: str = "ok",
    ) -> None:
        """Write an audit event in the act that it tells of."""
        entry = self.trail.entry(
            event,
            at=self.clock.now(),
            outcome=outcome,
            actor=actor,
            detail=detail,
        )
        await tx.append(self.trail.log, entry.record, entry.openings)
