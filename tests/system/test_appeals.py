# SPDX-License-Identifier: Apache-2.0
"""A ruling on an appeal ends a signal at running processes, against its origin.

The origin and a third member are processes of their own; the member that hears appeals
says its ruling over the same sockets.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec
import pytest
from tests.support import fleet as fleets
from tests.support.appeals import ENDS, HEARS, RUDI, TWO, file, name_hearer
from tests.support.disputes import WHO, dispute, rule
from tests.support.federation import Caller, until
from tests.support.gate_nodes import running
from tests.support.insistence import insisting

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.app.init import create_node
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.rights.appeals import AppealEffect

pytestmark = pytest.mark.timeout(300)

WITHIN: Final = 5.0
PATIENCE: Final = 60.0
OTHERS: Final = ("a.demo", "b.demo")
QUESTION: Final = {"questions": [{"kind": "email", "value": WHO}]}


async def _prepare(root: Path) -> str:
    """Make a federation in which an appeal waits; give its name."""
    clock = fleets.StandingClock(SystemClock().now())
    fleet, names = fleets.Fleet(root, clock), fleets.NAMES
    for name, port in zip(names, free_ports(len(names)), strict=True):
        await create_node(
            Place(root / name),
            fleets.config_of(name, port),
            custody_private=root / "custody" / f"{name}.key",
            staff=fleets.STAFF,
            clock=clock,
        )
    try:
        await fleet.start(*names)
        await fleets.found(fleet, *names)
        await fleet.attested()
        await name_hearer(fleet)
        signal = await fleet.publish(WHO)
        stands = await rule(fleet, await dispute(fleet, signal))
        return (await file(fleet, stands)).appeal
    finally:
        await fleet.close()


async def _decide(root: Path, appeal: str, callers: dict[str, Caller]) -> float:
    """Let the member that hears appeals end the signal; give the seconds it took."""
    place = Place(root / HEARS)
    config = await asyncio.to_thread(load_config, place)
    node = await RunningNode.start(place, config, SystemClock())
    try:
        asked = await insisting(node.services.appeals).rule(appeal, ENDS, RUDI)
        content = msgspec.json.encode(asked.content)
        effect = AppealEffect(node.desk)
        await asyncio.to_thread(
            until,
            lambda: all(_found(each) for each in callers.values()),
            "the match",
            patience=PATIENCE,
        )
        learn = await node.base.store.write(
            lambda tx: effect.carry_out(tx, content, *TWO)
        )
        began = time.monotonic()
        learn()
        await asyncio.to_thread(
            until,
            lambda: all(_found(each) == [] for each in callers.values()),
            "the end",
            patience=PATIENCE,
        )
        return time.monotonic() - began
    finally:
        await node.stop()


def _found(caller: Caller) -> list[object] | None:
    """Give what a lookup has found; None if it could not be answered."""
    answer = caller.post("/v1/lookup", QUESTION)
    return None if answer.status != 200 else list(answer.body["matches"])


@pytest.mark.promise("LR-47")
def test_a_ruling_on_an_appeal_ends_a_signal_everywhere_within_seconds(
    tmp_path: Path,
) -> None:
    root = tmp_path / "n"
    appeal = asyncio.run(_prepare(root))
    with running(root, OTHERS) as nodes:
        callers = {name: Caller(node) for name, node in nodes.items()}
        took = asyncio.run(_decide(root, appeal, callers))

    assert took < WITHIN
