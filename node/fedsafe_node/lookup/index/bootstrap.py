# SPDX-License-Identifier: Apache-2.0
"""Bring the indexes up to the store at start, and compare them with it later.

The token index reads only the rows behind its newest segment, and later those that
other processes of the node have committed. Pictures have a keeper of their own
(`picture_keeper`).
"""

import asyncio
import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_bytes
from typing import Final, cast

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import (
    CorruptRowError,
    NodeError,
    StoreFailedError,
)
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.lookup.index.picture_keeper import known, read_pictures
from fedsafe_node.lookup.index.shared import SharedTokenIndex
from fedsafe_node.lookup.index.tokens import STORE_IDENTITY, TokenIndex
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import SignalRow, SignalStatus, TokenRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.gate import LegalGate

_PAGE: Final = 10_000
_FEW: Final = 4_096  # tokens that each process may hold in its own memory
INDEX: Final = "index"


_LOG = logging.getLogger(f"{LOGGER}.loading")


async def load_tokens(
    directory: Path, store: Store, kind: type[TokenIndex] = TokenIndex
) -> TokenIndex:
    """Open the token index and add what it lacks; nobody else has it open."""
    identity = await _identity(store)

    async def query(reader: Reader) -> TokenIndex:
        newest = await reader.newest_signal()
        index = kind.open(directory, covered=newest, store=identity)
        if index.discarded:
            _LOG.warning("index rebuilt", extra=fields(count=len(index.discarded)))
        await _check_removals(reader, index, index.removed)
        await _add_tokens(reader, index, newest, merges=True)
        return index

    return await store.scan(query)


async def share_tokens(
    directory: Path, store: Store, *, is_first: bool
) -> SharedTokenIndex:
    """Open the token index together with other processes, and add what it lacks.

    The first of them brings the files up to date, so that all others map them.
    """
    if is_first:
        first = await load_tokens(directory, store, SharedTokenIndex)
        if first.in_memory > _FEW:
            await asyncio.to_thread(first.merge)
        return cast("SharedTokenIndex", first)
    identity = await _identity(store)
    index = await asyncio.to_thread(SharedTokenIndex.share, directory, store=identity)

    async def query(reader: Reader) -> None:
        newest = await reader.newest_signal()
        if index.trim(newest):
            _LOG.warning("index beyond the store", extra=fields(reason="index"))
        await _check_removals(reader, index, index.removed)
        await _add_tokens(reader, index, newest, merges=False)

    await store.scan(query)
    return index


async def follow_lists(lists: Lists, store: Store, situation: Situation) -> None:
    """Add the rows that other processes have committed.

    Pictures that are still being loaded come with all others.
    """
    index, pictures = lists.tokens, not lists.lacks_pictures

    async def query(reader: Reader) -> tuple[int, list[tuple[int, bytes]]]:
        newest = await reader.newest_signal()
        await _add_tokens(reader, index, newest, merges=False)
        found: list[tuple[int, bytes]] = []
        last = lists.pictures_until
        while pictures and (page := await read_pictures(reader, last, situation)):
            last = page[-1][0]
            found += known(page)
        return newest, found

    newest, found = await store.scan(query)
    if pictures:
        lists.add_pictures(found, until=newest)


async def follow_removals(lists: Lists, store: Store) -> None:
    """Take up which tokens other processes have merged, and which removed."""
    index = lists.tokens
    if not isinstance(index, SharedTokenIndex):
        return
    known = index.removed
    await asyncio.to_thread(index.follow)
    new = index.removed - known
    if new:
        await store.read(lambda reader: _check_removals(reader, index, new))
        lists.remove_pictures(new & index.removed)


async def merge_tokens(index: TokenIndex, store: Store, *, full: bool = False) -> None:
    """Merge the index; what the store knows to match is no removal, and stays.

    Raises:
        OSError: as `TokenIndex.merge`.
        StoreError: the store cannot be read; nothing was merged.
    """
    if isinstance(index, SharedTokenIndex):  # what others noted it merges as well
        await asyncio.to_thread(index.follow)
    if rows := index.removed:
        await store.scan(lambda reader: _check_removals(reader, index, rows))
    await asyncio.to_thread(index.merge, full=full)


async def merge_if_large(index: TokenIndex, store: Store) -> None:
    """Merge an index whose newest tokens fill this process's memory.

    They come faster than the duty does that merges. What fails is left to that: tried
    with each act, it would take time and the last of the disk from all of them.
    """
    if index.wants_merge and not index.is_stuck:
        index.is_stuck = True  # other acts of this moment go on, and take no thread
        with suppress(OSError, NodeError):
            await merge_tokens(index, store)


async def _check_removals(
    reader: Reader, index: TokenIndex, rows: Collection[int]
) -> None:
    # The file of removals has no digest: a wrong row in it would hide a signal.
    removed = await reader.signals_at(sorted(rows))
    index.find_again({row.row for row in removed if _matches(row)})


async def _add_tokens(
    reader: Reader, index: TokenIndex, newest: int, *, merges: bool
) -> None:
    while page := await reader.tokens_after(index.highest_row, _PAGE):
        rows = [token.row for token in page]
        index.add_many(_tokens(page), rows, through=rows[-1])
        if merges and index.wants_merge:
            index.merge()
    index.add_many(b"", (), through=newest)


async def check_tokens(index: TokenIndex, store: Store) -> int:
    """Check that the index finds every signal that may match; return how many.

    Raises:
        CorruptRowError: a signal is not found.
        CorruptIndexError: a segment is damaged.
    """
    covered = index.highest_row  # what comes later may not have been added yet

    async def query(reader: Reader) -> tuple[int, list[SignalRow]]:
        index.check()
        last = count = 0
        lost: list[SignalRow] = []
        while (page := await reader.tokens_after(last, _PAGE)) and not lost:
            last = page[-1].row
            pairs = index.probe_many(_tokens(page))
            found = {row for at, row in pairs if page[at].row == row}
            others = [token.row for token in page if token.row not in found]
            missed = await reader.signals_at([row for row in others if row <= covered])
            lost = [row for row in missed if _matches(row)]
            count += len(page) - len(others)
        return count, lost

    count, lost = await store.scan(query)
    # What was stopped meanwhile is rightly found no more.
    again = [row.row for row in lost]
    for row in await store.scan(lambda reader: reader.signals_at(again)):
        if _matches(row) and row.token and row.row not in index.rows(row.token):
            name = signal_name(row.signal_id)
            raise CorruptRowError(
                INDEX, row.row, name, Phrase("the index does not find it")
            )
    return count


def _tokens(page: Sequence[TokenRow]) -> bytes:
    return b"".join(token.token for token in page)


def _matches(row: SignalRow) -> bool:
    return row.status is SignalStatus.ACTIVE


async def _identity(store: Store) -> bytes:
    # Tells this database from another one that was put in its place.
    async def act(tx: Transaction) -> bytes:
        known = await tx.meta(STORE_IDENTITY)
        if known is None:
            known = token_bytes(16)
            await tx.set_meta(STORE_IDENTITY, known)
        return known

    return await store.write(act, vital=True)


async def load_gate(store: Store) -> LegalGate | None:
    """Read the legal-gate record that was entered last.

    Raises:
        StoreFailedError: what is stored is no such record.
    """
    row = await store.read(lambda reader: reader.newest_gate())
    try:
        return decode(row.record, LegalGate) if row is not None else None
    except MalformedError as error:
        raise StoreFailedError(f"the legal-gate record: {error}") from None
