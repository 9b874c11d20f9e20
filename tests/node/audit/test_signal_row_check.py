# SPDX-License-Identifier: Apache-2.0
"""Somebody changes the database file by SQL; verification names the row."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.node.signals.conftest import BOT
from tests.support.changed_rows import (
    WHO,
    bad_rows,
    change,
    copy,
    full,
    past_triggers,
    verify,
)
from tests.support.fleet import Fleet

from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.lookup.index.bootstrap import merge_tokens
from fedsafe_node.lookup.index.shared import SharedTokenIndex
from fedsafe_node.signals import restrictions as restricting

__all__ = ["full"]


def put_back(database: Path, saved: Path) -> None:
    """Give the tables the rows that they had; the logs go on."""
    with closing(sqlite3.connect(saved)) as source, past_triggers(database) as target:
        for table in ("restricted", "restrictions", "signals"):
            target.execute(f"DELETE FROM {table}")  # noqa: S608
            for row in source.execute(f"SELECT * FROM {table}"):  # noqa: S608
                marks = ", ".join("?" * len(row))
                target.execute(f"INSERT INTO {table} VALUES ({marks})", row)  # noqa: S608


async def test_what_was_stopped_beyond_an_authors_bound_is_no_finding(
    trio: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, unkept, other = [
        await trio.publish(f"{name}@mail.example") for name in ("kim", "una", "olaf")
    ]
    await trio.revoke(kept, by=["b.demo"])
    monkeypatch.setattr(restricting, "AHEAD", -100_000)
    await trio.revoke(unkept, by=["b.demo"])
    rows = await trio["b.demo"].base.store.scan(lambda r: r.restricted_after(None, 9))
    answer = await verify(trio)
    silenced = "UPDATE signals SET status = 'revoked' WHERE row = 3"
    wiped = (
        "UPDATE openings SET sealed = NULL, erased_at = 7 WHERE idx = 2 AND log = "
        "(SELECT id FROM logs WHERE origin = 'a.demo/feed')"
    )
    await asyncio.to_thread(change, trio, silenced, wiped)
    (bad,) = bad_rows(await verify(trio))

    assert [signal_name(row.signal_id) for row in rows] == [kept]
    assert answer.ok, answer
    assert (bad.table, bad.first_bad_row) == ("signals", 2)
    assert "no statement" in str(bad.why)
    assert other != unkept


async def test_tables_that_nobody_touched_verify(full: Fleet) -> None:
    answer = await verify(full)
    rows = {check.table: (check.rows, check.ok) for check in answer.tables}

    assert answer.ok, answer
    assert rows["seal"][0] > 8
    # The own ban of a published draft stays as an erased row.
    assert rows == {
        "database": (0, True),
        "signals": (8, True),
        "restrictions": (1, True),
        "restricted": (1, True),
        "pruned": (0, True),
        "index": (6, True),
        "seal": (rows["seal"][0], True),
    }
    for name in ("a.demo", "c.demo"):
        assert (await full[name].services.audits.verify(BOT)).ok


FIRST = "row = 1"  # the first signal of a.demo
GONE = "origin = 'a.demo' AND status = 'revoked'"
MEDIA = "origin = 'a.demo' AND media_kind IS NOT NULL"
OWN = "origin = 'own:b.demo' AND status = 'active' AND media_kind IS NULL"
OWN_FILE = "origin = 'own:b.demo' AND media_kind IS NOT NULL"
ZEROS = "token = zeroblob(16)"
CHANGES = [
    (GONE, "status = 'active'", "opening is erased"),
    (FIRST, "status = 'revoked'", "not erased"),
    (FIRST, "status = 'disputed'", "no statement"),
    (FIRST, "status = 'expired'", "no statement"),
    (FIRST, "status = 'junk'", "cannot be read"),
    (GONE, "status = 'expired'", "no statement"),
    (GONE, "status = 'erased', token = NULL", "no statement"),
    (FIRST, ZEROS, "token"),
    (MEDIA, ZEROS, "token"),
    (OWN, ZEROS, "token"),
    (OWN_FILE, ZEROS, "token"),
    (MEDIA, "media_kind = 5", "token"),
    # Not in the past: the node would act on it before it is verified.
    (FIRST, "match_until = 1 << 40", "match_until"),
    (OWN, "erase_after = 1 << 40", "erase_after"),
    (FIRST, "epoch = 2", "epoch"),
    (FIRST, "generation = 2", "generation"),
    (FIRST, "plane = 'media'", "plane"),
    (FIRST, "scope = 'self'", "scope"),
    (GONE, "idx = 1", "points to entry 1"),
    (FIRST, "idx = 4", "not of this signal"),
    (FIRST, "idx = 99", "there is none"),
    (OWN, "idx = 0", "not of this signal"),
    (FIRST, "log = 'b.demo/feed'", "another list"),
    (FIRST, "own = 1", "another list"),
    (OWN, "grp = 'detail'", "another list"),
    (FIRST, "signal_id = zeroblob(16)", "not of this signal"),
]
REST = [
    ("DELETE FROM signals WHERE row = 1", "signals", "has no row"),
    ("DELETE FROM signals WHERE own AND status = 'active'", "signals", "has no row"),
    (
        """INSERT INTO signals SELECT 99, zeroblob(16), origin, plane, scope, epoch,
        generation, media_kind, token, match_until, erase_after, status, own, log,
        idx, grp FROM signals WHERE own AND status = 'active' LIMIT 1""",
        "signals",
        "another signal points",
    ),
    ("UPDATE restrictions SET seq = 2", "restrictions", "columns"),
    ("UPDATE restrictions SET effect = 'disputed'", "restrictions", "columns"),
    ("UPDATE restrictions SET author = 'c.demo'", "restrictions", "columns"),
    ("UPDATE restrictions SET digest = zeroblob(32)", "restrictions", "digest"),
    (
        """UPDATE restrictions SET statement =
        CAST(replace(CAST(statement AS TEXT), 'a.demo', 'c.demo') AS BLOB)""",
        "restrictions",
        "signature",
    ),
    ("UPDATE restrictions SET statement = x'7b7d'", "restrictions", "missing"),
    ("UPDATE restricted SET signal_id = zeroblob(16)", "restricted", "names it"),
    ("UPDATE restricted SET effect = 'disputed'", "restricted", "something else"),
]
DAMAGE = [
    *(
        (f"UPDATE signals SET {to} WHERE {where}", "signals", why)  # noqa: S608
        for where, to, why in CHANGES
    ),
    *REST,
]


@pytest.mark.embedded
async def test_any_changed_row_is_named(full: Fleet) -> None:
    database = full.place("b.demo").database
    saved = full.root / "saved.db"
    await asyncio.to_thread(copy, database, saved)
    unnoticed: list[object] = []
    for sql, table, why in DAMAGE:
        await asyncio.to_thread(change, full, sql)
        answer = await verify(full)
        said = [(check.table, str(check.why)) for check in answer.tables]
        named = any(at == table and why in reason for at, reason in said)
        if answer.ok or not named or not all(check.ok for check in answer.logs):
            unnoticed.append((sql, answer))
        await asyncio.to_thread(put_back, database, saved)

    assert unnoticed == []
    assert (await verify(full)).ok


async def test_the_row_and_the_signal_are_named(full: Fleet) -> None:
    await asyncio.to_thread(change, full, "UPDATE signals SET epoch = 7")
    (bad,) = bad_rows(await verify(full))

    assert bad.first_bad_row == 1
    assert len(str(bad.first_bad)) == 36
    (*_, event) = await full.audit("b.demo", "audit.verified")
    assert event.record.outcome == "tampered"


FORGET = ("DELETE FROM restricted", "DELETE FROM restrictions")


@pytest.mark.parametrize(
    ("sql", "table", "why"),
    [
        ("DELETE FROM signals WHERE status = 'revoked'", "restricted", "a.demo/feed"),
        (
            "UPDATE signals SET status = 'active' WHERE status = 'revoked'",
            "signals",
            "was revoked by a statement of a.demo",
        ),
    ],
    ids=["gone", "active"],
)
async def test_a_forgotten_revocation_is_found_in_its_authors_feed(
    full: Fleet, sql: str, table: str, why: str
) -> None:
    await asyncio.to_thread(change, full, *FORGET, sql)
    bad = bad_rows(await verify(full))

    assert table in {check.table for check in bad}
    assert any(why in str(check.why) for check in bad)


async def test_a_checkpoint_that_its_origin_did_not_sign_is_found(full: Fleet) -> None:
    sql = "UPDATE peers SET checkpoint = replace(checkpoint, '5', '6')"
    await asyncio.to_thread(change, full, sql)
    bad = [check for check in (await verify(full)).logs if not check.ok]

    assert "a.demo/feed" in {check.log for check in bad}
    assert "not its origin's" in str(bad[0].why)


async def test_a_signal_that_the_index_lost_is_named(full: Fleet) -> None:
    full["b.demo"].base.lists.tokens.remove(1)
    (bad,) = bad_rows(await verify(full))

    assert (bad.table, bad.first_bad_row) == ("index", 1)
    assert "does not find it" in str(bad.why)


async def test_a_removal_that_the_store_does_not_know_is_taken_back(
    full: Fleet,
) -> None:
    full["b.demo"].base.lists.tokens.remove(1)
    await full.stop("b.demo")
    await full.start("b.demo")

    assert (await verify(full)).ok


async def test_a_removal_that_the_store_does_not_know_is_not_merged(
    full: Fleet,
) -> None:
    base = full["b.demo"].base
    index = base.lists.tokens
    await merge_tokens(index, base.store)
    index.remove(1)
    await merge_tokens(index, base.store, full=True)

    assert (await verify(full)).ok


async def test_a_removal_that_another_process_noted_is_compared_as_well(
    full: Fleet, tmp_path: Path
) -> None:
    store = full["b.demo"].base.store
    place = tmp_path / "shared"
    index = await asyncio.to_thread(SharedTokenIndex.open, place, covered=0)
    index.add(b"t" * 16, 1)
    await asyncio.to_thread(index.merge)
    with (place / "removed").open("ab") as file:
        file.write((1).to_bytes(4, "little"))
    await merge_tokens(index, store, full=True)

    assert index.rows(b"t" * 16) == (1,)


async def test_a_byte_that_rotted_in_the_index_hides_nothing(full: Fleet) -> None:
    node = full["b.demo"]
    await asyncio.to_thread(node.base.lists.tokens.merge)
    await full.stop("b.demo")
    directory = full.place("b.demo").index
    await asyncio.to_thread(flip, next(directory.glob("*.segment")), 140)
    await full.start("b.demo")
    await full.covered()
    answer = await full.look_up("b.demo", WHO)

    assert answer.result.value == "review"
    assert (await verify(full)).ok


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.embedded
async def test_a_row_that_no_search_finds_is_named(full: Fleet) -> None:
    database = full.place("b.demo").database
    await asyncio.to_thread(hide, database)
    answer = await verify(full)
    (pages, *_) = answer.tables

    assert not answer.ok
    assert (pages.table, pages.ok) == ("database", False)


def hide(database: Path) -> None:
    """Take a signal out of the index of ids alone: a revocation would miss it."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA writable_schema = ON")
    (root,) = connection.execute(
        "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_signals_1'"
    ).fetchone()
    connection.execute(
        "INSERT INTO sqlite_master VALUES ('table', 'hidden', 'hidden', ?, "
        "'CREATE TABLE hidden (signal_id, origin, row, PRIMARY KEY "
        "(signal_id, origin, row)) WITHOUT ROWID')",
        (root,),
    )
    connection.commit()
    connection.close()
    connection = sqlite3.connect(database)
    assert connection.execute("DELETE FROM hidden WHERE row = 1").rowcount == 1
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute("DELETE FROM sqlite_master WHERE name = 'hidden'")
    connection.commit()
    connection.close()
