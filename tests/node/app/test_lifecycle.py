# SPDX-License-Identifier: Apache-2.0
"""Starting and stopping whole nodes, and what they say of themselves."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import NAMES, Fleet, copy_of, eventually
from tests.support.fleet_stores import FLEET_STORES
from tests.support.lookup_socket import QUESTION, lookup_socket

from fedsafe_federation.charter.charter import LONGEST_EPOCH, Charter, SignedCharter
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.people import NewAccountRequest
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.errors import (
    ConfigError,
    LooseKeyFileError,
    MembershipError,
    SealBrokenError,
    StoreBusyError,
    StoreFailedError,
)
from fedsafe_node.keys.charter_chain import CHARTER_DOCUMENT, read_chain
from fedsafe_node.operations.offline_inspect import unfit_charter
from fedsafe_node.people.accounts import invite
from fedsafe_node.store.people_rows import PersonState
from fedsafe_node.store.rows import GateRow

WHO = "somebody@mail.example"


def loosen(path: Path) -> None:
    path.chmod(0o644)


def spoil(path: Path) -> None:
    path.write_text("no key")


async def test_a_node_with_a_loose_key_file_does_not_start(fleet: Fleet) -> None:
    key = fleet.place("a.demo").keys / "feed.key"
    await asyncio.to_thread(loosen, key)

    with pytest.raises(LooseKeyFileError, match=r"feed\.key.*0644.*chmod 600"):
        await fleet.start("a.demo")


async def test_a_node_that_lost_the_key_of_authenticators_does_not_start(
    fleet: Fleet,
) -> None:
    await fleet.start("a.demo")
    office = fleet["a.demo"].base.office
    row, _ = invite(NewAccountRequest(name="anna", display="Anna"), office.now())
    totp = office.vault.seal(row.id, b"secret")
    sealed = replace(
        row,
        state=PersonState.ACTIVE,
        password="-",
        totp=totp,
        code_hash=None,
        code_until=None,
    )
    await office.store.write(lambda tx: tx.add_person(sealed))
    await fleet.stop("a.demo")
    await asyncio.to_thread((fleet.place("a.demo").keys / "people.key").unlink)

    with pytest.raises(SealBrokenError, match=r"people\.key"):
        await fleet.start("a.demo")


async def test_a_node_without_a_custody_key_does_not_start(fleet: Fleet) -> None:
    await asyncio.to_thread(spoil, fleet.place("a.demo").directory / "custody.pub")

    with pytest.raises(ConfigError, match="custody"):
        await fleet.start("a.demo")


async def test_a_node_whose_charter_was_changed_does_not_start(fleet: Fleet) -> None:
    await fleet.start("a.demo")
    store = fleet["a.demo"].base.store
    await store.write(lambda tx: tx.put_document(CHARTER_DOCUMENT, b"{}"))
    await fleet.stop("a.demo")

    with pytest.raises(MembershipError):
        await fleet.start("a.demo")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"threshold": 1}, "from 2 to 2 of 3, not 1"),
        ({"threshold": 3}, "from 2 to 2 of 3, not 3"),
        ({"ends": LONGEST_EPOCH + 1}, "within 366 days"),
        ({"pins": 2}, "3 share holders at least, not 2"),
    ],
)
async def test_a_node_whose_charter_shares_a_key_badly_does_not_start(
    fleet: Fleet, changes: dict[str, int], why: str
) -> None:
    await fleet.start("a.demo")
    store = fleet["a.demo"].base.store
    [document] = await store.read(read_chain)
    charter = decode(document.payload, Charter)
    entry = charter.newest
    said: dict[str, object] = {**changes}
    if "ends" in changes:
        said["ends"] = entry.starts + changes["ends"]
    if "pins" in changes:
        said["pins"] = entry.pins[:2]
        charter = replace(charter, members=charter.members[:2], next_index=3)
    bad = encode(replace(charter, epochs=[replace(entry, **said)]))
    signed = SignedCharter([replace(e, payload=bad) for e in document.signatures])
    await store.write(lambda tx: tx.put_document(CHARTER_DOCUMENT, encode(signed)))
    await fleet.stop("a.demo")
    place = fleet.place("a.demo")
    config = await asyncio.to_thread(load_config, place)

    with pytest.raises(MembershipError, match=why):
        await fleet.start("a.demo")
    assert why in str(await unfit_charter(place, config))


async def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_a_start_that_fails_lets_go_of_everything(fleet: Fleet) -> None:
    await fleet.start("a.demo")
    with pytest.raises(ConfigError if FLEET_STORES.on_server else StoreBusyError):
        await Fleet(fleet.root, fleet.clock).start("a.demo")
    await fleet.stop("a.demo")
    config = await asyncio.to_thread(load_config, fleet.place("a.demo"))
    listen = config.listen
    server = await asyncio.start_server(_hang_up, listen.host, listen.port)
    async with server:
        with pytest.raises(ConfigError, match="in use"):
            await fleet.start("a.demo")
    await fleet.start("a.demo")

    assert fleet["a.demo"].server.port is not None


async def test_a_node_answers_on_both_listeners(trio: Fleet) -> None:
    url = trio["a.demo"].base.config.url
    path = str(trio.place("a.demo").socket)
    async with (
        aiohttp.ClientSession() as network,
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(path)) as local,
    ):
        for session, base in ((network, url), (local, "http://localhost")):
            async with session.get(base + "/v1/health") as answer:
                body = await answer.json()
                assert (answer.status, body["status"]) == (200, "ok")


async def test_a_node_opens_a_socket_for_lookups_and_removes_it(fleet: Fleet) -> None:
    with lookup_socket(fleet.place("a.demo")) as path:
        await fleet.start("a.demo")
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as shop,
            shop.post("http://node/v1/lookup", json=QUESTION) as answer,
        ):
            body = await answer.json()
        await fleet.stop("a.demo")

        assert (answer.status, body["code"]) == (401, "unauthenticated")
        assert not await asyncio.to_thread(path.exists)


async def test_a_group_that_is_missing_stops_the_start(fleet: Fleet) -> None:
    place = fleet.place("a.demo")
    with lookup_socket(place):
        config = await asyncio.to_thread(load_config, place)
        assert config.lookup.socket is not None
        missing = replace(config.lookup.socket, group="nix-da")
        lookup = replace(config.lookup, socket=missing)

        with pytest.raises(ConfigError, match="no group nix-da"):
            await RunningNode.start(place, replace(config, lookup=lookup), fleet.clock)
        assert not await asyncio.to_thread(place.socket.exists)


async def test_every_start_is_written_down(fleet: Fleet) -> None:
    for _ in range(2):
        await fleet.start("a.demo")
        await fleet.stop("a.demo")
    await fleet.start("a.demo")

    assert len(await fleet.audit("a.demo", "node.started")) == 4


async def test_own_bans_and_signals_outlive_a_restart(trio: Fleet) -> None:
    await trio["b.demo"].services.signals.add(request_for(WHO), ANNA)
    await trio.publish(WHO)
    await trio.stop("b.demo")
    await trio.start("b.demo")
    answer = await trio.look_up("b.demo", WHO)

    assert {match.origin for match in answer.matches} == {"a.demo", "b.demo"}


async def test_a_gate_record_is_read_at_start(fleet: Fleet) -> None:
    await fleet.start("a.demo")
    row = GateRow(
        id="g1",
        record=b'{"dpia":"DPIA-7"}',
        valid_until=0,
        recorded_at=0,
        recorded_by="x",
    )
    await fleet["a.demo"].base.store.write(lambda tx: tx.add_gate(row))
    await fleet.stop("a.demo")
    await fleet.start("a.demo")
    gate = fleet["a.demo"].base.situation.gate

    assert gate is not None
    assert gate.dpia == "DPIA-7"
    assert fleet["a.demo"].base.situation.site.gate == gate


async def test_a_lost_index_is_built_again(trio: Fleet) -> None:
    await trio.publish(WHO)
    await trio.stop("b.demo")
    await asyncio.to_thread(remove_files, trio.place("b.demo").index)
    await trio.start("b.demo")

    assert (await trio.look_up("b.demo", WHO)).matches


def remove_files(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


# --- what a node says of itself


async def test_the_status_tells_a_federation_at_a_glance(trio: Fleet) -> None:
    await trio["b.demo"].services.signals.add(request_for(WHO), ANNA)
    await trio.publish(WHO)
    trio["b.demo"].base.situation.coverage.suspended.add("c.demo")
    status = await trio["b.demo"].services.node.status()
    peers = {peer.name: peer for peer in status.peers}

    assert (status.node, status.federation) == ("b.demo", "demo#1")
    assert (status.members, status.threshold, status.epoch) == (3, 2, 1)
    assert (status.signals, status.own_bans, status.drafts) == (2, 1, 0)
    assert status.policy.startswith("synthetic@")
    assert "libsodium" in status.sodium
    assert peers["a.demo"].cursor == 1
    assert peers["a.demo"].covered
    assert peers["c.demo"].suspended
    assert not peers["c.demo"].covered


async def test_after_a_restart_a_silent_peer_shows_when_it_was_last_seen(
    trio: Fleet,
) -> None:
    await trio.publish(WHO)
    await trio.stop(*NAMES)
    await trio.start("b.demo")
    status = await trio["b.demo"].services.node.status()

    assert status.peers[0].synced_at == "2026-11-24T12:00:00+00:00"
    assert not status.peers[0].covered


async def test_a_node_alone_has_a_status_too(alone: Fleet) -> None:
    status = await alone["a.demo"].services.node.status()

    assert (status.federation, status.threshold, status.epoch) == (None, None, None)
    assert (status.members, status.peers) == (1, [])


async def test_checks_name_what_is_wrong(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = trio["b.demo"]
    well = await node.services.node.checks()

    async def fail(_act: object) -> None:
        raise StoreFailedError("disk full")

    monkeypatch.setattr(node.base.store, "write", fail)
    node.base.situation.coverage.suspended.add("c.demo")
    ill = await node.services.node.checks()
    monkeypatch.undo()

    assert well == {"store": "ok", "disk": "ok"}
    assert ill == well | {"store": "failing", "feed of c.demo": "suspended"}


# --- the process


NOT_AT_START = (
    "PIL",  # pictures
    "ada_url",
    "asyncssh",  # carriers of packages
    "fedsafe_cli.demo",
    "fedsafe_node.operations.backup",
    "fedsafe_node.operations.move",
    "jsonschema",
    "numpy",
    "phonenumbers",
    "psycopg",  # a store on a server
    "pypdf",
    "sqlite_utils",
    "unittest",
    "yaml",
)
"""What a node on the embedded store loads when it first needs it."""


def test_a_process_runs_until_it_is_told_to_stop_and_loads_no_more_than_it_needs(
    founded: Path, tmp_path: Path
) -> None:
    place = copied(founded, tmp_path)
    code = (
        "import gc, sys; from pathlib import Path; "
        "from fedsafe_node.app.run import run; "
        "from fedsafe_node.ground.config import Place; run(Place(Path(sys.argv[1]))); "
        "print(gc.isenabled(), *(name for name in sys.argv[2:] if name in sys.modules))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(place), *NOT_AT_START],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_for(place / "node.sock")
        process.send_signal(signal.SIGTERM)
        loaded, log = process.communicate(timeout=20)
    finally:
        process.kill()

    assert process.returncode == 0
    assert b"stopped" in log
    assert loaded == b"True\n"
    assert not (place / "node.sock").exists()


def copied(founded: Path, tmp_path: Path) -> Path:
    fleet = copy_of(founded, tmp_path / "n")
    return fleet.place("a.demo").directory


def wait_for(path: Path) -> None:
    async def there() -> bool:
        return await asyncio.to_thread(path.exists)

    asyncio.run(eventually(there))
