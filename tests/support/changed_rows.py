# SPDX-License-Identifier: Apache-2.0
"""Rows and logs that somebody changes by SQL, past all triggers."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.node.signals.conftest import ANNA, BOT, request_for
from tests.support.databases import Behind
from tests.support.fleet import Fleet
from tests.support.fleet_stores import FLEET_STORES

from fedsafe_node.acts.audit import TableCheck, VerifyAnswer
from fedsafe_node.acts.bodies import Kind

WHO, OTHER, REVOKED = (f"{name}@mail.example" for name in ("who", "other", "revoked"))
FILE = "ab" * 32


@contextmanager
def past_triggers(database: Path) -> Iterator[sqlite3.Connection]:
    """Write as if there were no triggers and checks; they are there again after it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
        ).fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute("COMMIT")


def change(fleet: Fleet, *statements: str) -> None:
    """Change the disk behind b.demo's back, whatever triggers and checks say."""
    behind = FLEET_STORES.behind(fleet.place("b.demo"))
    changed = [behind.change(sql) for sql in statements]
    assert all(changed), changed


def bad_rows(answer: VerifyAnswer) -> list[TableCheck]:
    """Return what does not fit logs and signatures, whatever the seal says of it."""
    bad = [check for check in answer.tables if not check.ok]
    return [check for check in bad if "sealed" not in str(check.why)]


def copy(database: Path, saved: Path) -> None:
    with (
        closing(sqlite3.connect(database)) as source,
        closing(sqlite3.connect(saved)) as target,
    ):
        source.backup(target)


@pytest.fixture
async def full(trio: Fleet) -> Fleet:
    """Give b.demo two signals of a.demo, a file, a revoked one and own bans."""
    for value in (WHO, OTHER):
        await trio.publish(value)
    await trio.publish(FILE, Kind.SHA256)
    await trio.revoke(await trio.publish(REVOKED), by=["b.demo"])
    await trio["b.demo"].services.signals.add(request_for("own@mail.example"), ANNA)
    await trio["b.demo"].services.signals.add(request_for(FILE, kind=Kind.SHA256), BOT)
    await trio.publish("mine@mail.example", at="b.demo", by=["a.demo"])
    return trio


async def verify(fleet: Fleet) -> VerifyAnswer:
    return await fleet["b.demo"].services.audits.verify(BOT)


NEWEST = "(SELECT max(idx) FROM entries WHERE log = 1)"
CHANGE_NEWEST = f"UPDATE entries SET record = x'00' WHERE log = 1 AND idx = {NEWEST}"  # noqa: S608
DROP_NEWEST = f"DELETE FROM entries WHERE log = 1 AND idx = {NEWEST}"  # noqa: S608


def run_sql(behind: Behind, *statements: str) -> int:
    """Change the audit log, which is log 1; return the index of its newest entry."""
    ((newest,),) = behind.find(f"SELECT {NEWEST}")
    assert [behind.change(sql) for sql in statements] == [1] * len(statements)
    return int(newest)
