# SPDX-License-Identifier: Apache-2.0
"""A match opens a review, in the act that writes the lookup's event (P13).

One open task an account: what matches later joins it, under the clock that its first
match began. Accounts of two services are two, whatever both call them. What an open or
watched task holds already opens nothing new, so asking again costs no write. Who asks
without a reference to the account gets one that stands for the signals which matched:
all of a service who ask so share one open task for them, or asking 1,000 times would
leave 1,000 tasks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_node.acts.lookup import Match
from fedsafe_node.ground.subject_refs import UNNAMED, join
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.review.contents import seal_match
from fedsafe_node.review.desk import ReviewDesk
from fedsafe_node.store.review_rows import TaskRow, TaskState
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.rules.reviews import review_ends

_DOMAIN: Final = "fedsafe/v1/unnamed"
_ID_BYTES: Final = 16
_Key = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """The task of a match, its account, and the events that the act owes for it."""

    task: str
    subject: str
    events: Sequence[LogEntry] = ()


async def open_review(  # noqa: PLR0913 - the act, and what it is about
    desk: ReviewDesk,
    tx: Transaction,
    subject: str | None,
    matches: Sequence[Match],
    moment: datetime,
    *,
    by: str,
    service: str,
) -> Opened:
    """Open or grow the task of an account that *matches* were found for.

    Of whom no account is named, the task is that of the *service* which asks.
    """
    found: dict[_Key, Match] = {}
    for match in matches:
        list_ = desk.list_of(match.origin, own=match.own)
        found.setdefault((list_, UUID(match.signal).bytes), match)
    named = named_account(subject, found, service=service)
    live = await tx.live_tasks(named)
    if subject is None:
        # Of whom a watch is, nobody knows: the next match may be another's.
        live = [task for task in live if task.state is TaskState.OPEN]
    for task in live:
        for row in await tx.task_signals(task.id):
            if row.effect is None:
                found.pop((row.origin, row.signal_id), None)
    current = next((each for each in live if each.state is TaskState.OPEN), None)
    if not found:
        return Opened((live[-1] if current is None else current).id, named)
    if current is None:
        task, event = _begin(desk, named, moment), Event.TASK_OPENED
        await tx.add_task(task)
    else:
        task, event = replace(current, revision=current.revision + 1), Event.TASK_GROWN
        await tx.put_task(task)
    rows = [
        seal_match(task.id, list_, match, desk.periods, moment)
        for (list_, _), match in found.items()
    ]
    await tx.put_task_signals(rows)
    detail: Detail = {
        "signals": " ".join(match.signal for match in found.values()),
        "ends_at": task.ends_at,
    }
    return Opened(task.id, named, [desk.event(event, task, detail, by=by)])


def named_account(subject: str | None, found: Iterable[_Key], *, service: str) -> str:
    """Name an account: as it was named, or after the signals that were found."""
    if subject is not None:
        return subject
    framed = b"".join(lp_text(list_) + signal for list_, signal in sorted(found))
    digest = sha256(lp_text(_DOMAIN) + framed).hexdigest()
    return join(service, f"{UNNAMED}{digest[: 2 * _ID_BYTES]}")


def _begin(desk: ReviewDesk, subject: str, moment: datetime) -> TaskRow:
    now = int(moment.timestamp())
    ends = review_ends(now, desk.situation.policy)
    return TaskRow(
        id=token_hex(_ID_BYTES),
        subject=subject,
        state=TaskState.OPEN,
        opened_at=now,
        ends_at=ends,
        remind_at=reminder_before(ends, now),
    )


def reminder_before(ends: int, now: int) -> int:
    """Say when to remind of an end: a day before it, or at once."""
    return max(ends - SECONDS_A_DAY, now)
