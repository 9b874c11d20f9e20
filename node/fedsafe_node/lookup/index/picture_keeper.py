# SPDX-License-Identifier: Apache-2.0
"""Bring the pictures of a node into memory at start, and keep their tables.

A node answers before its pictures are there. What is asked about one meanwhile is put
off, unless it is found already. They come, in this order:

* out of memory that another process of the node has filled;
* out of files that lie encrypted under the outside key: their rows first, which are
  compared one by one until their tables are open as well;
* out of the store: what is newer than those, or everything. Their openings are read
  many at a time.

Whoever merges writes new files, if there is an outside key, and gives the tables to the
other processes. Without an outside key nothing of the pictures is written to disk.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import decode_opening
from fedsafe_node.ground.errors import NodeError, PictureIndexError, StoreError
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.outside_key import OutsideKey
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.index.tokens import STORE_IDENTITY
from fedsafe_node.rules.media_bodies import open_media_body
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Opening, SignalRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import MediaKind

if TYPE_CHECKING:  # numpy, which a node that knows no picture does without
    import numpy as np
    from numpy.typing import NDArray

    from fedsafe_node.lookup.index.pdq_file import Covered, PictureFile
    from fedsafe_node.lookup.index.pdq_tables import Tables

FILES: Final = "pictures.files"
"""The value of the store that names the files that count."""
_PAGE: Final = 1_000
_ROWS: Final = 100_000
_FIRST_PAUSE: Final = 1.0  # seconds, where the store cannot be read
_LONGEST_PAUSE: Final = 300.0
_LOG: Final = logging.getLogger(f"{LOGGER}.pictures")

Page = Sequence[tuple[int, bytes | None]]
"""Rows and their digests; None for one whose opening does not open."""


class Link(Protocol):
    """The other processes of a node, as far as they share tables."""

    def follow(self, adopt: "Callable[[Sequence[Tables], int], None]") -> None:
        """Give what others share, by now and later, with the row it goes up to."""
        ...

    def share(self, tables: "Sequence[Tables]", through: int) -> None:
        """Give tables to the others."""
        ...


def always() -> bool:
    """Say that a process is the one that merges."""
    return True


@dataclass(slots=True)
class PictureKeeper:
    """Loads, merges and keeps the pictures of one process.

    It merges if it *leads*; the one that *is first* does so until it has loaded, since
    nobody leads yet. What was to be had at its start is *loaded* then. Owned by the
    event loop: the files that are
    not open yet, and the rows that those lack.
    """

    lists: Lists
    store: Store
    situation: Situation
    directory: Path
    key: OutsideKey | None = None
    link: Link | None = None
    leads: Callable[[], bool] = always
    is_first: bool = True
    faults: Faults = NO_FAULTS
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    _files: "list[PictureFile]" = field(default_factory=list)
    _missing: list[int] = field(default_factory=list)
    _merging: asyncio.Lock = field(default_factory=asyncio.Lock)
    _adopting: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(self) -> None:
        """Take what can be had at once; the node begins to answer behind it."""
        self.lists.lacks_pictures = True
        if self.link is not None:
            self.link.follow(self._adopt_soon)
            await asyncio.gather(*self._adopting)
        if not self.lists.has_picture_tables and self._merges():
            await self._open_files()

    async def load(self) -> None:
        """Bring in all the rest, beside answering; where it fails try again."""
        pause = _FIRST_PAUSE
        while self.lists.lacks_pictures:
            try:
                await self._load()
            except (NodeError, OSError) as error:
                reason = type(error).__name__
                _LOG.exception("pictures not loaded", extra=fields(reason=reason))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        try:
            await self.merge()
            await self._compare()
        except (NodeError, OSError) as error:
            reason = type(error).__name__
            _LOG.exception("pictures not compared", extra=fields(reason=reason))
        finally:
            self.is_first = False
            self.loaded.set()

    def _merges(self) -> bool:
        return self.is_first or self.leads()

    async def merge(self, *, purge: bool = False) -> None:
        """Bring the tables up to date if that is due, or whatever is removed with them.

        Tables that fail their self-test are not used: pictures are then found by
        comparing every digest, which takes longer, and the next merge tries again.
        """
        lists = self.lists
        is_due = lists.wants_picture_merge or (purge and lists.has_removed_pictures)
        if lists.lacks_pictures or not is_due or not self._merges():
            return
        async with self._merging:
            try:
                await asyncio.to_thread(lists.pictures.merge)
            except PictureIndexError:
                _LOG.exception("picture index unsound", extra=fields(reason="pictures"))
                return
            await self._keep()

    async def _load(self) -> None:
        if self._files:
            await self._finish_files()
        if self._missing:
            rows, self._missing = self._missing, []
            await self._add_rows(rows)
        lists, situation = self.lists, self.situation

        async def query(reader: Reader) -> tuple[Page, int]:
            newest = await reader.newest_signal()
            return await read_pictures(reader, lists.pictures_until, situation), newest

        while True:
            page, newest = await self.store.scan(query)
            if not page:
                break
            lists.add_pictures(known(page), until=page[-1][0])
        lists.add_pictures((), until=newest)
        lists.lacks_pictures = False

    async def _open_files(self) -> None:
        named = await self.store.read(lambda reader: reader.meta(FILES))
        if self.key is None or not named:
            await asyncio.to_thread(_remove_all, self.directory)
            return
        from fedsafe_node.lookup.index import pdq_file  # noqa: PLC0415 - loads numpy
        from fedsafe_node.lookup.index.pdq_memory import Memory  # noqa: PLC0415

        key, lists, directory = self.key, self.lists, self.directory
        make = Memory.private if self.link is None else Memory.shared
        identity = await self._identity()

        def open_all() -> "list[PictureFile]":
            try:
                identities = msgspec.msgpack.decode(named, type=list[bytes])
            except msgspec.DecodeError:
                raise PictureIndexError("the store names no files") from None
            pdq_file.keep_only(directory, identities)
            return [
                pdq_file.open_rows(directory, each, key, identity, make)
                for each in identities
            ]

        try:
            self._files = files = await asyncio.to_thread(open_all)
        except PictureIndexError as error:
            _LOG.warning("picture index rebuilt", extra=fields(reason=error.reason))
            return
        if not files:
            return
        lists.pictures.adopt(tuple(each.tables for each in files))
        lists.add_pictures((), until=min(each.head.through for each in files))
        self._missing = sorted(set[int]().union(*(each.head.missing for each in files)))

    async def _finish_files(self) -> None:
        files, self._files = self._files, []
        index = self.lists.pictures

        def finish() -> None:
            for each in files:
                each.open_rest()
                index.finish(each.tables)

        try:
            await asyncio.to_thread(finish)
        except PictureIndexError as error:
            # Its rows opened, but who knows which: all is read again.
            _LOG.warning("picture index rebuilt", extra=fields(reason=error.reason))
            index.adopt(())
            self.lists.forget_pictures()
            self._missing = []
            return
        if self.link is not None:
            through = min(each.head.through for each in files)
            self.link.share([each.tables for each in files], through)

    def _adopt_soon(self, tables: "Sequence[Tables]", through: int) -> None:
        task = asyncio.create_task(self._adopt(tables, through))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _adopt(self, tables: "Sequence[Tables]", through: int) -> None:
        await asyncio.to_thread(self.lists.pictures.adopt, tuple(tables))
        if self.lists.lacks_pictures:
            self.lists.add_pictures((), until=through)

    async def _add_rows(self, rows: Sequence[int]) -> None:
        for start in range(0, len(rows), _PAGE):
            part = rows[start : start + _PAGE]

            async def query(reader: Reader, part: Sequence[int] = part) -> Page:
                return _opened(await reader.media_at(part), self.situation)

            found = known(await self.store.scan(query))
            if found:
                add = self.lists.pictures.add
                add([row for row, _ in found], [digest for _, digest in found])

    async def _compare(self) -> None:
        """Compare with the rows of the store: a row may have come or gone unseen."""
        if not self.lists.has_picture_tables:
            return
        until = self.lists.pictures_until  # what is newer may be on its way here
        ids, _ = await self.store.scan(_rows)
        index = self.lists.pictures
        lost, gone = await asyncio.to_thread(index.compare_ids, ids)
        late = gone[gone <= until].tolist()
        if late:
            self.lists.remove_pictures(late)
        await self._add_rows(lost[lost <= until].tolist())

    async def _keep(self) -> None:
        """Write new tables, and give them to the other processes."""
        tables = self.lists.pictures.tables
        if self.key is None and self.link is None:
            return
        covered = await self._covered(tables)
        if self.link is not None and tables:
            self.link.share(tables, covered.first_missing)
        if self.key is not None:
            try:
                await self._write(tables, covered)
            except (OSError, StoreError) as error:
                # The old files count on, or none: a start takes longer.
                reason = type(error).__name__
                _LOG.exception("picture index not kept", extra=fields(reason=reason))

    async def _write(self, tables: "Sequence[Tables]", covered: "Covered") -> None:
        from fedsafe_node.lookup.index import pdq_file  # noqa: PLC0415 - loads numpy

        key, directory, faults = self.key, self.directory, self.faults
        if key is None:
            return

        def write() -> list[bytes]:
            return [
                pdq_file.write_tables(directory, each, key, covered, faults)
                for each in tables
            ]

        identities = await asyncio.to_thread(write)
        named = msgspec.msgpack.encode(identities)

        async def act(tx: Transaction) -> None:
            await tx.set_meta(FILES, named)

        await self.store.write(act)
        await asyncio.to_thread(pdq_file.keep_only, directory, identities)

    async def _covered(self, tables: "Sequence[Tables]") -> "Covered":
        from fedsafe_node.lookup.index.pdq_file import covering  # noqa: PLC0415

        ids, newest = await self.store.scan(_rows)
        identity = await self._identity()
        return await asyncio.to_thread(covering, identity, tables, ids, newest)

    async def _identity(self) -> bytes:
        found = await self.store.read(lambda reader: reader.meta(STORE_IDENTITY))
        return found or b""


async def read_pictures(reader: Reader, row: int, situation: Situation) -> Page:
    """Read some pictures that lie behind a row, and open them."""
    return _opened(await reader.media_after(MediaKind.PDQ, row, _PAGE), situation)


def known(page: Page) -> list[tuple[int, bytes]]:
    """Keep those that open."""
    return [(row, digest) for row, digest in page if digest is not None]


def _opened(
    found: Sequence[tuple[SignalRow, Opening | None]], situation: Situation
) -> Page:
    return [(row.row, _digest(row, kept, situation)) for row, kept in found]


def _digest(row: SignalRow, kept: Opening | None, situation: Situation) -> bytes | None:
    if kept is None:
        return None
    origin = situation.own.name if row.own else row.origin
    try:
        header, opening = decode_opening(kept.payload)
        return open_media_body(row.signal_id, origin, header, opening, situation).digest
    except (CryptoError, MalformedError):
        return None


async def _rows(reader: Reader) -> "tuple[NDArray[np.uint32], int]":
    """Read the rows of all pictures, and the newest row of all."""
    import numpy as np  # noqa: PLC0415 - slow to load

    newest, last = await reader.newest_signal(), 0
    pages = [np.zeros(0, np.uint32)]
    while page := await reader.media_rows_after(MediaKind.PDQ, last, _ROWS):
        last = page[-1]
        pages.append(np.array(page, np.uint32))
    return np.concatenate(pages), newest


def _remove_all(directory: Path) -> None:
    for path in directory.glob("pictures-*"):
        with suppress(OSError):
            path.unlink()
