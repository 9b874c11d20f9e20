# SPDX-License-Identifier: Apache-2.0
"""What nodes do without room: what protects goes on, all else waits."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final, cast

import pytest
from argon2.profiles import CHEAPEST
from tests.node.audit.conftest import DORA, RUTH, STAFF
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import Fleet, eventually, make
from tests.support.house import House, house
from tests.support.rights_requests import SHOP, asked, requests_of

from fedsafe_node.acts.audit_upkeep import EraseRequest
from fedsafe_node.acts.requests import RequestKind
from fedsafe_node.ground.errors import NoRoomError
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.people.passwords import Passwords
from fedsafe_node.signals import restrictions as restricting
from fedsafe_node.signals.expiry import expire_signals
from fedsafe_node.store.rows import SignalStatus
from fedsafe_node.store.sqlite.store import SQLiteStore
from fedsafe_policies.vocabulary import Scope

__all__ = ["house"]

WHO: Final = "somebody@mail.example"
TOO_MUCH: Final = 1 << 60  # no disk has room for it

pytestmark = pytest.mark.embedded  # a server keeps its own disk from being full


async def starve(fleet: Fleet, name: str) -> None:
    """Let a node have lost its reserve, on a disk without room for it."""
    store = cast("SQLiteStore", fleet[name].base.store)
    reserve = store._files.reserve  # noqa: SLF001 - the disk itself is not full
    assert reserve is not None
    reserve._size = TOO_MUCH  # noqa: SLF001
    await asyncio.to_thread(reserve.give_up)


async def status_at(fleet: Fleet, name: str, signal: str) -> SignalStatus | None:
    row = await fleet[name].base.store.read(
        lambda reader: reader.signal("a.demo", bytes.fromhex(signal.replace("-", "")))
    )
    return None if row is None else row.status


async def test_a_revocation_reaches_the_members_from_a_node_without_room(
    trio: Fleet,
) -> None:
    signal = await trio.publish(WHO)
    await starve(trio, "a.demo")
    await trio.revoke(signal)

    async def is_revoked() -> bool:
        return await status_at(trio, "b.demo", signal) is SignalStatus.REVOKED

    await eventually(is_revoked)
    with pytest.raises(NoRoomError):
        await trio.look_up("a.demo", WHO)
    assert await status_at(trio, "a.demo", signal) is SignalStatus.REVOKED


async def test_a_node_without_room_hears_a_revocation(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.level("a.demo", ["b.demo"])
    await starve(trio, "b.demo")
    await trio.revoke(signal)

    async def is_revoked() -> bool:
        return await status_at(trio, "b.demo", signal) is SignalStatus.REVOKED

    await eventually(is_revoked)
    with pytest.raises(NoRoomError):
        await trio.look_up("b.demo", WHO)


async def test_a_peer_cannot_use_the_reserve_up_with_names_of_nothing(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restricting, "AHEAD_WITHOUT_ROOM", -9)
    old = await trio.publish(WHO)
    await starve(trio, "b.demo")
    new = [await trio.publish(f"n{number}@m.example", by=()) for number in range(2)]
    for signal in (*new, old):
        await trio.revoke(signal)

    async def is_revoked() -> bool:
        return await status_at(trio, "b.demo", old) is SignalStatus.REVOKED

    await eventually(is_revoked)
    names = [bytes.fromhex(each.replace("-", "")) for each in new]
    store = trio["b.demo"].base.store
    assert await store.read(lambda reader: reader.settled("a.demo", names)) == set()


async def test_an_objection_rests_a_signal_where_there_is_no_room(trio: Fleet) -> None:
    signal = await trio.publish(WHO)
    await trio.level("a.demo", ["b.demo"])
    await starve(trio, "b.demo")
    await requests_of(trio, "b.demo").open(asked(RequestKind.OBJECTION, WHO), SHOP)

    assert await status_at(trio, "b.demo", signal) is SignalStatus.DISPUTED


async def test_an_own_ban_ends_in_time_where_there_is_no_room(
    alone: Fleet,
) -> None:
    node = alone["a.demo"]
    ban = request_for(WHO, scope=Scope.SELF)
    await node.services.signals.add(ban, ANNA)
    await starve(alone, "a.demo")
    alone.clock.advance(timedelta(days=3_650))
    await expire_signals(node.desk)

    with pytest.raises(NoRoomError):
        await node.services.signals.add(ban, ANNA)
    assert len(await alone.audit("a.demo", "signal.expired")) == 1
    assert (await node.services.node.status()).own_bans == 0


@pytest.fixture
async def staffed(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give one node that runs, with the people who look after its audit log."""
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    await fleet.start("a.demo")
    yield fleet
    await fleet.close()


async def test_two_people_erase_an_account_where_there_is_no_room(
    staffed: Fleet,
) -> None:
    services = staffed["a.demo"].services
    await staffed.look_up("a.demo", WHO)
    await starve(staffed, "a.demo")
    request = EraseRequest(subject_ref="account-1", reason="ticket:1")
    ask = await services.keeping.erasure.ask(request, DORA)
    await services.staff.approvals.approve(ask.act, bytes.fromhex(ask.digest), RUTH)
    (looked,) = await staffed.audit("a.demo", "lookup")

    assert "account-1" not in looked.text
    assert len(await staffed.audit("a.demo", "audit.erased")) == 1
    with pytest.raises(NoRoomError):
        await services.audits.verify(LOCAL)


async def test_a_new_node_starts_where_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = await make(tmp_path / "one", "a.demo")
    await asyncio.to_thread(fleet.place("a.demo").reserve.unlink, missing_ok=True)
    monkeypatch.setattr("fedsafe_node.store.reserve.free_bytes", lambda _: 0)
    await fleet.start("a.demo")
    try:
        status = await fleet["a.demo"].services.node.status()
    finally:
        await fleet.close()

    assert (status.disk, status.not_approved) == ("full", [])


async def test_a_login_with_an_old_hash_succeeds_where_there_is_no_room(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.found()
    await house.fleet.stop("a.demo")
    dearer = dataclasses.replace(CHEAPEST, time_cost=CHEAPEST.time_cost + 1)
    monkeypatch.setattr(
        "fedsafe_node.app.container.Passwords", lambda: Passwords(dearer)
    )
    await house.fleet.start("a.demo")
    await starve(house.fleet, "a.demo")
    token = await house.log_in("olaf")
    store, passwords = house.fleet["a.demo"].base.store, Passwords(dearer)
    person = await store.read(lambda reader: reader.person_named("olaf"))

    assert token.startswith("fs2_")
    assert person is not None
    assert not passwords.is_outdated(person.password or "")
