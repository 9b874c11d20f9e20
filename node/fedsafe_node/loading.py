# SPDX-License-Identifier: Apache-2.0
"""Bring the indexes up to the store at start.

The token index reads only the rows behind its newest segment. Pictures are opened
and decrypted once a start: perceptual digests lie nowhere on disk in the clear.
"""

from pathlib import Path
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.signals import decode_opening
from fedsafe_federation.wireformat import decode
from fedsafe_node.index.lists import Lists
from fedsafe_node.index.tokens import TokenIndex
from fedsafe_node.media import open_media_body
from fedsafe_node.situation import Situation
from fedsafe_node.store.protocol import Reader, Store, Transaction
from fedsafe_node.store.rows import SignalRow
from fedsafe_policies.gate import LegalGate
from fedsafe_policies.vocabulary import MediaKind

_PAGE: Final = 10_000
_IDENTITY: Final = "store.identity"


async def load_tokens(directory: Path, store: Store) -> TokenIndex:
    """Open the token index and add what it lacks."""
    identity = await _identity(store)

    async def query(reader: Reader) -> TokenIndex:
        newest = await reader.newest_signal()
        index = TokenIndex.open(directory, covered=newest, store=identity)
        while page := await reader.tokens_after(index.highest_row, _PAGE):
            rows = [token.row for token in page]
            tokens = b"".join(token.token for token in page)
            index.add_many(tokens, rows, through=rows[-1])
            if index.wants_merge:
                index.merge()
        index.add_many(b"", (), through=newest)
        return index

    return await store.scan(query)


async def _identity(store: Store) -> bytes:
    # Tells this database from another one that was put in its place.
    async def act(tx: Transaction) -> bytes:
        known = await tx.meta(_IDENTITY)
        if known is None:
            known = token_bytes(16)
            await tx.set_meta(_IDENTITY, known)
        return known

    return await store.write(act)


async def load_gate(store: Store) -> LegalGate | None:
    """Read the legal-gate record that was entered last.

    Raises:
        MalformedError: it does not fit.
    """
    row = await store.read(lambda reader: reader.newest_gate())
    return decode(row.record, LegalGate) if row is not None else None


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
