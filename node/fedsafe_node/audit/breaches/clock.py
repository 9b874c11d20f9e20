# SPDX-License-Identifier: Apache-2.0
"""The 72 hours for the authority, and the 24 for the other members.

People are reminded before they are over, when they are, and every day after. A job of
the node's clockwork. What reminds is an event for the provider's back-end
(`breach.due`) and an audit event, in one act with the entry that says so.
"""

from functools import partial

import msgspec

from fedsafe_node.acts.breaches import Notified
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.audit.breaches.entries import (
    REMINDED,
    breach_record,
    read_breach,
    written,
)
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.oversight_rows import BreachRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction

ACTOR_NAME = Actor.CLOCK.value


async def count_breaches(reader: Reader, now: int) -> tuple[int, int]:
    """Count the breaches that are open, and those whose time to notify is over."""
    known = [read_breach(row) for row in await reader.breaches()]
    is_open = sum(breach.closed_at is None for breach in known)
    return is_open, sum(breach.overdue(now) for breach in known)


async def remind_of_breaches(
    desk: Desk, announcer: Announcer, *, has_members: bool
) -> int:
    """Remind of what is due; return how often.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    now = int(desk.clock.now().timestamp())
    count = 0
    for whom in (Notified.AUTHORITY, *([Notified.MEMBERS] if has_members else ())):
        near = partial(_near, now=now, whom=whom)
        if await desk.store.read(near):
            act = partial(_remind_all, now=now, whom=whom, desk=desk, say=announcer)
            count += await desk.store.write(act)
    return count


async def _remind_all(
    tx: Transaction, *, now: int, whom: Notified, desk: Desk, say: Announcer
) -> int:
    rows = await _near(tx, now, whom)
    for row in rows:
        await _remind(tx, row, now, whom, desk, say)
    return len(rows)


async def _near(reader: Reader, now: int, whom: Notified) -> list[BreachRow]:
    found = []
    for row in await reader.breaches():
        breach = read_breach(row)
        waits, at = breach.waits, breach.remind_at
        if whom is Notified.MEMBERS:
            waits, at = breach.members_wait, breach.members_remind_at
        if waits and at <= now:
            found.append(row)
    return found


async def _remind(  # noqa: PLR0913 - whom to remind of, and with what
    tx: Transaction,
    row: BreachRow,
    now: int,
    whom: Notified,
    desk: Desk,
    announcer: Announcer,
) -> None:
    before = read_breach(row)
    if whom is Notified.MEMBERS:
        breach = msgspec.structs.replace(before, members_reminded_at=now)
        due_at = breach.members_due_at
    else:
        breach = msgspec.structs.replace(before, reminded_at=now)
        due_at = breach.due_at
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
        "to": whom.value,
        "due_at": written(due_at),
        "overdue": now >= due_at,
    }
    await announcer.announce(tx, Announcement(EventKind.BREACH_DUE, content=content))
    trail: AuditTrail = desk.trail
    entry = trail.entry(
        Event.BREACH_DUE,
        at=desk.clock.now(),
        outcome="overdue" if now >= due_at else "near",
        actor=ACTOR_NAME,
        detail=content,
    )
    await tx.append(trail.log, entry.record, entry.openings)
