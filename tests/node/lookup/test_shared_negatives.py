# SPDX-License-Identifier: Apache-2.0
"""Questions that hit nothing share an event, and none is answered without it."""

import asyncio
import json
from collections.abc import Sequence
from threading import Event

import pytest
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupAnswer, LookupRequest, Result
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.trace import begin
from fedsafe_node.lookup.shared_negatives import SharedNegatives
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose, Surface


async def ask(  # noqa: PLR0913 - what is asked, and by whom
    fleet: Fleet,
    digest: str,
    *,
    ref: str | None = None,
    who: Principal = BOT,
    purpose: Purpose = Purpose.MEDIA_MATCHING,
    deadline_ms: int = 10_000,
) -> LookupAnswer:
    request = LookupRequest(
        questions=[Question(kind=Kind.SHA256, value=digest)],
        purpose=purpose,
        surface=Surface.PUBLIC_CONTENT,
        subject_ref=ref,
        deadline_ms=deadline_ms,
    )
    return await fleet["a.demo"].services.lookups.lookup(request, who)


async def test_those_that_wait_together_are_one_event_and_hits_their_own(
    alone: Fleet,
) -> None:
    services = alone["a.demo"].services
    await services.signals.add(request_for(HASH, kind=Kind.SHA256), ANNA)
    digests = [f"{number:064x}" for number in range(8)]

    answers = await asyncio.gather(
        *(ask(alone, digest, ref=f"u-{n}") for n, digest in enumerate(digests)),
        ask(alone, HASH, ref="u-8"),
    )

    assert [each.result for each in answers[:8]] == [Result.NONE] * 8
    assert [each.subject_ref for each in answers] == [f"u-{n}" for n in range(9)]
    assert answers[8].result is Result.REVIEW
    events = await alone.audit("a.demo", "lookup")
    negatives = [each for each in events if each.record.outcome == "none"]
    counts = [json.loads(each.openings["detail"])["lookups"] for each in negatives]
    assert sum(counts) == 8
    assert len(counts) < 8
    assert all("subject" not in each.openings for each in negatives)
    assert len(events) == len(negatives) + 1
    (meter,) = services.lookups.budgets._meters.values()  # noqa: SLF001 - what counts
    assert meter.within(int(alone.clock.now().timestamp())).spent == 9


async def test_each_request_is_counted_in_an_event_and_told_its_budget(
    alone: Fleet,
) -> None:
    async def one(number: int) -> tuple[set[str], int]:
        asking = begin()
        await ask(alone, f"{number:064x}")
        return asking.events, len(asking.limits)

    told = await asyncio.gather(*(asyncio.create_task(one(n)) for n in range(4)))

    assert told == [({"lookup"}, 1)] * 4


async def test_who_is_alone_finds_its_trace_in_the_event(alone: Fleet) -> None:
    async def one(number: int) -> str:
        asking = begin()
        await ask(alone, f"{number:064x}")
        return asking.trace

    async def traces() -> list[str]:
        events = await alone.audit("a.demo", "lookup")
        return [json.loads(each.openings["detail"])["trace"] for each in events]

    mine = await asyncio.create_task(one(0))
    assert await traces() == [mine]
    several = await asyncio.gather(*(asyncio.create_task(one(n)) for n in range(1, 4)))
    assert not set(several) & set((await traces())[1:])


async def test_two_askers_share_no_event(alone: Fleet) -> None:
    await asyncio.gather(
        ask(alone, "00" * 32),
        ask(alone, "11" * 32, who=Principal("other", BOT.role)),
        ask(alone, "22" * 32, who=RITA),
    )

    assert len(await alone.audit("a.demo", "lookup")) == 3


async def test_each_that_is_denied_is_an_event(alone: Fleet) -> None:
    results = await asyncio.gather(
        *(ask(alone, "00" * 32, purpose=Purpose.RECHECK) for _ in range(3)),
        return_exceptions=True,
    )

    assert [type(each) for each in results] == [DeniedError] * 3
    assert len(await alone.audit("a.demo", "refused")) == 3
    assert await alone.audit("a.demo", "lookup") == []


async def test_no_answer_is_given_while_the_store_stands_still(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.lookup.service.LEAST_WRITING", 0.2)
    store, stands, let_go = alone["a.demo"].base.store, Event(), Event()

    async def stand(tx: Transaction) -> None:
        del tx
        stands.set()
        let_go.wait()

    standing = asyncio.create_task(store.write(stand))
    await asyncio.to_thread(stands.wait)
    try:
        for _ in range(2):
            with pytest.raises(TimeoutError):
                await ask(alone, "00" * 32, deadline_ms=10)
    finally:
        let_go.set()
        await standing
    assert (await ask(alone, "00" * 32)).result is Result.NONE


async def test_what_ends_an_act_ends_all_of_it_and_nothing_later() -> None:
    faults = iter([True])

    async def settle(key: str, items: Sequence[None]) -> int:
        await asyncio.sleep(0)
        if next(faults, False):
            raise OSError(key)
        return len(items)

    shared = SharedNegatives(settle)
    first = [asyncio.create_task(shared.join("a", None, 5.0)) for _ in range(3)]
    results = await asyncio.gather(*first, return_exceptions=True)

    assert [type(each) for each in results] == [OSError] * 3
    gone, stays = (asyncio.create_task(shared.join("a", None, 5.0)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == 2
