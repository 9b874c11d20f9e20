# SPDX-License-Identifier: Apache-2.0
"""Builds a node's directory that has rows in every table, and an older copy of it.

Real nodes do real acts with synthetic people. Tables that these acts leave empty get
rows that their schema allows, through the writer and under its seal like any other.
"""

import asyncio
import re
import shutil
import sqlite3
from contextlib import AsyncExitStack, closing
from itertools import product
from pathlib import Path
from typing import Any, Final

from tests.node.signals.conftest import ANNA, BOT, RITA, request_for
from tests.support.attested_gates import recorded
from tests.support.fleet import NAMES, Fleet, StandingClock, copy_of
from tests.support.gates import COMPLETE, MET

from fedsafe_crypto.tlog.tiles import TILE_WIDTH
from fedsafe_federation.feed.witnessing import anchor_name
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.acts.disputes import NewDisputeRequest
from fedsafe_node.acts.people import (
    NewAccountRequest,
    RoleRequest,
    SetUpRequest,
    TrainingRequest,
)
from fedsafe_node.app.container import Base, open_base
from fedsafe_node.audit.pruning import Pruning, Sizes
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.principal import Principal
from fedsafe_node.keys.charter_chain import CHARTER_DOCUMENT
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.keys.membership import load_membership
from fedsafe_node.log.span import ExportRequest
from fedsafe_node.signals.relock import relock
from fedsafe_node.store.sql import Connection
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Contention, Module, Purpose, Role, Scope

NODE: Final = "b.demo"
DORA: Final = Principal("dora", Role.DPO, fresh=True)
SETUP: Final = Principal("setup", Role.OPERATOR)
_EVENTS: Final = 260
_PASSWORD: Final = "korrekt pferd batterie"
_NEVER_FILLED: Final = frozenset({"seal"})


async def build(founded: Path, root: Path) -> tuple[Path, Path]:
    """Return the node's directory as it was earlier, and as it is now."""
    fleet = copy_of(founded, root / "fleet")
    try:
        await fleet.start(*NAMES)
        await fleet.covered()
        await _begin(fleet)
        await fleet.stop(NODE)
        earlier = root / "earlier"
        shutil.copytree(fleet.place(NODE).directory, earlier, ignore=_no_sockets)
        await fleet.start(NODE)
        await fleet.covered()
        await _go_on(fleet)
        await _relock(fleet)
        await _prune(fleet)
    finally:
        await fleet.close()
    await _fill(fleet.place(NODE))
    return earlier, fleet.place(NODE).directory


def _no_sockets(_directory: str, names: list[str]) -> set[str]:
    return {name for name in names if name.endswith(".sock")}


async def _begin(fleet: Fleet) -> None:
    audits = fleet[NODE].services.audits
    for _ in range(_EVENTS):  # more than a tile
        await audits.events(0, 1, BOT, Purpose.AUDIT_REVIEW)
    await fleet.publish("sigrid@example.org")
    await fleet.publish("carla@example.org")
    await fleet.publish("thea@example.org", at=NODE, by=("a.demo",))
    await fleet.publish("5" * 64, Kind.SHA256, at=NODE, by=())
    await fleet.look_up(NODE, "sigrid@example.org")
    people = fleet[NODE].services.staff
    added = await people.accounts.add(
        NewAccountRequest(name="wanda", display="Wanda"), SETUP
    )
    services = fleet[NODE].services
    await services.registers.enter("S-V-1", MET, ANNA)
    await fleet.open_gate(NODE, COMPLETE)
    await people.accounts.set_up(
        SetUpRequest(name="wanda", code=added.code, password=_PASSWORD), ""
    )
    now = int(fleet.clock.now().timestamp())
    await people.training.add(
        TrainingRequest(
            name="wanda",
            module=Module.BASIC,
            organisation="Fachberatungsstelle",
            since=now,
            until=now + 10_000_000,
        ),
        SETUP,
    )


async def _go_on(fleet: Fleet) -> None:
    signal = await fleet.publish("fiona@example.org")
    await fleet.revoke(signal, by=(NODE,))
    mine = await fleet.publish("fritz@example.org", at=NODE, by=("a.demo",))
    await fleet.revoke(mine, at=NODE, by=("a.demo",))
    disputed = await fleet.publish("doris@example.org", at=NODE, by=("a.demo",))
    await fleet[NODE].services.disputes.open(
        NewDisputeRequest(signal=disputed, contention=Contention.WRONG_PERSON), DORA
    )
    signals = fleet[NODE].services.signals
    waiting = request_for("sina@example.org", kind=Kind.EMAIL, scope=Scope.FEDERATION)
    await signals.add(waiting, ANNA)
    await fleet.look_up(NODE, "fritz@example.org")
    await fleet.publish("6" * 64, Kind.SHA256, by=(NODE,))
    await _hand_out(fleet)
    people = fleet[NODE].services.staff
    await people.accounts.add(NewAccountRequest(name="otto", display="Otto"), SETUP)
    await people.granting.grant(RoleRequest(name="wanda", role=Role.ANALYST), SETUP)


async def _hand_out(fleet: Fleet) -> None:
    """Let two people take a pack with openings out."""
    services = fleet[NODE].services
    wanted = ExportRequest(first=_EVENTS, last=_EVENTS + 20)
    asked = await services.evidence.ask(wanted, RITA)
    digest = bytes.fromhex(asked.digest)
    await services.staff.approvals.approve(asked.act, digest, DORA)
    async for _ in await services.evidence.export(wanted, RITA, act=asked.act):
        pass  # it is for nobody; what it leaves behind counts


async def _relock(fleet: Fleet) -> None:
    """Close the gate, so that what others' actor signals held is erased."""
    situation = fleet[NODE].base.situation
    situation.policy = recorded()
    situation.record_gate(LegalGate())
    await relock(fleet[NODE].desk)


async def _prune(fleet: Fleet) -> None:
    """Let the first tile of the audit log go, as if all in it were old."""
    office = fleet[NODE].base.office
    log, now = office.trail.log, office.now()

    async def seen() -> Sizes:
        return Sizes(audit=TILE_WIDTH, anchor=0)

    pruning = Pruning(office, anchor=anchor_name(NODE), seen=seen)

    async def act(tx: Transaction) -> int | None:
        for row in await tx.sealed_openings(log, 0, TILE_WIDTH):
            if row.sealed is not None:
                await tx.erase_opening(log, row.index, row.group, at=now)
        return await pruning._act(tx, log, TILE_WIDTH)  # noqa: SLF001

    assert await office.store.write(act)


async def open_node(place: Place, parts: AsyncExitStack) -> Base:
    """Open what a node stands on, and join its federation, as its start does."""
    config = await asyncio.to_thread(load_config, place)
    base = await open_base(place, config, StandingClock(), parts)
    document = await base.store.read(lambda reader: reader.document(CHARTER_DOCUMENT))
    if document is not None:
        now = int(base.clock.now().timestamp())
        membership = await asyncio.to_thread(
            load_membership, place, config.name, document, now=now
        )
        base.situation.join(SharedLists(membership, {}, now=base.clock.now))
    return base


async def _fill(place: Place) -> None:
    with closing(sqlite3.connect(place.database)) as connection:
        tables = {
            name: (sql, connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone())  # noqa: S608
            for name, sql in connection.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table' "
                "AND name NOT LIKE 'sqlite%' ORDER BY name"
            ).fetchall()
        }
    empty = {name: sql for name, (sql, row) in tables.items() if row is None}
    async with AsyncExitStack() as parts:
        base = await open_node(place, parts)
        while empty:
            before = len(empty)
            for name, sql in list(empty.items()):
                if await _add_rows(base, name, sql):
                    del empty[name]
            if len(empty) == before:
                raise AssertionError(f"no row fits into {sorted(empty)}")


async def _add_rows(base: Base, name: str, sql: str) -> bool:
    async def act(tx: Transaction) -> bool:
        connection = tx._connection  # noqa: SLF001
        added = [_add_row(connection, name, sql, number) for number in (1, 2)]
        return any(added)

    return await base.store.write(act)


def _add_row(connection: Connection, name: str, sql: str, number: int) -> bool:
    columns = connection.execute(
        'SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (name,)
    ).fetchall()
    parents = {
        column: connection.execute(
            f"SELECT {theirs} FROM {parent} LIMIT 1 OFFSET {number - 1}"  # noqa: S608
        ).fetchone()
        for parent, column, theirs in connection.execute(
            'SELECT "table", "from", "to" FROM pragma_foreign_key_list(?)', (name,)
        ).fetchall()
    }
    optional = [column for column, _, needed, key in columns if not needed and not key]
    for filled in product((False, True), repeat=min(len(optional), 8)):
        left_out = {
            column
            for column, wanted in zip(optional, filled, strict=False)
            if not wanted
        }
        values = [
            None
            if column in left_out
            else (parents[column] or (None,))[0]
            if column in parents
            else _value(column, kind, sql, number + 10 * at)
            for at, (column, kind, _, _) in enumerate(columns)
        ]
        marks = ", ".join("?" * len(values))
        try:
            connection.execute(f"INSERT INTO {name} VALUES ({marks})", values)  # noqa: S608
        except sqlite3.IntegrityError:
            continue
        return True
    return False


def _value(column: str, kind: str, sql: str, number: int) -> Any:  # noqa: ANN401 - a cell
    allowed = re.search(rf"\b{column} IN \(([^)]*)\)", sql)
    if allowed is not None:
        choice = allowed[1].split(",")[0].strip()
        return choice.strip("'") if "'" in choice else int(choice)
    if re.search(rf"\b{column} BETWEEN 0 AND [a-z]", sql):
        return 0  # at most another column
    length = re.search(rf"length\({column}\) = (\d+)", sql)
    if kind == "BLOB":
        return bytes([number]) * (int(length[1]) if length else 8)
    text = f"{column}-{number}".ljust(int(length[1]) if length else 0, "-")
    return number if kind == "INTEGER" else text
