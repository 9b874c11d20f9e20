# SPDX-License-Identifier: Apache-2.0
"""The 72 hours: remind a day before they are over, when they are, and every day after.

A job of the node's clockwork. What reminds is an event for the provider's back-end
(`breach.due`) and an audit event, in one act with the entry that says so.
"""

import msgspec

from fedsafe_node.breaches.entries import (
    REMINDED,
    breach_record,
    read_breach,
    written,
)
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.principal import Actor
from fedsafe_node.provider_events.announcing import (
    Announcement,
    Announcer,
    Content,
    EventKind,
)
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.oversight_rows import BreachRow
from fedsafe_node.store.protocol import Reader, Transaction

ACTOR_NAME = Actor.CLOCK.value


async def count_breaches(reader: Reader, now: int) -> tuple[int, int]:
    """Count the breaches that are open, and those whose time to notify is over."""
    known = [read_breach(row) for row in await reader.breaches()]
    is_open = sum(breach.closed_at is None for breach in known)
    return is_open, sum(breach.overdue(now) for breach in known)


async def remind_of_breaches(desk: Desk, announcer: Announcer) -> int:
    """Remind of what is due; return of how many breaches.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    now = int(desk.clock.now().timestamp())
    if not await desk.store.read(lambda reader: _near(reader, now)):
        return 0

    async def act(tx: Transaction) -> int:
        rows = await _near(tx, now)
        for row in rows:
            await _remind(tx, row, now, desk, announcer)
        return len(rows)

    return await desk.store.write(act)


async def _near(reader: Reader, now: int) -> list[BreachRow]:
    found = []
    for row in await reader.breaches():
        breach = read_breach(row)
        if breach.waits and breach.remind_at <= now:
            found.append(row)
    return found


async def _remind(
    tx: Transaction, row: BreachRow, now: int, desk: Desk, announcer: Announcer
) -> None:
    breach = msgspec.structs.replace(read_breach(row), reminded_at=now)
    await tx.add_breach_entry(
        BreachRow(
            None,
            row.breach,
            REMINDED,
            breach_record(breach),
            None,
            None,
            now,
            ACTOR_NAME,
        )
    )
    content: Content = {
        "breach": row.breach,
        "due_at": written(breach.due_at),
        "overdue": breach.overdue(now),
    }
    await announcer.announce(tx, Announcement(EventKind.BREACH_DUE, content=content))
    trail: AuditTrail = desk.trail
    entry = trail.entry(
        Event.BREACH_DUE,
        at=desk.clock.now(),
        outcome="overdue" if breach.overdue(now) else "near",
        actor=ACTOR_NAME,
        detail=content,
    )
    await tx.append(trail.log, entry.record, entry.openings)
