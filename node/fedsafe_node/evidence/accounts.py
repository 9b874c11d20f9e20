# SPDX-License-Identifier: Apache-2.0
"""The hands of those parts that hold something about an account (`erasers.py`)."""

from typing import Final

import msgspec

from fedsafe_node.erasers import Erasers
from fedsafe_node.errors import WrongStateError
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.facts import open_facts
from fedsafe_node.principal import Actor
from fedsafe_node.provider_events.announcing import Announcer
from fedsafe_node.rights.sealing import open_content
from fedsafe_node.signals.drafts import open_draft
from fedsafe_node.store.notices_rows import NoticeState
from fedsafe_node.store.protocol import Transaction
from fedsafe_node.store.review_rows import TaskState
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_node.store.rows import DraftRow, DraftState
from fedsafe_node.subject_refs import is_about

_PAGE: Final = 500
_ALL: Final = 100_000
_BY: Final = Actor.ERASURE.value


def register_hands(erasers: Erasers, announcer: Announcer, periods: PeriodKeys) -> None:
    """Let everything be erased that names an account."""
    hands = _Hands(announcer, periods)
    erasers.register("drafts", hands.erase_drafts)
    erasers.register("events", hands.erase_events)
    erasers.register("notices", hands.erase_notices)
    erasers.register("requests", hands.wipe_requests)
    erasers.register("reviews", hands.erase_reviews)


class _Hands:
    """Erases what is sealed under period keys, which says whom it is about."""

    def __init__(self, announcer: Announcer, periods: PeriodKeys) -> None:
        self._announcer = announcer
        self._periods = periods

    async def erase_drafts(self, tx: Transaction, subject: str, at: int) -> int:
        """Withdraw the drafts that are about an account."""
        count = 0
        for row in await tx.drafts(DraftState.PENDING, _ALL):
            if is_about(self._subject_of(row), subject):
                withdrawn = DraftState.WITHDRAWN
                await tx.decide_draft(row.signal_id, withdrawn, by=_BY, at=at)
                count += 1
        return count

    def _subject_of(self, row: DraftRow) -> str | None:
        try:
            return open_draft(row, self._periods).facts.subject_ref
        except WrongStateError:
            return None  # it opens no more, so it says nothing of anybody

    async def erase_events(self, tx: Transaction, subject: str, at: int) -> int:
        """Erase what the provider has been told, or has yet to read."""
        del at
        after = count = 0
        while page := await tx.provider_events(after, _PAGE):
            for event in page:
                after = event.number
                told = self._announcer.read(event)
                if told is not None and is_about(told.subject_ref, subject):
                    count += await tx.erase_provider_event(event.number)
        return count

    async def erase_notices(self, tx: Transaction, subject: str, at: int) -> int:
        """Erase the facts of notices to the account's person."""
        del at
        count = 0
        for state in NoticeState:
            for row in await tx.notices(state, _ALL):
                facts = open_facts(row, self._periods)
                if facts is not None and is_about(facts.subject_ref, subject):
                    await tx.erase_notice(row.key)
                    count += 1
        return count

    async def wipe_requests(self, tx: Transaction, subject: str, at: int) -> int:
        """Wipe what the person's closed requests have found.

        Raises:
            WrongStateError: one is not closed: it is answered first.
        """
        del at
        count = 0
        for state in RequestState:
            for row in await tx.requests(state, _ALL):
                content = open_content(self._periods, row)
                if content is None or not is_about(content.subject_ref, subject):
                    continue
                if row.state is not RequestState.CLOSED:
                    raise WrongStateError(
                        "wrong_state", f"close the person's request {row.id} first"
                    )
                await tx.put_request(msgspec.structs.replace(row, sealed=None))
                count += 1
        return count

    async def erase_reviews(self, tx: Transaction, subject: str, at: int) -> int:
        """Erase whom tasks are about; what was decided stays, what waits ends."""
        del at
        tasks = await tx.tasks_about(subject)
        for task in tasks:
            ends = task.state is TaskState.DECIDED
            await tx.erase_task(task.id, task.state if ends else TaskState.LAPSED)
        return len(tasks)
