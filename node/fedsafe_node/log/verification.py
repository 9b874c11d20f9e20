# SPDX-License-Identifier: Apache-2.0
"""Verifying a whole log against itself: every record, tile and opening.

Streams the log in blocks, so memory does not grow with it. How a record names its
commitments is told by the caller; this module knows only their rule. So is what is
known of the log from elsewhere (`Anchor`): the newest tile has no root of its own
on disk, and whoever rewrites records can rewrite the roots beside them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from fedsafe_crypto.tlog.tiles import TILE_HEIGHT, TILE_WIDTH
from fedsafe_crypto.tlog.tree import HASH_BYTES, leaf_hashes
from fedsafe_node.ground.errors import CorruptLogError, MissingEntriesError
from fedsafe_node.log.edge import Edge, TileRoot
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Committed, LogName
from fedsafe_policies.ground.catalogue import Phrase

CommitmentsOf = Callable[[bytes], Mapping[str, bytes]]
_BLOCK = 4 * TILE_WIDTH
_NO_END = (1 << 63) - 1  # of what a store can number


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A root that the log had at a size, and where that is known from.

    `leaves` are the hashes behind its last full tile, if they are known.
    """

    size: int
    root: bytes
    source: str | Phrase
    leaves: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A log that adds up, and what it holds; of entries below `minimum`, hashes."""

    log: LogName
    size: int
    root: bytes
    openings: int
    erased: int
    minimum: int = 0


async def verify_log(  # noqa: PLR0913 - what, against what, and how much of it
    reader: Reader,
    log: LogName,
    commitments_of: CommitmentsOf,
    anchors: Sequence[Anchor] = (),
    *,
    is_own: bool = False,
    since: Anchor | None = None,
) -> Verified:
    """Recompute the tree from the records; check every opening and anchor.

    With *since*, what an earlier verification found, only of the entries behind it; of
    those before, that the tiles above them still have the root of then. Its size is a
    multiple of a tile's.

    Of entries that were pruned there are the leaf hashes, which tiles and anchors
    cover as they do the records.

    `commitments_of` gives the commitments of a record by group; it may raise
    `ValueError` for what is no record. A log of the node's own (*is_own*) has the
    openings of all commitments, if only to say that they are erased; another's came
    without those that its origin withholds.

    Raises:
        CorruptLogError: names the first entry (or the first of its tile) at fault.
    """
    size, least = await reader.log_size(log), await reader.minimum(log)
    if since is None:
        first, edge, known = least, Edge(), _Anchors(log, anchors)
    else:
        first = max(least, since.size)
        edge = await _edge_at(reader, log, since)
        later = [anchor for anchor in anchors if anchor.size >= since.size]
        known = _Anchors(log, later)
    known.meet(edge)
    kept = erased = 0
    for tile in range(edge.size // TILE_WIDTH, least // TILE_WIDTH):
        await _grow(reader, log, edge, known, await _leaves(reader, log, tile))
    known.check()
    for start in range(first, size, _BLOCK):
        count = min(_BLOCK, size - start)
        try:
            records = await _block(reader, log, start, count)
        except MissingEntriesError as missing:
            raise known.placed(missing, size) from None
        await _grow(reader, log, edge, known, leaf_hashes(records))
        block = _Block(log, start, records, commitments_of)
        if is_own:
            block.decode_all()
        block.check(await reader.committed(log, start, count))
        kept, erased = kept + block.kept, erased + block.erased
        known.check()
        if is_own:
            block.check_all(below=known.last_size)
    known.end(size)
    await _check_no_stray(reader, log, size)
    return Verified(
        log=log,
        size=size,
        root=edge.root(),
        openings=kept,
        erased=erased,
        minimum=least,
    )


async def _edge_at(reader: Reader, log: LogName, since: Anchor) -> Edge:
    """Read the edge at an earlier size out of tiles, if it has the root of then."""
    levels: list[list[bytes]] = [[]]
    level, full = 1, since.size // TILE_WIDTH
    while full:
        begun = full // TILE_WIDTH * TILE_WIDTH
        levels.append(await reader.tile_roots(log, level, begun, full))
        level, full = level + 1, full // TILE_WIDTH
    edge = Edge(since.size, levels)
    held = sum(len(each) << TILE_HEIGHT * at for at, each in enumerate(levels))
    if since.size % TILE_WIDTH or held != since.size or edge.root() != since.root:
        reason = Phrase("the tree is not the one that {source} had").filled(
            source=since.source
        )
        raise CorruptLogError(log, 0, reason, last=max(0, since.size - 1))
    return edge


async def _check_no_stray(reader: Reader, log: LogName, size: int) -> None:
    """Look for openings before the first entry and behind the last."""
    for since, until in ((-_NO_END, 0), (size, _NO_END)):
        strays = await reader.sealed_openings(log, since, until - since)
        if strays:
            raise CorruptLogError(
                log, strays[0].index, Phrase("an opening has no entry")
            )


async def _grow(
    reader: Reader,
    log: LogName,
    edge: Edge,
    known: "_Anchors",
    leaves: list[bytes],
) -> None:
    for tile in known.grow(edge, leaves):
        known.note(await _tile_fault(reader, log, *tile))


async def _leaves(reader: Reader, log: LogName, tile: int) -> list[bytes]:
    """Read the leaf hashes that stay of a tile that was pruned."""
    kept = await reader.leaf_tile(log, tile)
    if kept is None or len(kept) != TILE_WIDTH * HASH_BYTES:
        first = tile * TILE_WIDTH
        last, why = (
            first + TILE_WIDTH - 1,
            Phrase("the hashes of pruned entries are missing"),
        )
        raise MissingEntriesError(log, first, why, last=last)
    return [kept[at : at + HASH_BYTES] for at in range(0, len(kept), HASH_BYTES)]


class _Anchors:
    """Those of one verification; a fault waits until the openings were looked at.

    So do those of tiles.

    What does not fit its opening names its entry more closely.
    """

    def __init__(self, log: LogName, anchors: Sequence[Anchor]) -> None:
        self._log = log
        self._ahead = sorted(anchors, key=lambda anchor: -anchor.size)
        self._fault: CorruptLogError | None = None
        self.next_size = self._ahead[-1].size if self._ahead else -1
        self.last_size = self._ahead[0].size if self._ahead else _NO_END

    def meet(self, edge: Edge) -> None:
        """Compare the tree with all anchors of its size."""
        while self._ahead and self._ahead[-1].size == edge.size:
            anchor = self._ahead.pop()
            if self._fault is None and anchor.root != edge.root():
                reason = Phrase("the entries are not those that {whose} had").filled(
                    whose=anchor.source
                )
                at, last = _changed(edge, anchor)
                self._fault = CorruptLogError(self._log, at, reason, last=last)
        self.next_size = self._ahead[-1].size if self._ahead else -1

    def grow(self, edge: Edge, leaves: list[bytes]) -> list[TileRoot]:
        """Add leaf hashes, and stop at the sizes of anchors; return finished tiles."""
        finished: list[TileRoot] = []
        while leaves:
            room = self.next_size - edge.size
            stop = room if 0 < room < len(leaves) else len(leaves)
            finished += edge.extend(leaves[:stop])
            leaves = leaves[stop:]
            if edge.size == self.next_size:
                self.meet(edge)
        return finished

    def note(self, fault: CorruptLogError | None) -> None:
        """Take a fault in, unless there was one before."""
        self._fault = self._fault or fault

    def placed(self, missing: MissingEntriesError, size: int) -> CorruptLogError:
        """Tell an entry that is gone from one that never was, before a stranger."""
        if missing.index < self.last_size:
            return missing
        why = Phrase("there are entries that nobody knows of, and not all before them")
        return CorruptLogError(self._log, missing.index, why, last=size - 1)

    def check(self) -> None:
        """Raise the first fault."""
        if self._fault is not None:
            raise self._fault

    def end(self, size: int) -> None:
        """Raise the first fault, or if an anchor lies behind the end."""
        self.check()
        if self._ahead:
            reason = Phrase("entries are missing that {whose} had").filled(
                whose=self._ahead[-1].source
            )
            raise MissingEntriesError(self._log, size, reason)


def _changed(edge: Edge, anchor: Anchor) -> tuple[int, int]:
    """Return between which entries the change lies.

    Whoever changed a record may have changed the roots of its tiles as well.
    """
    found = edge.unfinished()
    first = anchor.size - len(found)
    pairs = zip(found, anchor.leaves, strict=False)
    for at, (there, known) in enumerate(pairs, start=first):
        if there != known:
            return at, at
    return 0, max(0, anchor.size - 1)


async def _block(reader: Reader, log: LogName, start: int, count: int) -> list[bytes]:
    records = await reader.records(log, start, count)
    if len(records) == count:
        return records
    for index in range(start, start + count):
        if await reader.record(log, index) is None:
            raise MissingEntriesError(log, index, Phrase("the entry is missing"))
    raise CorruptLogError(log, start, Phrase("entries come and go"))


async def _tile_fault(
    reader: Reader, log: LogName, level: int, index: int, root: bytes
) -> CorruptLogError | None:
    found = await reader.tile_roots(log, level, index, index + 1)
    first = index << 8 * level
    if not found:
        return MissingEntriesError(
            log, first, Phrase("the root of this tile is missing")
        )
    if found != [root]:
        last = (index + 1 << 8 * level) - 1
        reason = Phrase("the entries of this tile have changed")
        return CorruptLogError(log, first, reason, last=last)
    return None


class _Block:
    """A block of records, each decoded once, and what came of its openings."""

    def __init__(
        self,
        log: LogName,
        start: int,
        records: Sequence[bytes],
        commitments_of: CommitmentsOf,
    ) -> None:
        self._log = log
        self._start = start
        self._records = records
        self._commitments_of = commitments_of
        self._decoded: list[Mapping[str, bytes] | None] = [None] * len(records)
        self._found = [0] * len(records)
        self.kept = self.erased = 0

    def decode_all(self) -> None:
        """Decode all at once, unless one is no record: its opening names it first."""
        with suppress(ValueError):
            self._decoded = list(map(self._commitments_of, self._records))

    def check(self, openings: Iterable[Committed]) -> None:
        """Compare what openings commit to with the records, in their order."""
        start, decoded, found = self._start, self._decoded, self._found
        for index, group, commitment in openings:
            at = index - start
            found[at] += 1
            if commitment is None:
                self.erased += 1
                continue
            wanted = decoded[at]
            if wanted is None:
                wanted = self._decode(at, group)
            if wanted.get(group) != commitment:
                raise self._misfit(index, group, wanted)
        self.kept = sum(found) - self.erased

    def _decode(self, at: int, group: str) -> Mapping[str, bytes]:
        try:
            found = self._decoded[at] = self._commitments_of(self._records[at])
        except ValueError:
            raise self._misfit(self._start + at, group, None) from None
        return found

    def _misfit(
        self, index: int, group: str, wanted: Mapping[str, bytes] | None
    ) -> CorruptLogError:
        reason = Phrase("the opening of {group} does not fit the record").filled(
            group=repr(group)
        )
        if wanted is not None and group not in wanted:
            reason = Phrase("the record has no commitment {group}").filled(
                group=repr(group)
            )
        return CorruptLogError(self._log, index, reason)

    def check_all(self, *, below: int) -> None:
        """Check that no commitment of the entries known has lost its opening."""
        rows = zip(self._records, self._decoded, self._found, strict=True)
        for index, (record, wanted, count) in enumerate(rows, start=self._start):
            if index >= below:
                return  # what nobody knows of is a finding by itself
            if wanted is None:
                try:
                    wanted = self._commitments_of(record)  # noqa: PLW2901
                except ValueError:
                    raise CorruptLogError(
                        self._log, index, Phrase("it is no record")
                    ) from None
            if count < len(wanted):
                reason = Phrase("{count} of its openings are gone").filled(
                    count=len(wanted) - count
                )
                raise MissingEntriesError(self._log, index, reason)
