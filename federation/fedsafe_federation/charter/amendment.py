# SPDX-License-Identifier: Apache-2.0
"""From one version of the charter to the next, and who has to sign it.

Version n+1 counts when a quorum of version n's members and a quorum of its own have
signed exactly its bytes, both of members that take part, and besides each member that
comes, and each whose own entry changes (with its old key and with its new one). Any
two quorums share a member, so two versions n+1 of one n name whoever signed both.

Where a member's keys were stolen (`key_change`) the old one says nothing: it is not
needed, and counts for no quorum. The others alone have to be one.

A member signs one successor of a version, and may promise by a *refusal* never to sign
another. Once so many have promised that a quorum cannot come together any more, the
proposal is *dead*, and whoever signed it is free to sign another.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.identity import SigningKey, verify
from fedsafe_federation.charter.activation import (
    check_holdings,
    check_opened,
    check_renewed,
)
from fedsafe_federation.charter.charter import (
    CHARTER,
    Charter,
    Member,
    SignedCharter,
    charter_digest,
    check_charter,
    open_charter,
)
from fedsafe_federation.charter.key_change import check_key_changes, is_robbed, robbed
from fedsafe_federation.errors import MalformedError, UntrustedError
from fedsafe_federation.wire.signed import (
    Bytes32,
    Positive,
    Signed,
    open_statement,
    sign_payload,
    sign_statement,
)
from fedsafe_federation.wire.wireformat import decode
from fedsafe_policies.ground.catalogue import Phrase

REFUSAL: Final = "charter.refusal"
Slot = tuple[str, bytes]
"""A member's name, and the statement key that it signs with."""


@dataclass(frozen=True, slots=True)
class Version:
    """A charter that was verified, and the digest that its successor names."""

    charter: Charter
    digest: bytes


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member's promise never to sign the charter of that digest."""

    v: Annotated[int, msgspec.Meta(ge=1, le=1)]
    version: Positive
    charter: Bytes32


@dataclass(frozen=True, slots=True)
class Tally:
    """Who has signed a proposed version so far.

    `needed` and `count` are those of the version before, `needed_after` and
    `count_after` of the proposed one. `owing` must sign besides any quorum.
    """

    charter: Charter
    signatures: Sequence[Signed]
    signed: AbstractSet[str]
    needed: int
    count: int
    needed_after: int
    count_after: int
    owing: AbstractSet[str]

    @property
    def complete(self) -> bool:
        """Whether the version counts."""
        return (
            self.count >= self.needed
            and self.count_after >= self.needed_after
            and not self.owing
        )


def open_first(document: SignedCharter) -> Version:
    """Check version 1.

    Raises:
        UntrustedError: a signature is missing, foreign or bad.
        MalformedError: the charter contradicts itself, or is a later version.
    """
    return Version(open_charter(document), charter_digest(document.payload))


def verify_chain(trusted: Version, following: Sequence[SignedCharter]) -> Version:
    """Follow the versions after a *trusted* one; give the newest.

    Raises:
        UntrustedError: a quorum or a signature is missing, foreign or bad.
        MalformedError: a version contradicts itself or the one before.
    """
    for document in following:
        trusted = verify_next(trusted, document)
    return trusted


def verify_next(trusted: Version, document: SignedCharter) -> Version:
    """Check the version after a *trusted* one.

    Raises:
        UntrustedError: a quorum or a signature is missing, foreign or bad.
        MalformedError: it contradicts itself or the version before.
    """
    payload = document.payload
    charter = open_successor(trusted, payload)
    found = tally(trusted, charter, payload, document.signatures)
    if len(found.signatures) != len(document.signatures):
        raise UntrustedError(document.signatures[0].signer, "a signature twice")
    if found.owing:
        raise UntrustedError(min(found.owing), "has not signed the charter")
    if not found.complete:
        raise UntrustedError(charter.federation, "a charter short of its quorum")
    return Version(charter, charter_digest(payload))


def open_successor(trusted: Version, payload: bytes) -> Charter:
    """Check everything of a proposed next version but its signatures.

    Raises:
        MalformedError: it contradicts itself or the version before.
        UntrustedError: a holder of a key that is shared anew has not signed for it.
    """
    charter = decode(payload, Charter)
    check_charter(charter)
    before = trusted.charter
    if charter.federation != before.federation:
        raise MalformedError("Charter", Phrase("another federation"))
    if charter.version != before.version + 1 or charter.previous != trusted.digest:
        raise MalformedError("Charter", Phrase("it does not follow the version before"))
    if charter.created < before.created:
        raise MalformedError("Charter", Phrase("older than the version before"))
    _check_roster(before, charter)
    check_key_changes(before, charter)
    _check_keys(before, charter)
    return charter


def tally(
    trusted: Version, charter: Charter, payload: bytes, signatures: Collection[Signed]
) -> Tally:
    """Count the signatures of a version that `open_successor` has opened.

    The same signature twice counts once.

    Raises:
        UntrustedError: one is of somebody whose signature counts for nothing, is bad,
            or stands under other bytes.
    """
    before = {each.name: each for each in trusted.charter.members}
    required = _required(before, charter)
    slots = {_slot(each) for each in [*trusted.charter.active(), *charter.active()]}
    slots |= required
    silent = robbed(trusted.charter, charter)
    counted = [each for each in trusted.charter.active() if each.name not in silent]
    found: dict[Slot, Signed] = {}
    for statement in signatures:
        if statement.payload != payload:
            raise UntrustedError(statement.signer, "signed another charter")
        slot = _verified(statement, slots, charter.federation)
        found.setdefault(slot, statement)
    return Tally(
        charter=charter,
        signatures=[found[slot] for slot in sorted(found)],
        signed={name for name, _ in found},
        needed=trusted.charter.quorum,
        count=sum(_slot(each) in found for each in counted),
        needed_after=charter.quorum,
        count_after=sum(_slot(each) in found for each in charter.active()),
        owing={name for name, key in required if (name, key) not in found},
    )


def may_sign(trusted: Version, charter: Charter, name: str) -> bool:
    """Whether a member's signature would count for this next version."""
    before = {each.name: each for each in trusted.charter.members}
    active = [*trusted.charter.active(), *charter.active()]
    return name in {each.name for each in active} | {
        owing for owing, _ in _required(before, charter)
    }


def sign_charter(
    payload: bytes, *, signer: str, key: SigningKey, federation: str
) -> Signed:
    """Sign the exact bytes of a version."""
    return sign_payload(
        payload, type_=CHARTER, signer=signer, key=key, federation=federation
    )


def sign_refusal(
    payload: bytes, version: int, *, signer: str, key: SigningKey, federation: str
) -> Signed:
    """Promise never to sign the charter of these bytes."""
    refusal = Refusal(v=1, version=version, charter=charter_digest(payload))
    return sign_statement(
        refusal, type_=REFUSAL, signer=signer, key=key, federation=federation
    )


def open_refusal(trusted: Version, statement: Signed) -> Refusal:
    """Check the refusal of a next version by a member that takes part.

    Raises:
        UntrustedError: not from a member that takes part, or badly signed.
        MalformedError: it is no refusal, or of another version.
    """
    member = trusted.charter.taking_part(statement.signer)
    refusal = open_statement(
        statement,
        Refusal,
        type_=REFUSAL,
        public=member.keys.statement,
        federation=trusted.charter.federation,
    )
    if refusal.version != trusted.charter.version + 1:
        raise MalformedError("Refusal", Phrase("it refuses another version"))
    return refusal


def is_dead(trusted: Version, after: Charter, refusers: Collection[str]) -> bool:
    """Whether so many have refused that no quorum can come together any more.

    Whoever has new keys by it, since the old ones were stolen, counts to none.
    """
    gone = {*refusers, *robbed(trusted.charter, after)}
    left = [each for each in trusted.charter.active() if each.name not in gone]
    return len(left) < trusted.charter.quorum


@dataclass(frozen=True, slots=True)
class Blame:
    """Who has made two versions after one valid.

    `signed_both` signed the two and were not free to: whoever signed one that so many
    had promised never to sign that it was dead was free. `broke_promise` signed what
    they had promised never to.
    """

    signed_both: AbstractSet[str]
    broke_promise: AbstractSet[str]


def open_fork(
    trusted: Version,
    one: SignedCharter,
    other: SignedCharter,
    refusals: Collection[Signed] = (),
) -> Blame:
    """Name who has made two versions after one valid; anybody can check it.

    Refusals that are none of a member count for nothing.

    Raises:
        UntrustedError: one of them is no valid version.
        MalformedError: one of them is none, or both are the same.
    """
    for document in (one, other):
        verify_next(trusted, document)
    if one.payload == other.payload:
        raise MalformedError("Charter", Phrase("one version, not two"))
    return blame(trusted, one, other, valid_refusals(trusted, refusals))


def valid_refusals(trusted: Version, statements: Collection[Signed]) -> list[Signed]:
    """Give the promises of members about the version after a trusted one."""
    valid: list[Signed] = []
    for each in statements:
        try:
            open_refusal(trusted, each)
        except (UntrustedError, MalformedError):
            continue
        valid.append(each)
    return valid


def blame(
    trusted: Version,
    one: SignedCharter,
    other: SignedCharter,
    refusals: Collection[Signed],
) -> Blame:
    """Name who has made two valid versions, by refusals that were verified.

    A promise that was never broken cannot have made a version valid, so of a version
    that was dead and is valid somebody is always named.
    """
    promised: dict[bytes, set[str]] = {}
    for each in refusals:
        digest = decode(each.payload, Refusal).charter
        promised.setdefault(digest, set()).add(each.signer)
    both: set[str] | None = None
    broke, free = set[str](), False
    for document in (one, other):
        signers = {each.signer for each in document.signatures}
        refusers = promised.get(charter_digest(document.payload), set())
        both = signers if both is None else both & signers
        broke |= signers & refusers
        free = free or is_dead(trusted, decode(document.payload, Charter), refusers)
    return Blame(set() if free or both is None else both, broke)


def _slot(member: Member) -> Slot:
    return member.name, member.keys.statement


def _required(before: Mapping[str, Member], charter: Charter) -> set[Slot]:
    slots: set[Slot] = set()
    for member in charter.members:
        was = before.get(member.name)
        if was is None:
            slots.add(_slot(member))
        elif _own_entry(was) != _own_entry(member):
            slots.add(_slot(member))
            if not is_robbed(was, member):
                slots.add(_slot(was))
    return slots


def _own_entry(member: Member) -> tuple[object, ...]:
    return member.url, member.jurisdiction, member.keys


def _verified(statement: Signed, slots: AbstractSet[Slot], federation: str) -> Slot:
    signer = statement.signer
    keys = [key for name, key in slots if name == signer]
    if statement.type != CHARTER or not keys:
        raise UntrustedError(signer, "a signature that counts for nothing")
    for key in keys:
        try:
            verify(key, CHARTER, federation, statement.payload, statement.signature)
        except CryptoError:
            continue
        return signer, key
    raise UntrustedError(signer, "bad signature on charter")


def _check_roster(before: Charter, after: Charter) -> None:
    known = {member.index: member.name for member in before.members}
    names = set(known.values())
    added = [each for each in after.members if each.index not in known]
    kept = [each for each in after.members if each.index in known]
    if any(known[each.index] != each.name for each in kept):
        raise MalformedError("Charter", Phrase("a share index goes to another member"))
    wanted = list(range(before.next_index, before.next_index + len(added)))
    if [each.index for each in added] != wanted:
        raise MalformedError(
            "Charter", Phrase("a share index is used again, or left out")
        )
    if after.next_index != before.next_index + len(added):
        raise MalformedError("Charter", Phrase("a share index is left out"))
    if names & {each.name for each in added}:
        raise MalformedError(
            "Charter", Phrase("a member leaves and joins in one version")
        )
    if not kept:
        raise MalformedError("Charter", Phrase("nobody of the version before is left"))


def _check_keys(before: Charter, after: Charter) -> None:
    old = {entry.epoch: entry for entry in before.epochs}
    newest = before.newest
    if after.newest.epoch < newest.epoch:
        raise MalformedError("Charter", Phrase("the newest epoch is gone"))
    for gone in old.keys() - {entry.epoch for entry in after.epochs}:
        if after.created < before.epoch_over(gone):
            raise MalformedError(
                "Charter", Phrase("an epoch is gone before it is over")
            )
    for entry in after.epochs:
        was = old.get(entry.epoch)
        if was is None:
            check_opened(newest, entry)
            check_holdings(entry, before, after)
            if entry.starts > after.created:
                raise MalformedError("Charter", Phrase("an epoch that starts later"))
        elif entry.generation == was.generation:
            if entry != was:
                raise MalformedError(
                    "Charter", Phrase("a generation is not what it was")
                )
        else:
            check_renewed(was, entry)
            check_holdings(entry, before, after)
