# SPDX-License-Identifier: Apache-2.0
import asyncio
from datetime import timedelta

import pytest
from tests.node.signals.conftest import BOT
from tests.support.fleet import Fleet
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_node.acts.audit import LogCheck, NightlyStanding
from fedsafe_node.audit.nightly_check import check_nightly, nightly_standing
from fedsafe_node.log.audit import Event
from fedsafe_node.log.verification import Anchor

LOG = "a.demo/audit"


async def write_entries(fleet: Fleet, count: int) -> None:
    base = fleet["a.demo"].base
    entries = [
        base.trail.entry(Event.LOOKUP, at=base.clock.now(), subject="shop/account-1")
        for _ in range(count)
    ]
    await base.store.write(lambda tx: tx.append_many(LOG, entries))


class Nights:
    """Checks a node night by night, and knows from where each check began."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.begun: list[int | None] = []

    async def check(self, since: Anchor | None) -> LogCheck:
        self.begun.append(None if since is None else since.size)
        return await self.fleet["a.demo"].services.audits.check_own(since)

    async def run(self, days: int = 1) -> NightlyStanding:
        self.fleet.clock.advance(timedelta(days=days))
        self.begun.clear()
        return await check_nightly(self.fleet["a.demo"].base.office, self.check)

    def change(self, statement: str) -> None:
        FLEET_STORES.behind(self.fleet.place("a.demo")).change(statement)


@pytest.fixture
async def nights(alone: Fleet) -> Nights:
    return Nights(alone)


async def test_each_night_goes_on_where_the_one_before_ended(nights: Nights) -> None:
    store = nights.fleet["a.demo"].base.store
    assert await nightly_standing(store) is None
    await write_entries(nights.fleet, 600)
    first = await nights.run()
    assert (first.ok, first.since, nights.begun) == (True, 0, [None])
    await write_entries(nights.fleet, 300)
    second = await nights.run()

    assert (second.ok, second.since, nights.begun) == (True, 512, [512])
    assert second.size > 900
    assert await nightly_standing(store) == second
    shown = await nights.fleet["a.demo"].services.inspections.standing()
    assert shown.nightly == second
    events = await nights.fleet.audit("a.demo", "audit.verified")
    assert [event.record.outcome for event in events] == ["ok", "ok"]


async def test_once_a_month_everything_is_verified(nights: Nights) -> None:
    await write_entries(nights.fleet, 600)
    starts = list[int | None]()
    for days in (1, 1, 28, 1, 1, 29):
        await nights.run(days)
        starts += nights.begun
    assert starts == [None, 512, 512, None, 512, None]


async def test_damage_is_named_told_and_looked_for_again(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    await write_entries(nights.fleet, 600)
    await nights.run()
    change = "UPDATE tile_roots SET hash = zeroblob(32) WHERE idx = 1 AND level = 1"
    await asyncio.to_thread(nights.change, change)
    found = await nights.run()

    assert nights.begun == [512, None]  # the whole log says where
    assert (found.ok, found.damage, found.since) == (False, "tampered", 0)
    assert found.first_bad_index == 256
    assert "the audit log is damaged" in caplog.text
    again = await nights.run()
    assert (again.ok, nights.begun) == (False, [None])
    events = await nights.fleet.audit("a.demo", "audit.verified")
    assert [event.record.outcome for event in events] == ["ok", "tampered", "tampered"]


async def test_a_change_since_the_night_before_is_found(nights: Nights) -> None:
    await write_entries(nights.fleet, 600)
    await nights.run()
    change = "UPDATE entries SET record = x'00' WHERE idx = 530"
    await asyncio.to_thread(nights.change, change)
    found = await nights.run()

    assert (found.damage, found.first_bad_index) == ("tampered", 530)
    verified = await nights.fleet["a.demo"].services.audits.verify(BOT)
    assert not verified.ok


async def test_it_is_a_job_of_each_day(nights: Nights) -> None:
    job = nights.fleet["a.demo"]._jobs()["audit-nightly"]  # noqa: SLF001
    assert job.every == timedelta(days=1)
    await job.work()
    assert await nightly_standing(nights.fleet["a.demo"].base.store) is not None
