# SPDX-License-Identifier: Apache-2.0
"""The files of a token index: which of them count.

A segment's name tells the rows that it holds. Those that count form a chain: each
begins at the row where the one before ends. Where two begin at the same row, the
longer one was merged out of the shorter one and others, so it counts.
"""

from pathlib import Path

from fedsafe_node.errors import CorruptIndexError
from fedsafe_node.index.segment import Segment


def segment_name(after: int, through: int) -> str:
    """Name the segment of the rows (`after`, `through`]."""
    return f"tokens-{after}-{through}.segment"


def read_chain(
    directory: Path, covered: int, store: bytes
) -> tuple[tuple[Segment, ...], tuple[str, ...]]:
    """Open the segments that form a chain from row 0, and remove all others.

    Each is read whole: a bit that has rotted in one would hide a token, and the
    answer to a lookup would be *none*.

    Returns the chain, and why other files could not be used. A chain that reaches
    beyond row `covered` was made for a database that has been put back: it goes.
    """
    usable, discarded = dict[int, Segment](), list[str]()
    for path in sorted(directory.glob("tokens-*.segment")):
        try:
            segment = Segment(path)
            _check_origin(segment, store)
            segment.verify()
        except CorruptIndexError as problem:
            discarded.append(str(problem))
            continue
        after, through = segment.header.after, segment.header.through
        if after not in usable or usable[after].header.through < through:
            usable[after] = segment
    chain = list[Segment]()
    row = 0
    while row in usable:
        chain.append(usable.pop(row))
        if chain[-1].header.through == row:
            break
        row = chain[-1].header.through
    if row > covered:
        discarded.append(f"token index reaches row {row}, the store only {covered}")
        chain = []
    remove_others(directory, tuple(chain))
    return tuple(chain), tuple(discarded)


def _check_origin(segment: Segment, store: bytes) -> None:
    header, path = segment.header, segment.path
    if header.store != store:
        raise CorruptIndexError(str(path), "it belongs to another store")
    if path.name != segment_name(header.after, header.through):
        raise CorruptIndexError(str(path), "it was renamed")


def remove_others(directory: Path, chain: tuple[Segment, ...]) -> None:
    """Remove segments that are not in the chain, and drafts that a crash left."""
    live = {segment.path.name for segment in chain}
    for pattern in ("tokens-*.segment", ".tokens-*.draft"):
        for path in directory.glob(pattern):
            if path.name not in live:
                path.unlink(missing_ok=True)
