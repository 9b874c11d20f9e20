# SPDX-License-Identifier: Apache-2.0
"""Open the bodies of media signals, of the own list and of members' lists.

A member of the federation holds the group key, so it reads every media signal
that it receives: access control, not concealment (protocol 3.1).
"""

from fedsafe_crypto.seal.envelope import open_media
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import (
    MediaBody,
    SignalHeader,
    SignalOpening,
    decode_media_body,
)
from fedsafe_node.keys.own_keys import MediaKeys
from fedsafe_node.rules.policy_context import Situation
from fedsafe_policies.ground.catalogue import Phrase


def open_media_body(
    signal: bytes,
    origin: str,
    header: SignalHeader,
    opening: SignalOpening,
    situation: Situation,
) -> MediaBody:
    """Open a media signal of the list *origin* under its generation's group key.

    Raises:
        CryptoError: another key, or changed bytes.
        MalformedError: no media body, or no key of that generation.
    """
    federation, keys = media_keys(origin, header, situation)
    data = open_media(
        keys.group,
        federation_id=federation,
        origin=origin,
        signal_id=signal,
        epoch=header.epoch,
        generation=header.generation,
        sealed=opening.sealed,
    )
    return decode_media_body(data)


def media_keys(
    origin: str, header: SignalHeader, situation: Situation
) -> tuple[str, MediaKeys]:
    """Give the federation's name and the keys under which a list's media lie.

    Raises:
        MalformedError: no key of that generation.
    """
    if origin == situation.own.name:
        return situation.own.name, situation.own.media
    if situation.shared is None:
        raise MalformedError(
            "SignalHeader", Phrase("a shared signal without a federation")
        )
    membership = situation.shared.membership
    keys = membership.media.get((header.epoch, header.generation))
    if keys is None:
        raise MalformedError("SignalHeader", Phrase("no key of that generation"))
    return membership.charter.federation, keys
