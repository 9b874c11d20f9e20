# SPDX-License-Identifier: Apache-2.0
"""Three members become five and four; what is listed is found all along."""

import asyncio

from tests.support.fleet import NAMES, PATIENCE, Fleet, eventually
from tests.support.resharing_fleet import (
    at_generation,
    due,
    entry_of,
    joined,
    left,
    shares_of,
    tend,
)

from fedsafe_node.acts.lookup import Result

PERSON = "somebody@mail.example"
D, E = "d.demo", "e.demo"
FOUR = (*NAMES, E)
_PAUSE = 0.05


class Asking:
    """Looks up what is listed, again and again, at members that know of it."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self.found: list[Result] = []
        self.tasks = {name: asyncio.create_task(self.run(name)) for name in NAMES}

    async def run(self, name: str) -> None:
        while True:
            answer = await self.fleet.look_up(name, PERSON)
            self.found.append(answer.result)
            await asyncio.sleep(_PAUSE)

    async def stop(self, *names: str) -> None:
        for name in names:
            task = self.tasks.pop(name)
            task.cancel()
            await asyncio.wait([task])


async def test_three_become_five_and_four_while_lookups_run(trio: Fleet) -> None:
    await trio.publish(PERSON, at="a.demo", by=("b.demo", "c.demo"))
    key = entry_of(trio, "a.demo").public
    await joined(trio, D, E)
    asking = Asking(trio)
    await due(trio)
    await at_generation(trio, 2, *NAMES, D, E)
    grown = entry_of(trio, D)
    await left(trio, D)
    await trio.stop(D)
    await due(trio)
    await at_generation(trio, 3, *FOUR)
    await tend(trio)
    await eventually(lambda: all_let_go(trio), 6 * PATIENCE)
    await asking.stop(*asking.tasks)

    assert (len(grown.pins), grown.threshold) == (5, 3)
    shrunk = entry_of(trio, "a.demo")
    assert [pin.index for pin in shrunk.pins] == [1, 2, 3, 5]
    assert (shrunk.threshold, shrunk.public) == (3, key)
    assert Result.REVIEW in asking.found
    assert set(asking.found) <= {Result.REVIEW, Result.DEFERRED}  # never none
    assert (await trio.look_up(E, PERSON)).result is Result.REVIEW
    for name in FOUR:
        events = await trio.audit(name, "audit.key_destroyed")
        assert any("share-1-2" in each.text for each in events)
        assert (await trio[name].base.store.check_seal()).faults == ()
        assert await trio.audit(name, "evaluation.wrong_answer") == []


async def all_let_go(fleet: Fleet) -> bool:
    """Whether every member has destroyed its older shares."""
    await tend(fleet)
    kept = [[path.name for path in shares_of(fleet, name)] for name in FOUR]
    return kept == [["share-1-3.key"]] * len(FOUR)


async def test_who_has_left_destroys_its_share(trio: Fleet) -> None:
    await tend(trio)
    before = [path.name for path in shares_of(trio, "c.demo")]
    await left(trio, "c.demo")

    async def is_gone() -> bool:
        return trio["c.demo"].base.situation.shared is None

    await eventually(is_gone)
    await tend(trio)

    assert before == ["share-1-1.key"]
    assert shares_of(trio, "c.demo") == []
    assert [path.name for path in shares_of(trio, "a.demo")] == ["share-1-1.key"]
    events = await trio.audit("c.demo", "audit.key_destroyed")
    assert any("share-1-1" in each.text for each in events)
    await trio.stop("c.demo")
    await trio.start("c.demo")
    assert (await trio["c.demo"].base.store.check_seal()).faults == ()
