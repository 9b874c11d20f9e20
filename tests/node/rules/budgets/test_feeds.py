# SPDX-License-Identifier: Apache-2.0
"""Who reads a feed for the first time is never held up; who reads it again, soon is."""

from dataclasses import dataclass

import pytest
from tests.support.fleet import Fleet
from tests.support.members import fetched

from fedsafe_federation.errors import PeerRefusedError
from fedsafe_federation.feed.batch import MAX_RECORDS, FeedRequest
from fedsafe_node.ground.errors import OverBudgetError
from fedsafe_node.ground.trace import begin
from fedsafe_node.rules.budgets.circuits import Circuits
from fedsafe_node.rules.budgets.feeds import (
    BYTES,
    BYTES_AGAIN,
    LINES_A_REQUEST,
    REQUESTS,
    REQUESTS_AGAIN,
    WINDOW,
    FeedBudgets,
    Served,
)

BATCH = 7_750_000  # bytes of 5,000 records with openings as JSON; 3,490,000 in bulk
MILLION = 1_000_000 // MAX_RECORDS


@dataclass
class Reader:
    """A member that reads a.demo's feed; its seconds go by as it is told."""

    budgets: FeedBudgets
    seconds: list[float]

    async def read(
        self, batch: int, by: str = "b.demo", records: int = MAX_RECORDS
    ) -> None:
        await self.budgets.admit(by)
        size, since = BATCH * records // MAX_RECORDS, batch * MAX_RECORDS
        self.charge(since, records, by=by, size=size)

    def charge(  # noqa: PLR0913 - what a request may be
        self,
        since: int,
        records: int,
        *,
        by: str = "b.demo",
        origin: str = "a.demo",
        size: int = 0,
        lines: int = 0,
    ) -> None:
        request = FeedRequest(origin, since, 0, 0)
        self.budgets.charge(by, request, Served(bytes(size), records, lines))

    async def until_refused(self, batch: int = 0, records: int = MAX_RECORDS) -> int:
        for count in range(10 * REQUESTS):
            try:
                await self.read(batch, records=records)
            except OverBudgetError:
                return count
        raise AssertionError("it is never refused")


@pytest.fixture
def reader(alone: Fleet) -> Reader:
    base, seconds = alone["a.demo"].base, [0.0]
    circuits = Circuits(base.store, base.trail, base.clock)
    return Reader(FeedBudgets(base.situation, circuits, lambda: seconds[0]), seconds)


async def test_a_million_records_are_read_at_once(reader: Reader) -> None:
    for batch in range(MILLION):
        await reader.read(batch)
    await reader.read(MILLION, records=0)


async def test_who_polls_twenty_times_a_second_is_never_refused(reader: Reader) -> None:
    for _ in range(5 * REQUESTS):
        await reader.read(0, records=0)
        reader.seconds[0] += 1 / 20


async def test_what_was_given_before_costs_more(reader: Reader) -> None:
    await reader.read(0)
    reader.seconds[0] += WINDOW
    again = await reader.until_refused()

    assert again == min(
        -(-BYTES // (BATCH * BYTES_AGAIN)), -(-REQUESTS // REQUESTS_AGAIN)
    )


async def test_what_is_half_known_costs_half_of_that(reader: Reader) -> None:
    reader.charge(0, 10)
    reader.charge(5, 10)
    reader.charge(5, 10, origin="c.demo")
    begin()
    left = await reader.until_refused(batch=9, records=0)

    assert left == int(REQUESTS - (REQUESTS_AGAIN - 1) / 2)


async def test_what_is_counted_beside_many_lines_costs_by_the_line(
    reader: Reader,
) -> None:
    for _ in range(REQUESTS // 100):
        reader.charge(0, 0, lines=100 * LINES_A_REQUEST)

    assert await reader.until_refused(records=0) == 0


async def test_who_is_refused_is_told_when_to_ask_and_then_is_answered(
    reader: Reader,
) -> None:
    asking = begin()
    await reader.until_refused()
    with pytest.raises(OverBudgetError) as refused:
        await reader.read(0)
    stands = {each.name: each for each in asking.limits}
    reader.seconds[0] += refused.value.retry_after
    await reader.read(0)

    assert refused.value.decision.code == "budget"
    assert 1 <= refused.value.retry_after <= WINDOW
    assert (stands["requests"].quota, stands["bytes"].quota) == (REQUESTS, BYTES)
    assert min(each.left for each in stands.values()) == 0
    await reader.read(0, by="c.demo")


async def test_a_thousand_refusals_are_one_event(reader: Reader, alone: Fleet) -> None:
    await reader.until_refused()
    for _ in range(1_000):
        with pytest.raises(OverBudgetError):
            await reader.read(0)

    assert len(await alone.audit("a.demo", "refused")) == 1


async def test_a_member_that_reads_again_and_again_is_told_429_over_the_network(
    trio: Fleet,
) -> None:
    await trio.publish("person@mail.example")
    shared = trio["b.demo"].base.situation.shared
    assert shared is not None
    origin = shared.membership.charter.member("a.demo")
    given, request = 0, FeedRequest("a.demo", 0, 0, 0)

    async def read_on() -> None:
        nonlocal given
        for _ in range(2 * REQUESTS // REQUESTS_AGAIN):
            await fetched(trio["b.demo"].client, origin, request)
            given += 1

    with pytest.raises(PeerRefusedError) as refused:
        await read_on()
    await fetched(trio["c.demo"].client, origin, request)

    assert given > REQUESTS // REQUESTS_AGAIN // 2
    assert refused.value.lacks_budget
    assert refused.value.code == "budget"
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= WINDOW
