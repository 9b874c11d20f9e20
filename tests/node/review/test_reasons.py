# SPDX-License-Identifier: Apache-2.0
"""What a person is told of a measure after a review (Art. 17 (3) DSA)."""

from datetime import date
from typing import Any

import pytest
from tests.node.review.conftest import Ward, match

from fedsafe_node.acts.lookup import Match
from fedsafe_node.acts.notices import (
    NoticeKind,
    NoticeState,
    SignOffRequest,
    TextName,
    WithholdRequest,
)
from fedsafe_node.ground.errors import DeniedError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.notices.provider_events.announcer import Announcement
from fedsafe_node.notices.service import Notices
from fedsafe_node.notices.texts import texts
from fedsafe_node.notices.upkeep import NoticeUpkeep
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.rules.hearings import HearingException, HearingStep
from fedsafe_policies.vocabulary import (
    Level,
    Outcome,
    Phenomenon,
    Role,
    Source,
    Withholding,
)

DAY = 24 * 60 * 60
DORA = Principal("dora", Role.DPO)
BAN = match(1, "a.demo", own=True)
WITHHOLD = WithholdRequest(
    reason=Withholding.BDSG_29_1, note="file-9", until=date(2026, 12, 20)
)


def notices(ward: Ward) -> Notices:
    return Notices(ward.desk.store, ward.notices)


async def sign(ward: Ward, name: TextName = TextName.REVIEW_REASONS) -> None:
    request = SignOffRequest(digest=texts()[name].digest, valid_until=date(2027, 11, 1))
    await notices(ward).sign_off(name, request, DORA)


async def tend(ward: Ward) -> None:
    await NoticeUpkeep(ward.desk.store, ward.notices).run()


async def told(ward: Ward) -> list[Announcement]:
    return [each for each in await ward.announced() if each.kind == "notice.due"]


async def limit(
    ward: Ward,
    *matches: Match,
    **more: Any,  # noqa: ANN401 - whatever a test states otherwise
) -> tuple[str, str, str]:
    """Limit features; return the task with what the person is told of it."""
    await sign(ward)
    task = (await ward.open(*(matches or (match(1),)))).task
    await ward.decide(
        task,
        Outcome.FEATURE_LIMIT,
        days=9,
        reason="n-1",
        level=Level.L3,
        **more,
    )
    (event,) = await told(ward)
    content = {name: str(text) for name, text in event.content.items()}
    return task, content["review_reasons_de"], content["review_reasons_en"]


async def test_a_limit_is_told_with_rule_finding_time_and_redress(ward: Ward) -> None:
    task, german, english = await limit(ward)
    (event,) = await told(ward)

    assert event.subject_ref == "account-1"
    assert event.content["task"] == task
    assert (event.content["notice"], event.content["level"]) == ("review", "L3")
    for words in (
        "Einschränkung von Funktionen (Stufe L3)",
        "bis einschließlich 03.12.2026",
        "house-1: Wer als erwachsene Person sexuellen Kontakt",
        "Cybergrooming",
        "öffentliche Inhalte",
        "durch geprüftes Verhalten bestätigt",
        "nach einer Meldung (Art. 16 DSA)",
        "eine Person",
        "Art. 20 DSA",
        "Art. 21 DSA",
        "vor Gericht",
        "überall, wo es unseren Dienst gibt",
        "Vorher angehört haben wir Sie nicht",
    ):
        assert words in german, words
    for words in (
        "Limit of features (level L3)",
        "2026-12-03",
        "house-1: An adult who approaches children",
        "after a notice (DSA Art. 16)",
        "No program decided",
        "go to court",
    ):
        assert words in english, words
    for text in (german, english):
        assert "{" not in text
        assert ".." not in text


@pytest.mark.parametrize(
    ("matches", "words"),
    [
        ([match(1)], "through information from another provider (a signal)."),
        ([BAN], "through an earlier finding of our own."),
        (
            [BAN, match(2)],
            "information from another provider (a signal) and an earlier finding",
        ),
    ],
    ids=["another", "own", "both"],
)
async def test_that_another_providers_signal_began_it_is_said_and_not_whose(
    ward: Ward, matches: list[Match], words: str
) -> None:
    _, german, english = await limit(ward, *matches)

    assert words in english
    assert "no decision" in english
    assert "b.demo" not in german + english


async def test_two_people_and_the_hearing_are_told_of_a_closed_account(
    ward: Ward,
) -> None:
    await sign(ward)
    task = (await ward.open(match(1))).task
    why = HearingException.DANGER_TO_A_CHILD
    await ward.hear(task, HearingStep.EXCEPTION, exception=why)
    answer = await ward.confirm(task, Level.L6)
    assert await told(ward) == []
    await ward.approve(answer.act, await ward.come("rita"))
    (event,) = await told(ward)
    said = str(event.content["review_reasons_en"])

    assert "Permanent ban (level L6)" in said
    assert "without a set end" in said
    assert "two persons independently of each other" in said
    assert "since a child was in danger" in said
    assert "rita" not in str(event.content)


async def test_of_an_investigation_no_letter_tells(ward: Ward) -> None:
    await sign(ward)
    task = (await ward.open(match(1))).task
    why = HearingException.INVESTIGATION_AT_RISK
    await ward.hear(task, HearingStep.EXCEPTION, exception=why)
    await ward.confirm(task, Level.L4)
    (event,) = await told(ward)

    assert "By way of exception" in str(event.content["review_reasons_en"])
    assert "nvestigation" not in str(event.content)


async def test_a_warning_holds_once(ward: Ward) -> None:
    await sign(ward)
    await ward.confirm((await ward.open(match(1))).task, Level.L1)
    (event,) = await told(ward)

    assert "once, without a further restriction" in str(event.content)


async def test_until_somebody_signs_it_off_the_text_waits_and_the_measure_does_not(
    ward: Ward,
) -> None:
    task = (await ward.open(match(1))).task
    answer = await ward.confirm(task, Level.L4)
    await tend(ward)
    (shown,) = (await notices(ward).show(DORA)).notices

    assert answer.decided
    (measure,) = await ward.announced()
    assert (measure.kind, measure.content["level"]) == ("task.decided", "L4")
    assert (shown.task, shown.signal) == (task, None)
    assert (shown.notice, shown.state) == (NoticeKind.REVIEW, NoticeState.WAITING)
    assert shown.unsigned == (TextName.REVIEW_REASONS,)

    await sign(ward)
    await tend(ward)
    await tend(ward)
    assert [each.content["task"] for each in await told(ward)] == [task]


async def test_who_decides_anew_owes_a_statement_anew(ward: Ward) -> None:
    await sign(ward)
    await ward.list_signal(match(1))
    task = (await ward.open(match(1))).task
    await ward.confirm(task, Level.L4)
    await ward.stop_signal(match(1), SignalStatus.REVOKED)
    await ward.tend()
    await ward.confirm(task, Level.L1)

    assert [each.content["level"] for each in await told(ward)] == ["L4", "L1"]


async def test_a_statement_is_held_back_before_the_review_is_decided(
    ward: Ward,
) -> None:
    await sign(ward)
    task = (await ward.open(match(1))).task
    held = await notices(ward).withhold(task, WITHHOLD, DORA)
    await ward.confirm(task, Level.L4)
    await tend(ward)

    assert (held.task, held.signal) == (task, None)
    assert await told(ward) == []
    ward.team.pass_time(26 * DAY)
    await tend(ward)
    assert len(await told(ward)) == 1
    ((_, text),) = await ward.told("notice.released")
    assert task in text


async def test_what_was_told_of_a_review_is_held_back_no_more(ward: Ward) -> None:
    task, _, _ = await limit(ward)

    with pytest.raises(WrongStateError) as late:
        await notices(ward).withhold(task, WITHHOLD, DORA)
    assert late.value.code == "already_told"
    with pytest.raises(NotFoundError):
        await notices(ward).withhold("0" * 32, WITHHOLD, DORA)


async def test_a_rule_that_stands_for_less_carries_no_harder_measure(
    ward: Ward,
) -> None:
    task = (await ward.open(match(1))).task
    found: dict[str, Any] = {
        "rule": "house-6",
        "phenomenon": Phenomenon.SEXTING_EXPOSURE,
    }

    with pytest.raises(DeniedError) as refused:
        await ward.decide(
            task, Outcome.CONFIRM, level=Level.L4, evidence="case-7", **found
        )
    assert refused.value.decision.code == "rule_unfit"
    milder = await ward.decide(
        task, Outcome.CONFIRM, level=Level.L2, evidence="case-7", **found
    )
    assert milder.decided


async def test_the_log_and_the_task_say_what_a_measure_rests_on(ward: Ward) -> None:
    task, _, _ = await limit(ward, source=Source.OWN_INITIATIVE)
    (made,) = (await ward.show(task)).decisions
    ((_, text),) = await ward.told("task.decided")

    assert (made.rule, made.phenomenon) == ("house-1", Phenomenon.GROOMING)
    assert made.source is Source.OWN_INITIATIVE
    assert '"house_rule":"house-1"' in text
