# SPDX-License-Identifier: Apache-2.0
"""Media keys on their way to a member that has no share of the generation."""

from collections.abc import Iterable, Sequence
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.seal.hpke import RecipientKey, open_sealed, seal
from fedsafe_federation.charter.activation import check_media_keys
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.errors import AmendmentError
from fedsafe_node.acts.charter import SealedKeys
from fedsafe_node.keys.membership import Membership
from fedsafe_node.keys.own_keys import KEY_BYTES, MediaKeys
from fedsafe_policies.ground.catalogue import Phrase

_INFO: Final = b"fedsafe/v1/media-keys"


def media_context(federation: str, name: str, epoch: int, generation: int) -> bytes:
    """Say what sealed media keys are bound to."""
    return f"{federation}\n{name}\n{epoch}.{generation}".encode()


def sealed_media(
    membership: Membership, name: str, sealing: bytes, wanted: Iterable[tuple[int, int]]
) -> list[SealedKeys]:
    """Seal media keys to a member."""
    federation = membership.charter.federation
    return [
        SealedKeys(
            epoch=epoch,
            generation=generation,
            sealed=seal(
                sealing,
                keys.token + keys.group,
                info=_INFO,
                aad=media_context(federation, name, epoch, generation),
            ),
        )
        for epoch, generation in wanted
        if (keys := membership.media.get((epoch, generation))) is not None
    ]


def opened_media(
    key: RecipientKey, sealed: SealedKeys, chain: Sequence[Charter], name: str
) -> MediaKeys:
    """Open media keys that were sealed to this node, and check what can be checked.

    *chain* are all versions of the charter: each generation was in one of them.

    Raises:
        AmendmentError: they are sealed to others, or not those of the charter.
    """
    charter = chain[-1]
    number, federation = (sealed.epoch, sealed.generation), charter.federation
    listed = {each.epoch for each in charter.epochs}
    shown = (each for version in reversed(chain) for each in version.epochs)
    entry = next((e for e in shown if (e.epoch, e.generation) == number), None)
    context = media_context(federation, name, *number)
    try:
        secret = open_sealed(key, sealed.sealed, info=_INFO, aad=context)
    except CryptoError:
        raise AmendmentError(Phrase("the media keys are sealed to others")) from None
    if entry is None or entry.epoch not in listed or len(secret) != 2 * KEY_BYTES:
        raise AmendmentError(Phrase("they are no media keys of the charter"))
    keys = MediaKeys(secret[:KEY_BYTES], secret[KEY_BYTES:])
    check_media_keys(entry, federation, token=keys.token, group=keys.group)
    return keys
