# SPDX-License-Identifier: Apache-2.0
"""What a node does by itself: expiry, checkpoints, sums, index merges, clean-up.

One timer only ticks. What is due is judged by the node's own clock, so a test decides
what time it is. The dates lie in the store's due-table, so a job that was missed while
the node was down runs at the next tick; while it runs they are in memory as well, and
a tick at which nothing is due reads nothing. What comes back within a minute has no
date in the store: it runs at each start. A job that failed is tried again after
a minute; the others do not wait for it. What asks other members has a lane of its
own, and so has what goes to partners: a member that does not answer must not hold up
an expiry or a relock, nor a partner's slow server a joining.
"""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreError
from fedsafe_node.ground.job import Job, Lane
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import begin
from fedsafe_node.store.change_counter import ALONE, Following
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

TICK_SECONDS: Final = 1
RETRY: Final = timedelta(minutes=1)
STORED: Final = timedelta(minutes=1)
"""Jobs that come back as late as this, or later, have a date in the store."""
_LOG = logging.getLogger(f"{LOGGER}.jobs")


class Jobs:
    """Runs the jobs that are due, in each lane one after the other.

    Owned by the event loop: when each job is due, the timer and the ticks that it
    began, and a lock for each lane, held during its tick.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        jobs: Mapping[str, Job],
        following: Following = ALONE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._jobs = jobs
        self._following = following
        self._lanes = {lane: asyncio.Lock() for lane in Lane}
        self._due: dict[str, int] = {}
        self._ticks = set[asyncio.Task[None]]()
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Plan every job that has no date yet, then tick."""
        stored = {name for name, job in self._jobs.items() if job.every >= STORED}
        known = dict(await self._store.read(lambda reader: reader.due(_FOREVER)))
        now = self._now()
        new = dict.fromkeys(stored - known.keys(), now)
        await self._store.write(lambda tx: _plan(tx, new), vital=True)
        self._due = dict.fromkeys(self._jobs, now)
        self._due |= {name: known[name] for name in stored & known.keys()}
        self._wait()

    async def tick(self) -> None:
        """Run what is due now."""
        for lane in Lane:
            await self._tick(lane)

    async def stop(self) -> None:
        """Finish the ticks that are under way; tick no more."""
        if self._timer is None:
            return
        self._timer.cancel()
        self._timer = None
        await asyncio.gather(*self._ticks, return_exceptions=True)
        async with AsyncExitStack() as ended:
            for lock in self._lanes.values():
                await ended.enter_async_context(lock)

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(TICK_SECONDS, self._begin)

    def _begin(self) -> None:
        """Begin a tick in each lane that is free and in which something is due."""
        self._wait()
        now = self._now()
        for lane in {
            self._jobs[name].lane for name, at in self._due.items() if at <= now
        }:
            if not self._lanes[lane].locked():
                tick = asyncio.create_task(self._tick(lane))
                self._ticks.add(tick)
                tick.add_done_callback(self._ticks.discard)

    async def _tick(self, lane: Lane) -> None:
        async with self._lanes[lane]:
            now = self._now()
            names = [
                name
                for name, at in sorted(self._due.items(), key=_by_date)
                if at <= now and self._jobs[name].lane is lane
            ]
            stored: dict[str, int] = {}
            for name in names:
                job = self._jobs[name]
                due = await self._run(name, job)
                if job.every < STORED:
                    self._due[name] = due
                else:
                    stored[name] = due
            if stored:
                await self._keep(stored)

    async def _run(self, name: str, job: Job) -> int:
        """Run a job; say when it is due next."""
        wait, asking = job.every, begin()
        try:
            await self._following.fresh()
            await job.work()
        except Exception:  # noqa: BLE001
            # The boundary of a job: nothing of its act was kept.
            _LOG.exception("job failed", extra=fields(job=name, trace=asking.trace))
            wait = min(wait, RETRY)
        return int((self._clock.now() + wait).timestamp())

    async def _keep(self, due: Mapping[str, int]) -> None:
        try:
            await self._store.write(lambda tx: _plan(tx, due), vital=True)
        except StoreError:
            # They stay due, and the other lanes have their turn.
            _LOG.exception("jobs not planned", extra=fields(job=" ".join(due)))
        else:
            self._due |= due


async def _plan(tx: Transaction, due: Mapping[str, int]) -> None:
    for name, at in due.items():
        await tx.set_due(name, at)


def _by_date(entry: tuple[str, int]) -> tuple[int, str]:
    name, at = entry
    return at, name


_FOREVER: Final = 1 << 62
