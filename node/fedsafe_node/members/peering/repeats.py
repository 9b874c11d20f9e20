# SPDX-License-Identifier: Apache-2.0
"""Tell what is handed over again from what is handed over first.

The first time that a member gets an opening is a line of the recipient ledger, and an
event. What it gets again, on the same terms and under the same *grant*, is counted:
how often each entry, first and last when. So a member that asks for the same again and
again adds nothing to ledger and log but numbers, and nobody is missed whose copy must
be erased.

A grant ends when the member may have erased what it had, or has it by another right:
its gate opens again, it was parted from and is back, its place in the charter or the
own gate's record is another one. What it is handed after that is a first time again.
What lies before is told by the number of the ledger's last line, not by a clock.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import islice, pairwise
from typing import Final

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.evaluation.metering import HOUR
from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.trace import counted
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.store.peering_rows import (
    HandedRow,
    LedgerRow,
    RepeatRow,
    ServedRow,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.gate import LegalGate

_DIGEST: Final = 32
_ENDED: Final = b""


@dataclass(frozen=True, slots=True)
class Handed:
    """What a member is handed: what for the first time, and how much again.

    `first` and `last` are the lowest and the highest entry, `lines` how many lines of
    the ledger what goes again is counted beside.
    """

    first_time: Sequence[HandedRow]
    again: int
    first: int
    last: int
    lines: int = 0


def grant_of(member: Member | None, gate: LegalGate | None) -> bytes:
    """Name by what right a member gets openings: its place and the own gate's record.

    That its gate opens anew, or that it is back, ends a grant by `end_grant`.
    """
    return sha256(encode([member, gate])).digest()


async def end_grant(tx: Transaction, member: str) -> None:
    """Let all that a member is handed from now on be for the first time."""
    await tx.set_meta(_key(member), _ENDED)


async def enter(
    tx: Transaction, runs: Sequence[HandedRow], grant: bytes, *, at: int
) -> Handed:
    """Enter what goes to one member in the ledger, as first or as repeated."""
    member, first, last = runs[0].recipient, runs[0].first, runs[-1].last
    after = await _since(tx, member, grant)
    lines = await tx.handed_to(member, first, last, MAX_RECORDS, after=after)
    first_time, repeats = split(runs, lines)
    if first_time:
        await tx.add_handed(first_time)
    for line in lines:
        met = repeats.get(line.number)
        if met:
            again = line.again
            for each in met:
                again = count_again(again, each.start, each.stop - 1, at=at)
            await tx.add_repeats(line.number, again, at=at)
    count = sum(len(each) for met in repeats.values() for each in met)
    return Handed(first_time, count, first, last, len(repeats))


async def _since(tx: Transaction, member: str, grant: bytes) -> int:
    """Tell behind which line of the ledger a member's grant in force begins."""
    kept = await tx.meta(_key(member)) or _ENDED
    if kept[:_DIGEST] == grant:
        return int(kept[_DIGEST:])
    newest = await tx.newest_handed()
    await tx.set_meta(_key(member), grant + b"%d" % newest)
    return newest


async def count_served(
    tx: Transaction, member: str, origin: str, handed: Handed, *, at: int
) -> None:
    """Count a request by which a member got nothing of a feed but what it had before.

    It may be answered: the count becomes an event when its hour is over (`Repeats`).
    """
    row = ServedRow(
        recipient=member,
        origin=origin,
        hour=at // HOUR,
        times=1,
        openings=handed.again,
        first=handed.first,
        last=handed.last,
        first_at=at,
        last_at=at,
    )
    await tx.add_served_again(row)
    counted(Event.FEED_SERVED.value)


class Repeats:
    """Writes down, hour by hour, what was served again. A job of the node's clockwork.

    What was counted is in the store, so neither a crash nor a stop loses any of it.
    """

    def __init__(self, store: Store, trail: AuditTrail, clock: Clock) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock

    async def run(self) -> None:
        """Write the events of the hours that are over.

        Raises:
            StoreError: the next run does it.
        """
        moment = self._clock.now()
        hour = int(moment.timestamp()) // HOUR

        async def act(tx: Transaction) -> None:
            rows = await tx.served_again(hour)
            entries = [self._entry(row, moment) for row in rows]
            await tx.append_many(self._trail.log, entries)
            await tx.forget_served_again(hour)

        if await self._store.read(lambda reader: reader.served_again(hour)):
            await self._store.write(act)

    def _entry(self, row: ServedRow, moment: datetime) -> LogEntry:
        return self._trail.entry(
            Event.FEED_SERVED,
            at=moment,
            outcome="repeated",
            detail={
                "peer": row.recipient,
                "origin": row.origin,
                "times": row.times,
                "openings": row.openings,
                "first": row.first,
                "last": row.last,
                "first_at": row.first_at,
                "last_at": row.last_at,
            },
        )


def split(
    runs: Iterable[HandedRow], lines: Sequence[LedgerRow]
) -> tuple[list[HandedRow], dict[int, list[range]]]:
    """Divide *runs* by *lines*: what none of them holds, and what one holds, by it.

    Both are in order and of one member; lines on the same terms hold no entry twice.
    """
    by_terms: dict[tuple[str, str], list[LedgerRow]] = {}
    for line in lines:
        by_terms.setdefault((line.purpose, line.basis), []).append(line)
    first_time: list[HandedRow] = []
    repeats: dict[int, list[range]] = {}
    for run in runs:
        begin, held = run.first, by_terms.get((run.purpose, run.basis), [])
        at = bisect_left(held, begin, key=lambda line: line.last)
        for line in islice(held, at, None):
            if line.first > run.last:
                break
            if line.first > begin:
                first_time.append(_part(run, begin, line.first - 1))
            begin, end = max(begin, line.first), min(line.last, run.last)
            repeats.setdefault(line.number, []).append(range(begin, end + 1))
            begin = end + 1
        if begin <= run.last:
            first_time.append(_part(run, begin, run.last))
    return first_time, repeats


def count_again(
    parts: Sequence[RepeatRow], first: int, last: int, *, at: int
) -> tuple[RepeatRow, ...]:
    """Count one more time for the entries from *first* to *last*.

    *parts* are in order and hold no entry twice, and so does what is returned.
    """
    cuts = sorted(
        {first, last + 1}
        | {part.first for part in parts}
        | {part.last + 1 for part in parts}
    )
    found: list[RepeatRow] = []
    for begin, end in pairwise(cuts):
        part = _holding(parts, begin)
        if first <= begin <= last:
            part = _once_more(part, begin, end - 1, at)
        elif part is not None:
            part = RepeatRow(begin, end - 1, part.times, part.first_at, part.last_at)
        if part is not None:
            found.append(part)
    return tuple(_joined(found))


def _once_more(part: RepeatRow | None, first: int, last: int, at: int) -> RepeatRow:
    if part is None:
        return RepeatRow(first, last, 1, at, at)
    times, last_at = part.times + 1, max(part.last_at, at)
    return RepeatRow(first, last, times, part.first_at, last_at)


def _holding(parts: Sequence[RepeatRow], index: int) -> RepeatRow | None:
    at = bisect_left(parts, index, key=lambda part: part.last)
    return parts[at] if at < len(parts) and parts[at].first <= index else None


def _joined(parts: Iterable[RepeatRow]) -> Iterator[RepeatRow]:
    before: RepeatRow | None = None
    for part in parts:
        if before is not None:
            touches = before.last + 1 == part.first
            if touches and _counts(before) == _counts(part):
                before = RepeatRow(before.first, part.last, *_counts(part))
                continue
            yield before
        before = part
    if before is not None:
        yield before


def _counts(part: RepeatRow) -> tuple[int, int, int]:
    return part.times, part.first_at, part.last_at


def _part(run: HandedRow, first: int, last: int) -> HandedRow:
    return HandedRow(
        recipient=run.recipient,
        first=first,
        last=last,
        at=run.at,
        purpose=run.purpose,
        basis=run.basis,
    )


def _key(member: str) -> str:
    return f"handed-under/{member}"
