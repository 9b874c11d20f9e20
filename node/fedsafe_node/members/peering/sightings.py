# SPDX-License-Identifier: Apache-2.0
"""What came of other members' signals here, and of this node's there, as sums.

`Sightings` shows this node's people how reviews here were decided, by the origin of the
signals behind them and the newest outcome, and what other members tell. A number below
`FEWEST` is not told: few reviews would tell of single accounts.

`SightingsExchange` tells each origin, when it asks, how reviews of its signals ended
here, by kind, counted since the beginning (`review.feedback`). What is told moves once
a day and in whole steps only: neither a number, nor what one adds to the last, nor the
hour in which it does, tells of fewer reviews. Nothing acts on any of it.
"""

import logging
from datetime import UTC, datetime
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.charter.charter import Member
from fedsafe_federation.errors import FederationError, StaleStatementError
from fedsafe_federation.exchange.handshake import INQUIRIES
from fedsafe_federation.exchange.peer import PeerClient
from fedsafe_federation.feed.inquiries import (
    STEP,
    in_steps,
    open_sightings,
    sign_sightings,
)
from fedsafe_federation.feed.inquiries import Sightings as Statement
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.recipients import Sighting, SightingsAnswer, ToldSighting
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import DeniedError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.evaluators import SharedLists
from fedsafe_node.log.audit import AuditTrail, Event, grounds_of
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.review_rows import ToldRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.span import SECONDS_A_DAY
from fedsafe_policies.vocabulary import Matter, Outcome, Purpose

FEWEST: Final = STEP
_DAY_KEY: Final = "sightings-told"
_LOG: Final = logging.getLogger(f"{LOGGER}.sightings")


class Sightings:
    """Tells how often which outcome came of an origin's signals."""

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock

    async def show(
        self, who: Principal, purpose: Purpose | None = None
    ) -> SightingsAnswer:
        """Tell the sums for each other member.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        now, trail = self._clock.now(), self._trail
        decision = rule_on_reading(
            self._situation, who, Matter.STATISTICS, purpose, now
        )
        if not decision.allowed:
            entry = trail.refusal(decision, at=now, actor=who.name, act="sightings")
            await self._store.write(
                lambda tx: tx.append(trail.log, entry.record, entry.openings)
            )
            raise DeniedError(decision)
        counted = await self._store.scan(lambda reader: reader.sightings())
        told = await self._store.read(lambda reader: reader.told_sightings())
        others = self._situation.others()
        sightings = [
            Sighting(
                origin=origin,
                outcomes={
                    Outcome(outcome): count
                    for (name, outcome), count in sorted(counted.items())
                    if name == origin and count >= FEWEST
                },
            )
            for origin in others
        ]
        entry = trail.entry(
            Event.SIGHTINGS_READ,
            at=now,
            actor=who.name,
            detail={"origins": len(sightings), **grounds_of(decision)},
        )

        async def act(tx: Transaction) -> None:
            await tx.append(trail.log, entry.record, entry.openings)

        await self._store.write(act)
        return SightingsAnswer(
            fewest=FEWEST,
            sightings=sightings,
            told=[_told(row) for row in told if row.member in others],
        )


class SightingsExchange:
    """Tells members how reviews of their signals ended, and takes what they tell."""

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

    async def tell(self, peer: str) -> Signed:
        """Sign for a member how many reviews of its signals ended how.

        Raises:
            WrongStateError: this node has no federation.
        """
        shared = self._shared()

        async def query(reader: Reader) -> tuple[dict[tuple[str, str], int], int]:
            day = int(await reader.meta(_DAY_KEY) or 0)
            return await reader.sighting_counts(peer), day

        counts, day = await self._store.read(query)
        sightings = Statement(
            v=1,
            member=self._situation.node,
            origin=peer,
            day=day,
            sums=in_steps(counts),
        )
        federation = shared.membership.charter.federation
        return sign_sightings(sightings, key=self._key, federation=federation)

    async def run(self) -> None:
        """Bring up to date what is told, and ask the others; both once a day.

        Raises:
            StoreError: the next run does it.
        """
        today = int(self._clock.now().timestamp()) // SECONDS_A_DAY

        async def act(tx: Transaction) -> None:
            await tx.tell_sightings(STEP)
            await tx.set_meta(_DAY_KEY, b"%d" % today)

        told = await self._store.read(lambda reader: reader.meta(_DAY_KEY))
        if int(told or 0) < today:
            await self._store.write(act)
        shared = self._situation.shared
        if shared is None:
            return
        rows = await self._store.read(lambda reader: reader.told_sightings())
        heard = {row.member: _read(row).day for row in rows}
        for member in shared.membership.others:
            features = self._situation.features.get(member.name, frozenset())
            if INQUIRIES in features and heard.get(member.name, -1) < today:
                await self._ask(member, shared, heard.get(member.name, -1), today)

    async def _ask(
        self, member: Member, shared: SharedLists, known: int, today: int
    ) -> None:
        me, charter = self._situation.node, shared.membership.charter
        try:
            statement = await self._client.sightings(member)
            sightings = open_sightings(
                statement, member=member.name, me=me, charter=charter
            )
            if sightings.day > today + 1:
                raise StaleStatementError(member.name, "it lies in the future")
        except FederationError as error:
            reason = type(error).__name__
            _LOG.info("no sightings", extra=fields(peer=member.name, reason=reason))
            return  # it is away, or tells what it may not: the next time
        if sightings.day <= known:
            return  # its day has not begun yet
        moment = self._clock.now()
        row = ToldRow(
            member=member.name,
            received_at=int(moment.timestamp()),
            statement=encode(statement),
        )
        entry = self._trail.entry(
            Event.SIGHTINGS_TAKEN, at=moment, detail={"peer": member.name}
        )

        async def act(tx: Transaction) -> None:
            await tx.put_told(row)
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    def _shared(self) -> SharedLists:
        shared = self._situation.shared
        if shared is None:
            raise WrongStateError(
                "no_federation", Phrase("this node does not belong to a federation")
            )
        return shared


def _read(row: ToldRow) -> Statement:
    """Read what was checked when it was taken."""
    return decode(decode(row.statement, Signed).payload, Statement)


def _told(row: ToldRow) -> ToldSighting:
    statement = _read(row)
    day = datetime.fromtimestamp(statement.day * SECONDS_A_DAY, UTC).date()
    return ToldSighting(
        member=row.member, day=day.isoformat(), kinds=dict(statement.sums)
    )
