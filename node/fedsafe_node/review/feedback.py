# SPDX-License-Identifier: Apache-2.0
"""What a decision gives back to the origins of the signals behind it (4.1).

In the act that dismisses a match because the listing is wrong, each origin is owed an
*inquiry* about its signal (`review.inquiry_exchange` brings it). About this node's own
signal nobody has to be asked: its review is opened here. Each end of a review is
counted by origin, kind and ending; what an origin is told of that says
`members.peering.sightings`.

An inquiry restricts nothing and ends nothing: people look at the signal, or do not.
"""

from collections.abc import Sequence
from enum import StrEnum, unique
from typing import Final
from uuid import UUID

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.acts.reviews import Because
from fedsafe_node.ground.principal import Actor
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.notices.provider_events.announcer import Announcement, Content
from fedsafe_node.review.contents import open_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.store.review_rows import (
    InquirerRow,
    InquiryRow,
    SentInquiryRow,
    TaskDecisionRow,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.vocabulary import Outcome

AGAIN: Final = 30 * SECONDS_A_DAY
"""So many seconds later the same member may ask again about a signal that was kept."""
_BY: Final = Actor.REVIEW.value


@unique
class Ending(StrEnum):
    """How a review ended, as it is counted."""

    LISTING_WRONG = "listing_wrong"
    DISMISS = "dismiss"
    FEATURE_LIMIT = "feature_limit"
    CONFIRM = "confirm"
    LAPSED = "lapsed"


_ENDINGS: Final = {
    Outcome.DISMISS: Ending.DISMISS,
    Outcome.FEATURE_LIMIT: Ending.FEATURE_LIMIT,
    Outcome.CONFIRM: Ending.CONFIRM,
}


async def give_back(
    desk: ReviewDesk,
    tx: Transaction,
    made: TaskDecisionRow,
    about: bytes | None = None,
) -> None:
    """Count a decision that ends a review, and owe inquiries for a wrong listing.

    An inquiry is about each signal behind the task, or only the one of *about*.
    """
    ending = _ENDINGS.get(Outcome(made.outcome))
    if ending is None:
        return
    if made.because == Because.LISTING_WRONG:
        ending = Ending.LISTING_WRONG
        for row in await tx.task_signals(made.task):
            if about in {None, row.signal_id}:
                await inquire(desk, tx, row.origin, row.signal_id)
    await count_ending(desk, tx, made.task, ending)


async def count_ending(
    desk: ReviewDesk, tx: Transaction, task: str, ending: Ending
) -> None:
    """Count the end of a review: once for each other origin and kind behind it."""
    node, counted = desk.situation.node, set[tuple[str, str]]()
    for row in await tx.task_signals(task):
        if desk.origin_of(row.origin) == node:
            continue
        match = open_match(row, desk.periods)
        if match is not None:
            counted.add((row.origin, match.kind.value))
    for origin, kind in sorted(counted):
        await tx.count_sighting(origin, kind, ending.value)


async def inquire(
    desk: ReviewDesk, tx: Transaction, list_: str, signal_id: bytes
) -> None:
    """Owe the origin of a signal an inquiry; an own signal is for the own people."""
    now, node = desk.now(), desk.situation.node
    day = now // SECONDS_A_DAY
    if desk.origin_of(list_) == node:
        await take_inquiry(desk, tx, list_, signal_id, member=node, day=day)
        return
    known = await tx.sent_inquiry(list_, signal_id)
    if known is not None and not _asks_anew(known, now):
        return
    await tx.put_sent_inquiry(
        SentInquiryRow(
            origin=list_,
            signal_id=signal_id,
            state=SentState.WAITING,
            day=day,
            changed_at=now,
            next_at=now,
        )
    )


def _asks_anew(known: SentInquiryRow, now: int) -> bool:
    return known.state is SentState.KEPT and now >= known.changed_at + AGAIN


def adds(
    known: InquiryRow, asked: Sequence[InquirerRow], member: str, now: int
) -> bool:
    """Tell whether another inquiry of a member changes anything.

    What a member says of the day counts for nothing here, or it could ask each minute.
    """
    if known.state is InquiryState.ENDED:
        return False
    before = [row.received_at for row in asked if row.member == member]
    return not before or now >= before[0] + AGAIN


async def take_inquiry(  # noqa: PLR0913 - an inquiry, and about what
    desk: ReviewDesk,
    tx: Transaction,
    list_: str,
    signal_id: bytes,
    *,
    member: str,
    day: int,
) -> InquiryRow:
    """Let a signal of this node be reviewed; give where that stands.

    What members ask about one signal is one item. A signal that was kept comes up again
    for a member that has not asked before, or not for long: nobody's hundred inquiries
    bring the same question a hundred times.
    """
    now = desk.now()
    known, asked = await tx.inquiry(signal_id), await tx.inquirers(signal_id)
    if known is not None and not adds(known, asked, member, now):
        return known
    inquirer = InquirerRow(signal_id=signal_id, member=member, day=day, received_at=now)
    opened = known is None or known.state is not InquiryState.OPEN
    item = known
    if item is None or opened:
        item = InquiryRow(
            signal_id=signal_id, origin=list_, state=InquiryState.OPEN, opened_at=now
        )
        await tx.put_inquiry(item)
    await tx.put_inquirer(inquirer)
    members = len({row.member for row in asked} | {member})
    detail: Detail = {
        "signal": str(UUID(bytes=signal_id)),
        "member": member,
        "reason": Because.LISTING_WRONG.value,
        "day": day,
        "members": members,
        "policy": desk.situation.policy.reference,
    }
    entry = desk.trail.entry(
        Event.INQUIRY_TAKEN,
        at=desk.clock.now(),
        outcome="opened" if opened else "joined",
        actor=_BY,
        detail=detail,
    )
    await desk.note(tx, entry)
    if opened:
        content: Content = {
            "signal": str(UUID(bytes=signal_id)),
            "reason": Because.LISTING_WRONG.value,
            "members": members,
        }
        announcement = Announcement(EventKind.INQUIRY_DUE, content=content)
        await desk.announcer.announce(tx, announcement)
    return item
