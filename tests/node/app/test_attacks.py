# SPDX-License-Identifier: Apache-2.0
"""What may happen to a node's directory and process from outside."""

import asyncio
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.node.signals.conftest import BOT, request_for
from tests.support.fleet import Fleet

from fedsafe_node.acts.bodies import ImportRequest
from fedsafe_node.ground.errors import (
    ConfigError,
    NodeError,
    StoreBusyError,
    StoreError,
)
from fedsafe_node.store.rows import GateRow, SignalRow
from fedsafe_policies.vocabulary import Purpose

MANY = 400


async def signals_of(fleet: Fleet) -> list[SignalRow]:
    store = fleet["a.demo"].base.store
    return await store.scan(lambda reader: reader.signals_after(0, 10_000))


@pytest.mark.embedded  # on a server, whoever runs the process is the sole one
async def test_a_second_process_touches_nothing_of_the_first(alone: Fleet) -> None:
    place = alone.place("a.demo")
    drafts = [place.guard / ".x.checkpoint.1", place.periods / ".2026-12.key.1"]
    for draft in drafts:  # as the first has them for a moment while it writes
        await asyncio.to_thread(draft.touch, 0o600)
    second = Fleet(alone.root, alone.clock)

    with pytest.raises(StoreBusyError):
        await second.start("a.demo")
    for draft in drafts:
        assert await asyncio.to_thread(draft.exists)
    assert (await alone["a.demo"].services.audits.verify(BOT)).ok


@pytest.mark.embedded  # on a server, whoever runs the process is the sole one
async def test_a_store_reached_by_another_path_is_busy_too(
    alone: Fleet, tmp_path: Path
) -> None:
    await asyncio.to_thread((tmp_path / "again").symlink_to, alone.root)

    with pytest.raises(StoreBusyError):
        await Fleet(tmp_path / "again", alone.clock).start("a.demo")


@pytest.mark.parametrize("answered", [True, False])
async def test_a_stop_during_an_import_keeps_all_of_it_or_nothing(
    alone: Fleet, *, answered: bool
) -> None:
    socket_path = str(alone.place("a.demo").socket)
    people = [request_for(f"p{number}@mail.example") for number in range(MANY)]
    body = msgspec.json.encode(ImportRequest(signals=people))
    connector, sent = aiohttp.UnixConnector(socket_path), asyncio.Event()
    trace = aiohttp.TraceConfig()

    async def tell(*_: object) -> None:
        sent.set()

    trace.on_request_chunk_sent.append(tell)
    async with aiohttp.ClientSession(
        connector=connector,
        headers={"Content-Type": "application/json"},
        trace_configs=[trace],
    ) as session:
        request = asyncio.create_task(
            session.post("http://node/v1/signals/import", data=body)
        )
        await (request if answered else sent.wait())
        await alone.stop("a.demo")
        result = (await asyncio.gather(request, return_exceptions=True))[0]
    await alone.start("a.demo")
    kept = await signals_of(alone)

    told = isinstance(result, aiohttp.ClientResponse) and result.status == 200
    assert len(kept) in ({MANY} if told else {0, MANY})
    assert told or not answered
    assert (await alone["a.demo"].services.audits.verify(BOT)).ok


@pytest.mark.parametrize("target", ["file", "nowhere", "socket"])
async def test_a_link_at_the_sockets_place_is_left_alone(
    alone: Fleet, tmp_path: Path, target: str
) -> None:
    await alone.stop("a.demo")
    path, aim = alone.place("a.demo").socket, tmp_path / "aim"
    if target == "file":
        await asyncio.to_thread(aim.write_text, "mine")
    if target == "socket":
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(aim))
    await asyncio.to_thread(path.symlink_to, aim)

    with pytest.raises(ConfigError, match="is no socket"):
        await alone.start("a.demo")
    assert await asyncio.to_thread(path.is_symlink)
    if target == "file":
        assert await asyncio.to_thread(aim.read_text) == "mine"


async def test_a_socket_that_a_killed_node_left_is_replaced(alone: Fleet) -> None:
    await alone.stop("a.demo")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(alone.place("a.demo").socket))
    await alone.start("a.demo")

    assert (await alone["a.demo"].services.node.checks())["store"] == "ok"


@pytest.mark.embedded
async def test_an_entry_that_the_node_did_not_write_stops_its_writing(
    alone: Fleet,
) -> None:
    database = alone.place("a.demo").database

    def add() -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(
                "INSERT INTO entries SELECT log, max(idx) + 1, record "
                "FROM entries WHERE log = 1"
            )

    await asyncio.to_thread(add)
    answer = await alone["a.demo"].services.audits.verify(BOT)

    assert "did not write" in str(answer.logs[0].why)
    with pytest.raises(StoreError):
        await alone["a.demo"].services.audits.events(0, 10, BOT, Purpose.AUDIT_REVIEW)


async def test_an_index_of_another_node_is_built_anew(
    alone: Fleet, founded: Path
) -> None:
    node = alone["a.demo"]
    await node.services.signals.add(request_for("p@mail.example"), BOT)
    await asyncio.to_thread(node.base.lists.tokens.merge)
    await alone.stop("a.demo")
    index = alone.place("a.demo").index
    await asyncio.to_thread(shutil.rmtree, index)
    await asyncio.to_thread(shutil.copytree, founded / "a.demo" / "index", index)
    await alone.start("a.demo")

    assert (await alone.look_up("a.demo", "p@mail.example")).result.value == "review"


def turn_into_text(database: Path, column: str, table: str) -> None:
    """Change cells to a type that the schema forbids, as a flipped bit does."""
    connection = sqlite3.connect(database, isolation_level=None)
    names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for (name,) in names.fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    swap = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ?"
    for old, new in (("STRICT", "/*S*/"), ("/*S*/", "STRICT")):
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(swap, (f") {old}", f") {new}", table))
        if new == "/*S*/":
            # A table needs at least one option behind the comma.
            connection.execute(swap, (") /*S*/, W", ") /*S*/  W", table))
        else:
            connection.execute(swap, (") STRICT  W", ") STRICT, W", table))
        connection.close()
        connection = sqlite3.connect(database, isolation_level=None)
        if new == "/*S*/":
            sql = f"UPDATE {table} SET {column} = CAST('text' AS TEXT)"  # noqa: S608
            connection.execute(sql)
    connection.close()


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("column", "table"),
    [("record", "entries"), ("value", "meta"), ("record", "gate")],
)
async def test_cells_of_another_type_are_refused_in_the_stores_own_words(
    alone: Fleet, column: str, table: str
) -> None:
    gate = GateRow(id="g", record=b"{}", valid_until=0, recorded_at=0, recorded_by="x")
    await alone["a.demo"].base.store.write(lambda tx: tx.add_gate(gate))
    await alone.stop("a.demo")
    database = alone.place("a.demo").database
    await asyncio.to_thread(turn_into_text, database, column, table)

    with pytest.raises(NodeError):
        await alone.start("a.demo")


async def test_an_error_of_ours_is_not_taken_for_damage(alone: Fleet) -> None:
    store = alone["a.demo"].base.store

    async def wrong(_: object) -> None:
        raise TypeError("ours")

    for ask in (store.read, store.scan, store.write):
        with pytest.raises(TypeError, match="ours"):
            await ask(wrong)
