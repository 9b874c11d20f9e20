# SPDX-License-Identifier: Apache-2.0
"""A node of one process on a server learns what the server kept behind its back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import psycopg
import pytest
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.postgresql.fixtures import MAJORS, named
from tests.support.databases import Prepared, Preparing
from tests.support.fleet import STAFF, Fleet, StandingClock, config_of, eventually

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.acts.bodies import Kind, Question
from fedsafe_node.acts.lookup import LookupRequest, Result
from fedsafe_node.app.init import create_node
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.ground.store_settings import Storage
from fedsafe_node.store.postgresql import store
from fedsafe_node.store.postgresql.turns import WRITING
from fedsafe_policies.vocabulary import Purpose, Scope

NAME = "a.demo"
WHO = "offender@example.org"
HOLD = f"SELECT pg_advisory_lock({WRITING})".encode()  # nobody writes meanwhile


@pytest.fixture(params=MAJORS, ids=named)
async def prepared(
    request: pytest.FixtureRequest, prepare: Callable[[int], Preparing]
) -> AsyncIterator[Prepared]:
    preparing = await asyncio.to_thread(prepare, request.param)
    made = await asyncio.to_thread(preparing.make)
    yield made
    await asyncio.to_thread(preparing.drop, made)


@pytest.fixture
async def node(prepared: Prepared, tmp_path: Path) -> AsyncIterator[RunningNode]:
    fleet = Fleet(tmp_path)
    config = config_of(NAME, free_ports(1)[0])
    await create_node(
        fleet.place(NAME),
        msgspec.structs.replace(config, store=Storage(prepared.node)),
        custody_private=tmp_path / "custody.key",
        staff=STAFF,
        clock=StandingClock(),
    )
    await fleet.start(NAME)
    yield fleet[NAME]
    await fleet.close()


async def look_up(node: RunningNode) -> Result:
    await node.base.following.fresh()  # as at each request
    request = LookupRequest(
        questions=[Question(kind=Kind.EMAIL, value=WHO)],
        purpose=Purpose.SIGNUP_CHECK,
        subject_ref="account-1",
        deadline_ms=10_000,
    )
    return (await node.services.lookups.lookup(request, BOT)).result


async def test_a_ban_that_was_kept_but_never_acknowledged_matches(
    node: RunningNode, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def is_kept() -> bool:
        return (await node.services.node.status()).own_bans == 1

    request = request_for(WHO, kind=Kind.EMAIL, scope=Scope.SELF)
    connecting = psycopg.AsyncConnection.connect(prepared.owner, autocommit=True)
    async with await connecting as other:
        await other.execute(HOLD)
        monkeypatch.setattr(store, "PATIENCE", 0.5)
        with pytest.raises(StoreFailedError):
            await node.services.signals.add(request, ANNA)
        monkeypatch.undo()
    await eventually(is_kept)

    assert await look_up(node) is Result.REVIEW
