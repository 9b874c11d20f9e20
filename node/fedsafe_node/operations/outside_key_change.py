# SPDX-License-Identifier: Apache-2.0
"""Give a stopped node an outside key, another one, or none; get a lost one back.

What happens is an audit event before the first file changes. Each step can be cut off:
the directory opens then with the key that it had or with the one that it was to get,
and the same command ends what was begun. For a wrapped file says under which key it
lies; `own.key`, which says that a node wraps, is wrapped last and unwrapped first; and
while one key follows another, either opens what lies under the other (`outside.turn`).

The key is also sealed to the custody key, whose private half lies outside the directory
as well: whoever holds that gets a lost key back, and nobody else does.
"""

import asyncio
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.seal.hpke import RecipientKey, open_sealed, seal
from fedsafe_crypto.seal.secretbox import KEY_BYTES
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place, load_config, parse_config
from fedsafe_node.ground.errors import (
    KeyFileMissingError,
    OutsideKeyError,
    OutsideKeyMissingError,
)
from fedsafe_node.ground.key_files import (
    read_secret,
    replace_secret,
    share_secret,
    sync_directory,
    write_durably,
)
from fedsafe_node.ground.outside_key import (
    OutsideKey,
    begin_turn,
    check_outside,
    companion,
    end_turn,
    find_outside_key,
    outside_path,
    read_outside_key,
    unwrapped,
    wrappable,
    wrapped_under,
)
from fedsafe_node.ground.principal import LOCAL
from fedsafe_node.log.audit import Event
from fedsafe_node.operations.stopped_node import open_trail, stopped_store
from fedsafe_node.signals.custody import load_custody
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_INFO: Final = b"fedsafe/v1/outside key"
_LINE: Final = re.compile(r"^outside_key\s*=.*\n?", re.MULTILINE)


@unique
class Change(StrEnum):
    """What became of the outside key."""

    MADE = "made"
    ROTATED = "rotated"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class KeyState:
    """Where the outside key lies, its name, and which key files it wraps."""

    path: Path | None
    name: str | None
    wrapped: Sequence[str]
    plain: Sequence[str]
    others: Sequence[str]


def state_of(place: Place) -> KeyState:
    """Tell how the key files of a directory lie; it needs no key but tells its name.

    Raises:
        OutsideKeyError: what is named is missing, loose, no key, or lies inside.
        KeyFileError: a key file is loose or cannot be read.
        ConfigError: `node.toml` does not fit.
    """
    path, key = outside_path(place), find_outside_key(place)
    found = {each.name: wrapped_under(read_secret(each)) for each in wrappable(place)}
    name = None if key is None else key.name
    return KeyState(
        path,
        name,
        [file for file, under in found.items() if under is not None and under == name],
        [file for file, under in found.items() if under is None],
        [file for file, under in found.items() if under not in (None, name)],
    )


async def make_key(
    place: Place, config: Config, clock: Clock, path: Path | None
) -> KeyState:
    """Wrap the key files under the key at *path*, which is made if it is not there.

    Without a path the key is the credential that systemd gives.

    Raises:
        OutsideKeyError: there is another key, none is given, or the path lies inside.
        NodeError: the node runs, or its store does not open.
    """
    key = await asyncio.to_thread(_first_key, place, path)
    await asyncio.to_thread(_name, place, path)
    async with stopped_store(place, config, clock) as store:
        await _note(place, config, clock, store, Change.MADE, key.name)
        await asyncio.to_thread(_wrap_all, place, config, key, path)
    return await asyncio.to_thread(_finished, place, key)


async def rotate_key(
    place: Place, config: Config, clock: Clock, path: Path
) -> KeyState:
    """Wrap the key files under another key, at a *path* where none is or a new one is.

    Raises:
        OutsideKeyError: there is no key yet, it is the same one, or the path lies
            inside.
        NodeError: the node runs, or its store does not open.
    """

    def keys() -> tuple[OutsideKey, OutsideKey, bytes, bool]:
        old = find_outside_key(place)
        if old is None:
            raise OutsideKeyError(
                Phrase("this node has no outside key"),
                Phrase("give it one with `fedsafe node outside-key new`"),
            )
        new = _made(place, path)
        if new.name == old.name and place.outside_turn.exists():
            return old, new, b"", True  # all but the end was done
        if new.name == old.name:
            raise OutsideKeyError(
                Phrase("the key {path} is the one in use").filled(path=path),
                Phrase("name a path for a new one"),
            )
        under = {wrapped_under(read_secret(each)) for each in wrappable(place)}
        is_begun = new.name in under
        return old, new, _secret_of(place, None), is_begun

    old, new, former, is_begun = await asyncio.to_thread(keys)

    def wrap() -> None:
        if new.name != old.name:
            begin_turn(place, former, _secret_of(place, path))
        _wrap_all(place, config, new, path)

    async with stopped_store(place, config, clock) as store:
        if not is_begun:  # else it was cut off, and is in the audit log
            await _note(place, config, clock, store, Change.ROTATED, new.name)
        await asyncio.to_thread(wrap)
    return await asyncio.to_thread(_name_rotated, place, path, new)


def _name_rotated(place: Place, path: Path, key: OutsideKey) -> KeyState:
    is_named = load_config(place).outside_key is not None
    if is_named:
        _name(place, path)
    state = _finished(place, key)
    if is_named:
        return state
    # A credential is what systemd gives the next time.
    return KeyState(path, key.name, [each.name for each in wrappable(place)], [], [])


async def remove_key(place: Place, config: Config, clock: Clock) -> KeyState:
    """Let the key files lie as they are without an outside key.

    Raises:
        OutsideKeyError: there is none.
        NodeError: the node runs, or its store does not open.
    """
    key = await asyncio.to_thread(find_outside_key, place)
    if key is None:
        raise OutsideKeyError(Phrase("this node has no outside key"))
    async with stopped_store(place, config, clock) as store:
        await _note(place, config, clock, store, Change.REMOVED, key.name)

        def unwrap() -> None:
            for path in reversed(wrappable(place)):
                content = read_secret(path)
                if wrapped_under(content) is not None:
                    plain = unwrapped(place, key, path.name, content)
                    replace_secret(path, plain)
            end_turn(place, key)
            _forget_pictures(place)
            place.outside_sealed.unlink(missing_ok=True)
            _name(place, None)

        await asyncio.to_thread(unwrap)
    return await asyncio.to_thread(_finished, place, key)


def recover_key(
    place: Place, config: Config, path: Path, custody: RecipientKey
) -> KeyState:
    """Put the lost outside key at a new *path*, with the private custody key.

    Raises:
        OutsideKeyError: none is sealed here, to another custody key, or the path lies
            inside.
        KeyFileError: the file is there already, or cannot be written.
    """
    check_outside(place, path)
    try:
        sealed = read_secret(place.outside_sealed)
    except KeyFileMissingError:
        raise OutsideKeyError(
            Phrase("{path} is not there: no outside key was sealed here").filled(
                path=place.outside_sealed
            ),
            Phrase("put it back from a backup of the node"),
        ) from None
    try:
        secret = open_sealed(custody, sealed, info=_INFO, aad=lp_text(config.name))
    except CryptoError:
        raise OutsideKeyError(
            Phrase("{path} does not open with this custody key").filled(
                path=place.outside_sealed
            ),
            Phrase(
                "name the custody key that node.toml had when the outside key was made"
            ),
        ) from None
    key = OutsideKey(secret)
    if share_secret(path, secret) != secret:
        raise OutsideKeyError(
            Phrase("{path} holds another key").filled(path=path),
            Phrase("name a new path"),
        )
    _name(place, path)
    found = _finished(place, None)
    if not found.wrapped and found.others and companion(place, key) is None:
        raise OutsideKeyError(
            Phrase(
                "the key {name} was recovered, and wraps none of the files here"
            ).filled(name=key.name),
            Phrase("put back the keys that belong to it"),
        )
    return found


def _finished(place: Place, key: OutsideKey | None) -> KeyState:
    if key is not None:
        end_turn(place, key)
    for path in (place.config, place.outside_sealed):
        for left in path.parent.glob(f".{path.name}.*"):  # of a change cut off
            left.unlink(missing_ok=True)
    return state_of(place)


def _first_key(place: Place, path: Path | None) -> OutsideKey:
    if path is None:
        found = find_outside_key(place)
        if found is None:
            raise OutsideKeyMissingError("own.key")
        return found
    key = _made(place, path)
    known = load_config(place).outside_key
    under = {wrapped_under(read_secret(each)) for each in wrappable(place)}
    if under - {None, key.name} or (
        known is not None and (place.directory / known).resolve() != path.resolve()
    ):
        raise OutsideKeyError(
            Phrase("this node has an outside key already"),
            Phrase("`fedsafe node outside-key rotate` puts another one in its place"),
        )
    return key


def _made(place: Place, path: Path) -> OutsideKey:
    check_outside(place, path)
    if not path.exists():
        if not path.absolute().parent.is_dir():
            raise OutsideKeyError(
                Phrase("{path} is no directory").filled(path=path.parent),
                Phrase("make it, for the node's user alone"),
            )
        share_secret(path, token_bytes(KEY_BYTES))
    return read_outside_key(place, path)


def _wrap_all(
    place: Place,
    config: Config,
    key: OutsideKey,
    path: Path | None,
) -> None:
    secret = _secret_of(place, path)
    sealed = seal(
        load_custody(place, config).public,
        secret,
        info=_INFO,
        aad=lp_text(config.name),
    )
    _replace(place.outside_sealed, sealed)
    for file in wrappable(place):
        content = read_secret(file)
        under = wrapped_under(content)
        if under == key.name:
            continue
        if under is not None:
            content = unwrapped(place, key, file.name, content)
        replace_secret(file, key.wrap(file.name, content))
    _forget_pictures(place)


def _secret_of(place: Place, path: Path | None) -> bytes:
    found = path or outside_path(place)
    if found is None:
        raise OutsideKeyMissingError("own.key")
    return found.read_bytes()


def _forget_pictures(place: Place) -> None:
    # They lie under the old key; the next start makes them anew.
    for path in place.index.glob("pictures-*"):
        path.unlink(missing_ok=True)


async def _note(  # noqa: PLR0913 - everything it needs is an argument
    place: Place,
    config: Config,
    clock: Clock,
    store: Store,
    change: Change,
    key: str,
) -> None:
    trail = await open_trail(place, config.name, store)
    detail = {"change": change.value, "key": key}
    entry = trail.entry(
        Event.OUTSIDE_KEY, at=clock.now(), actor=LOCAL.name, detail=detail
    )

    async def act(tx: Transaction) -> None:
        await tx.append(trail.log, entry.record, entry.openings)

    await store.write(act)


def _name(place: Place, path: Path | None) -> None:
    """Let `node.toml` name the key; None takes the line out, or leaves it out."""
    text = place.config.read_text(encoding="utf-8")
    changed = _LINE.sub("", text)
    if path is not None:
        quoted = str(path.absolute()).replace("\\", "\\\\").replace('"', '\\"')
        changed = f'outside_key = "{quoted}"\n{changed}'
    if changed != text:
        parse_config(place, changed)
        _replace(place.config, changed.encode())


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    try:
        write_durably(draft, content)
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)
