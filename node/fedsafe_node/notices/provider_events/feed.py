# SPDX-License-Identifier: Apache-2.0
"""The cursor feed that the provider's back-end reads, and its receipts.

The cursor is a number that the client holds; the node remembers nothing of who has
read what. A number, once given, means the same event for ever: a mark beside it shows
when the node was put back to an older state, and gave the number again. A read with a
wait returns as soon as something is there; it is woken by the act that announces, and
an empty act behind that one tells it when to look.

State, owned by the event loop: how many reads of each service wait. One service has
few of the places, and all that wait leave some to whoever does not.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from fedsafe_node.acts.provider_events import (
    EventKind,
    EventReceipt,
    FollowQuery,
    ProviderEvent,
    ProviderEvents,
)
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    UnavailableError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import account_of
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import AuditTrail, Detail, Event, grounds_of
from fedsafe_node.notices.provider_events.announcer import KEPT, Announcer
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.notices_rows import ProviderEventRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Matter, Purpose

MOST_WAITING: Final = 24
"""The lane of events has 32 places (`api.endpoint.LANES`)."""
MOST_EACH: Final = 4
_RETRY_MS: Final = 1_000
_KEPT_SECONDS: Final = int(KEPT.total_seconds())


class EventFeed:
    """Gives events from a cursor on, and takes receipts."""

    def __init__(
        self,
        situation: Situation,
        store: Store,
        trail: AuditTrail,
        clock: Clock,
        announcer: Announcer,
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._announcer = announcer
        self._waiting: Counter[str] = Counter()

    async def read(self, query: FollowQuery, who: Principal) -> ProviderEvents:
        """Give events from behind a number on, as soon as there are any.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            BadRequestError: the cursor lies behind the newest event.
            StoreFailedError: an event does not open.
            UnavailableError: too many wait already, of this service or at all.
        """
        grounds = await self._admit(who, query.purpose)
        if query.wait:
            with self._place(who.name):
                answer = await self._wait(query)
        else:
            answer = await self._read(query)
        if answer.events:
            detail: Detail = {
                "first": answer.events[0].number,
                "last": answer.events[-1].number,
                "events": len(answer.events),
                **grounds,
            }
            await self._store.write(
                lambda tx: self._note(tx, Event.PROVIDER_READ, who, detail)
            )
        else:
            nothing_happened()
        return answer

    async def receipt(self, number: int, who: Principal) -> EventReceipt:
        """Note that an event, or what it reminds of, has reached its person.

        A second receipt changes nothing and gets the answer of the first.

        Raises:
            DeniedError: this role may not.
            NotFoundError: there is no such event.
            WrongStateError: this kind of event takes no receipt.
        """
        await self._admit(who, None)

        async def act(tx: Transaction) -> ProviderEventRow:
            event = await _original(tx, number)
            if event.receipted_at is not None:
                nothing_happened()
                return event
            now = int(self._clock.now().timestamp())
            await tx.receipt_provider_event(
                event.number, at=now, by=who.name, expires_at=now + _KEPT_SECONDS
            )
            detail: Detail = {"number": event.number, "kind": event.kind}
            await self._note(tx, Event.PROVIDER_RECEIPTED, who, detail)
            return await _original(tx, event.number)

        event = await self._store.write(act)
        return EventReceipt(
            number=event.number,
            receipted_at=_moment(event.receipted_at or 0),
            receipted_by=event.receipted_by or "",
        )

    @contextmanager
    def _place(self, name: str) -> Iterator[None]:
        waiting = self._waiting
        if waiting[name] >= MOST_EACH or waiting.total() >= MOST_WAITING:
            raise UnavailableError(
                "busy",
                Phrase(
                    "too many requests are already waiting for new events: "
                    "read without a wait, or try again later"
                ),
                retry_after_ms=_RETRY_MS,
            )
        waiting[name] += 1
        try:
            yield
        finally:
            waiting[name] -= 1
            if not waiting[name]:
                del waiting[name]

    async def _wait(self, query: FollowQuery) -> ProviderEvents:
        bell = self._announcer.bell
        heard = bell.listen()
        try:
            async with asyncio.timeout(query.wait):
                while not (answer := await self._read(query)).events:
                    if bell.closed:
                        break
                    await heard.wait()
                    heard.clear()
                    # What rang is an act under way: this one is durable after it.
                    await self._store.write(_nothing)
        except TimeoutError:
            return await self._read(query)
        finally:
            bell.leave(heard)
        return answer

    async def _read(self, query: FollowQuery) -> ProviderEvents:
        number, _, mark = query.after.partition("-")
        after = int(number)

        async def load(reader: Reader) -> tuple[list[ProviderEventRow], int, str]:
            last = await reader.last_provider_event()
            if after > last:
                raise _position(
                    Phrase("there is no event yet with the number given in after")
                )
            if mark and await _cursor(reader, after) != query.after:
                raise _position(
                    Phrase(
                        "the position in after is no longer valid because the node "
                        "was put back to an older state"
                    )
                )
            rows = await reader.provider_events(after, query.limit)
            end = rows[-1].number if len(rows) == query.limit else last
            return rows, last, await _cursor(reader, end)

        rows, last, following = await self._store.read(load)
        end = int(following.partition("-")[0])
        events = [shown for row in rows if (shown := self._show(row)) is not None]
        return ProviderEvents(events=events, next=following, more=end < last)

    def _show(self, row: ProviderEventRow) -> ProviderEvent | None:
        announced = self._announcer.read(row)
        if announced is None:  # its period's key is destroyed
            return None
        service, reference = account_of(announced.subject_ref)
        return ProviderEvent(
            number=row.number,
            kind=EventKind(row.kind),
            at=_moment(row.at),
            service=service,
            subject_ref=reference,
            content={
                name: _readable(name, value)
                for name, value in announced.content.items()
            },
            receipt_due=None if row.due_at is None else _moment(row.due_at),
            receipted_at=(
                None if row.receipted_at is None else _moment(row.receipted_at)
            ),
            reminds=row.reminds,
        )

    async def _admit(self, who: Principal, purpose: Purpose | None) -> Detail:
        now = self._clock.now()
        decision = rule_on_reading(self._situation, who, Matter.EVENTS, purpose, now)
        if decision.allowed:
            return grounds_of(decision)
        entry = self._trail.refusal(decision, at=now, actor=who.name, act="events")
        await self._store.write(
            lambda tx: tx.append(self._trail.log, entry.record, entry.openings)
        )
        raise DeniedError(decision)

    async def _note(
        self, tx: Transaction, event: Event, who: Principal, detail: Detail
    ) -> None:
        now = self._clock.now()
        entry = self._trail.entry(event, at=now, actor=who.name, detail=detail)
        await tx.append(self._trail.log, entry.record, entry.openings)


async def _cursor(reader: Reader, number: int) -> str:
    event = await reader.provider_event(number)
    return f"{number}-{event.mark.hex()}" if event is not None else f"{number}"


def _position(detail: str | Phrase) -> BadRequestError:
    return BadRequestError("bad_position", detail, pointer="/after")


async def _original(reader: Reader, number: int) -> ProviderEventRow:
    event = await reader.provider_event(number)
    if event is not None and event.reminds is not None:
        event = await reader.provider_event(event.reminds)
    if event is None:
        raise NotFoundError(Phrase("no such event"))
    if event.due_at is None:
        raise WrongStateError(
            "no_receipt", Phrase("a receipt is not possible for this kind of event")
        )
    return event


async def _nothing(tx: Transaction) -> None:
    """Come after the acts that were handed in before."""


def _readable(name: str, value: str | int | None) -> str | int | None:
    """Write a moment as all moments of the feed are written."""
    is_time = name == "until" or name.endswith("_at")
    return _moment(value) if is_time and isinstance(value, int) else value


def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
