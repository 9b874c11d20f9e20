# SPDX-License-Identifier: Apache-2.0
"""Hand disputes on that others may lack, and take those that others hand on.

A member that says something else to each could keep a dispute from the origin, and only
the origin rules. So whoever holds a dispute that its author's feed does not show brings
it to the origin of the signal; and two with one number, which convict their author
before anybody, go to all.

A statement acts on its signature and authority alone, whoever brings it: nobody can
hand on anything but what its author has signed, and it counts against that author.
"""

import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import FederationError, TooManyRestrictionsError
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.exchange.handshake import FORWARDED_DISPUTES
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.restrictions import MAX_FORWARDED, Forwarded
from fedsafe_federation.feed.verification import (
    VerifiedRestriction,
    verify_restrictions,
)
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.disputes import DisputesTaken
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import BadRequestError, WrongStateError, words_of
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.double_disputes import read_double
from fedsafe_node.signals.intake import Intake
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Effect

PATIENCE: Final = 10 * 60
"""So many seconds an author has to show a dispute, before others hand it on."""
_BATCH: Final = 2_000
_LOG: Final = logging.getLogger(f"{LOGGER}.disputes")


class DisputeForwarding:
    """Brings others what they may lack, and takes what they bring.

    State, owned by the event loop: `_told` is what each member has since this process
    began. What is brought again changes nothing.
    """

    def __init__(
        self,
        situation: Situation,
        store: Store,
        clock: Clock,
        client: PeerClient,
        intake: Intake,
    ) -> None:
        self._situation = situation
        self._store = store
        self._clock = clock
        self._client = client
        self._intake = intake
        self._told: set[tuple[str, bytes]] = set()

    async def run(self) -> None:
        """Bring what is due; a job of the node's clockwork."""
        shared = self._situation.shared
        if shared is None:
            return
        hidden, twice = await self._store.read(self._due)
        for member in shared.membership.others:
            if FORWARDED_DISPUTES not in self._client.features(member.name):
                continue  # of the version before, or not heard of yet
            wanted = [*hidden.get(member.name, ()), *twice]
            owed = [
                each
                for each in wanted
                if each.signer != member.name
                and (member.name, digest(each)) not in self._told
            ]
            await self._bring(member, owed[:MAX_FORWARDED])

    async def take(self, forwarded: Forwarded, peer: str) -> DisputesTaken:
        """Take what a member hands on; one that is no dispute holds up no other.

        Raises:
            BadRequestError: none is a dispute of a member.
            WrongStateError: this node has no federation, or has no room for more of
                their author.
        """
        shared = self._situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        charter = shared.membership.charter
        found, faults = verify_restrictions(forwarded.disputes, charter)
        good = [each for each in found if each.restriction.effect is Effect.DISPUTED]
        if not good:
            why = faults[0] if faults else Phrase("only disputes can be forwarded here")
            raise BadRequestError("no_dispute", why, pointer="/disputes")
        others = [
            each for each in good if each.restriction.author != self._situation.node
        ]
        new = not all(
            [await self._store.read(partial(_is_here, each=each)) for each in others]
        )
        try:
            await self._intake.restrict(peer, good)
        except TooManyRestrictionsError as error:
            raise WrongStateError("no_room", words_of(error)) from None
        if not new:
            nothing_happened()
        return DisputesTaken(disputes=len(good))

    async def _due(
        self, reader: Reader
    ) -> tuple[dict[str, list[Signed]], list[Signed]]:
        node, now = self._situation.node, int(self._clock.now().timestamp())
        hidden: dict[str, list[Signed]] = {}
        for row in await reader.disputes_unrecorded(node, now - PATIENCE, _BATCH):
            if (row.origin, row.digest) in self._told:
                continue
            kept = await reader.restriction(row.digest)
            if kept is not None:
                statement = decode(kept.statement, Signed)
                hidden.setdefault(row.origin, []).append(statement)
        twice: list[Signed] = []
        for author in self._situation.others():
            twice += await read_double(reader, author)
        return hidden, twice

    async def _bring(self, member: Member, owed: Sequence[Signed]) -> None:
        if not owed:
            return
        try:
            await self._client.forward_disputes(member, Forwarded(1, list(owed)))
        except FederationError as error:
            facts = fields(peer=member.name, reason=type(error).__name__)
            _LOG.info("disputes not handed on", extra=facts)
        else:
            self._told.update((member.name, digest(each)) for each in owed)


async def _is_here(reader: Reader, *, each: VerifiedRestriction) -> bool:
    return await reader.dispute(digest(each.statement)) is not None
