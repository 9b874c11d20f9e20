# SPDX-License-Identifier: Apache-2.0
"""Several questions about one account, and many accounts at once."""

import pytest
from tests.node.fleet import Fleet
from tests.node.lookup.asking import HASH, email
from tests.node.origin import WHO
from tests.node.signals.conftest import BOT

from fedsafe_federation.evaluation import MAX_ELEMENTS
from fedsafe_node.errors import BadRequestError
from fedsafe_node.lookup_messages import (
    BatchRequest,
    LookupRequest,
    Result,
    Subject,
)
from fedsafe_node.messages import (
    Kind,
    Question,
)
from fedsafe_node.principal import Principal
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


async def test_an_unreadable_question_is_refused_by_its_place(alone: Fleet) -> None:
    request = LookupRequest(questions=[email(), email("nobody")])

    with pytest.raises(BadRequestError) as caught:
        await alone["a.demo"].services.lookups.lookup(request, BOT)

    assert caught.value.pointer == "/questions/1/value"
    assert "nobody" not in str(caught.value)
