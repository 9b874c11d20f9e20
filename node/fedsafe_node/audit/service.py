# SPDX-License-Identifier: Apache-2.0
"""Read and verify the node's logs, as a person does (`api.services.Audits`).

Reading is an act as well: its own event is durable before the answer leaves.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import UNSET

from fedsafe_crypto.tlog.checkpoint import Checkpoint
from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.errors import FederationError
from fedsafe_federation.feed.verification import open_checkpoint
from fedsafe_node.acts.audit import (
    AuditEvent,
    AuditEvents,
    FoundEvents,
    LogCheck,
    LostEntries,
    TableCheck,
    VerifyAnswer,
)
from fedsafe_node.audit.check_report import (
    bad_log,
    bad_table,
    check_seal,
    damage_of,
    good_log,
)
from fedsafe_node.audit.event_search import MOST_LOOKED_AT, Sieve, Stretch, Wanted
from fedsafe_node.audit.event_view import lost_entries, read_log_events
from fedsafe_node.audit.restriction_row_check import (
    RESTRICTED,
    RESTRICTIONS,
    RestrictionRows,
)
from fedsafe_node.audit.signal_row_check import SIGNALS, SignalRows
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import (
    BadRequestError,
    CorruptIndexError,
    CorruptLogError,
    CorruptRowError,
    DeniedError,
    MissingEntriesError,
    StoreError,
    StoreFailedError,
    UnsealedLogError,
)
from fedsafe_node.ground.principal import LOCAL, Principal
from fedsafe_node.ground.telemetry import LOGGER, fields
from fedsafe_node.keys.charter_chain import opened_under, read_back
from fedsafe_node.log.audit import AuditTrail, Detail, Event, grounds_of
from fedsafe_node.log.commitments import commitments_for
from fedsafe_node.log.engine import LogEngine
from fedsafe_node.log.event_index import (
    MOST_OPENED,
    Looked,
    candidates,
    count_unread,
    runs,
    take_in,
)
from fedsafe_node.log.guard import Guard
from fedsafe_node.log.pruning_check import PRUNED, check_pruned
from fedsafe_node.log.pseudonyms import PSEUDONYM
from fedsafe_node.log.span import read_events
from fedsafe_node.log.verification import Anchor, CommitmentsOf, Verified
from fedsafe_node.lookup.index.bootstrap import INDEX, check_tokens
from fedsafe_node.lookup.index.lists import Lists
from fedsafe_node.people.services import naming_of
from fedsafe_node.rules.policy_context import Situation, rule_on_reading
from fedsafe_node.store.disk_errors import BY_WRONG_CELLS
from fedsafe_node.store.protocol import Store
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import PeerRow, Tail
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Matter, PersonReason, Purpose

PAGES: Final = "database"
_LOCAL: Final = frozenset(
    {Purpose.AUDIT_REVIEW, Purpose.SUPERVISION, Purpose.RIGHTS_OF_THE_PERSON}
)
_LOG = logging.getLogger(f"{LOGGER}.audits")


class AuditService:
    """Reads and verifies."""

    def __init__(  # noqa: PLR0913 - everything it needs is an argument
        self,
        situation: Situation,
        store: Store,
        lists: Lists,
        trail: AuditTrail,
        clock: Clock,
        *,
        guard: Guard,
        policies: Path,
    ) -> None:
        self._situation = situation
        self._store = store
        self._lists = lists
        self._guard = guard
        self._policies = policies
        self._engine = LogEngine(store)
        self._trail = trail
        self._clock = clock

    async def verify(self, who: Principal) -> VerifyAnswer:
        """Verify own and replicated logs from end to end, and the tables beside.

        What was found to be damaged is told even if it cannot be written down.
        """
        names = await self._store.read(lambda reader: reader.logs())
        logs = [await self._verify(name) for name in sorted(names)]
        tables = [await self._check(PAGES, partial(self._store.scan, _count_damage))]
        tables += [
            await self._check(table, partial(self._store.scan, self._counting(table)))
            for table in (SIGNALS, RESTRICTIONS, RESTRICTED, PRUNED)
        ]
        tables += await check_seal(self._store, self._guard, self._policies)
        tables.append(await self._check(INDEX, self._count_found))
        ok = all(log.ok for log in logs) and all(table.ok for table in tables)
        lost = await self._lost()
        answer = VerifyAnswer(ok=ok, logs=logs, tables=tables, lost=lost)
        try:
            await self._note(
                Event.AUDIT_VERIFIED,
                who,
                outcome=_outcome(answer),
                detail={"logs": len(logs), "tables": len(tables)},
            )
        except (StoreError, CorruptLogError):
            if answer.ok:
                raise
            _LOG.exception("damage not audited", extra=fields(reason="store"))
        return answer

    async def check_own(self, since: Anchor | None = None) -> LogCheck:
        """Verify the audit log alone; whoever shows the outcome notes the reading.

        With *since* only what is behind it, and the tiles of what is before.
        """
        return await self._verify(self._trail.log, since)

    async def events(
        self, since: int, limit: int, who: Principal, purpose: Purpose | None = None
    ) -> AuditEvents:
        """Read a page of the audit log in order; what was pruned is passed over.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            CorruptLogError: an entry is no audit event.
        """
        grounds = await self.admit(who, purpose)

        async def query(reader: Reader) -> tuple[int, list[AuditEvent]]:
            log = self._trail.log
            first = max(since, await reader.minimum(log))
            return first, await read_log_events(reader, log, first, limit)

        first, events = await self._store.scan(query)
        detail: Detail = {"since": first, "events": len(events), **grounds}
        await self._note(Event.AUDIT_READ, who, detail=detail)
        return AuditEvents(events=events, next=first + len(events))

    async def search(
        self,
        wanted: Wanted,
        stretch: Stretch,
        who: Principal,
        purpose: Purpose | None = None,
        *,
        subject_ref: str | None = None,
    ) -> FoundEvents:
        """Find events; opens so many entries at a time, then says where to go on.

        With *subject_ref* only those that name the account; the search is about it too.

        Raises:
            BadRequestError: a class of events that there is not, or no such account;
                or nobody says why they look for one person.
            DeniedError: this role may not, or not for that purpose.
            CorruptLogError: an entry is no audit event.
            CorruptRowError: the index is not as it was written.
        """
        classes = read_events(wanted.events)
        person = _person_wanted(wanted)
        grounds = {**await self.admit(who, purpose), **person}
        subject = None
        if subject_ref is not None:
            naming = await self._store.read(lambda reader: naming_of(reader, who))
            subject = naming.named(subject_ref)
        named = None if classes is None else frozenset(classes)
        sieve, log = Sieve(wanted, named, subject), self._trail.log
        looked = sieve.looked()
        unread = await self._store.read(lambda r: count_unread(r, log, looked))
        if unread > MOST_OPENED:
            await take_in(self._store, log)

        async def query(reader: Reader) -> FoundEvents:
            return await self._sift(reader, sieve, looked, stretch)

        answer = await self._store.scan(query)
        found = len(answer.events)
        detail: Detail = {
            "since": stretch.since,
            "search": True,
            "events": found,
            **grounds,
        }
        await self._note(Event.AUDIT_READ, who, detail=detail, subject=subject)
        return answer

    async def _sift(
        self, reader: Reader, sieve: Sieve, looked: Looked, stretch: Stretch
    ) -> FoundEvents:
        log, newest = self._trail.log, stretch.newest
        size = await reader.log_size(log)
        first = max(stretch.since, await reader.minimum(log))
        end = size if stretch.until is None else min(size, stretch.until)
        found, left = list[AuditEvent](), MOST_LOOKED_AT
        meant = candidates(reader, log, looked, (first, end), newest=newest)
        async for entries in meant:
            for run in runs(sorted(entries))[:: -1 if newest else 1]:
                events = await read_log_events(reader, log, run.start, len(run))
                if len(events) < len(run):
                    missing = run.start + len(events)
                    raise MissingEntriesError(
                        log, missing, Phrase("the entry is missing")
                    )
                for event in events[:: -1 if newest else 1]:
                    left -= 1
                    if sieve.fits(event):
                        found.append(event)
                    if len(found) < stretch.limit and left:
                        continue
                    place = event.index if newest else event.index + 1
                    more = first < place if newest else place < size
                    return FoundEvents(
                        events=found, next=place, more=more, complete_to=size
                    )
        place = first if newest else max(first, end)
        more = not newest and place < size
        return FoundEvents(events=found, next=place, more=more, complete_to=size)

    async def admit(self, who: Principal, purpose: Purpose | None) -> Detail:
        """Say on which grounds somebody may read the log.

        Raises:
            BadRequestError: nobody says what for, on the node's own socket.
            DeniedError: this role may not, or not for that purpose.
        """
        if who == LOCAL:
            return _grounds_of_local(purpose)
        situation, now = self._situation, self._clock.now()
        decision = rule_on_reading(situation, who, Matter.AUDIT, purpose, now)
        if decision.allowed:
            return {**grounds_of(decision), "purpose": decision.about}
        entry = self._trail.refusal(decision, at=now, actor=who.name, act="audit.read")
        await self._store.write(
            lambda tx: tx.append(self._trail.log, entry.record, entry.openings)
        )
        raise DeniedError(decision)

    async def _verify(self, name: str, since: Anchor | None = None) -> LogCheck:
        try:
            found = await self._read(name, commitments_for(name), since)
        except CorruptLogError as error:
            damage = damage_of(error)
            return bad_log(name, error.index, error.told, damage, last=error.last)
        except StoreFailedError as error:
            why = Phrase("the database cannot be read: {why}").filled(why=error.told)
            return bad_log(name, 0, why, "unreadable")
        except BY_WRONG_CELLS:
            # A cell of its peer that no type of ours takes.
            return bad_log(name, 0, Phrase("a row about it cannot be read"), "tampered")
        return good_log(found)

    async def _read(
        self, name: str, commitments_of: CommitmentsOf, since: Anchor | None
    ) -> Verified:
        # What was appended is asked for before and after the disk is read, since it
        # grows meanwhile: the disk has no less than before, no more than after.
        tail, fault = await self._tail(name)
        found = await self._engine.verify(
            name,
            commitments_of,
            lambda reader: self._anchors(reader, name, tail),
            is_own=name.startswith(f"{self._situation.node}/"),
            since=since,
        )
        after, later = await self._tail(name)
        fault = fault or later
        if fault is not None:
            raise fault
        if after is not None and found.size > after.size:
            reason = Phrase("the node did not write this entry")
            raise CorruptLogError(name, after.size, reason)
        return found

    async def _tail(self, name: str) -> tuple[Tail | None, CorruptLogError | None]:
        """Ask for the end of a log, or why it has none: the rest names the entry."""
        try:
            return await self._store.write(lambda tx: tx.tail(name)), None
        except CorruptLogError as error:
            return None, error
        except UnsealedLogError as error:
            return None, error.damage()

    async def _anchors(
        self, reader: Reader, name: str, tail: Tail | None
    ) -> list[Anchor]:
        # The newest tile has no root of its own on disk: what was appended, kept by
        # the guard, or signed by the peer covers it.
        anchors: list[Anchor] = []
        if tail is not None:
            anchors = [
                Anchor(
                    size=tail.size,
                    root=tail.root,
                    source=Phrase("the running node"),
                    leaves=tail.leaves,
                )
            ]
        kept = self._guard.kept(name)
        if kept is not None:
            root = bytes.fromhex(kept.root)
            anchors.append(
                Anchor(size=kept.size, root=root, source=Phrase("the guard"))
            )
        peer = await reader.peer(name.removesuffix("/feed"))
        if peer is not None:
            source = Phrase("the position that was kept")
            anchors.append(Anchor(size=peer.cursor, root=peer.root, source=source))
            anchors += self._signed(name, peer, await read_back(reader))
        return anchors

    def _signed(
        self, name: str, peer: PeerRow, charters: Sequence[Charter]
    ) -> list[Anchor]:
        if not charters or not peer.checkpoint:
            return []

        def signed_under(charter: Charter) -> Checkpoint:
            member = charter.member(peer.origin)
            return open_checkpoint(member, peer.checkpoint, trust=Trust.KEPT)

        try:
            signed = opened_under(charters, signed_under)
        except FederationError:
            reason = Phrase("the checkpoint that was kept is not its origin's")
            raise CorruptLogError(name, peer.cursor, reason) from None
        if signed.size > peer.cursor:
            return []  # the rest has not been fetched yet
        source = Phrase("the checkpoint that {origin} signed").filled(
            origin=peer.origin
        )
        return [Anchor(size=signed.size, root=signed.root, source=source)]

    def _counting(self, table: str) -> Callable[[Reader], Awaitable[int]]:
        situation, now = self._situation, self._clock.now()
        match table:
            case "signals":
                return lambda reader: SignalRows(reader, situation, now).check()
            case "restrictions":
                return lambda r: RestrictionRows(r, situation).check_statements()
            case "pruned":
                return lambda r: check_pruned(r, self._trail.log)
            case _:
                return lambda r: RestrictionRows(r, situation).check_names()

    async def _count_found(self) -> int:
        return await check_tokens(self._lists.tokens, self._store)

    async def _lost(self) -> list[LostEntries]:
        log = self._trail.log
        try:
            return await self._store.scan(lambda reader: lost_entries(reader, log))
        except (StoreFailedError, *BY_WRONG_CELLS):  # the checks tell of it
            return []

    async def _check(
        self, table: str, count: Callable[[], Awaitable[int]]
    ) -> TableCheck:
        try:
            return TableCheck(table=table, rows=await count(), ok=True)
        except CorruptRowError as error:
            return bad_table(error.table, error.told, first=error.name, row=error.row)
        except (CorruptLogError, CorruptIndexError) as error:
            return bad_table(table, error.told)
        except StoreFailedError as error:
            why = Phrase("the database cannot be read: {why}").filled(why=error.told)
            return bad_table(table, why, "unreadable")
        except BY_WRONG_CELLS:
            # A cell that no type of ours takes: the row is not one that we wrote.
            return bad_table(table, Phrase("a row cannot be read"))

    async def _note(
        self,
        event: Event,
        who: Principal,
        *,
        outcome: str = "ok",
        detail: Detail,
        subject: str | None = None,
    ) -> None:
        entry = self._trail.entry(
            event,
            at=self._clock.now(),
            outcome=outcome,
            actor=who.name,
            subject=subject,
            detail=detail,
        )

        async def act(tx: Transaction) -> None:
            await tx.append(self._trail.log, entry.record, entry.openings)

        await self._store.write(act)


async def _count_damage(reader: Reader) -> int:
    # A row that lies where no search finds it is seen by no walk over the rows.
    damage = await reader.damage()
    if damage is not None:
        raise StoreFailedError(damage)
    return 0


def _person_wanted(wanted: Wanted) -> Detail:
    """Say whose acts are looked for, by their pseudonym, and why.

    What one person did is looked for only for a reason of a closed list, and the event
    names both: a works council can see each such search.
    """
    actor, reason = wanted.actor, wanted.person_reason
    if actor is UNSET or PSEUDONYM.fullmatch(actor) is None:
        return {}
    if reason is UNSET:
        known = ", ".join(each.value for each in PersonReason)
        detail = Phrase(
            "The actor is a person's pseudonym. Say why you look for this person's "
            "acts, by `person_reason` (one of: {known})."
        ).filled(known=known)
        raise BadRequestError("reason_missing", detail, pointer="/person_reason")
    return {"pseudonym": actor, "person_reason": reason.value}


def _grounds_of_local(purpose: Purpose | None) -> Detail:
    """Let whoever opens the socket read: they can read the files as well.

    But they say what for, and it is in the event.
    """
    if purpose is None or purpose not in _LOCAL:
        known = ", ".join(sorted(_LOCAL))
        detail = Phrase("say what the log is read for: {known}").filled(known=known)
        raise BadRequestError("purpose_missing", detail, pointer="/purpose")
    return {"purpose": purpose.value}


def _outcome(answer: VerifyAnswer) -> str:
    found = {log.damage for log in answer.logs}
    found |= {table.damage for table in answer.tables}
    order = ("tampered", "incomplete", "unreadable")
    return next((word for word in order if word in found), "ok")
