# SPDX-License-Identifier: Apache-2.0
"""The charter: the federation's signed, versioned document.

It lists the members and what they agreed on, and carries the public half of every key
epoch, so whoever holds it can check every evaluation. Version 1 is signed by all
members; every later one names the one before and is checked against it (`amendment`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum, unique
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.shares import MAX_INDEX
from fedsafe_crypto.oprf.threshold import Generation, Pins
from fedsafe_crypto.primitives.identity import check_public_key
from fedsafe_federation.charter.card import Jurisdiction, MemberKeys, NodeUrl
from fedsafe_federation.charter.former_keys import Former, FormerKeys
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes32,
    Bytes64,
    NodeName,
    Positive,
    Seconds,
    Signed,
    open_statement,
)
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_policies.ground.catalogue import Phrase

CHARTER: Final = "charter"
FIRST_VERSION: Final = 1
MAX_MEMBERS: Final = 64
MAX_SET_ASIDE: Final = 100
"""So many rulings on appeals a charter sets aside at most."""
MOST_BACKFILL: Final = 14 * 24 * 60 * 60
"""So many seconds a backfill is in force at most."""
OVERLAP: Final = 30 * 24 * 60 * 60
"""So many seconds behind an epoch's end its signals still match; then it is over."""
LONGEST_EPOCH: Final = 366 * 24 * 60 * 60
FEWEST_HOLDERS: Final = 3
"""So many hold shares of a key at least; two are left where others have gone."""

Index = Annotated[int, msgspec.Meta(ge=1, le=MAX_INDEX)]


@unique
class MemberState(StrEnum):
    """Whether a member takes part now; who has left is not listed any more."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


@unique
class MemberRole(StrEnum):
    """What a member does in the federation.

    One that holds shares and keeps no list is a *custodian*.
    """

    HOLDER = "holder"
    LISTER = "lister"
    MEDIA = "media"


ALL_ROLES: Final = tuple(MemberRole)


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member; `index` is its share index, never given to anybody else.

    `former` are the keys that it had, the last ones first; it is left out by whoever
    still has its first ones.
    """

    index: Index
    name: NodeName
    url: NodeUrl
    jurisdiction: Jurisdiction
    keys: MemberKeys
    state: MemberState = MemberState.ACTIVE
    roles: tuple[MemberRole, ...] = ALL_ROLES
    former: Former | msgspec.UnsetType = msgspec.UNSET

    @property
    def former_keys(self) -> Sequence[FormerKeys]:
        """Give the keys that it had, the last ones first."""
        return () if self.former is msgspec.UNSET else self.former

    def signing_keys(self) -> list[bytes]:
        """Give all keys that it signs with, or has signed with."""
        former = [key for each in self.former_keys for key in each.signing()]
        return [*self.keys.signing(), *former]

    @property
    def active(self) -> bool:
        """Whether it takes part now."""
        return self.state is MemberState.ACTIVE


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public share of one index."""

    index: Index
    public: Bytes32


class PolicyReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that all members agreed on: its name and SHA-256."""

    name: Annotated[str, msgspec.Meta(max_length=64)]
    sha256: Bytes32


class Epoch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public half of one epoch's threshold key, and how it came about.

    `pins` are the holders' public shares in order of their index. A member that came
    later has none, and one that left stays pinned until the next generation: see
    `Charter.holders`. It ends at `ends`, or when the next epoch starts. `tokens` and
    `group` commit to the media keys. One that was made before members did so lacks the
    latter, and keeps its bytes.
    """

    epoch: Positive
    generation: Positive
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    public: Bytes32
    pins: Annotated[list[Pin], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    transcript: Bytes32
    starts: Seconds
    ends: Seconds
    tokens: Bytes32 | None = None
    holdings: Annotated[tuple[Bytes64, ...], msgspec.Meta(max_length=MAX_MEMBERS)] = ()
    group: Bytes32 | msgspec.UnsetType = msgspec.UNSET

    @property
    def commits(self) -> bool:
        """Whether it commits to all of its media keys."""
        return self.tokens is not None and self.group is not msgspec.UNSET


WitnessQuorum = (
    Literal["none", "majority"] | Annotated[int, msgspec.Meta(ge=1, lt=MAX_MEMBERS)]
)
"""Who has to have witnessed an addition: nobody, most members, or so many others."""


class Backfill(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member may ask each other member for so many elements more, for a while.

    From `since` until before `until`, at most `MOST_BACKFILL` seconds.
    """

    member: NodeName
    elements: Annotated[int, msgspec.Meta(ge=1, le=1_000_000_000)]
    since: Seconds
    until: Seconds

    @property
    def digest(self) -> bytes:
        """Name it, as a request does that is counted against it."""
        return hashlib.sha256(encode(self)).digest()

    def holds(self, now: int) -> bool:
        """Whether it is in force."""
        return self.since <= now < self.until


class Charter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the members agreed on.

    `quorum` active members, always more than half, sign the next version. `next_index`
    is the share index of whoever joins next. `previous` is the SHA-256 of the payload
    of the version before. `appeal` names the member that hears appeals, `deputy` who
    does where that member has a part in it; `set_aside` are the digests of rulings on
    appeals that have no effect, in their order. A charter that says nothing of both
    lacks them, and keeps its bytes. `backfills` are in the order of their members, one
    for each at most.
    """

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    version: Positive
    federation: Annotated[
        str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.#-]{2,99}$(?!\n)")
    ]
    created: Seconds
    members: Annotated[list[Member], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    next_index: Annotated[int, msgspec.Meta(ge=2, le=MAX_INDEX + 1)]
    quorum: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    policy: PolicyReference
    arrangement: PolicyReference
    witness_quorum: WitnessQuorum
    epochs: Annotated[list[Epoch], msgspec.Meta(min_length=1, max_length=2)]
    previous: Bytes32 | None = None
    appeal: NodeName | None = None
    backfills: Annotated[list[Backfill], msgspec.Meta(max_length=MAX_MEMBERS)] = []
    deputy: NodeName | msgspec.UnsetType = msgspec.UNSET
    set_aside: (
        Annotated[list[Bytes32], msgspec.Meta(min_length=1, max_length=MAX_SET_ASIDE)]
        | msgspec.UnsetType
    ) = msgspec.UNSET

    @property
    def stand_in(self) -> str | None:
        """Who hears an appeal in which the member that hears appeals has a part."""
        return None if self.deputy is msgspec.UNSET else self.deputy

    @property
    def without_effect(self) -> Sequence[bytes]:
        """The digests of the rulings on appeals that a quorum has set aside."""
        return () if self.set_aside is msgspec.UNSET else self.set_aside

    def backfill(self, member: str, now: int) -> Backfill | None:
        """Give the backfill of a member that is in force."""
        found = (each for each in self.backfills if each.member == member)
        return next((each for each in found if each.holds(now)), None)

    def member(self, name: str) -> Member:
        """Find a member by its name, whether it is suspended or not.

        Raises:
            UntrustedError: nobody of that name belongs to the federation.
        """
        for member in self.members:
            if member.name == name:
                return member
        raise UntrustedError(name, "not a member of this federation")

    def taking_part(self, name: str) -> Member:
        """Find a member that is not suspended.

        Raises:
            UntrustedError: nobody of that name takes part now.
        """
        member = self.member(name)
        if not member.active:
            raise UntrustedError(name, "suspended from this federation")
        return member

    def active(self) -> list[Member]:
        """Give the members that take part now."""
        return [member for member in self.members if member.active]

    @property
    def witnesses_needed(self) -> int:
        """How many members must have cosigned a feed, beside the origin itself.

        A number that more members were meant for wants all that are left.
        """
        members, quorum = len(self.active()), self.witness_quorum
        if isinstance(quorum, int):
            return min(quorum, max(members - 1, 0))
        return members // 2 if quorum == "majority" else 0

    def holders(self, epoch: int) -> list[Member]:
        """Give the members that take part now and have a share of *epoch*."""
        pinned = {
            pin.index
            for entry in self.epochs
            if entry.epoch == epoch
            for pin in entry.pins
        }
        return [member for member in self.active() if member.index in pinned]

    def willing(self) -> list[Member]:
        """Give the members that take part now and are to hold shares."""
        return [each for each in self.active() if MemberRole.HOLDER in each.roles]

    @property
    def is_short(self) -> bool:
        """Whether so few are to hold shares that nothing about persons is published."""
        return len(self.willing()) < FEWEST_HOLDERS

    @property
    def newest(self) -> Epoch:
        """The epoch under which signals are published."""
        return self.epochs[-1]

    def epoch_ends(self, epoch: int) -> int:
        """Say when nothing is published under an epoch any more; 0 if it is gone."""
        ends = 0
        for entry in self.epochs:
            if entry.epoch == epoch:
                ends = entry.ends
            elif entry.epoch > epoch and ends:
                ends = min(ends, entry.starts)
        return ends

    def epoch_over(self, epoch: int) -> int:
        """Say from when on nothing matches under an epoch; 0 if it is gone."""
        ends = self.epoch_ends(epoch)
        return ends + OVERLAP if ends else 0

    def live(self, now: int) -> list[Epoch]:
        """Give the epochs that are not over."""
        return [each for each in self.epochs if now < self.epoch_over(each.epoch)]

    def pins(self) -> Mapping[int, Pins]:
        """Give the pins of every epoch that is listed, by epoch."""
        return {entry.epoch: pins_of(entry) for entry in self.epochs}


class SignedCharter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The charter's exact bytes with the statements of those who signed it.

    Every statement carries the same payload: the charter. A member whose keys change
    signs twice, with the old key and with the new one.
    """

    signatures: Annotated[
        list[Signed], msgspec.Meta(min_length=1, max_length=4 * MAX_MEMBERS)
    ]

    @property
    def payload(self) -> bytes:
        """Give the bytes that were signed."""
        return self.signatures[0].payload


def majority(count: int) -> int:
    """Give the smallest number that is more than half of *count*."""
    return count // 2 + 1


def flaw_of(
    holders: int, threshold: int, seconds: int, *, is_left: bool = False
) -> Phrase | None:
    """Say why no key may be shared so; None if it may.

    With *is_left* some holders have gone, or are left out, and the threshold stays: two
    are enough then, and all who are left may be needed.
    """
    if is_left and 2 <= threshold <= holders:  # noqa: PLR2004 - none alone
        pass
    elif holders < FEWEST_HOLDERS:
        return Phrase(
            "a key needs {least} share holders at least, not {holders}"
        ).filled(least=FEWEST_HOLDERS, holders=holders)
    elif not 1 < threshold < holders:
        return Phrase(
            "the threshold has to be from 2 to {most} of {holders}, not {threshold}"
        ).filled(most=holders - 1, holders=holders, threshold=threshold)
    if not 0 < seconds <= LONGEST_EPOCH:
        return Phrase("an epoch has to end after its begin, within 366 days")
    return None


def charter_digest(payload: bytes) -> bytes:
    """Name a version of a charter by the SHA-256 of its exact bytes."""
    return hashlib.sha256(payload).digest()


def open_charter(document: SignedCharter) -> Charter:
    """Check version 1: every member signed the same, well-formed charter.

    Raises:
        UntrustedError: a signature is missing, foreign or bad.
        MalformedError: the charter contradicts itself, or is a later version.
    """
    payload = document.payload
    charter = decode(payload, Charter)
    check_charter(charter)
    if charter.version != FIRST_VERSION:
        raise MalformedError(
            "Charter", Phrase("a later version, without the ones before it")
        )
    missing = {member.name for member in charter.members}
    for statement in document.signatures:
        if statement.payload != payload:
            raise UntrustedError(statement.signer, "signed another charter")
        if statement.signer not in missing:
            raise UntrustedError(statement.signer, "signed twice, or is no member")
        missing.remove(statement.signer)
        open_statement(
            statement,
            Charter,
            type_=CHARTER,
            public=charter.member(statement.signer).keys.statement,
            federation=charter.federation,
        )
    if missing:
        raise UntrustedError(min(missing), "has not signed the charter")
    return charter


def check_charter(charter: Charter) -> None:
    """Refuse a charter that contradicts itself.

    Raises:
        MalformedError: with the rule that is broken.
    """
    if (charter.version == FIRST_VERSION) != (charter.previous is None):
        raise MalformedError(
            "Charter", Phrase("the version before is named in all but one")
        )
    indices = [member.index for member in charter.members]
    if indices != sorted(set(indices)) or indices[-1] >= charter.next_index:
        raise MalformedError("Charter", Phrase("share indices are out of order"))
    first = charter.version == FIRST_VERSION
    if first and charter.next_index != len(charter.members) + 1:
        raise MalformedError("Charter", Phrase("share indices do not run from 1"))
    _check_members(charter.members)
    active = charter.active()
    if first and len(active) != len(charter.members):
        raise MalformedError("Charter", Phrase("founded with a suspended member"))
    if not majority(len(active)) <= charter.quorum <= len(active):
        raise MalformedError(
            "Charter", Phrase("a quorum that is no majority of the active")
        )
    if charter.appeal is not None and charter.appeal not in {
        member.name for member in charter.members
    }:
        raise MalformedError("Charter", Phrase("appeals go to no member"))
    _check_appeals(charter)
    if charter.witness_quorum in range(len(charter.members), MAX_MEMBERS):
        raise MalformedError("Charter", Phrase("more witnesses than other members"))
    _check_backfills(charter)
    _check_epochs(charter)


def _check_appeals(charter: Charter) -> None:
    deputy, aside = charter.stand_in, list(charter.without_effect)
    if deputy is not None:
        if deputy not in {member.name for member in charter.members}:
            raise MalformedError("Charter", Phrase("the deputy is no member"))
        if charter.appeal in {None, deputy}:
            raise MalformedError("Charter", Phrase("a deputy of nobody, or of itself"))
    if aside != sorted(set(aside)):
        raise MalformedError("Charter", Phrase("rulings set aside are out of order"))


def _check_backfills(charter: Charter) -> None:
    names = [each.member for each in charter.backfills]
    if names != sorted(set(names)):
        raise MalformedError("Charter", Phrase("backfills are out of order"))
    if not set(names) <= {member.name for member in charter.members}:
        raise MalformedError("Charter", Phrase("a backfill for no member"))
    for each in charter.backfills:
        if not 0 < each.until - each.since <= MOST_BACKFILL:
            raise MalformedError(
                "Charter", Phrase("a backfill of no time, or of too long")
            )


def _check_members(members: Sequence[Member]) -> None:
    if len({member.name for member in members}) != len(members):
        raise MalformedError("Charter", Phrase("two members have one name"))
    if any(list(each.roles) != sorted(set(each.roles)) for each in members):
        raise MalformedError("Charter", Phrase("roles are out of order"))
    if any(not each.roles for each in members):
        raise MalformedError("Charter", Phrase("a member without a role"))
    keys = [key for member in members for key in member.signing_keys()]
    if len(set(keys)) != len(keys):
        raise MalformedError("Charter", Phrase("a signing key is used twice"))
    try:
        for key in keys:
            check_public_key(key)
    except CryptoError:
        raise MalformedError("Charter", Phrase("a key that may not sign")) from None


def _check_epochs(charter: Charter) -> None:
    numbers = [entry.epoch for entry in charter.epochs]
    if len(set(numbers)) != len(numbers):
        raise MalformedError("Charter", Phrase("an epoch is listed twice"))
    if numbers != sorted(numbers):
        raise MalformedError("Charter", Phrase("epochs are out of order"))
    starts = [entry.starts for entry in charter.epochs]
    if starts != sorted(starts):
        raise MalformedError(
            "Charter", Phrase("an epoch starts before the one before it")
        )
    for entry in charter.epochs:
        indices = [pin.index for pin in entry.pins]
        if indices != sorted(set(indices)) or indices[-1] >= charter.next_index:
            raise MalformedError("Charter", Phrase("pins are out of order"))
        first = charter.version == FIRST_VERSION
        if first and indices != [member.index for member in charter.members]:
            raise MalformedError("Charter", Phrase("not one pin for each member"))
        length = entry.ends - entry.starts
        is_left = (entry.epoch, entry.generation) != (1, 1)  # none was, when it began
        flaw = flaw_of(len(indices), entry.threshold, length, is_left=is_left)
        if flaw is not None:
            raise MalformedError("Charter", flaw)
        try:
            pins_of(entry).check()
        except CryptoError:
            raise MalformedError(
                "Charter", Phrase("pins that are no sharing")
            ) from None


def pins_of(entry: Epoch) -> Pins:
    """Give the pins of an epoch."""
    return Pins(
        generation=Generation(epoch=entry.epoch, number=entry.generation),
        threshold=entry.threshold,
        public=entry.public,
        members={pin.index: pin.public for pin in entry.pins},
    )
