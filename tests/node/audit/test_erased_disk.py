# SPDX-License-Identifier: Apache-2.0
"""After an erasure no file of the node holds the account, in clear or as sealed."""

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.node.audit.conftest import DORA, STAFF, export, key_of
from tests.node.signals.conftest import BOT, request_for
from tests.support.disk import files_with, pieces, reader_open, sealed_in
from tests.support.erased_account import ACCOUNT, erase
from tests.support.fleet import Fleet, make
from tests.support.search import encodings

from fedsafe_node.acts.audit_upkeep import (
    HoldRequest,
    SubjectRequest,
)
from fedsafe_node.acts.bodies import (
    Kind,
    Question,
)
from fedsafe_node.acts.lookup import LookupRequest
from fedsafe_node.evidence.verify import verify_pack
from fedsafe_node.log.engine import LogEngine
from fedsafe_policies.vocabulary import Purpose, Role, Scope

WHO = "somebody@mail.example"


@pytest.fixture
async def provider(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give a provider that has banned somebody, who comes back as the account."""
    staff = (*STAFF, ("anna", Role.ANALYST))
    fleet = await make(tmp_path / "one", "a.demo", staff=staff)
    await fleet.start("a.demo")
    services = fleet["a.demo"].services
    await services.signals.add(request_for(WHO, scope=Scope.SELF), BOT)
    asked = Question(kind=Kind.EMAIL, value=WHO)
    for purpose in (Purpose.SIGNUP_CHECK, Purpose.RECHECK):
        request = LookupRequest(questions=[asked], purpose=purpose, subject_ref=ACCOUNT)
        answer = await services.lookups.lookup(request, BOT)
        assert answer.matches
    yield fleet
    await fleet.close()


@pytest.mark.promise("TM-05")
@pytest.mark.embedded
async def test_neither_the_account_nor_its_ciphertext_is_left(provider: Fleet) -> None:
    base, services = provider["a.demo"].base, provider["a.demo"].services
    until = int((provider.clock.now() + timedelta(days=9)).timestamp())
    hold = HoldRequest(reason="order:17", until=until, subject_ref=ACCOUNT)
    placed = await services.keeping.holding.add(hold, DORA)
    await services.keeping.holding.lift(placed.hold, DORA)
    told = await services.keeping.telling.subject(
        SubjectRequest(subject_ref=ACCOUNT), DORA
    )
    engine, log = LogEngine(base.store), base.trail.log
    head = await engine.head(log)
    before = await asyncio.to_thread(sealed_in, base.place.database)
    names = list(encodings(ACCOUNT.encode()))
    directory = base.place.directory
    assert await asyncio.to_thread(files_with, directory, names)
    async with reader_open(base):
        await erase(provider)
        assert not await base.store.scrub()  # a reader is in the way
    assert await base.store.scrub()
    after = await asyncio.to_thread(sealed_in, base.place.database)
    gone = before - after

    assert {event.event for event in told.events} >= {"lookup", "audit.held"}
    assert len(gone) >= 8  # two lookups, a hold, a reading, a review, its event
    assert await asyncio.to_thread(files_with, directory, names) == set()
    cipher = list(pieces(gone))
    assert await asyncio.to_thread(files_with, directory, cipher) == set()
    assert await engine.root_at(log, head.size) == head.root
    assert (await services.audits.verify(DORA)).ok
    verify_pack(io.BytesIO(await export(provider)), key_of(provider))


@pytest.mark.embedded
async def test_what_is_left_of_others_is_found_by_the_same_search(
    provider: Fleet,
) -> None:
    base = provider["a.demo"].base
    before = await asyncio.to_thread(sealed_in, base.place.database)
    found = await asyncio.to_thread(
        files_with, base.place.directory, list(pieces(before))
    )

    assert found & {"store.db", "store.db-wal"}
