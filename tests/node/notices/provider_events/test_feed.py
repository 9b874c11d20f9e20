# SPDX-License-Identifier: Apache-2.0
import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.gates import NODE, situation

from fedsafe_node.acts.provider_events import EventKind, FollowQuery, ProviderEvents
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Event, decode_audit_record
from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.notices.provider_events.announcer import (
    Announcement,
    Announcer,
    Content,
)
from fedsafe_node.notices.provider_events.feed import EventFeed
from fedsafe_node.notices.provider_events.upkeep import EventUpkeep
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Role

__all__ = ["situation"]

SHOP = Principal("shop", Role.SERVICE, scope="events", purposes=frozenset())
OPERATOR = Principal("olga", Role.OPERATOR)
TASK = Announcement(EventKind.TASK_DUE, "user-4711", {"task": "t-1", "level": 3})
NOTICE = Announcement(EventKind.NOTICE_DUE, "user-4711", {"notice": "n-1"})
ALL = FollowQuery()


@pytest.fixture
def announcer(keys: PeriodKeys, clock: Clock) -> Announcer:
    return Announcer(keys, clock)


@pytest.fixture
def feed(
    situation: Situation, store: Store, clock: Clock, announcer: Announcer
) -> EventFeed:
    return EventFeed(situation, store, AuditTrail(NODE), clock, announcer)


@pytest.fixture
def upkeep(store: Store, clock: Clock, announcer: Announcer) -> EventUpkeep:
    return EventUpkeep(store, AuditTrail(NODE), clock, announcer)


async def announce(store: Store, announcer: Announcer, *what: Announcement) -> None:
    async def act(tx: Transaction) -> None:
        for each in what:
            await announcer.announce(tx, each)

    await store.write(act)


async def until_it_waits(announcer: Announcer) -> None:
    while not announcer.bell.waited_for:  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)


async def audited(store: Store) -> list[str]:
    log = AuditTrail(NODE).log
    records = await store.read(lambda reader: reader.records(log, 0, 100))
    return [decode_audit_record(record).event.value for record in records]


def place_of(answer: ProviderEvents) -> int:
    """Give the number in front of the mark."""
    return int(answer.next.partition("-")[0])


async def numbers(feed: EventFeed, query: FollowQuery = ALL) -> list[int]:
    return [event.number for event in (await feed.read(query, SHOP)).events]


async def test_a_reader_gets_what_was_announced_and_where_to_go_on(
    feed: EventFeed, store: Store, announcer: Announcer
) -> None:
    await announce(store, announcer, TASK, NOTICE, TASK)
    first = await feed.read(FollowQuery(limit=2), SHOP)
    second = await feed.read(FollowQuery(after=first.next), SHOP)

    assert (place_of(first), first.more) == (2, True)
    assert (place_of(second), second.more) == (3, False)
    assert [event.number for event in [*first.events, *second.events]] == [1, 2, 3]
    assert first.events[0].content == TASK.content
    assert first.events[0].subject_ref == "user-4711"
    assert first.events[0].receipt_due is None
    assert first.events[1].receipt_due == "2026-11-27T12:00:00+00:00"


async def test_moments_have_the_form_of_all_moments_of_the_feed(
    feed: EventFeed, store: Store, announcer: Announcer
) -> None:
    said: Content = {"task": "t-1", "ends_at": 1_795_000_000, "until": 1_795_000_000}
    await announce(store, announcer, Announcement(EventKind.TASK_DUE, None, said))
    (event,) = (await feed.read(ALL, SHOP)).events

    moment = "2026-11-18T11:06:40+00:00"
    assert event.content == {"task": "t-1", "ends_at": moment, "until": moment}


async def test_reading_is_audited_by_batch_and_reading_nothing_is_not(
    feed: EventFeed, store: Store, announcer: Announcer
) -> None:
    await feed.read(ALL, SHOP)
    await announce(store, announcer, TASK, TASK)
    await feed.read(ALL, SHOP)

    assert await audited(store) == [Event.PROVIDER_READ]


async def test_who_may_not_read_is_told_and_that_is_audited(
    feed: EventFeed, store: Store
) -> None:
    with pytest.raises(DeniedError):
        await feed.read(ALL, OPERATOR)
    with pytest.raises(DeniedError):
        await feed.read(FollowQuery(purpose=Purpose.SIGNUP_CHECK), SHOP)
    with pytest.raises(DeniedError):
        await feed.receipt(1, OPERATOR)

    assert await audited(store) == [Event.REFUSED] * 3


async def test_a_cursor_that_no_event_has_is_refused(
    feed: EventFeed, store: Store, announcer: Announcer
) -> None:
    await announce(store, announcer, TASK)

    assert await numbers(feed, FollowQuery(after="1")) == []
    with pytest.raises(BadRequestError, match="there is no event yet"):
        await feed.read(FollowQuery(after="2"), SHOP)


@pytest.mark.embedded
async def test_a_cursor_from_before_a_restore_is_refused(
    feed: EventFeed, store: Store, announcer: Announcer, tmp_path: Path
) -> None:
    await announce(store, announcer, TASK)
    backup = (await feed.read(ALL, SHOP)).next
    await announce(store, announcer, TASK)
    ahead = (await feed.read(ALL, SHOP)).next

    def put_back() -> None:  # as if the second had never been
        with closing(sqlite3.connect(tmp_path / "node.db")) as connection, connection:
            connection.execute("DROP TRIGGER provider_events_no_delete")
            connection.execute("DELETE FROM provider_events WHERE number = 2")

    await asyncio.to_thread(put_back)
    await announce(store, announcer, NOTICE, TASK)

    with pytest.raises(BadRequestError, match="put back") as refused:
        await feed.read(FollowQuery(after=ahead), SHOP)
    assert refused.value.code == "bad_position"
    assert await numbers(feed, FollowQuery(after=backup)) == [2, 3]


async def test_a_waiting_reader_is_woken_by_the_announcement(
    feed: EventFeed, store: Store, announcer: Announcer
) -> None:
    waiting = asyncio.create_task(feed.read(FollowQuery(wait=30), SHOP))
    await until_it_waits(announcer)
    await announce(store, announcer, TASK)
    async with asyncio.timeout(10):
        answer = await waiting

    assert [event.number for event in answer.events] == [1]


async def test_an_act_that_fails_announces_nothing(
    feed: EventFeed, store: Store, announcer: Announcer
) -> None:
    async def fail(tx: Transaction) -> None:
        await announcer.announce(tx, TASK)
        raise NotFoundError("cause")

    waiting = asyncio.create_task(feed.read(FollowQuery(wait=30), SHOP))
    await until_it_waits(announcer)
    with pytest.raises(NotFoundError):
        await store.write(fail)
    await announce(store, announcer, NOTICE)
    async with asyncio.timeout(10):
        answer = await waiting

    assert [event.kind for event in answer.events] == [EventKind.NOTICE_DUE]
    assert [event.number for event in answer.events] == [1]


async def test_nobody_waits_for_a_node_that_stops(
    feed: EventFeed, announcer: Announcer
) -> None:
    waiting = asyncio.create_task(feed.read(FollowQuery(wait=30), SHOP))
    await until_it_waits(announcer)
    announcer.bell.close()

    async with asyncio.timeout(10):
        before = await waiting
        answer = await feed.read(FollowQuery(wait=30), SHOP)
    assert before.events == []
    assert answer.events == []


async def test_a_receipt_counts_once(
    feed: EventFeed, store: Store, announcer: Announcer, advance: Callable[..., None]
) -> None:
    await announce(store, announcer, NOTICE, TASK)
    first = await feed.receipt(1, SHOP)
    advance(timedelta(hours=1))

    assert first.receipted_at == "2026-11-24T12:00:00+00:00"
    assert await feed.receipt(1, Principal("rita", Role.REVIEWER)) == first
    assert await audited(store) == [Event.PROVIDER_RECEIPTED]
    with pytest.raises(WrongStateError):
        await feed.receipt(2, SHOP)
    with pytest.raises(NotFoundError):
        await feed.receipt(3, SHOP)


async def test_an_overdue_receipt_is_reminded_of_until_it_comes(
    feed: EventFeed,
    upkeep: EventUpkeep,
    store: Store,
    announcer: Announcer,
    advance: Callable[[timedelta], None],
) -> None:
    await announce(store, announcer, NOTICE)
    await upkeep.run()
    assert await numbers(feed) == [1]

    advance(timedelta(days=3))
    await upkeep.run()
    await upkeep.run()
    events = (await feed.read(ALL, SHOP)).events

    assert [(event.number, event.reminds) for event in events] == [(1, None), (2, 1)]
    assert events[1].content == NOTICE.content
    assert events[1].receipt_due is None
    assert (await feed.receipt(2, SHOP)).number == 1

    advance(timedelta(days=1))
    await upkeep.run()
    assert await numbers(feed) == [1, 2]


async def test_content_ends_thirty_days_after_the_event_or_its_receipt(
    feed: EventFeed,
    upkeep: EventUpkeep,
    store: Store,
    announcer: Announcer,
    advance: Callable[[timedelta], None],
) -> None:
    await announce(store, announcer, TASK, NOTICE)
    advance(timedelta(days=20))
    await feed.receipt(2, SHOP)
    advance(timedelta(days=10))
    await upkeep.run()
    assert await numbers(feed) == [2]

    advance(timedelta(days=20))
    await upkeep.run()
    answer = await feed.read(ALL, SHOP)

    assert (answer.events, place_of(answer)) == ([], 2)
    assert Event.PROVIDER_ERASED in await audited(store)


@pytest.mark.embedded
async def test_the_file_holds_no_reference_in_plain_text(
    store: Store, announcer: Announcer, tmp_path: Path
) -> None:
    await announce(store, announcer, TASK)
    files = await asyncio.to_thread(
        lambda: b"".join(path.read_bytes() for path in tmp_path.glob("node.db*"))
    )

    assert b"task.due" in files
    assert b"user-4711" not in files


@pytest.mark.embedded
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    batches=st.lists(st.integers(1, 4), max_size=6),
    limit=st.integers(1, 5),
    erased=st.sets(st.integers(1, 24)),
)
def test_a_cursor_sees_every_event_once_and_in_order(  # noqa: PLR0913
    batches: list[int],
    limit: int,
    erased: set[int],
    tmp_path_factory: pytest.TempPathFactory,
    clock: Clock,
    situation: Situation,
) -> None:
    place = tmp_path_factory.mktemp("events")
    keys = PeriodKeys(place / "keys")

    async def follow() -> tuple[list[int], int]:
        store = await open_store(f"sqlite://{place}/node.db", keys=keys, clock=clock)
        announcer = Announcer(keys, clock)
        feed = EventFeed(situation, store, AuditTrail(NODE), clock, announcer)
        seen: list[int] = []
        cursor = "0"
        for count in batches:
            await announce(store, announcer, *[TASK] * count)
            for number in sorted(erased):
                await store.write(
                    lambda tx, number=number: tx.erase_provider_event(number)  # type: ignore[misc]
                )
            more = True
            while more:
                answer = await feed.read(FollowQuery(after=cursor, limit=limit), SHOP)
                seen += [event.number for event in answer.events]
                cursor, more = answer.next, answer.more
        await store.close()
        return seen, int(cursor.partition("-")[0])

    seen, cursor = asyncio.run(follow())

    assert seen == [n for n in range(1, sum(batches) + 1) if n not in erased]
    assert cursor == sum(batches)
