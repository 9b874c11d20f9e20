# SPDX-License-Identifier: Apache-2.0
import asyncio
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from tests.node.fleet import Fleet, eventually
from tests.node.origin import WHO, Origin, output_of
from tests.node.signals.conftest import ANNA, BOT, request_for

from fedsafe_federation.evaluation import MAX_ELEMENTS
from fedsafe_node.errors import BadRequestError, DeniedError, StoreFailedError
from fedsafe_node.lookup.service import REMINDER, RETRY_AFTER_MS
from fedsafe_node.messages import (
    BatchRequest,
    Kind,
    LookupRequest,
    Question,
    Result,
    Subject,
)
from fedsafe_node.principal import Principal
from fedsafe_policies.policy import load_policy, shipped
from fedsafe_policies.vocabulary import (
    Grade,
    Phenomenon,
    Plane,
    Purpose,
    Role,
    Surface,
)

PICTURE = bytes(range(32))
HASH = "ab" * 32


def email(value: str = WHO) -> Question:
    return Question(kind=Kind.EMAIL, value=value)


def flipped(digest: bytes, bits: int) -> str:
    return (int.from_bytes(digest) ^ ((1 << bits) - 1)).to_bytes(32).hex()


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


# --- one node alone ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "banned", "asked"),
    [
        (Kind.EMAIL, "Anna.Muster@gmail.com", "annamuster+shop@GoogleMail.com"),
        (Kind.PHONE, "+49 1512 3456789", "+49 (1512) 345-67-89"),
        (
            Kind.URL,
            "https://Chat.Example.de:443/u/7#top",
            "https://chat.example.de/u/7",
        ),
    ],
)
async def test_an_own_ban_finds_the_person_under_another_writing(
    alone: Fleet, kind: Kind, banned: str, asked: str
) -> None:
    signals = alone["a.demo"].services.signals
    ban = await signals.add(request_for(banned, kind=kind), ANNA)
    answer = await alone.look_up("a.demo", asked, kind)

    assert answer.result is Result.REVIEW
    assert [match.signal for match in answer.matches] == [ban.signal]
    assert answer.matches[0].own
    assert answer.not_covered == []


async def test_a_node_alone_says_none_of_the_unlisted(alone: Fleet) -> None:
    answer = await alone.look_up("a.demo", WHO)

    assert answer.result is Result.NONE
    assert answer.matches == []
    assert answer.reminder is None
    assert answer.subject_ref == "account-1"


# --- a federation --------------------------------------------------------------------


async def test_a_match_says_what_its_origin_said(trio: Fleet) -> None:
    signal = await trio.publish("Anna.Muster@gmail.com")
    answer = await trio.look_up("b.demo", "annamuster+x@googlemail.com")
    (match,) = answer.matches

    assert answer.result is Result.REVIEW
    assert answer.reminder == REMINDER
    assert answer.retry_after_ms is None
    assert match.signal == signal
    assert (match.question, match.origin, match.own) == (0, "a.demo", False)
    assert (match.plane, match.kind) == (Plane.ACTOR, Kind.EMAIL)
    assert match.phenomenon is Phenomenon.GROOMING
    assert match.surface is Surface.PUBLIC_CONTENT
    assert match.grade is Grade.CONFIRMED_CONDUCT
    assert match.rule == "rule-7"
    assert match.removed_on == "2026-11-20"
    assert match.published_on == "2026-11-24"
    assert match.match_until > "2027-01-01"
    assert match.contact == "safety@a.demo"
    assert match.distance is None


async def test_all_members_find_it_and_its_origin_as_well(trio: Fleet) -> None:
    await trio.publish(WHO)

    for name in trio.running:
        answer = await trio.look_up(name, WHO)
        assert {match.origin for match in answer.matches} >= {"a.demo"}


async def test_the_unlisted_is_none_while_all_feeds_are_fresh(trio: Fleet) -> None:
    await trio.publish(WHO)
    answer = await trio.look_up("b.demo", "other@mail.example")

    assert answer.result is Result.NONE
    assert answer.not_covered == []


async def test_a_revoked_signal_matches_nowhere(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.revoke(signal, by=["b.demo", "c.demo"])

    for name in ("b.demo", "c.demo"):
        assert (await trio.look_up(name, WHO)).result is Result.NONE


async def test_a_restriction_counts_although_the_index_still_points(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    lists = trio["b.demo"].base.lists
    (row,) = await trio["b.demo"].base.store.scan(lambda r: r.signals_after(0, 10))
    await trio["b.demo"].base.store.write(
        lambda tx: tx.set_signal_status(row.origin, row.signal_id, row.status.DISPUTED)
    )

    assert row.token is not None
    assert lists.rows(row.token) == (row.row,)
    assert (await trio.look_up("b.demo", WHO)).matches == []


async def test_a_row_that_expired_or_lost_its_opening_is_no_match(trio: Fleet) -> None:
    await trio.publish(WHO)
    store = trio["b.demo"].base.store
    (row,) = await store.scan(lambda r: r.signals_after(0, 10))
    await store.write(lambda tx: tx.erase_opening(row.log, row.index, row.group, at=0))

    assert (await trio.look_up("b.demo", WHO)).matches == []

    trio.clock.advance(timedelta(days=1_000))

    assert (await trio.look_up("c.demo", WHO)).matches == []


async def test_a_stale_feed_makes_the_answer_incomplete(trio: Fleet) -> None:
    await trio.stop("c.demo")
    trio.clock.advance(timedelta(seconds=61))
    trio["b.demo"].replicating.wake("a.demo")

    async def fresh() -> bool:
        answer = await trio.look_up("b.demo", WHO)
        return answer.not_covered == ["c.demo"]

    await eventually(fresh)
    answer = await trio.look_up("b.demo", WHO)

    assert answer.result is Result.INCOMPLETE
    assert answer.retry_after_ms is None


async def test_without_a_quorum_the_answer_is_deferred_until_it_is_back(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.stop("a.demo", "c.demo")
    deferred = await trio.look_up("b.demo", WHO, deadline_ms=500)
    await trio.start("c.demo")

    async def found() -> bool:
        trio.clock.advance(timedelta(seconds=6))  # peers that failed rest for 5 s
        answer = await trio.look_up("b.demo", WHO)
        return answer.result is Result.REVIEW

    assert deferred.result is Result.DEFERRED
    assert deferred.retry_after_ms == RETRY_AFTER_MS
    assert deferred.matches == []
    assert await eventually(found)


async def test_an_own_ban_is_found_without_any_peer(trio: Fleet) -> None:
    await trio["b.demo"].services.signals.add(request_for(WHO), ANNA)
    await trio.stop("a.demo", "c.demo")
    answer = await trio.look_up("b.demo", WHO, deadline_ms=500)

    assert answer.result is Result.REVIEW
    assert [match.own for match in answer.matches] == [True]
    assert answer.retry_after_ms == RETRY_AFTER_MS


async def test_a_suspended_origin_never_matches_and_is_not_covered(trio: Fleet) -> None:
    await trio.publish(WHO)
    trio["b.demo"].base.situation.coverage.suspended.add("a.demo")
    answer = await trio.look_up("b.demo", WHO)

    assert answer.result is Result.INCOMPLETE
    assert answer.not_covered == ["a.demo"]


async def test_a_plane_that_policy_does_not_share_has_no_lists_to_cover(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    trio["b.demo"].base.situation.policy = shipped("strict")
    answer = await trio.look_up("b.demo", WHO)

    assert answer.matches == []
    assert answer.result is Result.NONE
    assert answer.not_covered == []


async def test_behind_a_closed_gate_only_the_own_list_is_asked(trio: Fleet) -> None:
    await trio.publish(WHO)
    text = files("fedsafe_policies").joinpath("data/synthetic.toml").read_bytes()
    gated = load_policy(text.replace(b'mode = "synthetic"', b'mode = "record"'))
    trio["b.demo"].base.situation.policy = gated
    answer = await trio.look_up("b.demo", WHO)

    assert answer.matches == []
    assert answer.result is Result.INCOMPLETE
    assert answer.not_covered == ["a.demo", "c.demo"]


# --- tokens and envelopes of others --------------------------------------------------


async def test_a_copied_token_never_matches(fleet: Fleet) -> None:
    await fleet.start("b.demo", "c.demo")
    origin = await Origin(fleet).load()
    output = await output_of(fleet, "b.demo")
    shared = fleet["b.demo"].base.situation.shared
    assert shared is not None
    origin.ban(output, token=shared.tokens(output)["c.demo"])
    async with origin.serving():
        await origin.taken("b.demo")
        answer = await fleet.look_up("b.demo", WHO)

    assert answer.matches == []


@pytest.mark.parametrize(
    "body",
    [
        {"grade": Grade.SINGLE_REPORT},
        {"surface": Surface.NI_ICS_PRIVATE},
        {"removed_on": "2026-02-31"},
        {"removed_on": "2020-01-01"},
        {"removed_on": "2027-01-01"},
    ],
)
async def test_what_contradicts_policy_is_suppressed_and_counted(
    fleet: Fleet, body: dict[str, object]
) -> None:
    await fleet.start("b.demo", "c.demo")
    origin = await Origin(fleet).load()
    origin.ban(await output_of(fleet, "b.demo"), body=body)
    async with origin.serving():
        await origin.taken("b.demo")
        answer = await fleet.look_up("b.demo", WHO)
    event = (await fleet.audit("b.demo", "lookup"))[-1]

    assert answer.matches == []
    assert b'"suppressed":1' in event.openings["detail"]


async def test_an_envelope_that_does_not_open_is_suppressed(fleet: Fleet) -> None:
    await fleet.start("b.demo", "c.demo")
    origin = await Origin(fleet).load()
    output = await output_of(fleet, "b.demo")
    other = await output_of(fleet, "b.demo", "other@mail.example")
    shared = fleet["b.demo"].base.situation.shared
    assert shared is not None
    origin.ban(other, token=shared.tokens(output)["a.demo"])
    async with origin.serving():
        await origin.taken("b.demo")
        answer = await fleet.look_up("b.demo", WHO)
    event = (await fleet.audit("b.demo", "lookup"))[-1]

    assert answer.matches == []
    assert b'"suppressed":1' in event.openings["detail"]


# --- files ---------------------------------------------------------------------------


async def test_a_file_is_found_by_its_digest(trio: Fleet) -> None:
    await trio.publish(HASH, Kind.SHA256)
    found = await trio.look_up("b.demo", HASH.upper(), Kind.SHA256)
    other = await trio.look_up("b.demo", "cd" * 32, Kind.SHA256)
    same_bytes = await trio.look_up("b.demo", HASH, Kind.BLAKE3)

    assert found.result is Result.REVIEW
    assert found.matches[0].kind is Kind.SHA256
    assert found.matches[0].removed_on is None
    assert other.result is Result.NONE
    assert same_bytes.result is Result.NONE


async def test_pictures_match_up_to_distance_31(trio: Fleet) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)
    near = await trio.look_up("b.demo", flipped(PICTURE, 31), Kind.PDQ)
    far = await trio.look_up("b.demo", flipped(PICTURE, 32), Kind.PDQ)

    assert near.result is Result.REVIEW
    assert near.matches[0].distance == 31
    assert far.result is Result.NONE


async def test_a_picture_is_found_again_after_a_restart(trio: Fleet) -> None:
    await trio.publish(PICTURE.hex(), Kind.PDQ)
    await trio["b.demo"].services.signals.add(
        request_for(flipped(PICTURE, 8), kind=Kind.PDQ), ANNA
    )
    await trio.stop("b.demo")
    await trio.start("b.demo")
    answer = await trio.look_up("b.demo", PICTURE.hex(), Kind.PDQ)

    assert sorted(match.distance or 0 for match in answer.matches) == [0, 8]


async def test_a_file_needs_no_quorum(trio: Fleet) -> None:
    await trio.publish(HASH, Kind.SHA256)
    await trio.stop("a.demo", "c.demo")
    answer = await trio.look_up("b.demo", HASH, Kind.SHA256, deadline_ms=200)

    assert answer.result is Result.REVIEW
    assert answer.retry_after_ms is None


# --- questions and batches -----------------------------------------------------------


async def test_several_questions_about_one_account_give_one_verdict(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.publish("+4915123456789", Kind.PHONE)
    request = LookupRequest(
        questions=[
            email("other@mail.example"),
            email(),
            Question(kind=Kind.PHONE, value="01512 3456789", region="DE"),
        ],
        subject_ref="acc-7",
        deadline_ms=10_000,
    )
    answer = await trio["b.demo"].services.lookups.lookup(request, BOT)
    events = await trio.audit("b.demo", "lookup")

    assert answer.subject_ref == "acc-7"
    assert [match.question for match in answer.matches] == [1, 2]
    assert len(events) == 1


async def test_a_batch_answers_in_order_and_names_what_it_cannot_read(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    lookups = [
        Subject(questions=[email("nobody")], subject_ref="acc-0"),
        Subject(questions=[email()], subject_ref="acc-1"),
        Subject(questions=[email("other@mail.example")], subject_ref="acc-2"),
    ]
    batch = BatchRequest(lookups=lookups)
    answer = await trio["b.demo"].services.lookups.batch(batch, BOT)
    events = await trio.audit("b.demo", "lookup")

    assert [a and a.result for a in answer.answers] == [
        None,
        Result.REVIEW,
        Result.NONE,
    ]
    places = [(problem.position, problem.pointer) for problem in answer.problems]
    assert places == [(0, "/lookups/0/questions/0/value")]
    assert "malformed" in answer.problems[0].code
    assert "nobody" not in answer.problems[0].detail
    assert [event.record.outcome for event in events] == ["review", "none"]
    assert "acc-1" in events[0].text
    assert "subject" not in events[1].openings


async def test_a_batch_may_be_larger_than_an_evaluation(trio: Fleet) -> None:
    await trio.publish(WHO)
    count = MAX_ELEMENTS + 6
    lookups = [
        Subject(questions=[email(f"p{number}@mail.example")]) for number in range(count)
    ]
    lookups[-1] = Subject(questions=[email()])
    batch = BatchRequest(lookups=lookups)
    answer = await trio["b.demo"].services.lookups.batch(batch, BOT)
    results = [a.result for a in answer.answers if a is not None]

    assert results == [Result.NONE] * (count - 1) + [Result.REVIEW]


async def test_a_batch_of_nothing_readable_writes_nothing(alone: Fleet) -> None:
    batch = BatchRequest(lookups=[Subject(questions=[email("nobody")])])
    answer = await alone["a.demo"].services.lookups.batch(batch, BOT)

    assert answer.answers == [None]
    assert await alone.audit("a.demo", "lookup") == []


async def test_only_questions_about_people_are_deferred(trio: Fleet) -> None:
    await trio.stop("a.demo", "c.demo")
    lookups = [
        Subject(questions=[email()]),
        Subject(questions=[Question(kind=Kind.SHA256, value=HASH)]),
    ]
    analyst = Principal("anna", Role.ANALYST)
    batch = BatchRequest(
        lookups=lookups, purpose=Purpose.MODERATION_REVIEW, deadline_ms=300
    )
    answer = await trio["b.demo"].services.lookups.batch(batch, analyst)
    (event,) = await trio.audit("b.demo", "lookup")

    assert [a and a.result for a in answer.answers] == [Result.DEFERRED, Result.NONE]
    assert event.record.outcome == "mixed"


async def test_an_unreadable_question_is_refused_by_its_place(alone: Fleet) -> None:
    request = LookupRequest(questions=[email(), email("nobody")])

    with pytest.raises(BadRequestError) as caught:
        await alone["a.demo"].services.lookups.lookup(request, BOT)

    assert caught.value.pointer == "/questions/1/value"
    assert "nobody" not in str(caught.value)


# --- what is written down ------------------------------------------------------------


async def test_a_denied_purpose_is_written_down(alone: Fleet) -> None:
    request = LookupRequest(questions=[email()], purpose=Purpose.AUDIT_REVIEW)

    with pytest.raises(DeniedError):
        await alone["a.demo"].services.lookups.lookup(request, BOT)

    (event,) = await alone.audit("a.demo", "refused")
    assert event.record.outcome == "purpose"
    assert b'"act":"lookup"' in event.openings["detail"]
    assert await alone.audit("a.demo", "lookup") == []


async def test_a_negative_leaves_a_count_and_no_subject(trio: Fleet) -> None:
    await trio.look_up("b.demo", WHO)
    (event,) = await trio.audit("b.demo", "lookup")

    assert event.record.outcome == "none"
    assert set(event.openings) == {"actor", "detail"}
    assert b'"lookups":1' in event.openings["detail"]
    assert "account-1" not in event.text


async def test_no_value_is_in_any_audit_event(trio: Fleet) -> None:
    await trio.publish("Planted.Value@gmail.com")
    await trio.look_up("b.demo", "planted.value@gmail.com")
    await trio.look_up("b.demo", "otherplanted@mail.example")

    written = [event for name in trio.running for event in await trio.audit(name)]

    assert len(written) > 10
    assert "planted" not in "".join(event.text for event in written).lower()


async def test_without_a_durable_event_there_is_no_answer(
    alone: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = alone["a.demo"].base.store

    async def refuse(_act: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(store, "write", refuse)

    with pytest.raises(StoreFailedError):
        await alone.look_up("a.demo", WHO)

    monkeypatch.undo()


async def test_lookups_at_once_share_commits_and_lose_no_event(trio: Fleet) -> None:
    await asyncio.gather(
        *(trio.look_up("b.demo", f"p{number}@mail.example") for number in range(20))
    )

    assert len(await trio.audit("b.demo", "lookup")) == 20


async def test_a_lookup_leaves_no_new_file(trio: Fleet, tmp_path: Path) -> None:
    before = files_in(tmp_path)
    await trio.look_up("b.demo", WHO)

    assert files_in(tmp_path) <= before
