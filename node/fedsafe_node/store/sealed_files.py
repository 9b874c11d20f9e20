# SPDX-License-Identifier: Apache-2.0
"""The key files that the seal vouches for, and the key of the seal itself.

`keys/seal.key` lies outside the database, like every key. It is called `seal-new.key`
until the first seal is durable: so a database without a seal beside a `seal.key` is
one whose seal was taken away, and never one that was not sealed yet.

All files below `keys/` are covered but these:

* `seal-new.key`, which is renamed as soon as there is a seal;
* `founding-*.key` and `renewal-*.key`: the state of a ceremony, which ends if it does
  not fit, and is destroyed when it ends.

A file that appears is sealed within the next commits. One that goes is a fault, unless
a row of `effects` says that it was to be destroyed: a month's or a quarter's key, or
one of an epoch or a generation that is over, or own keys that others have followed.
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.primitives.multiset import KEY_BYTES
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import (
    KeyFileError,
    KeyFileExistsError,
    KeyFileMissingError,
    OutsideKeyError,
)
from fedsafe_node.ground.key_files import read_secret, share_secret, sync_directory
from fedsafe_node.ground.outside_key import read_key_file
from fedsafe_node.store.sealed_parts import SealKey
from fedsafe_policies.ground.catalogue import Phrase

_KEY: Final = "seal.key"
_NEW: Final = "seal-new.key"
_CEREMONIES: Final = ("founding-", "renewal-")


class SealedFiles:
    """Reads the key files below a directory (`store.seal_check.Surroundings`).

    Owned by whoever seals: `_directories`, `_stamp`, when they last changed, and
    `_told`, what was in them.
    """

    def __init__(
        self,
        place: Place,
        marks: Mapping[str, int],
        refresh: Callable[[], None] = lambda: None,
    ) -> None:
        """Read the key of the seal, or make one, which is kept with the first seal.

        The directory is there.

        *marks* tells how far the guard has come, by log, whenever it is read; *refresh*
        learns how far other processes have brought it, before that is compared.

        Raises:
            KeyFileError: it is loose, unreadable or no key.
        """
        self._place = place
        self._keys = place.keys
        self._marks = marks
        self._refresh = refresh
        self._stamp: list[int] = []
        self._told: Mapping[str, bytes] = {}
        self._directories: list[str] = []
        secret = _read(place.keys / _KEY)
        self.was_sealed = secret is not None
        self._secret = secret or _read(place.keys / _NEW) or token_bytes(KEY_BYTES)
        self.key = SealKey(self._secret)

    def begin_sealing(self) -> None:
        """Keep the key before the first seal is written.

        Raises:
            KeyFileExistsError: another process has kept another one meanwhile.
            KeyFileError: it cannot be written.
        """
        if self.was_sealed:
            return
        path = self._keys / _NEW
        if share_secret(path, self._secret) != self._secret:
            raise KeyFileExistsError(str(path))

    def end_sealing(self) -> None:
        """Remember that there is a seal."""
        if not self.was_sealed:
            (self._keys / _NEW).rename(self._keys / _KEY)
            sync_directory(self._keys)
            self.was_sealed = True

    def marks(self) -> Mapping[str, int]:
        """Return how far the rollback guard has come, by log."""
        return self._marks

    def digests(self) -> dict[str, bytes]:
        """Return the digest of each key file, by its name below `keys/`.

        It is empty for one that is loose or cannot be read. From then on the guard's
        marks are those of all processes.

        Raises:
            OutsideKeyError: one is wrapped, and the outside key is missing.
        """
        self._refresh()
        return {name: self._digest(name) for name in _names(self._keys)}

    def news(
        self, sealed: Mapping[str, bytes], destroyed: Callable[[], Collection[str]]
    ) -> Mapping[str, bytes] | None:
        """Return the digests with files that came or went; None if none has.

        What a file held when it was sealed stays what is wanted of it.
        """
        stamp = [os.stat(each).st_mtime_ns for each in self._directories]  # noqa: PTH116 - in every commit
        if stamp and stamp == self._stamp and sealed == self._told:
            return None  # what was told and not committed is told again
        self._directories = list(_directories(self._keys))
        self._stamp = [os.stat(each).st_mtime_ns for each in self._directories]  # noqa: PTH116
        here = set(_names(self._keys))
        gone = set(destroyed()) - here
        kept = {name: digest for name, digest in sealed.items() if name not in gone}
        self._told = kept | {name: self._digest(name) for name in here - kept.keys()}
        return self._told

    def _digest(self, name: str) -> bytes:
        # Of what is wrapped counts what is in it: another outside key is no change.
        try:
            content = read_key_file(self._place, self._keys / name)
            return self.key.file_digest(name, content)
        except OutsideKeyError:
            raise  # nothing is known of the file
        except KeyFileError:
            return b""


def key_names(keys: Path) -> Iterator[str]:
    """Name the key files that the seal covers, as paths below `keys/`."""
    return _names(keys)


def key_of_seal(place: Place) -> SealKey | None:
    """Read the key of the seal that a directory's node has, or was to have.

    Raises:
        KeyFileError: it is loose, unreadable or no key.
    """
    secret = _read(place.keys / _KEY) or _read(place.keys / _NEW)
    return None if secret is None else SealKey(secret)


def _read(path: Path) -> bytes | None:
    try:
        secret = read_secret(path)
    except KeyFileMissingError:
        return None
    if len(secret) != KEY_BYTES:
        raise KeyFileError(
            Phrase("key file {path} holds no such key").filled(path=path)
        )
    return secret


def _directories(keys: Path) -> Iterator[str]:
    yield str(keys)
    with os.scandir(keys) as found:
        yield from sorted(each.path for each in found if each.is_dir())


def _names(keys: Path) -> Iterator[str]:
    for directory in _directories(keys):
        with os.scandir(directory) as found:
            names = [each.name for each in found if each.is_file()]
        for name in names:
            if not name.startswith((".", *_CEREMONIES)) and name != _NEW:
                yield str(Path(directory, name).relative_to(keys))
