# SPDX-License-Identifier: Apache-2.0
"""Verifying the files of a tiled log (c2sp.org/tlog-tiles) against its checkpoint.

Everything is computed anew from the entries: leaf hashes, every tile, the root. So
files that pass are those of the checkpoint, byte for byte. Who signed the checkpoint
is another question (`checkpoint.open_checkpoint`).
"""

from collections.abc import Callable, Iterator
from typing import Final

from fedsafe_crypto.checkpoint import Checkpoint
from fedsafe_crypto.errors import MalformedInputError
from fedsafe_crypto.tiles import TILE_HEIGHT, Tile, tiles
from fedsafe_crypto.tree import Frontier, leaf_hash

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


def file_names(size: int) -> Iterator[str]:
    """Give the paths of a log's files, the checkpoint's first.

    Raises:
        MalformedInputError: no size of a tree.
    """
    yield CHECKPOINT
    for tile in tiles(size):
        yield tile.path
        if tile.level == 0:
            yield tile.entries_path


def verify_files(checkpoint: Checkpoint, read: Read) -> None:
    """Check all files of a log at a checkpoint; *read* gives a file's content.

    Raises:
        MalformedInputError: names the first file that does not fit.
    """
    frontier, rows = Frontier(), dict[int, bytearray]()
    for tile in (each for each in tiles(checkpoint.size) if each.level == 0):
        entries = list(split_bundle(read(tile.entries_path)))
        if len(entries) != tile.width:
            raise MalformedInputError(f"{tile.entries_path} has other entries")
        for row in frontier.extend(map(leaf_hash, entries)):
            level, rest = divmod(row.level, TILE_HEIGHT)
            if rest == 0:
                rows.setdefault(level, bytearray()).extend(b"".join(row.hashes))
    if frontier.root() != checkpoint.root:
        raise MalformedInputError("the entries are not those of the checkpoint")
    for tile in tiles(checkpoint.size):
        if read(tile.path) != _content(rows, tile):
            raise MalformedInputError(f"{tile.path} has other hashes")


def _content(rows: dict[int, bytearray], tile: Tile) -> bytes:
    start = Tile(tile.level, tile.index).length * tile.index
    return bytes(rows[tile.level][start : start + tile.length])
