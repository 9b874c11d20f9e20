# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet, StandingClock, eventually
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import RevokeRequest
from fedsafe_node.app.scheduler import RETRY, Jobs
from fedsafe_node.ground.errors import StoreError, StoreFailedError
from fedsafe_node.ground.job import Job, Lane
from fedsafe_node.lookup.index import tokens
from fedsafe_node.store.protocol import Store

pytestmark = pytest.mark.usefixtures("ticking_jobs")

HOUR = timedelta(hours=1)
FOREVER = 1 << 62


class Work:
    """Counts its runs, and fails while it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.fails = False

    async def __call__(self) -> None:
        self.runs += 1
        if self.fails:
            raise RuntimeError("it broke")


def jobs_of(store: Store, clock: StandingClock, **work: Work) -> Jobs:
    return Jobs(store, clock, {name: Job(each, HOUR) for name, each in work.items()})


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


async def planned(jobs: Jobs) -> Jobs:
    await jobs.start()
    await jobs.stop()
    return jobs


async def test_a_job_runs_at_once_and_then_when_it_is_due(
    store: Store, clock: StandingClock
) -> None:
    work = Work()
    jobs = await planned(jobs_of(store, clock, work=work))
    for _ in range(3):
        await jobs.tick()
    first = work.runs
    clock.advance(HOUR)
    await jobs.tick()

    assert (first, work.runs) == (1, 2)


async def test_a_job_missed_while_the_node_was_down_runs_at_the_next_tick(
    store: Store, clock: StandingClock
) -> None:
    await (await planned(jobs_of(store, clock, work=Work()))).tick()
    clock.advance(10 * HOUR)
    late = Work()
    jobs = await planned(jobs_of(store, clock, work=late))
    await jobs.tick()
    await jobs.tick()

    assert late.runs == 1


async def test_a_restart_does_not_bring_a_job_forward(
    store: Store, clock: StandingClock
) -> None:
    await (await planned(jobs_of(store, clock, work=Work()))).tick()
    again = Work()
    await (await planned(jobs_of(store, clock, work=again))).tick()

    assert again.runs == 0


async def test_what_comes_back_within_a_minute_runs_at_each_start_and_writes_nothing(
    store: Store, clock: StandingClock
) -> None:
    first, second = Work(), Work()

    def made(work: Work) -> Jobs:
        return Jobs(store, clock, {"often": Job(work, timedelta(seconds=5))})

    await (await planned(made(first))).tick()
    jobs = await planned(made(second))
    before = await store.read(lambda reader: reader.due(FOREVER))
    for _ in range(3):
        await jobs.tick()
        clock.advance(timedelta(seconds=5))
    after = await store.read(lambda reader: reader.due(FOREVER))

    assert (first.runs, second.runs) == (1, 3)
    assert before == after == []


async def test_a_failing_job_is_tried_again_and_stops_no_other(
    store: Store, clock: StandingClock
) -> None:
    bad, good = Work(), Work()
    bad.fails = True
    jobs = await planned(jobs_of(store, clock, bad=bad, good=good))
    await jobs.tick()
    bad.fails = False
    clock.advance(RETRY)
    await jobs.tick()
    await jobs.tick()

    assert (bad.runs, good.runs) == (2, 1)


async def test_a_job_whose_next_date_is_not_kept_stays_due(
    store: Store, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, other = Work(), Work()
    jobs = await planned(jobs_of(store, clock, work=work, other=other))

    async def fail(
        _act: Callable[[Any], Awaitable[Any]], *, vital: bool = False
    ) -> None:
        assert vital
        raise StoreFailedError("disk full")

    monkeypatch.setattr(store, "write", fail)
    await jobs.tick()
    monkeypatch.undo()
    await jobs.tick()

    assert (work.runs, other.runs) == (2, 2)


async def test_removed_tokens_leave_the_disk_within_a_day(alone: Fleet) -> None:
    node = alone["a.demo"]
    index, directory = node.base.lists.tokens, alone.place("a.demo").index
    ban = await node.services.signals.add(request_for("x@mail.example"), ANNA)
    (row,) = await node.base.store.read(lambda reader: reader.signals_after(0, 10))
    await asyncio.to_thread(index.merge)
    assert row.token is not None
    high = int.from_bytes(row.token[:8]).to_bytes(8, "little")
    before = await asyncio.to_thread(on_disk, directory)
    request = RevokeRequest(reason=Reason.MISTAKE)
    await node.services.signals.revoke(ban.signal, request, ANNA)
    alone.clock.advance(timedelta(days=1))

    async def purged() -> bool:
        return not index.removed

    await eventually(purged)
    after = await asyncio.to_thread(on_disk, directory)

    assert high in before
    assert high not in after


def on_disk(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


class OwnDisk:
    """Lets the file of the embedded store not grow."""

    def __init__(self, fleet: Fleet) -> None:
        self._writing = fleet["a.demo"].base.store._files.writing  # type: ignore[attr-defined]  # noqa: SLF001

    def fill(self) -> None:
        self._writing.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (pages,) = self._writing.execute("PRAGMA page_count").fetchone()
        self._writing.execute(f"PRAGMA max_page_count = {pages}")

    def make_room(self) -> None:
        self._writing.execute("PRAGMA max_page_count = 1000000")


class ServersDisk:
    """Lets a server say that its disk is full."""

    def __init__(self, fleet: Fleet) -> None:
        self._url = FLEET_STORES.prepared(fleet.place("a.demo")).superuser

    def fill(self) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute(
                "CREATE FUNCTION fedsafe.no_room() RETURNS trigger LANGUAGE plpgsql "
                "AS $$ BEGIN RAISE EXCEPTION 'No space left on device' "
                "USING ERRCODE = 'disk_full'; END $$"
            )
            connection.execute(
                "CREATE TRIGGER no_room BEFORE UPDATE ON fedsafe.seal "
                "EXECUTE FUNCTION fedsafe.no_room()"
            )

    def make_room(self) -> None:
        with psycopg.connect(self._url) as connection:
            connection.execute("DROP FUNCTION fedsafe.no_room() CASCADE")


async def test_health_tells_of_a_full_disk_until_a_job_could_write(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = alone["a.demo"]
    disk = ServersDisk(alone) if FLEET_STORES.on_server else OwnDisk(alone)
    monkeypatch.setattr("fedsafe_node.app.scheduler.TICK_SECONDS", 3600)

    async def refused() -> bool:
        try:
            await node.services.signals.add(request_for("x@mail.example"), ANNA)
        except StoreError:
            return True
        return False

    async def well() -> bool:
        return (await node.services.node.checks())["store"] == "ok"

    assert await well()
    await asyncio.to_thread(disk.fill)
    await eventually(refused)
    first = (await node.services.node.checks())["store"]
    status = await node.services.node.status()
    await asyncio.to_thread(disk.make_room)
    alone.clock.advance(timedelta(minutes=2))
    await eventually(well)

    assert first == status.store == "full since 2026-11-24T12:00:00+00:00"
    assert (await node.services.node.status()).store == "ok"


async def test_a_job_that_nobody_knows_any_more_is_left_alone(
    store: Store, clock: StandingClock
) -> None:
    work = Work()
    await store.write(lambda tx: tx.set_due("gone", 0))
    await (await planned(jobs_of(store, clock, work=work))).tick()

    assert work.runs == 1


async def test_the_scheduler_ticks_by_itself_until_it_is_stopped(
    store: Store, clock: StandingClock
) -> None:
    work = Work()
    jobs = jobs_of(store, clock, work=work)
    await jobs.start()

    async def ran() -> bool:
        return work.runs > 0

    await eventually(ran)
    await jobs.stop()
    await jobs.stop()

    assert work.runs == 1


async def test_a_job_that_lasts_many_ticks_is_nothing_to_warn_of(
    store: Store,
    clock: StandingClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("fedsafe_node.app.scheduler.TICK_SECONDS", 0.02)
    others, turns, late, often = Work(), 0, asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        await others()
        await late.wait()

    async def count() -> None:
        nonlocal turns
        turns += 1
        if turns == 10:
            often.set()

    jobs = Jobs(
        store,
        clock,
        {
            "long": Job(wait, timedelta(0), lane=Lane.MEMBERS),
            "short": Job(count, timedelta(0)),
        },
    )
    await jobs.start()
    async with asyncio.timeout(20):
        await often.wait()
    late.set()
    await jobs.stop()

    assert others.runs == 1
    assert caplog.records == []


@pytest.mark.parametrize(
    ("lane", "other"),
    [
        (Lane.MEMBERS, Lane.HERE),
        (Lane.PARTNERS, Lane.HERE),
        (Lane.PARTNERS, Lane.MEMBERS),
    ],
)
async def test_who_waits_for_others_holds_up_no_other_job(
    store: Store, clock: StandingClock, lane: Lane, other: Lane
) -> None:
    go, own = asyncio.Event(), Work()

    async def hang() -> None:
        await go.wait()

    work = {"asking": Job(hang, HOUR, lane=lane), "own": Job(own, HOUR, lane=other)}
    jobs = Jobs(store, clock, work)
    await jobs.start()

    async def ran_twice() -> bool:
        clock.advance(HOUR)
        return own.runs > 1

    assert await eventually(ran_twice)
    go.set()
    await jobs.stop()


async def test_stopping_waits_for_the_tick_under_way(
    store: Store, clock: StandingClock
) -> None:
    started, go = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def slow() -> None:
        started.set()
        await go.wait()
        done.append("done")

    jobs = Jobs(store, clock, {"slow": Job(slow, HOUR)})
    await jobs.start()
    tick = asyncio.create_task(jobs.tick())
    await started.wait()
    stop = asyncio.create_task(jobs.stop())
    await asyncio.sleep(0)
    waits = not stop.done()
    go.set()
    await asyncio.gather(tick, stop)

    assert waits
    assert done == ["done"]


# --- the duties of a node


async def test_an_own_ban_expires_by_the_nodes_clock(alone: Fleet) -> None:
    await alone["a.demo"].services.signals.add(request_for(), ANNA)
    alone.clock.advance(timedelta(days=800))

    async def expired() -> bool:
        return bool(await alone.audit("a.demo", "signal.expired"))

    assert await eventually(expired)


async def test_all_duties_of_a_node_run_without_a_fault(
    trio: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    await trio.publish("somebody@mail.example")
    trio.clock.advance(timedelta(hours=2))
    store = trio["a.demo"].base.store
    now = int(trio.clock.now().timestamp())

    async def done() -> bool:
        return not await store.read(lambda reader: reader.due(now))

    await eventually(done)

    assert "job failed" not in caplog.text


async def test_the_index_is_merged_when_it_is_due(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "MERGE_AT", 0)
    await alone["a.demo"].services.signals.add(request_for(), ANNA)
    index = alone["a.demo"].base.lists.tokens
    alone.clock.advance(timedelta(hours=1))

    async def merged() -> bool:
        return index.size_on_disk > 0

    assert await eventually(merged)
