# SPDX-License-Identifier: Apache-2.0
"""Seals what authenticators share with the node, under a key outside the database.

The key lies in `keys/people.key`. A sealed secret is bound to its person, so a row
that is moved to somebody else opens for nobody. The same key blinds the names and
addresses under which failed logins are counted: a name that was typed may be a
password. It also seals what a browser keeps for the node, and nobody is to read there.
"""

import hmac
from pathlib import Path
from secrets import token_bytes
from typing import Final

from fedsafe_crypto.errors import OpenError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.seal.secretbox import KEY_BYTES, decrypt, encrypt
from fedsafe_node.ground.errors import KeyFileError, KeyFileMissingError
from fedsafe_node.ground.key_files import read_secret, write_secret
from fedsafe_policies.ground.catalogue import Phrase

_TOTP: Final = lp_text("fedsafe/v1/totp")
_THROTTLE: Final = b"fedsafe/v1/throttle\n"
_AWAY: Final = lp_text("fedsafe/v1/away")


class Vault:
    """Seals and opens; the key never shows."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        """Show nothing of the key."""
        return "Vault()"

    def seal(self, person: str, secret: bytes) -> bytes:
        """Seal a person's authenticator secret."""
        return encrypt(self._key, secret, _TOTP + lp_text(person))

    def open(self, person: str, sealed: bytes) -> bytes:
        """Open a person's authenticator secret.

        Raises:
            KeyFileError: it was sealed under another key, or for somebody else.
        """
        try:
            return decrypt(self._key, sealed, _TOTP + lp_text(person))
        except OpenError:
            raise KeyFileError(
                Phrase("an authenticator's secret does not open")
            ) from None

    def seal_away(self, kind: str, content: bytes) -> bytes:
        """Seal what somebody else keeps, who is not to read or change it."""
        return encrypt(self._key, content, _AWAY + lp_text(kind))

    def open_away(self, kind: str, sealed: bytes) -> bytes | None:
        """Open it again; None if it is of another kind or key, or was changed."""
        try:
            return decrypt(self._key, sealed, _AWAY + lp_text(kind))
        except OpenError:
            return None

    def blind(self, kind: str, text: str) -> str:
        """Name a counter of failed logins without saying whose it is."""
        message = _THROTTLE + lp_text(kind) + text.encode("utf-8", "replace")
        return hmac.digest(self._key, message, "sha256").hex()


def open_vault(path: Path, *, is_needed: bool = False) -> Vault:
    """Read the vault's key; a node that has none yet gets one.

    Raises:
        KeyFileMissingError: there is none, and secrets are sealed under it.
        KeyFileError: the file is loose, unreadable or no key.
    """
    try:
        key = read_secret(path)
    except KeyFileMissingError:
        if is_needed:
            raise
        key = token_bytes(KEY_BYTES)
        write_secret(path, key)
    if len(key) != KEY_BYTES:
        raise KeyFileError(
            Phrase("key file {path} holds no such key").filled(path=path)
        )
    return Vault(key)
