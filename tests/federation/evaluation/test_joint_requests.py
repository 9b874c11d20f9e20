# SPDX-License-Identifier: Apache-2.0
"""What many ask for at once goes out as one request, and stays each caller's own."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run

import msgspec
import pytest
from tests.support.members import FEDERATION, NAMES, key_of, world
from tests.support.quorum import (
    INPUTS,
    LONG,
    Cheat,
    Members,
    evaluate,
    later,
    leap,
    truth,
)

from fedsafe_federation.errors import PeerRefusedError, QuorumError
from fedsafe_federation.evaluation.joint_requests import MOST, MOST_OF_ONE
from fedsafe_federation.evaluation.metering import LOOKUPS, RIGHTS, Budget
from fedsafe_federation.evaluation.quorum import Quorum
from fedsafe_federation.evaluation.statements import (
    ANSWER,
    EvaluationAnswer,
    open_answer,
)
from fedsafe_federation.wire.signed import Signed, sign_statement
from fedsafe_federation.wire.wireformat import decode

MANY = 20


def question(number: int) -> list[bytes]:
    return [b"asked by %d" % number]


def sizes(members: Members) -> list[int]:
    """Say how many elements each request had."""
    return [len(elements) for _, _, elements in members.ledger.asked]


def all_of(quorum: Quorum, many: int = MANY) -> Iterable[Awaitable[object]]:
    return [evaluate(quorum, question(each), within=LONG) for each in range(many)]


async def test_who_asks_at_once_shares_a_request_and_gets_its_own_outputs() -> None:
    members = Members(world())

    found = await asyncio.gather(*all_of(members.quorum()))

    assert found == [truth(members.world, question(each)) for each in range(MANY)]
    assert len(members.asked) == 1
    assert sizes(members) == [MANY]  # each is charged


async def test_who_asks_alone_goes_alone_and_many_elements_are_not_joined() -> None:
    members = Members(world())
    quorum = members.quorum()
    batch = [b"of a batch %d" % each for each in range(MOST_OF_ONE + 1)]

    await evaluate(quorum, INPUTS, within=LONG)
    found = await asyncio.gather(
        *(evaluate(quorum, batch, within=LONG) for _ in range(2))
    )

    assert found == [truth(members.world, batch)] * 2
    assert sizes(members) == [len(INPUTS), len(batch), len(batch)]


async def test_a_request_joins_so_many_at_most() -> None:
    members = Members(world())

    found = await asyncio.gather(*all_of(members.quorum(), MOST + 1))

    assert found[-1] == truth(members.world, question(MOST))
    assert sorted(sizes(members)) == [1, MOST]


async def test_budgets_and_deadlines_that_differ_are_not_joined() -> None:
    members = Members(world())
    quorum = members.quorum()

    await asyncio.gather(
        evaluate(quorum, question(1), within=LONG),
        evaluate(quorum, question(2), within=LONG, budget=RIGHTS),
        evaluate(quorum, question(3), within=LONG / 2),
    )

    assert sizes(members) == [1, 1, 1]
    assert {budget for _, budget, _ in members.ledger.asked} == {LOOKUPS, RIGHTS}


@pytest.mark.parametrize("who", [0, 1, MANY - 1])
async def test_who_hangs_up_takes_nobody_along(who: int) -> None:
    reached, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Signed, answer: Signed) -> Signed:
        del request
        reached.set()
        await goes_on.wait()
        return answer

    members = Members(world(), cheats=dict.fromkeys(NAMES[1:], slow))
    asking = [asyncio.ensure_future(each) for each in all_of(members.quorum())]
    await reached.wait()
    asking[who].cancel()
    await asyncio.wait([asking[who]])
    goes_on.set()
    found = await asyncio.gather(*asking, return_exceptions=True)

    assert isinstance(found.pop(who), asyncio.CancelledError)
    wanted = [truth(members.world, question(n)) for n in range(MANY) if n != who]
    assert found == wanted


async def test_who_hangs_up_before_anything_is_asked_takes_nobody_along() -> None:
    members = Members(world())
    asking = [asyncio.ensure_future(each) for each in all_of(members.quorum(), 3)]
    await asyncio.sleep(0)
    asking[0].cancel()
    found = await asyncio.gather(*asking, return_exceptions=True)

    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [truth(members.world, question(each)) for each in (1, 2)]


async def test_the_last_elements_of_a_budget_are_given_to_whom_they_are_enough() -> (
    None
):
    left: dict[str, int] = dict.fromkeys(NAMES[1:3], 3)

    async def metered(request: Signed, answer: Signed) -> Signed:
        name = answer.signer
        opened = open_answer(
            answer,
            request=request,
            sender=name,
            me=NAMES[0],
            charter=members.world.charter,
        )
        if len(opened.elements) > left[name]:
            raise PeerRefusedError(name, 429, "over_budget", retry_after=60.0)
        left[name] -= len(opened.elements)
        return answer

    members = Members(world(), cheats=dict.fromkeys(NAMES[1:], metered))
    found = await asyncio.gather(*all_of(members.quorum(), 8), return_exceptions=True)
    deferred = [each for each in found if isinstance(each, QuorumError)]

    assert left == dict.fromkeys(NAMES[1:3], 0)
    assert len(found) - len(deferred) == 6
    assert all(each.retry_after == 60.0 for each in deferred[-1:])
    assert len({id(each) for each in deferred}) == len(deferred)


def test_whose_time_is_over_asks_nobody_again() -> None:
    async def silent(request: Signed, answer: Signed) -> Signed:
        del request
        await asyncio.Event().wait()
        return answer

    members = Members(world(), cheats=dict.fromkeys(NAMES[1:], silent), now=later)

    async def run() -> list[object]:
        quorum = members.quorum()
        asking = [evaluate(quorum, question(each), within=2.2) for each in range(5)]
        return await asyncio.gather(*asking, return_exceptions=True)

    found = leap(run())

    assert [type(each) for each in found] == [QuorumError] * 5
    assert len({id(each) for each in found}) == 5
    assert len(members.asked) == 2  # each member once, for all of them


async def test_a_member_that_lies_to_many_is_reported_once_and_hinders_nobody() -> None:
    liar = NAMES[1]

    async def wrong_proof(request: Signed, answer: Signed) -> Signed:
        del request
        said = decode(answer.payload, EvaluationAnswer)
        return sign_statement(
            msgspec.structs.replace(said, proof=said.proof[::-1]),
            type_=ANSWER,
            signer=liar,
            key=key_of(liar, "statement"),
            federation=FEDERATION,
        )

    members = Members(world(), cheats={liar: wrong_proof})
    quorum = members.quorum()
    quorum._leave(NAMES[2], timedelta(seconds=1))  # noqa: SLF001 - asked behind it
    found = await asyncio.gather(*all_of(quorum))
    await quorum.settle()

    assert found == [truth(members.world, question(each)) for each in range(MANY)]
    assert members.asked == [liar, NAMES[2]]
    assert [peer for peer, _, _ in members.reports] == [liar]


async def test_who_goes_on_alone_does_not_ask_the_liar_once_more() -> None:
    liar = NAMES[1]
    members = Members(world(2, 2), cheats={liar: SIGNED_LIES["swapped"]})

    found = await asyncio.gather(
        *all_of(quorum := members.quorum()), return_exceptions=True
    )
    await quorum.settle()

    assert {type(each) for each in found} == {QuorumError}
    assert members.asked == [liar]
    assert [peer for peer, _, _ in members.reports] == [liar]


# --- members of every kind, drawn -----------------------------------------------------


def _says(answer: Signed, **changes: object) -> Signed:
    said = decode(answer.payload, EvaluationAnswer)
    return sign_statement(
        msgspec.structs.replace(said, **changes),
        type_=ANSWER,
        signer=answer.signer,
        key=key_of(answer.signer, "statement"),
        federation=FEDERATION,
    )


async def _swapped(request: Signed, answer: Signed) -> Signed:
    del request
    elements = decode(answer.payload, EvaluationAnswer).elements
    return _says(answer, elements=elements[32:] + elements[:32])


async def _cut(request: Signed, answer: Signed) -> Signed:
    del request
    said = decode(answer.payload, EvaluationAnswer)
    return _says(answer, count=said.count - 1, elements=said.elements[:-32])


async def _wrong_proof(request: Signed, answer: Signed) -> Signed:
    del request
    return _says(answer, proof=decode(answer.payload, EvaluationAnswer).proof[::-1])


async def _silent(request: Signed, answer: Signed) -> Signed:
    del request
    await asyncio.Event().wait()
    return answer


class _Replay:
    """Gives everybody its first answer, which was another's."""

    def __init__(self) -> None:
        self._first: Signed | None = None

    async def __call__(self, request: Signed, answer: Signed) -> Signed:
        del request
        self._first = self._first or answer
        return self._first


@dataclass(slots=True)
class _Metered:
    """Answers a request if it has elements left for all of it."""

    left: int
    spent: int = 0

    async def __call__(self, request: Signed, answer: Signed) -> Signed:
        del request
        count = decode(answer.payload, EvaluationAnswer).count
        if count > self.left:
            raise PeerRefusedError(answer.signer, 429, "over_budget", retry_after=60.0)
        self.left -= count
        self.spent += count
        return answer


SIGNED_LIES: dict[str, Cheat] = {
    "swapped": _swapped,
    "cut": _cut,
    "wrong_proof": _wrong_proof,
}
KINDS = ("honest", *SIGNED_LIES, "replay", "silent", "away", "metered")


@dataclass(slots=True)
class _Drawn:
    """Members of drawn kinds, and callers that ask them at once."""

    members: Members
    threshold: int
    kinds: dict[str, str]
    callers: list[tuple[Budget, list[bytes]]]
    meters: dict[str, _Metered] = field(default_factory=dict)

    @property
    def elements(self) -> int:
        return sum(len(inputs) for _, inputs in self.callers)

    def names(self, *kinds: str) -> set[str]:
        return {name for name, kind in self.kinds.items() if kind in kinds}

    async def ask(self) -> list[Sequence[bytes] | BaseException]:
        quorum = self.members.quorum()
        await asyncio.gather(  # what a replay gives again
            evaluate(quorum, [b"before"], within=LONG), return_exceptions=True
        )
        await quorum.settle()
        for known in (self.members.reports, self.members.asked):
            known.clear()
        self.members.ledger.asked.clear()
        self.members.ledger.got.clear()
        quorum._avoid.clear()  # noqa: SLF001 - each is asked as if it were the first time
        asking = (
            evaluate(quorum, inputs, within=LONG, budget=budget)
            for budget, inputs in self.callers
        )
        found = await asyncio.gather(*asking, return_exceptions=True)
        await quorum.settle()
        return found


def drawn(seed: int) -> _Drawn:
    random = Random(seed)  # noqa: S311 - no secret hangs on it
    count, threshold = random.choice([(2, 2), (3, 2), (3, 3), (5, 3)])
    makes: dict[str, Callable[[], Cheat]] = {
        "replay": _Replay,
        "silent": lambda: _silent,
        "metered": lambda: _Metered(random.randrange(1, 12)),
    }
    kinds = {name: random.choice(KINDS) for name in NAMES[1:count]}
    cheats = {n: SIGNED_LIES[kind] for n, kind in kinds.items() if kind in SIGNED_LIES}
    cheats |= {n: makes[kind]() for n, kind in kinds.items() if kind in makes}
    members = Members(world(count, threshold), cheats=cheats, now=later)
    members.away = {name for name, kind in kinds.items() if kind == "away"}
    callers = [
        (
            random.choice([LOOKUPS, LOOKUPS, RIGHTS]),
            # Several ask about the same at once.
            [b"about %d" % random.randrange(30) for _ in range(random.randint(1, 4))],
        )
        for _ in range(random.randint(2, 24))
    ]
    meters = {n: each for n, each in cheats.items() if isinstance(each, _Metered)}
    return _Drawn(members, threshold, kinds, callers, meters)


@pytest.mark.parametrize("seed", range(60))
def test_whoever_the_members_are_each_caller_gets_its_own_or_is_put_off(
    seed: int,
) -> None:
    scene = drawn(seed)
    members, needed = scene.members, scene.threshold - 1

    found = leap(scene.ask())

    for (_, inputs), outputs in zip(scene.callers, found, strict=True):
        if not isinstance(outputs, QuorumError):
            assert outputs == truth(members.world, inputs)
    answered = [isinstance(each, QuorumError) for each in found].count(False)
    if len(scene.names("honest")) >= needed:
        assert answered == len(found)
    if len(scene.names("honest", "metered", "replay")) < needed:
        assert answered == 0

    groups = {budget for budget, _ in scene.callers}
    named = [peer for peer, _, _ in members.reports]
    assert set(named) <= scene.names(*SIGNED_LIES)
    assert all(named.count(peer) <= len(groups) for peer in named)
    if not scene.names("silent"):  # nobody is asked beside another, and let go
        # One answer cannot be swapped with another: asked about one, it does not lie.
        assert set(named) >= scene.names("cut", "wrong_proof") & set(members.asked)

    for budget in groups:
        own = [inputs for each, inputs in scene.callers if each == budget]
        for peer in scene.kinds:
            charged = {
                element
                for name, of, elements in members.ledger.asked
                if (name, of) == (peer, budget)
                for element in elements
            }
            assert len(charged) <= sum(map(len, own))
    if scene.names("honest") == set(scene.kinds):
        charges = {each for _, _, some in members.ledger.got for each in some}
        times = sum(len(some) for _, _, some in members.ledger.asked)
        assert times == needed * len(charges) == needed * scene.elements
    for name, meter in scene.meters.items():
        got = [len(e) for peer, _, e in members.ledger.got if peer == name]
        assert sum(got) <= meter.spent
