# SPDX-License-Identifier: Apache-2.0
"""Ask the other members what they have seen of each other's logs.

A witness alone cannot see that a log has shown another witness another tree. So each
member compares what it has cosigned with what the others have: a log that signed two
trees of one size is a fork (`witness.fork`). Of trees of different sizes nothing can be
said without the log's own proof, so this finds a split view by and by, not for sure.
"""

from fedsafe_crypto.errors import CryptoError
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import PeerError
from fedsafe_federation.exchange.peer import WITNESS_PATH, PeerClient
from fedsafe_federation.feed.verification import feed_name
from fedsafe_node.members.forks import Forks
from fedsafe_node.members.peering.witnessing import WitnessServer
from fedsafe_node.rules.policy_context import Situation


class Comparing:
    """Compares with each other member, one request after the other."""

    def __init__(
        self,
        situation: Situation,
        client: PeerClient,
        server: WitnessServer,
        forks: Forks,
    ) -> None:
        self._situation = situation
        self._client = client
        self._server = server
        self._forks = forks

    async def run(self) -> None:
        """Compare all logs with all other members that answer.

        Raises:
            StoreError: a fork was not written down.
        """
        shared = self._situation.shared
        others = shared.membership.others if shared is not None else ()
        for witness in others:
            try:
                for member in others:
                    if member.name != witness.name:
                        await self._compare(witness, member)
            except PeerError:
                continue  # it is away, or refuses: the next time
        await self._forks.send_again()

    async def _compare(self, witness: Member, member: Member) -> None:
        prefix = witness.url + WITNESS_PATH
        anchor = await self._server.anchor_of(member.name)
        for name in (anchor, feed_name(member.name)):
            note = await self._client.witnessed(witness.name, prefix, name)
            if note is None:
                continue
            try:
                await self._server.compare(name, note)
                if name == feed_name(member.name):
                    by = f"comparing with {witness.name}"
                    await self._forks.compare_copy(member, note, by=by)
            except CryptoError:
                raise PeerError(
                    witness.name, "what it has seen is not signed"
                ) from None
