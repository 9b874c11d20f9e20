# SPDX-License-Identifier: Apache-2.0
"""Tokens: bound to their origin, and the same whichever members evaluate."""

import pytest
from tests.node.fleet import NAMES, Fleet
from tests.node.origin import WHO, output_of

from fedsafe_crypto.group import random_scalar
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.metering import LOOKUPS, PUBLISHING
from fedsafe_node.asked import File, Person, read_question
from fedsafe_node.evaluators import OwnList
from fedsafe_node.keys import MediaKeys, OwnKeys
from fedsafe_node.messages import (
    Kind,
    Question,
)
from fedsafe_policies.vocabulary import MediaKind

FILE = File(MediaKind.SHA256, bytes(32))


def person(value: str = WHO) -> Person:
    asked = read_question(Question(kind=Kind.EMAIL, value=value), pointer="")
    assert isinstance(asked, Person)
    return asked


def own(name: str = "a.demo", scalar: bytes | None = None) -> OwnList:
    keys = MediaKeys(bytes(32), bytes(32))
    return OwnList(name, OwnKeys(scalar or random_scalar(), keys))


def test_the_own_list_has_tokens_of_its_own() -> None:
    scalar = random_scalar()
    one, two = own(scalar=scalar), own(name="b.demo", scalar=scalar)
    token = one.token(one.output(person()))

    assert token == one.token(one.output(person()))
    assert len(token) == 16
    assert token != two.token(two.output(person()))
    assert token != one.token(one.output(person("other@mail.example")))
    assert one.file_token(FILE) == two.file_token(FILE)


def test_an_output_is_not_shown() -> None:
    output = own().output(person())

    assert output.y.hex() not in repr(output)
    assert "y=" not in repr(output)


@pytest.mark.parametrize("missing", NAMES)
async def test_any_two_of_three_give_the_same_tokens(trio: Fleet, missing: str) -> None:
    whole = await output_of(trio, "a.demo")
    await trio.stop(missing)
    outputs = [await output_of(trio, name) for name in trio.running]

    assert outputs == [whole, whole]


async def test_one_of_three_gives_none(fleet: Fleet) -> None:
    await fleet.start("a.demo")
    shared = fleet["a.demo"].base.situation.shared
    assert shared is not None

    with pytest.raises(QuorumError):
        await shared.outputs([person()], LOOKUPS, within=0.3)


async def test_no_two_lists_share_a_token(trio: Fleet) -> None:
    shared = trio["a.demo"].base.situation.shared
    assert shared is not None
    tokens = [
        set(shared.tokens(await output_of(trio, "a.demo", value)).values())
        for value in (WHO, "other@mail.example")
    ]

    assert [len(each) for each in tokens] == [3, 3]
    assert tokens[0].isdisjoint(tokens[1])


async def test_outputs_come_in_order_for_every_live_epoch(trio: Fleet) -> None:
    shared = trio["a.demo"].base.situation.shared
    assert shared is not None
    persons = [person(f"p{number}@mail.example") for number in range(6)]
    together = await shared.outputs(persons, LOOKUPS, within=10)
    newest = await shared.newest(persons, PUBLISHING, within=10)

    assert [outputs[0] for outputs in together] == newest
    assert len({output.y for output in newest}) == 6
