# SPDX-License-Identifier: Apache-2.0
"""What a node does by itself: expiry, checkpoints, sums, index merges, clean-up.

APScheduler only ticks. What is due lies in the store's due-table and is judged by
the node's own clock, so a job that was missed while the node was down runs at the
next tick, and a test decides what time it is. A job that failed is tried again after
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

from apscheduler.schedulers.asyncio import AsyncIOScheduler

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
_LOG = logging.getLogger(f"{LOGGER}.jobs")


class Jobs:
    """Runs the jobs that are due, in each lane one after the other.

    Owned by the event loop: the scheduler, and a lock for each lane, held during
    its tick.
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
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    async def start(self) -> None:
        """Plan every job that has no date yet, then tick."""
        known = {job for job, _ in await self._store.read(lambda r: r.due(_FOREVER))}
        now = int(self._clock.now().timestamp())

        async def act(tx: Transaction) -> None:
            for name in self._jobs.keys() - known:
                await tx.set_due(name, now)

        await self._store.write(act, vital=True)
        for lane in Lane:
            self._scheduler.add_job(
                self._tick_if_free,
                "interval",
                args=[lane],
                seconds=TICK_SECONDS,
                # A tick that comes late, or while one is under way, is no warning.
                max_instances=2,
                misfire_grace_time=None,
                coalesce=True,
            )
        self._scheduler.start()

    async def tick(self) -> None:
        """Run what is due now."""
        for lane in Lane:
            await self._tick(lane)

    async def stop(self) -> None:
        """Finish the ticks that are under way; tick no more."""
        if self._scheduler.running:
            self._scheduler.pause()
            async with AsyncExitStack() as ended:
                for lock in self._lanes.values():
                    await ended.enter_async_context(lock)
                self._scheduler.shutdown(wait=False)

    async def _tick_if_free(self, lane: Lane) -> None:
        if not self._lanes[lane].locked():
            await self._tick(lane)

    async def _tick(self, lane: Lane) -> None:
        async with self._lanes[lane]:
            now = int(self._clock.now().timestamp())
            for name, _ in await self._store.read(lambda reader: reader.due(now)):
                job = self._jobs.get(name)
                if job is not None and job.lane is lane:
                    await self._run(name, job)

    async def _run(self, name: str, job: Job) -> None:
        wait, asking = job.every, begin()
        try:
            await self._following.fresh()
            await job.work()
        except Exception:  # noqa: BLE001
            # The boundary of a job: nothing of its act was kept.
            _LOG.exception("job failed", extra=fields(job=name, trace=asking.trace))
            wait = min(wait, RETRY)
        due = int((self._clock.now() + wait).timestamp())
        try:
            await self._store.write(lambda tx: tx.set_due(name, due), vital=True)
        except StoreError:
            # It stays due, and the other jobs have their turn.
            _LOG.exception("job not planned", extra=fields(job=name))


_FOREVER: Final = 1 << 62
