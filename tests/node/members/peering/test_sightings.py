# SPDX-License-Identifier: Apache-2.0
from datetime import timedelta
from secrets import token_hex

import pytest
from tests.node.review.conftest import match
from tests.node.signals.conftest import ANNA, RITA
from tests.support.fleet import Fleet
from tests.support.insistence import insisting

from fedsafe_node.acts.reviews import Because, OutcomeRequest
from fedsafe_node.ground.errors import DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.members.peering.sightings import FEWEST
from fedsafe_node.review.task_start import open_review
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.review_rows import (
    TaskDecisionRow,
    TaskRow,
    TaskSignalRow,
    TaskState,
)
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Outcome, Role

DORA = Principal("dora", Role.DPO)


async def decide(
    store: Store, task: str, outcomes: list[Outcome], *origins: str
) -> None:
    async def act(tx: Transaction) -> None:
        row = TaskRow(
            id=task,
            subject=f"account-{task}",
            state=TaskState.DECIDED,
            opened_at=1,
            ends_at=9,
        )
        await tx.add_task(row)
        signals = [
            TaskSignalRow(
                task=task,
                origin=origin,
                signal_id=task.encode().ljust(16),
                added_at=1,
                period="2026-11",
                sealed=b"sealed",
            )
            for origin in origins
        ]
        await tx.put_task_signals(signals)
        for outcome in outcomes:
            await tx.add_task_decision(
                TaskDecisionRow(
                    task=task,
                    outcome=outcome.value,
                    decided_by="rita",
                    decided_at=2,
                    dwell=60,
                )
            )

    await store.write(act)


async def test_reviews_are_counted_once_by_their_newest_outcome(store: Store) -> None:
    await decide(store, "t1", [Outcome.WATCH, Outcome.CONFIRM], "b.demo", "c.demo")
    await decide(store, "t2", [Outcome.DISMISS], "b.demo")
    await decide(store, "t3", [], "b.demo")

    assert await store.scan(lambda reader: reader.sightings()) == {
        ("b.demo", "confirm"): 1,
        ("b.demo", "dismiss"): 1,
        ("c.demo", "confirm"): 1,
    }


@pytest.mark.promise("LR-24")
async def test_only_sums_of_ten_are_told(trio: Fleet) -> None:
    node = trio["a.demo"]
    for number in range(FEWEST):
        origins = ["b.demo", "c.demo"] if number else ["b.demo"]
        outcome = [Outcome.CONFIRM]
        await decide(node.base.store, f"t{number}", outcome, *origins, "a.demo")
    answer = await node.services.sightings.show(DORA)
    told = {each.origin: each.outcomes for each in answer.sightings}

    assert told == {"b.demo": {Outcome.CONFIRM: FEWEST}, "c.demo": {}}
    assert len(await trio.audit("a.demo", "sightings.read")) == 1
    with pytest.raises(DeniedError):
        await node.services.sightings.show(ANNA)


async def ended(
    fleet: Fleet, name: str, count: int, because: Because | None = None
) -> None:
    """Let so many reviews at a node be dismissed, of a signal of another."""
    node = fleet[name]
    for _ in range(count):
        account = token_hex(8)
        opened = await node.base.store.write(
            lambda tx, account=account: open_review(  # type: ignore[misc]
                node.reviews,
                tx,
                account,
                [match(1, "a.demo")],
                node.base.clock.now(),
                by="local",
                service="local",
            )
        )
        request = OutcomeRequest(outcome=Outcome.DISMISS, because=because)
        await insisting(node.services.tasks).decide(opened.task, request, RITA)


async def told_to(fleet: Fleet, name: str) -> dict[str, dict[str, dict[str, int]]]:
    answer = await fleet[name].services.sightings.show(DORA)
    return {each.member: each.kinds for each in answer.told}


async def next_day(fleet: Fleet, *names: str) -> None:
    fleet.clock.advance(timedelta(days=1))
    for name in names:
        await fleet[name].sightings.run()


async def test_an_origin_hears_in_whole_steps_how_reviews_ended(trio: Fleet) -> None:
    heard = []
    await next_day(trio, "b.demo", "a.demo")
    for count in (9, 1, 9, 1):
        await ended(trio, "b.demo", count)
        await ended(trio, "b.demo", 1, Because.LISTING_WRONG)  # too few are never told
        await trio["a.demo"].sightings.run()  # on the same day nothing moves
        await next_day(trio, "b.demo", "a.demo")
        heard.append((await told_to(trio, "a.demo"))["b.demo"])

    ten, twenty = {"email": {"dismiss": 10}}, {"email": {"dismiss": 20}}
    assert heard == [{}, ten, ten, twenty]
    assert not any((await told_to(trio, "c.demo")).values())  # its own alone
    taken = await trio.audit("a.demo", "sightings.taken")
    assert sum('"b.demo"' in each.text for each in taken) <= 6  # once a day
