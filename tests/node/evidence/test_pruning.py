# SPDX-License-Identifier: Apache-2.0
"""Old records go; every proof, cosignature and pack stays what it was."""

import asyncio
import io
import re
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from tests.node.evidence.conftest import AUDRA, DORA, STAFF, export, key_of
from tests.node.evidence.test_keeping import (
    ACCOUNT,
    cosign,
    run_retention,
)
from tests.node.fleet import NAMES, Fleet, copy_of, make

from fedsafe_federation.witnessing import witness_of
from fedsafe_node.errors import PrunedError
from fedsafe_node.evidence.verify import verify_pack
from fedsafe_node.log.audit import Event
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.searching import Wanted

COUNT = 700
DAYS = 30
AUDIT = "a.demo/audit"
ANCHOR = "a.demo/anchor"
MARK = "mark-of-an-old-event"
LATER = timedelta(days=120)
SETTINGS = (
    f"[audit]\nactor = {DAYS}\nsubject = {DAYS}\ndetail = {DAYS}\nrecords = {DAYS}\n"
)


def let_records_go(fleet: Fleet, name: str = "a.demo") -> None:
    path = fleet.place(name).config
    text = re.sub(r"\[audit\]\n(\w+ = \d+\n)+", SETTINGS, path.read_text())
    assert SETTINGS in text
    path.write_text(text)


@pytest.fixture
async def alone(tmp_path: Path) -> AsyncIterator[Fleet]:
    """Give a node whose records go after a month, with some that are old by now."""
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    let_records_go(fleet)
    await fleet.start("a.demo")
    await write(fleet, COUNT)
    yield fleet
    await fleet.close()


async def write(fleet: Fleet, count: int) -> None:
    base = fleet["a.demo"].base
    entries = [
        base.trail.entry(
            Event.LOOKUP,
            at=base.clock.now(),
            outcome=MARK,
            subject=ACCOUNT,
            detail={"signals": number},
        )
        for number in range(count)
    ]
    await base.store.write(lambda tx: tx.append_many(base.trail.log, entries))


async def minimum(fleet: Fleet, log: str = AUDIT) -> int:
    store = fleet["a.demo"].base.store
    return await store.read(lambda reader: reader.minimum(log))


async def grow_old(fleet: Fleet, by: timedelta = LATER) -> None:
    fleet.clock.advance(by)
    await run_retention(fleet)


async def verified(fleet: Fleet) -> bool:
    answer = await fleet["a.demo"].services.audits.verify(DORA)
    return answer.ok


async def proofs(fleet: Fleet, size: int) -> list[object]:
    engine = LogEngine(fleet["a.demo"].base.store)
    places = (0, 1, 255, 256, 300, 511, 512, size - 1)
    return [
        *[await engine.inclusion(AUDIT, index, size) for index in places],
        *[await engine.consistency(AUDIT, old, size) for old in (1, *places[1:])],
        *[await engine.root_at(AUDIT, old) for old in range(0, size + 1, 37)],
    ]


# --- what stays ----------------------------------------------------------------------


async def test_every_proof_is_what_it_was(alone: Fleet) -> None:
    size = (await LogEngine(alone["a.demo"].base.store).head(AUDIT)).size
    before = await proofs(alone, size)
    await grow_old(alone)

    assert await minimum(alone) == 512
    assert await proofs(alone, size) == before
    assert await verified(alone)


async def test_an_event_says_what_went(alone: Fleet) -> None:
    root = await LogEngine(alone["a.demo"].base.store).root_at(AUDIT, 512)
    await grow_old(alone)
    answer = await alone["a.demo"].services.audits.search(
        Wanted(events="audit.pruned"), 0, 10, AUDRA
    )
    (event,) = answer.events

    assert event.detail == {"log": AUDIT, "size": 512, "root": root.hex()}
    assert (event.actor, event.purpose) == (None, "audit_review")


async def test_a_node_that_starts_again_goes_on(alone: Fleet) -> None:
    await grow_old(alone)
    await alone.stop("a.demo")
    await alone.start("a.demo")
    await write(alone, COUNT)
    await grow_old(alone)

    assert await minimum(alone) > 1_024
    assert await verified(alone)


async def test_a_pack_from_before_verifies_and_one_of_the_rest_as_well(
    alone: Fleet,
) -> None:
    before = await export(alone)
    await grow_old(alone)
    after = await export(alone)
    old, new = (verify_pack(io.BytesIO(p), key_of(alone)) for p in (before, after))

    assert (old.start, new.start) == (0, 512)
    assert new.counts["records"] == new.end - 512
    with pytest.raises(PrunedError, match="the first that is there is 512"):
        await export(alone, first=511)


def want_one_witness(fleet: Fleet) -> None:
    """Let the first node be content with either of the others."""
    shared = fleet["a.demo"].base.situation.shared
    assert shared is not None
    lines = [
        f"witness {member.name} {witness_of(member).encode()}\n"
        for member in shared.membership.others
    ]
    lines.append("group others any b.demo c.demo\nquorum others\n")
    fleet.place("a.demo").witness_policy.write_text("".join(lines))


def seen_by(fleet: Fleet, name: str) -> int:
    """Tell how much of the anchor a witness that is stopped has cosigned."""
    with closing(sqlite3.connect(fleet.place(name).database)) as connection:
        rows = connection.execute("SELECT log, size FROM witnessed").fetchall()
    return next(size for log, size in rows if log.startswith(f"{ANCHOR}+"))


async def grow_both(fleet: Fleet) -> None:
    """Let the audit log and its anchor grow by more than a tile."""
    for _ in range(300):
        await write(fleet, 3)
        await fleet["a.demo"].witnesses.anchor.grow()


async def test_a_member_shows_what_it_showed_and_a_late_witness_catches_up(
    founded: Path, tmp_path: Path
) -> None:
    fleet = copy_of(founded, tmp_path / "n")
    let_records_go(fleet)
    await fleet.start(*NAMES)
    await cosign(fleet, "a.demo")
    want_one_witness(fleet)
    await fleet.stop("a.demo", "c.demo")
    await fleet.start("a.demo")
    await grow_both(fleet)
    await cosign(fleet, "a.demo")
    before = await export(fleet)
    was = verify_pack(io.BytesIO(before), key_of(fleet))
    fleet.clock.advance(LATER)
    await cosign(fleet, "a.demo")
    await run_retention(fleet)
    seen = await asyncio.to_thread(seen_by, fleet, "c.demo")
    await fleet.start("c.demo")
    await fleet.covered()
    fleet.clock.advance(timedelta(hours=2))
    await cosign(fleet, "a.demo")
    after = verify_pack(io.BytesIO(await export(fleet)), key_of(fleet))
    try:
        assert 0 < seen < 256
        assert await minimum(fleet, ANCHOR) == 256
        assert await minimum(fleet) == 768
        assert await verified(fleet)
        assert verify_pack(io.BytesIO(before), key_of(fleet)) == was
        assert sorted(name for name, _ in after.witnesses) == ["b.demo", "c.demo"]
        assert after.cosigned > was.cosigned
        assert after.first_anchor >= 256
    finally:
        await fleet.close()
