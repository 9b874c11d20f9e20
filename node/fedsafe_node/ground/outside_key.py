# SPDX-License-Identifier: Apache-2.0
"""A key that lies outside the node's directory, and what it wraps.

Whoever takes the directory, a backup or a write-ahead log has the files under `keys/`
as well. Those that open media and own bans are wrapped under a key that is in none of
them: a credential of systemd, or a file that `node.toml` names and that is refused
inside the directory. A node that has no such key goes on without one.

A wrapped file is `MAGIC ‖ name of the key(8) ‖ box`, where the box is
XChaCha20-Poly1305 with the file's name beside it. The key itself is never used: one
that wraps, its name, and one for each file of the picture index are derived from it
(BLAKE3, derive_key).

While one key takes the place of another, some files lie under the one and some under
the other. `outside.turn` then holds each of the two wrapped under the other, so that
whichever is at hand opens them all, wherever the change was cut off.
"""

import os
from pathlib import Path
from stat import S_IMODE, S_ISREG
from typing import Final

from blake3 import blake3

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.seal.secretbox import KEY_BYTES, decrypt, encrypt
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.errors import (
    KeyFileError,
    KeyFileMissingError,
    LooseKeyFileError,
    OutsideKeyError,
    OutsideKeyMissingError,
    words_of,
)
from fedsafe_node.ground.key_files import (
    destroy_drafts,
    destroy_secret,
    find_secret,
    read_secret,
    write_secret,
)
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

CREDENTIAL: Final = "fedsafe-outside-key"
"""The name of the credential, as in `LoadCredential=` of a systemd unit."""
MAGIC: Final = b"fedsafe-wrapped-1\n"
NAME_BYTES: Final = 8
OWN: Final = "own.key"
_WRAPPED: Final = ("media-*.key", "founding-*.key", "renewal-*.key")
_DIRECTORY: Final = "CREDENTIALS_DIRECTORY"
_AAD: Final = b"fedsafe/v1/outside key\n"
_WRAPPING: Final = "fedsafe v1 outside key: key files"
_NAMING: Final = "fedsafe v1 outside key: name"
_DERIVING: Final = "fedsafe v1 outside key: picture index"


class OutsideKey:
    """The key, which nothing shows but its name."""

    __slots__ = ("_deriving", "_wrapping", "name")

    def __init__(self, secret: bytes) -> None:
        """Derive what is used.

        Raises:
            OutsideKeyError: it has not 32 bytes.
        """
        if len(secret) != KEY_BYTES:
            raise OutsideKeyError(
                Phrase("the outside key has {got} bytes, want {want}").filled(
                    got=len(secret), want=KEY_BYTES
                )
            )
        self._wrapping = blake3(secret, derive_key_context=_WRAPPING).digest()
        self._deriving = blake3(secret, derive_key_context=_DERIVING).digest()
        naming = blake3(secret, derive_key_context=_NAMING)
        self.name: Final = naming.digest()[:NAME_BYTES].hex()

    def __repr__(self) -> str:
        """Show its name alone."""
        return f"OutsideKey({self.name})"

    def wrap(self, file: str, secret: bytes) -> bytes:
        """Wrap what a key file of that name holds."""
        box = encrypt(self._wrapping, secret, _AAD + lp_text(file))
        return MAGIC + bytes.fromhex(self.name) + box

    def unwrap(self, file: str, content: bytes) -> bytes:
        """Open what a key file of that name holds.

        Raises:
            OutsideKeyError: it is wrapped under another key, or was changed.
        """
        name = wrapped_under(content)
        if name != self.name:
            raise OutsideKeyError(
                Phrase(
                    "key file {file} is wrapped under the outside key {name}, "
                    "and this is {given}"
                ).filled(file=file, name=name, given=self.name),
                Phrase(
                    "name the key that it is wrapped under; if `fedsafe node "
                    "outside-key rotate` was interrupted, run it again"
                ),
            )
        try:
            box = content[len(MAGIC) + NAME_BYTES :]
            return decrypt(self._wrapping, box, _AAD + lp_text(file))
        except OpenError:
            raise OutsideKeyError(
                Phrase("key file {file} does not open: it was changed").filled(
                    file=file
                ),
                Phrase("put it back from a backup of the keys"),
            ) from None

    def file_key(self, identity: bytes) -> bytes:
        """Derive the key of one file of the picture index, which has that identity."""
        return blake3(identity, key=self._deriving).digest()


def wrapped_under(content: bytes) -> str | None:
    """Name the outside key that wraps what a key file holds; None if none does."""
    if not content.startswith(MAGIC):
        return None
    return content[len(MAGIC) : len(MAGIC) + NAME_BYTES].hex()


def read_key_file(place: Place, path: Path) -> bytes:
    """Read a key file that may be wrapped.

    Raises:
        OutsideKeyError: the outside key is missing or another one.
        KeyFileError: it is missing, loose or cannot be read.
    """
    content = read_secret(path)
    if wrapped_under(content) is None:
        return content
    return unwrapped(place, need_outside_key(place, path.name), path.name, content)


def unwrapped(place: Place, key: OutsideKey, file: str, content: bytes) -> bytes:
    """Open what a key file holds that is wrapped under *key*, or its companion.

    Raises:
        OutsideKeyError: it is wrapped under neither, or was changed.
    """
    if wrapped_under(content) != key.name:
        key = companion(place, key) or key
    return key.unwrap(file, content)


def companion(place: Place, key: OutsideKey) -> OutsideKey | None:
    """Give the key that a change has put beside this one; None if none is under way.

    Raises:
        OutsideKeyError: a change is under way between two other keys.
        KeyFileError: what tells of it is loose or cannot be read.
    """
    content = find_secret(place.outside_turn)
    if content is None:
        return None
    half = len(content) // 2
    for part in (content[:half], content[half:]):
        if wrapped_under(part) == key.name:
            return OutsideKey(key.unwrap(place.outside_turn.name, part))
    raise OutsideKeyError(
        Phrase(
            "one outside key was about to follow another, and {name} is neither"
        ).filled(name=key.name),
        Phrase(
            "name the old or the new one: `fedsafe node outside-key "
            "recover` gets the new one back"
        ),
    )


def begin_turn(place: Place, old: bytes, new: bytes) -> None:
    """Let each of two keys open what lies under the other, until `end_turn`.

    Raises:
        OutsideKeyError: another change was cut off, or one is no key.
        KeyFileError: it cannot be written.
    """
    first, second = OutsideKey(old), OutsideKey(new)
    known = companion(place, first)
    if known is None:
        file = place.outside_turn.name
        write_secret(place.outside_turn, first.wrap(file, new) + second.wrap(file, old))
    elif known.name != second.name:
        raise OutsideKeyError(
            Phrase("the change to the outside key {name} was cut off").filled(
                name=known.name
            ),
            Phrase("finish it first, with the path of that key"),
        )


def end_turn(place: Place, key: OutsideKey) -> None:
    """Forget the former key, once no file lies under it; before that it is needed.

    So is the new one until a change is done that has come to no file yet: it is sealed
    to the custody key already, and is what `recover` gets back.

    What a crash has left beside key files is destroyed: it may be the file unwrapped.
    Nobody may be writing them.

    Raises:
        KeyFileError: a key file is loose or cannot be read.
    """
    for path in (*wrappable(place), place.outside_turn):
        destroy_drafts(path)
    content = find_secret(place.outside_turn)
    if content is None:
        return
    under = {wrapped_under(read_secret(each)) for each in wrappable(place)}
    is_new = wrapped_under(content[len(content) // 2 :]) == key.name
    if under <= ({None, key.name} if is_new else {None}):
        destroy_secret(place.outside_turn)


def wrapped(place: Place, file: str, secret: bytes) -> bytes:
    """Give what a key file is to hold: wrapped, if the keys of own bans are.

    Raises:
        OutsideKeyError: they are, and the outside key is missing.
        KeyFileError: they cannot be read.
    """
    try:
        is_wrapping = wrapped_under(read_secret(place.keys / OWN)) is not None
    except KeyFileMissingError:
        is_wrapping = False
    return need_outside_key(place, file).wrap(file, secret) if is_wrapping else secret


def wrappable(place: Place) -> list[Path]:
    """Name the key files that an outside key wraps, the keys of own bans last.

    The states of ceremonies hold media keys as well.
    """
    found = [path for pattern in _WRAPPED for path in place.keys.glob(pattern)]
    own = place.keys / OWN
    return [*sorted(found), *([own] if own.exists() else ())]


def need_outside_key(place: Place, file: str) -> OutsideKey:
    """Find the outside key, without which a key file does not open.

    Raises:
        OutsideKeyError: it is missing, or does not fit.
    """
    key = find_outside_key(place)
    if key is None:
        raise OutsideKeyMissingError(file)
    return key


def find_outside_key(place: Place) -> OutsideKey | None:
    """Find the key that `node.toml` or systemd gives; None if neither names one.

    Raises:
        OutsideKeyError: what they name is missing, loose, no key, or lies inside.
        ConfigError: `node.toml` does not fit.
    """
    path = outside_path(place)
    if path is None:
        return None
    if path.parent == _credentials():
        check_outside(place, path)
        return OutsideKey(_read_credential(path))
    return read_outside_key(place, path)


def outside_path(place: Place) -> Path | None:
    """Say which file holds the outside key.

    Raises:
        ConfigError: `node.toml` does not fit.
    """
    named = load_config(place).outside_key
    if named is not None:
        return place.directory / named
    directory = _credentials()
    if directory is not None and (directory / CREDENTIAL).exists():
        return directory / CREDENTIAL
    return None


def read_outside_key(place: Place, path: Path) -> OutsideKey:
    """Read the key out of a file outside the node's directory.

    Raises:
        OutsideKeyError: it is missing, loose, no key, or lies inside.
    """
    check_outside(place, path)
    try:
        return OutsideKey(read_secret(path))
    except KeyFileMissingError:
        raise OutsideKeyError(
            Phrase(
                "the outside key {path} is not there: without it own bans "
                "and all media stay closed; all else is whole"
            ).filled(path=path),
            Phrase(
                "is its medium mounted? `fedsafe node outside-key recover` "
                "gets a lost one back with the custody key"
            ),
        ) from None
    except LooseKeyFileError as error:
        raise OutsideKeyError(
            Phrase("the outside key {path} is refused: {reason}").filled(
                path=path, reason=error.reason
            ),
            Phrase("chmod 600 {path}").filled(path=path),
        ) from None
    except KeyFileError as error:
        raise OutsideKeyError(words_of(error)) from None


def check_outside(place: Place, path: Path) -> None:
    """Refuse a path from which the key would go with the directory.

    Raises:
        OutsideKeyError: it lies inside.
    """
    if _is_inside(place.directory.resolve(), path.resolve()):
        raise OutsideKeyError(
            Phrase("the outside key {path} lies in the node's directory").filled(
                path=path
            ),
            Phrase("whoever takes that has both: name a path outside of it"),
        )


def _is_inside(directory: Path, path: Path) -> bool:
    """Whether a path leads into a directory, by another mount or a hard link too."""
    if path.is_relative_to(directory):
        return True
    folders, files = set[tuple[int, int]](), set[tuple[int, int]]()
    is_linked = path.exists() and path.stat().st_nlink > 1
    for name, _, names in os.walk(directory):
        folders.add(_identity(Path(name)))
        if is_linked:
            files.update(_identity(Path(name, each)) for each in names)
    above = (each for each in path.parents if each.exists())
    if any(_identity(each) in folders for each in above):
        return True
    return is_linked and _identity(path) in files


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


def _credentials() -> Path | None:
    directory = os.environ.get(_DIRECTORY)
    return Path(directory) if directory else None


def _read_credential(path: Path) -> bytes:
    # systemd gives it to root, and lets the service's user in by an ACL.
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode) or status.st_uid not in (0, os.geteuid()):
            raise OutsideKeyError(
                Phrase(
                    "the file of the credential {name} belongs to another user"
                ).filled(name=CREDENTIAL)
            )
        if S_IMODE(status.st_mode) & 0o007:
            raise OutsideKeyError(
                Phrase("everybody can read the credential {name}").filled(
                    name=CREDENTIAL
                )
            )
        with path.open("rb") as file:
            return file.read(KEY_BYTES + 1)
    except OSError as error:
        raise OutsideKeyError(
            Phrase("the credential {name}: {why}").filled(
                name=CREDENTIAL, why=reason_of(error)
            )
        ) from None
