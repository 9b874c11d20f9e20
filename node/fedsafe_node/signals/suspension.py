# SPDX-License-Identifier: Apache-2.0
"""Stop matching the signals of an origin whose feed contradicts itself."""

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import EquivocationError
from fedsafe_federation.feed.forks import transferable
from fedsafe_node.ground.clock import Clock
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.members.forks import Forks
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import PeerState
from fedsafe_node.store.transaction import Transaction


class Suspending:
    """Suspends origins. What convicts one before anybody goes to all members."""

    def __init__(
        self,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        forks: Forks,
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._forks = forks

    async def run(self, origin: Member, error: EquivocationError) -> None:
        """Suspend an origin, if it is not, and was not excused for just that.

        Raises:
            StoreError: it is suspended till the next start, and that is not kept.
        """
        entry = self._trail.entry(
            Event.ORIGIN_SUSPENDED,
            at=self._clock.now(),
            outcome="equivocation",
            detail={"origin": origin.name, "why": error.why, **_evidence(error)},
        )
        evidence = transferable(origin, error)
        suspended = self._situation.coverage.suspended

        async def act(tx: Transaction) -> None:
            peer = await tx.peer(origin.name)
            if peer is not None and peer.state is PeerState.SUSPENDED:
                return
            if evidence is None:
                await tx.set_peer_state(origin.name, PeerState.SUSPENDED)
                await tx.append(self._trail.log, entry.record, entry.openings)
            elif not await self._forks.enter(tx, evidence, "replication"):
                suspended.discard(origin.name)

        suspended.add(origin.name)
        await self._store.write(act)
        self._forks.spread()


def _evidence(error: EquivocationError) -> dict[str, str]:
    return {f"note{n}": note for n, note in enumerate(error.evidence)}
