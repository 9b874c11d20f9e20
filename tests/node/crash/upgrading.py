# SPDX-License-Identifier: Apache-2.0
"""A store of an older version, and one that is killed as it brings it up to date.

Reads lines `make DIRECTORY MIGRATIONS`, to leave a store of a program that knew only
so many migrations, and `open DIRECTORY CHANGE`, to open it with all of them and to die
before that change, 0 for none. Forks for each, and answers with how it ended.
"""

import asyncio
import os
import re
import sqlite3
import sys
from importlib import import_module
from itertools import count
from pathlib import Path
from signal import SIGKILL

from tests.support.seals import Around, ClockOfMonth

from fedsafe_node.log.engine import open_store
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store import schema, sealing
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import Opening
from fedsafe_node.store.transaction import Transaction

FEED = "a.demo/feed"
# Before anything else the file is what it was before the statement that went before.
CHANGE = re.compile(
    r"\s*(ALTER|BEGIN|COMMIT|CREATE (?!TEMP TRIGGER)|DELETE|DROP|INSERT|"
    r"PRAGMA user_version =|UPDATE)"
)


async def opened(directory: Path, around: Around) -> Store:
    keys = PeriodKeys(directory / "keys")
    url = f"sqlite://{directory}/node.db"
    return await open_store(url, keys=keys, clock=ClockOfMonth(), around=around)


async def make(directory: Path) -> None:
    async def fill(tx: Transaction) -> None:
        opening = Opening(group="detail", salt=bytes(32), payload=b"said")
        await tx.append(FEED, b"record", [opening])
        await tx.set_due("expiry", 7)

    store = await opened(directory, Around())
    await store.write(fill)
    await store.close()


async def bring_up_to_date(directory: Path) -> None:
    around = Around()
    around.was_sealed = True
    await (await opened(directory, around)).close()


def use_migrations(number: int) -> None:
    schema.MIGRATIONS = schema.MIGRATIONS[:number]
    schema.VERSION = number
    sealing.VERSION = number  # type: ignore[attr-defined] # a name that it imports


def die_before(change: int) -> None:
    connect, numbers = sqlite3.connect, count(1)

    def told(statement: str) -> None:
        if CHANGE.match(statement) and next(numbers) == change:
            os.kill(os.getpid(), SIGKILL)

    def watched(*given: object, **named: object) -> sqlite3.Connection:
        connection = connect(*given, **named)  # type: ignore[call-overload]
        connection.set_trace_callback(told)
        return connection  # type: ignore[no-any-return]

    sqlite3.connect = watched  # type: ignore[assignment]


def perform(order: str, directory: Path, number: int) -> None:
    if order == "make":
        use_migrations(number)
        asyncio.run(make(directory))
    else:
        die_before(number)
        asyncio.run(bring_up_to_date(directory))


def main() -> None:
    import_module("sqlite_utils.migrations")  # once, not in each child
    for line in sys.stdin:
        order, directory, number = line.split()
        child = os.fork()
        if child == 0:
            perform(order, Path(directory), int(number))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
