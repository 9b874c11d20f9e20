# SPDX-License-Identifier: Apache-2.0
"""RFC 6962 roots and proofs, and C2SP tiles, computed from what a store holds of a log.

Level 0 of the tree is stored of pruned entries only: else its hashes are those of the
records. Higher levels are read from the roots of full tiles, so a proof reads at most
256 records and 256 hashes a level. Which tiles it needs depends on numbers only; they
are found by computing it once over blank tiles, then read, then it is computed in
earnest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.ranges import range_proof
from fedsafe_crypto.tlog.tiles import TILE_WIDTH, Tile, TileSource
from fedsafe_crypto.tlog.tree import (
    HASH_BYTES,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_at,
)
from fedsafe_node.ground.errors import CorruptLogError, UnknownEntryError
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase

T = TypeVar("T")


async def log_root(reader: Reader, log: LogName, size: int) -> bytes:
    """Return the root that the log had at a size.

    Raises:
        UnknownEntryError: the log never had that size.
        CorruptLogError: rows are missing.
    """
    return await _compute(reader, log, size, lambda source: root_at(source, size))


async def log_frontier(reader: Reader, log: LogName, size: int) -> Frontier:
    """Return the tree's edge at a size, to go on from.

    Raises:
        UnknownEntryError: the log never had that size.
        CorruptLogError: rows are missing.
    """
    return await _compute(reader, log, size, lambda source: Frontier.load(source, size))


async def prove_inclusion(
    reader: Reader, log: LogName, index: int, size: int
) -> list[bytes]:
    """Prove that an entry is in the tree of `size` entries.

    Raises:
        UnknownEntryError: the log never had that size, or it has no such entry.
        CorruptLogError: rows are missing.
    """
    if not 0 <= index < size:
        raise UnknownEntryError(log, index)
    return await _compute(
        reader, log, size, lambda source: inclusion_proof(source, index, size)
    )


async def prove_range(
    reader: Reader, log: LogName, start: int, end: int, size: int
) -> list[bytes]:
    """Prove that the entries `start` to below `end` are in the tree of `size`.

    Raises:
        UnknownEntryError: the log never had that size, or has no such entries.
        CorruptLogError: rows are missing.
    """
    if not 0 <= start < end <= size:
        raise UnknownEntryError(log, end)
    return await _compute(
        reader, log, size, lambda source: range_proof(source, start, end, size)
    )


async def prove_consistency(
    reader: Reader, log: LogName, old: int, new: int
) -> list[bytes]:
    """Prove that the tree of `new` entries extends that of `old`.

    Raises:
        UnknownEntryError: not 0 < old ≤ new, or the log never had that size.
        CorruptLogError: rows are missing.
    """
    if not 0 < old <= new:
        raise UnknownEntryError(log, old)
    return await _compute(
        reader, log, new, lambda source: consistency_proof(source, old, new)
    )


async def _compute(
    reader: Reader, log: LogName, size: int, proof: Callable[[TileSource], T]
) -> T:
    if not 0 <= size <= await reader.log_size(log):
        raise UnknownEntryError(log, size)
    needed: dict[Tile, bytes] = {}

    def blank(tile: Tile) -> bytes:
        return needed.setdefault(tile, bytes(tile.width * HASH_BYTES))

    proof(TileSource(size, blank))
    for tile in needed:
        needed[tile] = await read_tile(reader, log, tile)
    try:
        return proof(TileSource(size, needed.__getitem__))
    except CryptoError:
        raise CorruptLogError(
            log, size, Phrase("rows of its tree are missing")
        ) from None


async def read_tile(reader: Reader, log: LogName, tile: Tile) -> bytes:
    """Return the hashes of a tile; too few if rows are missing."""
    start = tile.index * TILE_WIDTH
    if tile.level == 0:
        kept = await reader.leaf_tile(log, tile.index)
        if kept is not None:
            return kept[: tile.length]
        records = await reader.records(log, start, tile.width)
        return b"".join(map(leaf_hash, records))
    roots = await reader.tile_roots(log, tile.level, start, start + tile.width)
    return b"".join(roots)


# The files of a log as C2SP tiles (c2sp.org/tlog-tiles), made from a store.
#
# A log's files at a size are fixed: the tiles of every level, and for each tile of
# level 0 the bundle of its entries, each behind its length. Only the checkpoint is not
# made here; whoever signs it keeps it in the rollback guard first.

MAX_ENTRY: Final = 0xFFFF  # a bundle has two bytes for an entry's length


@dataclass(frozen=True, slots=True)
class SignedTree:
    """A checkpoint and the note that says it."""

    checkpoint: Checkpoint
    note: bytes


async def tile_files(
    reader: Reader, log: LogName, tile: Tile
) -> list[tuple[str, bytes]]:
    """Give path and content of a tile, and of the bundle below one of level 0.

    Below the minimum index there are no bundles: those entries were pruned.

    Raises:
        CorruptLogError: rows are missing, or an entry is too long for a bundle.
    """
    content = await read_tile(reader, log, tile)
    if len(content) != tile.length:
        first = tile.index * TILE_WIDTH << 8 * tile.level
        raise CorruptLogError(log, first, Phrase("entries or tiles are missing"))
    files = [(tile.path, content)]
    start = tile.index * TILE_WIDTH
    if tile.level == 0 and start >= await reader.minimum(log):
        records = await reader.records(log, start, tile.width)
        files.append((tile.entries_path, _bundle(log, start, records)))
    return files


def _bundle(log: LogName, start: int, records: list[bytes]) -> bytes:
    for index, record in enumerate(records, start=start):
        if len(record) > MAX_ENTRY:
            raise CorruptLogError(
                log, index, Phrase("the entry is too long for a bundle")
            )
    return b"".join(len(record).to_bytes(2) + record for record in records)
