# SPDX-License-Identifier: Apache-2.0
"""Lookups of other nodes while strangers hammer one; see `tests/support/strangers.py`.

The long version, with lookups in their usual time, is `tests.campaigns.strangers`.
"""

from collections.abc import Sequence

import pytest
from tests.support.fleet import Fleet
from tests.support.strangers import hammered, open_routes

from fedsafe_node.acts.lookup import Result
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.routes import ROUTES

EACH = 100
LOOKUPS = 15
DEADLINE_MS = 3_000  # of a suite that runs beside others
SIGNED = [route.name for route in ROUTES if route.auth is Auth.PEER]


@pytest.mark.parametrize(
    ("ways", "routes"),
    [
        (["ask"], [route.name for route in open_routes()]),
        (["ask"], SIGNED),
        (["stall", "large", "half", "silent"], []),
    ],
    ids=["every open route", "badly signed", "what hangs"],
)
async def test_strangers_defer_no_lookup(
    fleet: Fleet, ways: Sequence[str], routes: Sequence[str]
) -> None:
    await fleet.start("b.demo")  # the only one that a.demo can ask
    port = fleet["b.demo"].base.config.listen.port
    results: list[Result] = []
    async with hammered(port, ways, EACH, routes) as counts:
        await fleet.start("a.demo")  # its lines are new, among those of strangers
        for number in range(LOOKUPS):
            person = f"p{number}@mail.example"
            answer = await fleet.look_up("a.demo", person, deadline_ms=DEADLINE_MS)
            results.append(answer.result)

    assert Result.DEFERRED not in results
    assert counts["sent"]
    # Who asks is answered; what hangs may do so for longer than this takes.
    assert counts.keys() > {"sent"} or "ask" not in ways
