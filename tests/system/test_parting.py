# SPDX-License-Identifier: Apache-2.0
"""A member is expelled: running processes erase what it gave, and it what they gave.

The database files of all nodes are searched raw for the bytes of the openings.
"""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support import fleet as fleets
from tests.support.council import agree, at_version, propose
from tests.support.federation import Caller, until
from tests.support.gate_nodes import running
from tests.support.origin import WHO

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_federation.charter.changes import ChangeKind
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.app.init import create_node
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place

pytestmark = pytest.mark.timeout(300)

WITHIN = 90.0
GONE = "c.demo"
_FOREIGN = (
    "SELECT o.sealed FROM signals s JOIN logs l ON l.origin = s.log "
    "JOIN openings o ON o.log = l.id AND o.idx = s.idx "
    "WHERE s.origin = ? AND o.sealed IS NOT NULL"
)


async def _prepare(root: Path) -> tuple[dict[str, list[bytes]], dict[str, int]]:
    """Make a federation that expels c while c is away.

    Give what must be erased, and of how many each node's files had a part before.
    """
    clock = fleets.StandingClock(SystemClock().now())
    fleet, names = fleets.Fleet(root, clock), fleets.NAMES
    for name, port in zip(names, free_ports(len(names)), strict=True):
        await create_node(
            Place(root / name),
            fleets.config_of(name, port),
            custody_private=root / "custody" / f"{name}.key",
            staff=fleets.STAFF,
            clock=clock,
        )
    try:
        await fleet.start(*names)
        await fleets.found(fleet, *names)
        await fleet.attested()
        await fleet.publish(WHO)
        await fleet.publish("ab" * 32, Kind.SHA256, at=GONE, by=("a.demo", "b.demo"))
        await fleet.publish(WHO, at=GONE, by=("a.demo", "b.demo"))
        await fleet.stop(GONE)
        held = await asyncio.to_thread(_held, root)
        before = {name: _left(root, name, sealed) for name, sealed in held.items()}
        proposal = await propose(fleet, "a.demo", ChangeKind.EXPEL, GONE)
        await agree(fleet, proposal, "b.demo")
        await at_version(fleet, 2, "a.demo", "b.demo")
    finally:
        await fleet.close()
    return held, before


def _held(root: Path) -> dict[str, list[bytes]]:
    """Read what each node has of those that it is parted from."""
    origins = dict.fromkeys(fleets.NAMES, GONE) | {GONE: "a.demo"}
    held: dict[str, list[bytes]] = {}
    for name, origin in origins.items():
        uri = f"file:{root / name / 'store.db'}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            held[name] = [row[0] for row in db.execute(_FOREIGN, (origin,))]
    return held


def _left(root: Path, name: str, sealed: list[bytes]) -> int:
    """Count the openings of which a node's files still have a part."""
    files = [root / name / f"store.db{end}" for end in ("", "-wal", "-journal")]
    data = b"".join(file.read_bytes() for file in files if file.exists())
    return sum(each[:32] in data or each[-32:] in data for each in sealed)


def _receipts(caller: Caller) -> set[str]:
    """Name whose receipts of a parting a node has taken."""
    target = "/v1/audit/events?limit=1000&purpose=audit_review"
    events = caller.get(target).body["events"]
    return {
        each["detail"]["member"]
        for each in events
        if each["event"] == "restrictions.receipt_taken" and "parted" in each["detail"]
    }


def test_of_who_is_expelled_no_byte_is_left_and_both_sides_sign_for_it(
    tmp_path: Path,
) -> None:
    root = tmp_path / "n"
    held, before = asyncio.run(_prepare(root))
    with running(root) as nodes:
        callers = {name: Caller(node) for name, node in nodes.items()}
        until(
            lambda: not any(_left(root, *each) for each in held.items()),
            "the erasure",
            patience=WITHIN,
        )
        until(
            lambda: (
                _receipts(callers["a.demo"]) == {GONE}
                and _receipts(callers[GONE]) == {"a.demo", "b.demo"}
            ),
            "the receipts",
            patience=WITHIN,
        )
        question = {"questions": [{"kind": "sha256", "value": "ab" * 32}]}
        media = question | {
            "purpose": "media_matching",
            "surface": "public_content",
        }
        results = {
            name: caller.post("/v1/lookup", media).body["matches"]
            for name, caller in callers.items()
        }

    assert before == {"a.demo": 2, "b.demo": 2, GONE: 1}
    assert results == {"a.demo": [], "b.demo": [], GONE: []}
