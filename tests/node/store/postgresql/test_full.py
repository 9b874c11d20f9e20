# SPDX-License-Identifier: Apache-2.0
"""A server without room on its disk: refused, told, and over by itself."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from tests.postgresql.databases import name_in
from tests.postgresql.fixtures import MAJORS, PACKAGE, installation_of, named
from tests.postgresql.installation import NoServerError
from tests.postgresql.making import serving
from tests.postgresql.server import Server
from tests.programs import do_without
from tests.support.store_worker import LOGS, once, open_worker

from fedsafe_node.ground.errors import StoreFailedError
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Trouble
from fedsafe_node.store.transaction import Transaction

FEED: Final = LOGS[0]
ROOM: Final = "160m"


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Mount a small file system, which takes root's rights."""
    with tempfile.TemporaryDirectory(prefix="fedsafe-") as name:
        place = Path(name)
        place.chmod(0o755)
        command = ("mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", name)
        mounted = subprocess.run(command, capture_output=True, check=False)
        if mounted.returncode != 0:
            do_without("root", "to mount a file system")
        try:
            yield place
        finally:
            subprocess.run(("umount", "-l", name), check=True)  # noqa: S607


@pytest.fixture(params=MAJORS[-1:], ids=named)
def crammed(
    request: pytest.FixtureRequest, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """Give a server whose directory is on a small disk."""
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk))
    try:
        with serving(
            installation_of(request.param),
            durable=True,
            settings={"min_wal_size": "32MB", "max_wal_size": "32MB"},
        ) as server:
            yield server
    except NoServerError as error:
        do_without(PACKAGE, str(error))


def fill(place: Path) -> Path:
    """Take all the room that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            os.fsync(file.fileno())
    return filler


async def grow(store: Store, key: str) -> None:
    """Write more than fits into pages that are there."""

    async def act(tx: Transaction) -> None:
        await tx.put_document(key, os.urandom(4 << 20))

    await store.write(act)


async def test_a_full_disk_of_the_server_is_told_and_over_by_itself(
    crammed: Server, small_disk: Path, tmp_path: Path
) -> None:
    for directory in ("keys", "keys/periods"):
        (tmp_path / directory).mkdir(mode=0o700)
    url = crammed.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE node LOGIN")
    migrate(url, "node")
    store = await open_worker(crammed.url(name_in(url), role="node"), tmp_path, "one")
    await once(store, FEED, "before")
    filler = fill(small_disk)
    with pytest.raises(StoreFailedError):
        await grow(store, "too much")
    trouble = store.trouble()
    filler.unlink()
    index = await until_kept(store)

    assert trouble is not None
    assert trouble.kind is Trouble.FULL
    assert not store.gave_up()
    assert index == 1
    assert store.trouble() is None
    assert await store.read(lambda reader: reader.records(FEED, 0, 9)) == [
        b"before",
        b"after",
    ]
    assert await store.read(lambda reader: reader.document("too much")) is None
    assert (await store.check_seal()).faults == ()
    await store.close()


async def until_kept(store: Store) -> int:
    while True:
        try:
            return await once(store, FEED, "after")
        except StoreFailedError:
            continue
