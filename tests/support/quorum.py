# SPDX-License-Identifier: Apache-2.0
"""The other members of a quorum, in process: honest, cheating or away."""

import asyncio
import itertools
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from tests.support.members import (
    FEDERATION,
    NAMES,
    NOW,
    World,
    in_place,
    key_of,
)

from fedsafe_crypto.oprf.threshold import Pins
from fedsafe_crypto.oprf.voprf import Mode, output_direct
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.errors import UNKNOWN_EPOCH, PeerError, PeerRefusedError
from fedsafe_federation.evaluation.member_choice import Silences
from fedsafe_federation.evaluation.metering import LOOKUPS, Budget
from fedsafe_federation.evaluation.quorum import Holder, Quorum
from fedsafe_federation.evaluation.statements import (
    answer_request,
    open_request,
)
from fedsafe_federation.wire.freshness import SeenNonces
from fedsafe_federation.wire.signed import Signed

T = TypeVar("T")
Cheat = Callable[[Signed, Signed], Awaitable[Signed]]
INPUTS = [b"input %d" % number for number in range(3)]
LONG = 30.0


class _Leaping(selectors.DefaultSelector):
    """Waits no time, and says how long it would have waited."""

    leapt = 0.0

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            self.leapt += timeout
            timeout = 0.0
        return super().select(timeout)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while all wait, and then at once."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.leapt


def leap(main: Coroutine[None, None, T]) -> T:
    """Run to the end, with time that leaps."""
    with asyncio.Runner(loop_factory=LeapingLoop) as runner:
        return runner.run(main)


def later() -> datetime:
    """Give the moment that the loop's time stands for."""
    return NOW + timedelta(seconds=asyncio.get_running_loop().time())


@dataclass(slots=True)
class Asked:
    """A ledger in memory: what was asked and answered, and who refuses."""

    asked: list[tuple[str, Budget, tuple[bytes, ...]]] = field(default_factory=list)
    got: list[tuple[str, Budget, tuple[bytes, ...]]] = field(default_factory=list)
    waits: dict[tuple[str, Budget], float] = field(default_factory=dict)

    async def asks(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        self.asked.append((peer, budget, tuple(elements)))

    def answered(self, peer: str, budget: Budget, elements: Sequence[bytes]) -> None:
        self.got.append((peer, budget, tuple(elements)))

    def refused(self, peer: str, budget: Budget, seconds: float | None) -> None:
        self.waits[peer, budget] = seconds or 1.0

    def wait(self, peer: str, budget: Budget) -> float:
        return self.waits.get((peer, budget), 0.0)


@dataclass(slots=True)
class Members:
    """The other members, in process: each answers, cheats or is away."""

    world: World
    charter: Charter | None = None
    cheats: dict[str, Cheat] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    behind: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)
    reports: list[tuple[str, Signed, Signed]] = field(default_factory=list)
    ledger: "Asked" = field(default_factory=Asked)
    numbers: "itertools.count[int]" = field(default_factory=itertools.count)
    seen: dict[str, SeenNonces] = field(default_factory=dict)
    silences: Silences = field(default_factory=lambda: Silences(bytes))
    now: Callable[[], datetime] = lambda: NOW

    async def ask(self, member: Member, request: Signed) -> Signed:
        self.asked.append(member.name)
        await asyncio.sleep(0)
        if member.name in self.away:
            raise PeerError(member.name, "is away")
        if member.name in self.behind:
            raise PeerRefusedError(member.name, 409, UNKNOWN_EPOCH)
        answer = self.answer(member.name, request)
        cheat = self.cheats.get(member.name)
        return await cheat(request, answer) if cheat is not None else answer

    def answer(self, name: str, request: Signed) -> Signed:
        seen = self.seen.setdefault(name, SeenNonces(began=NOW - timedelta(hours=1)))
        opened = open_request(
            request,
            me=name,
            charter=self.charter or self.world.charter,
            seen=seen,
            now=self.now(),
        )
        return answer_request(
            request,
            opened,
            share=self.world.shares[name],
            pins=self.world.pins,
            key=key_of(name, "statement"),
            federation=FEDERATION,
        )

    async def report(
        self, peer: str, why: str, request: Signed, answer: Signed
    ) -> None:
        assert why
        await asyncio.sleep(0)
        self.reports.append((peer, request, answer))

    def quorum(self, name: str = NAMES[0], pins: Pins | None = None) -> Quorum:
        share = self.world.shares.get(name)
        holder = Holder(name, share, key_of(name, "statement"))
        return Quorum(
            self.charter or self.world.charter,
            pins or self.world.pins,
            holder,
            ask=self.ask,
            report=self.report,
            ledger=self.ledger,
            silences=self.silences,
            offload=in_place,
            now=self.now,
            token_bytes=lambda size: next(self.numbers).to_bytes(size),
        )

    async def evaluate(
        self, inputs: Sequence[bytes] = INPUTS, *, name: str = NAMES[0]
    ) -> Sequence[bytes]:
        quorum = self.quorum(name)
        try:
            return await evaluate(quorum, inputs, within=LONG)
        finally:
            await quorum.settle()

    def accused(self) -> set[str]:
        return {peer for peer, _, _ in self.reports}


async def evaluate(
    quorum: Quorum,
    inputs: Sequence[bytes],
    *,
    within: float,
    budget: Budget = LOOKUPS,
) -> Sequence[bytes]:
    """Evaluate under one epoch, as a node does under each."""
    blinds = await quorum.blind(inputs)
    done = False
    try:
        outputs = await quorum.evaluate(inputs, budget, within=within, blinds=blinds)
        done = True
    finally:
        quorum.tried(inputs, blinds, done=done)
    return outputs


def truth(world_: World, inputs: Sequence[bytes] = INPUTS) -> list[bytes]:
    return [output_direct(world_.secret, each, Mode.VOPRF) for each in inputs]
