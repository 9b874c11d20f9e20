# SPDX-License-Identifier: Apache-2.0
"""Read and verify the node's logs, as a person does (`api.services.Audits`).

Reading is an act as well: its own event is durable before the answer leaves.
"""

from collections.abc import Mapping

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.records import SignalRecord, decode_record
from fedsafe_federation.signals import SIGNAL_GROUP
from fedsafe_federation.wireformat import decode
from fedsafe_node.clock import Clock
from fedsafe_node.errors import CorruptLogError
from fedsafe_node.log.audit import (
    ACTOR,
    DETAIL,
    AuditTrail,
    Detail,
    Event,
    decode_audit_record,
)
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.proofs import log_root
from fedsafe_node.messages import AuditEvent, AuditEvents, LogCheck, VerifyAnswer
from fedsafe_node.principal import Principal
from fedsafe_node.store.protocol import Reader, Store, Transaction


class _Actor(msgspec.Struct, frozen=True):
    name: str


class AuditService:
    """Reads and verifies."""

    def __init__(
        self, store: Store, trail: AuditTrail, clock: Clock, *, guard: Guard
    ) -> None:
        self._store = store
        self._guard = guard
        self._engine = LogEngine(store)
        self._trail = trail
        self._clock = clock

    async def verify(self, who: Principal) -> VerifyAnswer:
        """Verify feed, audit log and all replicated feeds from end to end."""
        names = await self._store.read(lambda reader: reader.logs())
        checks = [await self._verify(name) for name in sorted(names)]
        answer = VerifyAnswer(ok=all(check.ok for check in checks), logs=checks)
        await self._note(
            Event.AUDIT_VERIFIED,
            who,
            outcome="ok" if answer.ok else "tampered",
            detail={"logs": len(checks)},
        )
        return answer

    async def events(self, since: int, limit: int, who: Principal) -> AuditEvents:
        """Read a page of the audit log in order.

        Raises:
            CorruptLogError: an entry is no audit event.
        """

        async def query(reader: Reader) -> list[AuditEvent]:
            return await self._page(reader, since, limit)

        events = await self._store.scan(query)
        await self._note(
            Event.AUDIT_READ, who, detail={"since": since, "events": len(events)}
        )
        return AuditEvents(events=events, next=since + len(events))

    async def _page(self, reader: Reader, since: int, limit: int) -> list[AuditEvent]:
        log = self._trail.log
        records = await reader.records(log, since, limit)
        payloads: dict[tuple[int, str], bytes] = {}
        if records:
            for kept in await reader.openings(log, since, len(records)):
                if kept.opening is not None:
                    payloads[kept.index, kept.group] = kept.opening.payload
        events: list[AuditEvent] = []
        for index, record in enumerate(records, start=since):
            try:
                events.append(_event(index, record, payloads))
            except MalformedError:
                raise CorruptLogError(log, index, "it is no audit event") from None
        return events

    async def _verify(self, name: str) -> LogCheck:
        is_audit = name == self._trail.log
        commitments_of = _audit_commitments if is_audit else _feed_commitments
        try:
            found = await self._engine.verify(name, commitments_of)
            await self._compare(name)
        except CorruptLogError as error:
            return LogCheck(
                log=name,
                size=0,
                root="",
                openings=0,
                erased=0,
                ok=False,
                first_bad_index=error.index,
                why=error.reason,
            )
        return LogCheck(
            log=name,
            size=found.size,
            root=found.root.hex(),
            openings=found.openings,
            erased=found.erased,
            ok=True,
        )

    async def _compare(self, name: str) -> None:
        # The newest tile has no root of its own: what was kept of the whole tree,
        # in the guard or with the peer's position, covers it.
        async def query(reader: Reader) -> None:
            anchor = await self._anchor(reader, name)
            if anchor is None:
                return
            size, root = anchor
            if await log_root(reader, name, size) != root:
                reason = "the entries do not lead to the checkpoint that was kept"
                raise CorruptLogError(name, size, reason)

        await self._store.scan(query)

    async def _anchor(self, reader: Reader, name: str) -> tuple[int, bytes] | None:
        kept = self._guard.kept(name)
        if kept is not None:
            return kept.size, bytes.fromhex(kept.root)
        peer = await reader.peer(name.removesuffix("/feed"))
        return (peer.cursor, peer.root) if peer is not None else None

    async def _note(
        self, event: Event, who: Principal, *, outcome: str = "ok", detail: Detail
    ) -> None:
        entry = self._trail.entry(
            event,
            at=self._clock.now(),
            outcome=outcome,
            actor=who.name,
            detail=detail,
        )

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)


def _event(
    index: int, data: bytes, payloads: Mapping[tuple[int, str], bytes]
) -> AuditEvent:
    record = decode_audit_record(data)
    actor, detail = payloads.get((index, ACTOR)), payloads.get((index, DETAIL))
    return AuditEvent(
        index=index,
        event=record.event.value,
        at=record.at,
        outcome=record.outcome,
        actor=decode(actor, _Actor).name if actor is not None else None,
        detail=decode(detail, dict[str, str | int | bool | None])
        if detail is not None
        else None,
    )


def _audit_commitments(record: bytes) -> Mapping[str, bytes]:
    try:
        return decode_audit_record(record).commitments
    except MalformedError as error:
        raise ValueError(str(error)) from None


def _feed_commitments(record: bytes) -> Mapping[str, bytes]:
    try:
        entry = decode_record(record)
    except MalformedError as error:
        raise ValueError(str(error)) from None
    if isinstance(entry, SignalRecord):
        return {SIGNAL_GROUP: entry.commitment}
    return {}
