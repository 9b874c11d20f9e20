# SPDX-License-Identifier: Apache-2.0
"""Tokens: bound to their origin, and the same whichever members evaluate."""

import asyncio
import socket
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace as replaced
from tests.support.fleet import NAMES, Fleet
from tests.support.members import NAMES as MEMBERS
from tests.support.members import NOW, World, world
from tests.support.origin import WHO, output_of
from tests.support.quorum import LONG, Cheat, Members, leap

from fedsafe_crypto.oprf.threshold import Generation
from fedsafe_crypto.primitives.ristretto import random_scalar
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.errors import QuorumError
from fedsafe_federation.evaluation.metering import LOOKUPS, PUBLISHING
from fedsafe_federation.wire.signed import Signed
from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.keys.evaluators import Output, OwnList, SharedLists
from fedsafe_node.keys.lookup_items import File, Person
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import MediaKeys, OwnKeys
from fedsafe_node.rules.canonical_question import read_question
from fedsafe_policies.vocabulary import MediaKind

FILE = File(MediaKind.SHA256, bytes(32))
ROUNDS = 64  # in each the member that is silent is asked or not, by chance


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


async def test_a_server_that_accepts_and_stays_silent_defers_nobody(
    trio: Fleet,
) -> None:
    shared = trio["a.demo"].base.situation.shared
    assert shared is not None
    silent = urlsplit(shared.membership.charter.member("c.demo").url)
    await trio.stop("c.demo")
    persons = [person(f"p{number}@mail.example") for number in range(24)]
    found: list[list[tuple[Output, ...]]] = []
    rounds = 0
    # A server of asyncio would leave open what it accepts while it closes.
    with ExitStack() as lines:
        server = lines.enter_context(socket.socket())
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((silent.hostname, silent.port))
        server.listen()
        server.settimeout(0)
        came = False
        while not came and rounds < ROUNDS:  # which member is asked, the blinds say
            rounds += 1
            found = await asyncio.gather(
                *(shared.outputs([each], LOOKUPS, within=10) for each in persons)
            )
            with suppress(BlockingIOError):
                lines.enter_context(server.accept()[0])
                came = True
        again = await asyncio.gather(
            *(shared.outputs([each], LOOKUPS, within=10) for each in persons)
        )

    assert found == again
    assert came


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


def begun(old: World) -> World:
    """Give the same members the keys of another epoch, which begins now."""
    new = Generation(2, 1)
    other = world(len(old.shares), 2, secret=42)
    (entry,) = other.charter.epochs
    entry = replaced(entry, epoch=2, generation=1, starts=int(NOW.timestamp()))
    return World(
        replaced(old.charter, epochs=[*old.charter.epochs, entry]),
        replace(other.pins, generation=new),
        {name: replace(each, generation=new) for name, each in other.shares.items()},
        other.secret,
    )


def lists_under(asked: dict[int, Members], *, now: datetime) -> SharedLists:
    charter = asked[max(asked)].world.charter
    pins = {epoch: each.world.pins for epoch, each in asked.items()}
    membership = Membership(
        Version(charter, bytes(32)), charter.member(MEMBERS[0]), pins, {}, {}
    )
    quorums = {epoch: each.quorum() for epoch, each in asked.items()}
    return SharedLists(membership, quorums, now=lambda: now)


def test_the_generation_before_gets_the_time_that_a_silent_member_would_take() -> None:
    async def silent(request: Signed, answer: Signed) -> Signed:
        del request
        await asyncio.Event().wait()
        return answer

    async def run() -> float:
        new = Members(world(3, 2, number=2), behind={MEMBERS[2]})
        new.cheats[MEMBERS[1]] = silent
        membership = lists_under({1: new}, now=NOW).membership
        former = {1: Members(world(3, 2)).quorum()}
        lists = SharedLists(membership, {1: new.quorum()}, former, now=lambda: NOW)
        [outputs] = await lists.outputs([person()], LOOKUPS, within=0.8)
        assert len(outputs) == 1
        return asyncio.get_running_loop().time()

    assert leap(run()) < 0.3


def test_a_lookup_under_two_epochs_has_one_deadline() -> None:
    async def slow(request: Signed, answer: Signed) -> Signed:
        del request
        await asyncio.sleep(0.5)
        return answer

    async def run() -> float:
        old = world(3, 2)
        new = begun(old)
        slowly: dict[str, Cheat] = dict.fromkeys(MEMBERS[1:3], slow)
        asked = {
            1: Members(old, charter=new.charter, cheats=slowly),
            2: Members(new, cheats=slowly),
        }
        lists = lists_under(asked, now=NOW + timedelta(hours=1))
        with pytest.raises(QuorumError):
            await lists.outputs([person()], LOOKUPS, within=0.8)
        return asyncio.get_running_loop().time()

    assert leap(run()) == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("minutes", "behind", "found"),
    [(9, MEMBERS[1:4], 1), (10, MEMBERS[1:4], None), (10, (), 2), (9, (), 2)],
)
async def test_that_nobody_knows_a_new_epoch_is_believed_for_ten_minutes(
    minutes: int, behind: tuple[str, ...], found: int | None
) -> None:
    old = world(4, 2)
    new = begun(old)
    asked = {
        1: Members(old, charter=new.charter),
        2: Members(new, behind=set(behind)),
    }
    lists = lists_under(asked, now=NOW + timedelta(minutes=minutes))

    if found is None:
        with pytest.raises(QuorumError):
            await lists.outputs([person()], LOOKUPS, within=LONG)
    else:
        [outputs] = await lists.outputs([person()], LOOKUPS, within=LONG)
        assert [each.epoch for each in outputs] == [1, 2][:found]
