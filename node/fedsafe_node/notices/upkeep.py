# SPDX-License-Identifier: Apache-2.0
"""What the node does with notices by itself.

Whoever ends a signal, on whatever way, the person is told: the upkeep finds signals
whose publication was told or is to be told and that are revoked since. It announces
what waited once it may go, takes over receipts, and erases facts when the event's
content is erased.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_node.acts.notices import NoticeKind, NoticeState
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.notices.desk import NoticeDesk
from fedsafe_node.notices.facts import Facts, open_facts
from fedsafe_node.store.notices_rows import NoticeRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction

BATCH: Final = 200


class NoticeUpkeep:
    """Announces, takes over receipts and erases, in acts of a bounded size."""

    def __init__(self, store: Store, desk: NoticeDesk) -> None:
        self._store = store
        self._desk = desk

    async def run(self) -> None:
        """Do all that is due.

        Raises:
            StoreError: the rest is done by the next run.
        """
        while await self._store.write(self._tell_ends) == BATCH:
            pass
        for state, step in (
            (NoticeState.WAITING, self._announce),
            (NoticeState.ANNOUNCED, self._take_receipt),
            (NoticeState.DELIVERED, self._erase),
        ):
            await self._each(state, step)

    async def _each(
        self,
        state: NoticeState,
        step: Callable[[Transaction, NoticeRow], Awaitable[None]],
    ) -> None:
        rows = await self._store.scan(lambda reader: reader.notices(state, 10_000))

        for start in range(0, len(rows), BATCH):
            part = rows[start : start + BATCH]

            async def act(tx: Transaction, part: list[NoticeRow] = part) -> None:
                for row in part:
                    if await tx.notice(*row.key) == row:
                        await step(tx, row)

            await self._store.write(act)

    async def _tell_ends(self, tx: Transaction) -> int:
        node = self._desk.situation.node
        ended = await tx.ended_unannounced(node, BATCH)
        today = self._desk.clock.now().date()
        for signal_id in ended:
            first = await tx.notice(signal_id, NoticeKind.PUBLICATION)
            row = await tx.signal(node, signal_id)
            if first is None or row is None:
                continue
            known = open_facts(first, self._desk.periods)
            handed = await tx.handed(row.index, MAX_RECORDS)
            facts = Facts(
                subject_ref=known.subject_ref if known is not None else None,
                published_on=datetime.fromtimestamp(first.queued_at, UTC).date(),
                recipients=sorted({run.recipient for run in handed}),
                ended_on=today,
            )
            await self._desk.queue(tx, signal_id, NoticeKind.END, facts)
        return len(ended)

    async def _announce(self, tx: Transaction, row: NoticeRow) -> None:
        held = await tx.withholding(row.about)
        if await self._desk.announce(tx, row) and held is not None:
            detail: Detail = {"by": held.by, "until": held.until}
            await self._desk.note(tx, Event.NOTICE_RELEASED, row, detail)

    async def _take_receipt(self, tx: Transaction, row: NoticeRow) -> None:
        event = await tx.provider_event(row.event) if row.event is not None else None
        if event is None or event.receipted_at is None:
            return
        await tx.set_notice(row.key, NoticeState.DELIVERED)
        detail: Detail = {"number": event.number, "by": event.receipted_by}
        await self._desk.note(tx, Event.NOTICE_DELIVERED, row, detail)

    async def _erase(self, tx: Transaction, row: NoticeRow) -> None:
        event = await tx.provider_event(row.event) if row.event is not None else None
        if event is not None and event.sealed is not None:
            return
        await tx.erase_notice(row.key)
        await self._desk.note(tx, Event.NOTICE_ERASED, row)
