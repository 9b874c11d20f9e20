# SPDX-License-Identifier: Apache-2.0
"""Pictures at start: out of files, out of the store, and while they are loaded."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from secrets import token_bytes

import pytest
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.fleet import Fleet, eventually, make

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import Kind, RevokeRequest
from fedsafe_node.acts.lookup import Result
from fedsafe_node.app.lifecycle import RunningNode
from fedsafe_node.ground.config import Place
from fedsafe_node.lookup.index.pdq import PdqIndex
from fedsafe_node.lookup.index.picture_keeper import PictureKeeper
from fedsafe_policies.vocabulary import Scope

NODE = "a.demo"
FEW = 4
PICTURES = [token_bytes(32).hex() for _ in range(FEW + 2)]


@pytest.fixture
async def fleet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Fleet]:
    """Give a node with an outside key, which makes tables of more than FEW pictures."""
    defaults = PdqIndex.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "few", FEW)
    fleet = await make(tmp_path / "nodes", NODE)
    await asyncio.to_thread(name_key, fleet.place(NODE), tmp_path / "outside.key")
    await fleet.start(NODE)
    yield fleet
    await fleet.close()


def name_key(place: Place, path: Path) -> None:
    path.write_bytes(token_bytes(32))
    path.chmod(0o600)
    text = place.config.read_text()
    place.config.write_text(f'outside_key = "{path}"\n{text}')


async def record(node: RunningNode, *pictures: str) -> list[str]:
    signals = node.services.signals
    return [
        (
            await signals.add(request_for(each, kind=Kind.PDQ, scope=Scope.SELF), ANNA)
        ).signal
        for each in pictures
    ]


async def found(fleet: Fleet, *pictures: str) -> list[Result]:
    return [(await fleet.look_up(NODE, each, Kind.PDQ)).result for each in pictures]


async def merged(fleet: Fleet) -> Path:
    """Record all pictures, have them in a file; give it."""
    await record(fleet[NODE], *PICTURES)
    await fleet[NODE].pictures.merge()
    (path,) = fleet.place(NODE).index.glob("pictures-*")
    return path


async def restart(fleet: Fleet) -> PictureKeeper:
    await fleet.stop(NODE)
    await fleet.start(NODE)
    return fleet[NODE].pictures


ALL = [Result.REVIEW] * len(PICTURES)


async def test_a_start_opens_the_file(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await merged(fleet)
    newer = token_bytes(32).hex()
    await record(fleet[NODE], newer)
    read: list[int] = []
    page = PdqIndex.add

    def add(self: PdqIndex, rows: list[int], digests: list[bytes]) -> None:
        read.extend(rows)
        page(self, rows, digests)

    monkeypatch.setattr(PdqIndex, "add", add)
    keeper = await restart(fleet)

    assert len(read) == 1  # all others came out of the file
    assert await found(fleet, *PICTURES, newer) == [*ALL, Result.REVIEW]
    assert keeper.lists.pictures.tables[0].is_built


def gone(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def changed_rows(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[1_000] ^= 1
    path.write_bytes(content)


def changed_tables(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("change", [gone, cut, changed_rows, changed_tables])
async def test_what_was_done_to_the_file_loses_nothing(
    fleet: Fleet, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = await merged(fleet)
    await fleet.stop(NODE)
    await asyncio.to_thread(change, path)

    with caplog.at_level(logging.WARNING):
        await fleet.start(NODE)

    assert "picture index rebuilt" in caplog.text
    assert await found(fleet, *PICTURES) == ALL
    assert len(fleet[NODE].base.lists.pictures) == len(PICTURES)


async def test_an_older_file_that_is_put_back_is_refused(
    fleet: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    old = await merged(fleet)
    content = await asyncio.to_thread(old.read_bytes)
    newer = [token_bytes(32).hex() for _ in range(FEW)]
    await record(fleet[NODE], *newer)
    lists = fleet[NODE].base.lists
    lists.pictures.remove(1)
    await fleet[NODE].pictures.merge(purge=True)
    (new,) = fleet.place(NODE).index.glob("pictures-*")
    assert new != old
    await fleet.stop(NODE)

    def put_back() -> None:
        old.write_bytes(content)
        new.write_bytes(content)

    await asyncio.to_thread(put_back)
    with caplog.at_level(logging.WARNING):
        await fleet.start(NODE)

    assert "picture index rebuilt" in caplog.text
    assert await found(fleet, *PICTURES, *newer) == [*ALL, *[Result.REVIEW] * FEW]


async def test_without_an_outside_key_nothing_is_on_disk(fleet: Fleet) -> None:
    path = await merged(fleet)
    await fleet.stop(NODE)
    config = fleet.place(NODE).config
    _, _, rest = (await asyncio.to_thread(config.read_text)).partition("\n")
    await asyncio.to_thread(config.write_text, rest)

    await fleet.start(NODE)
    await fleet[NODE].pictures.merge(purge=True)

    assert not path.exists()
    assert await found(fleet, *PICTURES) == ALL
    assert not list(fleet.place(NODE).index.glob("pictures-*"))


async def test_what_was_stopped_is_no_match_after_a_start(fleet: Fleet) -> None:
    signals = await record(fleet[NODE], *PICTURES)
    await fleet[NODE].pictures.merge()
    await fleet[NODE].services.signals.revoke(
        signals[0], RevokeRequest(reason=Reason.MISTAKE), RITA
    )

    await restart(fleet)

    assert await found(fleet, *PICTURES) == [Result.NONE, *ALL[1:]]


async def test_a_picture_is_put_off_while_pictures_are_loaded(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(fleet[NODE], *PICTURES)
    await fleet.stop(NODE)
    goes_on = asyncio.Event()
    load = PictureKeeper._load  # noqa: SLF001 - a slow disk

    async def load_later(self: PictureKeeper) -> None:
        await goes_on.wait()
        await load(self)

    monkeypatch.setattr(PictureKeeper, "_load", load_later)
    starting = asyncio.create_task(fleet.start(NODE))

    async def answers() -> bool:
        return NODE in fleet.running

    await eventually(answers)
    picture = await fleet.look_up(NODE, PICTURES[0], Kind.PDQ)
    other = await fleet.look_up(NODE, "ab" * 32, Kind.SHA256)
    late = token_bytes(32).hex()
    await record(fleet[NODE], late)
    goes_on.set()
    await starting

    assert picture.result is Result.DEFERRED
    assert picture.retry_after_ms
    assert other.result is Result.NONE
    assert await found(fleet, *PICTURES, late) == [*ALL, Result.REVIEW]
    assert len(fleet[NODE].base.lists.pictures) == len(PICTURES) + 1
