# SPDX-License-Identifier: Apache-2.0
"""Several questions about one account, and many accounts at once."""

import msgspec
import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import BOT
from tests.support.fleet import Fleet
from tests.support.lookup_questions import HASH, email
from tests.support.origin import WHO

from fedsafe_federation.evaluation.statements import MAX_ELEMENTS
from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.acts.lookup import (
    BatchRequest,
    LeftOut,
    LookupRequest,
    Result,
    Subject,
)
from fedsafe_node.ground.errors import BadRequestError, DeniedError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.vocabulary import (
    Purpose,
    Role,
    Surface,
)


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
        Subject(questions=[email()], subject_ref="account-1"),
        Subject(questions=[Question(kind=Kind.SHA256, value=HASH)]),
    ]
    analyst = Principal("anna", Role.ANALYST)
    batch = BatchRequest(
        lookups=lookups,
        purpose=Purpose.MODERATION_REVIEW,
        surface=Surface.PUBLIC_CONTENT,
        deadline_ms=300,
    )
    answer = await trio["b.demo"].services.lookups.batch(batch, analyst)
    events = await trio.audit("b.demo", "lookup")

    assert [a and a.result for a in answer.answers] == [Result.DEFERRED, Result.NONE]
    assert [event.record.outcome for event in events] == ["deferred", "none"]


def only(found: list[LeftOut] | None) -> LeftOut:
    assert found is not None
    (one,) = found
    return one


def number(value: str = "0151 2x") -> Question:
    return Question(kind=Kind.PHONE, value=value, region="DE")


def address(value: str) -> Question:
    return Question(kind=Kind.IP, value=value)


def asking(*questions: Question) -> LookupRequest:
    return LookupRequest(
        questions=list(questions), subject_ref="acc-7", deadline_ms=10_000
    )


@pytest.mark.parametrize("places", [(0, 1), (1, 0)])
async def test_one_unreadable_question_hides_no_match(
    trio: Fleet, places: tuple[int, int]
) -> None:
    await trio.publish(WHO)
    listed, unreadable = places
    questions = [email(), number()] if listed == 0 else [number(), email()]
    lookups = trio["b.demo"].services.lookups
    answer = await lookups.lookup(asking(*questions), BOT)
    clear = await lookups.lookup(asking(email("other@mail.example"), number()), BOT)
    _, written = await trio.audit("b.demo", "lookup")

    assert answer.result is Result.REVIEW
    assert [match.question for match in answer.matches] == [listed]
    assert answer.task is not None
    named = only(answer.unreadable)
    assert (named.question, named.kind) == (unreadable, Kind.PHONE)
    assert named.code == "identifier_letters"
    assert named.way_out.de != named.way_out.en
    assert "0151" not in repr(answer)
    assert (clear.result, clear.not_covered) == (Result.INCOMPLETE, [])
    assert [each.question for each in clear.unreadable or ()] == [1]
    assert written.record.outcome == "incomplete"
    assert b'"unreadable":1' in written.openings["detail"]


@pytest.mark.parametrize("typed", ["", " ", "x" * 100_000, "a\0b", "\u202e@b.de"])
async def test_nothing_that_somebody_types_makes_the_whole_body_unread(
    trio: Fleet, typed: str
) -> None:
    await trio.publish(WHO)
    questions = [{"kind": "username", "value": typed}, {"kind": "email", "value": WHO}]
    body = msgspec.json.encode({"questions": questions, "deadline_ms": 10_000})
    request = msgspec.json.decode(body, type=LookupRequest)
    answer = await trio["b.demo"].services.lookups.lookup(request, BOT)

    assert answer.result is Result.REVIEW
    assert [each.question for each in answer.unreadable or ()] == [0]


async def test_a_batch_answers_what_it_can_read_of_each_account(trio: Fleet) -> None:
    await trio.publish(WHO)
    lookups = [
        Subject(questions=[number(), email()]),
        Subject(questions=[number(), email("other@mail.example")]),
        Subject(questions=[number(), email("nobody")]),
    ]
    batch = BatchRequest(lookups=lookups)
    answer = await trio["b.demo"].services.lookups.batch(batch, BOT)

    assert [a and a.result for a in answer.answers] == [
        Result.REVIEW,
        Result.INCOMPLETE,
        None,
    ]
    (problem,) = answer.problems
    assert (problem.position, problem.pointer) == (2, "/lookups/2/questions/0/value")


async def test_an_unreadable_question_never_makes_no_answer_one(trio: Fleet) -> None:
    await trio.stop("a.demo", "c.demo")
    request = replace(asking(number(), email()), deadline_ms=300)
    answer = await trio["b.demo"].services.lookups.lookup(request, BOT)

    assert answer.result is Result.DEFERRED
    assert [each.question for each in answer.unreadable or ()] == [0]


@pytest.mark.parametrize(
    "value",
    ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.9", "100.64.0.1", "fe80::1", "::"],
)
async def test_an_address_of_no_public_network_is_nothing_to_compare(
    alone: Fleet, value: str
) -> None:
    lookups = alone["a.demo"].services.lookups
    answer = await lookups.lookup(asking(email(), address(value)), BOT)
    lone = await lookups.lookup(asking(address(value)), BOT)

    for each, place in ((answer, 1), (lone, 0)):
        assert (each.result, each.unreadable) == (Result.NONE, None)
        named = only(each.not_compared)
        assert (named.question, named.kind) == (place, Kind.IP)
        assert named.code == "identifier_not_global"
        assert value not in repr(each)


async def test_what_names_nobody_leaves_the_verdict_to_the_others(trio: Fleet) -> None:
    await trio.publish(WHO)
    shared = Question(kind=Kind.DEVICE, value="0" * 32, namespace="idfa")
    lookups = trio["b.demo"].services.lookups
    found = await lookups.lookup(asking(shared, address("127.0.0.1"), email()), BOT)
    broken = await lookups.lookup(asking(address("127.0.0.1"), number()), BOT)

    assert found.result is Result.REVIEW
    assert [match.question for match in found.matches] == [2]
    assert [each.code for each in found.not_compared or ()] == [
        "identifier_placeholder",
        "identifier_not_global",
    ]
    assert (broken.result, broken.not_covered) == (Result.INCOMPLETE, [])


async def test_what_cannot_be_read_is_no_way_around_the_purpose(alone: Fleet) -> None:
    nobody = asking(address("127.0.0.1"), number())

    with pytest.raises(DeniedError):
        await alone["a.demo"].services.lookups.lookup(
            replace(nobody, purpose=Purpose.AUDIT_REVIEW), BOT
        )


async def test_with_no_readable_question_the_first_is_refused_by_its_place(
    alone: Fleet,
) -> None:
    request = LookupRequest(questions=[email("nobody"), number()])

    with pytest.raises(BadRequestError) as caught:
        await alone["a.demo"].services.lookups.lookup(request, BOT)

    assert caught.value.pointer == "/questions/0/value"
    assert "nobody" not in str(caught.value)
