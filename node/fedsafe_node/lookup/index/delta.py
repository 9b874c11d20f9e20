# SPDX-License-Identifier: Apache-2.0
"""The newest tokens of an index, in memory: which rows carry each of them."""

from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Final

from fedsafe_node.lookup.index.segment import TOKEN_BYTES

MERGE_AT: Final = 65_536

Delta = dict[bytes, tuple[int, ...]]


def split_tokens(tokens: bytes) -> Iterator[bytes]:
    """Give concatenated tokens one by one."""
    for at in range(0, len(tokens), TOKEN_BYTES):
        yield tokens[at : at + TOKEN_BYTES]


def put_token(delta: Delta, token: bytes, row: int) -> None:
    """Add a row to those of a token."""
    known = delta.get(token)
    if known is None:
        delta[token] = (row,)
    else:
        ordered = list(known)
        insort(ordered, row)
        delta[token] = tuple(ordered)


def pairs_of(delta: Delta) -> Iterator[tuple[bytes, int]]:
    """Give each token with each of its rows."""
    return ((token, row) for token, rows in delta.items() for row in rows)


def beyond(delta: Delta, row: int) -> Delta:
    """Give what a delta holds of the rows behind one."""
    rest: Delta = {}
    for token, rows in delta.items():
        if rows[-1] > row:
            rest[token] = tuple(each for each in rows if each > row)
    return rest


def batches(
    pairs: Iterable[tuple[bytes, int]],
) -> Iterator[tuple[bytes, list[int]]]:
    """Gather tokens, concatenated, and their rows, as many as are merged at once."""
    tokens, rows = bytearray(), list[int]()
    for token, row in pairs:
        tokens += token
        rows.append(row)
        if len(rows) > MERGE_AT:
            yield bytes(tokens), rows
            tokens, rows = bytearray(), []
    if rows:
        yield bytes(tokens), rows
