# SPDX-License-Identifier: Apache-2.0
"""The node's own keys: one file each, 0600, in `<dir>/keys`.

| file | holds |
|---|---|
| `feed.key`, `audit.key`, `statement.key`, `transport.key` | Ed25519 seeds |
| `witness.key` | the Ed25519 seed with which others' logs are cosigned |
| `sealing.key` | the HPKE key to which media keys are sealed |
| `identity-<name>.key` | six keys that follow those five and `sealing.key` |
| `own.key` | scalar and media keys of own bans (n = t = 1) |
| `share-<epoch>-<generation>.key` | this member's share of the threshold key |
| `media-<epoch>-<generation>.key` | the media token key and group key |
| `seal.key` | what the seal over tables and key files is made with |
| `periods/<month>.key` | what openings are sealed under |

`own.key` and `media-*.key` are wrapped under the outside key where the node has one
(`ground.outside_key`); all others are as they are, and open no media.

The private part of the custody key is in none of them: it stays outside the
node's directory.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_bytes
from typing import Final, TypeVar

import msgspec
from blake3 import blake3

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.threshold import Generation, KeyShare
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.primitives.ristretto import (
    SCALAR_BYTES,
    check_scalar,
    random_scalar,
)
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import KeyFileError
from fedsafe_node.ground.key_files import read_secret, share_secret, write_secret
from fedsafe_node.ground.outside_key import OWN, read_key_file, wrapped
from fedsafe_policies.ground.catalogue import Phrase

T = TypeVar("T")

_NAME: Final = re.compile(r"(?:share|media)-(\d{1,9})-(\d{1,9})\.key")
_SIGNING: Final = ("feed", "audit", "statement", "transport", "witness")
FIRST_SET: Final = (*_SIGNING, "sealing")
"""The files of the keys that a node is made with, without `.key`."""
KEY_BYTES: Final = 32
_PACKAGE_KEY: Final = "fedsafe v1 case package key"


@dataclass(frozen=True, slots=True)
class MediaKeys:
    """The symmetric keys of the media plane: never shown."""

    token: bytes = field(repr=False)
    group: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """The keys of own bans: the same construction with n = t = 1."""

    scalar: bytes = field(repr=False)
    media: MediaKeys = field(repr=False)


class HeldKey(SigningKey):
    """A key that others hold on to, while new ones take its place."""

    __slots__ = ("_held",)

    def __init__(self, held: SigningKey) -> None:
        """Begin with a key."""
        object.__setattr__(self, "_held", held)

    @property
    def public(self) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Give the public half of the present one."""
        return self._now().public

    def to_bytes(self) -> bytes:
        """Give the seed of the present one."""
        return self._now().to_bytes()

    def sign_exactly(self, message: bytes) -> bytes:
        """Sign with the present one."""
        return self._now().sign_exactly(message)

    def turn_to(self, key: SigningKey) -> None:
        """Sign with another one from now on."""
        object.__setattr__(self, "_held", key)

    def _now(self) -> SigningKey:
        held: SigningKey = object.__getattribute__(self, "_held")
        return held

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same one: its keys change."""
        return self is other

    def __hash__(self) -> int:
        """Hash what stays the same."""
        return id(self)


class HeldRecipient(RecipientKey):
    """A key to seal to that others hold on to, while new ones take its place."""

    __slots__ = ("_held",)

    def __init__(self, held: RecipientKey) -> None:
        """Begin with a key."""
        object.__setattr__(self, "_held", held)

    @property
    def public(self) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Give the public half of the present one."""
        return self._now().public

    def to_bytes(self) -> bytes:
        """Give the seed of the present one."""
        return self._now().to_bytes()

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """Open with the present one."""
        return self._now().decrypt(sealed, context)

    def turn_to(self, key: RecipientKey) -> None:
        """Open with another one from now on."""
        object.__setattr__(self, "_held", key)

    def _now(self) -> RecipientKey:
        held: RecipientKey = object.__getattribute__(self, "_held")
        return held

    def __eq__(self, other: object) -> bool:
        """Say whether it is the same one: its keys change."""
        return self is other

    def __hash__(self) -> int:
        """Hash what stays the same."""
        return id(self)


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """All identity keys of a node."""

    feed: SigningKey
    audit: SigningKey
    statement: SigningKey
    transport: SigningKey
    witness: SigningKey
    sealing: RecipientKey
    own: OwnKeys

    @property
    def package(self) -> SigningKey:
        """The key that case packages are signed with: none that a member knows.

        It follows from the statement key, so a backup of that is one of this too, and
        says nothing about it.
        """
        seed = blake3(self.statement.to_bytes(), derive_key_context=_PACKAGE_KEY)
        return SigningKey.from_bytes(seed.digest())

    def public(self) -> MemberKeys:
        """Give the public halves, as a card shows them."""
        return MemberKeys(
            feed=self.feed.public,
            audit=self.audit.public,
            statement=self.statement.public,
            transport=self.transport.public,
            witness=self.witness.public,
            sealing=self.sealing.public,
        )

    def held(self) -> "HeldKeys":
        """Give the same keys, so that others can take their place."""
        return HeldKeys(
            feed=HeldKey(self.feed),
            audit=HeldKey(self.audit),
            statement=HeldKey(self.statement),
            transport=HeldKey(self.transport),
            witness=HeldKey(self.witness),
            sealing=HeldRecipient(self.sealing),
            own=self.own,
        )


@dataclass(frozen=True, slots=True)
class HeldKeys(NodeKeys):
    """The identity keys of a running node: all its parts turn to new ones at once."""

    feed: HeldKey
    audit: HeldKey
    statement: HeldKey
    transport: HeldKey
    witness: HeldKey
    sealing: HeldRecipient

    def turn_to(self, keys: NodeKeys) -> None:
        """Use others from now on."""
        self.feed.turn_to(keys.feed)
        self.audit.turn_to(keys.audit)
        self.statement.turn_to(keys.statement)
        self.transport.turn_to(keys.transport)
        self.witness.turn_to(keys.witness)
        self.sealing.turn_to(keys.sealing)


def create_keys(place: Place) -> None:
    """Make all identity keys of a new node.

    Raises:
        KeyFileError: one exists already, or cannot be written.
    """
    for name in _SIGNING:
        write_secret(place.keys / f"{name}.key", SigningKey.generate().to_bytes())
    write_secret(place.keys / "sealing.key", RecipientKey.generate().to_bytes())
    own = random_scalar() + token_bytes(2 * KEY_BYTES)
    write_secret(place.keys / "own.key", own)


def load_own(place: Place) -> OwnKeys:
    """Read the keys of own bans.

    Raises:
        KeyFileError: they are missing, loose or malformed.
    """
    path = place.keys / OWN
    return _read(path, _own, lambda path: read_key_file(place, path))


def load_keys(place: Place) -> NodeKeys:
    """Read the identity keys that the node was made with.

    Raises:
        KeyFileError: one is missing, loose or malformed.
    """
    feed, audit, statement, transport, witness = (
        _read(place.keys / f"{name}.key", SigningKey.from_bytes) for name in _SIGNING
    )
    return NodeKeys(
        feed=feed,
        audit=audit,
        statement=statement,
        transport=transport,
        witness=witness,
        sealing=_read(place.keys / "sealing.key", RecipientKey.from_bytes),
        own=load_own(place),
    )


def _read(
    path: Path,
    parse: Callable[[bytes], T],
    read: Callable[[Path], bytes] = read_secret,
) -> T:
    try:
        return parse(read(path))
    except (CryptoError, MalformedError, ValueError):
        raise KeyFileError(
            Phrase("key file {path} holds no such key").filled(path=path)
        ) from None


def _own(secret: bytes) -> OwnKeys:
    scalar, media = secret[:SCALAR_BYTES], secret[SCALAR_BYTES:]
    check_scalar(scalar)
    return OwnKeys(scalar, _media(media))


def _media(secret: bytes) -> MediaKeys:
    if len(secret) != 2 * KEY_BYTES:
        raise ValueError("a wrong length")
    return MediaKeys(secret[:KEY_BYTES], secret[KEY_BYTES:])


def _share(secret: bytes) -> KeyShare:
    file = decode(secret, _ShareFile)
    return KeyShare(
        generation=Generation(epoch=file.epoch, number=file.generation),
        index=file.index,
        threshold=file.threshold,
        secret=file.secret,
    )


class _ShareFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    epoch: int
    generation: int
    index: int
    threshold: int
    secret: bytes


def write_epoch_keys(place: Place, share: KeyShare, media: MediaKeys) -> None:
    """Keep what a ceremony gave; files that are there already stay.

    Raises:
        KeyFileError: a file cannot be written.
    """
    file = _ShareFile(
        epoch=share.generation.epoch,
        generation=share.generation.number,
        index=share.index,
        threshold=share.threshold,
        secret=share.secret,
    )
    generation = share.generation
    _write_once(share_path(place, generation.epoch, generation.number), encode(file))
    write_media_keys(place, generation.epoch, generation.number, media)


def write_media_keys(
    place: Place, epoch: int, generation: int, media: MediaKeys
) -> None:
    """Keep the media keys of a generation; a file that is there already stays.

    Raises:
        OutsideKeyError: media keys are wrapped here, and the outside key is missing.
        KeyFileError: the file cannot be written.
    """
    path = place.keys / f"media-{epoch}-{generation}.key"
    _write_once(path, wrapped(place, path.name, media.token + media.group))


def share_path(place: Place, epoch: int, generation: int) -> Path:
    """Say where a share lies."""
    return place.keys / f"share-{epoch}-{generation}.key"


def _write_once(path: Path, secret: bytes) -> None:
    if not path.exists():
        share_secret(path, secret)  # another process may be faster


def epoch_key_files(place: Place) -> Mapping[str, int]:
    """Name the files that hold shares and media keys, and say of which epoch.

    Raises:
        KeyFileError: one names no epoch and generation.
    """
    found: dict[str, int] = {}
    for pattern in ("share-*.key", "media-*.key"):
        for path in sorted(place.keys.glob(pattern)):
            found[path.name] = _named(path)[0]
    return found


def load_shares(
    place: Place, epochs: Collection[int] | None = None
) -> Mapping[tuple[int, int], KeyShare]:
    """Read the shares of all or some epochs, by epoch and generation.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    shares: dict[tuple[int, int], KeyShare] = {}
    for path in sorted(place.keys.glob("share-*.key")):
        epoch, _ = _named(path)
        if epochs is not None and epoch not in epochs:
            continue
        share = _read(path, _share)
        shares[share.generation.epoch, share.generation.number] = share
    return shares


def load_media_keys(
    place: Place, epochs: Collection[int] | None = None
) -> Mapping[tuple[int, int], MediaKeys]:
    """Read the media keys of all or some epochs, by epoch and generation.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    keys: dict[tuple[int, int], MediaKeys] = {}
    for path in sorted(place.keys.glob("media-*.key")):
        epoch, generation = _named(path)
        if epochs is None or epoch in epochs:
            keys[epoch, generation] = _read(
                path, _media, lambda path: read_key_file(place, path)
            )
    return keys


def _named(path: Path) -> tuple[int, int]:
    name = _NAME.fullmatch(path.name)
    if name is None:
        raise KeyFileError(
            Phrase("key file {path} names no epoch and generation").filled(path=path)
        )
    return int(name[1]), int(name[2])
