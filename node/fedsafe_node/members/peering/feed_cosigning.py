# SPDX-License-Identifier: Apache-2.0
"""Let witnesses cosign the own feed as soon as it grows, since additions wait for them.

A round signs the feed's end and asks all witnesses that lack it, each with one request
at a time. What is published meanwhile waits for the next round, which asks once for all
of it. When the charter's quorum is there the other members are poked: then the feed's
batches reach as far. A witness that is away is asked again later and later, and at once
when it asks for the feed itself.

Only the process that leads asks. A round takes a turn (`wire.pace`), so that no stream
of publications keeps witnesses busy.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.addition_gate import feed_policy
from fedsafe_federation.feed.witnessing import witness_of
from fedsafe_federation.wire.pace import Pace
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NodeError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.anchor import Cosigned
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.log.proofs import SignedTree
from fedsafe_node.members.peering.witness_requests import Asked, Asking, OwnLog
from fedsafe_node.rules.policy_context import Coverage
from fedsafe_node.store.protocol import Store

_RETRY: Final = 1.0
_LOG: Final = logging.getLogger(f"{LOGGER}.cosigning")


class FeedCosigning(Asking):
    """Obtains cosignatures of the own feed.

    State, owned by the event loop, beside the asker's: `_tree` is what is asked for,
    `_grew` says that there may be more, `_reached` is how far the quorum has come;
    `coverage.waiting` has the node's own name since when additions wait.
    """

    first_pause = 0.2
    longest_pause = 30.0

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        log: OwnLog,
        store: Store,
        client: PeerClient,
        trail: AuditTrail,
        clock: Clock,
        *,
        coverage: Coverage,
        tell: Callable[[int], None],
    ) -> None:
        super().__init__(log, store, client, trail, clock)
        self._coverage = coverage
        self._tell = tell
        self._me = ""
        self._tree: SignedTree | None = None
        self._grew = True
        self._reached = 0
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def join(self, membership: Membership) -> None:
        """Know the witnesses, and what the charter wants, from the next start on."""
        self._me = membership.me.name
        self.policy = feed_policy(membership.charter, self._me)
        wanted = {each.key for each in self.policy.witnesses}
        members = {witness_of(each): each for each in membership.others}
        before, self._asked = self._asked, []
        for key, member in members.items():
            if key in wanted:
                self._asked.append(Asked.of(key, member).known_in(before))
        self._grew, self._tree = True, None  # keys may have changed, here or there

    @property
    def waits(self) -> bool:
        """Whether additions wait for witnesses at all."""
        return self.policy is not None and not self.policy.reached(set())

    def grew(self) -> None:
        """Ask for what the feed has by now."""
        self._grew = True
        self._wake.set()

    def stir(self, member: str) -> None:
        """Know that a member is there: it has asked for something."""
        for each in self._asked:
            if each.name == member and each.not_before is not None:
                each.not_before = None
                self._wake.set()

    def start(self) -> None:
        """Ask from now on."""
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ask nobody any more."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        await super().stop()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(monotonic=loop.time, sleep=asyncio.sleep)
        while True:
            self._wake.clear()
            try:
                await self._round()
                pause = self._pause()
            except NodeError as error:
                pause, reason = _RETRY, type(error).__name__
                _LOG.warning("the feed cannot be signed", extra=fields(reason=reason))
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue
            await pace.turn()

    async def _round(self) -> None:
        if self.policy is None or self.alarm is not None:
            return
        if self._tree is None:
            found = await self.cosigned()
            self._reached = found.size if found is not None else 0
        if self._grew or self._tree is None:
            self._grew = False
            self._tree = await self._log.grow()
        if self._tree.checkpoint.size > self._reached and self.waits:
            self._coverage.waiting.setdefault(self._me, self._clock.now())
        self.ask_due(self._tree)

    def _pause(self) -> float | None:
        tree, now = self._tree, self._seconds()
        if tree is None or self.alarm is not None:
            return None
        waits = [
            each.not_before - now
            for each in self._asked
            if each.task is None and each.not_before is not None
        ]
        return max(0.0, min(waits)) if waits else None

    def _seconds(self) -> float:
        return asyncio.get_running_loop().time()

    def _wants(self, witness: Asked, tree: SignedTree) -> bool:
        return witness.kept < tree.checkpoint.size

    def _ended(self) -> None:
        self._wake.set()

    def _answered(self, found: Cosigned | None, size: int) -> None:
        del size
        if found is None or found.size <= self._reached:
            return
        self._reached = found.size
        if self._tree is None or found.size >= self._tree.checkpoint.size:
            self._coverage.waiting.pop(self._me, None)
        if self.waits:
            self._tell(found.size)
