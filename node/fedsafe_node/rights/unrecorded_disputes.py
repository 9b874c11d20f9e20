# SPDX-License-Identifier: Apache-2.0
"""Let go of what rests others' signals and no feed shows; alarm where none rules.

Jobs of the node's clockwork, by its own clock. What an author has said to some members
only, the origin may never hear of: the feed, which all hold, does not show it. So it
rests a signal for some days at most at others than the origin. An honest dispute that
waited longer for witnesses rests its signal again as soon as it is a record.

What is a record is at the origin as well, whose clock runs. No clock here ends it, or a
person would be listed again because their origin does not answer; but people here hear
of an origin that has let the time of a ruling pass.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Final

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.records import RestrictionRecord, decode_record
from fedsafe_federation.feed.verification import feed_name
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.dispute_intake import UNRECORDED, let_go
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow
from fedsafe_node.store.transaction import Transaction

OVERDUE: Final = 24 * 60 * 60
"""So many seconds after it was due here a ruling is missed: it has to come here."""
_LONG_AGO: Final = 60 * 24 * 60 * 60
_ACTOR: Final = Actor.DISPUTES.value
_BATCH: Final = 200
_PAGE: Final = 1_024
_MARK: Final = b'"type":"restriction"'


async def let_go_unrecorded(desk: Desk) -> int:
    """Let go of what no feed has shown in time; return how many disputes.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    now, node = int(desk.clock.now().timestamp()), desk.situation.node
    rows = await desk.store.read(
        lambda reader: reader.disputes_unrecorded(node, now - UNRECORDED, _BATCH)
    )
    count = 0
    for author, found in groupby(rows, key=lambda row: row.author):
        said = list(found)
        names = {row.digest for row in said}
        # What came before this node noted it is looked for once.
        shown = await desk.store.scan(
            partial(recorded_in, log=feed_name(author), names=names)
        )
        count += await desk.commit(_LettingGo(desk, said, shown, now).run)
    return count


async def recorded_in(reader: Reader, *, log: str, names: set[bytes]) -> set[bytes]:
    """Find which of these disputes the copy of a feed shows."""
    found: set[bytes] = set()
    first, size = await reader.minimum(log), await reader.log_size(log)
    for start in range(first, size, _PAGE):
        for data in await reader.records(log, start, _PAGE):
            if _MARK not in data:
                continue
            try:
                entry = decode_record(data)
            except MalformedError:
                continue
            if isinstance(entry, RestrictionRecord):
                found.add(digest(entry.statement))
    return found & names


@dataclass(frozen=True, slots=True)
class _LettingGo:
    desk: Desk
    rows: Sequence[DisputeRow]
    shown: set[bytes]
    now: int

    async def run(self, tx: Transaction) -> Changed[int]:
        count = 0
        for row in self.rows:
            if row.digest in self.shown:
                await tx.set_recorded(row.digest)
                continue
            woken = await let_go(tx, row, at=self.now)
            detail: Detail = {**_told(row), "since": row.received_at, "woken": woken}
            await _note(self.desk, tx, Event.DISPUTE_LET_GO, "alarm", detail)
            count += 1
        return Changed(count)


async def alarm_overdue(desk: Desk) -> int:
    """Alarm, once each, where an origin has not ruled in time; return how many.

    Raises:
        StoreFailedError: the rest is done by the next run.
    """
    now, node = int(desk.clock.now().timestamp()), desk.situation.node
    last = now - OVERDUE
    rows = await desk.store.read(
        lambda reader: reader.disputes_overdue(node, last - _LONG_AGO, last, _BATCH)
    )
    if not rows:
        return 0

    async def act(tx: Transaction) -> Changed[int]:
        for row in rows:
            await tx.set_reminded(row.digest, now)
            detail: Detail = {**_told(row), "due": row.due_at}
            await _note(desk, tx, Event.RULING_DUE, "alarm", detail)
        return Changed(len(rows))

    return await desk.commit(act)


def _told(row: DisputeRow) -> Detail:
    return {
        "author": row.author,
        "origin": row.origin,
        "signal": signal_name(row.signal_id),
        "dispute": row.digest.hex(),
        "rule": "P10",
    }


async def _note(
    desk: Desk, tx: Transaction, event: Event, outcome: str, detail: Detail
) -> None:
    told = {**detail, "policy": desk.situation.policy.reference}
    entry = desk.trail.entry(
        event, at=desk.clock.now(), outcome=outcome, actor=_ACTOR, detail=told
    )
    await tx.append(desk.trail.log, entry.record, entry.openings)
