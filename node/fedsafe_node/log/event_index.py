# SPDX-License-Identifier: Apache-2.0
"""Where the audit log is looked up without reading all of it.

Entries are taken together by `CHUNK_ENTRIES`, in four parts a chunk. *record* has what
records say in the clear: classes, outcomes, purposes and rules with the entries that
have them, and the span of time. *actor*, *subject* and *detail* have whom and what the
openings of these groups name: eight bytes of BLAKE2b (RFC 7693) under the index key of
the month that sealed the opening, and the entry. Each part is one box under that
month's key, so whoever has the database alone learns of no two entries that they name
the same, and what a month's key erases is erased here as well.

Appending an entry writes nothing here. A job takes in whole chunks; entries behind the
last one are opened when somebody asks. An erased opening drops the part that it was in,
within the same act, and the job makes it again from what is left; until then the
entries of that chunk are opened as well. So a missing row costs time and hides nothing,
a changed row does not open, and a row that was taken away is found by the seal. What
the index finds is a candidate: it counts once the entry itself has been opened.
"""

import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

import msgspec

from fedsafe_node.ground.errors import CorruptLogError, CorruptRowError
from fedsafe_node.log.audit import (
    ACTOR,
    DETAIL,
    SUBJECT,
)
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import CHUNK_ENTRIES, EventPart, LogName
from fedsafe_node.store.sql_event_index import chunk_of
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

RECORD: Final = "record"
NAMED: Final = (ACTOR, SUBJECT, DETAIL)
PARTS: Final = (RECORD, *NAMED)
MOST_OPENED: Final = 5_000
"""Entries that a question opens because they are in no chunk yet, at most."""

_DIGEST: Final = 8
_PLACE: Final = 2
_PAGE: Final = 64
_LATEST: Final = 1 << 62


class Digests:
    """Hashes names under one month's index key, for those who hash very many."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._begun: dict[str, blake2b] = {}

    def of(self, kind: str, value: str) -> bytes:
        """Hash what is named, of a kind."""
        begun = self._begun.get(kind)
        if begun is None:
            start = f"{kind}\0".encode()
            begun = blake2b(start, digest_size=_DIGEST, key=self._key)
            self._begun[kind] = begun
        ended = begun.copy()
        ended.update(value.encode())
        return ended.digest()


@dataclass(frozen=True, slots=True)
class Name:
    """What an opening names: of which group, of which kind, and which."""

    part: str
    kind: str
    value: str

    def digest(self, key: bytes) -> bytes:
        """Hash it under a month's index key."""
        return Digests(key).of(self.kind, self.value)


@dataclass(frozen=True, slots=True)
class Looked:
    """What is looked for; what is None or empty says nothing.

    `after` and `before` are seconds in UTC. An entry has all of the `names`.
    """

    events: frozenset[str] | None = None
    outcome: str | None = None
    purpose: str | None = None
    rule: str | None = None
    after: int = 0
    before: int = _LATEST
    names: tuple[Name, ...] = ()

    @property
    def parts(self) -> frozenset[str]:
        """The parts that have to be asked; at least one, to know what is taken in."""
        named = frozenset(name.part for name in self.names)
        if named and self == Looked(names=self.names):
            return named  # of records nothing is asked
        return named | {RECORD}


class Facets(msgspec.Struct, array_like=True, frozen=True):
    """What records of a chunk say: places (two bytes each) by word; seconds in UTC."""

    since: int
    until: int
    events: dict[str, bytes]
    outcomes: dict[str, bytes]
    purposes: dict[str, bytes]
    rules: dict[str, bytes]


# --- making ----------------------------------------------------------------------


def facets_of(records: Iterable[tuple[int, bytes]]) -> bytes:
    """Make the part of records, by their place in the chunk.

    Raises:
        msgspec.DecodeError: one is no audit record.
    """
    columns: tuple[_Column, ...] = tuple(defaultdict(list) for _ in range(4))
    events, outcomes, purposes, rules = columns
    moments: list[str] = []
    for place, data in records:
        record = _FACTS.decode(data)
        events[record.event].append(place)
        outcomes[record.outcome].append(place)
        purposes[record.purpose].append(place)
        if record.rule is not None:
            rules[record.rule].append(place)
        moments.append(record.at)
    # As texts they are in the order of time: all are in UTC, to the millisecond.
    since, until = (_seconds(bound(moments)) if moments else 0 for bound in (min, max))
    packed = [{word: _pack(found) for word, found in each.items()} for each in columns]
    return msgspec.msgpack.encode(Facets(since, until, *packed))


def named_by(group: str, payload: bytes) -> list[tuple[str, str]]:
    """Give what an opening names, and of which kind.

    Raises:
        msgspec.DecodeError: it is none of its group.
    """
    if group == SUBJECT:
        return [("ref", _SUBJECT.decode(payload).ref)]
    if group == ACTOR:
        return [("name", _ACTOR.decode(payload).name)]
    said = _DETAIL.decode(payload)
    found = [
        (kind, value)
        for kind, value in said.items()
        if kind in _KINDS and isinstance(value, str)
    ]
    if isinstance(signals := said.get("signals"), str):
        found += [("signal", each) for each in signals.split()]
    return found


def pack_names(found: Iterable[tuple[bytes, int]]) -> bytes:
    """Make a part of names out of digests and places."""
    rows = sorted(set(found))
    return b"".join(digest for digest, _ in rows) + _pack([at for _, at in rows])


def places_of(digest: bytes, content: bytes) -> frozenset[int]:
    """Find the places of a digest in a part of names."""
    count = len(content) // (_DIGEST + _PLACE)
    at = content.find(digest, 0, count * _DIGEST)
    while at > 0 and at % _DIGEST:  # it lies across two digests
        at = content.find(digest, at + 1, count * _DIGEST)
    if at < 0:
        return frozenset()
    first = last = at // _DIGEST
    while content[last * _DIGEST : (last + 1) * _DIGEST] == digest and last < count:
        last += 1
    start = count * _DIGEST
    return frozenset(_unpack(content[start + first * _PLACE : start + last * _PLACE]))


_Column = defaultdict[str, list[int]]


class _Facts(msgspec.Struct, frozen=True, gc=False):
    """What the index keeps of a record."""

    event: str
    at: str
    outcome: str
    purpose: str
    rule: str | None = None


class _Subject(msgspec.Struct, frozen=True, gc=False):
    ref: str


class _Actor(msgspec.Struct, frozen=True, gc=False):
    name: str


_KINDS: Final = {
    "case",
    "dispatch",
    "inquiry",
    "notice",
    "order",
    "partner",
    "peer",
    "request",
    "route",
    "signal",
    "task",
    "trial",
    "who",
}
"""Keys of a detail whose words are looked up; `signals` are several of `signal`."""


_SUBJECT: Final = msgspec.json.Decoder(_Subject)
_ACTOR: Final = msgspec.json.Decoder(_Actor)
_DETAIL: Final = msgspec.json.Decoder(dict[str, str | int | bool | None])
_FACTS: Final = msgspec.json.Decoder(_Facts)


def _pack(places: Sequence[int]) -> bytes:
    return struct.pack(f">{len(places)}H", *places)


def _unpack(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(packed) // _PLACE}H", packed)


def _seconds(at: str) -> int:
    moment = datetime.fromisoformat(at)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


# --- taking in -------------------------------------------------------------------


async def take_in(store: Store, log: LogName) -> int:
    """Make what is missing of whole chunks; tell of how many parts.

    What a destroyed month has left is dropped, and made again of what there is.

    Raises:
        CorruptLogError: an entry cannot be read.
        StoreError: what was made cannot be kept.
    """
    lacking = await store.read(lambda reader: _lacking(reader, log))
    for chunk, parts in lacking.items():
        await _take_in(store, log, chunk, parts)
    return sum(map(len, lacking.values()))


async def _lacking(reader: Reader, log: LogName) -> dict[int, list[str]]:
    end = await reader.log_size(log) // CHUNK_ENTRIES
    first = chunk_of(await reader.minimum(log))
    there, stale = set[tuple[str, int]](), set[tuple[str, int]]()
    for part, chunk, period in await reader.event_part_names(log):
        there.add((part, chunk))
        if period and reader.index_key(period) is None:
            stale.add((part, chunk))
    there -= stale
    found = {
        chunk: [part for part in PARTS if (part, chunk) not in there]
        for chunk in range(first, end)
    }
    return {chunk: parts for chunk, parts in found.items() if parts}


async def _take_in(
    store: Store, log: LogName, chunk: int, parts: Sequence[str]
) -> None:
    first = chunk * CHUNK_ENTRIES

    async def query(reader: Reader) -> tuple[dict[str, int], list[EventPart]]:
        rows: list[EventPart] = []
        if RECORD in parts:
            content = await _read_facets(reader, log, first)
            rows.append(EventPart(part=RECORD, chunk=chunk, period="", content=content))
        if set(parts) == {RECORD}:
            return {}, rows
        held = await reader.held_openings(log, first, CHUNK_ENTRIES)
        found = await _read_names(reader, log, first)
        for part in (each for each in parts if each != RECORD):
            # A row without a month and content says that there is nothing.
            contents = found.get(part) or {"": b""}
            rows += [
                EventPart(part=part, chunk=chunk, period=period, content=content)
                for period, content in contents.items()
            ]
        return held, rows

    held, rows = await store.scan(query)

    async def keep(tx: Transaction) -> None:
        now = await tx.held_openings(log, first, CHUNK_ENTRIES)
        for part in parts:
            # One that was erased meanwhile must not come back: it is made again.
            if part == RECORD or now.get(part) == held.get(part):
                mine = [row for row in rows if row.part == part]
                await tx.put_event_part(log, part, chunk, mine)

    await store.write(keep)


async def _read_facets(reader: Reader, log: LogName, first: int) -> bytes:
    start = max(first, await reader.minimum(log))
    records = await reader.records(log, start, first + CHUNK_ENTRIES - start)
    try:
        return facets_of(enumerate(records, start=start - first))
    except msgspec.DecodeError:
        raise CorruptLogError(log, start, Phrase("it is no audit event")) from None


async def _read_names(
    reader: Reader, log: LogName, first: int
) -> dict[str, dict[str, bytes]]:
    found: defaultdict[tuple[str, str], list[tuple[bytes, int]]] = defaultdict(list)
    of_month: dict[str, Digests] = {}
    opened = await reader.payloads(log, first, CHUNK_ENTRIES)
    same: defaultdict[tuple[str, str, bytes], list[int]] = defaultdict(list)
    for index, group, period, payload in opened:
        same[group, period, payload].append(index - first)
    # Many entries are of one actor, or of one account: each is hashed once.
    for (group, period, payload), places in same.items():
        if group not in NAMED:
            continue
        if period not in of_month:
            of_month[period] = Digests(reader.index_key(period) or b"")
        of, rows = of_month[period].of, found[group, period]
        try:
            names = named_by(group, payload)
        except msgspec.DecodeError:
            entry = first + places[0]
            raise CorruptLogError(log, entry, Phrase("it is no audit event")) from None
        for kind, value in names:
            digest = of(kind, value)
            rows += [(digest, place) for place in places]
    parts: dict[str, dict[str, bytes]] = {}
    for (group, period), rows in found.items():
        parts.setdefault(group, {})[period] = pack_names(rows)
    return parts


# --- asking ----------------------------------------------------------------------


async def candidates(
    reader: Reader,
    log: LogName,
    looked: Looked,
    span: tuple[int, int],
    *,
    newest: bool = False,
) -> AsyncIterator[list[int]]:
    """Give the entries from `span[0]` to below `span[1]` that may be meant, by chunk.

    They come in the order of the log, or the *newest* first. Of a chunk of which a part
    is missing all are given, in which nobody has looked.

    Raises:
        CorruptRowError: a row of the index is not what was written.
    """
    start, stop = span
    chunks = range(chunk_of(start), chunk_of(stop - 1) + 1 if stop > start else 0)
    for at in range(0, len(chunks), _PAGE):
        order = (chunks[::-1] if newest else chunks)[at : at + _PAGE]
        found = await _page(reader, log, looked, min(order), max(order) + 1)
        for chunk in order:
            first = chunk * CHUNK_ENTRIES
            places = found.get(chunk, range(CHUNK_ENTRIES))
            entries = (first + place for place in places)
            meant = sorted(
                (entry for entry in entries if start <= entry < stop), reverse=newest
            )
            if meant:
                yield meant


def runs(entries: Sequence[int]) -> list[range]:
    """Give ascending entries as ranges; what lies next to each other is one."""
    found: list[range] = []
    for entry in entries:
        if found and found[-1].stop == entry:
            found[-1] = range(found[-1].start, entry + 1)
        else:
            found.append(range(entry, entry + 1))
    return found


async def count_unread(reader: Reader, log: LogName, looked: Looked) -> int:
    """Count the entries that are in no chunk of the parts that a question needs."""
    minimum, size = await reader.minimum(log), await reader.log_size(log)
    whole = range(chunk_of(minimum), size // CHUNK_ENTRIES)
    there = {(part, chunk) for part, chunk, _ in await reader.event_part_names(log)}
    lacking = sum(
        any((part, chunk) not in there for part in looked.parts) for chunk in whole
    )
    return lacking * CHUNK_ENTRIES + size % CHUNK_ENTRIES


async def _page(
    reader: Reader, log: LogName, looked: Looked, start: int, stop: int
) -> dict[int, frozenset[int]]:
    """Give the places that may be meant, by chunk that all parts are there of."""
    meant: dict[int, frozenset[int] | None] = dict.fromkeys(range(start, stop))
    if RECORD in looked.parts:
        records = await reader.event_parts(log, RECORD, start, stop)
        meant = {row.chunk: _meant(row, looked) for row in records}
    open_ones = {chunk for chunk, places in meant.items() if places != frozenset()}
    for part in looked.parts - {RECORD}:
        if not open_ones:
            break
        names = [name for name in looked.names if name.part == part]
        rows = await reader.event_parts(log, part, min(open_ones), max(open_ones) + 1)
        by_chunk: defaultdict[int, list[EventPart]] = defaultdict(list)
        for row in rows:
            by_chunk[row.chunk].append(row)
        for chunk in sorted(open_ones):
            if chunk not in by_chunk:
                del meant[chunk]
                open_ones.discard(chunk)
                continue
            named = _named(reader, log, by_chunk[chunk], names)
            kept = meant[chunk]
            meant[chunk] = named if kept is None else kept & named
            if not meant[chunk]:
                open_ones.discard(chunk)
    return {
        chunk: frozenset(range(CHUNK_ENTRIES)) if places is None else places
        for chunk, places in meant.items()
    }


def _meant(row: EventPart, looked: Looked) -> frozenset[int] | None:
    """Give the places whose records may be meant; None for all of the chunk."""
    try:
        facets = msgspec.msgpack.decode(row.content, type=Facets)
        if facets.until < looked.after or facets.since > looked.before:
            return frozenset()
        found: frozenset[int] | None = None
        events, asked = facets.events, looked.events
        if asked is not None:
            packed = (events.get(event, b"") for event in asked)
            found = frozenset(place for each in packed for place in _unpack(each))
        columns = (
            (facets.outcomes, looked.outcome),
            (facets.purposes, looked.purpose),
            (facets.rules, looked.rule),
        )
        for column, word in columns:
            if word is not None:
                places = frozenset(_unpack(column.get(word, b"")))
                found = places if found is None else found & places
    except (msgspec.DecodeError, struct.error):
        name = f"{row.part} of chunk {row.chunk}"
        raise CorruptRowError(
            "event_chunks", None, name, Phrase("it cannot be read")
        ) from None
    return found


def _named(
    reader: Reader, log: LogName, rows: Sequence[EventPart], names: Sequence[Name]
) -> frozenset[int]:
    """Give the places in a chunk that have all of the names."""
    opened: list[tuple[bytes, bytes]] = []
    for row in rows:
        key = reader.index_key(row.period) if row.period else None
        content = reader.open_part(log, row) if row.period else None
        if key is not None and content is not None:
            opened.append((key, content))
    found = [
        frozenset[int]().union(
            *(places_of(name.digest(key), content) for key, content in opened)
        )
        for name in names
    ]
    return frozenset.intersection(*found)
