# SPDX-License-Identifier: Apache-2.0
import asyncio
import re
import shutil
from pathlib import Path

import pytest
from tests.support.changed_rows import CHANGE_NEWEST, DROP_NEWEST, NEWEST, run_sql
from tests.support.databases import Behind
from tests.support.fleet import Fleet, make
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.errors import ForeignStoreError, RolledBackError
from fedsafe_node.operations.offline_inspect import Examined, examine_node

OLD = CHANGE_NEWEST.replace(NEWEST, "0")
CHANGE_SECOND = CHANGE_NEWEST.replace(NEWEST, "1")


async def stopped(fleet: Fleet) -> Behind:
    await fleet.stop("a.demo")
    return FLEET_STORES.behind(fleet.place("a.demo"))


async def examine(fleet: Fleet) -> dict[str, Examined]:
    place = fleet.place("a.demo")
    config = await asyncio.to_thread(load_config, place)
    found = await examine_node(place, config)
    return {examined.part: examined for examined in found}


def everything(directory: Path) -> dict[str, bytes]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return {
        str(path): path.read_bytes()
        for path in files
        if path.suffix not in {".db-shm", ".db-wal"}  # SQLite's own, made by reading
    }


async def test_a_store_that_nobody_touched_adds_up_and_is_left_alone(
    alone: Fleet,
) -> None:
    await stopped(alone)
    before = await asyncio.to_thread(everything, alone.root)
    found = await examine(alone)

    assert not [each for each in found.values() if each.wrong]
    assert found["log a.demo/audit"].size > 1
    assert found["seal"].size > 1
    assert await asyncio.to_thread(everything, alone.root) == before


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (OLD, "does not fit the record"),
        (CHANGE_NEWEST, "the entries are not those that the guard had"),
        (DROP_NEWEST, "entries are missing that the guard had"),
    ],
    ids=["old", "newest", "gone"],
)
async def test_where_a_log_is_damaged_is_said_though_the_node_does_not_start(
    alone: Fleet, sql: str, why: str
) -> None:
    await asyncio.to_thread(run_sql, await stopped(alone), sql)
    found = await examine(alone)

    with pytest.raises(RolledBackError):
        await alone.start("a.demo")
    assert why in str(found["log a.demo/audit"].wrong)
    assert re.match(r"damaged .*entr(y|ies) \d+", str(found["log a.demo/audit"].wrong))


async def test_a_changed_entry_is_found_by_its_openings_or_else_its_span(
    alone: Fleet,
) -> None:
    behind = await stopped(alone)
    newest = await asyncio.to_thread(run_sql, behind, CHANGE_SECOND)
    found = await examine(alone)
    await asyncio.to_thread(shutil.rmtree, alone.place("a.demo").periods)
    without = await examine(alone)

    wrong = str(found["log a.demo/audit"].wrong)
    assert re.match("damaged at entry 1: the opening of .* does not fit", wrong), wrong
    span = f"damaged somewhere in the entries 0 to {newest}: the entries are not those"
    assert str(without["log a.demo/audit"].wrong).startswith(span)
    with pytest.raises(RolledBackError, match=r"altered.*fedsafe doctor.*operate\.md"):
        await alone.start("a.demo")


@pytest.mark.embedded
async def test_a_file_with_damaged_pages_is_named(alone: Fleet) -> None:
    await stopped(alone)
    database = alone.place("a.demo").database
    data = bytearray(await asyncio.to_thread(database.read_bytes))
    data[4096:8192] = bytes(4096)
    await asyncio.to_thread(database.write_bytes, data)
    found = await examine(alone)

    assert found["database"].wrong


@pytest.mark.embedded
async def test_no_database_and_a_broken_guard_are_named(alone: Fleet) -> None:
    await stopped(alone)
    database = alone.place("a.demo").database
    (kept, *_) = await asyncio.to_thread(
        lambda: list(alone.place("a.demo").guard.iterdir())
    )
    await asyncio.to_thread(kept.write_bytes, b"{}")
    broken = await examine(alone)
    await asyncio.to_thread(database.unlink)
    gone = await examine(alone)

    assert list(broken) == ["guard"]
    assert str(gone["database"].wrong) == "there is none"


@pytest.mark.embedded
async def test_a_database_of_another_node_is_refused(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "two", "a.demo", "b.demo")
    await fleet.start("a.demo", "b.demo")
    await fleet.close()
    here, there = fleet.place("a.demo"), fleet.place("b.demo")
    await asyncio.to_thread(shutil.copy, there.database, here.database)
    found = await examine(fleet)

    with pytest.raises(RolledBackError):
        await fleet.start("a.demo")
    await asyncio.to_thread(shutil.rmtree, here.guard)
    with pytest.raises(ForeignStoreError, match=r"not that of a\.demo"):
        await fleet.start("a.demo")
    assert "it holds b.demo/audit" in str(found["database"].wrong)


async def test_what_does_not_fit_the_seal_is_named(alone: Fleet) -> None:
    behind, key = await stopped(alone), alone.place("a.demo").keys / "own.key"
    await asyncio.to_thread(behind.change, "UPDATE credentials SET role = 'auditor'")
    await asyncio.to_thread(key.write_bytes, bytes(96))
    found = await examine(alone)

    assert "seal" not in found
    assert found["credentials"].wrong
    assert str(found["keys"].wrong) == "own.key: the file is not as it was sealed"


async def test_a_damaged_key_of_the_seal_is_named(alone: Fleet) -> None:
    await stopped(alone)
    key = alone.place("a.demo").keys / "seal.key"
    await asyncio.to_thread(key.write_bytes, bytes(32))
    other = await examine(alone)
    await asyncio.to_thread(key.write_bytes, b"")
    empty = await examine(alone)

    assert "keys/seal.key" in str(other["seal"].wrong)
    assert "seal.key" in str(empty["keys"].wrong)
