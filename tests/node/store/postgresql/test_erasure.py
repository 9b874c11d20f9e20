# SPDX-License-Identifier: Apache-2.0
"""What stays on a server of what was erased, and for how long."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg.sql import SQL
from tests.node.store.postgresql.conftest import Session, session
from tests.postgresql.databases import name_in
from tests.postgresql.server import Server
from tests.support.databases import Prepared
from tests.support.store_worker import LOGS, open_worker

from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.postgresql.schema import migrate
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening

FEED: Final = LOGS[0]
PLAIN: Final = "konto-4711-gehört-Erika"
BOXES: Final = "SELECT sealed FROM openings ORDER BY idx"
NEXT_SEGMENT: Final = "SELECT pg_switch_wal()"
IS_OVER: Final = 'SELECT pg_walfile_name(pg_current_wal_insert_lsn()) > %s COLLATE "C"'
LAST_SEGMENT: Final = (
    "SELECT max(name COLLATE \"C\") FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
)


def encodings(text: str) -> Iterator[bytes]:
    """Write a text as a database or its driver might have."""
    for encoded in (text.encode(), text.encode("utf-16-le"), text.encode("latin-1")):
        yield encoded
        yield encoded.hex().encode()
        yield encoded.hex().upper().encode()
        for shift in range(3):  # what is inside, whatever comes before it
            inner = b64encode(bytes(shift) + encoded)
            yield inner[4:-4]


def places(server: Server, *needles: bytes) -> set[str]:
    """Name the files of a server in which any of some bytes are."""
    base, found = server.directory, set()
    for path in base.rglob("*"):
        if path.is_file():
            held = path.read_bytes()
            if any(needle in held for needle in needles):
                found.add(str(path.relative_to(base)))
    return found


@pytest.fixture
def superuser(own_postgresql: Server) -> Iterator[Session]:
    url = own_postgresql.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE ROLE node LOGIN")
        connection.execute("ALTER SYSTEM SET autovacuum = off")
        connection.execute("SELECT pg_reload_conf()")
    migrate(url, "node")
    with session(url) as connection:
        yield connection


@pytest.fixture
async def store(
    own_postgresql: Server, superuser: Session, tmp_path: Path
) -> AsyncIterator[Store]:
    for directory in ("keys", "keys/periods"):
        (tmp_path / directory).mkdir(mode=0o700)
    name = superuser.info.dbname
    url = own_postgresql.url(name_in(f"x://y/{name}"), role="node")
    store = await open_worker(url, tmp_path, "one")
    yield store
    await store.close()


async def fill(store: Store) -> None:
    for number in range(8):
        opening = Opening("detail", bytes(32), f"{PLAIN} {number}".encode())
        await store.write(lambda tx, kept=opening: tx.append(FEED, b"r", [kept]))  # type: ignore[misc]


async def erase(store: Store, index: int) -> None:
    await store.write(lambda tx: tx.erase_opening(FEED, index, "detail", at=5))


def residues(server: Server, box: bytes) -> dict[str, bool]:
    """Say whether some bytes are in the tables, and in the write-ahead log."""
    found = places(server, box)
    return {
        "tables": any("/base/" in place for place in found),
        "log": any("/pg_wal/" in place for place in found),
    }


def go_round_the_log(superuser: Session) -> None:
    """Write past every segment: each that there was is gone, or written over.

    A segment that is over gets a later name at a checkpoint, and keeps its bytes.
    """
    superuser.execute(NEXT_SEGMENT)
    superuser.execute("CHECKPOINT")
    last = superuser.execute(LAST_SEGMENT).fetchone()
    while superuser.execute(IS_OVER, last).fetchone() != (True,):
        superuser.execute(NEXT_SEGMENT)
        superuser.execute("CHECKPOINT")


async def test_a_server_never_sees_what_an_opening_says(
    own_postgresql: Server, superuser: Session, store: Store
) -> None:
    await fill(store)
    superuser.execute("CHECKPOINT")
    await erase(store, 1)
    with pytest.raises(psycopg.Error):  # with all its values, into the server's log
        superuser.execute("INSERT INTO openings SELECT * FROM openings")
    superuser.execute("CHECKPOINT")

    told = await asyncio.to_thread(places, own_postgresql, *encodings(PLAIN))
    names = await asyncio.to_thread(places, own_postgresql, FEED.encode())

    assert told == set()
    assert names  # that is how it would be found


async def test_an_erased_opening_is_gone_from_its_row_at_once_and_from_the_disk_later(
    own_postgresql: Server, superuser: Session, store: Store
) -> None:
    superuser.execute(NEXT_SEGMENT)  # all of it in one, which no checkpoint takes away
    await fill(store)
    boxes = [box for (box,) in superuser.execute(BOXES)]
    superuser.execute("CHECKPOINT")
    assert residues(own_postgresql, boxes[0]) == {"tables": True, "log": True}
    await erase(store, 0)
    after = [box for (box,) in superuser.execute(BOXES)]
    superuser.execute("CHECKPOINT")
    old_version = residues(own_postgresql, boxes[0])
    superuser.execute("VACUUM openings_0")
    go_round_the_log(superuser)

    assert after == [None, *boxes[1:]]
    assert old_version == {"tables": True, "log": True}
    assert residues(own_postgresql, boxes[0]) == {"tables": False, "log": False}


async def test_a_vacuum_may_leave_bytes_in_the_unused_space_of_a_page(
    own_postgresql: Server, superuser: Session, store: Store
) -> None:
    await fill(store)
    box = superuser.execute(BOXES).fetchall()[-1][0]
    for index in (1, 7):
        await erase(store, index)
    superuser.execute("VACUUM openings_0")
    superuser.execute("CHECKPOINT")
    after_vacuum = residues(own_postgresql, box)["tables"]
    superuser.execute("VACUUM FULL openings_0")
    superuser.execute("CHECKPOINT")

    # What the documentation says of a vacuum holds as long as this does.
    assert after_vacuum
    assert not residues(own_postgresql, box)["tables"]


async def test_without_the_key_of_its_month_no_residue_opens(
    store: Store, tmp_path: Path
) -> None:
    await fill(store)
    (row,) = await store.read(lambda reader: reader.sealed_openings(FEED, 0, 1))
    keys = await asyncio.to_thread(PeriodKeys, tmp_path / "keys" / "periods")
    (month,) = keys.periods()
    assert await asyncio.to_thread(keys.destroy, month, present="9999-01")

    assert row.sealed is not None
    assert keys.unseal(month, row.sealed, b"") is None
    assert not list((tmp_path / "keys" / "periods").iterdir())


def test_tables_with_sealed_cells_are_vacuumed_after_the_first_erasure(
    prepared: Prepared,
) -> None:
    with session(prepared.superuser) as superuser:
        superuser.execute(SQL("SELECT extend_logs(9000000)"))
        rows = superuser.execute(
            "SELECT c.relname::text, coalesce(c.reloptions, ARRAY[]::text[]) "
            "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = 'fedsafe'::regnamespace AND c.relkind = 'r' "
            "AND a.attname IN ('sealed', 'token') AND c.relname <> 'turns'"
        ).fetchall()

    assert {"openings_0", "openings_2", "signals_7", "notices"} <= dict(rows).keys()
    for name, options in rows:
        assert set(options) == {
            "autovacuum_vacuum_scale_factor=0",
            "autovacuum_vacuum_threshold=0",
        }, name
