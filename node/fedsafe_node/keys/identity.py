# SPDX-License-Identifier: Apache-2.0
"""The keys under which the members know this node, and the ones that are to follow.

The first set lies in a file for each key (`own_keys`), each later one whole in
`keys/identity-<name>.key`. New keys are on disk before anybody is asked about them;
which set the node signs with is what the charter that counts here says, at each start
and with each version, in every process. So a node that dies at any point goes on with
keys that the members know. A set that the charter has passed over is destroyed.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.seal.hpke import RecipientKey
from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import KeyFileError, KeyFileMissingError
from fedsafe_node.ground.key_files import read_secret, share_secret
from fedsafe_node.keys.own_keys import FIRST_SET, NodeKeys, OwnKeys, load_keys, load_own
from fedsafe_policies.ground.catalogue import Phrase

_NAME_BYTES: Final = 8


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: int
    made: int
    feed: bytes
    audit: bytes
    statement: bytes
    transport: bytes
    witness: bytes
    sealing: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """A set of keys that lies here; `files` are its names without `.key`.

    It was made at `made`, to follow the version `after` of the charter.
    """

    files: Sequence[str]
    keys: NodeKeys = field(repr=False)
    after: int = 0
    made: int = 0


def make_identity(place: Place, *, after: int, now: int) -> Identity:
    """Make new keys to follow a version of the charter, durable when this returns.

    Raises:
        KeyFileError: they cannot be written.
    """
    file = _File(
        after=after,
        made=now,
        feed=_signing(),
        audit=_signing(),
        statement=_signing(),
        transport=_signing(),
        witness=_signing(),
        sealing=RecipientKey.generate().to_bytes(),
    )
    keys = _keys(file, load_own(place))
    name = _name(keys.public())
    share_secret(place.keys / f"{name}.key", encode(file))
    return Identity((name,), keys, after, now)


def next_identity(place: Place, *, after: int, since: int, now: int) -> Identity:
    """Give keys to follow a version: those that were made for it later than *since*.

    So whoever asks again asks for the same keys.

    Raises:
        KeyFileError: they cannot be written, or a file is loose or malformed.
    """
    for each in read_identities(place):
        if each.after == after and each.made > since:
            return each
    return make_identity(place, after=after, now=now)


def read_identities(place: Place) -> list[Identity]:
    """Read all sets that are whole.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    own = load_own(place)
    found: list[Identity] = []
    with suppress(KeyFileMissingError):  # else it was given up, or is on its way
        found.append(Identity(FIRST_SET, load_keys(place)))
    for path in sorted(place.keys.glob("identity-*.key")):
        try:
            file = decode(read_secret(path), _File)
            keys = _keys(file, own)
        except KeyFileMissingError:
            continue  # another process was faster
        except (CryptoError, MalformedError):
            raise KeyFileError(
                Phrase("key file {path} holds no such keys").filled(path=path)
            ) from None
        found.append(Identity((path.stem,), keys, file.after, file.made))
    return found


def find_identity(place: Place, public: MemberKeys) -> Identity | None:
    """Find the set with these public keys.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    found = read_identities(place)
    return next((each for each in found if each.keys.public() == public), None)


def load_identity(place: Place, public: MemberKeys | None = None) -> NodeKeys:
    """Give the keys with these public halves, if they are here, else the first ones.

    Raises:
        KeyFileError: none are here, or a file is loose or malformed.
    """
    found = read_identities(place)
    if not found:
        return load_keys(place)  # says which one is missing
    fits = [each for each in found if each.keys.public() == public]
    return (fits or found)[0].keys


def passed_over(place: Place, public: MemberKeys, version: int) -> list[str]:
    """Name the files of sets that no version can bring up any more.

    Nothing is, while the set is not here that the charter of that *version* names.

    Raises:
        KeyFileError: a file is loose or malformed.
    """
    found = read_identities(place)
    present = [each for each in found if each.keys.public() == public]
    if not present:
        return []
    gone = [
        name
        for each in found
        if each not in present and each.after < version
        for name in each.files
    ]
    if present[0].files != FIRST_SET:
        left = [name for name in FIRST_SET if (place.keys / f"{name}.key").exists()]
        gone = sorted({*gone, *left})
    return gone


def _keys(file: _File, own: OwnKeys) -> NodeKeys:
    return NodeKeys(
        feed=SigningKey.from_bytes(file.feed),
        audit=SigningKey.from_bytes(file.audit),
        statement=SigningKey.from_bytes(file.statement),
        transport=SigningKey.from_bytes(file.transport),
        witness=SigningKey.from_bytes(file.witness),
        sealing=RecipientKey.from_bytes(file.sealing),
        own=own,
    )


def _signing() -> bytes:
    return SigningKey.generate().to_bytes()


def _name(public: MemberKeys) -> str:
    return f"identity-{sha256(encode(public)).hexdigest()[: 2 * _NAME_BYTES]}"
