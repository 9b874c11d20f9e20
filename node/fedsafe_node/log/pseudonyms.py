# SPDX-License-Identifier: Apache-2.0
"""Names of staff in the audit log: a pseudonym a quarter, and who may undo it.

A pseudonym is BLAKE2b under the quarter's key over the person's name, which no other
person ever has. One key a calendar quarter (UTC) lies in `<directory>/<quarter>.key`,
outside the database. Within a quarter all acts of one person have one pseudonym;
between quarters nobody without the keys can tell that two are the same person.
Destroying a quarter's key makes its pseudonyms final: then nobody can.

Services, members and the node's own names are no people and keep their names. A
pseudonym is longer than any name may be, so nobody can be called like one.
"""

import re
from base64 import b32encode
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from threading import Lock
from typing import Final

from fedsafe_node.ground.errors import (
    KeyFileError,
    NotFoundError,
    StoreFailedError,
    WrongStateError,
)
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.key_files import (
    destroy_secret,
    find_secret,
    make_private_directory,
    read_secret,
    share_secret,
)
from fedsafe_policies.ground.catalogue import Phrase

_KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 13
_PERSON: Final = b"fedsafe-staff"
_QUARTER: Final = re.compile(r"[0-9]{4}q[1-4]")
_SUFFIX: Final = ".key"
PSEUDONYM: Final = re.compile(r"staff-([0-9]{4}q[1-4])-[a-z2-7]{21}")


def quarter_of(moment: datetime) -> str:
    """Return the quarter of a moment in UTC, such as `2026q4`."""
    return f"{moment.year:04d}q{(moment.month + 2) // 3}"


class Pseudonyms:
    """Gives pseudonyms, and finds the name behind one while its key is there.

    Guarded by `_lock`: making, finding and destroying keys. The names of people are
    learnt, never forgotten; `_given` keeps what was computed. `follow` learns which
    keys another process of the node has made or destroyed.
    """

    def __init__(
        self, directory: Path, *, tidy: bool = True, faults: Faults = NO_FAULTS
    ) -> None:
        """Read all keys of a directory; not to *tidy* it changes nothing.

        Raises:
            KeyFileError: a file is loose, unreadable or no key.
        """
        self._directory = directory
        self._faults = faults
        self._lock = Lock()
        self._names: set[str] = set()
        self._given: dict[tuple[str, str], str] = {}
        make_private_directory(directory)
        for draft in directory.glob(f".*{_SUFFIX}.*") if tidy else ():
            destroy_secret(draft)  # left by a process that died while writing
        self._keys = {
            path.stem: _read_key(path)
            for path in sorted(directory.glob(f"*{_SUFFIX}"))
            if _QUARTER.fullmatch(path.stem)
        }

    def __repr__(self) -> str:
        """Name the quarters, never a key or a person."""
        return f"Pseudonyms({', '.join(self.quarters())})"

    def quarters(self) -> list[str]:
        """Return the quarters that have a key."""
        return sorted(self._keys)

    def follow(self) -> None:
        """Know the keys that are in the directory now, and no other; it blocks.

        Raises:
            KeyFileError: a file is loose, unreadable or no key.
        """
        with self._lock:
            here = {path.stem: path for path in self._directory.glob(f"*{_SUFFIX}")}
            for quarter in self._keys.keys() - here:
                self._forget(quarter)
            for quarter in filter(_QUARTER.fullmatch, here.keys() - self._keys):
                found = find_secret(here[quarter])
                if found is not None and any(found):  # else it is being destroyed
                    self._keys[quarter] = _checked(here[quarter], found)

    def learn(self, *names: str) -> None:
        """Learn that these are names of people."""
        self._names.update(names)

    def shown(self, name: str, at: datetime) -> str:
        """Return the pseudonym of a person at a moment; another name as it is.

        Raises:
            StoreFailedError: the quarter's key can't be written.
        """
        return self.of(name, quarter_of(at)) if name in self._names else name

    def of(self, name: str, quarter: str) -> str:
        """Return a person's pseudonym in a quarter, whose key is made at first use.

        Raises:
            StoreFailedError: the key can't be written.
        """
        given = self._given.get((name, quarter))
        if given is None:
            key = self._keys.get(quarter) or self._make(quarter)
            given = self._given[name, quarter] = _pseudonym(key, name, quarter)
        return given

    def name_behind(self, pseudonym: str) -> str:
        """Return whose pseudonym this is.

        Raises:
            NotFoundError: nobody's here.
            WrongStateError: its quarter's key was destroyed.
        """
        found = PSEUDONYM.fullmatch(pseudonym)
        if found is None:
            raise NotFoundError(Phrase("no such pseudonym"))
        key = self._keys.get(found[1])
        if key is None:
            raise WrongStateError(
                "pseudonym_final",
                Phrase("the key of {period} is destroyed, or never was").filled(
                    period=found[1]
                ),
            )
        for name in sorted(self._names):
            if _pseudonym(key, name, found[1]) == pseudonym:
                return name
        raise NotFoundError(Phrase("no such pseudonym"))

    def destroy(self, quarter: str, *, present: str) -> bool:
        """Destroy a past quarter's key; False if it is gone.

        Raises:
            KeyFileError: the quarter is not over.
        """
        if quarter >= present:
            raise KeyFileError(
                Phrase("quarter {quarter} is not over").filled(quarter=quarter)
            )
        with self._lock:
            destroy_secret(self._path(quarter))
            return self._forget(quarter)

    def _forget(self, quarter: str) -> bool:
        self._given = {k: v for k, v in self._given.items() if k[1] != quarter}
        return self._keys.pop(quarter, None) is not None

    def _make(self, quarter: str) -> bytes:
        with self._lock:
            if quarter not in self._keys:
                path, key = self._path(quarter), token_bytes(_KEY_BYTES)
                try:
                    found = share_secret(path, key, faults=self._faults)
                    self._keys[quarter] = _checked(path, found)
                except KeyFileError as error:
                    raise StoreFailedError(str(error)) from None
            return self._keys[quarter]

    def _path(self, quarter: str) -> Path:
        if not _QUARTER.fullmatch(quarter):
            raise KeyFileError(
                Phrase("a quarter is like 2026q4, not {quarter}").filled(
                    quarter=repr(quarter)
                )
            )
        return self._directory / f"{quarter}{_SUFFIX}"


def _pseudonym(key: bytes, name: str, quarter: str) -> str:
    digest = blake2b(
        name.encode(), key=key, digest_size=_DIGEST_BYTES, person=_PERSON
    ).digest()
    letters = b32encode(digest).rstrip(b"=").decode().lower()
    return f"staff-{quarter}-{letters}"


def _read_key(path: Path) -> bytes:
    return _checked(path, read_secret(path))


def _checked(path: Path, key: bytes) -> bytes:
    if len(key) != _KEY_BYTES:
        raise KeyFileError(
            Phrase("key file {path} has {got} bytes, want {want}").filled(
                path=path, got=len(key), want=_KEY_BYTES
            )
        )
    return key
