# SPDX-License-Identifier: Apache-2.0
"""Watch over requests: remind before their month ends, wipe what is long ended.

A job of the node's clockwork. What is wiped is closed as well, if nobody has closed it
since it was answered, and keeps its dates and outcome.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_node.log.audit import Event
from fedsafe_node.principal import Actor
from fedsafe_node.provider_events.announcing import (
    Announcement,
    Announcer,
    Content,
    EventKind,
)
from fedsafe_node.rights.sealing import open_content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.store.rights_rows import RequestRow, RequestState

REMINDED: Final = 7 * 24 * 60 * 60
"""So many seconds before a request is due, people are reminded of it."""
WIPED: Final = 90 * 24 * 60 * 60
"""So many seconds after its answer or end, what a request has found is wiped."""
ACTOR_NAME: Final = Actor.REQUESTS.value
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Tended:
    """How many requests were reminded of, and wiped."""

    reminded: int = 0
    wiped: int = 0


async def tend_requests(desk: Desk, announcer: Announcer) -> Tended:
    """Remind of what is nearly due, and wipe what is long answered or closed.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    now = int(desk.clock.now().timestamp())

    async def act(tx: Transaction) -> Tended:
        near = await tx.requests_due(now + REMINDED, _BATCH)
        for row in near:
            await _remind(tx, desk, announcer, row, now)
        ended = await tx.requests_ended(now - WIPED, _BATCH)
        for row in ended:
            await tx.put_request(_wiped(row, now))
        if ended:
            await _note(tx, desk, Event.REQUESTS_WIPED, requests=len(ended))
        return Tended(len(near), len(ended))

    tended = await desk.store.write(act)
    if tended.wiped:
        await desk.store.scrub()
    return tended


def _wiped(row: RequestRow, now: int) -> RequestRow:
    wiped = replace(row, sealed=None, collect=None)
    if row.state is RequestState.CLOSED:
        return wiped
    return replace(
        wiped,
        state=RequestState.CLOSED,
        outcome="answered",
        ended_at=now,
        ended_by=ACTOR_NAME,
    )


async def _remind(
    tx: Transaction, desk: Desk, announcer: Announcer, row: RequestRow, now: int
) -> None:
    await tx.put_request(replace(row, reminded_at=now))
    await _note(tx, desk, Event.REQUEST_DUE, request=row.id, due=row.due_at)
    content = open_content(desk.periods, row)
    subject = content.subject_ref if content is not None else None
    said: Content = {
        "request": row.id,
        "kind": row.kind,
        "due_at": row.due_at,
        "reminder": True,
    }
    await announcer.announce(tx, Announcement(EventKind.RIGHTS_DUE, subject, said))


async def _note(tx: Transaction, desk: Desk, event: Event, **detail: str | int) -> None:
    entry = desk.trail.entry(
        event,
        at=desk.clock.now(),
        actor=ACTOR_NAME,
        detail={**detail, "policy": desk.situation.policy.reference},
    )
    await tx.append(desk.trail.log, entry.record, entry.openings)
