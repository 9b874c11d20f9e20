# SPDX-License-Identifier: Apache-2.0
"""The Schutzkonzept register of this node: entered by one person, confirmed by another.

Append-only: a review is an entry of its own that repeats what it confirms. Every
entry is an audit event in the same act, with the digest of what was written. Which
entries count is `fedsafe_policies.documents.register`'s business.
"""

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from secrets import token_hex
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.acts.register import EntryRequest, PublicRegister, RegisterAnswer
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    BadRequestError,
    DeniedError,
    NotFoundError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.people.register_entries import (
    Entry,
    Kept,
    end_of,
    read_entries,
    show_publicly,
    show_register,
    waiting,
)
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.rows import LogEntry, RegisterRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.documents.register import Fault, catalogue, fault_of
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Refusal
from fedsafe_policies.rules.decision import deny

_WORDS: Final[Mapping[Fault, tuple[Phrase, str | None]]] = {
    Fault.EVIDENCE: (
        Phrase("evidence is a reference without blanks, or an https address"),
        "/evidence",
    ),
    Fault.EVIDENCE_MISSING: (Phrase("an item that is met needs evidence"), "/evidence"),
    Fault.REASON: (Phrase("a reason refers to a document, without blanks"), "/reason"),
    Fault.REASON_MISSING: (
        Phrase("an item that does not apply needs a reason"),
        "/reason",
    ),
    Fault.APPLIES: (Phrase("this item applies to everybody"), "/status"),
    Fault.EXPIRED: (Phrase("it would have expired already"), "/expires_on"),
    Fault.TOO_LONG: (
        Phrase("an entry counts for twelve months at most"),
        "/expires_on",
    ),
}


class Registers:
    """Enters, confirms and shows."""

    def __init__(
        self, situation: Situation, store: Store, trail: AuditTrail, clock: Clock
    ) -> None:
        self._situation = situation
        self._store = store
        self._trail = trail
        self._clock = clock

    async def show(self) -> RegisterAnswer:
        """Tell how the register stands, item by item."""
        return self._answer(await self._store.read(read_entries))

    async def public(self) -> PublicRegister:
        """Tell what anybody may know: roles instead of persons."""
        entries = await self._store.read(read_entries)
        return show_publicly(self._situation.node, entries, self._now())

    async def enter(
        self,
        item: str,
        request: EntryRequest,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RegisterAnswer:
        """Enter how far the provider is with an item.

        Raises:
            NotFoundError: the register has no such item.
            BadRequestError: the entry does not fit; names the field.
        """
        entry = Entry(
            item=item,
            status=request.status,
            expires_on=request.expires_on,
            evidence=request.evidence,
            reason=request.reason,
            entered_by=who.name,
            entered_at=self._now(),
        )
        _check(entry, self._now())

        async def act(tx: Transaction) -> Sequence[Kept]:
            return await self._add(tx, entry, Event.REGISTER_ENTERED, who, once)

        return await self._write(act)

    async def review(
        self, item: str, entry: str, who: Principal, *, once: Once | None = None
    ) -> RegisterAnswer:
        """Confirm an entry as its second person.

        Raises:
            NotFoundError: the register has no such item.
            WrongStateError: not the newest entry of its item, or none that waits.
            BadRequestError: the entry has expired meanwhile.
            DeniedError: by who has entered it.
        """
        if item not in catalogue():
            raise NotFoundError(Phrase("no such item of the register"))
        now = self._now()

        async def act(tx: Transaction) -> Sequence[Kept]:
            waits = waiting(await read_entries(tx)).get(item)
            if waits is None or waits.id != entry:
                raise WrongStateError(
                    "not_pending", Phrase("that entry waits for no review")
                )
            if waits.entry.entered_by == who.name:
                decision = deny(Refusal.FOUR_EYES, self._situation.policy.reference)
                raise DeniedError(decision)
            _check(waits.entry, now)
            reviewed = msgspec.structs.replace(
                waits.entry,
                reviewed_by=who.name,
                reviewed_role=who.role.value,
                reviewed_at=now,
            )
            return await self._add(tx, reviewed, Event.REGISTER_REVIEWED, who, once)

        try:
            return await self._write(act)
        except DeniedError as refused:
            await self._note_refusal(refused, who)
            raise

    async def _write(
        self, act: Callable[[Transaction], Awaitable[Sequence[Kept]]]
    ) -> RegisterAnswer:
        entries = await self._store.write(act)
        self._situation.record_register(end_of(entries))
        return self._answer(entries)

    async def _add(
        self,
        tx: Transaction,
        entry: Entry,
        event: Event,
        who: Principal,
        once: Once | None,
    ) -> Sequence[Kept]:
        row = RegisterRow(
            id=token_hex(16),
            item=entry.item,
            record=encode(entry),
            recorded_at=self._now(),
            recorded_by=who.name,
        )
        await tx.add_register_entry(row)
        written = self._event(event, entry, row, who)
        await tx.append(self._trail.log, written.record, written.openings)
        entries = await read_entries(tx)
        if once is not None:
            answer = self._answer(entries)
            await tx.add_idempotent_answer(once.row(answer, now=self._now()))
        return entries

    def _event(
        self, event: Event, entry: Entry, row: RegisterRow, who: Principal
    ) -> LogEntry:
        return self._trail.entry(
            event,
            at=self._clock.now(),
            outcome=entry.status.value,
            actor=who.name,
            detail={
                "item": entry.item,
                "entry": row.id,
                "digest": hashlib.sha256(row.record).hexdigest(),
                "expires_on": entry.expires_on.isoformat(),
            },
        )

    async def _note_refusal(self, refused: DeniedError, who: Principal) -> None:
        decision = refused.decision
        now = self._clock.now()
        entry = self._trail.refusal(decision, at=now, actor=who.name, act="register")

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)

    def _answer(self, entries: Sequence[Kept]) -> RegisterAnswer:
        return show_register(entries, self._now())

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _check(entry: Entry, now: int) -> None:
    fault = fault_of(entry.claim(), now)
    if fault is Fault.ITEM:
        raise NotFoundError(Phrase("no such item of the register"))
    if fault is not None:
        detail, pointer = _WORDS[fault]
        raise BadRequestError(fault.value, detail, pointer=pointer)
