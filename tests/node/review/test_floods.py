# SPDX-License-Identifier: Apache-2.0
"""P21: a signal that matches too many, on real nodes and stores."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from tests.node.audit.conftest import STAFF
from tests.node.review.conftest import Ward, about, match
from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.fleet import Fleet, make
from tests.support.floods import BOUND, judge
from tests.support.insistence import insisting
from tests.support.keeping import erase
from tests.support.lookup_questions import PICTURE, email, is_restricted
from tests.support.origin import WHO

from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.floods import (
    BoundRequest,
    FloodAnswer,
    FloodQuery,
    FloodRuling,
    FloodRulingRequest,
    FloodShown,
    FloodsQuery,
    FloodState,
)
from fedsafe_node.acts.lookup import (
    BatchRequest,
    LookupAnswer,
    LookupRequest,
    Result,
    Subject,
)
from fedsafe_node.acts.reviews import Because, OutcomeRequest, TasksQuery
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    StoreFailedError,
    WrongStateError,
)
from fedsafe_node.review.flags import succeed
from fedsafe_node.review.flood_clock import tend_floods
from fedsafe_node.review.flood_service import FloodService
from fedsafe_node.review.task_start import Opened, open_review
from fedsafe_node.rights.known_facts import holds_nothing
from fedsafe_node.rights.sealing import Content
from fedsafe_node.store.keeping_rows import HoldRow
from fedsafe_node.store.review_rows import TaskRow
from fedsafe_node.store.rows import SignalStatus
from fedsafe_policies.rules.floods import REST_REVIEW
from fedsafe_policies.rules.reviews import review_ends
from fedsafe_policies.vocabulary import Outcome, Purpose, Surface

OTHER = "somebody.else@mail.example"


async def ask(
    node: RunningNode, subjects: Sequence[str | None], value: str = WHO
) -> list[LookupAnswer]:
    asked = [Subject(questions=[email(value)], subject_ref=each) for each in subjects]
    answer = await node.services.lookups.batch(BatchRequest(lookups=asked), BOT)
    return [each for each in answer.answers if each is not None]


async def listed(
    node: RunningNode, state: FloodState = FloodState.WAITING
) -> list[FloodShown]:
    query = FloodsQuery(state=state)
    return (await node.services.floods.list(query, RITA)).floods


async def tasks(node: RunningNode, state: str = "waiting") -> set[str | None]:
    query = TasksQuery(state=state, limit=1_000)  # type: ignore[arg-type]
    found = (await node.services.tasks.list(query, RITA)).tasks
    return {each.subject_ref for each in found}


async def rule(node: RunningNode, flood: str, ruling: FloodRuling) -> FloodShown:
    request = FloodRulingRequest(ruling=ruling, reason="ticket-7")
    return await insisting(node.services.floods).rule(flood, request, RITA)


async def show(node: RunningNode, flood: str, **query: object) -> FloodAnswer:
    asked = FloodQuery(**query)  # type: ignore[arg-type]
    return await node.services.floods.show(flood, asked, RITA)


@pytest.fixture
async def node(alone: Fleet) -> RunningNode:
    await alone["a.demo"].services.signals.add(request_for(WHO), BOT)
    return alone["a.demo"]


@pytest.fixture
async def attended(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give one node with people who may decide on an erasure."""
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    await fleet.start("a.demo")
    yield fleet
    await fleet.close()


@pytest.mark.promise("TM-12")
async def test_a_signal_that_hits_500_of_1000_restricts_its_bound(
    alone: Fleet, node: RunningNode
) -> None:
    accounts = [f"acc-{number:04}" for number in range(1_000)]
    asked = [
        Subject(questions=[email(WHO if index % 2 else OTHER)], subject_ref=name)
        for index, name in enumerate(accounts)
    ]
    answer = await node.services.lookups.batch(BatchRequest(lookups=asked), BOT)
    answers = [each for each in answer.answers if each is not None]

    hit = {name for index, name in enumerate(accounts) if index % 2}
    review = {str(each.subject_ref) for each in answers if each.result is Result.REVIEW}
    restricted = {str(each.subject_ref) for each in answers if is_restricted(each)}
    assert review == hit
    assert len(restricted) == BOUND
    (flood,) = await listed(node)
    assert (flood.references, flood.bound, flood.beyond) == (490, BOUND, 0)
    (began,) = await alone.audit("a.demo", "flood.began")
    assert (began.record.outcome, began.record.rule) == ("alarm", "P21")
    shown = await show(node, flood.flood)
    kept = {each.subject_ref for each in shown.subjects}
    assert kept | restricted == hit
    assert await tasks(node) == restricted

    await rule(node, flood.flood, FloodRuling.STANDS)

    assert await tasks(node) == hit
    assert (await show(node, flood.flood)).subjects == []
    again = await ask(node, sorted(hit))
    # What came out of a flood is reviewed, and restricts nobody meanwhile.
    assert {
        str(each.subject_ref) for each in again if is_restricted(each)
    } == restricted
    assert all(each.task is not None and each.flood is None for each in again)
    assert await listed(node) == []


async def test_each_match_says_why_it_restricts_nobody(node: RunningNode) -> None:
    answers = await ask(node, [f"acc-{number}" for number in range(BOUND + 2)])
    last, first = answers[-1], answers[0]

    assert (first.matches[0].reason, first.reason, first.flood) == (None, None, None)
    assert first.task is not None
    assert last.reason == last.matches[0].reason == "flood"
    assert (last.task, last.flood) == (None, (await listed(node))[0].flood)
    assert last.reminder is not None
    assert "restrict no account" in last.reminder.en
    assert last.corroboration is not None


async def test_fifty_accounts_never_make_a_true_file_answer_none(
    node: RunningNode,
) -> None:
    digest = "ab" * 32
    request = request_for(digest, kind=Kind.SHA256)
    await node.services.signals.add(request, BOT)
    question = Question(kind=Kind.SHA256, value=digest)

    async def upload(name: str) -> LookupAnswer:
        return await node.services.lookups.lookup(
            LookupRequest(
                questions=[question],
                subject_ref=name,
                purpose=Purpose.MEDIA_MATCHING,
                surface=Surface.HOSTED_PRIVATE,
            ),
            BOT,
        )

    answers = [await upload(f"file-{number}") for number in range(2 * 50)]
    again = await upload("file-true")

    assert {each.result for each in [*answers, again]} == {Result.REVIEW}
    assert sum(map(is_restricted, answers)) == 50
    assert again.matches[0].reason == "flood"


async def test_a_file_that_is_listed_by_five_digests_begins_one_flood(
    alone: Fleet,
) -> None:
    node = alone["a.demo"]
    digests = {
        Kind.SHA256: "5a" * 32,
        Kind.SHA1: "5b" * 20,
        Kind.MD5: "5c" * 16,
        Kind.BLAKE3: "5d" * 32,
        Kind.PDQ: PICTURE.hex(),
    }
    for kind, value in digests.items():
        await node.services.signals.add(request_for(value, kind=kind), BOT)
    questions = [Question(kind=kind, value=value) for kind, value in digests.items()]
    lookups = [
        Subject(questions=questions, subject_ref=f"u-{number}") for number in range(53)
    ]
    request = BatchRequest(
        lookups=lookups,
        purpose=Purpose.MEDIA_MATCHING,
        surface=Surface.PUBLIC_CONTENT,
    )

    answers = (await node.services.lookups.batch(request, BOT)).answers

    (flood,) = await listed(node)
    told = [each for each in answers if each is not None]
    assert [each.reason for each in told] == [None] * 50 + ["flood"] * 3
    assert {each.flood for each in told[50:]} == {flood.flood}
    assert all(len(each.matches) == 5 for each in told)


async def test_many_at_once_restrict_no_more_than_the_bound(node: RunningNode) -> None:
    answers = await asyncio.gather(*[ask(node, [f"acc-{n}"]) for n in range(40)])

    assert sum(is_restricted(each) for (each,) in answers) == BOUND
    (flood,) = await listed(node)
    assert flood.references == 40 - BOUND


async def test_who_was_counted_is_asked_as_ever(node: RunningNode) -> None:
    accounts = [f"acc-{number}" for number in range(BOUND)]
    await ask(node, accounts)
    again = await ask(node, accounts * 2)
    task = str(again[0].task)
    await insisting(node.services.tasks).decide(
        task, OutcomeRequest(outcome=Outcome.DISMISS), ANNA
    )
    dismissed = (await ask(node, accounts[:1]))[0]

    assert all(map(is_restricted, again))
    assert is_restricted(dismissed)
    assert await listed(node) == []
    assert not is_restricted((await ask(node, ["another"]))[0])


async def test_what_was_counted_outlives_a_restart(
    alone: Fleet, node: RunningNode
) -> None:
    await ask(node, [f"acc-{number}" for number in range(BOUND)])
    await alone.stop("a.demo")
    await alone.start("a.demo")
    answers = await ask(alone["a.demo"], ["acc-0", "another"])

    assert list(map(is_restricted, answers)) == [True, False]


async def test_what_names_no_account_counts_each_time(node: RunningNode) -> None:
    answers = await ask(node, [None] * (BOUND + 5))

    assert sum(map(is_restricted, answers)) == BOUND
    (flood,) = await listed(node)
    assert flood.references == 1  # nobody knows whether it was one, or many
    assert answers[-1].subject_ref == answers[0].subject_ref


async def test_a_day_later_another_few_are_counted(
    alone: Fleet, node: RunningNode
) -> None:
    await ask(node, [f"acc-{number}" for number in range(BOUND)])
    alone.clock.advance(timedelta(hours=23, minutes=59))
    late = await ask(node, ["late"])
    (flood,) = await listed(node)
    await rule(node, flood.flood, FloodRuling.STANDS)
    alone.clock.advance(timedelta(minutes=1))
    next_day = await ask(node, [f"next-{number}" for number in range(BOUND + 1)])

    assert not is_restricted(late[0])
    assert sum(map(is_restricted, next_day)) == BOUND


async def test_a_flood_goes_on_over_the_end_of_the_day(
    alone: Fleet, node: RunningNode
) -> None:
    await ask(node, [f"acc-{number}" for number in range(BOUND + 1)])
    alone.clock.advance(timedelta(days=1, hours=1))
    (answer,) = await ask(node, ["tomorrow"])

    assert not is_restricted(answer)
    (flood,) = await listed(node)
    assert flood.references == 2
    assert len(await alone.audit("a.demo", "flood.began")) == 1


async def test_a_signal_that_rests_matches_nothing_until_it_stands(
    alone: Fleet, node: RunningNode
) -> None:
    hit = [f"acc-{number}" for number in range(BOUND + 3)]
    await ask(node, hit)
    (flood,) = await listed(node)
    ruled = await rule(node, flood.flood, FloodRuling.RESTS)

    assert (ruled.state, ruled.ruled_by) == ("rested", "rita")
    (answer,) = await ask(node, ["later"])
    assert (answer.result, answer.matches) == (Result.NONE, [])
    # Whom it had restricted is looked at anew; nobody else is forgotten.
    query = TasksQuery(limit=1_000)
    waiting = (await node.services.tasks.list(query, RITA)).tasks
    assert {each.subject_ref for each in waiting} == set(hit[:BOUND])
    assert all(each.flagged_at is not None for each in waiting)
    shown = await show(node, flood.flood)
    assert {each.subject_ref for each in shown.subjects} == set(hit[BOUND:])
    with pytest.raises(WrongStateError, match="ruled on so"):
        await rule(node, flood.flood, FloodRuling.RESTS)
    lookups = await alone.audit("a.demo", "lookup")
    assert b'"suppressed":1' in lookups[-1].openings["detail"]

    await rule(node, flood.flood, FloodRuling.STANDS)

    assert await tasks(node) == set(hit)
    assert (await ask(node, ["last"]))[0].result is Result.REVIEW


async def test_one_person_rules_who_rules_on_disputes(node: RunningNode) -> None:
    await ask(node, [f"acc-{number}" for number in range(BOUND + 1)])
    (flood,) = await listed(node)
    request = FloodRulingRequest(ruling=FloodRuling.RESTS, reason="ticket-7")
    with pytest.raises(DeniedError) as refused:
        await insisting(node.services.floods).rule(flood.flood, request, ANNA)

    assert refused.value.decision.code == "role"
    assert (await listed(node))[0].state == "waiting"


async def test_two_people_raise_the_bound_for_seven_days(ward: Ward) -> None:
    floods = insisting(FloodService(ward.desk, ward.team.office, ward.approvals))
    await ward.list_signal(match(1))
    before = [await judge(ward, f"acc-{number}") for number in range(BOUND + 2)]
    rita, rolf = ward.people["rita"], ward.people["rolf"]
    flood = str(before[-1].flood)
    with pytest.raises(BadRequestError, match="more than 10, and 100 at most"):
        await floods.raise_bound(flood, BoundRequest(bound=101, reason="note-1"), rita)
    asked = await floods.raise_bound(
        flood, BoundRequest(bound=30, reason="note-1"), rita
    )
    with pytest.raises(DeniedError):
        await ward.approve_unseen(asked, rita)
    unchanged = await judge(ward, "acc-x")
    await ward.approve_unseen(asked, rolf)
    await tend_floods(ward.desk)

    raised = [await judge(ward, f"more-{number}") for number in range(25)]
    assert unchanged.flood == flood
    assert sum(bool(each.restricting) for each in raised) == 30 - BOUND
    # Two people have said that it stands: the references are reviews now.
    assert len(await live(ward, f"acc-{BOUND}")) == 1
    shown = await floods.show(flood, FloodQuery(), rita)
    assert (shown.state, shown.ruled_by, shown.second) == ("stands", "rita", "rolf")
    assert shown.raised_to == 30
    ((_, told),) = await ward.told("flood.bound_raised")
    assert "note-1" in told

    ward.team.pass_time(7 * 24 * 60 * 60)
    await tend_floods(ward.desk)
    later = [await judge(ward, f"late-{number}") for number in range(BOUND + 1)]
    assert sum(bool(each.restricting) for each in later) == BOUND


async def live(ward: Ward, subject: str) -> list[TaskRow]:
    return await ward.desk.store.read(lambda r: r.live_tasks(subject))


async def fill(ward: Ward, count: int = BOUND + 2) -> str:
    """Let a signal match more than its bound; return the flood."""
    await ward.list_signal(match(1))
    found = [await judge(ward, f"acc-{number:02}") for number in range(count)]
    return str(found[-1].flood)


async def test_people_are_told_once_and_reminded_a_day_before(ward: Ward) -> None:
    flood = await fill(ward)
    ward.team.pass_time(3 * 24 * 60 * 60)
    await tend_floods(ward.desk)
    await tend_floods(ward.desk)

    told = [each for each in await ward.announced() if each.kind == "flood.due"]
    assert [each.content["why"] for each in told] == ["began", "reminder"]
    assert {each.content["flood"] for each in told} == {flood}
    assert all(each.subject_ref is None for each in told)
    ((outcome, _),) = await ward.told("flood.due")
    assert outcome == "reminder"


async def test_a_signal_that_rests_is_ruled_on_anew_every_thirty_days(
    ward: Ward,
) -> None:
    flood = await fill(ward)
    floods = insisting(FloodService(ward.desk, ward.team.office, ward.approvals))
    words = FloodRulingRequest(ruling=FloodRuling.RESTS, reason="ticket-7")
    await floods.rule(flood, words, RITA)
    with pytest.raises(WrongStateError, match="ruled on so"):
        await floods.rule(flood, words, RITA)
    for _ in range(2):
        ward.team.pass_time(REST_REVIEW)
        await tend_floods(ward.desk)
        await tend_floods(ward.desk)
    told = [each for each in await ward.announced() if each.kind == "flood.due"]
    anew = await floods.rule(
        flood, FloodRulingRequest(ruling=FloodRuling.RESTS, reason="ticket-9"), RITA
    )

    assert [each.content["why"] for each in told] == ["began", "rests", "rests"]
    assert (anew.state, anew.reason) == (FloodState.RESTED, "ticket-9")
    with pytest.raises(WrongStateError, match="ruled on so"):
        await floods.rule(flood, words, RITA)


async def test_references_live_no_longer_than_a_match(ward: Ward) -> None:
    flood = await fill(ward)
    row = await ward.desk.store.read(lambda r: r.flood(flood))
    assert row is not None
    assert row.ends_at == review_ends(row.opened_at, ward.desk.situation.policy)
    ward.team.pass_time(row.ends_at - row.opened_at)
    await tend_floods(ward.desk)

    lapsed = await ward.desk.store.read(lambda r: r.flood(flood))
    assert lapsed is not None
    assert (lapsed.state, lapsed.sealed, lapsed.kept) == ("lapsed", None, 2)
    assert await ward.desk.store.read(lambda r: r.flood_subjects(flood, 9)) == []
    assert (await ward.announced())[-1].content["outcome"] == "lapsed"
    # Nobody has ruled: the signal is counted anew.
    assert (await judge(ward, "new")).restricting != []


async def test_what_somebody_holds_stays(ward: Ward) -> None:
    flood = await fill(ward)
    now = ward.desk.now()
    hold = HoldRow(
        id="h1",
        subject=f"acc-{BOUND}",
        first=None,
        last=None,
        reason="order-1",
        until=now + 9 * 24 * 60 * 60,
        placed_at=now,
        placed_by="dora",
    )
    await ward.desk.store.write(lambda tx: tx.add_hold(hold))
    ward.team.pass_time(8 * 24 * 60 * 60)
    await tend_floods(ward.desk)
    held = await ward.desk.store.read(lambda r: r.flood_subjects(flood, 9))
    ward.team.pass_time(2 * 24 * 60 * 60)
    await tend_floods(ward.desk)

    assert len(held) == 2
    assert await ward.desk.store.read(lambda r: r.flood_subjects(flood, 9)) == []


async def test_a_signal_that_ends_takes_its_flood_with_it(ward: Ward) -> None:
    flood = await fill(ward)
    await ward.stop_signal(match(1), SignalStatus.REVOKED)
    assert await tend_floods(ward.desk) == 1

    row = await ward.desk.store.read(lambda r: r.flood(flood))
    assert row is not None
    assert (row.state, row.sealed) == ("over", None)
    assert await ward.desk.store.read(lambda r: r.flood_subjects(flood, 9)) == []
    assert [outcome for outcome, _ in await ward.told("flood.ended")] == ["over"]


async def test_a_crash_among_the_references_leaves_the_rest_to_the_clock(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood = await fill(ward, BOUND + 5)
    floods = insisting(FloodService(ward.desk, ward.team.office, ward.approvals))
    monkeypatch.setattr("fedsafe_node.review.flood_rulings.PAGE", 2)
    opened = 0

    async def fail(*given: Any, **more: Any) -> Opened:  # noqa: ANN401
        nonlocal opened
        opened += 1
        if opened == 4:
            raise StoreFailedError("the disk is gone")
        return await open_review(*given, **more)

    monkeypatch.setattr("fedsafe_node.review.flood_rulings.open_review", fail)
    request = FloodRulingRequest(ruling=FloodRuling.STANDS, reason="note-1")
    with pytest.raises(StoreFailedError):
        await floods.rule(flood, request, ward.people["rita"])
    left = await ward.desk.store.read(lambda r: r.flood_subjects(flood, 9))
    await tend_floods(ward.desk)

    assert len(left) == 3
    for number in range(BOUND + 5):
        assert len(await live(ward, f"acc-{number:02}")) == 1


async def test_no_account_is_named_where_it_is_only_counted(ward: Ward) -> None:
    await fill(ward, 1)
    marked = ward.desk.situation.own.mark("acc-00")
    since = ward.desk.now() - 1

    (person,) = about(match(1)).asked.values()
    listing = ward.desk.situation.own.mark_listing("b.demo", person)
    assert await ward.desk.store.read(
        lambda r: r.has_restricted("b.demo", [listing], marked, since)
    )
    assert b"acc-00" not in marked


async def test_a_published_signal_takes_over_the_flood_of_its_own_ban(
    ward: Ward,
) -> None:
    ban = match(1, "a.demo", own=True)
    await ward.list_signal(ban)
    found = [await judge(ward, f"acc-{number}", ban) for number in range(BOUND + 1)]
    flood = str(found[-1].flood)
    signal = UUID(match(2).signal).bytes

    await ward.desk.store.write(
        lambda tx: succeed(ward.desk, tx, UUID(ban.signal).bytes, signal)
    )

    published = replace(match(2, "a.demo"), question=1)
    later = await judge(ward, "acc-later", published)
    assert later.flood == flood
    shown = await FloodService(ward.desk, ward.team.office, ward.approvals).show(
        flood, FloodQuery(), ward.people["rita"]
    )
    assert (shown.signal, shown.references) == (published.signal, 2)
    assert shown.match is not None
    assert (shown.match.signal, shown.match.own) == (published.signal, False)


async def test_a_flood_is_shown_page_by_page(node: RunningNode) -> None:
    await ask(node, [f"acc-{number:02}" for number in range(BOUND + 7)])
    (flood,) = await listed(node)
    seen: list[str] = []
    page = await show(node, flood.flood, limit=3)
    while page.subjects:
        seen += [each.subject_ref for each in page.subjects]
        if page.next is None:
            break
        page = await show(node, flood.flood, limit=3, after=page.next)

    assert seen == [f"acc-{number:02}" for number in range(BOUND, BOUND + 7)]


async def test_status_and_checks_speak_of_floods(node: RunningNode) -> None:
    before = await node.services.node.status()
    await ask(node, [f"acc-{number}" for number in range(BOUND + 1)])
    after = await node.services.node.status()

    assert (before.floods_waiting, after.floods_waiting) == (0, 1)
    assert (await node.services.node.checks())["floods"] == "1 wait for a ruling"


async def test_what_a_flood_keeps_is_bounded(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsafe_node.review.floods.MOST_KEPT", 3)
    answers = await ask(node, [f"acc-{number}" for number in range(BOUND + 5)])

    (flood,) = await listed(node)
    assert (flood.references, flood.beyond) == (3, 2)
    assert not any(map(is_restricted, answers[BOUND:]))


async def test_an_erased_account_is_gone_from_a_flood(
    attended: Fleet,
) -> None:
    node = attended["a.demo"]
    await node.services.signals.add(request_for(WHO), BOT)
    await ask(node, [f"acc-{number}" for number in range(BOUND + 2)])
    (flood,) = await listed(node)
    await erase(attended, f"acc-{BOUND}")

    (event,) = await attended.audit("a.demo", "audit.erased")
    assert '"reviews":1' in event.text
    kept = [each.subject_ref for each in (await show(node, flood.flood)).subjects]
    assert kept == [f"acc-{BOUND + 1}"]


async def test_a_person_who_asks_is_told_of_a_flood_too(node: RunningNode) -> None:
    await ask(node, [f"acc-{number}" for number in range(BOUND + 1)])

    async def nothing(subject: str) -> bool:
        content = Content(subject_ref=subject, findings=[], unevaluated=[], disputes=[])
        return await node.base.store.read(
            lambda r: holds_nothing(r, node.desk, content)
        )

    assert not await nothing(f"acc-{BOUND}")
    assert await nothing("somebody")


async def rest_all(node: RunningNode) -> None:
    request = FloodRulingRequest(
        ruling=FloodRuling.RESTS, reason="ticket-7", because=Because.LISTING_WRONG
    )
    for each in await listed(node):
        await insisting(node.services.floods).rule(each.flood, request, RITA)


async def test_listing_again_what_rests_restricts_nobody(trio: Fleet) -> None:
    shared, node = "shared@mail.example", trio["b.demo"]
    restricted: list[int] = []
    for number in range(3):
        await trio.publish(shared)
        await trio.forget_listed("a.demo")
        accounts = [f"acc-{number}-{each}" for each in range(BOUND + 2)]
        restricted.append(sum(map(is_restricted, await ask(node, accounts, shared))))
        await rest_all(node)

    # The ruling is about what the origin lists, not about the name it lists it under.
    assert restricted == [BOUND, 0, 0]
    (rested,) = await listed(node, FloodState.RESTED)
    honest = await trio.publish(shared, at="c.demo", by=("a.demo", "b.demo"))
    answers = await ask(node, ["acc-new"], shared)
    assert [each.signal for each in answers[0].matches] == [honest]
    assert rested.match is not None


async def test_a_ruling_outlives_the_signal_it_was_about(trio: Fleet) -> None:
    shared, node = "shared@mail.example", trio["b.demo"]
    first = await trio.publish(shared)
    await ask(node, [f"acc-{each}" for each in range(BOUND + 2)], shared)
    await rest_all(node)
    await trio.revoke(first, by=["b.demo"])
    await tend_floods(node.reviews)

    again = await trio.publish(shared)
    (answer,) = await ask(node, ["acc-new"], shared)
    assert (answer.result, answer.matches) == (Result.NONE, [])
    (flood,) = await listed(node, FloodState.RESTED)
    assert flood.signal == again
    await rule(node, flood.flood, FloodRuling.STANDS)
    (answer,) = await ask(node, ["acc-new"], shared)
    assert [each.signal for each in answer.matches] == [again]


async def test_a_picture_listed_again_with_some_bits_changed_rests_on(
    node: RunningNode,
) -> None:
    def picture(first: int, last: int) -> str:
        changed = (1 << last) - (1 << first)
        return (int.from_bytes(PICTURE) ^ changed).to_bytes(32).hex()

    async def list_picture(value: str) -> None:
        await node.services.signals.add(request_for(value, kind=Kind.PDQ), BOT)

    async def upload(names: Sequence[str], value: str) -> list[LookupAnswer]:
        question = Question(kind=Kind.PDQ, value=value)
        asked = [Subject(questions=[question], subject_ref=each) for each in names]
        request = BatchRequest(
            lookups=asked,
            purpose=Purpose.MEDIA_MATCHING,
            surface=Surface.HOSTED_PRIVATE,
        )
        answers = (await node.services.lookups.batch(request, BOT)).answers
        return [each for each in answers if each is not None]

    shared = picture(0, 0)
    await list_picture(picture(0, 30))
    first = await upload([f"file-{each}" for each in range(55)], shared)
    await list_picture(picture(100, 130))  # far from the first, near to the files
    second = await upload(["file-more"], shared)
    await rest_all(node)
    third, fourth = await upload(["file-more", "file-last"], shared)
    elsewhere = await upload(["file-other"], picture(100, 129))

    assert sum(map(is_restricted, first)) == 50
    assert not any(map(is_restricted, second))
    assert (third.matches, fourth.matches) == ([], [])
    # The first would not have matched this one: nobody has ruled on it.
    assert is_restricted(elsewhere[0])


async def test_what_is_listed_is_marked_alike_in_every_epoch(ward: Ward) -> None:
    own = ward.desk.situation.own
    one, other = about(match(1), match(2)).asked.values()
    marks = {
        own.mark_listing("b.demo", one),
        own.mark_listing("b.demo", other),
        own.mark_listing("c.demo", one),
    }

    assert len(marks) == 3
    assert own.mark_listing("b.demo", one) in marks
