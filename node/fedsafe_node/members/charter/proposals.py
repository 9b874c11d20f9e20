# SPDX-License-Identifier: Apache-2.0
"""Versions of the charter that are proposed, and who has signed or refused them.

They lie in the store as one document beside the charter that they follow. A proposal
comes in with the signature of a member that takes part; what else comes is counted to
it. What is signed here is the node's vote: it is durable before it leaves, so that no
crash lets the node sign two versions.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.charter.amendment import (
    REFUSAL,
    Tally,
    Version,
    is_dead,
    open_refusal,
    open_successor,
    tally,
)
from fedsafe_federation.charter.charter import (
    CHARTER,
    Charter,
    SignedCharter,
    charter_digest,
)
from fedsafe_federation.charter.key_change import robbed
from fedsafe_federation.errors import FederationError
from fedsafe_federation.wire.signed import Signed, open_payload
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction

PENDING_DOCUMENT: Final = "proposals"
MOST_OF_ONE: Final = 4
"""So many proposals of one member wait at once; dead ones count as a quarter."""
MOST_GROWTH: Final = 16 * 1024
"""So many bytes a proposal is longer than the version before it at most.

All that is proposed goes to every member in one message, which has an end.
"""
_MOST_UNFIT: Final = 4
_AHEAD: Final = 24 * 60 * 60  # in seconds: clocks differ by less
_KEYS: Final = 2
"""A member signs with its old key and with its new one, and once with each."""


class Proposed(Row, frozen=True):
    """A proposed version; `by` signed it first, as far as this node knows."""

    by: str
    at: int
    payload: bytes
    signatures: list[Signed]
    refusals: list[Signed]

    @property
    def digest(self) -> bytes:
        """Name the proposal."""
        return charter_digest(self.payload)

    def refusers(self) -> set[str]:
        """Name the members that have promised never to sign it, and have not."""
        return {each.signer for each in self.refusals} - self.signers()

    def signers(self) -> set[str]:
        """Name the members that have signed it."""
        return {each.signer for each in self.signatures}

    def is_dead(self, version: Version) -> bool:
        """Whether it can never come to count any more."""
        return is_dead(version, decode(self.payload, Charter), self.refusers())

    def is_promised_dead(self, version: Version) -> bool:
        """Whether it is dead by the promises, whoever has broken one."""
        refusers = {each.signer for each in self.refusals}
        return is_dead(version, decode(self.payload, Charter), refusers)

    def robs(self, version: Version, name: str) -> bool:
        """Whether it says that a member's keys are stolen, and brings it new ones."""
        return name in robbed(version.charter, decode(self.payload, Charter))

    def tally(self, version: Version) -> Tally:
        """Count who has signed it."""
        charter = open_successor(version, self.payload)
        return tally(version, charter, self.payload, self.signatures)

    def complete(self, version: Version) -> SignedCharter | None:
        """Give the signed version, once it counts."""
        found = self.tally(version)
        return SignedCharter(list(found.signatures)) if found.complete else None


class Pending(Row, frozen=True):
    """All proposals that follow the version of that digest."""

    previous: bytes
    proposals: list[Proposed]

    def find(self, digest: bytes) -> Proposed | None:
        """Find a proposal."""
        for proposed in self.proposals:
            if proposed.digest == digest:
                return proposed
        return None

    def statements(self) -> list[Signed]:
        """Give everything that was signed: first what proposes."""
        return [
            each
            for proposed in self.proposals
            for each in [*proposed.signatures, *proposed.refusals]
        ]

    def promises(self, version: Version) -> list[Signed]:
        """Give the promises by which proposals are dead, to name who breaks one."""
        return [
            each
            for proposed in self.proposals
            if proposed.is_promised_dead(version)
            for each in proposed.refusals
        ]

    def vote(self, version: Version, name: str, *, but: bytes) -> Proposed | None:
        """Find what else a member has signed and what can still come to count."""
        for proposed in self.proposals:
            if (
                proposed.digest != but
                and name in proposed.signers()
                and not proposed.is_dead(version)
            ):
                return proposed
        return None


async def read_pending(reader: Reader, version: Version) -> Pending:
    """Read what is proposed to follow *version*."""
    kept = await reader.document(PENDING_DOCUMENT)
    if kept is not None:
        pending = decode(kept, Pending)
        if pending.previous == version.digest:
            return pending
    return Pending(version.digest, [])


async def keep_pending(tx: Transaction, pending: Pending) -> None:
    """Keep what is proposed."""
    await tx.put_document(PENDING_DOCUMENT, encode(pending))


def merged(
    pending: Pending, version: Version, statements: Iterable[Signed], *, now: int
) -> Pending:
    """Take in statements of whomever; what does not count is left aside."""
    given = sorted(statements, key=lambda each: each.type)  # signatures, then refusals
    opened: dict[bytes, Charter | None] = {}
    early: list[Signed] = []
    for statement in given:
        try:
            pending = _with(pending, version, statement, now, opened)
        except FederationError:
            if pending.find(charter_digest(statement.payload)) is None:
                early.append(statement)
    for statement in early:  # with a new key, before the old one had proposed it
        if pending.find(charter_digest(statement.payload)) is not None:
            with suppress(FederationError):
                pending = _with(pending, version, statement, now, opened)
    return pending


def _with(
    pending: Pending,
    version: Version,
    statement: Signed,
    now: int,
    opened: dict[bytes, Charter | None],
) -> Pending:
    if statement.type == CHARTER:
        known = pending.find(charter_digest(statement.payload))
        if known is None and not _may_propose(pending, version, statement):
            return pending
        charter = _successor(version, statement.payload, opened)
        if charter is None:
            return pending
        return _signed(pending, version, charter, statement, now)
    if statement.type == REFUSAL:
        return _refused(pending, version, statement)
    return pending


def _successor(
    version: Version, payload: bytes, opened: dict[bytes, Charter | None]
) -> Charter | None:
    """Open a proposed version once, however many bring a signature of it."""
    if payload not in opened:
        if sum(each is None for each in opened.values()) >= _MOST_UNFIT:
            return None  # whoever passes proposals on has none that do not fit
        try:
            opened[payload] = open_successor(version, payload)
        except FederationError:
            opened[payload] = None
    return opened[payload]


def _may_propose(pending: Pending, version: Version, statement: Signed) -> bool:
    """Whether somebody may bring another version; cheap, before it is opened.

    Raises:
        UntrustedError: they take no part, or have not signed it.
    """
    signer, before = statement.signer, version.charter
    if len(statement.payload) > len(encode(before)) + MOST_GROWTH:
        return False
    # Whoever has stolen a key cannot use up what its owner needs to take it away.
    robs = signer in robbed(before, decode(statement.payload, Charter))
    mine = [
        each
        for each in pending.proposals
        if each.by == signer and each.robs(version, signer) == robs
    ]
    alive = [each for each in mine if not each.is_dead(version)]
    if len(alive) >= MOST_OF_ONE or len(mine) >= MOST_OF_ONE * MOST_OF_ONE:
        return False
    open_payload(
        statement,
        type_=CHARTER,
        public=before.taking_part(signer).keys.statement,
        federation=before.federation,
    )
    return True


def _signed(
    pending: Pending, version: Version, charter: Charter, statement: Signed, now: int
) -> Pending:
    payload = statement.payload
    known = pending.find(charter_digest(payload))
    if known is None:
        if charter.created > max(now, version.charter.created) + _AHEAD:
            return pending
        new = Proposed(statement.signer, now, payload, [statement], [])
        return replace(pending, proposals=[*pending.proposals, new])
    of_signer = [e for e in known.signatures if e.signer == statement.signer]
    if statement in of_signer or len(of_signer) >= _KEYS:
        return pending
    tally(version, charter, payload, [statement])  # a bad one costs one look
    found = tally(version, charter, payload, [*known.signatures, statement])
    return _put(pending, replace(known, signatures=list(found.signatures)))


def _refused(pending: Pending, version: Version, statement: Signed) -> Pending:
    refusal = open_refusal(version, statement)
    known = pending.find(refusal.charter)
    if known is None or statement.signer in {each.signer for each in known.refusals}:
        return pending
    return _put(pending, replace(known, refusals=[*known.refusals, statement]))


def _put(pending: Pending, changed: Proposed) -> Pending:
    proposals: Sequence[Proposed] = [
        changed if each.digest == changed.digest else each for each in pending.proposals
    ]
    return replace(pending, proposals=list(proposals))
