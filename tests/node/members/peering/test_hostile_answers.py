# SPDX-License-Identifier: Apache-2.0
"""A member that lies by its feed answers, and pokes: nobody else notices.

Real nodes on loopback. What is bounded is counted; no time is measured.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
from tests.support.fleet import Fleet, eventually

from fedsafe_federation.errors import FederationError
from fedsafe_federation.feed.batch import MAX_BATCH, BatchReader, FeedRequest
from fedsafe_federation.wire.compression import squeeze
from fedsafe_node.acts.lookup import Result
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.members.peering.service import PeeringService

LIAR, ASKER, OTHER = "c.demo", "a.demo", "b.demo"
POKES = 30
LIES: dict[str, Callable[[], bytes]] = {
    "newlines": lambda: b"\n" * MAX_BATCH,
    "one line": lambda: b"[" * MAX_BATCH,
    "bomb": lambda: squeeze(b"", bytes(MAX_BATCH)),
    "nothing": lambda: b"",
}


@dataclass(slots=True)
class Lie:
    """Counts how often it was told, and to whom it is told."""

    body: bytes
    to: tuple[str, ...] = (ASKER,)
    told: int = 0
    first: asyncio.Event = field(default_factory=asyncio.Event)


def lie_with(lie: Lie, fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = PeeringService.feed
    liar = fleet[LIAR].services.peering

    async def feed(self: PeeringService, request: FeedRequest, peer: str) -> bytes:
        if self is not liar or peer not in lie.to or request.origin != LIAR:
            return await honest(self, request, peer)
        nothing_happened()
        lie.told += 1
        lie.first.set()
        return lie.body

    monkeypatch.setattr(PeeringService, "feed", feed)


async def poke(fleet: Fleet) -> None:
    shared = fleet[LIAR].base.situation.shared
    assert shared is not None
    await fleet[LIAR].client.poke(shared.membership.charter.member(ASKER), 1)


@asynccontextmanager
async def poking(fleet: Fleet) -> AsyncIterator[None]:
    """Let the liar poke all the while."""

    async def run() -> None:
        while True:
            with suppress(FederationError):
                await poke(fleet)
            await asyncio.sleep(0.05)  # this is what the liar does

    task = asyncio.create_task(run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("make", LIES.values(), ids=LIES.keys())
async def test_pokes_bring_a_liar_no_more_rounds(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch, make: Callable[[], bytes]
) -> None:
    pieces: list[tuple[int, int]] = []
    take = BatchReader.take

    def noted(self: BatchReader, data: bytes) -> None:
        pieces.append((len(data), threading.get_ident()))
        take(self, data)

    monkeypatch.setattr(BatchReader, "take", noted)
    lie = Lie(make())
    lie_with(lie, trio, monkeypatch)
    await poke(trio)
    await lie.first.wait()
    results: list[Result] = []
    for number in range(POKES):
        await poke(trio)
        if number % 3 == 0:
            answer = await trio.look_up(ASKER, f"p{number}@mail.example")
            results.append(answer.result)

    assert lie.told < POKES / 3
    assert Result.DEFERRED not in results
    loop = threading.get_ident()
    packed = [thread for size, thread in pieces if size > 4_096]
    assert loop not in packed
    assert len([size for size, _ in pieces if size > 65_536]) <= 2 * lie.told


async def test_a_revocation_comes_by_another_while_its_origin_lies(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = "listed@mail.example"
    signal = await trio.publish(person, at=LIAR, by=(ASKER, OTHER))
    assert (await trio.look_up(ASKER, person)).result is Result.REVIEW
    lie = Lie(b"\n" * 1_000)
    lie_with(lie, trio, monkeypatch)
    await poke(trio)
    await lie.first.wait()

    async with poking(trio):
        await trio.revoke(signal, at=LIAR, by=(OTHER,))

        async def is_free() -> bool:
            answer = await trio.look_up(ASKER, person)
            return answer.result is Result.NONE

        await eventually(is_free)
    assert lie.told < 20


async def test_an_honest_batch_ends_it(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    lie = Lie(b"")
    lie_with(lie, trio, monkeypatch)
    await poke(trio)
    await lie.first.wait()
    lie.to = ()

    await trio.publish("late@mail.example", at=LIAR, by=(ASKER,))
