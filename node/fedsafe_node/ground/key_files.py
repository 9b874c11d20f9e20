# SPDX-License-Identifier: Apache-2.0
"""Files that hold secrets: identity keys, shares, period keys.

A secret file belongs to the node's user and nobody else can read it: mode 0600
or less, or it is refused. It appears whole or not at all, is durable when the
call returns, and is never overwritten.
"""

import os
from contextlib import suppress
from glob import escape
from pathlib import Path
from stat import S_IMODE, S_ISREG

from fedsafe_node.ground.errors import (
    KeyFileError,
    KeyFileExistsError,
    KeyFileMissingError,
    LooseKeyFileError,
)
from fedsafe_node.ground.faults import NO_FAULTS, FaultPoint, Faults
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_OTHERS = 0o077
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # never waits
MAX_SECRET_BYTES = 1 << 20


def read_secret(path: Path) -> bytes:
    """Read a secret file that only its owner can read.

    Raises:
        KeyFileMissingError: there is no such file.
        LooseKeyFileError: others could read it, or it belongs to someone else.
        KeyFileError: it is no regular file, or can't be read.
    """
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        raise KeyFileMissingError(str(path)) from None
    except OSError as error:
        raise KeyFileError(
            Phrase("key file {path}: {why}").filled(path=path, why=reason_of(error))
        ) from None
    try:
        _check_owner(path, os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as file:
            secret = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:  # the disk does not give it back
        raise KeyFileError(
            Phrase("key file {path}: {why}").filled(path=path, why=reason_of(error))
        ) from None
    finally:
        os.close(descriptor)
    if len(secret) > MAX_SECRET_BYTES:
        raise KeyFileError(Phrase("key file {path} is too large").filled(path=path))
    return secret


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not S_ISREG(status.st_mode):
        raise KeyFileError(
            Phrase("key file {path} is no regular file").filled(path=path)
        )
    if status.st_uid != os.geteuid():
        raise LooseKeyFileError(str(path), Phrase("it belongs to another user"))
    if S_IMODE(status.st_mode) & _OTHERS:
        mode = f"{S_IMODE(status.st_mode):04o}"
        raise LooseKeyFileError(
            str(path), Phrase("its mode {mode} lets others in").filled(mode=mode)
        )


def write_secret(path: Path, secret: bytes, *, faults: Faults = NO_FAULTS) -> None:
    """Write a new secret file, durable when this returns.

    Raises:
        KeyFileExistsError: the file exists; it stays as it is.
        KeyFileError: the file can't be written.
    """
    try:
        _write_whole(path, secret, faults)
    except FileExistsError:
        raise KeyFileExistsError(str(path)) from None
    except OSError as error:
        raise KeyFileError(
            Phrase("key file {path}: {why}").filled(path=path, why=reason_of(error))
        ) from None


def share_secret(path: Path, secret: bytes, *, faults: Faults = NO_FAULTS) -> bytes:
    """Write a new secret file, unless another process was faster; return what is in it.

    Raises:
        KeyFileError: the file can't be written, or that of the other not be read.
    """
    try:
        write_secret(path, secret, faults=faults)
    except KeyFileExistsError:
        found = find_secret(path)
        if found is None:
            raise KeyFileMissingError(str(path)) from None
        return found
    return secret


def find_secret(path: Path) -> bytes | None:
    """Read a secret file that another process may have made; None if there is none.

    Its name is durable when this returns: what is sealed under it must open again.

    Raises:
        KeyFileError: it is loose, no regular file, or can't be read.
    """
    try:
        secret = read_secret(path)
    except KeyFileMissingError:
        return None
    try:
        sync_directory(path.parent)
    except OSError as error:
        raise KeyFileError(
            Phrase("key file {path}: {why}").filled(path=path, why=reason_of(error))
        ) from None
    return secret


def replace_secret(path: Path, secret: bytes) -> None:
    """Put other content in the place of a secret file, and overwrite the old one.

    There is one of the two under its name at any time. What a crash leaves of the old
    one beside it, the next call for that file overwrites.

    Raises:
        KeyFileError: it cannot be written.
    """
    gone = path.with_name(f".{path.name}.gone")
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        _overwrite_left(path)
        write_durably(draft, secret)
        os.link(path, gone)
        draft.rename(path)
        sync_directory(path.parent)
        _overwrite(gone)
    except OSError as error:
        raise KeyFileError(
            Phrase("key file {path}: {why}").filled(path=path, why=reason_of(error))
        ) from None
    finally:
        draft.unlink(missing_ok=True)


def _write_whole(path: Path, secret: bytes, faults: Faults) -> None:
    make_private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    write_durably(draft, secret)
    try:
        faults.reach(FaultPoint.KEY_BEFORE_RENAME)
        os.link(draft, path)  # unlike a rename, a link never replaces a file
        faults.reach(FaultPoint.KEY_AFTER_RENAME)
    finally:
        draft.unlink()
    sync_directory(path.parent)


def destroy_secret(path: Path) -> None:
    """Overwrite and remove a secret file; nothing happens if it is gone.

    It loses its name first: after a crash no start reads what is left of it, and to
    destroy it again ends it. So are drafts of it, which a crash may have left.
    """
    with suppress(FileNotFoundError):
        path.rename(path.with_name(f".{path.name}.gone"))
        sync_directory(path.parent)
    _overwrite_left(path)


def destroy_drafts(path: Path) -> None:
    """Overwrite what a crash has left beside a secret file; that stays as it is.

    Nobody may be writing the file.
    """
    _overwrite_left(path)


def _overwrite_left(path: Path) -> None:
    for left in sorted(path.parent.glob(f".{escape(path.name)}.*")):
        if path.exists() and left.samefile(path):
            left.unlink()  # a crash came before the new one took its name
        else:
            _overwrite(left)


def _overwrite(going: Path) -> None:
    try:
        descriptor = os.open(going, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    going.unlink(missing_ok=True)
    sync_directory(going.parent)


def make_private_directory(path: Path) -> None:
    """Make a directory that only its owner can enter, if there is none."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def write_durably(path: Path, content: bytes) -> None:
    """Write a new file of mode 0600 and force it to the disk."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def sync_directory(path: Path) -> None:
    """Force the names in a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
