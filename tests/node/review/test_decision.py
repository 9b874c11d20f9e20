# SPDX-License-Identifier: Apache-2.0
import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.node.review.conftest import Ward, match

from fedsafe_node.acts.reviews import (
    HearingRequest,
    InquiryQuestion,
    OutcomeRequest,
    TaskShown,
)
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    ForbiddenError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.review.decision import MAX_INQUIRIES
from fedsafe_node.review.hearing import MAX_STEPS
from fedsafe_node.store.people_rows import ActState
from fedsafe_policies.rules.hearings import HearingException, HearingStep
from fedsafe_policies.rules.reviews import decision_ends
from fedsafe_policies.vocabulary import Level, Outcome, Role

DAY = 24 * 60 * 60
NO_WAY = HearingException.NO_WAY_TO_REACH


async def opened(ward: Ward, subject: str = "account-1") -> str:
    return (await ward.open(match(1), match(2, "c.demo"), subject=subject)).task


async def denied(ward: Ward, task: str, outcome: Outcome, **more: Any) -> str:  # noqa: ANN401
    with pytest.raises(DeniedError) as refused:
        await ward.decide(task, outcome, **more)
    return refused.value.decision.code


async def test_a_dismissed_match_is_forgotten_at_once(ward: Ward) -> None:
    task = await opened(ward)
    answer = await ward.decide(task, Outcome.DISMISS)

    assert answer.decided
    assert answer.task.subject_ref is None
    after = await ward.show(task)
    assert (after.state, after.signals) == ("decided", [])
    assert [each.outcome for each in after.decisions] == [Outcome.DISMISS]
    ((outcome, text),) = await ward.told("task.decided")
    assert outcome == "dismiss"
    assert "account-1" in text
    (said,) = await ward.announced()
    assert (said.kind, said.subject_ref) == ("task.decided", "account-1")
    assert said.content == {"task": task, "outcome": "dismiss", "until": None}
    with pytest.raises(WrongStateError):
        await ward.decide(task, Outcome.DISMISS)
    assert (await ward.open(match(1))).task != task


async def test_a_watched_account_keeps_its_link_until_the_watch_ends(
    ward: Ward,
) -> None:
    task = await opened(ward)
    answer = await ward.decide(task, Outcome.WATCH, days=20)

    assert answer.task.state == "watched"
    assert [each.kind for each in await ward.announced()] == ["task.decided"]
    assert (await ward.open(match(1))).task == task  # nothing new: no new review
    ward.team.pass_time(12 * DAY)  # long past the match's own clock
    await ward.come("anna")
    assert await ward.tend() == 0
    assert (await ward.confirm(task, Level.L2)).decided


async def test_a_watch_is_renewed_once_and_with_a_reason(ward: Ward) -> None:
    task = await opened(ward)
    assert await denied(ward, task, Outcome.WATCH, days=31) == "until_too_long"
    await ward.decide(task, Outcome.WATCH, days=30)

    assert (await ward.show(task)).renewals == 0
    assert await denied(ward, task, Outcome.WATCH, days=30) == "evidence_missing"
    renewed = await ward.decide(task, Outcome.WATCH, days=30, reason="note-1")
    assert renewed.task.renewals == 1
    code = await denied(ward, task, Outcome.WATCH, days=30, reason="note-2")
    assert code == "until_too_long"


async def test_a_signal_that_comes_during_a_watch_is_reviewed_by_itself(
    ward: Ward,
) -> None:
    task = await opened(ward)
    await ward.decide(task, Outcome.WATCH, days=30)
    other = await ward.open(match(1), match(9))

    assert other.task != task
    assert [each.signal for each in (await ward.show(other.task)).signals] == [
        match(9).signal
    ]


async def test_a_limit_is_for_a_time_and_for_a_reason(ward: Ward) -> None:
    task = await opened(ward)
    limit = {"level": Level.L3}
    assert (
        await denied(ward, task, Outcome.FEATURE_LIMIT, days=9, **limit)
        == "evidence_missing"
    )
    assert (
        await denied(ward, task, Outcome.FEATURE_LIMIT, reason="n-1", **limit)
        == "until_too_long"
    )
    answer = await ward.decide(
        task, Outcome.FEATURE_LIMIT, days=9, reason="n-1", level=Level.L3
    )

    assert answer.decided
    assert answer.task.ends_at == decision_ends(ward.team.now)
    ward.team.pass_time(10 * DAY)
    await ward.tend()
    (told,) = [
        each.content for each in await ward.announced() if each.kind == "task.due"
    ]
    assert told["why"] == "limit_over"


async def test_an_inquiry_asks_in_listed_words_and_decides_nothing(ward: Ward) -> None:
    task = await opened(ward)
    answer = await ward.decide(
        task,
        Outcome.INQUIRE,
        signal=match(2).signal,
        questions=[InquiryQuestion.STILL_STANDS, InquiryQuestion.AGE_CONFIRMED],
    )

    assert answer.task.state == "open"
    (inquiry,) = (await ward.show(task)).inquiries
    assert (inquiry.origin, inquiry.signal) == ("c.demo", match(2).signal)
    assert {*inquiry.questions} == {
        InquiryQuestion.STILL_STANDS,
        InquiryQuestion.AGE_CONFIRMED,
    }


@pytest.mark.parametrize(
    ("outcome", "more", "pointer"),
    [
        (Outcome.INQUIRE, {"signal": match(1).signal}, "/questions"),
        (
            Outcome.INQUIRE,
            {"questions": [InquiryQuestion.STILL_STANDS]},
            "/signal",
        ),
        (
            Outcome.INQUIRE,
            {
                "questions": [InquiryQuestion.STILL_STANDS],
                "signal": match(7).signal,
            },
            "/signal",
        ),
        (Outcome.DISMISS, {"evidence": "case-7"}, "/evidence"),
        (Outcome.DISMISS, {"days": 3}, "/until"),
        (Outcome.WATCH, {"signal": match(1).signal}, "/signal"),
        (Outcome.WATCH, {"days": 3, "rule": "house-1"}, "/rule"),
        (Outcome.CONFIRM, {"level": Level.L2, "rule": None}, "/rule"),
        (Outcome.CONFIRM, {"level": Level.L2, "grade": None}, "/grade"),
        (Outcome.FEATURE_LIMIT, {"level": Level.L3, "source": None}, "/source"),
    ],
)
async def test_what_an_outcome_has_no_use_for_is_refused(
    ward: Ward, outcome: Outcome, more: dict[str, Any], pointer: str
) -> None:
    task = await opened(ward)

    with pytest.raises(BadRequestError) as refused:
        await ward.decide(task, outcome, **more)

    assert refused.value.pointer == pointer
    assert (await ward.show(task)).decisions == []


@pytest.mark.promise("LR-23")
async def test_a_confirmation_needs_evidence_of_the_providers_own(ward: Ward) -> None:
    task = await opened(ward)

    code = await denied(ward, task, Outcome.CONFIRM, level=Level.L2)

    assert code == "evidence_missing"
    ((outcome, _),) = await ward.told("refused")
    assert outcome == "evidence_missing"
    answer = await ward.confirm(task, Level.L2)
    assert answer.decided
    assert (await ward.show(task)).decisions[0].evidence == "case-7"


async def test_a_match_whose_time_is_over_is_confirmed_no_more(ward: Ward) -> None:
    task = await opened(ward)
    ward.team.pass_time(7 * DAY)
    await ward.come("anna")

    assert (
        await denied(ward, task, Outcome.CONFIRM, level=Level.L2, evidence="case-7")
        == "lapsed"
    )


async def test_who_decides_on_what_has_changed_is_told(ward: Ward) -> None:
    task = await opened(ward)
    seen = (await ward.show(task)).revision
    await ward.open(match(3))

    with pytest.raises(WrongStateError) as refused:
        await ward.decide(task, Outcome.DISMISS, revision=seen)

    assert refused.value.code == "task_changed"


async def test_a_task_that_there_is_not_is_not_found(ward: Ward) -> None:
    with pytest.raises(NotFoundError):
        await ward.decide("0" * 32, Outcome.DISMISS)
    with pytest.raises(NotFoundError):
        await ward.hear("0" * 32, HearingStep.HEARD)
    with pytest.raises(NotFoundError):
        await ward.show("0" * 32)


async def test_others_than_analysts_and_reviewers_decide_nothing(ward: Ward) -> None:
    task = await opened(ward)
    request = OutcomeRequest(outcome=Outcome.DISMISS)
    for role in (Role.SERVICE, Role.DPO, Role.OPERATOR, Role.AUDITOR):
        with pytest.raises(DeniedError):
            await ward.tasks.decide(task, request, Principal("x", role))


# --- two people ----------------------------------------------------------------------


async def heard(ward: Ward, task: str) -> None:
    await ward.hear(
        task, HearingStep.EXCEPTION, exception=HearingException.DANGER_TO_A_CHILD
    )


async def test_closing_an_account_takes_a_second_person(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    answer = await ward.confirm(task, Level.L6)

    assert not answer.decided
    assert (answer.task.state, (await ward.show(task)).decisions) == ("open", [])
    await ward.approve(answer.act, await ward.come("rita"))

    (decision,) = (await ward.show(task)).decisions
    assert (decision.decided_by, decision.second) == ("anna", "rita")
    assert (decision.level, decision.hearing) == (Level.L6, "minute-3")
    ((outcome, text),) = await ward.told("task.decided")
    assert outcome == "confirm"
    assert "rita" in text


@pytest.mark.promise("LR-23")
async def test_nobody_closes_an_account_alone(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    mine = await ward.confirm(task, Level.L6, "rita")
    same = await ward.come("rita")  # another session of the same person

    with pytest.raises(DeniedError) as refused:
        await ward.approve(mine.act, same)
    assert refused.value.decision.code == "four_eyes"
    with pytest.raises(ForbiddenError):
        await ward.approve(mine.act, Principal("shop", Role.SERVICE, fresh=True))
    with pytest.raises(DeniedError):  # an analyst is nobody's second person
        await ward.approve(mine.act, await ward.come("anna"))
    assert (await ward.show(task)).decisions == []


async def test_two_approvals_at_once_close_an_account_once(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    answer = await ward.confirm(task, Level.L6)
    rita, rolf = await ward.come("rita"), await ward.come("rolf")

    done = await asyncio.gather(
        ward.approve(answer.act, rita),
        ward.approve(answer.act, rolf),
        return_exceptions=True,
    )

    assert [isinstance(each, WrongStateError) for each in done].count(True) == 1
    assert len((await ward.show(task)).decisions) == 1


async def test_who_approves_approves_the_task_as_it_was(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    answer = await ward.confirm(task, Level.L6)
    await ward.open(match(5))

    with pytest.raises(WrongStateError) as refused:
        await ward.approve(answer.act, await ward.come("rita"))

    assert refused.value.code == "task_changed"
    assert (await ward.show(task)).state == "open"
    assert (await ward.approvals.pending()).acts == []
    assert [each for each, _ in await ward.told("act.withdrawn")] == ["overtaken"]


async def test_one_confirmation_of_a_task_waits_at_a_time(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    first = await ward.confirm(task, Level.L6)
    with pytest.raises(WrongStateError) as refused:
        await ward.confirm(task, Level.L5, "rolf")
    assert refused.value.code == "already_asked"
    await ward.open(match(5))
    second = await ward.confirm(task, Level.L5, "rolf")

    assert first.act is not None
    waiting = (await ward.approvals.pending()).acts
    assert [each.act for each in waiting] == [getattr(second.act, "act", None)]
    with pytest.raises(WrongStateError):
        await ward.approve(first.act, await ward.come("rita"))
    await ward.approve(second.act, await ward.come("rita"))


async def test_nobody_waits_for_a_second_person_who_is_not_there(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    await ward.team.accounts.lock("rolf", await ward.come("rita"))

    with pytest.raises(WrongStateError) as refused:
        await ward.confirm(task, Level.L6, "rita")
    assert (refused.value.code, "reviewer" in str(refused.value)) == (
        "no_second_person",
        True,
    )
    assert (await ward.approvals.pending()).acts == []
    assert (await ward.confirm(task, Level.L6)).act is not None


async def test_a_hearing_begins_anew_what_waits_for_a_second_person(
    ward: Ward,
) -> None:
    task = await opened(ward)
    await heard(ward, task)
    answer = await ward.confirm(task, Level.L6)
    said = await ward.hear(task, HearingStep.HEARD)

    with pytest.raises(WrongStateError) as refused:
        await ward.approve(answer.act, await ward.come("rita"))

    assert refused.value.code == "task_changed"
    assert said.revision == answer.task.revision + 1
    assert answer.act is not None
    assert answer.act.content is not None
    assert answer.act.content["hearing"] == "minute-3"


@pytest.mark.parametrize("told", ["max.mustermann", "192.168.17.23", "0151/2345-6789"])
async def test_no_person_is_named_as_evidence(ward: Ward, told: str) -> None:
    task = await opened(ward)
    confirmed = {"level": Level.L2, "evidence": told}

    assert await denied(ward, task, Outcome.CONFIRM, **confirmed) == "evidence_missing"
    reason = HearingRequest(step=HearingStep.HEARD, reference=told)
    with pytest.raises(BadRequestError):
        await ward.tasks.hear(task, reason, ward.people["anna"])


async def test_a_hearing_tells_nothing_of_what_the_task_holds(ward: Ward) -> None:
    task = await opened(ward)
    said = await ward.hear(task, HearingStep.EXCEPTION, exception=NO_WAY)

    assert set(said.__struct_fields__) == {*TaskShown.__struct_fields__, "heard"}
    assert await ward.told("task.read") == []


async def test_both_have_looked_at_the_task_that_closes_an_account(ward: Ward) -> None:
    task = await opened(ward)
    await ward.show(task)
    await heard(ward, task)  # it has changed: the look before counts no more
    with pytest.raises(WrongStateError) as first:
        await ward.decide(task, Outcome.CONFIRM, level=Level.L6, evidence="case-7")
    answer = await ward.confirm(task, Level.L6)
    assert answer.act is not None
    rita = await ward.come("rita")
    with pytest.raises(WrongStateError) as second:
        await ward.approve_unseen(answer.act, rita)
    await ward.tasks.show(task, rita)
    ward.team.pass_time(30)
    await ward.approve_unseen(answer.act, rita)

    assert (first.value.code, second.value.code) == ("task_unseen", "task_unseen")
    (decision,) = (await ward.show(task)).decisions
    assert (decision.dwell, decision.second_dwell) == (0, 30)


async def test_what_is_decided_or_over_waits_for_nobody(ward: Ward) -> None:
    dismissed = await opened(ward)
    await ward.confirm(dismissed, Level.L5, evidence="case-71717")
    lapsing = (await ward.open(match(2), subject="account-2")).task
    await ward.confirm(lapsing, Level.L5, evidence="case-82828")
    await ward.decide(dismissed, Outcome.DISMISS)
    (left,) = (await ward.approvals.pending()).acts
    ward.at(datetime.fromtimestamp((await ward.show(lapsing)).ends_at, tz=UTC))
    await ward.tend()

    assert left.content is not None
    assert left.content["task"] == lapsing
    assert (await ward.approvals.pending()).acts == []
    assert [each for each, _ in await ward.told("act.withdrawn")] == ["overtaken"] * 2
    acts = await ward.desk.store.read(lambda r: r.acts(ActState.WITHDRAWN, 9, None))
    assert [row.content for row in acts] == [None, None]


async def test_a_task_takes_so_many_steps_and_no_more(ward: Ward) -> None:
    task = await opened(ward)
    for _ in range(MAX_STEPS):
        await ward.hear(task, HearingStep.EXCEPTION, exception=NO_WAY)
    ask: dict[str, Any] = {
        "signal": match(1).signal,
        "questions": [InquiryQuestion.STILL_STANDS],
    }
    for _ in range(MAX_INQUIRIES):
        await ward.decide(task, Outcome.INQUIRE, **ask)

    with pytest.raises(WrongStateError) as steps:
        await ward.hear(task, HearingStep.EXCEPTION, exception=NO_WAY)
    with pytest.raises(WrongStateError) as inquiries:
        await ward.decide(task, Outcome.INQUIRE, **ask)

    assert (steps.value.code, inquiries.value.code) == ("task_full", "task_full")
    shown = await ward.show(task)
    assert (len(shown.hearings), len(shown.inquiries)) == (MAX_STEPS, MAX_INQUIRIES)
    assert len(shown.decisions) == MAX_INQUIRIES


async def test_the_clock_runs_while_a_second_person_is_waited_for(ward: Ward) -> None:
    task = await opened(ward)
    await heard(ward, task)
    ward.team.pass_time(2 * DAY)
    await ward.come("anna")
    answer = await ward.confirm(task, Level.L5)
    ward.at(datetime.fromtimestamp(answer.task.ends_at, tz=UTC))

    with pytest.raises(DeniedError) as refused:
        await ward.approve(answer.act, await ward.come("rita"))

    assert refused.value.decision.code == "lapsed"


@pytest.mark.promise("LR-50")
async def test_a_permanent_ban_takes_a_hearing(ward: Ward) -> None:
    task = await opened(ward)
    anna = {"level": Level.L6, "evidence": "case-7"}
    assert await denied(ward, task, Outcome.CONFIRM, **anna) == "hearing_missing"

    today = ward.desk.clock.now().date()
    shown = await ward.hear(
        task, HearingStep.INVITED, answer_until=today.replace(day=30)
    )
    assert shown.heard is None
    assert await denied(ward, task, Outcome.CONFIRM, **anna) == "hearing_missing"
    with pytest.raises(BadRequestError) as refused:
        await ward.hear(task, HearingStep.NO_ANSWER)
    assert (refused.value.code, refused.value.pointer) == ("bad_hearing", "/step")

    await ward.decide(task, Outcome.WATCH, days=14)  # the link is kept meanwhile
    ward.team.pass_time(7 * DAY)
    await ward.come("anna")
    shown = await ward.hear(task, HearingStep.NO_ANSWER)
    assert shown.heard == "minute-3"
    answer = await ward.confirm(task, Level.L6)
    await ward.approve(answer.act, await ward.come("rita"))

    assert (await ward.show(task)).state == "decided"
    assert [outcome for outcome, _ in await ward.told("task.hearing")] == [
        "invited",
        "no_answer",
    ]
