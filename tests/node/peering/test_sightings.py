# SPDX-License-Identifier: Apache-2.0
import pytest
from tests.node.fleet import Fleet
from tests.node.signals.conftest import ANNA

from fedsafe_node.errors import DeniedError
from fedsafe_node.peering.sightings import FEWEST
from fedsafe_node.principal import Principal
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.review_rows import (
    TaskDecisionRow,
    TaskRow,
    TaskSignalRow,
    TaskState,
)
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
