# SPDX-License-Identifier: Apache-2.0
"""Openings at rest: sealed under period keys that lie outside the database.

One key a calendar month (UTC), in `<directory>/<period>.key`. An opening is sealed
as XChaCha20-Poly1305(key, salt32 ‖ payload) with its place as associated data:
lp(log origin) ‖ index(8) ‖ lp(group) ‖ lp(period), so it can't be moved. Destroying
a period's key erases all of its openings at once, old pages and backups of the
database included.
"""

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from secrets import token_bytes
from threading import Lock

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.commitment import (
    SALT_BYTES,
    begin_commitment,
    commit_begun,
)
from fedsafe_crypto.primitives.framing import lp, lp_text
from fedsafe_crypto.seal.secretbox import KEY_BYTES, decrypt, encrypt, opener
from fedsafe_node.ground.errors import (
    CorruptLogError,
    CorruptRowError,
    KeyFileError,
    LogError,
)
from fedsafe_node.ground.faults import NO_FAULTS, Faults
from fedsafe_node.ground.key_files import (
    destroy_secret,
    find_secret,
    make_private_directory,
    read_secret,
    share_secret,
)
from fedsafe_node.store.rows import (
    Committed,
    EventPart,
    LogName,
    Opening,
    RawOpening,
    SealedOpening,
)
from fedsafe_policies.ground.catalogue import Phrase

_PERIOD = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_SUFFIX = ".key"
_INDEX = b"fedsafe-events"
_put_index = struct.Struct(">Q").pack_into
_framed = lru_cache(maxsize=1024)(lp_text)  # few names, met again at every append


def period_of(moment: datetime) -> str:
    """Return the period of a moment in UTC, such as `2026-11`."""
    return _period(moment.year, moment.month)


@lru_cache(maxsize=64)
def _period(year: int, month: int) -> str:
    return f"{year:04d}-{month:02d}"


class PeriodKeys:
    """The keys of all periods; a key is made when its period is first used.

    All keys are read when this is made, so using one never reads a disk, and only
    the first seal of a month writes one. Where the directory is *shared* with other
    processes of the node, a key that is not known is looked for on the disk, and
    `follow` lets go of those that another one has destroyed. Guarded by `_lock`:
    making, finding and destroying.
    """

    def __init__(
        self,
        directory: Path,
        *,
        tidy: bool = True,
        shared: bool = False,
        faults: Faults = NO_FAULTS,
    ) -> None:
        """Read all period keys of a directory; not to *tidy* it changes nothing.

        Raises:
            KeyFileError: a file is loose, unreadable or no key.
        """
        self._directory = directory
        self._shared = shared
        self._faults = faults
        self._lock = Lock()
        if tidy:
            make_private_directory(directory)
            for draft in directory.glob(f".*{_SUFFIX}.*"):
                destroy_secret(draft)  # left by a process that died while writing
        self._keys = {
            path.stem: _read_key(path)
            for path in sorted(directory.glob(f"*{_SUFFIX}"))
            if _PERIOD.fullmatch(path.stem)
        }

    def __repr__(self) -> str:
        """Name the periods, never a key."""
        return f"PeriodKeys({', '.join(sorted(self._keys))})"

    def periods(self) -> list[str]:
        """Return the periods that have a key."""
        return sorted(self._keys)

    def follow(self) -> None:
        """Know the keys that are in the directory now, and no other; it blocks.

        Raises:
            KeyFileError: a file is loose, unreadable or no key.
        """
        with self._lock:
            here = {path.stem for path in self._directory.glob(f"*{_SUFFIX}")}
            for period in self._keys.keys() - here:
                del self._keys[period]
        for period in here - self._keys.keys():
            self._find(period)

    def seal(self, period: str, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt under a period's key, made if this is its first use.

        Raises:
            KeyFileError: the key can't be written.
        """
        key = self._keys.get(period) or self._make(period)
        return encrypt(key, plaintext, aad)

    def unseal(self, period: str, sealed: bytes, aad: bytes) -> bytes | None:
        """Decrypt; None if the period's key was destroyed.

        Raises:
            OpenError: it was sealed under another key or for another place.
        """
        key = self._key(period)
        return None if key is None else decrypt(key, sealed, aad)

    def opener(
        self, period: str, aad: bytearray, before: bytes
    ) -> Callable[[bytes], memoryview] | None:
        """Return what opens boxes of a period; None if its key was destroyed."""
        key = self._key(period)
        return None if key is None else opener(key, aad, before)

    def index_key(self, period: str) -> bytes | None:
        """Return what the index of events hashes names under; None if it is destroyed.

        It tells nothing of the period's key (keyed BLAKE2b, RFC 7693).
        """
        key = self._key(period)
        return None if key is None else blake2b(key=key, person=_INDEX).digest()

    def destroy(self, period: str, *, present: str) -> bool:
        """Destroy a past period's key and all that it sealed; False if it is gone.

        Raises:
            KeyFileError: the period is not over.
        """
        if period >= present:
            raise KeyFileError(
                Phrase("period {period} is not over").filled(period=period)
            )
        if self._key(period) is None:
            return False
        with self._lock:
            destroy_secret(self._path(period))
            return self._keys.pop(period, None) is not None

    def _make(self, period: str) -> bytes:
        with self._lock:
            if period not in self._keys:
                path, key = self._path(period), token_bytes(KEY_BYTES)
                found = share_secret(path, key, faults=self._faults)
                self._keys[period] = _checked(path, found)
            return self._keys[period]

    def _key(self, period: str) -> bytes | None:
        key = self._keys.get(period)
        if key is not None or not self._shared:
            return key
        return self._find(period)

    def _find(self, period: str) -> bytes | None:
        if not _PERIOD.fullmatch(period):
            return None
        path = self._path(period)
        with self._lock:
            found = find_secret(path)
            if found is None or not any(found):  # it is being destroyed
                return None
            self._keys[period] = _checked(path, found)
        return found

    def _path(self, period: str) -> Path:
        if not _PERIOD.fullmatch(period):
            raise KeyFileError(
                Phrase("a period is year and month, not {period}").filled(
                    period=repr(period)
                )
            )
        return self._directory / f"{period}{_SUFFIX}"


def _read_key(path: Path) -> bytes:
    return _checked(path, read_secret(path))


def _checked(path: Path, key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            Phrase("key file {path} has {got} bytes, want {want}").filled(
                path=path, got=len(key), want=KEY_BYTES
            )
        )
    return key


def seal_opening(
    keys: PeriodKeys, period: str, log: LogName, index: int, opening: Opening
) -> bytes:
    """Seal an opening for its place in a log.

    Raises:
        LogError: its salt has not 32 bytes.
    """
    if len(opening.salt) != SALT_BYTES:
        raise LogError(f"an opening's salt has {SALT_BYTES} bytes")
    place = _place(log, index, opening.group, period)
    return keys.seal(period, opening.salt + opening.payload, place)


def unseal_opening(
    keys: PeriodKeys, log: LogName, row: SealedOpening
) -> Opening | None:
    """Open a sealed opening; None if it is erased or its period's key destroyed.

    Raises:
        CorruptLogError: it is not what was sealed for this place.
    """
    if row.sealed is None:
        return None
    place = _place(log, row.index, row.group, row.period)
    try:
        plaintext = keys.unseal(row.period, row.sealed, place)
    except OpenError:
        reason = Phrase("the opening of {group} does not open").filled(
            group=repr(row.group)
        )
        raise CorruptLogError(log, row.index, reason) from None
    if plaintext is None:
        return None
    return Opening(
        group=row.group, salt=plaintext[:SALT_BYTES], payload=plaintext[SALT_BYTES:]
    )


def commitments_to(
    keys: PeriodKeys, log: LogName, rows: Iterable[RawOpening]
) -> Iterator[Committed]:
    """Open one after the other, and tell what they commit to.

    It makes no `Opening` of what it opens: all of a log are wanted to verify it.

    Raises:
        CorruptLogError: one is not what was sealed for its place.
    """
    kinds: dict[str, _Kinds] = {}
    for index, group, period, sealed in rows:
        if period not in kinds:
            # To open into what a commitment begins with copies nothing.
            kinds[period] = _Kinds(
                keys, log, period, lambda group: begin_commitment(log, group)
            )
        open_at = kinds[period][group]
        if sealed is None or open_at is None:
            yield index, group, None
        else:
            yield index, group, commit_begun(open_at(index, sealed))


def payloads_of(
    keys: PeriodKeys, log: LogName, rows: Iterable[RawOpening]
) -> Iterator[tuple[int, str, str, bytes]]:
    """Open one after the other: index, group, period and payload of what is there.

    Raises:
        CorruptLogError: one is not what was sealed for its place.
    """
    kinds: dict[str, _Kinds] = {}
    for index, group, period, sealed in rows:
        if period not in kinds:
            kinds[period] = _Kinds(keys, log, period, lambda _: b"")
        open_at = kinds[period][group]
        if sealed is not None and open_at is not None:
            yield index, group, period, bytes(open_at(index, sealed)[SALT_BYTES:])


def seal_part(keys: PeriodKeys, log: LogName, part: EventPart) -> EventPart:
    """Seal a part of the index of events for its place, under the key of its month."""
    sealed = keys.seal(part.period, part.content, _part_place(log, part))
    return EventPart(
        part=part.part, chunk=part.chunk, period=part.period, content=sealed
    )


def unseal_part(keys: PeriodKeys, log: LogName, part: EventPart) -> bytes | None:
    """Open a part of the index of events; None if its month's key is destroyed.

    Raises:
        CorruptRowError: it is not what was sealed for this place.
    """
    try:
        return keys.unseal(part.period, part.content, _part_place(log, part))
    except OpenError:
        name = f"{part.part} of chunk {part.chunk}"
        reason = Phrase("it is not what was sealed for this place")
        raise CorruptRowError("event_chunks", None, name, reason) from None


def _part_place(log: LogName, part: EventPart) -> bytes:
    place = _framed(log) + _framed(part.part) + _framed(part.period)
    return lp(_INDEX) + place + part.chunk.to_bytes(8)


_OpenAt = Callable[[int, bytes], memoryview]


class _Kinds(dict[str, _OpenAt | None]):
    """What opens the openings of a log and period, made for each group once.

    It opens into one piece of memory, behind the bytes that the group begins with, and
    gives both until the next one is opened.
    """

    def __init__(
        self,
        keys: PeriodKeys,
        log: LogName,
        period: str,
        begin: Callable[[str], bytes],
    ) -> None:
        super().__init__()
        self._keys = keys
        self._log = log
        self._period = period
        self._begin = begin

    def __missing__(self, group: str) -> _OpenAt | None:
        self[group] = found = self._make(group)
        return found

    def _make(self, group: str) -> _OpenAt | None:
        log, at = self._log, len(_framed(self._log))
        # One place, in which only the index changes, and one piece of memory to open
        # into and to hash: a million openings are not copied from piece to piece.
        place = bytearray(_place(log, 0, group, self._period))
        begun = self._begin(group)
        unseal = self._keys.opener(self._period, place, begun)
        if unseal is None:
            return None
        shortest = len(begun) + SALT_BYTES

        def open_at(index: int, sealed: bytes) -> memoryview:
            try:
                _put_index(place, at, index)
                opened = unseal(sealed)
            except (OpenError, struct.error):
                opened = memoryview(b"")
            if len(opened) < shortest:
                reason = Phrase("the opening of {group} does not open").filled(
                    group=repr(group)
                )
                raise CorruptLogError(log, index, reason)
            return opened

        return open_at


@lru_cache(maxsize=1024)
def _ending(group: str, period: str) -> bytes:
    return _framed(group) + _framed(period)


def _place(log: LogName, index: int, group: str, period: str) -> bytes:
    return _framed(log) + index.to_bytes(8) + _ending(group, period)
