# SPDX-License-Identifier: Apache-2.0
"""The token index of a node that runs as several processes.

One of them merges at a time. The others map the same files, so that each token is in
memory once however many processes there are, and keep only what is newer in a dict of
their own. `follow` takes up what another one has merged or removed::

    index = SharedTokenIndex.share(directory, store=identity)
    index.trim(newest_row_of_the_store)  # read after it
    ...
    index.follow()

A segment that is mapped stays readable after its file is gone, so nothing that another
process does makes a token unfindable.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.lookup.index.removals import Removals
from fedsafe_node.lookup.index.segment_chain import (
    Chain,
    Stamp,
    follow_chain,
    stamps,
    turn,
)
from fedsafe_node.lookup.index.tokens import NO_STORE, TokenIndex, View, beyond


class SharedTokenIndex(TokenIndex):
    """One process's view of the index.

    Besides what `TokenIndex` says, under `_merging`: `_files`, those followed last.
    """

    def __init__(self, directory: Path, chain: Chain, removals: Removals) -> None:
        """Take over an opened chain; use `open` or `share`."""
        super().__init__(directory, chain, removals)
        self._files: dict[str, Stamp] = stamps(directory) if chain else {}

    @classmethod
    def share(
        cls, directory: Path, *, store: bytes = NO_STORE, faults: Faults = NO_FAULTS
    ) -> Self:
        """Open an index that other processes have open; it changes nothing.

        `open` is for the first process, before there are others: it tidies up.

        Raises:
            OSError: the directory is not there, or can't be read.
        """
        index = cls(directory, (), Removals(directory / "removed", store))
        index._store = store
        index._faults = faults
        index.follow()
        return index

    def trim(self, covered: int) -> bool:
        """Let go of segments that reach beyond the store; True if there were any."""
        with self._merging, self._lock:
            if self._highest <= covered:
                return False
            self._highest, self._ahead = 0, set()
            self._view = View((), ({},), self._removals.rows)
        return True

    def follow(self) -> None:
        """Take up what another process has merged or removed; it blocks.

        Raises:
            OSError: the directory can't be read.
        """
        with self._merging:
            self._follow()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with turn(self._directory):
            self._follow()
            yield
            self._files = stamps(self._directory)

    def _follow(self) -> None:
        with self._lock:
            if self._removals.follow():
                view = self._view
                self._view = View(view.segments, view.deltas, self._removals.rows)
        if stamps(self._directory) == self._files:
            return
        known = {
            self._files[segment.path.name]: segment
            for segment in self._view.segments
            if segment.path.name in self._files
        }
        chain, self._files = follow_chain(self._directory, self._store, known)
        self._adopt(chain)

    def _adopt(self, chain: Chain) -> None:
        through = chain[-1].header.through if chain else 0
        with self._lock:
            ours = self._view.segments
            if ours and through < ours[-1].header.through:
                return
            delta = beyond(self._view.deltas[-1], through)
            self._view = View(chain, (delta,), self._removals.rows)
            if through > self._highest:
                self._highest = through
                self._catch_up()
