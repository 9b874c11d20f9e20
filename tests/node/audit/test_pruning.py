# SPDX-License-Identifier: Apache-2.0
"""Old records go; every proof, cosignature and pack stays what it was."""

import asyncio
import io
from datetime import timedelta
from pathlib import Path

import pytest
from tests.node.audit.conftest import AUDRA, DORA, STAFF, export, key_of
from tests.node.signals.conftest import ANNA, request_for
from tests.support.fleet import NAMES, Fleet, copy_of, make
from tests.support.fleet_stores import FLEET_STORES
from tests.support.keeping import hold_of, keeping, run_retention
from tests.support.old_records import (
    ANCHOR,
    AUDIT,
    COUNT,
    DAYS,
    LATER,
    cosign,
    grow_old,
    let_records_go,
    minimum,
    verify,
    write,
)
from tests.support.packs import taken

from fedsafe_crypto.tlog.checkpoint import open_checkpoint
from fedsafe_crypto.tlog.tile_files import CHECKPOINT, file_names, verify_files
from fedsafe_federation.feed.witnessing import witness_of
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.audit.packs.contents import audit_verifier
from fedsafe_node.audit.pruning import Pruning, Sizes
from fedsafe_node.evidence.verify import verify_pack
from fedsafe_node.ground.errors import PrunedError
from fedsafe_node.log.engine import LogEngine
from fedsafe_policies.vocabulary import Role

ANALYST = ("anna", Role.ANALYST)


async def proofs(fleet: Fleet, size: int) -> list[object]:
    engine = LogEngine(fleet["a.demo"].base.store)
    places = (0, 1, 255, 256, 300, 511, 512, size - 1)
    return [
        *[await engine.inclusion(AUDIT, index, size) for index in places],
        *[await engine.consistency(AUDIT, old, size) for old in (1, *places[1:])],
        *[await engine.root_at(AUDIT, old) for old in range(0, size + 1, 37)],
    ]


# --- what stays ----------------------------------------------------------------------


async def test_every_proof_is_what_it_was(aging: Fleet) -> None:
    size = (await LogEngine(aging["a.demo"].base.store).head(AUDIT)).size
    before = await proofs(aging, size)
    await grow_old(aging)

    assert await minimum(aging) == 512
    assert await proofs(aging, size) == before
    assert (await verify(aging)).ok


async def test_an_event_says_what_went(aging: Fleet) -> None:
    root = await LogEngine(aging["a.demo"].base.store).root_at(AUDIT, 512)
    await grow_old(aging)
    answer = await aging["a.demo"].services.audits.search(
        Wanted(events="audit.pruned"), Stretch(limit=10), AUDRA
    )
    (event,) = answer.events

    assert event.detail == {"log": AUDIT, "size": 512, "root": root.hex()}
    assert (event.actor, event.purpose) == (None, "audit_review")


async def test_a_node_that_starts_again_goes_on(aging: Fleet) -> None:
    await grow_old(aging)
    await aging.stop("a.demo")
    await aging.start("a.demo")
    await write(aging, COUNT)
    await grow_old(aging)

    assert await minimum(aging) > 1_024
    assert (await verify(aging)).ok


async def test_a_pack_from_before_verifies_and_one_of_the_rest_as_well(
    aging: Fleet,
) -> None:
    before = await export(aging)
    await grow_old(aging)
    after = await export(aging)
    old, new = (verify_pack(io.BytesIO(p), key_of(aging)) for p in (before, after))

    assert (old.start, new.start) == (0, 512)
    assert new.counts["records"] == new.end - 512
    with pytest.raises(PrunedError, match="the first that is there is 512"):
        await export(aging, first=511)


async def test_a_member_loses_its_old_keys_and_nothing_that_it_showed(
    trio: Fleet,
) -> None:
    await trio.covered()
    for name in NAMES:
        await trio.witnessed(name)
    before = await export(trio)
    was = verify_pack(io.BytesIO(before), key_of(trio))
    trio.clock.advance(timedelta(days=1_200))
    await run_retention(trio)
    await cosign(trio, *NAMES)
    inspections = trio["a.demo"].services.inspections
    standing = await inspections.standing()
    again = verify_pack(io.BytesIO(before), key_of(trio))
    after = verify_pack(io.BytesIO(await export(trio)), key_of(trio))
    verified = await trio["a.demo"].services.audits.verify(DORA)

    assert trio["a.demo"].base.periods.periods() == ["2030-03"]
    assert not (trio.place("a.demo").keys / "periods" / "2026-11.key").exists()
    assert verified.ok, verified
    assert again == was
    assert was.anchors > 0
    assert len(was.witnesses) == 2
    assert standing.cosigned is not None
    assert after.first_anchor > 0
    assert after.cosigned > was.cosigned


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
    behind = FLEET_STORES.behind(fleet.place(name))
    rows = behind.find("SELECT log, size FROM witnessed")
    return next(int(size) for log, size in rows if log.startswith(f"{ANCHOR}+"))


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
    await fleet.decide_by_named("a.demo")
    await cosign(fleet, "a.demo")
    want_one_witness(fleet)
    await fleet.stop("a.demo", "c.demo")
    await fleet.start("a.demo")
    await grow_both(fleet)
    await cosign(fleet, "a.demo")
    before = await export(fleet)
    was = verify_pack(io.BytesIO(before), key_of(fleet))
    fleet.clock.advance(LATER)
    await write(fleet, 1)  # else the last leaf would be as old as all others
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
        assert (await verify(fleet)).ok
        assert verify_pack(io.BytesIO(before), key_of(fleet)) == was
        assert "c.demo" in {name for name, _ in after.witnesses}
        assert after.cosigned > was.cosigned
        assert after.first_anchor >= 256
    finally:
        await fleet.close()


# --- what keeps it -------------------------------------------------------------------


async def test_records_stay_for_good_unless_a_time_is_set(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    await fleet.start("a.demo")
    try:
        await write(fleet, COUNT)
        await grow_old(fleet, timedelta(days=4_000))

        assert await minimum(fleet) == 0
    finally:
        await fleet.close()


async def test_young_records_stay(aging: Fleet) -> None:
    aging.clock.advance(LATER)
    await write(aging, COUNT)
    await run_retention(aging)

    assert await minimum(aging) == 512


async def test_nothing_goes_while_something_is_held(aging: Fleet) -> None:
    hold = await keeping(aging).holding.add(hold_of(aging, 800, first=0, last=0), DORA)
    await grow_old(aging)
    assert await minimum(aging) == 0
    await keeping(aging).holding.lift(hold.hold, DORA)
    await run_retention(aging)

    assert await minimum(aging) == 512


async def test_what_is_gone_cannot_be_held(aging: Fleet) -> None:
    await grow_old(aging)

    with pytest.raises(PrunedError):
        await keeping(aging).holding.add(hold_of(aging, first=511, last=600), DORA)


async def test_a_record_stays_that_can_be_read_or_that_a_ban_rests_on(
    tmp_path: Path,
) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=(*STAFF, ANALYST))
    let_records_go(fleet)
    await fleet.start("a.demo")
    try:
        await write(fleet, 300)
        fleet.clock.advance(timedelta(days=40))
        await fleet["a.demo"].services.signals.add(request_for(), ANNA)
        await write(fleet, COUNT)
        await grow_old(fleet)

        assert await minimum(fleet) == 256
        assert fleet["a.demo"].base.periods.periods() == ["2027-01", "2027-05"]
        assert (await verify(fleet)).ok
    finally:
        await fleet.close()


async def test_no_more_goes_than_others_have_seen(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    let_records_go(fleet, after=0)
    await fleet.start("a.demo")
    office, known = fleet["a.demo"].base.office, [511, 512]

    async def seen() -> Sizes:
        return Sizes(audit=known.pop(0), anchor=0)

    try:
        await write(fleet, COUNT)
        await grow_old(fleet)
        pruning = Pruning(office, anchor=ANCHOR, seen=seen)
        gone = [await pruning.run(DAYS), await pruning.run(DAYS)]

        assert gone == [256, 256]
        assert (await verify(fleet)).ok
    finally:
        await fleet.close()


async def test_runs_that_overlap_let_each_entry_go_once(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    let_records_go(fleet, after=0)
    await fleet.start("a.demo")

    async def seen() -> Sizes:
        return Sizes(audit=COUNT, anchor=0)

    try:
        await write(fleet, COUNT)
        await grow_old(fleet)
        pruning = Pruning(fleet["a.demo"].base.office, anchor=ANCHOR, seen=seen)
        gone = await asyncio.gather(*(pruning.run(DAYS) for _ in range(4)))

        assert sorted(gone) == [0, 0, 0, 512]
        assert len(await fleet.audit("a.demo", "audit.pruned")) == 1
        assert (await verify(fleet)).ok
    finally:
        await fleet.close()


async def test_one_person_lets_no_record_and_no_opening_go(tmp_path: Path) -> None:
    fleet = await make(tmp_path / "one", "a.demo", staff=STAFF)
    await fleet.start("a.demo")
    await write(fleet, COUNT)
    let_records_go(fleet)
    try:
        await fleet.stop("a.demo")
        await fleet.start("a.demo")
        await grow_old(fleet)
        keys = fleet["a.demo"].base.periods.periods()
        erased = [await fleet.audit("a.demo", "audit.erased"), await minimum(fleet)]
        told = (await fleet["a.demo"].services.node.status()).not_approved
        await fleet.decide_by_named("a.demo")
        await grow_old(fleet, timedelta(0))

        assert (erased, told) == ([[], 0], ["audit"])
        assert not set(keys) & set(fleet["a.demo"].base.periods.periods())
        assert await minimum(fleet) == 512
    finally:
        await fleet.close()


async def test_a_member_waits_for_the_quorum(founded: Path, tmp_path: Path) -> None:
    fleet = copy_of(founded, tmp_path / "n")
    let_records_go(fleet)
    await fleet.start("a.demo")
    await fleet.decide_by_named("a.demo")
    try:
        await write(fleet, COUNT)
        await grow_old(fleet)

        assert await minimum(fleet) == 0
    finally:
        await fleet.close()


# --- who looks -----------------------------------------------------------------------


async def test_readers_begin_with_the_first_that_is_there(aging: Fleet) -> None:
    await grow_old(aging)
    services = aging["a.demo"].services
    page = await services.audits.events(0, 3, AUDRA)
    gaps = await keeping(aging).telling.gaps()
    standing = await services.inspections.standing()
    shown = await services.inspections.entry(512, DORA, None, proof=True)

    assert [event.index for event in page.events] == [512, 513, 514]
    assert page.next == 515
    assert (gaps.missing, gaps.minimum) == (0, 512)
    assert (standing.missing, standing.minimum) == (0, 512)
    assert gaps.erased["signal"] == 0
    assert gaps.erased["retention"] >= COUNT
    assert shown.index == 512
    for since in (0, 511):
        with pytest.raises(PrunedError):
            await services.inspections.entry(since, DORA, None, proof=False)
    by_time = await export(aging, since=0)
    assert verify_pack(io.BytesIO(by_time), key_of(aging)).start == 512


async def test_tiles_have_no_bundles_below_the_minimum(aging: Fleet) -> None:
    before = await taken(aging)
    await grow_old(aging)
    files = await taken(aging)
    key = audit_verifier("a.demo", aging["a.demo"].base.keys)
    checkpoint = open_checkpoint(files[CHECKPOINT], key)

    verify_files(checkpoint, files.__getitem__, minimum=512)
    assert list(files) == list(file_names(checkpoint.size, minimum=512))
    gone = {"tile/entries/000", "tile/entries/001"}
    assert gone <= set(before)
    assert not gone & set(files)
    for name in ("tile/0/000", "tile/0/001"):
        assert files[name] == before[name]
