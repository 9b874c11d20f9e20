# SPDX-License-Identifier: Apache-2.0
"""Wishes of suspended members to leave: the own one, and those of others.

The own wish, once two people have said it, goes to all who take part until the node is
no member any more, or is not suspended any more: then it leaves as others do. Others'
wishes are shown to this node's people, who fulfil them (`federation expel`).
"""

import logging
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.amendment import Version
from fedsafe_federation.charter.charter import Charter, charter_digest
from fedsafe_federation.charter.departure import open_leaving, sign_leaving
from fedsafe_federation.errors import FederationError
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.keys.charter_chain import read_chain, read_version
from fedsafe_node.log.audit import Event
from fedsafe_node.people.office import Office
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_LOG = logging.getLogger(f"{LOGGER}.governing")
_OWN: Final = "leaving"
_OTHERS: Final = "leaving/"


class Wishes:
    """Keeps the own wish to leave and others'.

    Owned by the event loop: `_told`, under which version each member was told.
    """

    def __init__(
        self, office: Office, situation: Situation, client: PeerClient, key: SigningKey
    ) -> None:
        self._office = office
        self._situation = situation
        self._client = client
        self._key = key
        self._told: dict[str, bytes] = {}

    async def take(self, statement: Signed) -> None:
        """Keep a member's wish to leave.

        Raises:
            UntrustedError: it is no member's, or badly signed.
            MalformedError: it is none, was said under another version, or by a member
                that takes part.
            WrongStateError: this node has no federation.
        """

        async def act(tx: Transaction) -> None:
            name = await _open(tx, statement)
            if name in await _wishing(tx):  # however often it is said, and signed
                nothing_happened()
                return
            await tx.put_document(_OTHERS + name, encode(statement))
            await self._office.note(tx, Event.MEMBER_LEAVING, "", {"name": name})

        # Anybody may say so: whoever has not signed it takes no turn of the writer.
        await self._office.store.read(lambda reader: _open(reader, statement))
        await self._office.store.write(act)

    async def shown(self) -> list[str]:
        """Name the members that want to leave what the charter says now."""
        return await self._office.store.read(_wishing)

    async def tell(self) -> None:
        """Tell all who take part of the own wish, while it stands."""
        shared = self._situation.shared
        if shared is None or shared.membership.me.active:
            return
        membership = shared.membership
        name, digest = membership.me.name, membership.version.digest
        if not await self._office.store.scan(lambda reader: _stands(reader, name)):
            return
        wish = sign_leaving(membership.version, signer=name, key=self._key)
        for member in membership.others:
            if self._told.get(member.name) == digest:
                continue
            try:
                await self._client.tell_leaving(member, wish)
                self._told[member.name] = digest
            except FederationError as error:
                facts = fields(peer=member.name, reason=type(error).__name__)
                _LOG.info("the wish to leave is not told", extra=facts)


async def keep_wish(tx: Transaction, version: Version) -> None:
    """Keep the own wish to leave, within the act that decides it."""
    await tx.put_document(_OWN, version.digest)


async def _stands(reader: Reader, name: str) -> bool:
    """Whether the node has been suspended in every version since it said the wish.

    What it said before it was reinstated, or left and came back, is over.
    """
    said = await reader.document(_OWN)
    if not said:
        return False
    for document in reversed(await read_chain(reader)):
        charter = decode(document.payload, Charter)
        if not any(each.name == name and not each.active for each in charter.members):
            return False
        if charter_digest(document.payload) == said:
            return True
    return False


async def _open(reader: Reader, statement: Signed) -> str:
    """Check a wish against the version that counts; name who has it."""
    version = await read_version(reader)
    if version is None:
        raise WrongStateError(
            "no_federation", Phrase("this node does not belong to a federation")
        )
    return open_leaving(version, statement)


async def _wishing(reader: Reader) -> list[str]:
    version = await read_version(reader)
    found: list[str] = []
    for member in version.charter.members if version is not None else ():
        kept = await reader.document(_OTHERS + member.name)
        if not kept or version is None:
            continue
        try:
            found.append(open_leaving(version, decode(kept, Signed)))
        except FederationError:
            continue  # another version counts by now: it is said anew, or not
    return found
