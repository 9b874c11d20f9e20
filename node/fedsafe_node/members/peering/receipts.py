# SPDX-License-Identifier: Apache-2.0
"""Erasure receipts: give them for what was erased here, take those of other members.

What an origin's restrictions stop is erased in the act that applies them. `Receipting`
then clears the residues out of the store and tells the origin, with a signed receipt,
up to which restriction, by which method, and until when copies may hold it. It asks
nobody for anything: a receipt that did not arrive is given again, also after a restart.

`ReceiptTaker` is the origin's side. A receipt pays the debt of its member
(`overdue_erasures`), whenever it comes. It may be false, which nothing here can show.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Charter, Member
from fedsafe_federation.errors import FederationError
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.batch import MAX_RECORDS
from fedsafe_federation.feed.receipts import Receipt, open_receipt, sign_receipt
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.bodies import ErasureShown
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import BadRequestError, StoreError, WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.keys.charter_chain import parted, read_charters
from fedsafe_node.keys.membership import Membership
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.peering_rows import HeardRow, ReceiptRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry, SignalRow, sequence_key
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Effect, ErasureMethod

GATHER: Final = 1.0
"""So many seconds what comes together is waited for: one receipt covers it all."""
LOOK: Final = 60.0
AGAIN: Final = 0.5
_LOG: Final = logging.getLogger(f"{LOGGER}.receipts")
_DAY: Final = 24 * 60 * 60
_MERGE_DAYS: Final = 1  # by then the files of the token index are written anew


@dataclass(slots=True)
class Signer:
    """Signs what this node says that it has erased."""

    situation: Situation
    store: Store
    key: SigningKey
    trail: AuditTrail
    clock: Clock

    def sign(
        self, origin: str, through: int, federation: str, *, parted: int = 0
    ) -> tuple[Receipt, Signed]:
        """Say of an origin what is erased at this moment, and cleared."""
        at = int(self.clock.now().timestamp())
        kept = self.situation.config.backups.kept_days + _MERGE_DAYS
        leaves = self.store.leaves_residues()
        receipt = Receipt(
            v=1,
            member=self.situation.node,
            origin=origin,
            through=through,
            at=at,
            method=ErasureMethod.DELETED if leaves else ErasureMethod.OVERWRITTEN,
            residual_until=at + kept * _DAY,
            parted=parted,
        )
        return receipt, sign_receipt(receipt, key=self.key, federation=federation)

    def entry(self, event: Event, receipt: Receipt, statement: Signed) -> LogEntry:
        """Write down that a receipt was given, or taken."""
        return self.trail.entry(
            event,
            at=self.clock.now(),
            detail=describe(receipt, statement),
        )


def describe(receipt: Receipt, statement: Signed) -> dict[str, str | int]:
    """Say what a receipt says, as the audit log tells it."""
    detail: dict[str, str | int] = {
        "member": receipt.member,
        "origin": receipt.origin,
        "sequence": receipt.through,
        "method": receipt.method.value,
        "erased_at": receipt.at,
        "residual_until": receipt.residual_until,
        "digest": digest(statement).hex(),
        "rule": "P11",
    }
    return detail | ({"parted": receipt.parted} if receipt.parted else {})


class Receipting:
    """Clears what was erased, and gives each origin its receipt.

    State, owned by the event loop: `_wake`, set by whoever applied restrictions, and
    `_failed`, the origins that could not be told.
    """

    def __init__(self, signer: Signer, client: PeerClient) -> None:
        self._signer = signer
        self._client = client
        self._wake = asyncio.Event()
        self._failed: set[str] = set()

    def wake(self) -> None:
        """Clear and tell soon: something was erased."""
        self._wake.set()

    def heard(self, origin: str) -> None:
        """Tell an origin that could not be told: it asks for something, so it lives."""
        if origin in self._failed:
            self._wake.set()

    async def run(self, membership: Membership) -> None:
        """Give receipts to all other members until cancelled."""
        while True:
            self._wake.clear()
            pause = await self._round(membership)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()
                await asyncio.sleep(GATHER)

    async def _round(self, membership: Membership) -> float:
        """Do what is due; tell after how many seconds to look again at the latest."""
        try:
            owed = await self._owed(membership)
            if not owed:
                return LOOK
            if not await self._signer.store.scrub():
                return AGAIN  # a reader hinders
            given = await asyncio.gather(
                *(self._give(membership, *each) for each in owed)
            )
        except StoreError as error:
            _LOG.warning("no receipt", extra=fields(reason=type(error).__name__))
            return LOOK
        return LOOK if all(given) else LOOK / 4

    async def _owed(self, membership: Membership) -> Sequence[tuple[Member, int]]:
        async def query(reader: Reader) -> list[tuple[Member, int]]:
            found: list[tuple[Member, int]] = []
            for member in membership.others:
                applied = int(await reader.meta(sequence_key(member.name)) or 0)
                given = int(await reader.meta(_given_key(member.name)) or 0)
                if applied > given:
                    found.append((member, applied))
            return found

        return await self._signer.store.read(query)

    async def _give(self, membership: Membership, member: Member, through: int) -> bool:
        federation = membership.charter.federation
        receipt, statement = self._signer.sign(member.name, through, federation)
        try:
            await self._client.give_receipt(member, statement)
        except FederationError as error:
            reason = type(error).__name__
            _LOG.info("no receipt", extra=fields(peer=member.name, reason=reason))
            self._failed.add(member.name)
            return False
        self._failed.discard(member.name)
        entry = self._signer.entry(Event.RECEIPT_GIVEN, receipt, statement)

        async def act(tx: Transaction) -> None:
            await tx.set_meta(_given_key(member.name), b"%d" % through)
            await tx.append(self._signer.trail.log, entry.record, entry.openings)

        await self._signer.store.write(act)
        return True


class ReceiptTaker:
    """Takes what other members have signed that they erased."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    async def take(self, statement: Signed) -> None:
        """Keep a receipt; one that covers no more than another does no harm.

        Who is no member any more gives one for all that it had, by the key in the last
        version of the charter that lists it.

        Raises:
            UntrustedError: no member signed it, or it is for another origin.
            StaleStatementError: it was made in the future.
            MalformedError: it is no receipt, or its times do not fit.
            BadRequestError: this node has not restricted that much, or they did not
                part then.
            WrongStateError: this node never had a federation.
        """
        signer = self._signer
        me, now = signer.situation.node, signer.clock.now()
        charter = await self._charter_with(statement.signer)
        receipt = open_receipt(statement, me=me, charter=charter, now=now)
        if receipt.parted or not self._is_member(receipt.member):
            charters = await signer.store.scan(read_charters)
            version, _ = parted(charters, me).get(receipt.member, (0, None))
            if receipt.parted != version or not version:
                raise BadRequestError(
                    "bad_position", Phrase("the two did not part then")
                )
        await self._keep(receipt, statement, now)

    def _is_member(self, name: str) -> bool:
        shared = self._signer.situation.shared
        members = shared.membership.charter.members if shared is not None else ()
        return any(each.name == name for each in members)

    async def _charter_with(self, name: str) -> Charter:
        """Give the newest version that lists a node, or the newest of all."""
        shared = self._signer.situation.shared
        if shared is not None and self._is_member(name):
            return shared.membership.charter
        charters = await self._signer.store.scan(read_charters)
        if not charters:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        listing = [
            each for each in charters if any(one.name == name for one in each.members)
        ]
        return (listing or charters)[-1]

    async def _keep(self, receipt: Receipt, statement: Signed, now: datetime) -> None:
        signer, at = self._signer, int(now.timestamp())
        entry = signer.entry(Event.RECEIPT_TAKEN, receipt, statement)
        row = _row(receipt, statement, at)

        async def act(tx: Transaction) -> bool:
            stated = int(await tx.meta(sequence_key(signer.situation.node)) or 0)
            if receipt.through > stated:
                why = Phrase("this node has restricted {stated} times").filled(
                    stated=stated
                )
                raise BadRequestError("bad_position", why)
            if not await tx.add_receipt(row):
                return False
            await tx.set_heard(
                HeardRow(recipient=receipt.member, sequence=receipt.through, at=at)
            )
            await tx.append(signer.trail.log, entry.record, entry.openings)
            return True

        if not await signer.store.write(act):
            nothing_happened()


def _row(receipt: Receipt, statement: Signed, at: int) -> ReceiptRow:
    return ReceiptRow(
        member=receipt.member,
        seq=receipt.through,
        parted=receipt.parted,
        method=receipt.method.value,
        erased_at=receipt.at,
        residual_until=receipt.residual_until,
        received_at=at,
        statement=encode(statement),
    )


def _given_key(origin: str) -> str:
    return f"receipted/{origin}"


async def read_erasure(reader: Reader, row: SignalRow) -> ErasureShown | None:
    """Read who has signed that a signal of the own feed is erased.

    None while nothing has ended it, or only its time.
    """
    ended = await ended_by(reader, row.origin, row.signal_id)
    if ended is None:
        return None
    recipients = {run.recipient for run in await reader.handed(row.index, MAX_RECORDS)}
    receipts = await reader.receipts_for(ended)
    given = [each for each in receipts if each.member in recipients]
    last = max((each.residual_until for each in given), default=None)
    until = None if last is None else datetime.fromtimestamp(last, UTC)
    return ErasureShown(
        recipients=len(recipients),
        receipts=len(given),
        residual_until=None if until is None else until.isoformat(timespec="seconds"),
    )


async def ended_by(reader: Reader, node: str, signal_id: bytes) -> int | None:
    """Return the number of this node's own statement that has stopped a signal."""
    return max(
        (
            row.sequence
            for row in await reader.restrictions_on(node, signal_id)
            if row.author == node and row.effect != Effect.DISPUTED
        ),
        default=None,
    )
