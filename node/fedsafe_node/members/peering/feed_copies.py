# SPDX-License-Identifier: Apache-2.0
"""Carry the feeds of other members, to whom cannot reach their origin.

What a member holds of another's feed is what all hold of it: records with salted
commitments, restrictions, a checkpoint that its origin signed. Openings are not
carried, since only an origin that hands them out itself knows who has them. Of records
that are in quarantine here none is carried; restrictions are.

Its origin itself asks when it has lost them (`fedsafe restore`): it is given back what
it has given, and so learns anew who has which. That is an event of the audit log; what
it asks for again is counted, and is an event an hour.
"""

from collections.abc import Sequence

from fedsafe_federation.charter.charter import Member
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.feed.batch import (
    MAX_RECORDS,
    MAX_RESTRICTIONS,
    FeedOpening,
    FeedRequest,
    RecordLine,
    encode_batch,
)
from fedsafe_federation.feed.verification import feed_name, open_checkpoint
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import BadRequestError, NotFoundError
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.proofs import prove_consistency
from fedsafe_node.members.peering.repeats import Handed, count_served
from fedsafe_node.rules.budgets.feeds import Served
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase


class CopyServer:
    """Serves what this node has verified of other members' feeds.

    State, owned by the event loop: `_given` has a bit for each entry whose opening its
    origin was given back since this process began.
    """

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock
        self._given: dict[str, int] = {}

    async def batch(self, request: FeedRequest, asker: str) -> Served:
        """Give a batch of another member's feed, up to where the copy here is whole.

        With the openings that are held here, if its origin is the *asker*.

        Raises:
            NotFoundError: it is no member's, or no whole copy is here.
            BadRequestError: the asker has more, or a limit out of bounds.
        """
        if not 1 <= request.limit <= MAX_RECORDS:
            raise BadRequestError(
                "bad_limit",
                Phrase("limit is 1 to {most}").filled(most=MAX_RECORDS),
            )
        origin = self._member(request.origin)
        is_own = asker == origin.name
        # Encoding is part of the query: both are away from the event loop.
        aside = self._situation.coverage.set_aside.get(origin.name)
        served, held = await self._store.scan(
            lambda reader: _batch(
                reader, origin, request, None if is_own else aside, is_own=is_own
            )
        )
        if not held:
            nothing_happened()
        else:
            await self._account(request, asker, held)
        return served

    async def _account(
        self, request: FeedRequest, asker: str, held: Sequence[int]
    ) -> None:
        """Write down what goes back to its origin: at once, or by the hour."""
        moment = self._clock.now()
        before, mask = self._given.get(asker, 0), 0
        for index in held:
            mask |= 1 << (index - held[0])
        given = before | mask << held[0]
        if given == before:
            at = int(moment.timestamp())
            handed = Handed([], len(held), held[0], held[-1])
            await self._store.write(
                lambda tx: count_served(tx, asker, request.origin, handed, at=at)
            )
            return
        entry = self._trail.entry(
            Event.FEED_SERVED,
            at=moment,
            detail={
                "peer": asker,
                "origin": request.origin,
                "since": request.since,
                "openings": len(held),
            },
        )

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        self._given[asker] = self._given.get(asker, 0) | given

    def _member(self, name: str) -> Member:
        shared = self._situation.shared
        for member in shared.membership.others if shared is not None else ():
            if member.name == name:
                return member
        raise NotFoundError(Phrase("no such feed"))


async def _batch(
    reader: Reader,
    origin: Member,
    request: FeedRequest,
    aside: int | None,
    *,
    is_own: bool,
) -> tuple[Served, list[int]]:
    row = await reader.peer(origin.name)
    if row is None or not row.checkpoint:
        raise NotFoundError(Phrase("no such copy of that feed"))
    kept = open_checkpoint(origin, row.checkpoint, trust=Trust.KEPT)
    size, log = kept.size, feed_name(origin.name)
    if row.cursor != size:
        raise NotFoundError(Phrase("no such whole copy of that feed"))
    since, known = request.since, request.known
    if not 0 <= since <= size or not 0 <= known <= size:
        raise BadRequestError("bad_position", Phrase("the copy here is not that long"))
    until = size if aside is None else max(since, min(size, aside))
    records = await reader.records(log, since, min(request.limit, until - since))
    stop, held = since + len(records), dict[int, FeedOpening]()
    if is_own and records:
        held = await _held(reader, log, since, len(records))
    rows = await reader.restrictions_by(
        origin.name, request.restrictions, MAX_RESTRICTIONS
    )
    lines = [
        RecordLine(at, record, held.get(at)) for at, record in enumerate(records, since)
    ]
    data = encode_batch(
        [decode(row.statement, Signed) for row in rows],
        lines,
        next_index=stop,
        checkpoint=row.checkpoint,
        consistency=await _consistency(reader, log, known, size),
        extends=await _consistency(reader, log, stop, size),
        bulk=request.bulk,
    )
    return Served(data, len(records)), sorted(held)


async def _held(
    reader: Reader, log: str, since: int, count: int
) -> dict[int, FeedOpening]:
    kept = await reader.openings(log, since, count)
    return {
        each.index: FeedOpening(salt=each.opening.salt, payload=each.opening.payload)
        for each in kept
        if each.opening is not None
    }


async def _consistency(reader: Reader, log: str, old: int, new: int) -> list[bytes]:
    return await prove_consistency(reader, log, old, new) if 0 < old < new else []
