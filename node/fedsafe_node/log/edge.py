# SPDX-License-Identifier: Apache-2.0
"""The growing edge of an RFC 6962 tree, cut into C2SP tiles.

Tile level 0 holds leaf hashes; an entry of level L + 1 is the root of a full tile
(256 entries) of level L. `Edge` holds the unfinished tile of every level, so the
next append, the root, and the row to store for a finished tile come without a
read. A finished tile's list is replaced, never emptied: that makes `mark` and
`back_to` cost a few references whatever the size of the tree. The root is wanted
after every commit, so the complete subtrees within those tiles are remembered.
"""

from collections.abc import Sequence

from fedsafe_crypto.tlog.tiles import TILE_HEIGHT, TILE_WIDTH
from fedsafe_crypto.tlog.tree import EMPTY_ROOT, node_hash, parent_hashes

Mark = tuple[int, tuple[list[bytes], ...], tuple[int, ...]]  # lists and their lengths
TileRoot = tuple[int, int, bytes]  # level, index, hash
_Peak = tuple[int, bytes]  # width and root of a complete subtree
_NONE: list[TileRoot] = []


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over a power of two of hashes."""
    while len(hashes) > 1:
        hashes = parent_hashes(hashes)
    return hashes[0]


class Edge:
    """The unfinished tile of every level of one log, and its size."""

    __slots__ = ("_covered", "_levels", "_peaks", "size")

    def __init__(self, size: int = 0, levels: Sequence[list[bytes]] = ()) -> None:
        self.size = size
        self._levels: list[list[bytes]] = list(levels) or [[]]
        # Complete subtrees within the unfinished tiles, as far as they were wanted.
        self._peaks: list[list[_Peak]] = []
        self._covered: list[int] = []

    def append(self, leaf: bytes) -> list[TileRoot]:
        """Add a leaf hash; return the roots of the tiles that it finished."""
        self.size += 1
        hashes = self._levels[0]
        hashes.append(leaf)
        return _NONE if len(hashes) < TILE_WIDTH else self._finish_tiles()

    def extend(self, leaves: Sequence[bytes]) -> list[TileRoot]:
        """Add many leaf hashes; return the roots of the tiles that they finished."""
        finished: list[TileRoot] = []
        start = 0
        while start < len(leaves):
            hashes = self._levels[0]
            stop = start + TILE_WIDTH - len(hashes)
            hashes += leaves[start:stop]
            self.size += min(stop, len(leaves)) - start
            start = stop
            if len(hashes) == TILE_WIDTH:
                finished += self._finish_tiles()
        return finished

    def _finish_tiles(self) -> list[TileRoot]:
        finished: list[TileRoot] = []
        level = 0
        while len(self._levels[level]) == TILE_WIDTH:
            root = tile_root(self._levels[level])
            self._levels[level] = []
            if level < len(self._covered):
                self._peaks[level], self._covered[level] = [], 0
            level += 1
            finished.append((level, (self.size >> TILE_HEIGHT * level) - 1, root))
            if level == len(self._levels):
                self._levels.append([])
            self._levels[level].append(root)
        return finished

    def root(self) -> bytes:
        """Return the tree's root."""
        root: bytes | None = None
        for peaks in self._grow_peaks():  # from the right end of the tree to the left
            for _, peak in reversed(peaks):
                root = peak if root is None else node_hash(peak, root)
        return EMPTY_ROOT if root is None else root

    def _grow_peaks(self) -> list[list[_Peak]]:
        covered = self._covered
        for level, hashes in enumerate(self._levels):
            if level == len(covered):
                covered.append(0)
                self._peaks.append([])
            if covered[level] == len(hashes):
                continue
            peaks = self._peaks[level]
            for leaf in hashes[covered[level] :]:
                width, peak = 1, leaf
                while peaks and peaks[-1][0] == width:
                    peak = node_hash(peaks.pop()[1], peak)
                    width *= 2
                peaks.append((width, peak))
            covered[level] = len(hashes)
        return self._peaks

    def unfinished(self) -> tuple[bytes, ...]:
        """Return the leaf hashes behind the last full tile."""
        return tuple(self._levels[0])

    def mark(self) -> Mark:
        """Remember the present, to go back to it."""
        levels = self._levels
        return self.size, tuple(levels), tuple(map(len, levels))

    def back_to(self, mark: Mark) -> None:
        """Forget what was appended since `mark`."""
        self.size, levels, lengths = mark
        for hashes, length in zip(levels, lengths, strict=True):
            del hashes[length:]
        self._levels = [*levels]
        self._peaks, self._covered = [], []
