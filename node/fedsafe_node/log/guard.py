# SPDX-License-Identifier: Apache-2.0
"""The rollback guard: what has left the node is remembered outside the database.

Before a signed checkpoint leaves, its size and root are kept in a file of their
own. At start, a database that is behind that file, or holds other entries, is
refused: going on with it would show two different logs to the world.
"""

import fcntl
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

import msgspec

from fedsafe_crypto.tlog.tree import HASH_BYTES
from fedsafe_node.ground.errors import CorruptLogError, NodeError, RolledBackError
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.ground.key_files import (
    make_private_directory,
    sync_directory,
    write_durably,
)
from fedsafe_node.log.proofs import log_root
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase

_SUFFIX = ".checkpoint"
_ROOT = re.compile(r"[0-9a-f]{64}")


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the world may have seen of a log; `root` is in hexadecimal."""

    log: LogName
    size: int
    root: str


class Guard:
    """Keeps the newest checkpoint of each own log, one file a log.

    It writes files; call `keep` on a thread. One caller at a time for each log. Where
    the directory is *shared* with other processes of the node, what they have kept is
    read before anything is, and one process at a time keeps.
    """

    def __init__(
        self,
        directory: Path,
        *,
        tidy: bool = True,
        shared: bool = False,
        faults: Faults = NO_FAULTS,
    ) -> None:
        """Read what was kept; not to *tidy* it removes nothing.

        Raises:
            CorruptLogError: a file can't be read.
        """
        self._directory = directory
        self._shared = shared
        self._faults = faults
        make_private_directory(directory)
        for draft in directory.glob(f".*{_SUFFIX}.*") if tidy else ():
            draft.unlink()  # left by a process that died while writing
        self._kept = read_kept(directory)
        self._coming: dict[LogName, Kept] = {}  # what may be in its file already
        # Read by others, whenever they seal what else the node holds.
        self.sizes = {log: kept.size for log, kept in self._kept.items()}

    def kept(self, log: LogName) -> Kept | None:
        """Return the newest checkpoint that may have left the node."""
        return self._kept.get(log)

    def kept_at(self, log: LogName) -> int | None:
        """Return when the newest checkpoint was kept, in seconds; call on a thread."""
        try:
            return int(self._path(log).stat().st_mtime)
        except FileNotFoundError:
            return None

    def known(self, log: LogName) -> int:
        """Return the size that was kept last; 0 if none was."""
        return self.sizes.get(log, 0)

    def follow(self) -> None:
        """Learn what other processes have kept; call on a thread.

        Raises:
            CorruptLogError: a file can't be read.
        """
        with self._alone():
            for log, kept in read_kept(self._directory).items():
                self._learn(log, kept)

    def keep(
        self, log: LogName, size: int, root: bytes, *, known: int | None = None
    ) -> None:
        """Keep a checkpoint before it leaves; durable when this returns.

        *known* is what was known to be kept before the log was read: where another
        process has kept a larger one since, that one stands for both.

        Raises:
            RolledBackError: one that left before is larger, or has another root.
            NodeError: the file can't be written.
        """
        if len(root) != HASH_BYTES:
            raise NodeError(f"a root has {HASH_BYTES} bytes")
        kept = Kept(log, size, root.hex())
        with self._alone():
            before = self._newest(log)
            if before == kept:
                return
            if before is not None and before.size >= size:
                if known is not None and known <= size < before.size:
                    return
                raise RolledBackError(log, before.size, size, str(self._path(log)))
            try:
                self._write(kept)
            except OSError as error:
                raise NodeError(f"guard of {log}: {error.strerror}") from error
            self._learn(log, kept)

    def _newest(self, log: LogName) -> Kept | None:
        if self._shared and self._path(log).exists():
            self._learn(log, _read(self._path(log)))
        return self._kept.get(log)

    def _learn(self, log: LogName, kept: Kept) -> None:
        before = self._kept.get(log)
        if before is None or before.size < kept.size:
            self._kept[log] = kept
            self.sizes[log] = kept.size

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._shared:
            yield
            return
        lock = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(self, kept: Kept) -> None:
        path = self._path(kept.log)
        draft = path.with_name(f".{path.name}.{token_hex(4)}")
        write_durably(draft, msgspec.json.encode(kept))
        self._coming[kept.log] = kept
        self._faults.reach(FaultPoint.GUARD_BEFORE_RENAME)
        os.replace(draft, path)  # noqa: PTH105 - the counterpart of os.link in key_files
        self._faults.reach(FaultPoint.GUARD_AFTER_RENAME)
        sync_directory(self._directory)

    def _path(self, log: LogName) -> Path:
        return self._directory / _name_of(log)

    def odd_file(self) -> str | None:
        """Name a file that does not hold what was kept; None if there is none.

        It reads files; call it on a thread. What is kept meanwhile is no fault.
        """
        if self._shared:
            return self._odd_shared()
        before = dict(self._kept)
        for log, kept in before.items():
            path = self._path(log)
            try:
                found = _read(path)
            except CorruptLogError:
                return path.name
            if found not in (kept, self._kept[log], self._coming.get(log)):
                return path.name
        return None

    def _odd_shared(self) -> str | None:
        # A larger one is another process's; the seal knows if it is nobody's.
        with self._alone():
            for log, kept in self._kept.items():
                try:
                    found = _read(self._path(log))
                except CorruptLogError:
                    return self._path(log).name
                if found.size <= kept.size and found != kept:
                    return self._path(log).name
        return None

    async def check(self, reader: Reader) -> None:
        """Compare every kept checkpoint with the database.

        Raises:
            RolledBackError: the database is behind, or holds other entries.
        """
        for kept in list(self._kept.values()):
            size = await reader.log_size(kept.log)
            behind = size < kept.size
            if (
                behind
                or (await log_root(reader, kept.log, kept.size)).hex() != kept.root
            ):
                path = str(self._path(kept.log))
                raise RolledBackError(kept.log, kept.size, size, path)


def put_back(directory: Path, kept: Iterable[Kept]) -> None:
    """Let the guard hold these checkpoints and no others, durably.

    Only a restore may: what has left the node before is kept in its mark meanwhile.
    """
    make_private_directory(directory)
    wanted = {_name_of(each.log): each for each in kept}
    for name, each in wanted.items():
        draft = directory / f".{name}.{token_hex(4)}"
        write_durably(draft, msgspec.json.encode(each))
        draft.replace(directory / name)
    for path in directory.glob(f"*{_SUFFIX}"):
        if path.name not in wanted:
            path.unlink()
    sync_directory(directory)


def read_kept(directory: Path) -> dict[LogName, Kept]:
    """Read the newest checkpoint of each log.

    Raises:
        CorruptLogError: a file can't be read.
    """
    files = sorted(directory.glob(f"*{_SUFFIX}"))
    return {kept.log: kept for kept in map(_read, files)}


def _read(path: Path) -> Kept:
    try:
        content = path.read_bytes()
        kept = msgspec.json.decode(content, type=Kept)
    except (OSError, ValueError):  # what is no UTF-8 included
        raise CorruptLogError(
            path.name, 0, Phrase("its guard file can't be read")
        ) from None
    if not _ROOT.fullmatch(kept.root) or path.name != _name_of(kept.log):
        raise CorruptLogError(path.name, 0, Phrase("its guard file is another's"))
    if content != msgspec.json.encode(kept):
        raise CorruptLogError(
            path.name, 0, Phrase("its guard file was written by another")
        )
    return kept


def _name_of(log: LogName) -> str:
    return f"{quote(log, safe='')}{_SUFFIX}"
