# SPDX-License-Identifier: Apache-2.0
"""Compare with each other member what was evaluated for whom on past days.

Each node signs, for the member that asks, what it counted with it on a day that is
over; both compare. A difference is an audit event, and stays in the node's status for
a week: who has a member's keys and asks in its name shows here.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import FederationError
from fedsafe_federation.evaluation.metering import HOURS, Quota
from fedsafe_federation.evaluation.tallies import (
    KEPT_DAYS,
    Counted,
    Tally,
    day_of,
    difference,
    open_tally,
    sign_tally,
)
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.peering_rows import LeasedRow, Side, TallyRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import EvaluationPurpose

SETTLED: Final = timedelta(minutes=10)
"""So long after its end a day is counted to the end by all processes."""
_LEASES: Final = 4  # of each side, two processes may have been killed
_LOG = logging.getLogger(f"{LOGGER}.tallies")


class Tallying:
    """Tells what was counted, and compares it with what others tell."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        client: PeerClient,
        key: SigningKey,
        trail: AuditTrail,
        clock: Clock,
    ) -> None:
        self._situation = situation
        self._store = store
        self._client = client
        self._key = key
        self._trail = trail
        self._clock = clock

    async def own(self, day: int, peer: str) -> Signed:
        """Sign what this node has counted with a member on a day.

        Raises:
            WrongStateError: the day is not over yet, or there is no federation.
            NotFoundError: it was too long ago.
        """
        newest = self._newest()
        if day > newest:
            raise WrongStateError(
                "day_not_over", Phrase("that day is not counted to its end")
            )
        if day <= newest - KEPT_DAYS:
            raise NotFoundError(Phrase("no such tally of that day"))
        tally = Tally(
            v=1,
            sender=self._situation.node,
            receiver=peer,
            day=day,
            counted=await self._counted(day, peer),
        )
        federation = self._shared().membership.charter.federation
        return sign_tally(tally, key=self._key, federation=federation)

    async def run(self) -> None:
        """Compare with every other member what was not compared yet.

        Raises:
            StoreError: what was compared is not kept.
        """
        newest = self._newest()
        shared = self._situation.shared
        if shared is None:
            return
        first = newest - KEPT_DAYS + 1
        rows = await self._store.read(lambda reader: reader.tallies(first))
        known = {(row.author, row.day) for row in rows}
        for member in shared.membership.others:
            days = [
                day
                for day in range(newest, first - 1, -1)
                if (member.name, day) not in known and day >= self._began(shared)
            ]
            await self._compare_days(member, days)

    async def _compare_days(self, member: Member, days: Sequence[int]) -> None:
        for day in days:
            try:
                statement = await self._client.tally(member, day)
                await self._compare(member.name, day, statement)
            except FederationError as error:
                reason = type(error).__name__
                _LOG.info("no tally", extra=fields(peer=member.name, reason=reason))
                return  # it is away, or refuses: the next time

    async def _compare(self, peer: str, day: int, statement: Signed) -> None:
        charter = self._shared().membership.charter
        tally = open_tally(
            statement, sender=peer, me=self._situation.node, day=day, charter=charter
        )
        own = await self._counted(day, peer)
        differs = difference(own, tally.counted, self._tolerances())
        if differs:
            _LOG.warning("tallies differ", extra=fields(peer=peer, count=differs))
        entry = self._trail.entry(
            Event.EVALUATIONS_COMPARED,
            at=self._clock.now(),
            outcome="differs" if differs else "agrees",
            detail={"peer": peer, "day": day, "elements": differs},
        )
        row = TallyRow(peer, day, encode(statement), differs)

        async def act(tx: Transaction) -> None:
            await tx.put_tally(row)
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    async def _counted(self, day: int, peer: str) -> dict[str, Counted]:
        first, last = day * HOURS, day * HOURS + HOURS - 1

        async def query(reader: Reader) -> list[LeasedRow]:
            return await reader.all_leased(first, last)

        sums: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for row in await self._store.read(query):
            if row.member == peer and row.elements:
                side = Side(row.side).value
                sums[row.purpose][side] = sums[row.purpose].get(side, 0) + row.elements
        return {name: Counted(**found) for name, found in sums.items()}

    def _tolerances(self) -> Mapping[str, int]:
        budgets = self._situation.policy.document.budgets
        return {
            purpose.value: _LEASES
            * Quota(
                day=budgets.evaluations_a_day.get(purpose, 0),
                hour=budgets.evaluations_an_hour.get(purpose, 0),
            ).lease
            for purpose in EvaluationPurpose
        }

    def _newest(self) -> int:
        return day_of(self._clock.now() - SETTLED) - 1

    def _began(self, shared: SharedLists) -> int:
        return shared.membership.charter.created // (HOURS * 60 * 60)

    def _shared(self) -> SharedLists:
        shared = self._situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return shared
