# SPDX-License-Identifier: Apache-2.0
"""Verifying the files of a tiled log (c2sp.org/tlog-tiles) against its checkpoint.

Everything is computed anew from the entries: leaf hashes, every tile, the root. So
files that pass are those of the checkpoint, byte for byte. Who signed the checkpoint
is another question (`tlog.checkpoint.open_checkpoint`). A log that was pruned has no
bundles below its *minimum index*: the hashes of these entries stay, and count as they
are.
"""

from collections.abc import Callable, Iterator
from typing import Final

from fedsafe_crypto.errors import MalformedInputError
from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_crypto.tlog.tiles import TILE_HEIGHT, TILE_WIDTH, Tile, tiles
from fedsafe_crypto.tlog.tree import HASH_BYTES, Frontier, leaf_hash

CHECKPOINT: Final = "checkpoint"
_LENGTH: Final = 2

Read = Callable[[str], bytes]


def split_bundle(bundle: bytes) -> Iterator[bytes]:
    """Give the entries of a bundle.

    Raises:
        MalformedInputError: it ends within an entry.
    """
    at = 0
    while at < len(bundle):
        start = at + _LENGTH
        at = start + int.from_bytes(bundle[at:start])
        if at > len(bundle) or start > len(bundle):
            raise MalformedInputError("a bundle ends within an entry")
        yield bundle[start:at]


def has_entries(tile: Tile, minimum: int) -> bool:
    """Whether a tile stands over a bundle of entries."""
    return tile.level == 0 and tile.index * TILE_WIDTH >= minimum


def file_names(size: int, *, minimum: int = 0) -> Iterator[str]:
    """Give the paths of a log's files, the checkpoint's first.

    Raises:
        MalformedInputError: no size of a tree.
    """
    yield CHECKPOINT
    for tile in tiles(size):
        yield tile.path
        if has_entries(tile, minimum):
            yield tile.entries_path


def verify_files(checkpoint: Checkpoint, read: Read, *, minimum: int = 0) -> None:
    """Check all files of a log at a checkpoint; *read* gives a file's content.

    *minimum* is the index of the first entry that is there, a multiple of 256.

    Raises:
        MalformedInputError: names the first file that does not fit.
    """
    frontier, rows = Frontier(), dict[int, bytearray]()
    for tile in (each for each in tiles(checkpoint.size) if each.level == 0):
        for row in frontier.extend(_leaves(read, tile, minimum)):
            level, rest = divmod(row.level, TILE_HEIGHT)
            if rest == 0:
                rows.setdefault(level, bytearray()).extend(b"".join(row.hashes))
    if frontier.root() != checkpoint.root:
        raise MalformedInputError("the entries are not those of the checkpoint")
    for tile in tiles(checkpoint.size):
        if read(tile.path) != _content(rows, tile):
            raise MalformedInputError(f"{tile.path} has other hashes")


def _leaves(read: Read, tile: Tile, minimum: int) -> list[bytes]:
    if not has_entries(tile, minimum):
        hashes = read(tile.path)
        if len(hashes) != tile.length:
            raise MalformedInputError(f"{tile.path} has other hashes")
        return [
            hashes[at : at + HASH_BYTES] for at in range(0, tile.length, HASH_BYTES)
        ]
    entries = list(split_bundle(read(tile.entries_path)))
    if len(entries) != tile.width:
        raise MalformedInputError(f"{tile.entries_path} has other entries")
    return list(map(leaf_hash, entries))


def _content(rows: dict[int, bytearray], tile: Tile) -> bytes:
    start = Tile(tile.level, tile.index).length * tile.index
    return bytes(rows[tile.level][start : start + tile.length])
