# SPDX-License-Identifier: Apache-2.0
"""What each process of a node does beside answering, while there are others.

It looks for what the others have changed though nobody asks it anything, and does those
jobs that are about its own memory. What fails is tried again at the next look, and
logged once: a database that is away would fill the log.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.job import Job
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import begin
from fedsafe_node.store.change_counter import POLL

_LOG = logging.getLogger(f"{LOGGER}.attending")

Step = Callable[[], Awaitable[None]]


class Attending:
    """Looks around again and again.

    Owned by the event loop: when each job is due, and with which class of error what
    fails now has failed.
    """

    def __init__(
        self, clock: Clock, steps: Mapping[str, Step], jobs: Mapping[str, Job]
    ) -> None:
        self._clock = clock
        self._steps = steps
        self._jobs = jobs
        self._due: dict[str, datetime] = {}
        self._failing: dict[str, type[Exception]] = {}

    async def run(self) -> None:
        """Look around until it is cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(POLL)

    async def look(self) -> None:
        """Look around once, and do what is due."""
        for name, step in self._steps.items():
            await self._try(name, step)
        now = self._clock.now()
        for name, job in self._jobs.items():
            if self._due.setdefault(name, now + job.every) <= now:
                self._due[name] = now + job.every
                await self._try(name, job.work)

    async def _try(self, name: str, step: Step) -> None:
        asking = begin()
        shown = fields(job=name, trace=asking.trace)
        try:
            await step()
        except Exception as error:  # noqa: BLE001
            # The boundary of a step: the others have their turn, and it has the next.
            if self._failing.get(name) is not type(error):
                _LOG.exception("step failed", extra=shown)
            self._failing[name] = type(error)
        else:
            if self._failing.pop(name, None) is not None:
                _LOG.info("step works again", extra=shown)


def own_jobs(jobs: Mapping[str, Job]) -> tuple[dict[str, Job], dict[str, Job]]:
    """Part the jobs that each process does from those that only one does."""
    names: Sequence[str] = [name for name, job in jobs.items() if job.is_own]
    own = {name: jobs[name] for name in names}
    return own, {name: job for name, job in jobs.items() if name not in own}
