# SPDX-License-Identifier: Apache-2.0
"""The legal-gate record (rule P1): entered by a person, kept for good.

The newest record counts. What it lacks keeps the gate closed, so it may be entered
step by step; every entry is an audit event in the same act. The record itself
names two approvals by different people.
"""

from dataclasses import replace
from datetime import UTC, datetime, time
from hashlib import sha256
from secrets import token_hex

from fedsafe_federation.wireformat import encode
from fedsafe_node.clock import Clock
from fedsafe_node.idempotency import Once
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.messages import GateAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.rows import GateRow
from fedsafe_policies.engine import decide
from fedsafe_policies.gate import LegalGate, missing
from fedsafe_policies.gating import GateRequest
from fedsafe_policies.vocabulary import Plane


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
        return self._answer(self._situation.gate or LegalGate(), now)

    async def record(
        self, gate: LegalGate, who: Principal, *, once: Once | None = None
    ) -> GateAnswer:
        """Enter a record; from now on it is the one that counts."""
        moment = self._clock.now()
        now = int(moment.timestamp())
        lacking = missing(gate, now)
        answer = self._answer(gate, now)
        row = GateRow(
            id=token_hex(16),
            record=encode(gate),
            valid_until=_end(gate),
            recorded_at=now,
            recorded_by=who.name,
        )
        entry = self._trail.entry(
            Event.GATE_RECORDED,
            at=moment,
            outcome="incomplete" if lacking else "complete",
            actor=who.name,
            detail={
                "record": row.id,
                "missing": len(lacking),
                "digest": sha256(row.record).hexdigest(),
            },
        )

        async def act(tx: Transaction) -> None:
            await tx.add_gate(row)
            await tx.append(self._trail.log, entry.record, entry.openings)
            if once is not None:
                await tx.add_idempotent_answer(once.row(answer, now=now))

        await self._store.write(act)
        self._situation.record_gate(gate)
        return answer

    def _answer(self, gate: LegalGate, now: int) -> GateAnswer:
        situation = self._situation
        site = replace(situation.site, gate=gate)
        request = GateRequest(Plane.ACTOR)
        decision = decide(request, situation.policy, situation.calendar, now, site)
        return GateAnswer(
            open=decision.allowed,
            rule=decision.rule.value,
            policy=decision.policy,
            missing=[*missing(gate, now), *self._register(now)],
            valid_until=gate.valid_until.isoformat() if gate.valid_until else None,
        )

    def _register(self, now: int) -> list[str]:
        met = self._situation.synthetic or now < self._situation.register_until
        return [] if met else ["register"]


def _end(gate: LegalGate) -> int:
    if gate.valid_until is None:
        return 0
    return int(datetime.combine(gate.valid_until, time(), UTC).timestamp())
