# SPDX-License-Identifier: Apache-2.0
"""Tables of the picture index on disk: encrypted chunks under the outside key.

    pictures-<identity>.sealed = MAGIC(16) ‖ length(4) ‖ head ‖ chunks

The head is a `Head` as MessagePack and tells no digest. Behind it the memory of one
`Tables` follows, as `pdq_tables.Layout` lays it out, sealed in chunks
(`fedsafe_crypto.seal.chunks`) with SHA-256 of all before them beside each. Its key is
derived from the outside key and the identity, which is drawn anew for each file, so no
key seals twice. Arrays are in the order of bytes of the machine; the head says which.

Rows come first in a layout: they are opened alone, and compared one by one until the
tables are there as well. Which files count stands in the store, under its seal: a file
that was cut, changed, swapped, or put back from an older day is refused, and the index
is then made out of the store, as it is without an outside key. A new file is whole and
durable before the store names it, so a crash leaves the old one or the new one.
"""

import os
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from secrets import token_bytes
from typing import Annotated, Final, Literal

import msgspec
import numpy as np

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.chunks import (
    CHUNK_BYTES,
    chunk_count,
    open_chunks,
    seal_chunks,
    sealed_length,
)
from fedsafe_node.ground.errors import PictureIndexError
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.ground.key_files import make_private_directory, sync_directory
from fedsafe_node.ground.outside_key import OutsideKey
from fedsafe_node.lookup.index.pdq_memory import MakeMemory
from fedsafe_node.lookup.index.pdq_tables import MOST_ROWS, Ids, Layout, Tables

MAGIC: Final = b"fedsafe-pdq-1\n\0\0"
MOST_MISSING: Final = 65_536
"""Of so many rows a file may say that it has them not."""
_IDENTITY_BYTES: Final = 32
_LENGTH_BYTES: Final = 4
_MOST_HEAD: Final = 1 << 20
_AT_ONCE: Final = 2  # chunks are read together
_PATTERN: Final = "pictures-*.sealed"


class Head(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What is known of a file before it is opened.

    It has *count* rows of that *store*: all up to *through*, but for those that were
    *missing* because their openings did not open.
    """

    version: Literal[1]
    order: Literal["little", "big"]
    key: str
    identity: Annotated[
        bytes, msgspec.Meta(min_length=_IDENTITY_BYTES, max_length=_IDENTITY_BYTES)
    ]
    store: bytes
    count: Annotated[int, msgspec.Meta(ge=1, le=MOST_ROWS)]
    through: Annotated[int, msgspec.Meta(ge=0)]
    missing: Annotated[list[int], msgspec.Meta(max_length=MOST_MISSING)]


@dataclass(slots=True)
class PictureFile:
    """A file whose rows are open; its tables are opened later."""

    path: Path
    head: Head
    tables: Tables
    _key: bytes = field(repr=False)
    _digest: bytes
    _begin: int

    def open_rest(self) -> None:
        """Open the tables, into the memory of the rows; it blocks.

        Raises:
            PictureIndexError: the file is not as it was written.
        """
        layout = Layout.of(self.head.count)
        rows = chunk_count(layout.rows_end)
        self._open(range(rows, chunk_count(layout.size)))
        self.tables.memory.close_to_writers()

    def _open(self, chunks: range) -> None:
        length = Layout.of(self.head.count).size
        overhead = sealed_length(CHUNK_BYTES)
        # Two buffers, which stay in cache, instead of fresh memory for each part.
        room = memoryview(bytearray(_AT_ONCE * overhead))
        text = memoryview(bytearray(_AT_ONCE * CHUNK_BYTES))
        try:
            with self.path.open("rb", buffering=0) as file:
                file.seek(self._begin + chunks.start * overhead)
                for start in range(chunks.start, chunks.stop, _AT_ONCE):
                    part = range(start, min(start + _AT_ONCE, chunks.stop))
                    at = part.start * CHUNK_BYTES
                    out = text[: min(len(part) * CHUNK_BYTES, length - at)]
                    sealed = room[: file.readinto(room[: len(part) * overhead])]
                    open_chunks(
                        *(self._key, self._digest, sealed, out),
                        length=length,
                        chunks=part,
                    )
                    self.tables.memory.write(at, out)
        except CryptoError as error:
            raise _refused(self.path, str(error)) from None
        except OSError as error:
            raise _refused(self.path, error.strerror or "unreadable") from None
        finally:
            text[:] = bytes(len(text))  # it held digests


def open_rows(
    directory: Path,
    identity: bytes,
    key: OutsideKey,
    store: bytes,
    make: MakeMemory,
) -> PictureFile:
    """Open the rows of the file that the store names; it blocks.

    Raises:
        PictureIndexError: it is not there, not as it was written, or of another store
            or outside key.
    """
    path = _path(directory, identity)
    try:
        with path.open("rb") as file:
            start = file.read(len(MAGIC) + _LENGTH_BYTES)
            length = int.from_bytes(start[len(MAGIC) :])
            if start[: len(MAGIC)] != MAGIC or length > _MOST_HEAD:
                raise _refused(path, "it is no such file")
            content = file.read(length)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise _refused(path, error.strerror or "unreadable") from None
    try:
        head = msgspec.msgpack.decode(content, type=Head)
    except msgspec.DecodeError:
        raise _refused(path, "it is no such file") from None
    if (head.identity, head.store, head.order) != (identity, store, sys.byteorder):
        raise _refused(path, "it is of another node or machine")
    if head.key != key.name:
        raise _refused(path, f"it is under the outside key {head.key}")
    layout, begin = Layout.of(head.count), len(start) + length
    if size != begin + sealed_length(layout.size):
        raise _refused(path, "it was cut")
    found = PictureFile(
        path,
        head,
        Tables.attach(head.count, make(layout.size), is_built=False),
        key.file_key(identity),
        sha256(start + content).digest(),
        begin,
    )
    found._open(range(chunk_count(layout.rows_end)))  # noqa: SLF001 - its own maker
    return found


@dataclass(frozen=True, slots=True)
class Covered:
    """Up to which row files have all pictures of a store, but for those *missing*."""

    store: bytes
    through: int
    missing: Sequence[int] = ()

    @property
    def first_missing(self) -> int:
        """The row up to which nothing is missing."""
        return self.missing[0] - 1 if self.missing else self.through


def covering(store: bytes, tables: Sequence[Tables], ids: Ids, newest: int) -> Covered:
    """Say what tables have of the rows of a store, which ascend up to *newest*."""
    here = np.concatenate([each.ids for each in tables] or [ids[:0]])
    missing: list[int] = np.setdiff1d(ids, here, assume_unique=True).tolist()
    if len(missing) > MOST_MISSING:
        return Covered(store, missing[MOST_MISSING] - 1, missing[:MOST_MISSING])
    return Covered(store, newest, missing)


def write_tables(
    directory: Path,
    tables: Tables,
    key: OutsideKey,
    covered: Covered,
    faults: Faults = NO_FAULTS,
) -> bytes:
    """Write tables of which nothing is removed; return the identity of the file.

    It is durable, and counts once the store names it.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    identity = token_bytes(_IDENTITY_BYTES)
    head = Head(
        version=1,
        order=sys.byteorder,
        key=key.name,
        identity=identity,
        store=covered.store,
        count=len(tables.ids),
        through=covered.through,
        missing=list(covered.missing),
    )
    content = msgspec.msgpack.encode(head)
    start = MAGIC + len(content).to_bytes(_LENGTH_BYTES) + content
    make_private_directory(directory)
    path = _path(directory, identity)
    draft = path.with_suffix(".part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(draft, flags, 0o600), "wb", buffering=0) as file:
            _write_all(file.fileno(), start)
            with memoryview(tables.memory.buffer) as text:
                digest, secret = sha256(start).digest(), key.file_key(identity)
                for chunk in seal_chunks(secret, digest, text):
                    _write_all(file.fileno(), chunk)
            os.fsync(file.fileno())
        faults.reach(FaultPoint.PICTURES_BEFORE_RENAME)
        draft.rename(path)
        sync_directory(directory)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    faults.reach(FaultPoint.PICTURES_AFTER_RENAME)
    return identity


def keep_only(directory: Path, identities: Collection[bytes]) -> None:
    """Remove all files but these, and what a crash has left of unfinished ones."""
    kept = {_path(directory, identity) for identity in identities}
    for path in (*directory.glob(_PATTERN), *directory.glob("pictures-*.part")):
        if path not in kept:
            path.unlink(missing_ok=True)


def _path(directory: Path, identity: bytes) -> Path:
    return directory / f"pictures-{identity.hex()}.sealed"


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _refused(path: Path, why: str) -> PictureIndexError:
    return PictureIndexError(f"{path.name}: {why}")
