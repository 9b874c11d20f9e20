# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace

from fedsafe_node.errors import ConflictError
from fedsafe_node.store.protocol import Store, Transaction
from fedsafe_node.store.trials_rows import TrialCause, TrialRow

TRIAL = TrialRow(
    id=f"{1:032x}",
    origin="b.demo",
    cause=TrialCause.IMPORTED_LIST,
    list="2026-11-23",
    began_at=100,
    ends_at=500,
    seed=bytes(32),
)
PROBATION = replace(
    TRIAL, id=f"{2:032x}", cause=TrialCause.PROBATION, list="", began_at=200
)
MARK, OTHER = bytes([1]) * 16, bytes([2]) * 16


async def add(store: Store, *trials: TrialRow) -> None:
    async def act(tx: Transaction) -> None:
        for each in trials:
            await tx.add_trial(each)

    await store.write(act)


async def test_a_trial_is_found_by_what_it_is_about(store: Store) -> None:
    await add(store, TRIAL, PROBATION)
    wanted = (TRIAL.origin, TRIAL.cause, TRIAL.list, TRIAL.began_at)

    assert await store.read(lambda r: r.trial(TRIAL.id)) == TRIAL
    assert await store.read(lambda r: r.trial_of(*wanted)) == TRIAL
    assert await store.read(lambda r: r.trial_of(*wanted[:3], 101)) is None
    assert await store.read(lambda r: r.probation_of("b.demo")) == PROBATION
    assert await store.read(lambda r: r.probation_of("c.demo")) is None
    running = await store.read(lambda r: r.trials(running=True, limit=9))
    assert running == [PROBATION, TRIAL]
    with pytest.raises(ConflictError):
        await add(store, replace(TRIAL, id=f"{3:032x}"))


async def test_an_end_is_never_taken_back(store: Store) -> None:
    await add(store, TRIAL, PROBATION)
    ended = replace(PROBATION, ended_by="rita", ended_at=600, reason="note-1")
    await store.write(lambda tx: tx.put_trial(ended))
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.put_trial(PROBATION))

    assert await store.read(lambda r: r.probation_of("b.demo")) is None
    assert await store.read(lambda r: r.trials(running=False, limit=9)) == [ended]
    await add(store, replace(PROBATION, id=f"{4:032x}", began_at=700, ends_at=900))
    assert await store.read(lambda r: r.probation_of("b.demo")) is not None


async def test_what_ends_by_itself_and_what_waits_for_a_person(store: Store) -> None:
    wrong = replace(PROBATION, matches=3, drawn=3, wrong=1)
    await add(store, TRIAL, wrong)

    assert await store.read(lambda r: r.trials_due(499, 9)) == []
    assert await store.read(lambda r: r.trials_due(500, 9)) == [TRIAL]
    assert await store.read(lambda r: r.trials_to_remind_of(500, 9)) == [wrong]
    told = replace(wrong, reminded_at=500)
    await store.write(lambda tx: tx.put_trial(told))
    assert await store.read(lambda r: r.trials_to_remind_of(500, 9)) == []


async def test_a_match_is_counted_once_and_its_sample_settled_once(
    store: Store,
) -> None:
    await add(store, TRIAL)

    async def act(tx: Transaction) -> None:
        await tx.add_trial_match(TRIAL.id, MARK, "task")
        await tx.add_trial_match(TRIAL.id, OTHER, None)

    await store.write(act)

    assert await store.read(lambda r: r.in_trial(TRIAL.id, MARK))
    assert not await store.read(lambda r: r.in_trial(TRIAL.id, bytes(16)))
    assert await store.read(lambda r: r.samples_of("task")) == [(TRIAL.id, MARK)]
    await store.write(lambda tx: tx.settle_sample(TRIAL.id, MARK))
    assert await store.read(lambda r: r.samples_of("task")) == []
    await store.write(lambda tx: tx.forget_trial_matches(TRIAL.id))
    assert not await store.read(lambda r: r.in_trial(TRIAL.id, OTHER))
