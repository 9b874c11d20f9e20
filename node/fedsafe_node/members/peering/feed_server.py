# SPDX-License-Identifier: Apache-2.0
"""Serve the own feed to members.

A batch is read on one snapshot. Its checkpoint is kept by the rollback guard
before it leaves, and a batch that hands out openings leaves only after the audit
event that names its receiver, and the lines of the recipient ledger, are durable.
What the member has had before is counted there, in the same act, and tells an event
once an hour (`repeats`).
The act that enters them finds every opening still there, and nothing restricted since
the snapshot; otherwise it reads the batch anew. So whoever gets an opening whose end is
durable already is never left out of the ledger, nor told of it behind that end.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_crypto.tlog.checkpoint import Checkpoint, sign_checkpoint
from fedsafe_federation.feed.appeals import AppealOutcome
from fedsafe_federation.feed.batch import (
    MAX_RECORDS,
    MAX_RESTRICTIONS,
    FeedOpening,
    FeedRequest,
    RecordLine,
    encode_batch,
)
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.feed.witness_policy import Policy
from fedsafe_federation.wire.pace import Offload
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import BadRequestError, NotFoundError
from fedsafe_node.ground.trace import nothing_happened
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.proofs import SignedTree, log_root, prove_consistency
from fedsafe_node.members.peering.disclosure import Hander
from fedsafe_node.members.peering.repeats import count_served, enter
from fedsafe_node.members.peering.witness_requests import largest
from fedsafe_node.rules.budgets.feeds import Served
from fedsafe_node.store.peering_rows import HandedRow, HeardRow
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Tail, sequence_key
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_LARGE: Final = 64


@dataclass(frozen=True, slots=True)
class _Page:
    """What one snapshot holds of a requested batch."""

    checkpoint: Checkpoint
    restrictions: Sequence[Signed]
    records: Sequence[RecordLine]
    runs: Sequence[HandedRow]
    consistency: Sequence[bytes]
    extends: Sequence[bytes]
    restricted: int
    """How many restrictions this node has stated."""
    known: int
    """How far the guard had come before the feed was read."""
    again: int | None = None
    """From where on the member may ask again."""
    lines: str = ""
    """The cosignatures of the checkpoint."""
    waiting: int = 0
    """How many records behind the checkpoint wait for witnesses."""

    @property
    def openings(self) -> int:
        return sum(run.last - run.first + 1 for run in self.runs)


class FeedServer:
    """Serves one node's feed.

    State: `_signed` is the newest checkpoint that has left, as a note; it and the
    guard's file are changed under `_signing` only, the audit log's file under
    `_keeping`. `_heard` is the newest restriction that each member has applied, and
    `_again` from where on it is to ask again, for which groups it is in. `policy` says
    whose cosignatures records wait for.
    """

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        node: str,
        store: Store,
        guard: Guard,
        key: SigningKey,
        trail: AuditTrail,
        clock: Clock,
        *,
        offload: Offload,
    ) -> None:
        self._node = node
        self._log = feed_name(node)
        self._store = store
        self._guard = guard
        self._key = key
        self._trail = trail
        self._clock = clock
        self._offload = offload
        self._signing = asyncio.Lock()
        self._keeping = asyncio.Lock()
        self._signed: tuple[Checkpoint, str, bytes] | None = None
        self._heard: dict[str, int] = {}
        self._again: dict[str, tuple[frozenset[str], int | None]] = {}
        self.policy: Policy | None = None

    async def size(self) -> int:
        """Give the feed's size."""
        return await self._store.read(lambda reader: reader.log_size(self._log))

    async def checkpoint(self) -> None:
        """Sign the feed's present checkpoint; the guard keeps it and the audit log's.

        The audit log's leaves the node for nobody: kept outside the database, it
        shows when the database was put back or changed. Both are what was appended:
        what somebody changed on the disk meanwhile is never signed or kept.

        Raises:
            CorruptLogError: a log that has to be read does not add up.
            RolledBackError: what left before is not what is here.
            NodeError: the guard's file can't be written.
        """
        await self.sign_feed()
        await self.keep_audit()

    async def sign_feed(self) -> SignedTree:
        """Sign the feed's present end, once the guard has kept it.

        Raises:
            RolledBackError: what left before is not what is here.
            NodeError: the guard's file can't be written.
        """
        known = self._guard.known(self._log)
        feed = await self._store.write(lambda tx: tx.tail(self._log))
        checkpoint = Checkpoint(self._log, feed.size, feed.root)
        return SignedTree(checkpoint, (await self._note(checkpoint, known)).encode())

    async def keep_audit(self) -> Tail:
        """Let the guard keep the audit log's present end, and give it.

        Raises:
            RolledBackError: what left before is not what is here.
            NodeError: the guard's file can't be written.
        """
        audit = self._trail.log
        async with self._keeping:
            known = self._guard.known(audit)
            own = await self._store.write(lambda tx: tx.tail(audit))
            await self._offload(
                lambda: self._guard.keep(audit, own.size, own.root, known=known)
            )
        return own

    async def batch(self, request: FeedRequest, peer: str, hander: Hander) -> Served:
        """Give *peer* a batch from its own position on, as its *hander* decides.

        Raises:
            NotFoundError: the feed is not this node's.
            BadRequestError: a position behind the end, or a limit out of bounds.
        """
        if request.origin != self._node:
            raise NotFoundError(Phrase("no such feed"))
        if not 1 <= request.limit <= MAX_RECORDS:
            raise BadRequestError(
                "bad_limit",
                Phrase("limit is 1 to {most}").filled(most=MAX_RECORDS),
            )
        await self._hear(request, peer)
        behind = await self.size() - request.since
        read = self._store.scan if behind > _LARGE else self._store.read
        again = await self._ask_again(request, peer, hander)
        page = await read(lambda reader: self._page(reader, request, hander))
        page = replace(page, again=again)
        data = await self._encode(page, request)
        lines = 0
        if page.runs:
            entered, lines = await self._enter(page, request, hander)
            if entered is not page:
                page = replace(entered, again=again)
                data = await self._encode(page, request)
        else:
            nothing_happened()
        return Served(data, len(page.records), lines)

    async def _ask_again(
        self, request: FeedRequest, peer: str, hander: Hander
    ) -> int | None:
        """Tell from where on a member may have what a group of its was given before.

        Until it has asked from there; then it reads on by itself. What is decided on
        for each opening stays with the hander.
        """
        groups, known = hander.groups, self._again.get(peer)
        index = known[1] if known is not None else None
        if known is None or known[0] != groups:
            index = None
            if groups:
                index = await self._store.scan(
                    lambda reader: reader.ungiven(
                        self._log, groups, peer, request.since
                    )
                )
        if index is not None and request.since <= index:
            index = None
        self._again[peer] = groups, index
        return index

    async def _encode(self, page: _Page, request: FeedRequest) -> bytes:
        note = await self._note(page.checkpoint, page.known)

        def encode() -> bytes:
            return encode_batch(
                page.restrictions,
                page.records,
                next_index=request.since + len(page.records),
                checkpoint=f"{note}{page.lines}",
                consistency=page.consistency,
                extends=page.extends,
                again=page.again,
                waiting=page.waiting,
                bulk=request.bulk,
            )

        many = len(page.records) > _LARGE
        return await self._offload(encode) if many else encode()

    async def _page(
        self, reader: Reader, request: FeedRequest, hander: Hander
    ) -> _Page:
        guarded = self._guard.known(self._log)
        whole = await reader.log_size(self._log)
        since, known = request.since, request.known
        if not 0 <= since <= whole or not 0 <= known <= whole:
            raise BadRequestError("bad_position", Phrase("the feed is not that long"))
        size, lines = await self._witnessed(reader, whole, max(since, known))
        restrictions = await self._restrictions(reader, request.restrictions)
        ended = await self._ended_on_appeal(reader, since, len(restrictions))
        limit = min(request.limit, size - since)
        if len(restrictions) == MAX_RESTRICTIONS:
            limit = min(limit, 1)  # there are more of them: additions wait
        records = await self._records(reader, since, limit)
        audiences = await reader.audiences(since, len(records))
        handed = hander.hand_over(records, audiences)
        next_index = since + len(records)
        return _Page(
            checkpoint=await self._checkpoint(reader, size),
            restrictions=[*restrictions, *ended],
            records=handed.records,
            runs=handed.runs,
            consistency=await self._consistency(reader, known, size),
            extends=await self._consistency(reader, next_index, size),
            restricted=await self._restricted(reader),
            # An earlier end than the guard has kept is an old checkpoint, no old log.
            known=min(guarded, size) if guarded <= whole else guarded,
            lines=lines,
            waiting=whole - size,
        )

    async def _witnessed(
        self, reader: Reader, whole: int, least: int
    ) -> tuple[int, str]:
        """Tell how far members may read, and who has cosigned that end.

        That is no less than what they have: they may have read it before anybody
        wanted witnesses.
        """
        policy = self.policy
        if policy is None:
            return whole, ""
        rows = await reader.cosignatures(self._log)
        wants_nobody = policy.reached(set())
        found = largest(rows, policy, least=whole if wants_nobody else least)
        if found is not None:
            return found.size, "".join(found.lines)
        return (whole if wants_nobody else least), ""

    async def _restricted(self, reader: Reader) -> int:
        return int(await reader.meta(sequence_key(self._node)) or 0)

    async def _records(
        self, reader: Reader, since: int, limit: int
    ) -> list[RecordLine]:
        records = await reader.records(self._log, since, limit) if limit else []
        if not records:
            return []
        kept = await reader.openings(self._log, since, len(records))
        openings = {item.index: item.opening for item in kept}
        lines: list[RecordLine] = []
        for index, record in enumerate(records, start=since):
            opening = openings.get(index)
            lines.append(
                RecordLine(
                    index=index,
                    record=record,
                    opening=FeedOpening(salt=opening.salt, payload=opening.payload)
                    if opening is not None
                    else None,
                    erased=index in openings and opening is None,
                )
            )
        return lines

    async def _restrictions(self, reader: Reader, after: int) -> list[Signed]:
        rows = await reader.restrictions_by(self._node, after, MAX_RESTRICTIONS)
        return [decode(row.statement, Signed) for row in rows]

    async def _ended_on_appeal(
        self, reader: Reader, since: int, numbered: int
    ) -> list[Signed]:
        """Give the rulings on appeals whose records a peer has not got yet.

        What ends a signal leads, and waits for no witness; it has no number.
        """
        room = MAX_RESTRICTIONS - 1 - numbered
        if room <= 0:
            return []
        rows = await reader.appeal_rulings_from(self._node, since, room)
        ended = AppealOutcome.ENDED.value
        return [decode(e.statement, Signed) for e in rows if e.outcome == ended]

    async def _consistency(self, reader: Reader, old: int, new: int) -> list[bytes]:
        if not 0 < old < new:
            return []
        return await prove_consistency(reader, self._log, old, new)

    async def _checkpoint(self, reader: Reader, size: int) -> Checkpoint:
        signed = self._signed
        if signed is not None and signed[0].size == size:
            return signed[0]
        return Checkpoint(self._log, size, await log_root(reader, self._log, size))

    async def _note(self, checkpoint: Checkpoint, known: int) -> str:
        async with self._signing:
            signed, public = self._signed, self._key.public
            if signed is not None and (signed[0], signed[2]) == (checkpoint, public):
                return signed[1]
            if signed is None or signed[0].size < checkpoint.size:
                await self._offload(
                    lambda: self._guard.keep(
                        self._log, checkpoint.size, checkpoint.root, known=known
                    )
                )
            note = sign_checkpoint(checkpoint, self._key).decode()
            newer = signed is None or signed[0].size < checkpoint.size
            if newer or (signed is not None and signed[0] == checkpoint):
                self._signed = (checkpoint, note, public)
            return note

    async def _enter(
        self, page: _Page, request: FeedRequest, hander: Hander
    ) -> tuple[_Page, int]:
        """Enter what goes, and give it: what has ended since does not go.

        And beside how many lines of the ledger it was counted.
        """

        async def act(tx: Transaction) -> tuple[_Page, int]:
            lines, going, now = 0, page, hander.anew()
            # A policy, a gate or a group may have changed since the page was made.
            if not hander.agrees(now) or not await self._stands(tx, page):
                going = await self._page(tx, request, now)
            if going.runs:
                lines = await self._account(tx, going, request, now)
            else:
                nothing_happened()
            return going, lines

        return await self._store.write(act)

    async def _account(
        self, tx: Transaction, page: _Page, request: FeedRequest, hander: Hander
    ) -> int:
        """Enter what goes in the ledger, and in the log: at once, or by the hour."""
        at, peer = page.runs[0].at, page.runs[0].recipient
        handed = await enter(tx, page.runs, hander.grant, at=at)
        if not handed.first_time:
            await count_served(tx, peer, self._node, handed, at=at)
            return handed.lines
        entry = self._trail.entry(
            Event.FEED_SERVED,
            at=self._clock.now(),
            detail={
                "peer": peer,
                "since": request.since,
                "records": len(page.records),
                "openings": page.openings,
                **({"again": handed.again} if handed.again else {}),
            },
        )
        await tx.append(self._trail.log, entry.record, entry.openings)
        return handed.lines

    async def _stands(self, reader: Reader, page: _Page) -> bool:
        """Whether all that a page hands over is there, and nothing new restricted."""
        if await self._restricted(reader) != page.restricted:
            return False
        for run in page.runs:
            many = run.last - run.first + 1
            if await reader.count_openings(self._log, run.first, many) != many:
                return False
        return True

    async def _hear(self, request: FeedRequest, peer: str) -> None:
        """Note which of this node's restrictions a member says that it has applied."""
        sequence = request.restrictions
        if sequence <= self._heard.get(peer, 0):
            return
        found = await self._store.read(
            lambda reader: reader.restrictions_by(self._node, sequence - 1, 1)
        )
        if not found or found[0].sequence != sequence:
            return  # there is no such statement, so it says nothing
        moment = self._clock.now()
        row = HeardRow(recipient=peer, sequence=sequence, at=int(moment.timestamp()))
        entry = self._trail.entry(
            Event.RESTRICTIONS_HEARD,
            at=moment,
            detail={"peer": peer, "sequence": sequence},
        )

        async def act(tx: Transaction) -> None:
            known = {each.recipient: each.sequence for each in await tx.heard()}
            if known.get(peer, 0) < sequence:
                await tx.set_heard(row)
                await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)
        self._heard[peer] = sequence
