# SPDX-License-Identifier: Apache-2.0
"""What the audit log tells of one account, of its own readers, and of its gaps."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from fedsafe_node.acts.audit import AuditEvent, FoundEvents
from fedsafe_node.acts.audit_upkeep import (
    GapsAnswer,
    GapShown,
    KeyShown,
    SubjectEvents,
    SubjectRequest,
)
from fedsafe_node.audit.event_search import Stretch, Wanted
from fedsafe_node.audit.event_view import lost_entries, read_log_events
from fedsafe_node.audit.inspection import Admit, EntryCount
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Event
from fedsafe_node.log.mentions import entries_naming
from fedsafe_node.log.span import is_within, span_of
from fedsafe_node.people.office import Office
from fedsafe_node.people.services import naming_of
from fedsafe_node.store.keeping_rows import EffectKind, EffectRow, Erasing, GapKind
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.vocabulary import Purpose

MOST_EVENTS: Final = 10_000
_TAKING: Final = frozenset({"read", "exported", "verified", "revealed"})
ACCESSES: Final = tuple(
    event for event in Event if _TAKING.intersection(event.replace(".", "_").split("_"))
)
"""The classes of events that say who saw, or took out, what."""

Search = Callable[[Wanted, Stretch, Principal, Purpose | None], Awaitable[FoundEvents]]


class Telling:
    """Tells; each telling is an event, durable before the answer leaves."""

    def __init__(self, office: Office, admit: Admit, search: Search) -> None:
        self._office = office
        self._admit = admit
        self._search = search
        self._entries = EntryCount(office.clock)

    async def subject(self, request: SubjectRequest, who: Principal) -> SubjectEvents:
        """Give the events that name an account, for the answer that it may ask for.

        Raises:
            BadRequestError: the span ends before it begins, or no such account.
            DeniedError: the rights of a person are not this role's to serve.
            CorruptLogError: what is stored is not what was sealed.
        """
        grounds = await self._admit(who, Purpose.RIGHTS_OF_THE_PERSON)
        office, log = self._office, self._office.trail.log
        naming = await office.store.read(lambda reader: naming_of(reader, who))
        subject = naming.named(request.subject_ref)

        async def query(reader: Reader) -> SubjectEvents:
            span = request.after, request.before
            first, end = await span_of(reader, log, *span)
            named = await entries_naming(reader, log, {subject}, since=first, end=end)
            events: list[AuditEvent] = []
            for index in named[:MOST_EVENTS]:
                read = await read_log_events(reader, log, index, 1)
                events += [event for event in read if is_within(event.at, *span)]
            return SubjectEvents(events=events, more=len(named) > MOST_EVENTS)

        answer = await office.store.scan(query)
        entry = office.trail.entry(
            Event.AUDIT_READ,
            at=office.clock.now(),
            actor=who.name,
            subject=subject,
            detail={**grounds, "events": len(answer.events)},
        )

        async def note(tx: Transaction) -> None:
            await tx.append(log, entry.record, entry.openings)

        await office.store.write(note)
        return answer

    async def access(
        self, since: int, limit: int, who: Principal, purpose: Purpose | None
    ) -> FoundEvents:
        """Find who read, exported or revealed what.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        wanted = Wanted(events=",".join(ACCESSES))
        stretch = Stretch(since, limit=limit)
        return await self._search(wanted, stretch, who, purpose)

    async def gaps(self) -> GapsAnswer:
        """Tell what the log cannot tell, and why; counts its entries."""
        office, log = self._office, self._office.trail.log
        tail = await office.store.write(lambda tx: tx.tail(log))
        lasting = _lasting(office)

        async def query(reader: Reader) -> GapsAnswer:
            minimum = await reader.minimum(log)
            there = await self._entries.count(reader, log, minimum, tail.size)
            erased = await reader.erasures()
            rest = await reader.erased_openings(log) - sum(erased.values())
            effects = await reader.effects()
            named = {reason.value: erased.get(reason, 0) for reason in Erasing}
            return GapsAnswer(
                missing=tail.size - minimum - there,
                minimum=minimum,
                gaps=[
                    GapShown(
                        kind=row.kind.value,
                        reason=row.reason,
                        since=row.since,
                        until=row.until,
                    )
                    for row in await reader.gaps()
                ]
                + lasting,
                keys=[
                    KeyShown(
                        key=row.kind.value,
                        target=row.target,
                        begun_at=row.begun_at,
                        ended_at=row.ended_at,
                    )
                    for row in effects
                ],
                erased={**named, "signal": max(0, rest)},
                holds=len(await reader.holds()),
                failing=_failing(office),
                residues=await _residues(office, reader, effects),
                lost=await lost_entries(reader, log),
            )

        return await office.store.scan(query)


async def _residues(
    office: Office, reader: Reader, effects: Sequence[EffectRow]
) -> tuple[str, ...]:
    if not office.store.leaves_residues():
        return ()
    destroyed = {
        row.target
        for row in effects
        if row.kind is EffectKind.PERIOD_KEY and row.ended_at is not None
    }
    months = await reader.erased_periods()
    return tuple(month for month in months if month not in destroyed)


def _lasting(office: Office) -> list[GapShown]:
    trouble = office.store.trouble()
    if trouble is None:
        return []
    kind, reason = GapKind.UNWRITABLE.value, trouble.kind.value
    return [GapShown(kind=kind, reason=reason, since=trouble.since, until=None)]


def _failing(office: Office) -> str | None:
    trouble = office.store.trouble()
    return None if trouble is None else trouble.kind.value
