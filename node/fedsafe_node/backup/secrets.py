# SPDX-License-Identifier: Apache-2.0
"""The keys of a node in one file, sealed to its custody key.

The private half of that key lies outside the node's directory, so neither the node nor
whoever takes its backups can open what is in here. It holds all that lies below
`keys/`, shares and the keys of the months included: an older file of this kind opens
what was destroyed since, so only the newest one is kept.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.framing import lp_text
from fedsafe_crypto.seal import RecipientKey, open_sealed, seal
from fedsafe_node.backup.errors import BackupRefusedError
from fedsafe_node.config import Place
from fedsafe_node.errors import KeyFileError
from fedsafe_node.keyfiles import MAX_SECRET_BYTES, read_secret
from fedsafe_node.sealed_files import key_names

MAGIC: Final = b"fedsafe-keys-1\n"
_INFO: Final = b"fedsafe/v1/backup keys"
_LARGEST: Final = 64 << 20
_DEEPEST: Final = 2  # keys/periods/2026-11.key
Name = Annotated[
    str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)?(?!\n)$")
]


class _Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    v: Literal[1]
    node: str
    files: dict[Name, Annotated[bytes, msgspec.Meta(max_length=MAX_SECRET_BYTES)]]


def seal_keys(place: Place, node: str, custody: bytes) -> bytes:
    """Read all key files and seal them to the public custody key.

    A key of a month that is destroyed meanwhile is left out.

    Raises:
        KeyFileError: one is loose or cannot be read.
    """
    files: dict[str, bytes] = {}
    for name in sorted(key_names(place.keys)):
        try:
            files[name] = read_secret(place.keys / name)
        except KeyFileError:
            if (place.keys / name).exists():
                raise
    content = msgspec.msgpack.encode(_Keys(1, node, files))
    return MAGIC + seal(custody, content, info=_INFO, aad=lp_text(node))


def open_keys(path: Path, key: RecipientKey, node: str) -> Mapping[str, bytes]:
    """Open the keys of a node.

    Raises:
        BackupRefusedError: it is no such file, another node's, or sealed to another
            custody key.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BackupRefusedError(f"{path} is no file of keys")
        content = path.read_bytes()
    except OSError as error:
        raise BackupRefusedError(f"{path}: {error.strerror}") from None
    if not content.startswith(MAGIC):
        raise BackupRefusedError(
            f"{path} is no file of keys",
            "name what `fedsafe backup --keys` has written",
        )
    try:
        sealed = content.removeprefix(MAGIC)
        opened = open_sealed(key, sealed, info=_INFO, aad=lp_text(node))
        keys = msgspec.msgpack.decode(opened, type=_Keys)
    except (CryptoError, ValueError):
        raise BackupRefusedError(
            f"{path} does not open: it is not of {node}, was changed, or was sealed to "
            "another custody key",
            "name the custody key that node.toml had when the backup was made",
        ) from None
    for name in keys.files:
        parts = PurePosixPath(name).parts
        if len(parts) > _DEEPEST or any(part.startswith(".") for part in parts):
            raise BackupRefusedError(f"{path} holds a file that is no key")
    return keys.files
