# SPDX-License-Identifier: Apache-2.0
"""The keys that a member had before: what they signed still counts, as far as it may.

The charter keeps the public half of each. Its owner destroys a key that it gives up,
but a copy may lie somewhere, and a time that a thief wrote proves nothing. So what a
former key signed counts only where the member itself *vouches* for it: in its own feed,
under its present key. Of one that was *stolen* even that counts only if it is older,
and it proves no tree and no fork. That it was stolen may turn out when it has long been
given up: a later version of the charter says so, or takes it back.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum, unique
from typing import Annotated, Final, Protocol, TypeVar

import msgspec

from fedsafe_federation.charter.card import MemberKeys
from fedsafe_federation.errors import UntrustedError
from fedsafe_federation.wire.signed import Bytes32, Seconds, Signed, open_statement

T = TypeVar("T")
MOST_FORMER: Final = 64
"""So often a member has new keys."""


class FormerKeys(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True
):
    """The signing keys that a member had; `stolen` since when others have them."""

    feed: Bytes32
    audit: Bytes32
    statement: Bytes32
    transport: Bytes32
    witness: Bytes32
    stolen: Seconds | None = None

    def signing(self) -> tuple[bytes, ...]:
        """Give the five Ed25519 keys."""
        return self.feed, self.audit, self.statement, self.transport, self.witness


Former = Annotated[
    tuple[FormerKeys, ...], msgspec.Meta(min_length=1, max_length=MOST_FORMER)
]


@unique
class Trust(IntEnum):
    """Which keys count for something: the more the better it is known.

    `NOW`: the present ones. `SOUND`: of logs, those that nobody has called stolen as
    well. `VOUCHED`: of statements that the member's own feed holds, these and those
    that were stolen later. `KEPT`: all; it was checked in its time, and has been here
    since.
    """

    NOW = 0
    SOUND = 1
    VOUCHED = 2
    KEPT = 3

    def counts(self, keys: FormerKeys, at: int | None = None) -> bool:
        """Whether what former keys signed counts; *at* is when it says that it was."""
        if self is Trust.NOW or self is Trust.KEPT:
            return self is Trust.KEPT
        if keys.stolen is None:
            return True
        return self is Trust.VOUCHED and at is not None and at < keys.stolen


def former_of(keys: MemberKeys, stolen: int | None) -> FormerKeys:
    """Give what the charter keeps of keys that are given up."""
    return FormerKeys(
        feed=keys.feed,
        audit=keys.audit,
        statement=keys.statement,
        transport=keys.transport,
        witness=keys.witness,
        stolen=stolen,
    )


class Owner(Protocol):
    """Whose keys they are: a member of the charter."""

    @property
    def keys(self) -> MemberKeys:
        """Its present keys."""
        ...

    @property
    def former_keys(self) -> Sequence[FormerKeys]:
        """Those that it had, the last ones first."""
        ...


def keys_of(owner: Owner, trust: Trust) -> list[MemberKeys | FormerKeys]:
    """Give the keys that count for what has no time, the present ones first."""
    return [owner.keys, *(e for e in owner.former_keys if trust.counts(e))]


def open_lasting(  # noqa: PLR0913 - a statement, whose, and how far it counts
    statement: Signed,
    kind: type[T],
    owner: Owner,
    *,
    type_: str,
    federation: str,
    trust: Trust,
    at: Callable[[T], int],
) -> T:
    """Open a statement that outlives the key which signed it.

    *at* tells when it says that it was made.

    Raises:
        UntrustedError: signed by no key of its owner, or by one that does not count.
        MalformedError: it is no such statement.
    """
    try:
        return open_statement(
            statement,
            kind,
            type_=type_,
            public=owner.keys.statement,
            federation=federation,
        )
    except UntrustedError as error:
        for keys in owner.former_keys:
            try:
                opened = open_statement(
                    statement,
                    kind,
                    type_=type_,
                    public=keys.statement,
                    federation=federation,
                )
            except UntrustedError:
                continue
            if trust.counts(keys, at(opened)):
                return opened
            raise UntrustedError(
                statement.signer, "signed with a key that does not count any more"
            ) from None
        raise error from None
