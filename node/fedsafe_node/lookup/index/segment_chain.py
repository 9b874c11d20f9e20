# SPDX-License-Identifier: Apache-2.0
"""The files of a token index: which of them count.

A segment's name tells the rows that it holds. Those that count form a chain: each
begins at the row where the one before ends. Where two begin at the same row, the
longer one was merged out of the shorter one and others, so it counts.

Where several processes of a node share the directory, one of them at a time merges
(`turn`), and only that one removes files. The others map what they find: a file that
goes while they read is looked for again under the name that it has become part of.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fedsafe_node.ground.errors import CorruptIndexError
from fedsafe_node.lookup.index.segment import Segment
from fedsafe_policies.ground.catalogue import Phrase

_SEGMENTS: Final = "tokens-*.segment"
_LOCK: Final = ".lock"

Chain = tuple[Segment, ...]
Stamp = tuple[int, int]
"""What tells a file from another one of its name: its inode, and when it was made."""


def segment_name(after: int, through: int) -> str:
    """Name the segment of the rows (`after`, `through`]."""
    return f"tokens-{after}-{through}.segment"


@contextmanager
def turn(directory: Path) -> Iterator[None]:
    """Be the only process that changes the segments of a directory; it waits."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    lock = os.open(directory / _LOCK, flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def stamps(directory: Path) -> dict[str, Stamp]:
    """Say which segment files there are."""
    found: dict[str, Stamp] = {}
    for path in directory.glob(_SEGMENTS):
        try:
            status = path.stat()
        except FileNotFoundError:  # merged into another one meanwhile
            continue
        found[path.name] = status.st_ino, status.st_mtime_ns
    return found


def read_chain(
    directory: Path, covered: int, store: bytes
) -> tuple[Chain, tuple[str, ...]]:
    """Open the segments that form a chain from row 0, and remove all others.

    Each is read whole: a bit that has rotted in one would hide a token, and the
    answer to a lookup would be *none*.

    Returns the chain, and why other files could not be used. A chain that reaches
    beyond row `covered` was made for a database that has been put back: it goes.
    """
    chain, discarded = _open_chain(directory, store, {})
    if chain and chain[-1].header.through > covered:
        row = chain[-1].header.through
        discarded.append(f"token index reaches row {row}, the store only {covered}")
        chain = ()
    remove_others(directory, chain)
    return chain, tuple(discarded)


def follow_chain(
    directory: Path, store: bytes, known: Mapping[Stamp, Segment]
) -> tuple[Chain, dict[str, Stamp]]:
    """Open the chain that another process has made, and change nothing.

    Of what is *known* nothing is read again. Returns the files as well.
    """
    while True:
        before = stamps(directory)
        opened = {
            directory / name: known[stamp]
            for name, stamp in before.items()
            if stamp in known
        }
        chain, _ = _open_chain(directory, store, opened)
        if stamps(directory) == before:
            return chain, before


def _open_chain(
    directory: Path, store: bytes, opened: Mapping[Path, Segment]
) -> tuple[Chain, list[str]]:
    usable, discarded = dict[int, Segment](), list[str]()
    for path in sorted(directory.glob(_SEGMENTS)):
        try:
            segment = opened.get(path) or _open_whole(path, store)
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
    return tuple(chain), discarded


def _open_whole(path: Path, store: bytes) -> Segment:
    segment = Segment(path)
    _check_origin(segment, store)
    segment.verify()
    return segment


def _check_origin(segment: Segment, store: bytes) -> None:
    header, path = segment.header, segment.path
    if header.store != store:
        raise CorruptIndexError(str(path), Phrase("it belongs to another store"))
    if path.name != segment_name(header.after, header.through):
        raise CorruptIndexError(str(path), Phrase("it was renamed"))


def remove_others(directory: Path, chain: Chain) -> None:
    """Remove segments that are not in the chain, and drafts that a crash left."""
    live = {segment.path.name for segment in chain}
    for pattern in (_SEGMENTS, ".tokens-*.draft"):
        for path in directory.glob(pattern):
            if path.name not in live:
                path.unlink(missing_ok=True)
