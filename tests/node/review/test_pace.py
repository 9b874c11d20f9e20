# SPDX-License-Identifier: Apache-2.0
"""P13: a decision sooner than the policy's seconds is asked once more."""

from collections.abc import Awaitable

import pytest
from msgspec.structs import replace
from tests.node.review.conftest import BOT, FOUND, Ward, match
from tests.support.floods import BOUND, judge

from fedsafe_node.acts.floods import FloodQuery, FloodRulingRequest
from fedsafe_node.acts.floods import FloodRuling as Ruling
from fedsafe_node.acts.reviews import Because, InquiryQuestion, OutcomeRequest
from fedsafe_node.acts.trials import TrialRequest, TrialsQuery
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.trial_service import TrialService
from fedsafe_node.review.trials import begin_probation
from fedsafe_policies.vocabulary import Level, Outcome

LEAST = 10
DISMISS = OutcomeRequest(outcome=Outcome.DISMISS)
AGAIN = replace(DISMISS, again=True)


async def asked(deciding: Awaitable[object]) -> str:
    with pytest.raises(WrongStateError) as refused:
        await deciding
    assert refused.value.code == "look_again"
    return refused.value.detail


async def shown(ward: Ward, who: str = "anna") -> str:
    task = (await ward.open(match(1))).task
    await ward.show(task, who)
    return task


@pytest.mark.promise("LR-23")
async def test_who_decides_in_seconds_is_asked_once_more_and_may(ward: Ward) -> None:
    task, anna = await shown(ward), ward.people["anna"]
    ward.team.pass_time(LEAST - 1)
    said = await asked(ward.hasty.decide(task, DISMISS, anna))

    assert f"in {LEAST - 1} seconds; the policy asks for {LEAST}" in said
    assert (await ward.show(task)).state == "open"
    assert await ward.announced() == []
    assert await ward.told("task.decided") == []
    answer = await ward.hasty.decide(task, AGAIN, anna)
    assert answer.decided
    both = await ward.told("decision.hurried")
    assert [outcome for outcome, _ in both] == ["asked", "said_again"]
    for _, text in both:
        assert f'"least":{LEAST}' in text
        assert f'"seconds":{LEAST - 1}' in text
    assert (await ward.show(task)).decisions[0].dwell == LEAST - 1


async def test_who_takes_the_time_is_asked_nothing(ward: Ward) -> None:
    task = await shown(ward)
    ward.team.pass_time(LEAST)
    assert (await ward.hasty.decide(task, DISMISS, ward.people["anna"])).decided
    assert await ward.told("decision.hurried") == []


async def test_who_waits_after_the_question_need_not_say_it_again(ward: Ward) -> None:
    task, anna = await shown(ward), ward.people["anna"]
    await asked(ward.hasty.decide(task, DISMISS, anna))
    ward.team.pass_time(LEAST)

    assert (await ward.hasty.decide(task, DISMISS, anna)).decided


async def test_a_script_that_always_says_again_is_asked_as_well(ward: Ward) -> None:
    task, anna = await shown(ward), ward.people["anna"]
    await asked(ward.hasty.decide(task, AGAIN, anna))

    assert (await ward.hasty.decide(task, AGAIN, anna)).decided
    outcomes = [outcome for outcome, _ in await ward.told("decision.hurried")]
    assert outcomes == ["asked", "said_again"]


async def test_only_the_same_words_of_the_same_person_are_said_again(
    ward: Ward,
) -> None:
    task, anna, rita = await shown(ward), ward.people["anna"], ward.people["rita"]
    await asked(ward.hasty.decide(task, DISMISS, anna))
    wrong = replace(AGAIN, because=Because.LISTING_WRONG)

    await asked(ward.hasty.decide(task, wrong, anna))
    await ward.show(task, "rita")
    await asked(ward.hasty.decide(task, AGAIN, rita))
    await asked(ward.hasty.decide(task, AGAIN, anna))  # the last words count


async def test_a_task_that_has_changed_is_asked_about_anew(ward: Ward) -> None:
    task, anna = await shown(ward), ward.people["anna"]
    await asked(ward.hasty.decide(task, DISMISS, anna))
    await ward.open(match(1), match(3, "c.demo"))
    await ward.show(task)

    await asked(ward.hasty.decide(task, AGAIN, anna))


async def test_who_was_never_shown_it_is_told_so(ward: Ward) -> None:
    task = (await ward.open(match(1))).task
    ward.team.pass_time(9 * LEAST)
    said = await asked(ward.hasty.decide(task, DISMISS, ward.people["anna"]))

    assert said.startswith("you have not been shown this")
    assert (await ward.hasty.decide(task, AGAIN, ward.people["anna"])).decided


async def test_what_waits_for_a_second_person_is_asked_before_it_waits(
    ward: Ward,
) -> None:
    task, anna = await shown(ward), ward.people["anna"]
    close = OutcomeRequest(
        outcome=Outcome.CONFIRM,
        level=Level.L5,
        evidence="case-7",
        **FOUND,  # type: ignore[arg-type] # by their names
    )
    await asked(ward.hasty.decide(task, close, anna))
    assert (await ward.approvals.pending()).acts == []
    answer = await ward.hasty.decide(task, replace(close, again=True), anna)

    assert (answer.decided, answer.act is not None) == (False, True)


async def test_a_question_to_the_origin_ends_nothing_and_waits_for_nobody(
    ward: Ward,
) -> None:
    task = await shown(ward)
    inquiry = OutcomeRequest(
        outcome=Outcome.INQUIRE,
        signal=match(1).signal,
        questions=[InquiryQuestion.STILL_STANDS],
    )
    await ward.hasty.decide(task, inquiry, ward.people["anna"])

    assert await ward.told("decision.hurried") == []


async def test_rulings_on_floods_and_trials_are_asked_once_more(ward: Ward) -> None:
    desk, rita = ward.desk, ward.people["rita"]
    await ward.list_signal(match(1))
    judged = [await judge(ward, f"acc-{number}") for number in range(BOUND + 1)]
    flood = str(judged[-1].flood)
    floods = FloodService(desk, ward.team.office, ward.approvals)
    await floods.show(flood, FloodQuery(), rita)
    rests = FloodRulingRequest(ruling=Ruling.RESTS, reason="note-1")
    await asked(floods.rule(flood, rests, rita))
    ruled = await floods.rule(flood, replace(rests, again=True), rita)
    assert ruled.state == "rested"
    stands = FloodRulingRequest(ruling=Ruling.STANDS, reason="note-2")
    await asked(floods.rule(flood, stands, rita))

    trials = TrialService(desk)
    trial = await desk.store.write(
        lambda tx: begin_probation(desk, tx, "b.demo", "email", by=BOT)
    )
    longer = TrialRequest(reason="note-3")
    await trials.list(TrialsQuery(), rita)
    await asked(trials.prolong(trial.id, longer, rita))
    ward.team.pass_time(LEAST)
    assert (await trials.prolong(trial.id, longer, rita)).prolonged_by == "rita"


async def test_a_look_is_forgotten_after_a_week(ward: Ward) -> None:
    rita = ward.people["rita"]
    await ward.desk.store.write(lambda tx: tx.add_look("flood:1", "rita", 0))
    task = await shown(ward, "rita")
    await asked(ward.hasty.decide(task, DISMISS, rita))
    await ward.tend()

    assert await ward.desk.store.read(lambda r: r.look("flood:1", "rita")) is None
    kept = await ward.desk.store.read(lambda r: r.look(f"task:{task}", "rita"))
    assert kept is not None
