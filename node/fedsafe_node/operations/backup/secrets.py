# SPDX-License-Identifier: Apache-2.0
"""The keys of a node in one file, sealed to its custody key.

The private half of that key lies outside the node's directory, so neither the node nor
whoever takes its backups can open what is in here. Anybody can seal to the public half:
so the node signs the file with its statement key. It holds all that lies below
`keys/`, shares and the keys of the months included: an older file of this kind opens
what was destroyed since, so only the newest one is kept.
"""

from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.primitives.identity import SIGNATURE_BYTES, SigningKey, sign, verify
from fedsafe_crypto.seal.hpke import RecipientKey, open_sealed, seal
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import KeyFileError
from fedsafe_node.ground.key_files import MAX_SECRET_BYTES, read_secret
from fedsafe_node.operations.backup.errors import BackupRefusedError
from fedsafe_node.store.sealed_files import key_names
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

MAGIC: Final = b"fedsafe-keys-2\n"
STATEMENT_KEY: Final = "statement.key"
_UNSIGNED: Final = b"fedsafe-keys-1\n"
_SIGNED: Final = "backup.keys"
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


def seal_keys(place: Place, node: str, custody: bytes, key: SigningKey) -> bytes:
    """Read all key files, seal them to the public custody key, and sign that by *key*.

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
    sealed = seal(custody, content, info=_INFO, aad=lp_text(node))
    return MAGIC + sign(key, _SIGNED, node, sealed) + sealed


def open_keys(
    path: Path, key: RecipientKey, node: str, signers: Collection[bytes] = ()
) -> Mapping[str, bytes]:
    """Open the keys of a node, which one of these public keys has signed.

    Where none is known, the statement key among them has to be the one that did: then
    the file is whole, and no more is known of it.

    Raises:
        BackupRefusedError: it is no such file, another node's, sealed to another
            custody key, or not signed by this node.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise BackupRefusedError(
                Phrase("{path} is no file of keys").filled(path=path)
            )
        content = path.read_bytes()
    except OSError as error:
        raise BackupRefusedError(
            Phrase("{path}: {why}").filled(path=path, why=reason_of(error))
        ) from None
    if content.startswith(_UNSIGNED):
        raise BackupRefusedError(
            Phrase("{path} is not signed: an earlier version wrote it").filled(
                path=path
            ),
            Phrase("make a new one with `fedsafe backup --keys`"),
        )
    if not content.startswith(MAGIC):
        raise BackupRefusedError(
            Phrase("{path} is no file of keys").filled(path=path),
            Phrase("name what `fedsafe backup --keys` has written"),
        )
    content = content.removeprefix(MAGIC)
    signature, sealed = content[:SIGNATURE_BYTES], content[SIGNATURE_BYTES:]
    if signers and not _is_signed(node, sealed, signature, signers):
        raise _not_signed(path, node)
    try:
        opened = open_sealed(key, sealed, info=_INFO, aad=lp_text(node))
        keys = msgspec.msgpack.decode(opened, type=_Keys)
    except (CryptoError, ValueError):
        raise BackupRefusedError(
            Phrase(
                "{path} does not open: it is not of {node}, was changed, "
                "or was sealed to another custody key"
            ).filled(path=path, node=node),
            Phrase("name the custody key that node.toml had when the backup was made"),
        ) from None
    for name in keys.files:
        parts = PurePosixPath(name).parts
        if len(parts) > _DEEPEST or any(part.startswith(".") for part in parts):
            raise BackupRefusedError(
                Phrase("{path} holds a file that is no key").filled(path=path)
            )
    if not signers and not _is_signed(node, sealed, signature, _own(keys.files)):
        raise _not_signed(path, node)
    return keys.files


def _own(files: Mapping[str, bytes]) -> list[bytes]:
    try:
        return [SigningKey.from_bytes(files[STATEMENT_KEY]).public]
    except (KeyError, CryptoError):
        return []


def _is_signed(
    node: str, sealed: bytes, signature: bytes, signers: Collection[bytes]
) -> bool:
    for public in signers:
        try:
            verify(public, _SIGNED, node, sealed, signature)
        except CryptoError:
            continue
        return True
    return False


def _not_signed(path: Path, node: str) -> BackupRefusedError:
    return BackupRefusedError(
        Phrase(
            "{path} was not signed by {node}, or was changed; nothing of it was used"
        ).filled(path=path, node=node),
        Phrase(
            "name the file that this node wrote; if its keys have "
            "changed since the backup was made, name its statement "
            "key, as a member's charter has it, with --statement-key"
        ),
    )
