# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL takes in an index has an end; every text that can be in one too."""

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from tests.support.databases import ClosedBehind
from tests.support.store_rows import ANNA

from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.store.people_rows import IdentityRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.schema import migrate
from fedsafe_node.store.transaction import Transaction

MOST: Final = 2_704  # bytes of a row of an index, PostgreSQL 15 to 17
A_ROW: Final = 24  # bytes for what is not the values
A_CELL: Final = 8  # bytes of a number, or in front of a text
HASH: Final = 64
ID: Final = 32
NAME: Final = 32  # of a person or a service: `people.names`
NODE: Final = 253  # `fedsafe_federation.wire.signed.NodeName`
WORD: Final = 64  # of our own
LONGEST: Final = {
    "about": ID,
    "act": ID,
    "author": NODE,
    "audience": HASH,
    "breach": ID,
    "appeal": HASH,
    "case_id": ID,
    "credential": HASH,
    "decided_by": NAME,
    "digest": HASH,
    "dispatch_id": ID,
    "dispute": HASH,
    "domain": HASH,
    "cause": WORD,
    "effect": WORD,
    "ending": WORD,
    "flood": ID,
    "grp": WORD,
    "part": WORD,
    "period": WORD,
    "hash": HASH,
    "holder": NAME,
    "id": HASH,
    "import_id": ID,
    "issuer": 2_048,  # `config.Oidc`
    "job": WORD,
    "key": HASH,
    "kind": WORD,
    "list": WORD,
    "log": NODE + WORD,
    "mark": ID,
    "matter": HASH + WORD,
    "member": NODE,
    "milestone": WORD,
    "migration_set": WORD,
    "name": NODE + WORD,
    "origin": NODE + WORD,
    "person": ID,
    "place": HASH,
    "request": ID,
    "proof": HASH,
    "purpose": WORD,
    "recipient": NODE,
    "reply_token": 43,  # `sending.parcels.Parcel`
    "role": WORD,
    "round": ID,
    "second": NAME,
    "side": WORD,
    "signal_id": ID,
    "stage": WORD,
    "state": WORD,
    "step": WORD,
    "subject": 255,  # `people.id_tokens`, and a hash of a task's
    "target": WORD,
    "urgency": WORD,
    "task": ID,
    "token": ID,
    "trial": ID,
    "witness": NODE,
}


def indexed() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    connection = sqlite3.connect(":memory:", isolation_level=None, factory=ClosedBehind)
    migrate(connection)
    rows = connection.execute(
        "SELECT t.name, i.name, c.name, x.type FROM sqlite_master t, "
        "pragma_index_list(t.name) i, pragma_index_info(i.name) c, "
        "pragma_table_xinfo(t.name) x "
        "WHERE t.type = 'table' AND x.name = c.name ORDER BY 1, 2"
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for table, index, column, kind in rows:
        found.setdefault(f"{table}: {index}", []).append((column, kind))
    yield from found.items()


def test_whatever_fits_the_api_fits_an_index() -> None:
    sizes = {
        index: A_ROW
        + sum(
            A_CELL + (LONGEST[name] if kind in {"TEXT", "BLOB"} else 0)
            for name, kind in columns
        )
        for index, columns in indexed()
    }

    assert len(sizes) > 50
    assert {index: size for index, size in sizes.items() if size > MOST} == {}


async def test_the_longest_name_of_an_account_elsewhere_is_kept(store: Store) -> None:
    row = IdentityRow(
        issuer=f"https://{os.urandom(1_020).hex()}",
        subject=f"s{os.urandom(127).hex()}",
        person="p1",
    )
    await store.write(lambda tx: tx.add_person(ANNA))
    await store.write(lambda tx: tx.add_identity(row))

    assert (len(row.issuer), len(row.subject)) == (2_048, 255)
    assert await store.read(lambda r: r.identity(row.issuer, row.subject)) == row


async def test_what_no_index_takes_is_told_to_its_sender_and_is_no_trouble(
    store: Store,
) -> None:
    long = os.urandom(8_000).hex()
    writing = store.write(lambda tx: tx.put_document(long, b"x"))
    (told,) = await asyncio.gather(writing, return_exceptions=True)
    kept = await store.read(lambda r: r.document(long))

    if told is None:
        assert kept == b"x"
    else:
        assert isinstance(told, BadRequestError)
        assert str(told) == "a text is too long"
        assert kept is None
    assert store.trouble() is None
    await store.write(lambda tx: tx.put_document("later", b"x"))
    assert await store.read(lambda r: r.document("later")) == b"x"


async def test_what_no_index_takes_costs_no_other_act_of_its_batch(
    store: Store,
) -> None:
    long = os.urandom(8_000).hex()
    names = ("one", long, "two", "three")

    def put(name: str) -> Callable[[Transaction], Awaitable[None]]:
        return lambda tx: tx.put_document(name, b"x")

    told = await asyncio.gather(
        *(store.write(put(name)) for name in names), return_exceptions=True
    )

    assert [told[at] for at in (0, 2, 3)] == [None, None, None]
    for name in ("one", "two", "three"):
        assert await store.read(lambda r, name=name: r.document(name)) == b"x"  # type: ignore[misc]
    assert store.trouble() is None
