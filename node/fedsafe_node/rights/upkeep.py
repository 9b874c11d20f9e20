# SPDX-License-Identifier: Apache-2.0
"""Watch over requests: remind before their time ends, wipe what is long ended.

A job of the node's clockwork. What is wiped is closed as well, if nobody has closed it
since it was answered, and keeps its dates and outcome.
"""

from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Event
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.rights.request_state import decidable_until, undecided
from fedsafe_node.rights.sealing import open_content, seal_content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.rights_rows import RequestRow, RequestState
from fedsafe_node.store.transaction import Transaction

REMINDED: Final = 7 * 24 * 60 * 60
"""So many seconds before a request is due, people are reminded of it."""
WIPED: Final = 90 * 24 * 60 * 60
"""So many seconds after its answer or end, what a request has found is wiped."""
_DAY: Final = 24 * 60 * 60
CHECKED: Final = 2 * _DAY
"""So many seconds after an identity check, people are reminded to decide on it."""
ACTOR_NAME: Final = Actor.REQUESTS.value
_BATCH: Final = 500
_CHECK: Final = "identity_check"


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
        checks = await _remind_of_checks(tx, desk, announcer, now)
        ended = await tx.requests_ended(now - WIPED, _BATCH)
        for row in ended:
            await tx.put_request(_wiped(row, now))
        if ended:
            await _note(tx, desk, Event.REQUESTS_WIPED, requests=len(ended))
        return Tended(len(near) + checks, len(ended))

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


async def _remind_of_checks(
    tx: Transaction, desk: Desk, announcer: Announcer, now: int
) -> int:
    """Remind of identity checks that a second officer forgets, each day anew.

    Until one has decided, nothing rests: whoever is listed by mistake stays listed.
    """
    waiting = [each async for each in undecided(tx, desk.periods)]
    reminded = 0
    for row, content, checked in waiting:
        act = await tx.act(checked.act)
        asked_at = row.opened_at if act is None else act.asked_at
        last = checked.reminded_at
        if now < (asked_at + CHECKED if last is None else last + _DAY):
            continue
        until = await decidable_until(tx, checked, now)
        due_at = asked_at if act is None else act.expires_at
        kept = replace(content, checked=replace(checked, reminded_at=now))
        sealed = seal_content(desk.periods, row.id, row.period, kept)
        await tx.put_request(replace(row, sealed=sealed))
        await _note(
            tx,
            desk,
            Event.REQUEST_DUE,
            request=row.id,
            due=due_at,
            milestone=_CHECK,
            act=checked.act,
        )
        said: Content = {
            "request": row.id,
            "kind": row.kind,
            "milestone": _CHECK,
            "due_at": due_at,
            "overdue": until is None,
            "reminder": True,
        }
        announcement = Announcement(EventKind.RIGHTS_DUE, content.subject_ref, said)
        await announcer.announce(tx, announcement)
        reminded += 1
    return reminded


async def _note(tx: Transaction, desk: Desk, event: Event, **detail: str | int) -> None:
    entry = desk.trail.entry(
        event,
        at=desk.clock.now(),
        actor=ACTOR_NAME,
        detail={**detail, "policy": desk.situation.policy.reference},
    )
    await tx.append(desk.trail.log, entry.record, entry.openings)
