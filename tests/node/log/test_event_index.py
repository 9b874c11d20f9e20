# SPDX-License-Identifier: Apache-2.0
import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run

import pytest
from tests.node.conftest import FixedClock
from tests.support.databases import Behind

from fedsafe_node.ground.errors import CorruptRowError
from fedsafe_node.log.audit import ACTOR, DETAIL, SUBJECT, AuditTrail, Event
from fedsafe_node.log.event_index import (
    NAMED,
    PARTS,
    Looked,
    Name,
    candidates,
    count_unread,
    pack_names,
    places_of,
    runs,
    take_in,
)
from fedsafe_node.log.openings import PeriodKeys
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import CHUNK_ENTRIES, LogEntry
from fedsafe_node.store.transaction import Transaction

TRAIL = AuditTrail("a.demo")
LOG = TRAIL.log
CHUNKS, TAIL = 3, 100
SIZE = CHUNKS * CHUNK_ENTRIES + TAIL
EVENTS = (Event.LOOKUP, Event.AUDIT_READ, Event.OWN_BAN, Event.REFUSED)
Tamper = Callable[[str], Awaitable[None]]
Said = dict[str, str | None]
"""What an entry of the tests says: event, outcome, actor, subject, peer, signals."""


def say(dice: Random) -> Said:
    peer = dice.choice((None, "b.demo", "c.demo"))
    signals = " ".join(dice.sample(("s1", "s2", "s3", "s12"), dice.randrange(3)))
    return {
        "event": dice.choice(EVENTS),
        "outcome": dice.choice(("ok", "none", "review")),
        "actor": dice.choice((None, "anna", "shop", "rita")),
        "subject": dice.choice((None, *(f"shop/{number}" for number in range(200)))),
        "peer": peer,
        "signals": signals or None,
    }


def entry(said: Said, clock: FixedClock) -> LogEntry:
    detail = {key: value for key in ("peer", "signals") if (value := said[key])}
    return TRAIL.entry(
        Event(said["event"] or ""),
        at=clock.now(),
        outcome=said["outcome"] or "",
        actor=said["actor"],
        subject=said["subject"],
        detail=dict(detail),
    )


@pytest.fixture
async def said(store: Store, clock: FixedClock) -> list[Said]:
    """Give what a log of three chunks and more says; a month ends in the second."""
    dice = Random(25)  # noqa: S311 - no secret hangs on it
    every = [say(dice) for _ in range(SIZE)]
    half = SIZE // 2
    for start in range(0, SIZE, half // 4):
        if start >= half:
            clock.moment = max(clock.moment, clock.moment.replace(month=12))
        part = [entry(each, clock) for each in every[start : start + half // 4]]
        await store.write(lambda tx, part=part: tx.append_many(LOG, part))  # type: ignore[misc]
        clock.advance(timedelta(hours=1))
    return every


async def ask(
    store: Store,
    looked: Looked,
    span: tuple[int, int] = (0, SIZE),
    *,
    newest: bool = False,
) -> list[int]:
    async def query(reader: Reader) -> list[int]:
        found = list[int]()
        async for part in candidates(reader, LOG, looked, span, newest=newest):
            found += part
        return found

    return await store.scan(query)


def fits(said: Said, looked: Looked) -> bool:
    for name in looked.names:
        have: dict[tuple[str, str], list[str | None]] = {
            (ACTOR, "name"): [said["actor"]],
            (SUBJECT, "ref"): [(said["subject"] or "/").split("/")[1]],
            (DETAIL, "peer"): [said["peer"]],
            (DETAIL, "signal"): [*(said["signals"] or "").split()],
        }
        if name.value not in have[name.part, name.kind]:
            return False
    return (looked.events is None or said["event"] in looked.events) and (
        looked.outcome in {None, said["outcome"]}
    )


def question(dice: Random) -> Looked:
    names = [
        Name(ACTOR, "name", dice.choice(("anna", "shop", "nobody"))),
        Name(SUBJECT, "ref", str(dice.randrange(201))),
        Name(DETAIL, "peer", dice.choice(("b.demo", "b.dem"))),
        Name(DETAIL, "signal", dice.choice(("s1", "s12"))),
    ]
    return Looked(
        events=dice.choice((None, frozenset(dice.sample(EVENTS, 2)))),
        outcome=dice.choice((None, None, "review")),
        names=tuple(dice.sample(names, dice.randrange(3))),
    )


async def parts_of(store: Store, part: str) -> list[tuple[str, bytes | None]]:
    async def query(reader: Reader) -> list[tuple[str, bytes | None]]:
        rows = await reader.event_parts(LOG, part, 0, CHUNKS)
        return [(row.period, reader.open_part(LOG, row)) for row in rows if row.period]

    return await store.scan(query)


async def test_what_is_looked_for_is_found_as_by_reading_all(
    store: Store, said: list[Said]
) -> None:
    assert await take_in(store, LOG) == CHUNKS * len(PARTS)
    dice = Random(26)  # noqa: S311 - no secret hangs on it
    for _ in range(60):
        looked, newest = question(dice), dice.random() < 0.5
        start = dice.choice((0, dice.randrange(SIZE)))
        stop = dice.choice((SIZE, start, dice.randrange(start, SIZE + 1)))
        found = await ask(store, looked, (start, stop), newest=newest)

        assert found == sorted(found, reverse=newest)
        whole = CHUNKS * CHUNK_ENTRIES
        want = [at for at in range(start, stop) if fits(said[at], looked)]
        assert sorted(at for at in found if at < whole) == [
            at for at in want if at < whole
        ]
        assert {*range(max(start, whole), stop)} == {at for at in found if at >= whole}


async def test_entries_in_no_chunk_are_given_and_counted(
    store: Store, said: list[Said]
) -> None:
    looked = Looked(names=(Name(SUBJECT, "ref", "7"),))
    assert await ask(store, looked) == list(range(len(said)))
    assert await store.read(lambda r: count_unread(r, LOG, looked)) == SIZE
    await take_in(store, LOG)

    assert await store.read(lambda r: count_unread(r, LOG, looked)) == TAIL
    assert len(await ask(store, looked)) < TAIL + 50
    assert await take_in(store, LOG) == 0


async def test_span_of_time_passes_chunks_over(store: Store, said: list[Said]) -> None:
    assert said
    await take_in(store, LOG)
    found = await ask(store, Looked(after=4_000_000_000))
    assert found == list(range(CHUNKS * CHUNK_ENTRIES, SIZE))
    assert await ask(store, Looked(before=1)) == found


async def test_erased_opening_leaves_nothing_in_the_index(
    store: Store, said: list[Said], keys: PeriodKeys
) -> None:
    await take_in(store, LOG)
    named = next(
        name
        for name in (f"shop/{number}" for number in range(200))
        if sum(each["subject"] == name for each in said[: CHUNKS * CHUNK_ENTRIES]) > 2
    )
    name = Name(SUBJECT, "ref", named.split("/")[1])
    mine = [at for at, each in enumerate(said) if each["subject"] == named]

    def held(parts: list[tuple[str, bytes | None]]) -> int:
        return sum(
            len(places_of(name.digest(keys.index_key(period) or b""), content or b""))
            for period, content in parts
        )

    assert held(await parts_of(store, SUBJECT)) == sum(
        at < CHUNKS * CHUNK_ENTRIES for at in mine
    )

    async def erase(tx: Transaction) -> None:
        for at in mine:
            await tx.erase_opening(LOG, at, SUBJECT, at=1)

    await store.write(erase)
    assert held(await parts_of(store, SUBJECT)) == 0
    assert (
        await store.read(lambda r: count_unread(r, LOG, Looked(names=(name,))))
        >= TAIL + CHUNK_ENTRIES
    )
    assert set(mine) <= set(await ask(store, Looked(names=(name,))))
    assert 1 <= await take_in(store, LOG) <= CHUNKS  # of the other groups nothing

    assert held(await parts_of(store, SUBJECT)) == 0
    found = await ask(store, Looked(names=(name,)))
    assert found == list(range(CHUNKS * CHUNK_ENTRIES, SIZE))
    other = Looked(names=(Name(ACTOR, "name", "anna"),))
    assert len(await ask(store, other)) > TAIL


async def test_what_is_erased_while_it_is_taken_in_is_not_kept(
    store: Store, said: list[Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = next(at for at, each in enumerate(said) if each["subject"] is not None)
    scan = store.scan

    async def scan_then_erase(query: Callable[[Reader], Awaitable[object]]) -> object:
        found = await scan(query)
        await store.write(lambda tx: tx.erase_opening(LOG, mine, SUBJECT, at=1))
        return found

    monkeypatch.setattr(store, "scan", scan_then_erase)
    await take_in(store, LOG)
    monkeypatch.undo()

    names = await store.read(lambda reader: reader.event_part_names(LOG))
    assert (SUBJECT, 0) not in {(part, chunk) for part, chunk, _ in names}
    assert (SUBJECT, 1) in {(part, chunk) for part, chunk, _ in names}
    assert await take_in(store, LOG) == 1


async def test_destroyed_month_takes_its_names_out_of_the_index(
    store: Store, said: list[Said], keys: PeriodKeys
) -> None:
    await take_in(store, LOG)
    looked = Looked(names=(Name(ACTOR, "name", "anna"),))
    before = [at for at in await ask(store, looked) if at < CHUNKS * CHUNK_ENTRIES]
    await asyncio.to_thread(keys.destroy, "2026-11", present="2026-12")
    still = [at for at in await ask(store, looked) if at < CHUNKS * CHUNK_ENTRIES]
    assert still
    assert still == before[-len(still) :]
    assert len(still) < len(before)
    # Nothing of the month lies about: its parts are made again without it.
    assert await take_in(store, LOG) > 0
    names = await store.read(lambda reader: reader.event_part_names(LOG))
    assert {period for part, _, period in names if part in NAMED} == {"", "2026-12"}
    after = [at for at in await ask(store, looked) if at < CHUNKS * CHUNK_ENTRIES]
    assert after == still
    assert await take_in(store, LOG) == 0
    assert all(said[at]["actor"] == "anna" for at in after)


@pytest.mark.parametrize("part", PARTS)
async def test_changed_row_is_never_answered_from(
    store: Store, said: list[Said], part: str, tamper: Tamper
) -> None:
    assert said
    await take_in(store, LOG)
    # What another chunk says, at this one's place; of records a row that is cut.
    other = (
        f"(SELECT content FROM event_chunks o WHERE o.part = '{part}' AND o.chunk = 0)"  # noqa: S608
    )
    content = other if part in NAMED else "substr(content, 1, 40)"
    where = f"WHERE part = '{part}' AND chunk = 2"
    await tamper(f"UPDATE event_chunks SET content = {content} {where}")  # noqa: S608
    kind = {ACTOR: "name", SUBJECT: "ref", DETAIL: "peer"}.get(part, "")
    looked = Looked(names=(Name(part, kind, "anna"),))
    if part not in NAMED:
        looked = Looked(outcome="none")
    with pytest.raises(CorruptRowError, match=f"{part} of chunk 2"):
        await ask(store, looked)


async def test_row_that_is_gone_hides_nothing(
    store: Store, said: list[Said], tamper: Tamper
) -> None:
    await take_in(store, LOG)
    looked = Looked(names=(Name(DETAIL, "signal", "s12"),))
    want = {at for at, each in enumerate(said) if fits(each, looked)}
    for part in (DETAIL, "record"):
        where = f"part = '{part}' AND chunk = 1"
        await tamper(f"DELETE FROM event_chunks WHERE {where}")  # noqa: S608
        found = await ask(store, looked)
        assert want <= set(found)
        assert {*range(CHUNK_ENTRIES, 2 * CHUNK_ENTRIES)} <= set(found)


async def test_database_alone_links_no_two_entries_of_one(
    store: Store, said: list[Said], behind: Behind, keys: PeriodKeys
) -> None:
    assert said
    await take_in(store, LOG)
    rows = behind.find("SELECT part, content FROM event_chunks WHERE period <> ''")
    seen = dict[bytes, int]()
    for number, (_, content) in enumerate(rows):
        data = bytes(content)
        for at in range(len(data) - 7):
            assert seen.setdefault(data[at : at + 8], number) == number
    assert len(rows) == len(NAMED) * (CHUNKS + 1)  # a month ends in one chunk

    # With the key it is another matter: the same digest in each.
    digest = Name(ACTOR, "name", "anna").digest(keys.index_key("2026-11") or b"")
    opened = await parts_of(store, ACTOR)
    assert sum(bool(places_of(digest, content or b"")) for _, content in opened) > 1


async def test_pruned_entries_leave_the_index(
    store: Store, said: list[Said], tamper: Tamper
) -> None:
    assert said
    await take_in(store, LOG)
    looked = Looked(outcome="review")
    before = await ask(store, looked)
    size = CHUNK_ENTRIES + 256
    await tamper("UPDATE openings SET sealed = NULL, erased_at = 1")

    async def prune(tx: Transaction) -> None:
        root = (await tx.tail(LOG)).root
        row = PrunedRow(
            log=LOG, size=size, root=root, since="2026-11", event=1, openings=0, at=1
        )
        await tx.prune(row)

    await store.write(prune)
    names = await store.read(lambda reader: reader.event_part_names(LOG))
    assert {chunk for _, chunk, _ in names} == {2}
    await take_in(store, LOG)

    names = await store.read(lambda reader: reader.event_part_names(LOG))
    assert {chunk for _, chunk, _ in names} == {1, 2}
    assert await ask(store, looked, (size, SIZE)) == [at for at in before if at >= size]
    [row, _] = await store.scan(lambda r: r.event_parts(LOG, "record", 0, CHUNKS))
    assert row.chunk == 1


def test_digests_are_found_whole_and_where_they_begin() -> None:
    rows = [(b"aaaaaaab", 3), (b"aaaaaaab", 900), (b"baaaaaaa", 4), (b"c" * 8, 1_023)]
    content = pack_names([*rows, (b"aaaaaaab", 3)])

    assert places_of(b"aaaaaaab", content) == {3, 900}
    assert places_of(b"baaaaaaa", content) == {4}
    assert places_of(b"c" * 8, content) == {1_023}
    assert places_of(b"aabbaaaa", content) == frozenset()  # across two
    assert places_of(b"c" * 8, b"") == frozenset()


def test_runs_are_what_lies_next_to_each_other() -> None:
    assert runs([]) == []
    assert runs([1, 2, 3, 7, 9, 10]) == [range(1, 4), range(7, 8), range(9, 11)]
