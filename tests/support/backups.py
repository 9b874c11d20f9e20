# SPDX-License-Identifier: Apache-2.0
"""A fleet that is backed up, and what is lost before a restore."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.support.fleet import Fleet

from fedsafe_node.acts.backup import BackupNote
from fedsafe_node.ground.config import load_config
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.operations.backup.creation import Made, Wanted, make_backup


async def back_up(fleet: Fleet, target: Path, keys: Path | None = None) -> Made:
    """Back up a.demo while it runs."""
    place, loop = fleet.place("a.demo"), asyncio.get_running_loop()
    services = fleet["a.demo"].services

    def note(request: BackupNote, _schema: int) -> None:
        noting = services.backups.note(request, LOCAL)
        asyncio.run_coroutine_threadsafe(noting, loop).result(10)

    return await asyncio.to_thread(
        lambda: make_backup(
            place, load_config(place), Wanted(target, keys), fleet.clock.now(), note
        )
    )


@pytest.fixture
def medium(tmp_path: Path) -> Path:
    """Give a place for backups."""
    made = tmp_path / "medium"
    made.mkdir()
    return made


def lose(fleet: Fleet, *, guard: bool = False) -> None:
    """Lose the store of a stopped node."""
    place = fleet.place("a.demo")
    for path in place.directory.glob("store.db*"):
        path.unlink()
    if guard:
        shutil.rmtree(place.guard)
