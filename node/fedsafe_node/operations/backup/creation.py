# SPDX-License-Identifier: Apache-2.0
"""Makes a backup: `fedsafe backup`, of a node that runs or stands still.

The store is copied on one snapshot, which holds up no writer. The guard, the policies
and the keys are read after it, so that none of them is older. All is written under
another name first; before the backup gets its own, its digest is an event of the audit
log. What was left by a call that was killed is taken away by the next one.
"""

import errno
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from stat import S_IMODE
from typing import Final

from fedsafe_node.acts.backup import BackupNote
from fedsafe_node.audit.backup_note import said_of
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import KeyFileError, StoreFailedError
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_node.ground.key_files import sync_directory, write_durably
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.keys.identity import load_identity
from fedsafe_node.log.audit import Event
from fedsafe_node.log.engine import examine_store
from fedsafe_node.operations.backup.errors import BackupRefusedError
from fedsafe_node.operations.backup.manifest import (
    DATABASE,
    FILE,
    Manifest,
    digest_of,
    part_of,
    part_of_bytes,
)
from fedsafe_node.operations.backup.secrets import seal_keys
from fedsafe_node.operations.offline_inspect import read_own_keys, unsealing_of
from fedsafe_node.operations.stopped_node import open_trail, stopped_store
from fedsafe_node.signals.custody import load_custody
from fedsafe_node.store.address import store_at
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.reserve import free_bytes
from fedsafe_node.store.schema import VERSION
from fedsafe_node.store.sealed_files import key_of_seal
from fedsafe_node.store.sealed_parts import refuse_marked
from fedsafe_node.store.sqlite.connection import SqliteConnection
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.policy import SHIPPED
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_PAGES: Final = 512  # copied at a time, between two looks at who waits
_SPARE: Final = 1 << 20
_KEYS_BESIDE: Final = Phrase("keys go apart: name a file that lies in no backup")
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
Copied = Callable[[int, int], None]
"""Is told how many pages of the store are copied, and how many there are."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where a backup goes, and where the keys go apart; None: they do not go."""

    target: Path
    keys: Path | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made, and its name.

    `left_out` are files that node.toml names and the backup does not hold.
    """

    manifest: Manifest
    digest: str
    left_out: Sequence[str] = ()


def make_backup(  # noqa: PLR0913 - everything it needs is an argument
    place: Place,
    config: Config,
    wanted: Wanted,
    now: datetime,
    note: Callable[[BackupNote, int], None],
    *,
    copied: Copied = lambda _done, _total: None,
    faults: Faults = NO_FAULTS,
) -> Made:
    """Make a backup; *note* enters it in the audit log, and is told the store's schema.

    Raises:
        BackupRefusedError: it is not made like this, with the way out.
        KeyFileError: a key file is loose or cannot be read.
        StoreFailedError: the store cannot be read.
    """
    _check(place, config, wanted)
    try:
        with _draft(wanted.target) as draft:
            _copy_store(place, draft / DATABASE, copied)
            faults.reach(FaultPoint.BACKUP_AFTER_COPY)
            left_out = _copy_files(place, config, draft)
            keys = _keys(place, config, draft) if wanted.keys is not None else None
            manifest = _measure(draft, place, config, now, keys)
            content = manifest.encode()
            write_durably(draft / FILE, content)
            _sync(draft)
            made = Made(manifest, digest_of(content), left_out)
            faults.reach(FaultPoint.BACKUP_BEFORE_NOTE)
            request = BackupNote(digest=made.digest, keys=keys is not None)
            note(request, manifest.schema)
            faults.reach(FaultPoint.BACKUP_AFTER_NOTE)
            if wanted.keys is not None and keys is not None:
                _put_keys(wanted.keys, keys)
                faults.reach(FaultPoint.BACKUP_AFTER_KEYS)
            draft.rename(wanted.target)
            sync_directory(wanted.target.parent)
    except sqlite3.Error as error:
        raise _failed(wanted.target, str(error)) from error
    except OSError as error:
        why = reason_of(error, Phrase(type(error).__name__))
        raise _failed(wanted.target, why, is_full=error.errno in _FULL) from error
    return made


def _failed(
    target: Path, why: str | Phrase, *, is_full: bool = False
) -> BackupRefusedError:
    full = is_full or "full" in str(why)
    way = Phrase("make room there, or name another disk") if full else None
    return BackupRefusedError(
        Phrase("no backup was made at {target}: {why}").filled(target=target, why=why),
        way,
    )


def _check(place: Place, config: Config, wanted: Wanted) -> None:
    if config.store is not None:
        raise BackupRefusedError(
            Phrase(
                "this node's store is on a PostgreSQL server, which has its own backups"
            ),
            Phrase(
                "see docs/howto/postgresql.md, Backup; `fedsafe store "
                "migrate` moves a stopped node's store into its directory"
            ),
        )
    target, keys = wanted.target, wanted.keys
    _check_places(place, target, keys)
    if not place.database.is_file():
        raise BackupRefusedError(
            Phrase("{file} does not exist").filled(file=place.database),
            Phrase("has the node been made?"),
        )
    size = place.database.stat().st_size + _SPARE
    free = free_bytes(target.absolute().parent)
    if free < size:
        raise BackupRefusedError(
            Phrase("the backup needs {size} MiB, and {free} MiB are free there").filled(
                size=size >> 20, free=free >> 20
            ),
            Phrase("make room there, or name another disk"),
        )


def _check_places(place: Place, target: Path, keys: Path | None) -> None:
    paths = (target, *((keys,) if keys is not None else ()))
    for path in paths:
        if os.path.lexists(path):
            raise BackupRefusedError(
                Phrase("{path} exists already; nothing was changed").filled(path=path),
                Phrase("name a new one"),
            )
        if not path.absolute().parent.is_dir():
            raise BackupRefusedError(
                Phrase("{path} is no directory").filled(path=path.parent),
                Phrase("is the medium mounted? make the directory on it yourself"),
            )
    if keys is not None and keys.resolve().is_relative_to(target.resolve()):
        raise BackupRefusedError(
            Phrase("the keys would lie in the backup"),
            Phrase("they go apart: name another place"),
        )
    for path in paths:
        if path.resolve().is_relative_to(place.directory.resolve()):
            raise BackupRefusedError(
                Phrase("{path} lies in the node's directory").filled(path=path),
                Phrase("a backup is for when that is lost: name another disk"),
            )
        if (other := _backup_around(path)) is not None:
            raise BackupRefusedError(
                Phrase(
                    "{path} lies in the backup {other}, which would not be whole then"
                ).filled(path=path, other=other),
                Phrase("name a place beside it") if path == target else _KEYS_BESIDE,
            )


def _backup_around(path: Path) -> Path | None:
    """Find the backup in which a path lies."""
    for directory in path.resolve().parents:
        if (directory / FILE).is_file() and (directory / DATABASE).is_file():
            return directory
    return None


@contextmanager
def _draft(target: Path) -> Iterator[Path]:
    """Make the directory that becomes the backup, and take it away if it does not."""
    draft = target.with_name(f".{target.name}.part")
    draft.mkdir(mode=0o700, exist_ok=True)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    try:  # what a link leads to would be cleared
        lock = os.open(draft, flags | os.O_NOFOLLOW)
    except OSError:
        raise _not_ours(draft) from None
    try:
        status = os.fstat(lock)
        if status.st_uid != os.geteuid() or S_IMODE(status.st_mode) & 0o077:
            raise _not_ours(draft)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefusedError(
                Phrase("another `fedsafe backup` writes {target}").filled(
                    target=target
                ),
                Phrase("wait for it"),
            ) from None
        _clear(draft)  # left by one that was killed
        try:
            yield draft
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    finally:
        os.close(lock)


def _not_ours(draft: Path) -> BackupRefusedError:
    return BackupRefusedError(
        Phrase("{draft} was not made by `fedsafe backup` for this user").filled(
            draft=draft
        ),
        Phrase("look at what it is, and take it away or name another backup"),
    )


def _clear(draft: Path) -> None:
    for path in draft.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _copy_store(place: Place, copy: Path, copied: Copied) -> None:
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    url = f"{place.database.absolute().as_uri()}?mode=ro"
    try:
        key = key_of_seal(place)
        if key is not None:
            with closing(SqliteConnection.to_read(place.database)) as looking:
                refuse_marked(looking, key)
        source = sqlite3.connect(url, uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise StoreFailedError(str(error)) from error
    with closing(source), closing(sqlite3.connect(copy)) as target:
        # One snapshot from the first page to the last: a writer starts nothing anew.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        source.backup(
            target,
            pages=_PAGES,
            progress=lambda _status, left, total: copied(total - left, total),
            sleep=0,
        )
        source.execute("COMMIT")
        target.execute("PRAGMA journal_mode = DELETE")  # no file beside it


def _copy_files(place: Place, config: Config, draft: Path) -> list[str]:
    """Copy all but store and keys; return what node.toml names and is not here.

    A password goes with the keys, or not at all.
    """
    left_out = [name for name in _passwords(config) if not _is_key(place, name)]
    for name in _named(config):
        if _is_key(place, name):
            raise BackupRefusedError(
                Phrase("node.toml names {path}, which lies among the keys").filled(
                    path=place.directory / name
                ),
                Phrase("keys go apart: name a file that is none"),
            )
        inside = _inside(place, name)
        if inside is not None and (place.directory / inside).is_file():
            _copy(place.directory / inside, draft / inside)
        else:
            left_out.append(name)
    for path in (
        place.config,
        place.witness_policy,
        place.additions_policy,
        place.outside_sealed,
        place.outside_turn,
    ):
        if path.is_file():
            _copy(path, draft / path.name)
    for directory in (place.guard, place.policies):
        for path in sorted(directory.glob("*")) if directory.is_dir() else ():
            is_own = path.is_file() and not path.is_symlink()
            if is_own and not path.name.startswith("."):
                _copy(path, draft / directory.name / path.name)
    return left_out


def _named(config: Config) -> list[str]:
    """Name the files without which the node does not start."""
    own = None if config.policy in SHIPPED else config.policy
    named = (
        *(config.custody_key, own, config.calendar, config.do_not_share),
        config.minimisation,
        config.help,
    )
    return list(dict.fromkeys(name for name in named if name is not None))


def _passwords(config: Config) -> list[str]:
    named = (
        None if config.mail is None else config.mail.password_file,
        None if config.phone is None else config.phone.secret_file,
    )
    return [name for name in named if name is not None]


def _is_key(place: Place, name: str) -> bool:
    path = (place.directory / name).resolve()
    return path.is_relative_to(place.keys.resolve())


def _inside(place: Place, name: str) -> str | None:
    """Give a file's name below the node's directory, by which a copy finds it."""
    path = Path(os.path.relpath(place.directory / name, place.directory))
    return None if os.pardir in path.parts else str(path)


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        return  # node.toml names it as well
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(target, source.read_bytes())


def _keys(place: Place, config: Config, draft: Path) -> bytes:
    custody = load_custody(place, config)
    known = read_own_keys(place, draft / DATABASE, config.name)
    keys = load_identity(place, known[-1] if known else None)
    return seal_keys(place, config.name, custody.public, keys.statement)


def _measure(
    draft: Path, place: Place, config: Config, now: datetime, keys: bytes | None
) -> Manifest:
    async def query(reader: Reader) -> dict[str, int]:
        return {log: await reader.log_size(log) for log in await reader.logs()}

    where = store_at(draft / DATABASE, None)
    logs = examine_store(where, query, unsealing_of(place.periods))
    with closing(SqliteConnection.to_read(draft / DATABASE)) as copy:
        schema = copy.version()
    files = sorted(path for path in draft.rglob("*") if path.is_file())
    manifest = Manifest(
        format=1,
        node=config.name,
        at=now.isoformat(timespec="seconds"),
        program=version("fedsafe"),
        schema=schema,
        logs=logs,
        files={str(path.relative_to(draft)): part_of(path) for path in files},
        keys=part_of_bytes(keys) if keys is not None else None,
    )
    key = key_of_seal(place)
    return manifest if key is None else manifest.sealed(key)


def _sync(draft: Path) -> None:
    for path in draft.rglob("*"):
        if path.is_dir():
            sync_directory(path)
        else:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    sync_directory(draft)


def _put_keys(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.part")
    draft.unlink(missing_ok=True)
    try:
        write_durably(draft, content)
        os.link(draft, path)  # unlike a rename, a link never replaces a file
    except FileExistsError:
        raise BackupRefusedError(
            Phrase("{path} exists already").filled(path=path), Phrase("name a new one")
        ) from None
    except OSError as error:
        raise KeyFileError(
            Phrase("{path}: {why}").filled(path=path, why=reason_of(error))
        ) from None
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.absolute().parent)


async def note_stopped(
    place: Place, config: Config, clock: Clock, request: BackupNote, *, schema: int
) -> None:
    """Enter a backup of a node that stands still.

    Raises:
        BackupRefusedError: *schema*, the store's, is older than this program's.
        StoreBusyError: it was started meanwhile.
        NodeError: the store does not open.
    """
    if schema != VERSION:  # to enter it would bring the store up to date as well
        raise BackupRefusedError(
            Phrase(
                "the stopped node's store has schema {schema}, this program {known}"
            ).filled(schema=schema, known=VERSION),
            Phrase(
                "back up with the program that ran the node last, or while "
                "the node runs"
            ),
        )
    async with stopped_store(place, config, clock) as store:
        trail = await open_trail(place, config.name, store)
        entry = trail.entry(
            Event.BACKUP_MADE,
            at=clock.now(),
            actor=LOCAL.name,
            detail=said_of(request),
        )

        async def act(tx: Transaction) -> None:
            await tx.append(trail.log, entry.record, entry.openings)

        await store.write(act)
