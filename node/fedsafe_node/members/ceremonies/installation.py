# SPDX-License-Identifier: Apache-2.0
"""Take up the keys that a ceremony left, and let go of those that they follow.

A ceremony keeps a holder's new keys before anything says that they exist. Once a
version that counts shows their epoch they become key files, before the membership is
loaded: so a node that died in between has them at its next start.
"""

from collections.abc import Sequence

from fedsafe_crypto.dkg.ceremony import load_state
from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.charter.charter import Charter, Epoch, SignedCharter
from fedsafe_federation.charter.renewal import Kept
from fedsafe_federation.errors import MalformedError, ResharingError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.key_files import destroy_secret
from fedsafe_node.ground.outside_key import read_key_file
from fedsafe_node.keys.ceremony_files import (
    FOUNDING,
    RENEWAL,
    destroy_states,
    state_files,
)
from fedsafe_node.keys.membership import Membership, load_membership
from fedsafe_node.keys.own_keys import MediaKeys, load_shares, write_epoch_keys

_KEPT_ROUND = "-4.key"


def take_up_membership(
    place: Place,
    name: str,
    document: bytes,
    older: Sequence[SignedCharter] = (),
    *,
    now: int,
) -> Membership:
    """Load the membership, with the keys that its newest version brings.

    Raises:
        LeftError: the charter does not list this node any more.
        MembershipError: the charter does not verify or is not this node's, or a
            share does not fit its pin.
        KeyFileError: a share or media key is missing, loose or malformed.
    """
    _install(place, document, now)
    return load_membership(place, name, document, older, now=now)


def former_shares(place: Place, charter: Charter) -> list[tuple[int, int]]:
    """Name the shares here of generations before the one that the charter shows."""
    newest = {each.epoch: each.generation for each in charter.epochs}
    return [
        (epoch, generation)
        for epoch, generation in load_shares(place)
        if generation < newest.get(epoch, 0)
    ]


def destroy_states_of(place: Place, epoch: int) -> None:
    """Destroy what ceremonies have left that made keys of an epoch that is over."""
    destroy_states(place, FOUNDING)
    for path in state_files(place, RENEWAL):
        if _epoch_of(read_key_file(place, path)) == epoch:
            destroy_secret(path)


def _epoch_of(state: bytes) -> int | None:
    """Say of which epoch a state holds secrets, if it holds any."""
    try:
        return Kept.from_bytes(state).share.generation.epoch
    except ResharingError:
        pass
    try:
        return load_state(state).run.generation.epoch
    except CryptoError:
        return None


def _install(place: Place, document: bytes, now: int) -> None:
    kept = _kept(place)
    if not kept:
        return
    try:
        payload = decode(document, SignedCharter).payload
        epochs: Sequence[Epoch] = decode(payload, Charter).live(now)
    except MalformedError:
        return  # whoever loads the membership says so
    for entry in epochs:
        for keys in kept:
            if keys.fits(entry):
                media = MediaKeys(keys.token_key, keys.group_key)
                write_epoch_keys(place, keys.share, media)


def _kept(place: Place) -> list[Kept]:
    found: list[Kept] = []
    for path in state_files(place, RENEWAL):
        if not path.name.endswith(_KEPT_ROUND):
            continue
        try:
            found.append(Kept.from_bytes(read_key_file(place, path)))
        except ResharingError:
            continue  # if it was needed, its share is missing, and that is said
    return found
