# SPDX-License-Identifier: Apache-2.0
"""The tasks that keep the feeds of all other members replicated, and the pokes.

Owned by the node's loop: one task for each origin, and one for each poke under
way. A poke that fails is forgotten: the peer polls. Of the processes of one node only
the one that leads replicates; all of them poke.
"""

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass
from functools import partial
from secrets import randbelow
from typing import Final

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import FederationError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.exchange.replication import Replicator
from fedsafe_federation.feed.witness_policy import Policy
from fedsafe_federation.wire.pace import Offload, Pace, Patience
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.work_threads import give_back
from fedsafe_node.keys.membership import Membership
from fedsafe_node.members.peering.receipts import Receipting
from fedsafe_node.members.witnesses import Witnesses
from fedsafe_node.signals.intake import Intake
from fedsafe_node.signals.shielded_intake import Finishing
from fedsafe_node.store.change_counter import Follower

_LOG = logging.getLogger(f"{LOGGER}.replicating")
_STEPS: Final = 1 << 16


class Replicating:
    """Starts and stops the replication of all origins.

    The patience with those that give a feed outlasts every stop but the node's.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        client: PeerClient,
        intake: Intake,
        clock: Clock,
        receipting: Receipting,
        *,
        offload: Offload,
        poll: float,
    ) -> None:
        self._client = client
        self._shelf = Finishing(intake)
        self._clock = clock
        self._receipting = receipting
        self._offload = offload
        self._poll = poll
        self._membership: Membership | None = None
        self._replicators: dict[str, Replicator] = {}
        self._patience: dict[str, Patience] = {}
        self._pulls: set[asyncio.Task[None]] = set()
        self._pokes: set[asyncio.Task[None]] = set()

    @property
    def replicates(self) -> bool:
        """Whether feeds are replicated here now."""
        return bool(self._pulls)

    def join(self, membership: Membership) -> None:
        """Poke all other members from now on."""
        self._membership = membership

    def leave(self) -> None:
        """Poke nobody any more."""
        self._membership = None

    def start(self, membership: Membership, own: Policy | None = None) -> None:
        """Replicate the feeds of all other members that take part from now on.

        *own* is what this node wants of witnesses beside the charter.
        """
        if not membership.me.active:
            return
        monotonic = asyncio.get_running_loop().time
        for member in membership.others:
            replicator = Replicator(
                member,
                charter=membership.charter,
                fetch=self._client.fetch,
                shelf=self._shelf,
                offload=self._offload,
                now=self._clock.now,
                jitter=_jitter,
                pace=Pace(monotonic=monotonic, sleep=asyncio.sleep),
                patience=self._patience.setdefault(
                    member.name,
                    Patience(monotonic=monotonic, sleep=asyncio.sleep, jitter=_jitter),
                ),
                poll=self._poll,
                give_back=give_back,
                couriers=partial(self._couriers, member),
                own=own,
            )
            self._replicators[member.name] = replicator
            _own(self._pulls, replicator.run())
        _own(self._pulls, self._receipting.run(membership))

    def _couriers(self, origin: Member) -> list[Member]:
        membership = self._membership
        others = membership.others if membership is not None else []
        return [member for member in others if member.name != origin.name]

    def wake(self, origin: str) -> None:
        """Pull *origin*'s feed at once."""
        replicator = self._replicators.get(origin)
        if replicator is not None:
            replicator.wake()

    def heard(self, origin: str) -> None:
        """Try at once what failed before with *origin*: it asks, so it lives."""
        replicator = self._replicators.get(origin)
        if replicator is not None:
            replicator.heard()
            self._receipting.heard(origin)

    def announce(self, size: int) -> None:
        """Tell all others that the own feed has grown to *size*."""
        if self._membership is None:
            return
        for member in self._membership.others:
            _own(self._pokes, self._poke(member, size))

    def wake_all(self) -> None:
        """Pull all feeds at once."""
        for replicator in self._replicators.values():
            replicator.wake()

    async def rest(self) -> None:
        """Replicate no more, until it is started again."""
        self._replicators.clear()
        await _end(self._pulls)
        await self._shelf.settle()

    async def stop(self) -> None:
        """End all tasks and wait for them."""
        await self.rest()
        await _end(self._pokes)

    async def _poke(self, member: Member, size: int) -> None:
        try:
            await self._client.poke(member, size)
        except FederationError as error:
            reason = type(error).__name__
            _LOG.info("poke failed", extra=fields(peer=member.name, reason=reason))


def _own(tasks: set[asyncio.Task[None]], work: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    ending = list(tasks)
    for task in ending:
        task.cancel()
    await asyncio.gather(*ending, return_exceptions=True)


def _jitter() -> float:
    return randbelow(_STEPS) / _STEPS


# Tell others that the own feed has grown.
#
# What restricts goes at once. Additions wait for witnesses, where the charter wants
# any: then the members are told when these have cosigned
# (`members.peering.feed_cosigning`), so that nobody pulls in vain.


@dataclass(frozen=True, slots=True)
class Announcing:
    """Tells members and witnesses; the process that leads asks the witnesses."""

    follower: Follower | None
    replicating: Replicating
    witnesses: Witnesses

    def restricted(self, size: int) -> None:
        """Poke all other members now."""
        self.replicating.announce(size)
        self._ask()

    def published(self, size: int) -> None:
        """Poke them when witnesses have cosigned, or now if nobody waits for those."""
        if not self.witnesses.feed.waits:
            self.replicating.announce(size)
        self._ask()

    def _ask(self) -> None:
        self.witnesses.feed.grew()
        if self.follower is not None and not self.replicating.replicates:
            self.follower.poke()
