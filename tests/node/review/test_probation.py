# SPDX-License-Identifier: Apache-2.0
"""P22: an origin whose listings are surely wrong too often is on probation, here."""

from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.node.review.conftest import BOT, Ward, match
from tests.support.fleet import Fleet
from tests.support.insistence import insisting

from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.lookup import Match
from fedsafe_node.acts.reviews import Because, OutcomeRequest
from fedsafe_node.acts.trials import TrialRequest, TrialShown, TrialsQuery
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.errors import BadRequestError, DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.review.task_start import open_review
from fedsafe_node.review.trial_service import TrialService, tend_trials
from fedsafe_node.review.trials import Tried, try_matches
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.trials import Closings
from fedsafe_policies.vocabulary import Level, Outcome, Role

DAY = 24 * 60 * 60
LEAST = 30
WRONG = OutcomeRequest(outcome=Outcome.DISMISS, because=Because.LISTING_WRONG)
LEAVE = replace(WRONG, with_second=True)


async def close(
    ward: Ward, subject: str, *matches: Match, wrong: bool = True, two: bool = True
) -> None:
    """Close the review of a match, by one person or by two."""
    task = (await ward.open(*(matches or (match(1),)), subject=subject)).task
    if wrong and two:
        await ward.show(task, "anna")
        await ward.tasks.decide(task, LEAVE, ward.people["anna"])
    if wrong:
        await ward.tasks.decide(task, WRONG, ward.people["rita"])
    elif two:
        await ward.confirm(task, Level.L5, "anna")
        ((act, *_),) = [(await ward.approvals.pending()).acts]
        await ward.approve(act, ward.people["rita"])
    else:
        await ward.decide(task, Outcome.DISMISS)


async def crowd(ward: Ward, count: int, name: str = "acc", **how: bool) -> None:
    for number in range(count):
        await close(ward, f"{name}-{number}", **how)


async def running(ward: Ward, state: str = "running") -> list[TrialShown]:
    query = TrialsQuery(state=state)  # type: ignore[arg-type]
    return (await TrialService(ward.desk).list(query, ward.people["rita"])).trials


async def ask(ward: Ward, *matches: Match) -> Tried:
    desk = ward.desk

    async def act(tx: Transaction) -> Tried:
        return await try_matches(
            desk, tx, "who", matches, desk.clock.now(), by=BOT, service="shop"
        )

    return await desk.store.write(act)


async def test_thirty_wrong_listings_by_two_people_put_an_origin_on_probation(
    ward: Ward,
) -> None:
    await crowd(ward, LEAST - 1)
    assert await running(ward) == []
    await close(ward, "last")

    (trial,) = await running(ward)
    assert (trial.origin, trial.cause, trial.kind) == ("b.demo", "probation", "email")
    assert trial.needs_person
    phone = replace(match(3), kind=Kind.PHONE)
    tried = await ask(ward, match(1), phone, match(2, "c.demo"))
    assert [each.kind for each in tried.on_trial] == ["email"]
    assert [each.origin for each in tried.matches] == ["b.demo", "c.demo"]
    (said,) = [each for each in await ward.announced() if each.kind == "trial.began"]
    assert said.content == {
        "trial": trial.trial,
        "cause": "probation",
        "origin": "b.demo",
        "kind": "email",
        "reviews": LEAST,
        "wrong": LEAST,
    }
    assert said.subject_ref is None
    ((_, text),) = await ward.told("trial.began")
    assert f'"wrong":{LEAST}' in text
    assert '"bound_percent":10' in text
    # Whoever it is about is not restricted for the time that a second person takes.
    assert len(await ward.told("task.found_wrong")) == LEAST


async def test_only_a_person_ends_a_probation_and_the_count_begins_anew(
    ward: Ward,
) -> None:
    await crowd(ward, LEAST)
    (trial,) = await running(ward)
    service, rita = insisting(TrialService(ward.desk)), ward.people["rita"]
    why = TrialRequest(reason="note-1")
    with pytest.raises(DeniedError) as early:
        await service.end(trial.trial, why, rita)
    ward.team.pass_time(31 * DAY)
    for _ in range(2):
        assert await tend_trials(ward.desk) == 0
    due = [each for each in await ward.announced() if each.kind == "trial.due"]
    await ward.come("rita")
    ended = await service.end(trial.trial, why, ward.people["rita"])

    assert early.value.decision.code == "trial_runs"
    assert (len(due), ended.ended_by) == (1, "rita")
    await ward.come("anna")
    ward.team.pass_time(1)
    await crowd(ward, LEAST - 1, "later")
    assert await running(ward) == []
    await close(ward, "one more")
    assert len(await running(ward)) == 1


async def test_what_one_person_closes_counts_never_against_the_origin(
    ward: Ward,
) -> None:
    await crowd(ward, LEAST + 9, two=False)
    assert await running(ward) == []
    await crowd(ward, 30, "other", wrong=False, two=False)
    await crowd(ward, 4, "two")

    sums = await ward.desk.store.read(lambda r: r.closings("b.demo", "email", 0))
    assert sums == Closings(counted=34, by_two=4, wrong=4)


async def test_nobody_is_the_second_of_their_own_finding(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    with pytest.raises(WrongStateError, match="has looked at the task"):
        await ward.tasks.decide(task, LEAVE, ward.people["anna"])
    await ward.show(task)
    left = await ward.tasks.decide(task, LEAVE, ward.people["anna"])
    again = await ward.tasks.decide(task, LEAVE, ward.people["anna"])
    assert (left.decided, again.decided, left.act) == (False, False, None)
    assert (await ward.show(task)).state == "open"
    done = await ward.tasks.decide(task, WRONG, ward.people["anna"])

    assert done.decided
    assert (await ward.show(task)).decisions[0].second is None


async def test_the_second_person_is_named_and_the_first_ones_time(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    await ward.show(task)
    ward.team.pass_time(40)
    await ward.tasks.decide(task, LEAVE, ward.people["anna"])
    ward.team.pass_time(99)
    await ward.tasks.decide(task, WRONG, ward.people["rita"])

    (made,) = (await ward.show(task)).decisions
    assert (made.decided_by, made.second, made.second_dwell) == ("rita", "anna", 40)


async def test_a_review_of_several_origins_or_that_changed_tells_of_none(
    ward: Ward,
) -> None:
    await close(ward, "two", match(1), match(2, "c.demo"))
    await close(ward, "own", replace(match(4), own=True, origin="a.demo"))
    task = (await ward.open(match(1), subject="grown")).task
    await ward.show(task)
    await ward.tasks.decide(task, LEAVE, ward.people["anna"])
    await ward.open(match(1), match(5), subject="grown")
    await ward.tasks.decide(task, WRONG, ward.people["rita"])

    async def sums(reader: Reader) -> list[int]:
        names = ("a.demo", "b.demo", "c.demo")
        found = [await reader.closings(name, "email", 0) for name in names]
        return [each.by_two for each in found]

    assert await ward.desk.store.read(sums) == [0, 0, 0]


async def test_only_a_wrong_listing_is_left_to_a_second_person(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    plain = OutcomeRequest(outcome=Outcome.DISMISS, with_second=True)
    with pytest.raises(BadRequestError) as refused:
        await ward.tasks.decide(task, plain, ward.people["anna"])

    assert refused.value.pointer == "/with_second"


async def test_what_was_closed_is_forgotten_after_a_year(ward: Ward) -> None:
    await close(ward, "old")
    ward.team.pass_time(366 * DAY)
    await tend_trials(ward.desk)

    sums = await ward.desk.store.read(lambda r: r.closings("b.demo", "email", 0))
    assert sums.counted == 0


async def test_five_colluding_reviewers_put_no_origin_on_probation_elsewhere(
    trio: Fleet,
) -> None:
    """At real nodes: b.demo distrusts a.demo, and nobody else learns or follows."""
    crew = [Principal(f"r{number}", Role.REVIEWER) for number in range(5)]
    node, found = trio["b.demo"], match(1, "a.demo")
    for number in range(LEAST):
        first, second = crew[number % 5], crew[(number + 1) % 5]
        tasks = insisting(node.services.tasks)

        async def open_one(tx: Transaction, number: int = number) -> str:
            opened = await open_review(
                node.reviews,
                tx,
                f"acc-{number}",
                [found],
                trio.clock.now(),
                by=BOT,
                service="shop",
            )
            return opened.task

        task = await node.base.store.write(open_one)
        await tasks.show(task, first)
        await tasks.decide(task, LEAVE, first)
        await tasks.decide(task, WRONG, second)
    trio.clock.advance(timedelta(minutes=5))
    await trio.covered()

    async def probations(name: str) -> int:
        return await trio[name].base.store.read(lambda r: r.probations())

    async def tried(at: RunningNode) -> int:
        async def act(tx: Transaction) -> Tried:
            return await try_matches(
                *(at.reviews, tx, "who", [found], trio.clock.now()),
                by=BOT,
                service="shop",
            )

        return len((await at.base.store.write(act)).on_trial)

    assert [await probations(name) for name in ("a.demo", "b.demo", "c.demo")] == [
        0,
        1,
        0,
    ]
    assert [await tried(trio[name]) for name in ("b.demo", "c.demo")] == [1, 0]
