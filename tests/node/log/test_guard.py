# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.support.databases import Behind

from fedsafe_node.ground.errors import CorruptLogError, NodeError, RolledBackError
from fedsafe_node.ground.faults import FaultPoint, Faults
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.guard import Guard
from fedsafe_node.store.protocol import Store

FEED = "a.demo/feed"
ROOT = bytes(range(32))
OpenStore = Callable[..., Awaitable[Store]]


async def append(store: Store, *records: bytes) -> None:
    for record in records:
        await append_one(store, record)


async def append_one(store: Store, record: bytes) -> int:
    return await store.write(lambda tx: tx.append(FEED, record))


async def keep_head(store: Store, directory: Path) -> Guard:
    head = await LogEngine(store).head(FEED)
    guard = await asyncio.to_thread(Guard, directory)
    await asyncio.to_thread(guard.keep, FEED, head.size, head.root)
    return await asyncio.to_thread(Guard, directory)


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    guard = Guard(tmp_path / "guard")
    guard.keep(FEED, 5, bytes(32))
    guard.keep(FEED, 7, ROOT)
    guard.keep("a.demo/audit", 9, ROOT)

    again = Guard(tmp_path / "guard")

    kept = again.kept(FEED)
    assert kept is not None
    assert (kept.log, kept.size, kept.root) == (FEED, 7, ROOT.hex())
    assert again.kept("b.demo/feed") is None
    assert sorted(path.name for path in (tmp_path / "guard").iterdir()) == [
        "a.demo%2Faudit.checkpoint",
        "a.demo%2Ffeed.checkpoint",
    ]


def test_a_guard_never_goes_back(tmp_path: Path) -> None:
    guard = Guard(tmp_path)
    guard.keep(FEED, 7, ROOT)
    guard.keep(FEED, 7, ROOT)

    for size, root in ((6, ROOT), (7, bytes(32))):
        with pytest.raises(RolledBackError, match="7 entries has left"):
            guard.keep(FEED, size, root)
    with pytest.raises(NodeError, match="32 bytes"):
        guard.keep(FEED, 8, b"short")
    assert guard.kept(FEED) == Guard(tmp_path).kept(FEED)


def test_two_processes_never_take_the_guard_back(tmp_path: Path) -> None:
    one, other = (Guard(tmp_path, shared=True) for _ in range(2))
    known = other.known(FEED)
    one.keep(FEED, 9, ROOT, known=0)

    other.keep(FEED, 7, bytes(32), known=known)

    kept = Guard(tmp_path).kept(FEED)
    assert kept is not None
    assert kept.size == 9
    assert other.sizes == {FEED: 9}


def test_a_log_that_fell_behind_what_was_known_is_refused(tmp_path: Path) -> None:
    one, other = (Guard(tmp_path, shared=True) for _ in range(2))
    one.keep(FEED, 9, ROOT, known=0)
    other.follow()

    with pytest.raises(RolledBackError, match="9 entries has left"):
        other.keep(FEED, 7, bytes(32), known=other.known(FEED))


def test_another_tree_of_one_size_is_refused_whoever_kept_it(tmp_path: Path) -> None:
    one, other = (Guard(tmp_path, shared=True) for _ in range(2))
    one.keep(FEED, 9, ROOT, known=0)

    with pytest.raises(RolledBackError):
        other.keep(FEED, 9, bytes(32), known=0)


def test_what_is_being_kept_is_no_odd_file(tmp_path: Path) -> None:
    odd: list[str | None] = []

    class Look(Faults):
        def reach(self, point: FaultPoint) -> None:
            assert point.value.startswith("guard.")
            odd.append(guard.odd_file())

    guard = Guard(tmp_path / "guard", faults=Look())
    for size in (5, 7):
        guard.keep(FEED, size, ROOT)
    (path,) = (tmp_path / "guard").iterdir()
    path.write_bytes(path.read_bytes().replace(b"7", b"9"))

    assert odd == [None] * 4
    assert guard.odd_file() == path.name


def test_what_another_process_kept_is_no_odd_file(tmp_path: Path) -> None:
    one, other = (Guard(tmp_path, shared=True) for _ in range(2))
    one.keep(FEED, 7, ROOT, known=0)
    other.follow()
    one.keep(FEED, 9, ROOT, known=7)

    assert other.odd_file() is None
    other.follow()
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b":9,", b":8,"))
    assert other.odd_file() == path.name


def test_another_process_keeps_its_draft(tmp_path: Path) -> None:
    draft = tmp_path / ".a.demo%2Ffeed.checkpoint.0a0b"
    draft.write_bytes(b"being written")

    Guard(tmp_path, tidy=False)

    assert draft.exists()


def test_a_guard_that_cannot_write_says_so(tmp_path: Path) -> None:
    guard = Guard(tmp_path / "guard")
    (tmp_path / "guard").rmdir()

    with pytest.raises(NodeError, match=r"guard of a\.demo/feed"):
        guard.keep(FEED, 7, ROOT)
    assert guard.kept(FEED) is None


def test_a_broken_guard_is_refused_and_a_draft_swept_away(tmp_path: Path) -> None:
    (tmp_path / ".x.checkpoint.0a").write_bytes(b"half")
    Guard(tmp_path)
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "x.checkpoint").write_bytes(b"half")
    with pytest.raises(CorruptLogError, match="can't be read"):
        Guard(tmp_path)


@pytest.mark.parametrize("more", [b" ", b"\n"])
def test_a_guard_file_is_as_the_guard_wrote_it(tmp_path: Path, more: bytes) -> None:
    Guard(tmp_path).keep(FEED, 7, ROOT)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + more)

    with pytest.raises(CorruptLogError, match="written by another"):
        Guard(tmp_path)


async def test_a_database_that_went_on_starts(
    open_node_store: OpenStore, tmp_path: Path
) -> None:
    store = await open_node_store()
    await append(store, b"0", b"1")
    guard = await keep_head(store, tmp_path / "guard")
    await append(store, b"2")

    store = await open_node_store(guard=guard)

    assert (await LogEngine(store).head(FEED)).size == 3


async def test_a_database_that_was_put_back_is_refused(
    open_node_store: OpenStore, behind: Behind, tmp_path: Path
) -> None:
    store = await open_node_store()
    await append(store, b"0", b"1")
    await store.close()
    await asyncio.to_thread(behind.keep)
    store = await open_node_store()
    await append(store, b"2")
    guard = await keep_head(store, tmp_path / "guard")
    await store.close()
    await asyncio.to_thread(behind.put_back)

    with pytest.raises(RolledBackError, match=r"only 2 entries.*bring back the newest"):
        await open_node_store(guard=guard)

    store = await open_node_store()  # the lock was given back
    await append(store, b"another")
    with pytest.raises(RolledBackError, match="holds other entries"):
        await open_node_store(guard=guard)
