# SPDX-License-Identifier: Apache-2.0
"""A silent member costs nobody an answer; its place is filled, and it is avoided."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.members import NAMES, world
from tests.support.quorum import (
    INPUTS,
    Asked,
    Members,
    evaluate,
    later,
    leap,
    truth,
)

from fedsafe_federation.errors import PeerUnreachableError, QuorumError
from fedsafe_federation.evaluation.member_choice import (
    FIRST_SPAN,
    HEDGED,
    JITTER,
    LONGEST_SPAN,
    MOST_HEDGED,
    PATIENCE,
    Allowance,
    Round,
    Silence,
    Silences,
    lengthen,
    patience_of,
    shorten,
)
from fedsafe_federation.evaluation.metering import LOOKUPS, Budget
from fedsafe_federation.evaluation.quorum import Quorum
from fedsafe_federation.evaluation.statements import EvaluationRequest
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode

ME, SILENT = NAMES[0], NAMES[1]
DEADLINE = 0.8
TRIP = 0.005
MANY = 160
Way = Callable[[int, Signed], Awaitable[None]]


async def never(number: int, request: Signed) -> None:
    del number, request
    await asyncio.Event().wait()


async def late(number: int, request: Signed) -> None:
    del number, request
    await asyncio.sleep(0.7)


async def rarely(number: int, request: Signed) -> None:
    if number % 10:
        await never(number, request)


async def refusing(number: int, request: Signed) -> None:
    del number, request
    raise PeerUnreachableError(SILENT, "ClientConnectorError")


async def by_fits(number: int, request: Signed) -> None:
    if number // 7 % 2:
        await never(number, request)


@dataclass(slots=True)
class Federation:
    """Members that are a short trip away, of which one is silent in some way."""

    count: int
    threshold: int
    way: Way | None = None
    who: str = SILENT
    ledger: Asked = field(default_factory=Asked)
    asked: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    deferred: int = 0
    members: Members = field(init=False)
    quorum: Quorum = field(init=False)

    def __post_init__(self) -> None:
        self.members = Members(
            world(self.count, self.threshold), now=later, ledger=self.ledger
        )
        for name in NAMES[1 : self.count]:
            self.members.cheats[name] = self._answer
        self.quorum = self.members.quorum()

    async def _answer(self, request: Signed, answer: Signed) -> Signed:
        if answer.signer == self.who:
            self.asked.append(asyncio.get_running_loop().time())
            if self.way is not None:
                await self.way(len(self.asked), request)
        await asyncio.sleep(TRIP)
        return answer

    async def look_up(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            found = await evaluate(self.quorum, [b"%d" % number], within=DEADLINE)
        except QuorumError:
            self.deferred += 1
        else:
            assert len(found) == 1
        self.took.append(loop.time() - began)

    async def look_up_many(self, count: int, pause: float) -> None:
        asking: list[asyncio.Task[None]] = []
        for number in range(count):
            asking.append(asyncio.create_task(self.look_up(number)))
            await asyncio.sleep(pause)
        await asyncio.gather(*asking)


@pytest.mark.parametrize(
    ("way", "count", "threshold"),
    [
        *((way, 3, 2) for way in (never, late, rarely, refusing, by_fits)),
        *((way, 5, 3) for way in (never, by_fits)),
    ],
)
def test_a_silent_member_defers_nobody(way: Way, count: int, threshold: int) -> None:
    async def run() -> Federation:
        federation = Federation(count, threshold, way)
        await federation.look_up_many(MANY, 0.1)  # 16 s
        return federation

    federation = leap(run())
    slow = [took for took in federation.took if took > 0.1]
    spent = len(federation.members.ledger.asked) - MANY * (threshold - 1)

    assert federation.deferred == 0
    assert max(federation.took) < 0.2
    assert len(slow) < 12
    assert 0 < spent < 12


@pytest.mark.parametrize(("count", "threshold"), [(3, 2), (5, 3)])
def test_one_lookup_alone_asks_anew_whoever_was_silent(
    count: int, threshold: int
) -> None:
    async def run() -> tuple[list[int], list[int]]:
        federation = Federation(count, threshold, never)
        found: list[int] = []
        slow: list[int] = []
        for pause in (FIRST_SPAN, 2 * FIRST_SPAN, 4 * FIRST_SPAN):
            before, federation.took = len(federation.asked), []
            await federation.look_up_many(40, 0.0)
            found.append(len(federation.asked) - before)
            slow.append(sum(took > 0.1 for took in federation.took))
            await asyncio.sleep(pause)
        return found, slow

    found, slow = leap(run())

    assert found[0] > 1  # nobody knew
    assert found[1:] == [1, 1]
    assert slow[1:] == [1, 1]


def test_spans_grow_and_who_comes_back_is_asked_again_in_their_time() -> None:
    async def run() -> tuple[list[float], float, list[float]]:
        federation = Federation(3, 2, never)
        await federation.look_up_many(300, 1.0)
        silent, federation.way = list(federation.asked), None
        back = asyncio.get_running_loop().time()
        await federation.look_up_many(150, 1.0)
        return silent, back, federation.asked[len(silent) :]

    silent, back, asked = leap(run())
    spans = [b - a for a, b in pairwise(silent)]

    assert spans == sorted(spans)
    # Beyond a span it is asked when the draw falls on it: of twelve lookups by one.
    assert spans[-1] < LONGEST_SPAN + 12
    assert len(silent) < 8
    assert asked[0] - back < LONGEST_SPAN + 12
    assert len(asked) > 5  # and from then on as often as others


def test_who_is_avoided_is_asked_where_others_are_too_few() -> None:
    async def run() -> tuple[Federation, int]:
        federation = Federation(3, 2, never)
        await federation.look_up_many(20, 0.02)
        federation.way, before = None, len(federation.asked)
        federation.members.away = {NAMES[2]}
        await federation.look_up(20)
        return federation, len(federation.asked) - before

    federation, asked = leap(run())

    assert federation.deferred == 0
    assert asked == 1
    assert federation.took[-1] < 0.1


def test_a_batch_has_the_time_that_work_on_it_takes() -> None:
    async def slowly(number: int, request: Signed) -> None:
        del number
        await asyncio.sleep(decode(request.payload, EvaluationRequest).count * 0.001)

    async def run() -> Federation:
        federation = Federation(3, 2, slowly)
        for start in range(4):
            inputs = [b"%d/%d" % (start, number) for number in range(200)]
            await evaluate(federation.quorum, inputs, within=60)
        return federation

    federation = leap(run())

    assert len(federation.members.ledger.asked) == 4


def test_who_is_silent_for_batches_alone_holds_up_none_for_long() -> None:
    rounds, size = 5, 50

    async def batches(number: int, request: Signed) -> None:
        if decode(request.payload, EvaluationRequest).count > 1:
            await never(number, request)

    async def run() -> tuple[Federation, float]:
        federation = Federation(3, 2, batches)
        took = 0.0
        # Chance says who is asked first; should it be the silent one each time, so many
        # places can be filled at once.
        assert rounds * size < MOST_HEDGED
        for start in range(rounds):
            inputs = [b"%d/%d" % (start, number) for number in range(size)]
            began = asyncio.get_running_loop().time()
            await evaluate(federation.quorum, inputs, within=10)
            took = max(took, asyncio.get_running_loop().time() - began)
            await federation.look_up_many(24, 0.25)
        return federation, took

    federation, took = leap(run())

    assert federation.deferred == 0
    assert took < 0.3


def test_whoever_answers_first_counts_and_no_ask_is_left_behind() -> None:
    async def slowly(number: int, request: Signed) -> None:
        del number, request
        await asyncio.sleep(0.3)

    async def run() -> tuple[list[bytes], float, int, set[str]]:
        federation = Federation(3, 2, slowly)

        async def mute(request: Signed, answer: Signed) -> Signed:
            await never(0, request)
            return answer

        federation.members.cheats[NAMES[2]] = mute
        began = asyncio.get_running_loop().time()
        found = await evaluate(federation.quorum, INPUTS, within=DEADLINE)
        took = asyncio.get_running_loop().time() - began
        times, _ = federation.members.silences.rank(SILENT, began + took)
        tasks = {each.get_name() for each in asyncio.all_tasks()}
        return list(found), took, times, tasks

    found, took, times, tasks = leap(run())

    assert found == truth(world())
    assert took < 0.5
    assert times == 1  # a late answer makes no member prompt
    assert len(tasks) == 1


@dataclass(slots=True)
class Slow(Asked):
    """A ledger whose disk takes so many seconds."""

    seconds: float = 0.0

    async def asks(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        await asyncio.sleep(self.seconds)
        await Asked.asks(self, peer, budget, elements)


def test_who_is_silent_up_to_the_deadline_is_known_as_silent() -> None:
    patience = patience_of(1, DEADLINE)

    async def run() -> Federation:
        # The patience ends in the moment in which the time does.
        ledger = Slow(seconds=DEADLINE - patience - 1e-10)
        federation = Federation(2, 2, never, ledger=ledger)
        await federation.look_up(1)
        return federation

    federation = leap(run())

    assert federation.deferred == 1
    assert federation.members.silences.rank(SILENT, DEADLINE)[0] == 1


def test_a_slow_store_of_ones_own_is_nobodys_silence() -> None:
    async def run() -> Federation:
        federation = Federation(3, 2, ledger=Slow(seconds=0.3))
        await federation.look_up(1)
        return federation

    federation = leap(run())

    assert federation.deferred == 0
    assert len(federation.members.ledger.asked) == 1
    assert {federation.members.silences.rank(each, 1.0)[0] for each in NAMES} == {0}


def test_a_generation_that_too_few_know_waits_for_nobody_silent() -> None:
    async def run(*, last: bool) -> float:
        federation = Federation(3, 2, never)
        federation.members.behind = {NAMES[2]}
        quorum, began = federation.quorum, asyncio.get_running_loop().time()
        blinds = await quorum.blind(INPUTS)
        with pytest.raises(QuorumError):
            await quorum.evaluate(
                INPUTS,
                LOOKUPS,
                within=DEADLINE,
                blinds=blinds,
                last=last,
            )
        return asyncio.get_running_loop().time() - began

    assert leap(run(last=False)) == pytest.approx(patience_of(3, DEADLINE))
    assert leap(run(last=True)) == pytest.approx(DEADLINE)


elements = st.integers(1, 1_024)
moments = st.floats(0, 1_000_000, allow_nan=False)


@given(elements, st.floats(0.01, 100))
def test_patience_ends_before_half_of_the_time(count: int, left: float) -> None:
    patience = patience_of(count, left)

    assert 0 < patience <= left / 2
    assert patience <= patience_of(count + 1, left)
    assert patience <= patience_of(count, left * 2)


@given(st.lists(st.tuples(moments, st.floats(0, 1, exclude_max=True)), max_size=40))
def test_spans_never_shrink_by_silence_and_have_an_end(
    silences: list[tuple[float, float]],
) -> None:
    known: Silence | None = None
    now, spans = 0.0, list[float]()
    for wait, jitter in silences:
        now += wait
        known = lengthen(known, asked=now, now=now, jitter=jitter)
        assert known.until is not None
        spans.append(known.until - now)
    shrunk = [max(1.0, b / a) for a, b in pairwise(spans)]

    assert all(each >= FIRST_SPAN * (1 - JITTER) - 1e-6 for each in spans)
    assert all(each <= LONGEST_SPAN + 1e-6 for each in spans)
    assert all(
        b >= a or b >= LONGEST_SPAN * (1 - JITTER) - 1e-6 for a, b in pairwise(spans)
    )
    assert all(each < 2 / (1 - JITTER) + 1e-6 for each in shrunk)


@given(st.integers(1, 200), st.integers(0, 20))
def test_answers_take_back_what_silence_brought(times: int, answers: int) -> None:
    known: Silence | None = Silence(times, 0.0, 100.0)
    for _ in range(answers):
        if known is not None:
            known = shorten(known, now=1.0)
            assert known is None or not (known.avoided(1.0) or known.doubtful(1.0))

    assert (0 if known is None else known.times) == times >> answers


def test_many_who_were_asked_at_once_tell_of_one_silence() -> None:
    silences = Silences(bytes)
    for number in range(100):
        silences.fell_silent("b", asked=number / 1_000, now=0.2 + number / 1_000)
    asked_again = silences.rank("b", 1.0)
    silences.fell_silent("b", asked=0.2, now=0.35)

    assert asked_again[0] == 1
    assert silences.rank("b", 1.0)[0] == 2


def test_others_are_asked_before_whoever_was_silent_longest() -> None:
    silences = Silences(bytes)
    for name, times in (("b", 3), ("c", 1), ("d", 2)):
        for number in range(times):
            silences.fell_silent(name, asked=number, now=number)

    assert sorted("abcd", key=lambda name: silences.rank(name, 3.0)) == list("acdb")


@given(st.lists(st.tuples(st.booleans(), elements), max_size=300))
def test_hedges_cost_a_share_of_what_is_asked(acts: list[tuple[bool, int]]) -> None:
    allowance, asked, hedged, biggest = Allowance(), 0, 0, 0
    for is_hedge, count in acts:
        if is_hedge:
            if allowance.spend(count):
                hedged += count
                biggest = max(biggest, count)
        else:
            allowance.earn(count)
            asked += count

    assert hedged <= MOST_HEDGED + HEDGED * asked + biggest


def poor() -> Allowance:
    allowance = Allowance()
    assert allowance.spend(int(MOST_HEDGED))
    return allowance


@given(st.data(), st.integers(1, 9), st.integers(0, 9), st.booleans())
def test_as_many_as_are_needed_are_asked_and_one_more_for_each_silent(
    data: st.DataObject,
    needed: int,
    others: int,
    rich: bool,  # noqa: FBT001
) -> None:
    names = [f"{number:02}" for number in range(needed + others)]
    left, now = 0.8, 0.0
    patience = patience_of(1, left)
    round_ = Round(needed, list(names), 1, patience, left / 2)
    allowance = Allowance() if rich else poor()
    running: dict[str, float] = {}
    asked: list[str] = []
    silent: set[str] = set()
    heard: set[str] = set()
    answered = failed = 0
    while round_.goes_on and now < left:
        silent |= set(round_.overdue(now))
        step = round_.step(now, allowance)
        for name in step.ask:
            round_.sent(name, now)
        asked += step.ask
        running |= dict.fromkeys(step.ask, now)
        waiting = len(names) - len(asked)
        prompt = [name for name in running if name not in silent]

        assert len(set(asked)) == len(asked)
        assert len(asked) <= needed + failed + len(silent)
        assert len(running) >= min(needed - answered, len(running) + waiting)
        if rich or now >= left / 2:
            hoped = [*prompt, *(name for name in silent & heard if name in running)]
            assert not waiting or len(hoped) >= needed - answered
        assert all(now < running[name] + patience for name in set(prompt) - heard)
        if bool(running) and data.draw(st.booleans(), "ends"):
            name = data.draw(st.sampled_from(sorted(running)), "who")
            right = data.draw(st.booleans(), "right")
            if right:
                assert round_.heard(name) is (name not in silent)
            round_.ended(name, answered=right)
            del running[name]
            answered, failed = answered + right, failed + (not right)
        elif bool(running) and data.draw(st.booleans(), "is heard"):
            name = data.draw(st.sampled_from(sorted(running)), "whose")
            heard.add(name)
            round_.heard(name)
        else:
            now = left if step.wake is None else max(now, step.wake)

    assert answered <= needed
    assert answered == needed or now >= left or not (running or len(asked) < len(names))


def test_a_node_that_was_held_up_itself_holds_it_against_nobody() -> None:
    round_, allowance = Round(1, ["b", "c"], 1, PATIENCE, 10.0), Allowance()
    first = round_.step(0.0, allowance)
    round_.sent("b", 0.0)
    held_up = round_.overdue(3.0), round_.step(3.0, allowance).ask
    at_last = round_.overdue(3.06), round_.step(3.06, allowance).ask

    assert (first.ask, first.wake) == (["b"], PATIENCE)
    assert held_up == ([], [])
    assert at_last == (["b"], ["c"])


def test_who_was_heard_late_is_hedged_no_more() -> None:
    round_, allowance = Round(1, ["b", "c"], 1, PATIENCE, 0.4), poor()
    round_.step(0.0, allowance)
    assert allowance.spend(1)  # what the step has earned
    round_.sent("b", 0.0)
    silent = round_.overdue(PATIENCE), round_.step(PATIENCE, allowance)
    in_time = round_.heard("b")
    at_half = round_.step(0.4, allowance)

    assert silent[0] == ["b"]
    assert (silent[1].ask, silent[1].wake) == ([], 0.4)  # no allowance: at half
    assert not in_time
    assert (at_half.ask, at_half.wake) == ([], None)
