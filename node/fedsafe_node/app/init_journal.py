# SPDX-License-Identifier: Apache-2.0
"""An attempt to make a node: what it has made, so that the next can begin anew.

`node.making` is the first file in the directory, and goes when `node.toml` is there. It
says what was made outside of the directory, and is locked by whoever makes the node. An
attempt that was killed leaves it: the next one takes away what is there, and nothing
that the killed one has not made. So:

* it is written once directory and outside are known to be empty of such files;
* a private custody key goes only if its public half is the one in the directory;
* a store on a server goes only if its seal opens with the key in the directory.
"""

import base64
import binascii
import fcntl
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import ConfigError, KeyFileError, StoreError
from fedsafe_node.ground.key_files import (
    destroy_secret,
    make_private_directory,
    read_secret,
    sync_directory,
    write_durably,
)
from fedsafe_node.store.address import Server, driver_needed, store_at
from fedsafe_node.store.sealed_files import key_of_seal
from fedsafe_policies.ground.catalogue import Phrase

_DRAFT: Final = "." + "[0-9a-f]" * 8  # what `key_files` adds to a draft


class _Made(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an attempt makes outside of its directory; `store` is on a server."""

    custody: str
    credentials: list[str]
    store: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be made, and where."""

    place: Place
    config: Config
    custody_private: Path
    credentials: tuple[Path, ...]
    owner_url: str | None

    def server(self) -> Server | None:
        """Say which server the store is to be on. It blocks."""
        found = store_at(self.place.database, self.config.store, self.owner_url)
        return found if isinstance(found, Server) else None


class Attempt:
    """The one attempt that is under way in a directory. All of it blocks.

    Owned by whoever makes the node: the lock, and whether anything may have been made.
    """

    def __init__(self, plan: Plan) -> None:
        """Begin, and take away what a killed attempt has left.

        Raises:
            ConfigError: the directory holds something else, or somebody makes a node
                there.
            StoreError: what was left on a server cannot be taken away now.
        """
        self._plan = plan
        self._has_begun = False
        directory = plan.place.directory
        self._was_there = directory.exists()
        if self._was_there and not directory.is_dir():
            raise ConfigError(directory, Phrase("a new node needs an empty directory"))
        make_private_directory(directory)
        self._lock = _locked(plan.place)
        try:
            self._look()
        except BaseException:
            os.close(self._lock)
            raise

    def _look(self) -> None:
        place = self._plan.place
        left = _read(self._lock)
        if place.config.exists() or (left is None and _others(place)):
            if left is None:  # no attempt has made anything here
                place.making.unlink()
            raise ConfigError(
                place.directory, Phrase("a new node needs an empty directory")
            )
        if left is not None:
            self._take_away(left)
            os.ftruncate(self._lock, 0)

    def begin(self) -> None:
        """Remember what is to be made; from here on files are this attempt's.

        Raises:
            ConfigError: a file exists that is to be made.
        """
        plan = self._plan
        for path in (plan.custody_private, *plan.credentials):
            if path.exists():
                raise ConfigError(path, Phrase("exists already"))
        plan.place.directory.chmod(0o700)
        made = _Made(
            str(plan.custody_private.absolute()),
            [str(path.absolute()) for path in plan.credentials],
            _address(plan.config),
        )
        os.pwrite(self._lock, msgspec.json.encode(made), 0)
        os.fsync(self._lock)
        sync_directory(plan.place.directory)
        self._has_begun = True

    def finish(self, text: bytes) -> None:
        """Make it a node: from here on the directory is one."""
        place = self._plan.place
        draft = place.config.with_name(f".{place.config.name}.{os.urandom(4).hex()}")
        write_durably(draft, text)
        draft.rename(place.config)
        sync_directory(place.directory)
        place.making.unlink()

    def take_back(self) -> None:
        """Take away what was made; where a server does not let it, the next one does.

        Nothing is raised: what made it fail is what is to be told.
        """
        place = self._plan.place
        with suppress(ConfigError, StoreError, OSError):
            if self._has_begun:
                made = _read(self._lock)
                if made is not None:
                    self._take_away(made)
            place.making.unlink()
            if not self._was_there:
                place.directory.rmdir()

    def close(self) -> None:
        """Let others make a node here."""
        os.close(self._lock)

    def _take_away(self, made: _Made) -> None:
        place = self._plan.place
        key = key_of_seal(place)
        if made.store is not None and key is not None:
            server = self._plan.server()
            if server is None or made.store != _address(self._plan.config):
                raise ConfigError(
                    place.directory,
                    Phrase(
                        "a node was begun here and not finished, whose tables are "
                        "at {store}: name that as its store to begin anew"
                    ).filled(store=made.store),
                )
            with driver_needed():
                from fedsafe_node.store.postgresql.table_removal import (  # noqa: PLC0415
                    discard_store,
                )
            discard_store(server, key)
        _remove_private(Path(made.custody), _public_in(self._plan))
        for path in map(Path, made.credentials):
            for each in (path, *_drafts(path)):
                destroy_secret(each)
        for path in _others(place):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def _locked(place: Place) -> int:
    lock = os.open(place.making, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(lock).st_ino != place.making.stat().st_ino:  # it was taken away
            raise BlockingIOError
    except OSError:
        os.close(lock)
        why = Phrase("somebody makes a node here at this moment")
        raise ConfigError(place.directory, why) from None
    return lock


def _read(lock: int) -> _Made | None:
    """Read what was made; None if nothing was, for then it was not written whole."""
    try:
        return msgspec.json.decode(os.pread(lock, 1 << 20, 0), type=_Made)
    except msgspec.MsgspecError:
        return None


def _others(place: Place) -> list[Path]:
    return [path for path in place.directory.iterdir() if path != place.making]


def _address(config: Config) -> str | None:
    return None if config.store is None else config.store.url


def _public_in(plan: Plan) -> bytes | None:
    path = plan.place.directory / plan.config.custody_key
    try:
        return base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error):
        return None


def _remove_private(path: Path, public: bytes | None) -> None:
    """Remove a private key, and drafts of it, if this is its public half."""
    for each in (path, *_drafts(path)):
        try:
            secret = read_secret(each)
            is_ours = RecipientKey.from_bytes(secret).public == public
        except KeyFileError:
            continue
        except CryptoError:  # half a draft
            is_ours = each != path
        if is_ours:
            destroy_secret(each)


def _drafts(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f".{path.name}{_DRAFT}"))
