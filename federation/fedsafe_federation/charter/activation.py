# SPDX-License-Identifier: Apache-2.0
"""What makes a new key, or a new generation, count: all its holders have signed for it.

A holder signs the epoch as the charter will show it (key, pins, transcript) once its
share is safe and fits. A quorum alone can thus put no pins into the charter that some
holder's share does not fit, and a holder that never got a share is not pinned.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import UNSET
from msgspec.structs import replace

from fedsafe_crypto.dkg.feldman import group_key_commitment, token_key_commitment
from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import verify
from fedsafe_federation.charter.charter import Charter, Epoch
from fedsafe_federation.errors import AmendmentError, MalformedError, UntrustedError
from fedsafe_federation.wire.wireformat import encode
from fedsafe_policies.ground.catalogue import Phrase

HOLDING: Final = "resharing.holding"


def holding_payload(entry: Epoch) -> bytes:
    """Give the bytes that every holder signs: the epoch without the signatures."""
    return encode(replace(entry, holdings=()))


def with_holdings(entry: Epoch, signatures: Sequence[bytes]) -> Epoch:
    """Put the holders' signatures in, in the order of the pins."""
    return replace(entry, holdings=tuple(signatures))


def check_renewed(was: Epoch, entry: Epoch) -> None:
    """Check that a generation shares anew the very key that the one before did.

    Raises:
        MalformedError: with the rule that is broken.
    """
    if (entry.public, entry.starts, entry.ends) != (was.public, was.starts, was.ends):
        raise MalformedError("Charter", Phrase("the key of an epoch is another one"))
    if entry.generation != was.generation + 1:
        raise MalformedError(
            "Charter", Phrase("a generation is left out, or comes back")
        )
    if entry.tokens is None or was.tokens not in (None, entry.tokens):
        raise MalformedError("Charter", Phrase("the media token key is another one"))
    _check_shared(was, entry)


def check_opened(newest: Epoch, entry: Epoch) -> None:
    """Check that a new epoch follows the newest one, with keys of its own.

    Raises:
        MalformedError: with the rule that is broken.
    """
    if entry.epoch <= newest.epoch:
        raise MalformedError("Charter", Phrase("an epoch that was over"))
    if (entry.epoch, entry.generation) != (newest.epoch + 1, 1):
        raise MalformedError("Charter", Phrase("an epoch or a generation is left out"))
    if entry.tokens is None or entry.tokens == newest.tokens:
        raise MalformedError(
            "Charter", Phrase("a new epoch without its own media token key")
        )
    if entry.public == newest.public:
        raise MalformedError(
            "Charter", Phrase("a new epoch with the key of the old one")
        )
    _check_shared(newest, entry)


def check_media_keys(
    entry: Epoch, federation: str, *, token: bytes, group: bytes
) -> None:
    """Check that media keys are those which a generation commits to, as far as it does.

    Raises:
        AmendmentError: one is another key.
    """
    said = token_key_commitment(federation, entry.epoch, token)
    if entry.tokens not in (None, said):
        raise AmendmentError(Phrase("the media token key is not that of the charter"))
    said = group_key_commitment(federation, entry.epoch, entry.generation, group)
    if entry.group not in (UNSET, said):
        raise AmendmentError(Phrase("the media group key is not that of the charter"))


def _check_shared(was: Epoch, entry: Epoch) -> None:
    if was.commits and not entry.commits:
        raise MalformedError(
            "Charter", Phrase("nothing commits to its media group key")
        )


def check_holdings(entry: Epoch, before: Charter, after: Charter) -> None:
    """Check that every holder has signed for its share of a key.

    Raises:
        MalformedError: a holder takes no part, or the signatures are not one a pin.
        UntrustedError: a signature is not that holder's.
    """
    if len(entry.holdings) != len(entry.pins):
        raise MalformedError("Charter", Phrase("not one signature for each pin"))
    old = {each.index: each for each in before.active()}
    new = {each.index for each in after.active()}
    payload = holding_payload(entry)
    for pin, signature in zip(entry.pins, entry.holdings, strict=True):
        member = old.get(pin.index)
        if member is None or pin.index not in new:
            raise MalformedError("Charter", Phrase("a holder that takes no part"))
        key = member.keys.statement
        try:
            verify(key, HOLDING, before.federation, payload, signature)
        except CryptoError:
            raise UntrustedError(member.name, "has not signed for its share") from None
