# SPDX-License-Identifier: Apache-2.0
"""Receipts between nodes of which one is no member any more.

Of a member that left or was expelled all is erased here (`signals.departure`), and so
it is there of ours. Each side signs that for the other once, keeps it, and gives it
until it is taken; both find the other's address and key in the last version of the
charter that lists it. What the other owes is a debt like any (`overdue_erasures`): it
alarms.

The note of all partings is one value of the store: by node, since which version and
moment, and the receipt that was signed here.
"""

import logging
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import FederationError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.charter_chain import parted, read_charters
from fedsafe_node.log.audit import Event
from fedsafe_node.members.peering.receipts import Signer
from fedsafe_node.members.peering.repeats import end_grant
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import sequence_key
from fedsafe_node.store.transaction import Transaction

_KEY: Final = "partings"
_PATIENCE: Final = 30 * 24 * 60 * 60  # so long a receipt is given that nobody takes
_LOG: Final = logging.getLogger(f"{LOGGER}.partings")


class Parting(msgspec.Struct, frozen=True):
    """A node that this one is in no federation with since a version of the charter.

    `receipt` was signed here, once all that it gave was erased; `taken` by it.
    """

    version: int
    since: int
    receipt: Signed | None = None
    taken: bool = False


async def read_partings(reader: Reader) -> dict[str, Parting]:
    """Read from whom this node was parted, and has not met again."""
    kept = await reader.meta(_KEY)
    return decode(kept, dict[str, Parting]) if kept else {}


async def unreceipted(reader: Reader) -> dict[str, int]:
    """Tell who has received something, was parted from, and has given no receipt."""
    partings = await read_partings(reader)
    if not partings:
        return {}
    receipts = {(row.member, row.parted) for row in await reader.partings()}
    received = await reader.handed_after(0)
    return {
        name: each.since
        for name, each in partings.items()
        if name in received and (name, each.version) not in receipts
    }


class Partings:
    """Signs and gives the receipts of partings. A job of the node's clockwork."""

    def __init__(self, signer: Signer, client: PeerClient) -> None:
        self._signer = signer
        self._client = client

    async def run(self) -> None:
        """Note who was parted from, sign what is erased, and give what was not taken.

        Raises:
            StoreError: the rest is done by the next run.
        """
        store, node = self._signer.store, self._signer.situation.node
        charters = await store.scan(read_charters)
        others = parted(charters, node)
        known = await store.read(read_partings)
        if not others and not known:
            return
        await self._note({name: version for name, (version, _) in others.items()})
        known = await store.read(read_partings)
        for name, parting in known.items():
            _, member = others[name]
            federation = charters[-1].federation
            await self._serve(member, parting, federation)

    async def _note(self, versions: Mapping[str, int]) -> None:
        now = int(self._signer.clock.now().timestamp())

        async def act(tx: Transaction) -> None:
            known = await read_partings(tx)
            noted = {
                name: known[name]
                if name in known and known[name].version == version
                else Parting(version, now)
                for name, version in versions.items()
            }
            if noted != known:
                await tx.set_meta(_KEY, encode(noted))
                for name, each in noted.items():
                    if known.get(name) != each:
                        await end_grant(tx, name)

        await self._signer.store.write(act)

    async def _serve(self, member: Member, parting: Parting, federation: str) -> None:
        now = int(self._signer.clock.now().timestamp())
        if parting.taken or now > parting.since + _PATIENCE:
            return
        receipt = parting.receipt
        if receipt is None:
            receipt = await self._sign(member.name, parting, federation)
        if receipt is None:
            return
        try:
            await self._client.give_receipt(member, receipt)
        except FederationError as error:
            reason = type(error).__name__
            _LOG.info("no receipt", extra=fields(peer=member.name, reason=reason))
            return
        await self._keep(member.name, replace(parting, receipt=receipt, taken=True))

    async def _sign(
        self, name: str, parting: Parting, federation: str
    ) -> Signed | None:
        """Sign that all which a node gave is erased, once it is and is cleared."""
        signer = self._signer

        async def query(reader: Reader) -> tuple[bool, int]:
            held = await reader.held_signals(name, 1)
            return bool(held), int(await reader.meta(sequence_key(name)) or 0)

        holds, through = await signer.store.read(query)
        if holds or not await signer.store.scrub():
            return None
        receipt, statement = signer.sign(
            name, through, federation, parted=parting.version
        )
        entry = signer.entry(Event.RECEIPT_GIVEN, receipt, statement)

        async def act(tx: Transaction) -> None:
            known = await read_partings(tx)
            known[name] = replace(parting, receipt=statement)
            await tx.set_meta(_KEY, encode(known))
            await tx.append(signer.trail.log, entry.record, entry.openings)

        await signer.store.write(act)
        return statement

    async def _keep(self, name: str, parting: Parting) -> None:
        async def act(tx: Transaction) -> None:
            known = await read_partings(tx)
            if name in known:
                await tx.set_meta(_KEY, encode(known | {name: parting}))

        await self._signer.store.write(act)
