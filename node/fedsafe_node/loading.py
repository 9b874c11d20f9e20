# SPDX-License-Identifier: Apache-2.0
"""Bring the indexes up to the store at start, and compare them with it later.

The token index reads only the rows behind its newest segment. Pictures are opened
and decrypted once a start: perceptual digests lie nowhere on disk in the clear.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.signals import decode_opening
from fedsafe_federation.wireformat import decode
from fedsafe_node.errors import CorruptRowError, StoreFailedError
from fedsafe_node.index.lists import Lists
from fedsafe_node.index.tokens import TokenIndex
from fedsafe_node.media import open_media_body
from fedsafe_node.signals.naming import signal_name
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Reader, Store, Transaction
from fedsafe_node.store.rows import SignalRow, SignalStatus, TokenRow
from fedsafe_node.telemetry import LOGGER, fields
from fedsafe_policies.gate import LegalGate
from fedsafe_policies.vocabulary import MediaKind

_PAGE: Final = 10_000
_IDENTITY: Final = "store.identity"
INDEX: Final = "index"


_LOG = logging.getLogger(f"{LOGGER}.loading")


async def load_tokens(directory: Path, store: Store) -> TokenIndex:
    """Open the token index and add what it lacks."""
    identity = await _identity(store)

    async def query(reader: Reader) -> TokenIndex:
        newest = await reader.newest_signal()
        index = TokenIndex.open(directory, covered=newest, store=identity)
        if index.discarded:
            _LOG.warning("index rebuilt", extra=fields(count=len(index.discarded)))
        # The file of removals has no digest: a wrong row in it would hide a signal.
        removed = await reader.signals_at(sorted(index.removed))
        index.find_again({row.row for row in removed if _matches(row)})
        while page := await reader.tokens_after(index.highest_row, _PAGE):
            rows = [token.row for token in page]
            index.add_many(_tokens(page), rows, through=rows[-1])
            if index.wants_merge:
                index.merge()
        index.add_many(b"", (), through=newest)
        return index

    return await store.scan(query)


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
            raise CorruptRowError(INDEX, row.row, name, "the index does not find it")
    return count


def _tokens(page: Sequence[TokenRow]) -> bytes:
    return b"".join(token.token for token in page)


def _matches(row: SignalRow) -> bool:
    return row.status is SignalStatus.ACTIVE


async def _identity(store: Store) -> bytes:
    # Tells this database from another one that was put in its place.
    async def act(tx: Transaction) -> bytes:
        known = await tx.meta(_IDENTITY)
        if known is None:
            known = token_bytes(16)
            await tx.set_meta(_IDENTITY, known)
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


async def load_pictures(lists: Lists, store: Store, situation: Situation) -> None:
    """Open every picture signal and add its digest to the picture index."""

    async def query(reader: Reader) -> None:
        last = 0
        while page := await reader.media_after(MediaKind.PDQ, last, _PAGE):
            last = page[-1].row
            rows: list[int] = []
            digests: list[bytes] = []
            for row in page:
                digest = await _digest(reader, row, situation)
                if digest is not None:
                    rows.append(row.row)
                    digests.append(digest)
            lists.pictures.add(rows, digests)

    await store.scan(query)


async def _digest(reader: Reader, row: SignalRow, situation: Situation) -> bytes | None:
    kept = await reader.opening(row.log, row.index, row.group)
    if kept is None:
        return None
    origin = situation.own.name if row.own else row.origin
    try:
        header, opening = decode_opening(kept.payload)
        body = open_media_body(row.signal_id, origin, header, opening, situation)
    except (CryptoError, MalformedError):
        return None
    return body.digest
