# SPDX-License-Identifier: Apache-2.0
"""What a clock does to match floods: remind, end what nobody ruled on, forget.

Part of the job that tends reviews, in acts of a bounded size. References live no longer
than a match without a decision (P9); a flood that nobody ruled on lapses with them, and
its signal is counted anew. What a hold keeps stays until that is over.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from fedsafe_node.acts.floods import FloodState
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.notices.provider_events.announcer import Content
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.review.flood_rulings import review_references
from fedsafe_node.review.floods import announce_flood, flood_event, is_flood_held
from fedsafe_node.store.review_rows import FloodRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.floods import REST_REVIEW
from fedsafe_policies.rules.reviews import decision_ends

BATCH: Final = 20
RULING_LASTS: Final = 366 * SECONDS_A_DAY
"""So long something rests by a ruling after its last signal has ended: as long as a
signal lives without another look at it (P9)."""
_BY: Final = Actor.REVIEW.value
_Step = Callable[[ReviewDesk, Transaction], Awaitable[int]]


async def tend_floods(desk: ReviewDesk) -> int:
    """Do all that is due; return how many floods lost their content.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    ended = 0
    for step in (_end_stopped, _lapse, _drop_references):
        ended += await _all(desk, step)
    await _all(desk, _remind)
    await review_references(desk)
    await desk.store.write(lambda tx: _forget(desk, tx))
    return ended


async def _all(desk: ReviewDesk, step: _Step) -> int:
    done = 0
    while count := await desk.store.write(lambda tx: step(desk, tx)):
        done += count
    return done


async def _end_stopped(desk: ReviewDesk, tx: Transaction) -> int:
    """End what is about a signal that was revoked, has expired or was erased.

    A ruling by which it rests stays without it: its origin may list the same again.
    """
    rows = await tx.floods_stopped(BATCH)
    for flood in rows:
        await _end(desk, tx, flood, FloodState.OVER)
    return len(rows)


async def _lapse(desk: ReviewDesk, tx: Transaction) -> int:
    rows = await tx.floods_ended(desk.now(), BATCH)
    for flood in rows:
        if not await _is_put_off(desk, tx, flood):
            await _end(desk, tx, flood, FloodState.LAPSED)
    return len(rows)


async def _end(
    desk: ReviewDesk, tx: Transaction, flood: FloodRow, state: FloodState
) -> None:
    is_open = flood.state is FloodState.WAITING
    ended = replace(flood, state=state if is_open else flood.state, sealed=None)
    ended = replace(ended, remind_at=None, ends_at=min(flood.ends_at, desk.now()))
    await tx.put_flood(ended)
    await tx.drop_flood_subjects(flood.id)
    if not is_open:
        return
    detail: Detail = {"references": flood.kept, "state": flood.state.value}
    entry = flood_event(
        desk, Event.FLOOD_ENDED, ended, detail, by=_BY, outcome=state.value
    )
    await desk.note(tx, entry)
    content: Content = {"outcome": state.value, "references": flood.kept}
    await announce_flood(desk, tx, EventKind.FLOOD_RULED, ended, content)


async def _drop_references(desk: ReviewDesk, tx: Transaction) -> int:
    rows = await tx.floods_due(FloodState.RESTED, desk.now(), BATCH)
    for flood in rows:
        if not await _is_put_off(desk, tx, flood):
            await tx.drop_flood_subjects(flood.id)
    return len(rows)


async def _is_put_off(desk: ReviewDesk, tx: Transaction, flood: FloodRow) -> bool:
    if not await is_flood_held(tx, flood, desk.now()):
        return False
    await tx.put_flood(replace(flood, ends_at=desk.now() + SECONDS_A_DAY))
    return True


async def _remind(desk: ReviewDesk, tx: Transaction) -> int:
    rows = await tx.floods_to_remind_of(desk.now(), BATCH)
    for flood in rows:
        rests = flood.state is FloodState.RESTED
        again = desk.now() + REST_REVIEW if rests else None
        await tx.put_flood(replace(flood, remind_at=again))
        if not (rests or flood.state is FloodState.WAITING):
            continue
        said: Detail = {"references": flood.kept, "ends_at": flood.ends_at}
        entry = flood_event(
            desk,
            Event.FLOOD_DUE,
            flood,
            said,
            by=_BY,
            outcome="rests" if rests else "reminder",
        )
        await desk.note(tx, entry)
        content: Content = {
            "why": "rests" if rests else "reminder",
            "bound": flood.bound,
            "ends_at": flood.ends_at,
        }
        await announce_flood(desk, tx, EventKind.FLOOD_DUE, flood, content)
    return len(rows)


async def _forget(desk: ReviewDesk, tx: Transaction) -> None:
    now = desk.now()
    await tx.forget_restricted(now - SECONDS_A_DAY)
    await tx.forget_raised(now)
    await tx.forget_flood_pictures(now - SECONDS_A_DAY)
    await tx.forget_floods(now - decision_ends(0), now - RULING_LASTS)
