# SPDX-License-Identifier: Apache-2.0
"""How long openings of the audit log are kept, by their group, and then the records.

* `actor` and `subject` are erased one by one once they are old enough.
* `source`, the prefix of an address, likewise after six days, whatever is set: the
  duty runs each hour, and a week is promised.
* `detail` goes with the key of its month, as all that was sealed in it: some sums of
  details say what the node's tables must hold, so a single one that is missing is
  damage, and a whole month is not. So do the checkpoints behind the anchor's leaves,
  one a minute; what was cosigned and exported holds without them. A key stays while
  anything else that it sealed is needed: an opening of the feed, an own ban, a review.
* The key of a quarter's pseudonyms goes when the actors of that quarter are gone.
* Records go at last, where a time is set for them (`pruning.py`).

How long is what two people approved (`rules/policy_bundle.py`), as it is when a run
begins.

What somebody holds (`legal_holds.py`) stays, but for a `source`: a week is the longest
that it may be kept for anything. While anything is held, no key is destroyed and no
record goes.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from fedsafe_node.audit.legal_holds import end_holds
from fedsafe_node.audit.pruning import Pruning
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import AuditRetention
from fedsafe_node.log.anchor import CHECKPOINT
from fedsafe_node.log.audit import ACTOR, DETAIL, SOURCE, SUBJECT, AuditTrail, Event
from fedsafe_node.log.key_destruction import Destroying
from fedsafe_node.log.mentions import entries_naming
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.pseudonyms import Pseudonyms
from fedsafe_node.log.span import first_since
from fedsafe_node.store.keeping_rows import EffectKind, Erasing, HoldRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

_AT_ONCE: Final = 500
_SOURCE_DAYS: Final = 6


class Retention:
    """Erases what is old enough, and destroys the keys that nothing needs."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        kept: Callable[[], AuditRetention],
        *,
        destroying: Destroying,
        pruning: Pruning,
        periods: PeriodKeys,
        pseudonyms: Pseudonyms,
    ) -> None:
        self._store = store
        self._trail = trail
        self._clock = clock
        self._kept = kept
        self._destroying = destroying
        self._pruning = pruning
        self._periods = periods
        self._pseudonyms = pseudonyms

    async def run(self) -> None:
        """Do all that is due now; what a run before left comes first.

        Raises:
            NodeError: something could not be written; the rest is due again.
        """
        await self._destroying.resume()
        now = self._clock.now()
        await self._store.write(
            lambda tx: end_holds(tx, self._trail, self._clock.now())
        )
        kept = self._kept()
        days_of = {SUBJECT: kept.subject, ACTOR: kept.actor, SOURCE: _SOURCE_DAYS}
        for group, days in days_of.items():
            await self._erase_before(group, now - timedelta(days=days))
        await self._destroy_keys(now, kept)
        await self._store.scrub()
        if await self._pruning.run(kept.records):
            await self._store.scrub()

    async def _erase_before(self, group: str, moment: datetime) -> None:
        log, at = self._trail.log, int(moment.timestamp())
        size = await self._store.read(lambda reader: reader.log_size(log))
        end = await self._store.scan(lambda r: first_since(r, log, size, at))
        key = f"retention/{group}"
        marked = await self._store.read(lambda reader: reader.meta(key))
        place = int(marked or b"0")
        resume: int | None = None  # the first entry that is held, looked at again
        while place < end:
            start, stop = place, min(end, place + _AT_ONCE)
            held = await self._store.write(
                lambda tx, a=start, b=stop: self._erase(tx, group, a, b)  # type: ignore[misc]
            )
            if held is not None and resume is None:
                resume = held
            place = stop
        mark = str(end if resume is None else resume).encode()
        await self._store.write(lambda tx: tx.set_meta(key, mark), vital=True)

    async def _erase(
        self, tx: Transaction, group: str, start: int, stop: int
    ) -> int | None:
        log, now = self._trail.log, int(self._clock.now().timestamp())
        holds = [] if group == SOURCE else await tx.holds()
        held = await _held_entries(tx, log, holds, start, stop)
        erased, first_held = 0, None
        for row in await tx.sealed_openings(log, start, stop - start, group=group):
            if row.sealed is None:
                continue
            if row.index in held:
                first_held = row.index if first_held is None else first_held
                continue
            erased += await tx.erase_opening(log, row.index, group, at=now)
        if erased:
            await tx.add_erasure(Erasing.RETENTION.value, erased, at=now)
            entry = self._trail.entry(
                Event.AUDIT_ERASED,
                at=self._clock.now(),
                outcome=Erasing.RETENTION.value,
                detail={
                    "group": group,
                    "openings": erased,
                    "first": start,
                    "last": stop - 1,
                },
            )
            await tx.append(log, entry.record, entry.openings)
        return first_held

    async def _destroy_keys(self, now: datetime, kept: AuditRetention) -> None:
        if await self._store.read(lambda reader: reader.holds()):
            return
        log = self._trail.log
        gone = [
            (log, ACTOR),
            (log, SUBJECT),
            (log, DETAIL),
            (log, SOURCE),
            (self._pruning.anchor, CHECKPOINT),
        ]
        needed = await self._store.scan(lambda reader: reader.sealed_periods(but=gone))
        for period in self._periods.periods():
            over = _end_of_month(period) + timedelta(days=kept.detail) <= now
            if over and not needed.get(period):
                await self._destroying.destroy(EffectKind.PERIOD_KEY, period)
        for quarter in self._pseudonyms.quarters():
            if _end_of_quarter(quarter) + timedelta(days=kept.actor) <= now:
                await self._destroying.destroy(EffectKind.QUARTER_KEY, quarter)


async def _held_entries(
    tx: Transaction, log: str, holds: list[HoldRow], start: int, stop: int
) -> set[int]:
    subjects = {hold.subject for hold in holds if hold.subject is not None}
    held = set(await entries_naming(tx, log, subjects, since=start, end=stop))
    for index in range(start, stop):
        if any(hold.holds_entry(index) for hold in holds):
            held.add(index)
    return held


def _end_of_month(period: str) -> datetime:
    year, month = map(int, period.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def _end_of_quarter(quarter: str) -> datetime:
    return _end_of_month(f"{quarter[:4]}-{int(quarter[5]) * 3}")
