# SPDX-License-Identifier: Apache-2.0
"""The files of a log as C2SP tiles (c2sp.org/tlog-tiles), made from a store.

A log's files at a size are fixed: the tiles of every level, and for each tile of
level 0 the bundle of its entries, each behind its length. Only the checkpoint is
not made here; whoever signs it keeps it in the rollback guard first.
"""

from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.tiles import TILE_WIDTH, Tile
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.log.proofs import read_tile
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName

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
        raise CorruptLogError(log, first, "entries or tiles are missing")
    files = [(tile.path, content)]
    start = tile.index * TILE_WIDTH
    if tile.level == 0 and start >= await reader.minimum(log):
        records = await reader.records(log, start, tile.width)
        files.append((tile.entries_path, _bundle(log, start, records)))
    return files


def _bundle(log: LogName, start: int, records: list[bytes]) -> bytes:
    for index, record in enumerate(records, start=start):
        if len(record) > MAX_ENTRY:
            raise CorruptLogError(log, index, "the entry is too long for a bundle")
    return b"".join(len(record).to_bytes(2) + record for record in records)
