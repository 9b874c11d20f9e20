# SPDX-License-Identifier: Apache-2.0
"""The legal-gate record (rule P1): entered by a person, kept for good.

The newest record counts. What it lacks keeps the gate closed, so it may be entered
step by step; every entry is an audit event in the same act. The record itself
names two approvals by different people.
"""

from datetime import UTC, datetime, time
from secrets import token_hex
from typing import Final

from fedsafe_federation.wireformat import encode
from fedsafe_node.clock import Clock
from fedsafe_node.errors import ForbiddenError
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.messages import GateAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.rows import GateRow
from fedsafe_policies.gate import LegalGate, decide_gate, missing
from fedsafe_policies.vocabulary import Plane, Role

MAY_RECORD: Final = frozenset({Role.REVIEWER, Role.OPERATOR})


class Gates:
    """Enters and shows the legal-gate record."""

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock

    async def show(self) -> GateAnswer:
        """Tell whether the actor plane is open, and what keeps it closed."""
        now = int(self._clock.now().timestamp())
        situation = self._situation
        decision = decide_gate(situation.site, Plane.ACTOR, situation.policy, now)
        gate = situation.gate or LegalGate()
        return GateAnswer(
            open=decision.allowed,
            rule=decision.rule.value,
            policy=decision.policy,
            missing=list(missing(gate, now)),
            valid_until=gate.valid_until.isoformat() if gate.valid_until else None,
        )

    async def record(self, gate: LegalGate, who: Principal) -> GateAnswer:
        """Enter a record; from now on it is the one that counts.

        Raises:
            ForbiddenError: neither a reviewer nor the operator.
        """
        if who.role not in MAY_RECORD:
            raise ForbiddenError(
                "a reviewer or the operator enters the gate", authenticated=True
            )
        now = self._clock.now()
        lacking = missing(gate, int(now.timestamp()))
        row = GateRow(
            id=token_hex(16),
            record=encode(gate),
            valid_until=_end(gate),
            recorded_at=int(now.timestamp()),
            recorded_by=who.name,
        )
        entry = self._trail.entry(
            Event.GATE_RECORDED,
            at=now,
            outcome="incomplete" if lacking else "complete",
            actor=who.name,
            detail={"record": row.id, "missing": len(lacking)},
        )

        async def act(tx: Transaction) -> None:
            await tx.add_gate(row)
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        self._situation.record_gate(gate)
        return await self.show()


def _end(gate: LegalGate) -> int:
    if gate.valid_until is None:
        return 0
    return int(datetime.combine(gate.valid_until, time(), UTC).timestamp())
