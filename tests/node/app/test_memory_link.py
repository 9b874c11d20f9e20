# SPDX-License-Identifier: Apache-2.0
"""Tables go from one process to all others, and to those that start later."""

import asyncio
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from tests.support.fleet import eventually

from fedsafe_node.app.memory_link import MemoryHub, MemoryLink
from fedsafe_node.lookup.index.pdq_memory import Memory
from fedsafe_node.lookup.index.pdq_tables import Tables

COLUMNS = np.random.default_rng(1).integers(0, 1 << 64, (4, 50), np.uint64)


def some_tables(count: int = 50, *, shared: bool = True) -> Tables:
    make = Memory.shared if shared else Memory.private
    ids = np.arange(1, count + 1, dtype=np.uint32)
    return Tables(ids, COLUMNS[:, :count], make)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


class Heard:
    """A process that adopts what it gets."""

    def __init__(self, hub: MemoryHub, number: int) -> None:
        self.link = MemoryLink(hub.open(number))
        self.rows: list[tuple[int, ...]] = []
        self.came = asyncio.Event()
        self.link.follow(self._adopt)

    def _adopt(self, tables: Sequence[Tables], through: int) -> None:
        self.rows.append((through, *(len(each.ids) for each in tables)))
        self.came.set()


async def test_all_others_get_what_one_shares() -> None:
    hub = MemoryHub()
    first, second = Heard(hub, 0), Heard(hub, 1)

    first.link.share([some_tables(), some_tables(7)], 60)
    await second.came.wait()
    first.link.close()
    third = Heard(hub, 2)
    anew = Heard(hub, 0)

    async def told() -> bool:  # out of the parent's hands
        return third.rows == anew.rows == [(60, 50, 7)]

    await eventually(told)
    second.came.clear()
    third.link.share([some_tables(9)], 70)
    await second.came.wait()

    assert second.rows == [(60, 50, 7), (70, 9)]
    assert third.rows == [(60, 50, 7)]
    for each in (second, third, anew):
        each.link.close()
    hub.close()


async def test_a_parent_that_is_gone_harms_nobody() -> None:
    hub = MemoryHub()
    one = Heard(hub, 0)
    hub.close()
    await asyncio.sleep(0)

    one.link.share([some_tables()], 60)
    one.link.share([some_tables(shared=False)], 60)
    one.link.close()

    assert one.rows == []


async def test_nothing_waits_for_a_process_that_can_still_be_read() -> None:
    hub = MemoryHub()
    first = Heard(hub, 0)
    early = hub.open(1)
    first.link.share([some_tables()], 60)
    second = Heard(hub, 2)
    late = hub.open(3)
    await second.came.wait()
    for end in (early, late):
        end.settimeout(0)
        with pytest.raises(BlockingIOError):
            end.recv(1)
    there = MemoryLink(early)
    rows = list[int]()
    there.follow(lambda _, through: rows.append(through))

    async def told() -> bool:
        return rows == [60]

    await eventually(told)
    for each in (first.link, second.link, there):
        each.close()
    late.close()
    hub.close()


def memories() -> list[Path]:
    found = list[Path]()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the folder itself
            if "fedsafe-pictures" in str(each.readlink()):
                found.append(each)
    return found


async def test_no_program_that_is_started_gets_the_memory() -> None:
    hub = MemoryHub()
    one, other = Heard(hub, 0), MemoryLink(hub.open(1))
    held = list[Sequence[Tables]]()
    other.follow(lambda tables, _: held.append(tables))
    before, tables = len(memories()), some_tables()
    one.link.share([tables], 60)

    async def has_come() -> bool:
        return bool(held)

    await eventually(has_come)
    made = memories()
    assert len(made) == before + 5  # both, with one of the mapping's, and the parent's
    assert not any(os.get_inheritable(int(each.name)) for each in made)
    for each in (one.link, other):
        each.close()
    hub.close()


async def test_no_descriptor_is_left(caplog: pytest.LogCaptureFixture) -> None:
    before = descriptors()
    hub = MemoryHub()
    one, other = Heard(hub, 0), Heard(hub, 1)
    for number in range(3):
        one.link.share([some_tables(number + 1)], number)
        await other.came.wait()
        other.came.clear()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    liar = MemoryLink(theirs)
    liar.follow(lambda _tables, _through: None)
    tables = some_tables()
    memory = tables.memory.descriptor
    assert memory is not None
    socket.send_fds(ours, [b"\x92\x05\x91\xcd\x02\x00"], [memory])  # 512 rows
    socket.send_fds(ours, [b"\x92\x05\x92\x32\x32"], [memory])  # one is missing

    async def refused() -> bool:
        return caplog.text.count("pictures not taken") == 2

    await eventually(refused)

    for each in (one.link, other.link, liar):
        each.close()
    ours.close()
    hub.close()
    assert other.rows == [(0, 1), (1, 2), (2, 3)]
    del tables
    assert descriptors() == before
