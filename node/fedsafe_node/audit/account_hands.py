# SPDX-License-Identifier: Apache-2.0
"""The hands of parts that hold something about an account (`rights/erasers.py`)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from fedsafe_node.acts.notices import NoticeState
from fedsafe_node.acts.provider_events import EventKind
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Actor
from fedsafe_node.ground.subject_refs import is_about
from fedsafe_node.log.audit import DETAIL, SUBJECT
from fedsafe_node.log.mentions import entries_naming
from fedsafe_node.notices.facts import open_facts
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.review.confirmation import withdraw_confirmations
from fedsafe_node.rights.erasers import Erasers, Erasure
from fedsafe_node.rights.erasure import AccountErasure
from fedsafe_node.rights.sealing import open_content
from fedsafe_node.signals.desk import Desk
from fedsafe_node.store.keeping_rows import Erasing
from fedsafe_node.store.review_rows import TaskState
from fedsafe_node.store.rights_rows import RequestState
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_PAGE: Final = 500
_ALL: Final = 100_000
_BY: Final = Actor.ERASURE.value
_LIVE: Final[Mapping[TaskState, str]] = {
    TaskState.OPEN: "undecided",
    TaskState.WATCHED: "watch_over",
}


def register_hands(erasers: Erasers, desk: Desk, announcer: Announcer) -> None:
    """Let everything be erased that names an account, or that it is listed by.

    What is listed is found by entries that name the account: their openings go later.
    """
    hands, listed = _Hands(desk, announcer), AccountErasure(desk)
    erasers.register("drafts", listed.erase_drafts)
    erasers.register("signals", listed.erase_signals)
    erasers.register("events", hands.erase_events)
    erasers.register("notices", hands.erase_notices)
    erasers.register("requests", hands.wipe_requests)
    erasers.register("reviews", hands.erase_reviews)
    erasers.register("openings", hands.erase_openings)
    erasers.settle = listed.settle


class _Hands:
    """Erases what is sealed under period keys, which says whom it is about."""

    def __init__(self, desk: Desk, announcer: Announcer) -> None:
        self._desk = desk
        self._announcer = announcer
        self._periods = desk.periods

    async def erase_openings(self, tx: Transaction, erasure: Erasure) -> int:
        """Erase what entries of the audit log say of the account; they stay.

        What the other hands have written meanwhile may name it once more.
        """
        log, count = self._desk.trail.log, 0
        new = await entries_naming(tx, log, {erasure.subject}, since=erasure.end)
        for index in (*erasure.entries, *new):
            for group in (SUBJECT, DETAIL):
                count += await tx.erase_opening(log, index, group, at=erasure.at)
        await tx.add_erasure(Erasing.SUBJECT.value, count, at=erasure.at)
        return count

    async def erase_events(self, tx: Transaction, erasure: Erasure) -> int:
        """Erase what the provider has been told, or has yet to read."""
        after = count = 0
        while page := await tx.provider_events(after, _PAGE):
            for event in page:
                after = event.number
                told = self._announcer.read(event)
                if told is not None and is_about(told.subject_ref, erasure.subject):
                    count += await tx.erase_provider_event(event.number)
        return count

    async def erase_notices(self, tx: Transaction, erasure: Erasure) -> int:
        """Erase the facts of notices to the account's person."""
        count = 0
        for state in NoticeState:
            for row in await tx.notices(state, _ALL):
                facts = open_facts(row, self._periods)
                if facts is not None and is_about(facts.subject_ref, erasure.subject):
                    await tx.erase_notice(row.key)
                    count += 1
        return count

    async def wipe_requests(self, tx: Transaction, erasure: Erasure) -> int:
        """Wipe what the person's closed requests have found.

        The one that is granted with the account is wiped by who grants it, and no open
        one stands in its way.

        Raises:
            WrongStateError: one is not closed: it is answered first.
        """
        count = 0
        for state in RequestState:
            for row in await tx.requests(state, _ALL):
                content = open_content(self._periods, row)
                if content is None or not is_about(
                    content.subject_ref, erasure.subject
                ):
                    continue
                if row.state is not RequestState.CLOSED and erasure.request is not None:
                    continue
                if row.state is not RequestState.CLOSED:
                    raise WrongStateError(
                        "request_open",
                        Phrase("close the person's request {request} first").filled(
                            request=row.id
                        ),
                    )
                await tx.put_request(msgspec.structs.replace(row, sealed=None))
                count += 1
        return count

    async def erase_reviews(self, tx: Transaction, erasure: Erasure) -> int:
        """Erase whom tasks are about; what was decided stays, what waits ends.

        Where a request is granted the account lives on: the provider hears that a task
        has ended, or it would restrict for ever, and a measure that lasts is kept, for
        its end has to be told as well.
        """
        count, ended = 0, set[str]()
        for task in await tx.tasks_about(erasure.subject):
            decided = task.state is TaskState.DECIDED
            if erasure.request is not None and decided and task.ends_at > erasure.at:
                erasure.kept = max(erasure.kept or 0, task.ends_at)
                continue
            if erasure.request is not None and task.state in _LIVE:
                content: Content = {"task": task.id, "why": _LIVE[task.state]}
                said = Announcement(EventKind.TASK_LAPSED, erasure.subject, content)
                await self._announcer.announce(tx, said)
            await tx.erase_task(task.id, task.state if decided else TaskState.LAPSED)
            count += 1
            ended.add(task.id)
        await withdraw_confirmations(self._desk.reviews, tx, ended, by=_BY)
        for flood in await tx.floods_about(erasure.subject):
            await tx.drop_flood_subject(flood.id, erasure.subject)
            count += 1
        return count
