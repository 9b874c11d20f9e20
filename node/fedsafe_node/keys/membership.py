# SPDX-License-Identifier: Apache-2.0
"""The federation as this node belongs to it: charter, shares, media keys.

Loaded at start, replaced whole when a founding ends and with each later version. A
share is checked against its pins here, so a node with a wrong share never answers an
evaluation. A member that has come after the generation was made has no share of it.
Nor has one that was restored without its share; a share that is lost otherwise breaks
the seal, and the node does not start. A share of an older generation is served as
long as its file is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.threshold import KeyShare, Pins
from fedsafe_federation.charter.activation import check_media_keys
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.charter import (
    Charter,
    Epoch,
    Member,
    MemberRole,
    SignedCharter,
    pins_of,
)
from fedsafe_federation.errors import FederationError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.config import Place
from fedsafe_node.ground.errors import (
    KeyFileError,
    LeftError,
    MembershipError,
    words_of,
)
from fedsafe_node.keys.charter_chain import open_chain
from fedsafe_node.keys.own_keys import MediaKeys, load_media_keys, load_shares
from fedsafe_policies.ground.catalogue import Phrase


@dataclass(frozen=True, slots=True)
class Served:
    """A share that fits its pins: what a node evaluates with."""

    pins: Pins
    share: KeyShare = field(repr=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """A checked charter and this member's secrets under it.

    `pins` and `shares` are those of the generation that the charter shows, by epoch;
    `former` those of the generations before it that are still held. Nothing is there of
    an epoch that was over when it was loaded. `joined` says since when each member has
    taken part that has not founded the federation (UTC seconds).
    """

    version: Version
    me: Member
    pins: Mapping[int, Pins]
    shares: Mapping[int, KeyShare] = field(repr=False)
    media: Mapping[tuple[int, int], MediaKeys] = field(repr=False)
    former: Mapping[tuple[int, int], Served] = field(default_factory=dict)
    joined: Mapping[str, int] = field(default_factory=dict)

    @property
    def charter(self) -> Charter:
        """The newest version of the charter."""
        return self.version.charter

    def served(self, epoch: int, generation: int) -> Served | None:
        """Find what evaluates in a generation, if this node holds it."""
        pins, share = self.pins.get(epoch), self.shares.get(epoch)
        newest = share is not None and share.generation.number == generation
        if pins is not None and share is not None and newest:
            return Served(pins, share)
        return self.former.get((epoch, generation))

    @property
    def others(self) -> list[Member]:
        """All members that take part now, but this node."""
        return [m for m in self.charter.active() if m.name != self.me.name]

    @property
    def epoch(self) -> Epoch:
        """The epoch under which new signals are published: the newest."""
        return self.charter.newest

    def live(self, now: int) -> set[int]:
        """Name the epochs whose signals may match now, and whose keys are here."""
        return {each.epoch for each in self.charter.live(now)} & self.pins.keys()

    def uncommitted(self, now: int) -> list[str]:
        """Name the live generations whose media keys nothing in the charter binds."""
        live = self.charter.live(now)
        return [f"{e.epoch}.{e.generation}" for e in live if not e.commits]

    def is_outdated(self, now: int) -> bool:
        """Whether it holds keys of an epoch that is over."""
        return self.live(now) != self.pins.keys()


def load_membership(
    place: Place,
    name: str,
    document: bytes,
    older: Sequence[SignedCharter] = (),
    *,
    now: int,
) -> Membership:
    """Check the charter, the shares against their pins, and load the media keys.

    *older* are the versions before the document, the first one first. Keys of epochs
    that are over at *now* are not read any more, whether they are there or not.

    Raises:
        LeftError: the charter does not list this node any more.
        MembershipError: the charter does not verify or is not this node's, or a
            share or a media key is not the one that it shows.
        KeyFileError: a media key is missing, or a key is loose or malformed.
    """
    try:
        chain = [*older, decode(document, SignedCharter)]
        version = open_chain(chain)
        charter = version.charter
        if older and name not in {each.name for each in charter.members}:
            raise LeftError(charter.federation)
        me = charter.member(name)
        live = charter.live(now)
        numbers = {entry.epoch for entry in live}
        shares, media = load_shares(place, numbers), load_media_keys(place, numbers)
        pins = {entry.epoch: pins_of(entry) for entry in live}
        for entry in live:
            share = shares.get((entry.epoch, entry.generation))
            holds = me.index in pins[entry.epoch].members
            if MemberRole.MEDIA in me.roles and _lacks(entry, media, holds=holds):
                raise KeyFileError(
                    Phrase("the keys of epoch {epoch} are missing").filled(
                        epoch=entry.epoch
                    )
                )
            if holds and share is not None:
                share.check(pins[entry.epoch])
            keys = media.get((entry.epoch, entry.generation))
            if keys is not None:
                check_media_keys(
                    entry, charter.federation, token=keys.token, group=keys.group
                )
        former = _former(chain, pins, shares)
    except (FederationError, CryptoError) as error:
        raise MembershipError(words_of(error)) from None
    newest = {
        epoch: shares[epoch, each.generation.number]
        for epoch, each in pins.items()
        if me.index in each.members and (epoch, each.generation.number) in shares
    }
    return Membership(version, me, pins, newest, media, former, _joined(chain))


def _lacks(
    entry: Epoch, media: Mapping[tuple[int, int], MediaKeys], *, holds: bool
) -> bool:
    """Whether media keys are missing that no other member has yet to give.

    Who holds no share is given those of a new generation or epoch once it counts; until
    then it matches by those of an older one, and can list no file.
    """
    if holds:
        return (entry.epoch, entry.generation) not in media
    return not media


def _joined(chain: Sequence[SignedCharter]) -> dict[str, int]:
    """Say when members came that were not there before; who has left comes anew."""
    charters = [decode(document.payload, Charter) for document in chain]
    came: dict[str, int] = {}
    before = {each.name for each in charters[0].members}
    for charter in charters[1:]:
        names = {each.name for each in charter.members}
        came = {name: at for name, at in came.items() if name in names}
        came |= dict.fromkeys(names - before, charter.created)
        before = names
    return came


def _former(
    chain: Sequence[SignedCharter],
    pins: Mapping[int, Pins],
    shares: Mapping[tuple[int, int], KeyShare],
) -> dict[tuple[int, int], Served]:
    """Find the pins of older shares in the versions that showed them."""
    found: dict[tuple[int, int], Served] = {}
    for document in chain:
        for epoch, old in decode(document.payload, Charter).pins().items():
            number = old.generation.number
            share = shares.get((epoch, number))
            newest = pins.get(epoch)
            if share is None or newest is None or old == newest:
                continue
            share.check(old)
            found[epoch, number] = Served(old, share)
    return found
