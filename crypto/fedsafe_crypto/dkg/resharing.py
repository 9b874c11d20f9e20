# SPDX-License-Identifier: Apache-2.0
"""What a holder of an older generation brings to a run that shares its key anew.

Refresh, join, leave and a new threshold are one operation, a run with a source: each
dealer's constant is its old share (Desmedt and Jajodia, 1997), checked against its pin
(Wong, Wang and Wing, 2002), and the shares are as fresh as after a proactive refresh
(Herzberg et al., 1995). The key, and with it every token, stays.

Old shares and new ones do not combine, and leavers' old shares add nothing to fewer
than t new ones. But t old ones still make the key: once the new generation is in use,
every holder must destroy its old share, or the sharing is only as good as before.

The media group key is new with each generation, made of contributions that only who
receives learns, so whoever leaves is shut out. The media token key lasts as long as
the epoch. Every dealer seals it to the newcomers, and a commitment shows that it is
the one. To the group key the result commits as well: those who get it later, from any
member, can tell that it is the one.
"""

from dataclasses import dataclass, field
from typing import Final

from blake3 import blake3

from fedsafe_crypto.dkg.feldman import group_key_commitment, token_key_commitment
from fedsafe_crypto.dkg.runs import Run
from fedsafe_crypto.errors import DkgError
from fedsafe_crypto.oprf.keys import KeyShare

_MEDIA_GROUP: Final = "fedsafe v1 media group key"
_MEDIA_MARKS: Final = "fedsafe v1 media token key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A holder's share of the old generation, and its epoch's media token key."""

    share: KeyShare
    token_key: bytes = field(repr=False)


def check_held(run: Run, index: int, held: Held | None) -> None:
    """Refuse to deal from anything but what the run shares anew.

    Raises:
        DkgError: Nothing, another's share or another token key is held, or a share
            where a new key is made.
        SharesError: The share is not the pinned one.
        GenerationMismatchError: The share is of another generation.
        WrongLengthError: The token key is not of 32 bytes.
    """
    source = run.source
    if source is None and held is None:
        return
    if source is None or held is None:
        raise DkgError("a share is held if, and only if, it is to be dealt anew")
    held.share.check(source.read_pins())
    if held.share.index != index:
        raise DkgError("the share held is another's")
    if commit_token_key(run, held.token_key) != source.token_commitment:
        raise DkgError("the media token key held is not the epoch's")


def commit_token_key(run: Run, token_key: bytes) -> bytes:
    """Commit to the media token key of a run's epoch."""
    return token_key_commitment(run.federation_id, run.generation.epoch, token_key)


def commit_group_key(run: Run, group_key: bytes) -> bytes:
    """Commit to the media group key of a run's generation."""
    made = run.generation
    return group_key_commitment(run.federation_id, made.epoch, made.number, group_key)


def group_key_of(media: bytes) -> bytes:
    """Derive the media group key from all contributions to it."""
    return blake3(media, derive_key_context=_MEDIA_GROUP).digest()


def token_key_of(media: bytes) -> bytes:
    """Derive the media token key of a new epoch from all contributions."""
    return blake3(media, derive_key_context=_MEDIA_MARKS).digest()
