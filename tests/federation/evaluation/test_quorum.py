# SPDX-License-Identifier: Apache-2.0
"""Any t of n give one output, in time or not at all."""

import asyncio
import itertools
from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.support.members import NAMES, NOW, World, member, world
from tests.support.quorum import (
    INPUTS,
    LONG,
    Members,
    evaluate,
    truth,
)

from fedsafe_crypto.oprf.tokens import origin_token
from fedsafe_federation.charter.charter import Charter, MemberState
from fedsafe_federation.errors import QuorumError, UntrustedError
from fedsafe_federation.evaluation.metering import LOOKUPS
from fedsafe_federation.evaluation.quorum import Quorum
from fedsafe_federation.wire.signed import Signed


@pytest.mark.parametrize(
    ("count", "threshold"), [(1, 1), (2, 1), (2, 2), (3, 2), (5, 3), (5, 5)]
)
async def test_any_t_of_n_give_the_same_output(count: int, threshold: int) -> None:
    founded = world(count, threshold)
    for me in NAMES[:count]:
        others = [name for name in NAMES[:count] if name != me]
        for present in itertools.combinations(others, threshold - 1):
            members = Members(founded, away=set(others) - set(present))
            assert await members.evaluate(name=me) == truth(founded)
            assert members.reports == []


async def test_no_inputs_have_no_outputs() -> None:
    members = Members(world())

    assert await members.evaluate([]) == []
    assert members.asked == []


async def test_many_inputs_are_asked_for_in_batches() -> None:
    members = Members(world())
    inputs = [b"%d" % number for number in range(1_025)]

    outputs = await members.evaluate(inputs)

    assert len(members.asked) == 2
    assert outputs[0] == truth(world(), inputs[:1])[0]
    assert outputs[-1] == truth(world(), inputs[-1:])[0]


@pytest.mark.parametrize(("count", "threshold"), [(2, 2), (3, 2), (5, 3)])
async def test_one_fewer_than_t_is_a_deferral(count: int, threshold: int) -> None:
    names = NAMES[1:count]
    members = Members(world(count, threshold), away=set(names[threshold - 2 :]))

    with pytest.raises(QuorumError) as caught:
        await members.evaluate()

    assert (caught.value.got, caught.value.needed) == (threshold - 1, threshold)
    assert members.reports == []
    members.away.clear()
    assert await members.evaluate() == truth(members.world)


@pytest.mark.parametrize(("behind", "unused"), [(2, False), (3, True)])
async def test_an_epoch_is_unused_where_fewer_than_t_can_know_it(
    behind: int, *, unused: bool
) -> None:
    others = NAMES[1:4]
    members = Members(
        world(4, 2), behind=set(others[:behind]), away=set(others[behind:])
    )

    with pytest.raises(QuorumError) as caught:
        await members.evaluate()

    assert caught.value.unused is unused


def _first(quorum: Quorum) -> str:
    """Have one peer asked first, in whatever order the elements say."""
    now = asyncio.get_running_loop().time()
    quorum._silences.fell_silent(NAMES[2], asked=now, now=now)  # noqa: SLF001
    return NAMES[1]


async def test_whoever_failed_is_asked_last_for_a_while() -> None:
    members = Members(world())
    quorum = members.quorum()
    first = _first(quorum)
    members.away = {first}
    await evaluate(quorum, INPUTS, within=LONG)
    members.asked.clear()
    await evaluate(quorum, INPUTS, within=LONG)

    assert first not in members.asked


async def test_the_deadline_is_kept_and_silence_accuses_nobody() -> None:
    never = asyncio.Event()

    async def silent(request: Signed, answer: Signed) -> Signed:
        del request
        await never.wait()
        return answer

    members = Members(world(), cheats=dict.fromkeys(NAMES[1:], silent))
    quorum = members.quorum()
    loop = asyncio.get_running_loop()
    start = loop.time()
    with pytest.raises(QuorumError):
        await evaluate(quorum, INPUTS, within=0.05)

    assert 0.04 < loop.time() - start < 5
    assert members.reports == []
    assert len(asyncio.all_tasks()) == 1


async def test_an_ask_that_is_needed_no_more_is_cancelled() -> None:
    members, cancelled = Members(world(5, 3)), list[str]()
    quorum = members.quorum()
    slow = NAMES[1]
    for name in NAMES[3:]:
        quorum._leave(name, timedelta(seconds=1))  # noqa: SLF001

    async def late(request: Signed, answer: Signed) -> Signed:
        del request
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(slow)
            raise
        return answer

    members.cheats = {slow: late}

    assert await evaluate(quorum, INPUTS, within=0.1) == truth(members.world)
    assert cancelled == [slow]
    assert len(members.asked) == 3


async def test_a_cancelled_lookup_leaves_no_task_behind() -> None:
    members, held = Members(world()), asyncio.Event()

    async def late(request: Signed, answer: Signed) -> Signed:
        del request
        await held.wait()
        return answer

    members.cheats = dict.fromkeys(NAMES[1:], late)
    task = asyncio.create_task(evaluate(members.quorum(), INPUTS, within=LONG))
    while not members.asked:  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_token_is_bound_to_its_origin() -> None:
    # Line 6: a copied token never matches, two lists never share one.
    people = [b"person %d" % number for number in range(8)]
    outputs = await Members(world()).evaluate(people)
    tokens = {
        origin: {origin_token(y, 1, origin) for y in outputs} for origin in NAMES[:3]
    }

    for first, second in itertools.combinations(tokens.values(), 2):
        assert len(first) == len(people)
        assert not first & second
    assert outputs == await Members(world()).evaluate(people, name=NAMES[1])


def amended(founded: World, *, suspended: str = "", newcomer: str = "") -> Charter:
    """Give the charter after somebody was suspended, or has come without a share."""
    before = founded.charter
    state = MemberState.SUSPENDED
    members = [
        replace(each, state=state) if each.name == suspended else each
        for each in before.members
    ]
    if newcomer:
        members.append(member(before.next_index, newcomer))
    return replace(before, members=members)


async def test_a_member_without_a_share_asks_t_holders() -> None:
    founded = world(3, 2)
    members = Members(founded, charter=amended(founded, newcomer="e.example"))

    assert await members.evaluate(name="e.example") == truth(founded)
    assert len(members.asked) == 2
    assert "e.example" not in members.asked


@pytest.mark.parametrize("me", ["a.example", "e.example"])
async def test_a_suspended_member_is_never_asked(me: str) -> None:
    founded = world(4, 2)
    charter = amended(founded, suspended="b.example", newcomer="e.example")
    away = {"c.example"}
    members = Members(founded, charter=charter, away=away)

    for _ in range(3):
        assert (await members.evaluate(name=me)) == truth(founded)
    assert "b.example" not in members.asked


async def test_a_suspended_member_gets_no_answer() -> None:
    founded = world(3, 2)
    charter = amended(founded, suspended="a.example")
    members = Members(founded, charter=charter)

    with pytest.raises(UntrustedError, match="suspended"):
        await members.evaluate(name="a.example")


async def test_who_has_no_budget_left_is_replaced_and_left_alone() -> None:
    members = Members(world(5, 3))
    members.ledger.waits[NAMES[1], LOOKUPS] = 7.0
    outputs = [await members.evaluate() for _ in range(12)]
    members.ledger.waits |= {(name, LOOKUPS): 9.0 for name in NAMES[2:4]}
    with pytest.raises(QuorumError) as refused:
        await members.evaluate()

    assert outputs == [truth(members.world)] * 12
    assert NAMES[1] not in members.asked
    assert refused.value.retry_after == 7.0


async def test_over_many_lookups_all_peers_are_asked_alike() -> None:
    members = Members(world(5, 3))
    for number in range(200):
        await members.evaluate([b"%d" % number])
    asked = Counter(members.asked)

    assert set(asked) == set(NAMES[1:5])
    assert min(asked.values()) > 60  # a hundred each, but for chance


async def test_a_failed_try_is_repeated_with_the_same_elements_for_a_minute() -> None:
    members, now = Members(world(), away=set(NAMES[1:3])), NOW - timedelta(minutes=1)
    quorum = members.quorum()
    quorum._now = lambda: now  # noqa: SLF001
    for _ in range(2):
        with pytest.raises(QuorumError):
            await evaluate(quorum, INPUTS, within=LONG)
    now += timedelta(minutes=1)
    with pytest.raises(QuorumError):
        await evaluate(quorum, INPUTS, within=LONG)
    members.away.clear()
    for _ in range(2):
        await evaluate(quorum, INPUTS, within=LONG)
    elements = [batch for _, _, batch in members.ledger.asked]
    distinct = list(dict.fromkeys(elements))

    assert len(elements) == 2 * 3 + 2
    assert len(distinct) == 3  # two tries, the third with the fourth, and the last
