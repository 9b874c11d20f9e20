# SPDX-License-Identifier: Apache-2.0
"""The charter: the federation's signed, versioned document.

Version 1 is a closed list of members, signed by all of them; there is no
amendment yet. It also carries the public half of every key epoch, so whoever
holds the charter can check every evaluation.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.identity import check_public_key
from fedsafe_crypto.threshold import Generation, Pins
from fedsafe_federation.card import Jurisdiction, MemberKeys, NodeUrl
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.signed import (
    Bytes32,
    NodeName,
    Positive,
    Seconds,
    Signed,
    open_statement,
)
from fedsafe_federation.wireformat import decode

CHARTER: Final = "charter"
MAX_MEMBERS: Final = 64


class Member(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member; `index` is its share index, from 1, never reused."""

    index: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    name: NodeName
    url: NodeUrl
    jurisdiction: Jurisdiction
    keys: MemberKeys


class PolicyReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A text that all members agreed on: its name and SHA-256."""

    name: Annotated[str, msgspec.Meta(max_length=64)]
    sha256: Bytes32


class Epoch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The public half of one epoch's threshold key, and how it came about.

    `pins` are the members' public shares in order of their index.
    """

    epoch: Positive
    generation: Positive
    threshold: Annotated[int, msgspec.Meta(ge=1, le=MAX_MEMBERS)]
    public: Bytes32
    pins: Annotated[list[Bytes32], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    transcript: Bytes32
    starts: Seconds
    ends: Seconds


class Charter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the members agreed on."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    federation: Annotated[
        str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9.#-]{2,99}$(?!\n)")
    ]
    created: Seconds
    members: Annotated[list[Member], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)]
    policy: PolicyReference
    arrangement: PolicyReference
    witness_quorum: Literal["none"]
    epochs: Annotated[list[Epoch], msgspec.Meta(min_length=1, max_length=2)]

    def member(self, name: str) -> Member:
        """Find a member by its name.

        Raises:
            UntrustedError: nobody of that name belongs to the federation.
        """
        for member in self.members:
            if member.name == name:
                return member
        raise UntrustedError(name, "not a member of this federation")

    def pins(self) -> Mapping[int, Pins]:
        """Give the pins of every live epoch, by epoch."""
        return {entry.epoch: _pins(entry) for entry in self.epochs}


class SignedCharter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The charter's exact bytes with one signed statement of each member.

    Every statement carries the same payload: the charter.
    """

    signatures: Annotated[
        list[Signed], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS)
    ]


def open_charter(document: SignedCharter) -> Charter:
    """Check that every member signed the same, well-formed charter.

    Raises:
        UntrustedError: a signature is missing, foreign or bad.
        MalformedError: the charter contradicts itself.
    """
    payload = document.signatures[0].payload
    charter = decode(payload, Charter)
    check_charter(charter)
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
    count = len(charter.members)
    if [member.index for member in charter.members] != list(range(1, count + 1)):
        raise MalformedError("Charter", "share indices do not run from 1")
    if len({member.name for member in charter.members}) != count:
        raise MalformedError("Charter", "two members have one name")
    keys = [key for member in charter.members for key in member.keys.signing()]
    if len(set(keys)) != len(keys):
        raise MalformedError("Charter", "a signing key is used twice")
    try:
        for key in keys:
            check_public_key(key)
    except CryptoError:
        raise MalformedError("Charter", "a key that may not sign") from None
    _check_epochs(charter, count)


def _check_epochs(charter: Charter, count: int) -> None:
    seen: set[int] = set()
    for entry in charter.epochs:
        if entry.epoch in seen:
            raise MalformedError("Charter", "an epoch is listed twice")
        seen.add(entry.epoch)
        if len(entry.pins) != count:
            raise MalformedError("Charter", "not one pin for each member")
        if entry.threshold > count:
            raise MalformedError("Charter", "the threshold exceeds the members")
        if entry.ends <= entry.starts:
            raise MalformedError("Charter", "an epoch ends before it starts")
        try:
            _pins(entry).check()
        except CryptoError:
            raise MalformedError("Charter", "pins that are no sharing") from None


def _pins(entry: Epoch) -> Pins:
    return Pins(
        generation=Generation(epoch=entry.epoch, number=entry.generation),
        threshold=entry.threshold,
        public=entry.public,
        members=dict(enumerate(entry.pins, start=1)),
    )
