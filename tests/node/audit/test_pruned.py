# SPDX-License-Identifier: Apache-2.0
"""What is left of pruned records: hashes that nobody changes unseen, and no record."""

import asyncio
from pathlib import Path

import pytest
from tests.node.audit.conftest import STAFF
from tests.node.signals.conftest import ANNA, RITA, request_for
from tests.support.attested_gates import recorded
from tests.support.disk import files_with
from tests.support.fleet import NAMES, Fleet, copy_of, make
from tests.support.fleet_stores import FLEET_STORES
from tests.support.old_records import (
    AUDIT,
    COUNT,
    grow_old,
    let_records_go,
    minimum,
    verify,
    write,
)
from tests.support.search import encodings

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.bodies import RevokeRequest
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.log.audit import decode_audit_record
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.signals.relock import relock
from fedsafe_policies.rules.gate import LegalGate
from fedsafe_policies.vocabulary import Role

IN_LOG = f"log = (SELECT id FROM logs WHERE origin = '{AUDIT}')"  # noqa: S608
OPENING_7 = "SELECT log, 7, 'detail', '2026-11', x'00', NULL"
AT_513 = f"WHERE {IN_LOG} AND idx = 513"
ANOTHER_HASH = (
    "UPDATE leaf_tiles SET hashes = "
    "CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE idx = 1"
)
MEDDLING = {
    "an entry behind is deleted": (
        f"DELETE FROM entries WHERE {IN_LOG} AND idx = 512",  # noqa: S608
        AUDIT,
    ),
    "an entry before comes back": (
        f"INSERT INTO entries SELECT log, 7, record FROM entries {AT_513}",  # noqa: S608
        "entries",
    ),
    "an opening before comes back": (
        f"INSERT INTO openings {OPENING_7} FROM entries {AT_513}",
        "openings",
    ),
    "more is said to be pruned": ("UPDATE pruned SET size = 768", "pruned"),
    "less is said to be pruned": ("UPDATE pruned SET size = 256", "pruned"),
    "another root": ("UPDATE pruned SET root = zeroblob(32)", "pruned"),
    "another event": ("UPDATE pruned SET event = event - 1", "pruned"),
    "nothing was pruned": ("DELETE FROM pruned", "pruned"),
    "hashes are gone": ("DELETE FROM leaf_tiles WHERE idx = 1", "leaf_tiles"),
    "a hash is another": (ANOTHER_HASH, "leaf_tiles"),
}


def meddle(fleet: Fleet, statement: str) -> None:
    assert FLEET_STORES.behind(fleet.place("a.demo")).change(statement) > 0


@pytest.mark.parametrize(("statement", "where"), MEDDLING.values(), ids=MEDDLING)
async def test_whoever_meddles_with_it_is_found(
    aging: Fleet, statement: str, where: str
) -> None:
    await grow_old(aging)
    await asyncio.to_thread(meddle, aging, statement)
    answer = await verify(aging)
    bad = [each.log for each in answer.logs if not each.ok]
    bad += [each.table for each in answer.tables if not each.ok]

    assert where in bad


async def test_a_ban_that_is_erased_outlives_its_entry(tmp_path: Path) -> None:
    staff = (*STAFF, ("anna", Role.ANALYST))
    fleet = await make(tmp_path / "one", "a.demo", staff=staff)
    let_records_go(fleet)
    await fleet.start("a.demo")
    node = fleet["a.demo"]
    try:
        ban = await node.services.signals.add(request_for(), ANNA)
        await write(fleet, COUNT)
        request = RevokeRequest(reason=Reason.MISTAKE)
        await node.services.signals.revoke(ban.signal, request, RITA)
        await grow_old(fleet)
        gone, answer = await minimum(fleet), await verify(fleet)
        revived = "UPDATE signals SET status = 'expired', token = zeroblob(16)"
        await asyncio.to_thread(meddle, fleet, revived)
        bad = [each for each in (await verify(fleet)).tables if not each.ok]

        assert gone == 512
        assert answer.ok, answer
        assert "it is expired, but its entry was pruned" in str(bad[0].why)
    finally:
        await fleet.close()


async def test_a_relock_outlives_its_event(founded: Path, tmp_path: Path) -> None:
    fleet = copy_of(founded, tmp_path / "n")
    let_records_go(fleet)
    fleet.place("a.demo").witness_policy.write_text("quorum none\n")
    await fleet.start(*NAMES)
    await fleet.decide_by_named("a.demo")
    try:
        await fleet.covered()
        await fleet.publish("sigrid@mail.example", at="b.demo", by=("a.demo",))
        node = fleet["a.demo"]
        node.base.situation.policy = recorded()
        node.base.situation.record_gate(LegalGate())
        await relock(node.desk)
        (event,) = await fleet.audit("a.demo", "gate.relocked")
        await write(fleet, COUNT)
        await grow_old(fleet)
        answer = await verify(fleet)

        assert '"signals":1' in event.text
        assert await minimum(fleet) == 512
        assert await fleet["a.demo"].base.store.read(lambda r: r.relocked_counts())
        assert answer.ok, answer
    finally:
        await fleet.close()


async def test_the_log_itself_names_the_tile_whose_hashes_changed(
    aging: Fleet,
) -> None:
    await grow_old(aging)
    await asyncio.to_thread(meddle, aging, ANOTHER_HASH)
    answer = await verify(aging)
    (bad,) = [log for log in answer.logs if not log.ok]

    assert (bad.damage, bad.first_bad_index, bad.last_bad_index) == (
        "tampered",
        256,
        511,
    )


async def test_entries_that_were_changed_do_not_go(aging: Fleet) -> None:
    statement = f"UPDATE entries SET record = x'00' WHERE {IN_LOG} AND idx = 300"  # noqa: S608
    await asyncio.to_thread(meddle, aging, statement)

    with pytest.raises(CorruptLogError, match="256 to 511"):
        await grow_old(aging)
    assert await minimum(aging) == 0


@pytest.mark.embedded
async def test_no_byte_of_a_pruned_record_is_left(aging: Fleet) -> None:
    base = aging["a.demo"].base
    engine = LogEngine(base.store)
    needles, stays = [
        [
            written
            for record in await engine.records(AUDIT, first, count)
            for commitment in decode_audit_record(record).commitments.values()
            for written in encodings(commitment)
        ]
        for first, count in ((0, 512), (512, 1))
    ]
    directory = base.place.directory
    assert await asyncio.to_thread(files_with, directory, needles)
    await grow_old(aging)
    assert await base.store.scrub()

    assert await minimum(aging) == 512
    assert await asyncio.to_thread(files_with, directory, needles) == set()
    assert await asyncio.to_thread(files_with, directory, stays)
