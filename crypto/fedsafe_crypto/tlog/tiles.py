# SPDX-License-Identifier: Apache-2.0
"""The C2SP tlog-tiles layout of a tree: which tiles exist, and where a hash lies.

A tile of level *l* holds up to 256 roots of complete subtrees of height 8·l. All
arithmetic, no storage: `TileSource` reads tiles through a callable and is a
`HashSource` for the proofs of `tree.py`.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from fedsafe_crypto.errors import MalformedInputError, WrongLengthError
from fedsafe_crypto.tlog.tree import HASH_BYTES, node_hash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
MAX_LEVEL: Final = 63

_PATH: Final = re.compile(
    r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?",
    re.ASCII,
)
_ENTRIES: Final = "entries"


def _numbered(index: int) -> str:
    thousands, last = divmod(index, 1000)
    parts = [f"{last:03}"]
    while thousands:
        thousands, part = divmod(thousands, 1000)
        parts.append(f"x{part:03}")
    return "/".join(reversed(parts))


@dataclass(frozen=True, slots=True, order=True)
class Tile:
    """The place of a tile, with how many hashes it holds."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def partial(self) -> bool:
        """Whether the tile still grows."""
        return self.width < TILE_WIDTH

    @property
    def length(self) -> int:
        """How many bytes the tile has."""
        return self.width * HASH_BYTES

    @property
    def path(self) -> str:
        """The tile's path below the log's prefix."""
        return self._under(str(self.level))

    @property
    def entries_path(self) -> str:
        """The path of the entry bundle that a level-0 tile stands over."""
        return self._under(_ENTRIES)

    def _under(self, name: str) -> str:
        suffix = f".p/{self.width}" if self.partial else ""
        return f"tile/{name}/{_numbered(self.index)}{suffix}"

    @classmethod
    def parse(cls, path: str) -> "Tile":
        """Read the path of a tile.

        Raises:
            MalformedInputError: It is no tile's canonical path.
        """
        found = _PATH.fullmatch(path)
        if not found:
            raise MalformedInputError("no path of a tile")
        level, digits, width = found.groups()
        tile = cls(
            int(level),
            int(digits.replace("x", "").replace("/", "")),
            int(width or TILE_WIDTH),
        )
        # One tile has one path: no leading zero groups, no width of 256 spelt out.
        if tile.level > MAX_LEVEL or tile.path != path:
            raise MalformedInputError("no path of a tile")
        return tile


def tiles(size: int, *, since: int = 0) -> Iterator[Tile]:
    """Give the tiles of a tree, or only those not in the tree of `since` leaves.

    Raises:
        MalformedInputError: Not 0 ≤ since ≤ size.
    """
    if not 0 <= since <= size:
        raise MalformedInputError("no sizes of a growing tree")
    level = 0
    while size:
        for index in range(since // TILE_WIDTH, size // TILE_WIDTH):
            yield Tile(level, index)
        if size % TILE_WIDTH and size != since:
            yield Tile(level, size // TILE_WIDTH, size % TILE_WIDTH)
        size, since, level = size // TILE_WIDTH, since // TILE_WIDTH, level + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a subtree lies: it spans `count` hashes of a tile from `first` on."""

    level: int
    index: int
    first: int
    count: int


def locate(level: int, index: int) -> Place:
    """Say where the root of a complete subtree can be computed from."""
    tile_level, height = divmod(level, TILE_HEIGHT)
    tile_index, first = divmod(index << height, TILE_WIDTH)
    return Place(tile_level, tile_index, first, 1 << height)


@dataclass(frozen=True, slots=True)
class TileSource:
    """The subtrees of a tree of `size` leaves, out of its tiles.

    Attributes:
        size: The number of leaves.
        read: Gives the bytes of a tile; it may give the full tile for a partial one.
    """

    size: int
    read: Callable[[Tile], bytes]

    def subtree_hash(self, level: int, index: int) -> bytes:
        """Give the root of a complete subtree.

        Raises:
            MalformedInputError: The tree has no such complete subtree.
            WrongLengthError: The tile that was read is too short.
        """
        if index < 0 or level < 0 or (index + 1) << level > self.size:
            raise MalformedInputError("no such complete subtree")
        place = locate(level, index)
        known = (self.size >> TILE_HEIGHT * place.level) - place.index * TILE_WIDTH
        tile = Tile(place.level, place.index, min(known, TILE_WIDTH))
        content = self.read(tile)
        if len(content) < tile.length:
            raise WrongLengthError("tile", len(content), tile.length)
        nodes = [
            content[at * HASH_BYTES : (at + 1) * HASH_BYTES]
            for at in range(place.first, place.first + place.count)
        ]
        while len(nodes) > 1:
            nodes = [node_hash(*pair) for pair in zip(*[iter(nodes)] * 2, strict=True)]
        return nodes[0]
