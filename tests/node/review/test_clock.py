# SPDX-License-Identifier: Apache-2.0
"""Clocks of reviews over weekends and holidays, and what stops a signal."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.node.review.conftest import Ward, match

from fedsafe_node.acts.reviews import TasksQuery
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.store.keeping_rows import HoldRow
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.vocabulary import Level, Outcome

SECOND = timedelta(seconds=1)


def moment(day: str, hour: int = 14) -> datetime:
    return datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("opened", "last"),
    [
        ("2026-11-24", "2026-11-27"),  # a Tuesday
        ("2026-11-27", "2026-12-02"),  # a Friday
        ("2026-12-23", "2026-12-29"),  # two holidays, one on a Saturday
        ("2027-03-24", "2027-03-31"),  # before Easter
    ],
)
async def test_a_match_that_nobody_decides_on_is_gone_after_three_working_days(
    ward: Ward, opened: str, last: str
) -> None:
    ward.at(moment(opened))
    task = (await ward.open(match(1))).task
    ends = datetime.fromtimestamp(
        (await ward.desk.store.read(lambda r: r.tasks_at_hand(1)))[0].task.ends_at,
        tz=UTC,
    )
    assert (ends - SECOND).date().isoformat() == last

    ward.at(ends - SECOND)
    assert await ward.tend() == 0
    ward.at(ends)
    assert await ward.tend() == 1
    assert await ward.tend() == 0

    row = await ward.desk.store.read(lambda r: r.task(task))
    assert row is not None
    assert (row.state, row.subject) == ("lapsed", None)
    assert await ward.desk.store.read(lambda r: r.task_signals(task)) == []
    ((outcome, text),) = await ward.told("task.lapsed")
    assert outcome == "undecided"
    assert "account-1" in text
    told = (await ward.announced())[-1]
    assert (told.kind, told.subject_ref) == ("task.lapsed", "account-1")
    assert told.content == {"task": task, "why": "undecided"}
    await ward.come("anna")
    with pytest.raises(WrongStateError):
        await ward.decide(task, Outcome.DISMISS)


async def test_a_match_is_reminded_of_once_before_it_is_gone(ward: Ward) -> None:
    ward.at(moment("2026-11-27"))
    task = (await ward.open(match(1))).task
    ward.at(moment("2026-12-01", 22))
    await ward.tend()
    assert await ward.announced() == []

    ward.at(moment("2026-12-01", 23))
    await ward.tend()
    await ward.tend()

    (told,) = await ward.announced()
    assert (told.kind, told.subject_ref) == ("task.due", "account-1")
    assert told.content["task"] == task
    assert [outcome for outcome, _ in await ward.told("task.due")] == ["reminder"]


async def test_a_watch_ends_on_its_day(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    await ward.decide(task, Outcome.WATCH, days=10)
    ward.at(moment("2026-12-04", 23))
    assert await ward.tend() == 0
    ward.at(moment("2026-12-05", 0))

    assert await ward.tend() == 1
    assert [outcome for outcome, _ in await ward.told("task.lapsed")] == ["watch_over"]
    told = (await ward.announced())[-1]
    assert (told.kind, told.subject_ref) == ("task.lapsed", "account-1")
    assert told.content == {"task": task, "why": "watch_over"}


async def test_a_decision_is_kept_as_long_as_one_may_complain(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    await ward.confirm(task, Level.L2)
    ward.team.clock.advance(timedelta(days=183) - SECOND)
    assert await ward.tend() == 0
    ward.team.clock.advance(SECOND)
    assert await ward.tend() == 1

    assert [each for each, _ in await ward.told("task.lapsed")] == ["kept_long_enough"]
    ward.team.clock.advance(timedelta(days=1))
    await ward.tend()
    assert await ward.desk.store.read(lambda r: r.deciders()) == []


@pytest.mark.parametrize("status", [s for s in SignalStatus if s != "active"])
async def test_a_signal_that_is_stopped_brings_its_task_up_again(
    ward: Ward, status: SignalStatus
) -> None:
    await ward.list_signal(match(1))
    task = (await ward.open(match(1), match(2))).task
    await ward.stop_signal(match(1), status)
    await ward.tend()
    await ward.tend()

    shown = await ward.show(task)
    assert shown.flagged_at == ward.team.now
    by_name = {each.signal: each for each in shown.signals}
    stopped = by_name[match(1).signal]
    assert stopped.effect == status.value
    assert (stopped.match is None) is (status is not SignalStatus.DISPUTED)
    assert by_name[match(2).signal].match is not None
    (told,) = await ward.announced()
    assert (told.kind, told.subject_ref) == ("signal.restricted", "account-1")
    assert (told.content["signal"], told.content["effect"]) == (
        match(1).signal,
        status.value,
    )
    assert len(await ward.told("task.reopened")) == 1


async def test_what_was_decided_is_looked_at_anew(ward: Ward) -> None:
    await ward.list_signal(match(1))
    task = (await ward.open(match(1))).task
    await ward.confirm(task, Level.L4)
    ward.team.clock.advance(timedelta(days=60))
    await ward.stop_signal(match(1), SignalStatus.REVOKED)
    await ward.tend()
    await ward.come("anna")

    waiting = await ward.tasks.list(TasksQuery(), ward.people["anna"])
    assert [each.task for each in waiting.tasks] == [task]
    answer = await ward.decide(task, Outcome.DISMISS)

    assert answer.decided
    assert [each.outcome for each in (await ward.show(task)).decisions] == [
        Outcome.CONFIRM,
        Outcome.DISMISS,
    ]
    waiting = await ward.tasks.list(TasksQuery(), ward.people["anna"])
    assert waiting.tasks == []


async def test_a_new_look_waits_no_longer_than_a_match(ward: Ward) -> None:
    await ward.list_signal(match(1))
    task = (await ward.open(match(1))).task
    await ward.confirm(task, Level.L4)
    await ward.stop_signal(match(1), SignalStatus.REVOKED)
    await ward.tend()
    ward.team.clock.advance(timedelta(days=8))
    await ward.tend()
    await ward.come("anna")

    with pytest.raises(DeniedError):
        await ward.confirm(task, Level.L4)
    assert [each.kind for each in await ward.announced()] == [
        "task.decided",
        "signal.restricted",
        "task.due",
    ]
    assert (await ward.decide(task, Outcome.DISMISS)).decided


@pytest.mark.parametrize(
    ("days", "told"),
    [(1, ["limit_over", "reminder"]), (9, ["reminder", "limit_over"])],
)
async def test_a_limit_whose_signal_is_stopped_still_ends(
    ward: Ward, days: int, told: list[str]
) -> None:
    await ward.list_signal(match(1))
    task = (await ward.open(match(1))).task
    limit = {"level": Level.L3, "reason": "n-1"}
    await ward.decide(task, Outcome.FEATURE_LIMIT, days=days, **limit)
    await ward.stop_signal(match(1), SignalStatus.REVOKED)
    for _ in range(10):
        await ward.tend()
        ward.team.clock.advance(timedelta(days=1))
    await ward.tend()

    due = [each for each in await ward.announced() if each.kind == "task.due"]
    assert [each.content["why"] for each in due] == told


async def test_a_signal_that_matches_again_is_known_again(ward: Ward) -> None:
    await ward.list_signal(match(1))
    task = (await ward.open(match(1))).task
    await ward.stop_signal(match(1), SignalStatus.DISPUTED)
    await ward.tend()
    await ward.stop_signal(match(1), SignalStatus.ACTIVE)

    (signal,) = (await ward.show(task)).signals
    assert signal.effect is None
    assert (await ward.open(match(1))).events == ()


async def test_a_signal_that_comes_back_joins_its_task_again(ward: Ward) -> None:
    await ward.list_signal(match(1))
    task = (await ward.open(match(1))).task
    await ward.stop_signal(match(1), SignalStatus.EXPIRED)

    grown = await ward.open(match(1))

    assert grown.task == task
    (signal,) = (await ward.show(task)).signals
    assert (signal.effect, signal.match is None) == (None, False)


async def test_what_ended_while_the_node_was_down_is_not_reminded_of(
    ward: Ward,
) -> None:
    await ward.open(match(1))
    ward.team.clock.advance(timedelta(days=9))

    assert await ward.tend() == 1
    assert await ward.told("task.due") == []
    assert [each.kind for each in await ward.announced()] == ["task.lapsed"]


async def hold(ward: Ward, until: datetime) -> None:
    row = HoldRow(
        id="hold-1",
        subject="account-1",
        first=None,
        last=None,
        reason="order-7",
        until=int(until.timestamp()),
        placed_at=ward.team.now,
        placed_by="dora",
    )
    await ward.desk.store.write(lambda tx: tx.add_hold(row))


async def test_what_somebody_holds_stays_until_the_hold_is_over(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    dismissed = (await ward.open(match(1), subject="account-2")).task
    await hold(ward, moment("2026-12-20"))
    ward.at(moment("2026-12-10"))

    assert await ward.tend() == 1  # the one that nobody holds
    await ward.come("anna")
    assert len((await ward.show(task)).signals) == 1
    assert (await ward.show(dismissed)).signals == []
    with pytest.raises(DeniedError):
        await ward.confirm(task, Level.L1)
    await ward.decide(task, Outcome.DISMISS)
    assert len((await ward.show(task)).signals) == 1

    ward.at(moment("2026-12-21"))
    assert await ward.tend() == 1
    await ward.come("anna")
    assert (await ward.show(task)).signals == []
