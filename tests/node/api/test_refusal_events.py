# SPDX-License-Identifier: Apache-2.0
"""Refusals are events: the first at once, the others as sums, and never too many."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest
from tests.node.conftest import FixedClock, OpenStore

from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.api.refusal_events import (
    KEYLESS,
    MEMBER,
    MOST_OF_NAME,
    MOST_OTHERS,
    MOST_PREFIXED,
    OTHERS,
    WINDOW,
    Refusals,
    Refused,
)
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.log.audit import AuditTrail
from fedsafe_node.store.protocol import Store

PREFIX = "192.0.2.0/24"
HOUR = int(WINDOW.total_seconds())


class Failing(Faults):
    """A disk that takes nothing for a while."""

    is_full = False

    def reach(self, point: FaultPoint) -> None:
        if self.is_full and point is FaultPoint.WRITER_BEFORE_BEGIN:
            raise StoreFailedError("disk full")


@pytest.fixture
def book(store: Store, clock: FixedClock) -> Refusals:
    return Refusals(store, AuditTrail("a.demo"), clock)


def keyless(
    prefix: str = PREFIX, route: str = "knock", reason: str = "forbidden"
) -> Refused:
    return Refused(KEYLESS, "", prefix, route, reason)


def member(route: str = "feed", name: str = "b.demo") -> Refused:
    return Refused(MEMBER, name, "", route, "forbidden")


async def events(store: Store) -> list[AuditEvent]:
    return await store.scan(lambda r: read_log_events(r, "a.demo/audit", 0, 10_000))


async def test_a_refusal_says_who_where_and_why(book: Refusals, store: Store) -> None:
    await book.note(keyless())
    await book.note(member())
    await book.note(Refused("service", "shop", "", "searchAudit", "forbidden"))
    found = await events(store)

    assert [(each.event, each.outcome) for each in found] == [
        ("door.refused", "forbidden")
    ] * 3
    assert [each.detail for each in found] == [
        {"who": "keyless", "route": "knock"},
        {"who": "member", "route": "feed", "peer": "b.demo"},
        {"who": "service", "route": "searchAudit"},
    ]
    assert [each.source for each in found] == [PREFIX, None, None]
    assert [each.peer for each in found] == [None, "b.demo", None]
    assert [each.actor for each in found] == [None, None, "shop"]


async def test_repeats_are_one_event_of_the_hour(
    book: Refusals, store: Store, clock: FixedClock
) -> None:
    began = int(clock.now().timestamp())
    for _ in range(50):
        clock.advance(timedelta(minutes=1))
        await book.note(keyless())
        await book.sum_up()
    assert len(await events(store)) == 1
    clock.advance(timedelta(minutes=11))
    await book.sum_up()
    await book.note(keyless())
    first, summed, again = await events(store)

    assert summed.detail == {
        "who": "keyless",
        "route": "knock",
        "count": 49,
        "since": began + 120,
        "until": began + 50 * 60,
    }
    assert (first.source, summed.source, again.source) == (PREFIX,) * 3
    assert again.detail == first.detail


async def test_what_comes_once_is_summed_up_by_nothing(
    book: Refusals, store: Store, clock: FixedClock
) -> None:
    await book.note(keyless())
    clock.advance(WINDOW)
    await book.sum_up()

    assert len(await events(store)) == 1


async def test_sums_are_written_as_the_process_ends(
    book: Refusals, store: Store
) -> None:
    for _ in range(3):
        await book.note(member())
    await book.sum_up(ends=True)
    _, summed = await events(store)

    assert summed.detail is not None
    assert summed.detail["count"] == 2


async def test_all_who_come_at_once_wait_for_the_first(
    book: Refusals, store: Store
) -> None:
    await asyncio.gather(*(book.note(member()) for _ in range(20)))

    assert len(await events(store)) == 1


async def test_a_million_addresses_write_a_bounded_number(
    book: Refusals, store: Store, clock: FixedClock
) -> None:
    """Of so many that the bound shows: prefixes, routes and reasons, for two hours."""
    most = MOST_PREFIXED + MOST_OTHERS + 1
    for hour in range(2):
        for number in range(1_500):
            prefix = f"10.{number % 250}.{hour}.0/24"
            await book.note(keyless(prefix, f"route{number % 70}"))
        clock.advance(WINDOW)
        await book.sum_up()
    found = await events(store)
    counts = Counter((each.detail or {}).get("route") for each in found)
    summed = sum(int((each.detail or {}).get("count") or 0) for each in found)
    first = sum("count" not in (each.detail or {}) for each in found)

    assert len(found) <= 2 * 2 * most
    assert counts[OTHERS] == 4
    assert summed + first == 3_000  # each is counted


async def test_one_prefix_hides_no_other(book: Refusals, store: Store) -> None:
    for number in range(100):
        await book.note(keyless("198.51.100.0/24", f"route{number}"))
    await book.note(keyless())

    assert (await events(store))[-1].source == PREFIX


async def test_one_name_writes_a_bounded_number(book: Refusals, store: Store) -> None:
    for number in range(100):
        await book.note(member(f"route{number}"))
    await book.note(member("feed", "c.demo"))
    found = await events(store)

    assert len(found) == MOST_OF_NAME + 2
    assert found[-2].detail == {"who": "member", "route": OTHERS, "peer": "b.demo"}
    assert found[-1].peer == "c.demo"


class TestFullDisk:
    async def test_who_is_somebody_gets_no_answer(
        self, open_node_store: OpenStore, clock: FixedClock
    ) -> None:
        faults = Failing()
        store = await open_node_store(faults=faults)
        book = Refusals(store, AuditTrail("a.demo"), clock)
        faults.is_full = True
        with pytest.raises(StoreFailedError):
            await book.note(member())
        await book.note(keyless())  # it is refused anyway
        faults.is_full = False
        await book.note(member())
        await book.note(keyless())

        assert len(await events(store)) == 2

    async def test_the_log_says_so_once_a_minute(
        self,
        open_node_store: OpenStore,
        clock: FixedClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        faults = Failing()
        book = Refusals(
            await open_node_store(faults=faults), AuditTrail("a.demo"), clock
        )
        faults.is_full = True
        for number in range(30):
            await book.note(keyless(f"192.0.{number}.0/24"))
        clock.advance(timedelta(minutes=1))
        await book.note(keyless())
        said = [each for each in caplog.messages if "not audited" in each]

        assert said == ["refusals are not audited"] * 2

    async def test_sums_are_counted_on(
        self, open_node_store: OpenStore, clock: FixedClock
    ) -> None:
        faults = Failing()
        store = await open_node_store(faults=faults)
        book = Refusals(store, AuditTrail("a.demo"), clock)
        for _ in range(3):
            await book.note(keyless())
        clock.advance(WINDOW)
        faults.is_full = True
        with pytest.raises(StoreFailedError):
            await book.sum_up()
        faults.is_full = False
        await book.note(keyless())
        await book.sum_up()
        _, summed = await events(store)

        assert summed.detail is not None
        assert summed.detail["count"] == 3
