# SPDX-License-Identifier: Apache-2.0
"""Custody: the provider's own identifiers, sealed to a key that is not here.

A shared signal outlives no key epoch; to publish it anew its origin needs the
identifier again (protocol 3.2). It is kept sealed to the custody key with HPKE,
as (kind, canonicaliser, value), bound to the signal. The node has the public half
alone: base64 in a file that `node.toml` names. The private half stays outside the
node's directory.
"""

import base64
import binascii
from pathlib import Path
from typing import Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_crypto.seal.hpke import RecipientKey, check_recipient, open_sealed, seal
from fedsafe_federation.identifiers import Canonical
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.key_files import write_secret
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import IdentifierKind

_INFO: Final = b"fedsafe/v1/custody"


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kind: IdentifierKind
    canonicaliser: str
    value: str


class Custody:
    """Seals identifiers; nothing in the node can open them."""

    def __init__(self, node: str, public: bytes) -> None:
        """Take the public custody key.

        Raises:
            MalformedKeyError: nothing can be sealed to it.
        """
        check_recipient(public)
        self._node = node
        self.public = public

    def seal(self, signal_id: bytes, identifier: Canonical) -> bytes:
        """Seal the identifier behind a signal."""
        kept = _Kept(identifier.kind, identifier.canonicaliser, identifier.value)
        aad = _place(self._node, signal_id)
        return seal(self.public, encode(kept), info=_INFO, aad=aad)


def open_custody(
    key: RecipientKey, *, node: str, signal_id: bytes, sealed: bytes
) -> Canonical:
    """Open what a node's custody keeps of a signal; for the holder of the key.

    Raises:
        OpenError: another key, node or signal, or changed bytes.
        MalformedError: what was sealed is no identifier.
    """
    aad = _place(node, signal_id)
    kept = decode(open_sealed(key, sealed, info=_INFO, aad=aad), _Kept)
    return Canonical(kept.kind, kept.canonicaliser, kept.value)


def create_custody_key(place: Place, *, private: Path, public: Path) -> None:
    """Make a custody key: the private half 0600, and outside the node.

    Raises:
        ConfigError: the private half would lie in the node's directory.
        KeyFileError: a file exists already, or can't be written.
    """
    if private.resolve().is_relative_to(place.directory.resolve()):
        raise ConfigError(private, Phrase("the custody key must lie outside the node"))
    key = RecipientKey.generate()
    # The public half first: by it a private one is known as the one of this node.
    write_secret(public, base64.b64encode(key.public) + b"\n")
    write_secret(private, key.to_bytes())


def load_custody(place: Place, config: Config) -> Custody:
    """Read the public custody key that the configuration names.

    Raises:
        ConfigError: there is no such file, or nothing can be sealed to the key.
    """
    path = place.directory / config.custody_key
    try:
        public = base64.b64decode(path.read_bytes().strip(), validate=True)
        return Custody(config.name, public)
    except OSError as error:
        raise ConfigError(path, error.strerror or Phrase("cannot be read")) from None
    except (binascii.Error, CryptoError):
        raise ConfigError(path, Phrase("is no public custody key")) from None


def _place(node: str, signal_id: bytes) -> bytes:
    return lp_text(node) + signal_id
