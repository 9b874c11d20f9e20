# SPDX-License-Identifier: Apache-2.0
"""P22: signals on trial have no effect, and a sample of their matches is reviewed."""

import pytest
from msgspec.structs import replace
from tests.campaigns.poison import poison
from tests.node.review.conftest import BOT, Ward, about, match
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet
from tests.support.insistence import insisting
from tests.support.origin import WHO

from fedsafe_node.acts.lookup import Match, Result
from fedsafe_node.acts.reviews import Because, TasksQuery
from fedsafe_node.acts.trials import TrialRequest, TrialShown, TrialsQuery
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.review.floods import judge_floods
from fedsafe_node.review.trial_service import TrialService, tend_trials
from fedsafe_node.review.trials import Tried, begin_probation, draw_of, try_matches
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.trials import CHANCES
from fedsafe_policies.vocabulary import Level, Outcome, Provenance, Scope

DAY = 24 * 60 * 60
WHY = TrialRequest(reason="ticket-7")


def imported(number: int = 1, published_on: str = "2026-11-23") -> Match:
    return replace(
        match(number),
        provenance=Provenance.IMPORTED_LIST,
        published_on=published_on,
    )


class Court:
    """Trials as their service sees them."""

    def __init__(self, ward: Ward) -> None:
        self.ward = ward
        self.service = insisting(TrialService(ward.desk))

    @property
    def store(self) -> Store:
        return self.ward.desk.store

    async def ask(self, subject: str | None, *matches: Match) -> Tried:
        desk, found = self.ward.desk, matches or (imported(),)

        async def act(tx: Transaction) -> Tried:
            now = desk.clock.now()
            tried = await try_matches(
                desk, tx, subject, found, now, by=BOT, service="local"
            )
            await tx.append_many(desk.trail.log, tried.events)
            return tried

        return await self.store.write(act)

    async def crowd(self, count: int, *matches: Match) -> None:
        for number in range(count):
            await self.ask(f"acc-{number:03}", *matches)

    async def listed(self, state: str = "running") -> list[TrialShown]:
        query = TrialsQuery(state=state)  # type: ignore[arg-type]
        return (await self.service.list(query, self.ward.people["rita"])).trials

    async def only(self, state: str = "running") -> TrialShown:
        (trial,) = await self.listed(state)
        return trial

    async def is_open(self, subject: str) -> bool:
        return bool(await self.store.read(lambda r: r.live_tasks(subject)))

    async def task_of(self, subject: str) -> str:
        (task,) = await self.store.read(lambda r: r.live_tasks(subject))
        return task.id


@pytest.fixture
async def court(ward: Ward) -> Court:
    await ward.list_signal(match(1))
    return Court(ward)


async def test_what_is_on_trial_has_no_effect_and_is_listed(court: Court) -> None:
    tried = await court.ask("acc", imported(), match(2))

    assert [each.signal for each in tried.matches] == [match(2).signal]
    (said,) = tried.on_trial
    assert (said.signal, said.origin, said.kind) == (match(1).signal, "b.demo", "email")
    # Thirty days from its publication, whose day is rounded down to seven.
    assert said.until == "2026-12-30"


async def test_all_of_the_first_ten_and_then_a_drawn_part_are_reviewed(
    court: Court,
) -> None:
    await court.crowd(300)
    trial = await court.only()
    row = await court.store.read(lambda r: r.trial(trial.trial))
    assert row is not None

    waiting = [n for n in range(300) if await court.is_open(f"acc-{n:03}")]
    assert waiting[:10] == list(range(10))
    assert (trial.matches, trial.drawn) == (300, len(waiting))
    assert 10 + 3 <= trial.drawn <= 10 + 33  # 14.5 of 290, within five deviations
    draws = [draw_of(row.seed, bytes([each]) * 16) for each in range(200)]
    assert draws == [draw_of(row.seed, bytes([each]) * 16) for each in range(200)]
    assert all(0 <= each < CHANCES for each in draws)
    assert draws != [draw_of(bytes(32), bytes([each]) * 16) for each in range(200)]


async def test_asking_again_changes_no_tally_and_no_draw(court: Court) -> None:
    await court.crowd(30)
    before = await court.only()
    await court.crowd(30)
    for _ in range(3):
        await court.ask(None)

    after = await court.only()
    assert (after.matches, before.matches) == (31, 30)
    assert after.drawn - before.drawn <= 1


async def test_what_people_find_is_tallied_once(court: Court) -> None:
    await court.crowd(6)
    ward = court.ward
    tasks = [await court.task_of(f"acc-{number:03}") for number in range(6)]
    await ward.confirm(tasks[0], Level.L4)
    await ward.decide(tasks[1], Outcome.DISMISS)
    await ward.decide(tasks[2], Outcome.DISMISS, because=Because.LISTING_WRONG)
    await ward.decide(tasks[3], Outcome.WATCH, days=9)
    await ward.decide(tasks[3], Outcome.DISMISS, because=Because.LISTING_WRONG)

    trial = await court.only()
    assert (trial.matches, trial.drawn) == (6, 6)
    assert (trial.upheld, trial.wrong, trial.other) == (1, 2, 1)
    assert trial.needs_person
    told = await ward.told("task.decided")
    assert sum("listing_wrong" in text for _, text in told) == 2
    # What is looked at anew, for its signal was stopped, has counted already.
    await ward.stop_signal(match(1), SignalStatus.DISPUTED)
    await ward.tend()
    await ward.decide(tasks[0], Outcome.DISMISS, because=Because.LISTING_WRONG)
    assert await court.only() == trial


async def test_a_trial_ends_by_itself_after_thirty_days(court: Court) -> None:
    await court.crowd(3)
    await court.ward.decide(await court.task_of("acc-001"), Outcome.DISMISS)
    trial = await court.only()
    court.ward.team.pass_time(trial.ends_at - court.ward.desk.now() - 1)
    assert await tend_trials(court.ward.desk) == 0
    before = await court.ask("late")
    court.ward.team.pass_time(1)
    after = await court.ask("later")
    assert await tend_trials(court.ward.desk) == 1

    assert (len(before.on_trial), len(after.on_trial)) == (1, 0)
    assert [each.signal for each in after.matches] == [match(1).signal]
    ended = await court.only("ended")
    assert (ended.ended_by, ended.matches, ended.other) == ("review", 4, 1)
    assert ended.ended_at == ended.ends_at
    ((outcome, text),) = await court.ward.told("trial.ended")
    assert outcome == "over"
    assert '"seed":"' in text
    assert (await court.ask("last")).on_trial == []


async def test_a_trial_that_would_be_over_never_begins(court: Court) -> None:
    tried = await court.ask("acc", imported(1, "2026-10-01"))

    assert (len(tried.matches), tried.on_trial) == (1, [])
    assert await court.listed() == []


@pytest.mark.parametrize("day", ["2026-13-45", "9999-12-31"])
async def test_no_day_that_an_origin_makes_up_stops_a_lookup(
    court: Court, day: str
) -> None:
    tried = await court.ask("acc", imported(1, day), match(2))

    assert [each.signal for each in tried.matches] == [match(2).signal]
    assert len(tried.on_trial) == 1
    assert (await court.only()).matches == 1


async def test_a_person_prolongs_it_once_with_a_reason(court: Court) -> None:
    await court.crowd(1)
    trial, rita = await court.only(), court.ward.people["rita"]
    with pytest.raises(DeniedError) as nobody:
        await court.service.prolong(trial.trial, WHY, court.ward.people["anna"])
    longer = await court.service.prolong(trial.trial, WHY, rita)
    with pytest.raises(DeniedError) as twice:
        await court.service.prolong(trial.trial, WHY, rita)
    with pytest.raises(NotFoundError):
        await court.service.prolong("f" * 32, WHY, rita)

    assert nobody.value.decision.code == "role"
    assert twice.value.decision.code == "trial_prolonged"
    assert longer.ends_at == trial.ends_at + 30 * DAY
    assert (longer.prolonged_by, longer.reason) == ("rita", "ticket-7")
    court.ward.team.pass_time(trial.ends_at - court.ward.desk.now())
    assert await tend_trials(court.ward.desk) == 0
    assert len((await court.ask("acc")).on_trial) == 1
    court.ward.team.pass_time(30 * DAY)
    assert await tend_trials(court.ward.desk) == 1


async def test_after_a_wrong_listing_only_a_person_ends_it(court: Court) -> None:
    await court.crowd(2)
    ward, rita = court.ward, court.ward.people["rita"]
    task = await court.task_of("acc-000")
    await ward.decide(task, Outcome.DISMISS, because=Because.LISTING_WRONG)
    trial = await court.only()
    with pytest.raises(DeniedError) as early:
        await court.service.end(trial.trial, WHY, rita)
    ward.team.pass_time(trial.ends_at - ward.desk.now() + 9 * DAY)
    for _ in range(2):
        assert await tend_trials(ward.desk) == 0
    still = await court.ask("late")
    ended = await court.service.end(trial.trial, WHY, rita)
    with pytest.raises(WrongStateError):
        await court.service.end(trial.trial, WHY, rita)

    assert early.value.decision.code == "trial_runs"
    assert len(still.on_trial) == 1
    due = [each for each in await ward.announced() if each.kind == "trial.due"]
    assert [each.content["wrong"] for each in due] == [1]
    assert (ended.ended_by, ended.needs_person) == ("rita", False)
    assert (await court.ask("last")).on_trial == []


async def test_a_review_of_the_sample_is_none_that_restricts(court: Court) -> None:
    await court.crowd(1)
    trial, desk = await court.only(), court.ward.desk

    async def judge(tx: Transaction) -> list[Match]:
        now = desk.clock.now()
        judged = await judge_floods(
            desk,
            tx,
            "acc-000",
            [imported()],
            now,
            about=about(imported()),
            by=BOT,
            service="local",
        )
        return judged.restricting

    # Once it counts, the account is one that it restricts, though it is under review.
    court.ward.team.pass_time(trial.ends_at - desk.now())
    assert [each.reason for each in await court.store.write(judge)] == [None]
    since = desk.now() - 1
    (person,) = about(imported()).asked.values()
    mark = desk.situation.own.mark_listing("b.demo", person)
    assert await court.store.read(lambda r: r.restricted("b.demo", [mark], since)) == {
        mark: 1
    }


async def test_own_bans_are_never_on_trial(court: Court) -> None:
    ban = replace(imported(), origin="a.demo", own=True)

    assert (await court.ask("acc", ban)).on_trial == []


async def test_an_origin_on_probation_has_no_effect(court: Court) -> None:
    desk = court.ward.desk
    first = await court.store.write(
        lambda tx: begin_probation(desk, tx, "b.demo", "email", by="review")
    )
    again = await court.store.write(
        lambda tx: begin_probation(desk, tx, "b.demo", "email", by="review")
    )
    tried = await court.ask("acc", match(1), match(2, "c.demo"))

    assert first.id == again.id
    assert [each.origin for each in tried.on_trial] == ["b.demo"]
    assert [each.origin for each in tried.matches] == ["c.demo"]
    trial = await court.only()
    assert (trial.cause, trial.matches) == ("probation", 1)
    ((_, text),) = await court.ward.told("trial.began")
    assert "seed_digest" in text


async def test_no_account_is_named_in_a_trial(court: Court) -> None:
    await court.crowd(12)
    trial = await court.only()
    row = await court.store.read(lambda r: r.trial(trial.trial))

    assert row is not None
    assert row.seed.hex() not in repr(row)
    told = [text for _, text in await court.ward.told("trial.began")]
    assert row.seed.hex() not in "".join(told)
    assert "acc-0" not in "".join(told)


async def test_what_an_origin_took_from_a_list_is_on_trial_at_its_own_node(
    trio: Fleet,
) -> None:
    node = trio["a.demo"]
    said = request_for(WHO, scope=Scope.FEDERATION, provenance=Provenance.IMPORTED_LIST)
    draft = await node.services.signals.add(said, ANNA)
    await node.services.signals.approve([draft.signal], RITA)
    answer = await trio.look_up("a.demo", WHO)

    assert (answer.result, answer.matches, answer.task) == (Result.NONE, [], None)
    assert answer.on_trial is not None
    assert [each.signal for each in answer.on_trial] == [draft.signal]
    # It is reviewed without anybody having to restrict the account.
    (task,) = (await node.services.tasks.list(TasksQuery(), RITA)).tasks
    assert task.subject_ref == "account-1"
    shown = await node.services.tasks.show(task.task, RITA)
    assert shown.signals[0].match is not None
    assert shown.signals[0].match.reason == "trial"
    lookups = await trio.audit("a.demo", "lookup")
    assert b'"on_trial":1' in lookups[-1].openings["detail"]
    assert "subject" not in lookups[-1].openings


async def test_a_poison_in_a_list_restricts_nobody_or_its_bound(trio: Fleet) -> None:
    found = await poison(trio, digests=500, accounts=300, seed=7)

    assert (found.taken, found.own) == (0, found.bound)
    assert found.reviewable == 300
    assert 10 <= found.drawn <= 50  # 10, and 5 % of 290
