# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

import pytest

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_node.ground.errors import (
    CorruptLogError,
    MissingEntriesError,
    UnsealedLogError,
)
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.log.verification import Anchor
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, Opening

FEED = "a.demo/feed"
GROUPS = ("subject", "detail")


def entry(number: int) -> LogEntry:
    openings = tuple(
        Opening(group=group, salt=bytes([number % 256] * 32), payload=b"%d" % number)
        for group in GROUPS
    )
    commitments = (commit(FEED, o.group, o.salt, o.payload) for o in openings)
    return LogEntry(record=b"".join(commitments), openings=openings)


def commitments_of(record: bytes) -> Mapping[str, bytes]:
    if len(record) != 64:
        raise ValueError("no record")
    return dict(zip(GROUPS, (record[:32], record[32:]), strict=True))


@pytest.fixture
async def engine(store: Store) -> LogEngine:
    entries = [entry(number) for number in range(1500)]
    await store.write(lambda tx: tx.append_many(FEED, entries))
    return LogEngine(store)


async def test_an_untouched_log_adds_up(engine: LogEngine) -> None:
    verified = await engine.verify(FEED, commitments_of)

    assert (verified.size, verified.openings, verified.erased) == (1500, 3000, 0)
    assert verified.root == (await engine.head(FEED)).root


async def test_erasing_leaves_a_log_that_adds_up(engine: LogEngine) -> None:
    before = await engine.head(FEED)
    for index in (0, 700, 1499):
        assert await engine.erase_opening(FEED, index, "subject", at=1)

    verified = await engine.verify(FEED, commitments_of)

    assert (verified.openings, verified.erased) == (2997, 3)
    assert verified.root == before.root


async def test_destroying_a_periods_key_erases_its_openings_only(
    store: Store,
    engine: LogEngine,
    keys: PeriodKeys,
    advance: Callable[[timedelta], None],
) -> None:
    advance(timedelta(days=10))
    await store.write(lambda tx: tx.append(FEED, entry(1).record, entry(1).openings))
    await asyncio.to_thread(keys.destroy, "2026-11", present="2026-12")

    verified = await engine.verify(FEED, commitments_of)

    assert (verified.size, verified.openings, verified.erased) == (1501, 2, 3000)
    assert await engine.opening(FEED, 3, "subject") is None
    assert await engine.opening(FEED, 1500, "subject") == entry(1).openings[0]


@pytest.mark.promise("LR-13")
@pytest.mark.parametrize(
    ("damage", "first", "reason"),
    [
        ("UPDATE entries SET record = x'00' WHERE idx = 1400", 1400, "does not fit"),
        (
            "UPDATE entries SET record = zeroblob(64) WHERE idx = 700",
            700,
            "does not fit",
        ),
        (
            "UPDATE tile_roots SET hash = zeroblob(32) WHERE level = 1 AND idx = 2",
            512,
            "entries 512 to 767: the entries of this tile have changed",
        ),
        ("DELETE FROM entries WHERE idx = 700", 700, "entry is missing"),
        ("DELETE FROM tile_roots WHERE idx = 1", 256, "tile is missing"),
        (
            "UPDATE openings SET sealed = zeroblob(99) WHERE idx = 9 AND grp > 'd'",
            9,
            "does not open",
        ),
        (
            "UPDATE openings SET sealed = o.sealed FROM openings o WHERE o.idx = 8",
            0,
            "'detail' does not open",
        ),
        (
            "UPDATE openings SET grp = 'other' WHERE idx = 9 AND grp = 'subject'",
            9,
            "'other' does not open",
        ),
        ("UPDATE openings SET idx = 1600 WHERE idx = 9", 1600, "has no entry"),
        ("UPDATE openings SET idx = idx + 31534 WHERE idx < 9", 31534, "has no entry"),
        ("UPDATE openings SET idx = -7 WHERE idx = 9", -7, "has no entry"),
        (
            """UPDATE openings SET sealed = zeroblob(99) WHERE idx IN (700, 900);
            UPDATE entries SET record = zeroblob(64) WHERE idx = 300""",
            300,
            "does not fit",
        ),
        ("UPDATE openings SET sealed = x'00' WHERE idx = 3", 3, "does not open"),
    ],
)
async def test_any_change_is_found_and_placed(
    engine: LogEngine,
    tamper: Callable[[str], Awaitable[None]],
    damage: str,
    first: int,
    reason: str,
) -> None:
    await tamper(damage)

    with pytest.raises(CorruptLogError, match=reason) as caught:
        await engine.verify(FEED, commitments_of)

    assert caught.value.index == first


async def test_an_opening_without_a_commitment_is_found(store: Store) -> None:
    opening = Opening(group="third", salt=bytes(32), payload=b"")
    await store.write(lambda tx: tx.append(FEED, entry(0).record, [opening]))

    with pytest.raises(CorruptLogError, match="no commitment 'third'"):
        await LogEngine(store).verify(FEED, commitments_of)


async def test_an_opening_of_another_payload_is_found(store: Store) -> None:
    await store.write(lambda tx: tx.append(FEED, entry(0).record, entry(1).openings))

    with pytest.raises(CorruptLogError, match="does not fit"):
        await LogEngine(store).verify(FEED, commitments_of)


@pytest.mark.parametrize(
    ("sealed", "found", "place", "kind"),
    [
        (3, 3, (0, 2), CorruptLogError),
        (1, 1, (0, None), CorruptLogError),
        (3, 5, (3, 4), CorruptLogError),
        (0, 1, (0, None), CorruptLogError),
        (5, 3, (3, 4), MissingEntriesError),
        (1, 0, (0, None), MissingEntriesError),
    ],
)
def test_a_log_that_is_not_as_it_was_sealed_names_its_entries(
    sealed: int, found: int, place: tuple[int, int | None], kind: type[Exception]
) -> None:
    damage = UnsealedLogError(FEED, sealed=sealed, found=found).damage()

    assert (damage.index, damage.last) == place
    assert type(damage) is kind


async def test_of_what_was_verified_before_only_the_tree_is_compared(
    engine: LogEngine, tamper: Callable[[str], Awaitable[None]]
) -> None:
    since = Anchor(size=1024, root=await engine.root_at(FEED, 1024), source="before")
    whole = await engine.verify(FEED, commitments_of)
    part = await engine.verify(FEED, commitments_of, since=since, is_own=True)

    assert (part.size, part.root) == (1500, whole.root)
    assert part.openings == 2 * (1500 - 1024)
    await tamper("UPDATE entries SET record = x'00' WHERE idx = 3")  # its tiles are not
    again = await engine.verify(FEED, commitments_of, since=since, is_own=True)
    assert again.root == whole.root
    with pytest.raises(CorruptLogError):
        await engine.verify(FEED, commitments_of)


@pytest.mark.parametrize(
    ("change", "first", "last"),
    [
        ("UPDATE entries SET record = x'00' WHERE idx = 1030", 1030, None),
        ("UPDATE openings SET sealed = x'00' WHERE idx = 1400", 1400, None),
        ("UPDATE tile_roots SET hash = zeroblob(32) WHERE idx = 2", 0, 1023),
        ("DELETE FROM tile_roots WHERE idx = 1", 0, 1023),
        ("DELETE FROM openings WHERE idx = 1100", 1100, None),
    ],
)
async def test_what_changed_since_or_in_the_tree_is_found(
    engine: LogEngine,
    tamper: Callable[[str], Awaitable[None]],
    change: str,
    first: int,
    last: int | None,
) -> None:
    since = Anchor(size=1024, root=await engine.root_at(FEED, 1024), source="before")
    await tamper(change)
    with pytest.raises(CorruptLogError) as caught:
        await engine.verify(FEED, commitments_of, since=since, is_own=True)

    assert (caught.value.index, caught.value.last) == (first, last)


async def test_an_anchor_before_what_is_verified_is_passed_over(
    engine: LogEngine,
) -> None:
    since = Anchor(size=1024, root=await engine.root_at(FEED, 1024), source="before")
    for size, root in ((512, bytes(32)), (1300, await engine.root_at(FEED, 1300))):
        anchor = Anchor(size=size, root=root, source="elsewhere")

        async def anchors(_: object, anchor: Anchor = anchor) -> list[Anchor]:
            return [anchor]

        found = await engine.verify(FEED, commitments_of, anchors, since=since)
        assert found.size == 1500
    for other in (Anchor(size=1024, root=bytes(32), source="before"),):
        with pytest.raises(CorruptLogError, match="the tree is not the one"):
            await engine.verify(FEED, commitments_of, since=other)
