# SPDX-License-Identifier: Apache-2.0
"""Carry proposals, signatures and versions of the charter between members.

The process that leads asks every other member at each poll, and at once when something
new was signed here: for the versions that this node lacks, which everybody may read,
and then with what it holds of proposals for what the member holds. Suspended members
are asked as well, and ask: they have to learn when they take part again. Whatever comes
is checked by the `Ballot`; a member that cannot be reached hears of it from another.
What else members carry between them goes along: `also` with each, `after` all.

A member can make this node ask at once, by saying that it has more. So rounds that
somebody asked for take a turn, and a member whose answers are none, or bring nothing,
is passed over for a while (`wire.pace`).
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from secrets import randbelow
from typing import Final

from fedsafe_federation.charter.bundles import documents, opened
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import (
    FederationError,
    MalformedError,
    PeerError,
    PeerRefusedError,
    PeerUnreachableError,
)
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.pace import Pace, Patience
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.charter import ExchangeAnswer, ExchangeRequest
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.members.charter.ballot import Ballot, Present
from fedsafe_node.members.charter.departures import Wishes
from fedsafe_node.rules.policy_context import Situation

_LOG = logging.getLogger(f"{LOGGER}.governing")
_MOST_ROUNDS: Final = 64
_VERSION_BYTES: Final = 65_536
"""So much a version of the charter counts for that says nothing new."""
_STEPS: Final = 1 << 16


async def _nothing(_member: Member) -> None:
    """Carry nothing else."""


async def _no_more() -> None:
    """Do nothing after a round."""


class Spreading:
    """Asks the other members what they hold.

    Owned by the event loop: `_task`, which asks, and `_wake`, which lets it ask at
    once.
    """

    def __init__(
        self,
        situation: Situation,
        ballot: Ballot,
        client: PeerClient,
        wishes: Wishes,
        *,
        poll: float,
    ) -> None:
        self._situation = situation
        self._ballot = ballot
        self._client = client
        self._wishes = wishes
        self._poll = poll
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._pace = Pace(monotonic=time.monotonic, sleep=asyncio.sleep)
        self._patience = Patience(
            monotonic=time.monotonic,
            sleep=asyncio.sleep,
            jitter=lambda: randbelow(_STEPS) / _STEPS,
        )
        self.also: Callable[[Member], Awaitable[None]] = _nothing
        self.after: Callable[[], Awaitable[None]] = _no_more

    @property
    def spreads(self) -> bool:
        """Whether this process asks."""
        return self._task is not None

    def start(self) -> None:
        """Ask from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ask no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def wake(self) -> None:
        """Ask at once."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await self.round()
            await self._follow()
            try:
                async with asyncio.timeout(self._poll):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await self._pace.turn()

    async def round(self) -> None:
        """Ask all other members once."""
        shared = self._situation.shared
        if shared is None:
            return
        membership = shared.membership
        others = [
            member
            for member in membership.charter.members
            if member.name != membership.me.name
        ]
        await asyncio.gather(*(self._ask(member) for member in others))
        await self._wishes.tell()

    async def _ask(self, member: Member) -> None:
        if self._patience.left(member.name):
            return
        try:
            await self._catch_up(member)
            present = await self._ballot.present()
            if present is not None:
                await self._swap(member, present)
            await self.also(member)
            self._patience.passed(member.name)
        except (FederationError, NodeError) as error:
            if _is_none(error):
                self._patience.spoiled(member.name, 0)
            reason = type(error).__name__
            facts = fields(peer=member.name, reason=reason)
            _LOG.info("the charter is not compared", extra=facts)

    async def _follow(self) -> None:
        try:
            await self.after()
        except (FederationError, NodeError) as error:
            _LOG.warning("no step", extra=fields(reason=type(error).__name__))

    async def _catch_up(self, member: Member) -> None:
        for _ in range(_MOST_ROUNDS):
            present = await self._ballot.present()
            if present is None:
                return
            after = present.version.charter.version
            versions = await self._client.versions(member.name, member.url, after)
            if not await self._ballot.take(versions, []):
                size = _VERSION_BYTES * len(versions)
                self._patience.wasted(member.name, size)
                return

    async def _swap(self, member: Member, present: Present) -> None:
        shared = self._situation.shared
        if shared is None or not (shared.membership.me.active and member.active):
            return
        request = ExchangeRequest(
            version=present.version.charter.version,
            charter=present.version.digest,
            statements=present.carried(self._situation.node),
        )
        data = await self._client.exchange_charter(member, encode(request))
        try:
            answer = decode(data, ExchangeAnswer)
        except MalformedError as error:
            raise PeerError(member.name, str(error)) from None
        await self._ballot.take(documents(answer.versions), opened(answer.statements))


def _is_none(error: Exception) -> bool:
    """Whether there was an answer, and it was none of ours."""
    away = PeerUnreachableError | PeerRefusedError
    return isinstance(error, PeerError) and not isinstance(error, away)
