# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace

from fedsafe_node.acts.trials import TrialCause
from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.review_rows import ClosingRow, TrialRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.trials import Closings

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
    TRIAL, id=f"{2:032x}", cause=TrialCause.PROBATION, list="email", began_at=200
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
    assert await store.read(lambda r: r.probation_of("b.demo", "email")) == PROBATION
    assert await store.read(lambda r: r.probation_of("c.demo", "email")) is None
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

    assert await store.read(lambda r: r.probation_of("b.demo", "email")) is None
    assert await store.read(lambda r: r.trials(running=False, limit=9)) == [ended]
    await add(store, replace(PROBATION, id=f"{4:032x}", began_at=700, ends_at=900))
    assert await store.read(lambda r: r.probation_of("b.demo", "email")) is not None


async def test_what_ends_by_itself_and_what_waits_for_a_person(store: Store) -> None:
    listed = replace(TRIAL, id=f"{5:032x}", list="2026-11-24", ends_at=499)
    wrong = replace(listed, matches=3, drawn=3, wrong=1)
    await add(store, TRIAL, wrong, PROBATION)

    assert await store.read(lambda r: r.trials_due(499, 9)) == []
    assert await store.read(lambda r: r.trials_due(500, 9)) == [TRIAL]
    assert await store.read(lambda r: r.trials_to_remind_of(500, 9)) == [
        wrong,
        PROBATION,
    ]

    async def remind(tx: Transaction) -> None:
        for each in (wrong, PROBATION):
            await tx.put_trial(replace(each, reminded_at=500))

    await store.write(remind)
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


async def test_closed_reviews_are_summed_up_by_origin_and_kind(store: Store) -> None:
    one = ClosingRow(
        task="1",
        origin="b.demo",
        kind="email",
        closed_at=100,
        is_by_two=True,
        is_wrong=True,
    )
    rows = [
        one,
        replace(one, task="2", closed_at=101),
        replace(one, task="3", closed_at=102, is_wrong=False),
        replace(one, task="4", closed_at=103, is_by_two=False, is_wrong=False),
        replace(one, task="5", closed_at=104, is_by_two=False),
        replace(one, task="6", kind="phone"),
        replace(one, task="7", origin="c.demo"),
    ]

    async def act(tx: Transaction) -> None:
        for row in rows:
            await tx.put_closing(row)
            await tx.put_closing(row)

    async def sums(since: int) -> Closings:
        return await store.read(lambda r: r.closings("b.demo", "email", since))

    await store.write(act)
    assert await sums(99) == Closings(counted=4, by_two=3, wrong=2)
    assert await sums(100) == Closings(counted=3, by_two=2, wrong=1)
    await store.write(lambda tx: tx.forget_closings(101))
    assert await sums(0) == Closings(counted=3, by_two=2, wrong=1)
    await store.write(lambda tx: tx.put_closing(replace(rows[1], is_wrong=False)))
    assert (await sums(0)).wrong == 0
    assert await sums(200) == Closings(counted=0, by_two=0, wrong=0)


async def test_probations_are_counted_and_their_last_end_is_known(store: Store) -> None:
    assert await store.read(lambda r: r.probations()) == 0
    await add(store, TRIAL, PROBATION)
    assert await store.read(lambda r: r.probations()) == 1
    assert await store.read(lambda r: r.last_probation("b.demo", "email")) is None
    assert await store.read(lambda r: r.probation_of("b.demo", "phone")) is None
    ended = replace(PROBATION, ended_by="rita", ended_at=600, reason="note-1")
    await store.write(lambda tx: tx.put_trial(ended))
    assert await store.read(lambda r: r.last_probation("b.demo", "email")) == 600
    assert await store.read(lambda r: r.probations()) == 0
