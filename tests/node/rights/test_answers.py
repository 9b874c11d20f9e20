# SPDX-License-Identifier: Apache-2.0
"""What an access answer holds beside signals, and that it never says too little."""

from datetime import date, timedelta

import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.attested_gates import close_gate, gated
from tests.support.disputes import LEA, matching
from tests.support.fleet import Fleet, eventually
from tests.support.insistence import insisting
from tests.support.rights_answers import answer_to
from tests.support.rights_requests import SHOP, WHO, asked, collected, requests_of

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import (
    RevokeRequest,
    SignalState,
)
from fedsafe_node.acts.cases import AssessCase, OpenCase
from fedsafe_node.acts.requests import Language
from fedsafe_node.acts.reviews import OutcomeRequest, TasksQuery
from fedsafe_node.ground.principal import Principal
from fedsafe_node.signals.relock import relock
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.package import Elements, Suspect, Threat
from fedsafe_policies.escalation.vocabulary import Danger, Urgency
from fedsafe_policies.vocabulary import (
    Grade,
    Level,
    Outcome,
    Phenomenon,
    Role,
    Scope,
    Source,
    Surface,
)

__all__ = ["gated"]

NOTHING = "No signal is kept about this identifier"
ACCOUNT = "account-1"  # whom `Fleet.look_up` asks for


async def reviewed(fleet: Fleet, outcome: OutcomeRequest) -> str:
    """Let a match of an own ban be decided; return the ban."""
    node = fleet["a.demo"]
    ban = await node.services.signals.add(request_for(WHO, scope=Scope.SELF), ANNA)
    await fleet.look_up("a.demo", WHO)
    (task,) = (await node.services.tasks.list(TasksQuery(), ANNA)).tasks
    await node.services.tasks.show(task.task, ANNA)
    await insisting(node.services.tasks).decide(task.task, outcome, ANNA)
    return ban.signal


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            Language.DE,
            (
                "Prüfung Ihres Kontos, begonnen am 24.11.2026: entschieden",
                "am 24.11.2026: einige Funktionen des Kontos sind eingeschränkt",
                "bis 30.11.2026 (Aktenzeichen file-7)",
                "Zahl der Menschen, die entschieden haben: 1",
            ),
        ),
        (
            Language.EN,
            (
                "Review of your account, begun on 2026-11-24: decided",
                "on 2026-11-24: some features of the account are limited",
                "until 2026-11-30 (file number file-7)",
                "number of people who decided: 1",
            ),
        ),
    ],
)
async def test_an_answer_tells_reviews_decisions_and_limits_of_the_account(
    alone: Fleet, language: Language, told: tuple[str, ...]
) -> None:
    limit = OutcomeRequest(
        outcome=Outcome.FEATURE_LIMIT,
        level=Level.L3,
        until=date(2026, 11, 30),
        reason="file-7",
        rule="rule-7",
        phenomenon=Phenomenon.GROOMING,
        surface=Surface.PUBLIC_CONTENT,
        grade=Grade.CONFIRMED_CONDUCT,
        source=Source.NOTICE,
    )
    ban = await reviewed(alone, limit)
    request = replace(asked(language=language), subject_ref=ACCOUNT)
    opened = await requests_of(alone, "a.demo").open(request, SHOP)
    text = await answer_to(alone, "a.demo", opened)

    for each in (*told, ban):
        assert each in text, text
    assert not any(name in text for name in ("anna", "rita", "feature_limit"))


async def test_a_review_alone_is_no_nothing(alone: Fleet) -> None:
    watch = OutcomeRequest(outcome=Outcome.WATCH, until=date(2026, 11, 30))
    ban = await reviewed(alone, watch)
    signals = alone["a.demo"].services.signals
    await signals.revoke(ban, RevokeRequest(reason=Reason.MISTAKE), RITA)
    requests = requests_of(alone, "a.demo")
    opened = await requests.open(replace(asked(), subject_ref=ACCOUNT), LEA)

    assert (opened.state, opened.signals) == ("open", [])
    text = await answer_to(alone, "a.demo", opened)  # not answered by itself
    assert "the account is watched until 2026-11-30" in text


async def test_who_names_no_account_is_told_where_reviews_are_kept(
    trio: Fleet,
) -> None:
    opened = await requests_of(trio).open(replace(asked(), subject_ref=None), SHOP)
    text = await collected(trio, opened)

    assert text is not None
    assert NOTHING in text
    assert "this request does not name an account" in text
    assert "safety@b.demo" in text


async def test_an_answer_says_the_same_of_cases_whether_there_is_one_or_not(
    trio: Fleet,
) -> None:
    node, request = trio["b.demo"], replace(asked(), subject_ref=ACCOUNT)
    first = await requests_of(trio).open(request, SHOP)
    before = await collected(trio, first)
    ada = Principal("ada", Role.ESCALATION_OFFICER)
    opening = OpenCase(
        urgency=Urgency.U2,
        known_at=int(node.base.clock.now().timestamp()),
        threat=Threat(danger=Danger.NO, reason="Nichts ist verabredet."),
        sources=(CaseSource.OWN_REVIEW,),
    )
    case = (await node.services.cases.open(opening, ada)).case
    known = Elements(suspects=(Suspect(account_id=ACCOUNT),))
    await node.services.cases.assess(case, AssessCase(elements=known), ada)
    second = await requests_of(trio).open(request, SHOP)
    after = await collected(trio, second)

    assert before is not None
    assert after is not None
    assert "This answer leaves out cases" in before
    assert before.replace(first.request, second.request) == after


async def test_a_draft_about_a_person_is_told(trio: Fleet) -> None:
    signals = trio["a.demo"].services.signals
    request = request_for(WHO, scope=Scope.FEDERATION)
    draft = await signals.add(request, ANNA)
    assert draft.state is SignalState.DRAFT
    opened = await requests_of(trio, "a.demo").open(asked(), SHOP)
    text = await answer_to(trio, "a.demo", opened)

    assert "Draft of a signal, written on 2026-11-24" in text
    assert "the data come from our own service" in text
    assert "kind of identifier: e-mail address" in text
    assert "Nobody has received it" in text


async def test_what_a_relock_erased_is_never_called_nothing(gated: Fleet) -> None:
    await gated.publish(WHO)
    assert await matching(gated, WHO) == ["a.demo", "b.demo", "c.demo"]
    close_gate(gated, "b.demo")
    assert await relock(gated["b.demo"].desk) == 1
    opened = await requests_of(gated).open(asked(), LEA)

    assert opened.state == "open"
    assert {"a.demo", "c.demo"} <= set(opened.unevaluated or ())
    text = await answer_to(gated, "b.demo", opened)
    assert NOTHING not in text
    assert "we may not keep signals of other providers" in text
    assert "whether they have listed you: a.demo, c.demo" in text


@pytest.mark.parametrize("how", ["stale", "suspended", "lacking"])
async def test_an_origin_that_was_not_covered_is_named(trio: Fleet, how: str) -> None:
    coverage = trio["b.demo"].base.situation.coverage
    if how == "stale":
        await trio.stop("a.demo")
        trio.clock.advance(timedelta(hours=1))
        await eventually(lambda: _only_stale(trio))
    elif how == "suspended":
        coverage.suspended.add("a.demo")
    else:
        coverage.lacking.add("a.demo")
    opened = await requests_of(trio).open(asked(language=Language.DE), LEA)

    assert (opened.state, opened.unevaluated) == ("open", ["a.demo"])
    text = await answer_to(trio, "b.demo", opened)
    assert "ist kein Signal gespeichert" not in text
    assert "konnten wir nicht oder nicht vollständig prüfen: a.demo." in text
    assert "Bitte fragen Sie diese Anbieter" in text


async def _only_stale(fleet: Fleet) -> bool:
    situation = fleet["b.demo"].base.situation
    return situation.not_covered(fleet.clock.now(), actor=True) == ["a.demo"]
