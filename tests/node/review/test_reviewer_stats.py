# SPDX-License-Identifier: Apache-2.0
import pytest
from msgspec.structs import replace
from tests.node.review.conftest import Ward, match

from fedsafe_node.review.reviewer_stats import EVERYBODY, rubber_stamps
from fedsafe_node.store.review_rows import TaskDecisionRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Level, Outcome

TASKS = 50


async def stamp(
    ward: Ward, number: int, *, seconds: float, who: str = "anna", confirm: bool = True
) -> None:
    task = (await ward.open(match(number), subject=f"account-{number}")).task
    await ward.show(task, who)
    ward.team.pass_time(seconds)
    if confirm:
        await ward.confirm(task, Level.L1, who)
    else:
        await ward.decide(task, Outcome.DISMISS, who)


async def alarms(ward: Ward) -> list[str]:
    review = ward.desk.situation.policy.document.review
    return await ward.desk.store.read(lambda r: rubber_stamps(r, review))


async def test_the_time_from_the_first_look_is_written_down(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    await ward.show(task)
    ward.team.pass_time(40)
    await ward.show(task)
    ward.team.pass_time(2)
    await ward.confirm(task, Level.L1)

    assert (await ward.show(task)).decisions[0].dwell == 42


async def test_who_decides_unseen_took_no_time(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    ward.team.pass_time(3_600)
    await ward.confirm(task, Level.L1)

    assert (await ward.show(task)).decisions[0].dwell == 0


@pytest.mark.promise("LR-23")
@pytest.mark.parametrize(
    ("seconds", "confirmed", "raises"), [(60, 50, True), (60, 47, False), (5, 9, True)]
)
async def test_a_rubber_stamp_alarms_once_and_forbids_nothing(
    ward: Ward,
    seconds: float,
    confirmed: int,
    raises: bool,  # noqa: FBT001
) -> None:
    for number in range(TASKS - 1):
        confirm = number < confirmed - 1
        await stamp(ward, number, seconds=seconds, confirm=confirm)
    assert await ward.told("task.alarm") == []
    assert await alarms(ward) == []

    await stamp(ward, 100, seconds=seconds)
    await stamp(ward, 101, seconds=seconds)

    told = await ward.told("task.alarm")
    assert [outcome for outcome, _ in told] == ["alarm"] * raises
    assert await alarms(ward) == (["anna", EVERYBODY] if raises else [])


async def test_a_habit_that_nobody_has_alone_is_the_providers(ward: Ward) -> None:
    for number in range(TASKS):
        who = ("anna", "rita")[number % 2]
        await stamp(ward, number, seconds=1, who=who)

    assert await alarms(ward) == [EVERYBODY]
    ((_, text),) = await ward.told("task.alarm")
    assert EVERYBODY in text


@pytest.mark.parametrize(("seconds", "raises"), [(9, True), (10, False)])
async def test_who_approves_without_reading_is_a_rubber_stamp(
    ward: Ward,
    seconds: int,
    raises: bool,  # noqa: FBT001
) -> None:
    task = (await ward.open(match(1))).task
    made = TaskDecisionRow(
        task=task,
        outcome="confirm",
        decided_by="anna",
        decided_at=0,
        dwell=60,
        second="rita",
        second_dwell=seconds,
    )
    other = replace(made, outcome="dismiss", second=None, second_dwell=None)

    async def act(tx: Transaction) -> None:
        for _ in range(TASKS - 1):
            await tx.add_task_decision(made)
        for _ in range(TASKS):  # or anna's own confirmations stood out
            await tx.add_task_decision(other)

    await ward.desk.store.write(act)
    answer = await ward.confirm(task, Level.L5)
    rita = await ward.come("rita")
    await ward.tasks.show(task, rita)
    ward.team.pass_time(seconds)
    assert answer.act is not None
    await ward.approve_unseen(answer.act, rita)

    assert await alarms(ward) == ["rita"] * raises
    told = await ward.told("task.alarm")
    assert ["rita" in text for _, text in told] == [True] * raises
