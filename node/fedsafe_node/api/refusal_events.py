# SPDX-License-Identifier: Apache-2.0
"""What the API's border refuses, as events of the audit log, in bounded space.

The first refusal of an asker, route and reason is an event before its answer leaves;
those that follow within the hour are counted, and become one event with how many they
were and when the first and the last one was. A process that is killed loses such counts
of an hour at most, and no first one.

Whoever has proved to be nobody is *keyless*: a class, and the prefix of an address in
a group of its own (`SOURCE`), which retention erases within a week. Nobody can make
the node write without end: of the keyless only so many prefixes, routes and reasons are
told apart in an hour, of each other asker so many routes and reasons; what comes beyond
is counted among `others`. Each process of a node counts for itself.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from fedsafe_crypto.primitives.commitment import SALT_BYTES
from fedsafe_crypto.primitives.sodium import draw
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import StoreError
from fedsafe_node.ground.job import Job
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.log.audit import SOURCE, AuditTrail, Event
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, Opening
from fedsafe_node.store.transaction import Transaction

KEYLESS: Final = "keyless"
MEMBER: Final = "member"
OTHERS: Final = "others"
_MINUTE: Final = timedelta(minutes=1)
WINDOW: Final = timedelta(hours=1)
MOST_PREFIXED: Final = 32
MOST_OF_PREFIX: Final = 8
MOST_OTHERS: Final = 32
MOST_OF_NAME: Final = 32
_LOG = logging.getLogger(f"{LOGGER}.refusals")


@dataclass(frozen=True, slots=True)
class Refused:
    """Who was refused what, and why.

    `who` is `keyless`, or a class of those who have a `name`: `service`, `person`,
    `member`, `local`. `route` is a route's name, `reason` a problem's code. A `prefix`
    is that of an address, empty where none is to be kept.
    """

    who: str
    name: str
    prefix: str
    route: str
    reason: str


@dataclass(slots=True)
class _Run:
    """Refusals of one kind: since when, and those behind the first one."""

    began: datetime
    first_written: "asyncio.Task[None]"
    repeats: int = 0
    again: datetime | None = None
    last: datetime | None = None

    def add(self, now: datetime) -> None:
        self.repeats += 1
        self.again, self.last = self.again or now, now


class Refusals:
    """Writes refusals down.

    Owned by the event loop: `_runs`, what was refused within the hour and what has not
    been summed up yet; `_warned`, when the log last said that nothing is kept.
    """

    def __init__(self, store: Store, trail: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock
        self._runs: dict[Refused, _Run] = {}
        self._warned: datetime | None = None

    def jobs(self) -> Mapping[str, Job]:
        """Name the duty that sums up; each process has its own."""
        return {"refusals": Job(self.sum_up, _MINUTE, is_own=True)}

    async def note(self, refused: Refused) -> None:
        """Write a refusal down before its answer leaves, or count it.

        Who is keyless is refused, whether that can be written down or not.

        Raises:
            StoreError: it can't, and whoever asks is somebody.
        """
        kind, now = self._told_apart(refused), self._clock.now()
        run = self._runs.get(kind)
        if run is not None:
            run.add(now)
        else:
            entry = self._entry(kind, now)
            run = _Run(now, asyncio.create_task(self._write_first(kind, entry)))
            self._runs[kind] = run
        try:
            await asyncio.shield(run.first_written)
        except StoreError:
            if refused.who != KEYLESS:
                raise

    async def sum_up(self, *, ends: bool = False) -> None:
        """Write the sums of runs that are an hour old, or of all as the process *ends*.

        Raises:
            StoreError: they are not kept, and are counted on.
        """
        now = self._clock.now()
        due = {
            kind: run
            for kind, run in self._runs.items()
            if run.first_written.done() and (ends or now - run.began >= WINDOW)
        }
        for kind in due:
            del self._runs[kind]
        entries = [
            self._entry(kind, now, run) for kind, run in due.items() if run.repeats
        ]
        if not entries:
            return

        async def act(tx: Transaction) -> None:
            await tx.append_many(self._trail.log, entries)

        try:
            await self._store.write(act)
        except StoreError:
            for kind, run in due.items():
                self._put_back(kind, run)
            raise

    def _put_back(self, kind: Refused, run: _Run) -> None:
        newer = self._runs.get(kind)
        if newer is not None:  # its first refusal is an event of its own
            run.repeats += newer.repeats
            run.again = run.again or newer.again
            run.last = newer.last or run.last
        self._runs[kind] = run

    async def _write_first(self, kind: Refused, entry: LogEntry) -> None:
        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        try:
            await self._store.write(act)
        except StoreError:
            self._runs.pop(kind, None)  # the next one is the first
            self._warn(kind)
            raise

    def _warn(self, kind: Refused) -> None:
        """Say that a refusal is not audited, once a minute: strangers bring many."""
        now = self._clock.now()
        if self._warned is None or not timedelta() <= now - self._warned < _MINUTE:
            self._warned = now
            facts = fields(reason="store", route=kind.route)
            _LOG.warning("refusals are not audited", extra=facts)

    def _told_apart(self, refused: Refused) -> Refused:
        """Say as what a refusal is counted, so that there is a bound on kinds."""
        if refused in self._runs:
            return refused
        counts = Counter(
            kind.prefix
            for kind in self._runs
            if (kind.who, kind.name) == (refused.who, refused.name)
        )
        rest = replace(refused, prefix=OTHERS, route=OTHERS, reason=OTHERS)
        if refused.who != KEYLESS:
            return refused if counts.total() < MOST_OF_NAME else rest
        others = counts.pop(OTHERS, 0)
        if counts[refused.prefix] < MOST_OF_PREFIX and counts.total() < MOST_PREFIXED:
            return refused
        among = replace(refused, prefix=OTHERS)
        return among if among in self._runs or others < MOST_OTHERS else rest

    def _entry(self, kind: Refused, now: datetime, run: _Run | None = None) -> LogEntry:
        detail: dict[str, str | int] = {"who": kind.who, "route": kind.route}
        if run is not None and run.again is not None and run.last is not None:
            detail["count"] = run.repeats
            detail["since"] = int(run.again.timestamp())
            detail["until"] = int(run.last.timestamp())
        is_named = kind.name and kind.who != MEMBER
        return self._trail.entry(
            Event.DOOR_REFUSED,
            at=now,
            outcome=kind.reason,
            actor=kind.name if is_named else None,
            detail=detail,
            extra=_source(kind.prefix),
            peer=kind.name if kind.who == MEMBER else None,
        )


def _source(prefix: str) -> list[Opening]:
    if not prefix or prefix == OTHERS:
        return []
    payload = encode({"prefix": prefix})
    return [Opening(group=SOURCE, salt=draw(SALT_BYTES), payload=payload)]
