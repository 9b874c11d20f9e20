# SPDX-License-Identifier: Apache-2.0
"""Reports about one account: who looked, when, why, on which basis, what came of it.

A report says as well what it cannot say. The log is verified before it is read, its
gaps are told, and so are entries whose account is erased: the record of such an entry
stays, the name does not, so nobody knows whether it was this account.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import UNSET

from fedsafe_node.acts.account_reports import (
    AccountReport,
    ErasedEntries,
    ErasedFor,
    ErasedPart,
    ReportEntry,
    ReportRequest,
)
from fedsafe_node.acts.audit import AuditEvent, LogCheck
from fedsafe_node.acts.audit_upkeep import GapsAnswer
from fedsafe_node.audit.account_view import ACCESSES, MOST_EVENTS
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.audit.inspection import Admit, Cosigned, cosigned_standing
from fedsafe_node.audit.nightly_check import nightly_standing
from fedsafe_node.ground.errors import MissingEntriesError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import account_of
from fedsafe_node.log.audit import ACTOR, DETAIL, SUBJECT, Event
from fedsafe_node.log.event_index import Looked, candidates, runs
from fedsafe_node.log.mentions import check_openings, class_of, entries_naming
from fedsafe_node.log.openings import period_of
from fedsafe_node.log.pseudonyms import PSEUDONYM
from fedsafe_node.log.span import (
    end_until,
    first_since,
    is_within,
    moment_of,
    span_of,
)
from fedsafe_node.people.office import Office
from fedsafe_node.people.services import naming_of
from fedsafe_node.store.keeping_rows import Erasing
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase

_PAGE: Final = 2_000
_LOOKS: Final = frozenset({Event.LOOKUP.value, *ACCESSES})
_TOLD: Final = (ACTOR, DETAIL)
_ERASING: Final = Looked(
    events=frozenset({Event.AUDIT_ERASED.value, Event.REQUEST_CLOSED.value})
)
_ERASURES: Final = tuple(
    f'"{event}"'.encode() for event in sorted(_ERASING.events or ())
)
_DAY: Final = 24 * 60 * 60
_WAIT: Final = timedelta(hours=1)
"""How long an entry waits at most, over the end of a month for instance."""
_SLACK: Final = 1
"""Seconds between an erasure and the moment of its event, at most."""


@dataclass(frozen=True, slots=True)
class _Erasure:
    """An erasure that the log tells of; of retention also which entries it was for."""

    at: int
    why: ErasedFor
    group: object = None
    first: int = 0
    last: int = 0

    def may_be_of(self, index: int, group: str, at: int) -> bool:
        """Whether an opening that was erased at a moment may be one of it."""
        if not at <= self.at <= at + _SLACK:
            return False
        return self.group is None or (
            self.group == group and self.first <= index <= self.last
        )


@dataclass(slots=True)
class _Found:
    """What a walk over the log has found."""

    end: int
    entries: list[ReportEntry] = field(default_factory=list)
    more: bool = False
    nameless: list[ErasedEntries] = field(default_factory=list)


class AccountReports:
    """Makes reports; each is an event about the account before the answer leaves."""

    def __init__(
        self,
        office: Office,
        admit: Admit,
        check: Callable[[], Awaitable[LogCheck]],
        gaps: Callable[[], Awaitable[GapsAnswer]],
        cosigned: Cosigned,
    ) -> None:
        self._office = office
        self._admit = admit
        self._check = check
        self._gaps = gaps
        self._cosigned = cosigned

    async def report(self, request: ReportRequest, who: Principal) -> AccountReport:
        """Report on an account; unless told not to, verifies the whole log first.

        Raises:
            BadRequestError: the span ends before it begins.
            DeniedError: this role may not, or not for that purpose.
            CorruptLogError: an entry cannot be read.
        """
        office, log, now = self._office, self._office.trail.log, self._office.now()
        before = now + 1 if request.before is UNSET else request.before
        grounds = await self._admit(who, request.purpose)
        naming = await office.store.read(lambda reader: naming_of(reader, who))
        subject = naming.named(request.subject_ref)
        check = await self._check() if request.verify else None
        size = check.size if check is not None and check.ok else None
        found = await office.store.scan(
            lambda reader: _find(
                reader, log, subject, (request.after, before), end=size
            )
        )
        gaps, cosigned = await self._gaps(), await self._cosigned()
        made = office.clock.now()
        entry = office.trail.entry(
            Event.AUDIT_READ,
            at=made,
            actor=who.name,
            subject=subject,
            detail={**grounds, "report": True, "events": len(found.entries)},
        )

        async def note(tx: Transaction) -> int:
            return await tx.append(log, entry.record, entry.openings)

        noted = await office.store.write(note)
        service, reference = account_of(subject)
        return AccountReport(
            node=office.node,
            service=service,
            subject_ref=reference or "",
            after=request.after,
            before=before,
            made_at=int(made.timestamp()),
            made_by=office.trail.shown(who.name, made),
            purpose=str(grounds["purpose"]),
            entry=noted,
            end=found.end,
            entries=found.entries,
            more=found.more,
            nameless=found.nameless,
            log=check,
            gaps=gaps,
            cosigned=cosigned_standing(cosigned),
            nightly=await nightly_standing(office.store),
        )


async def _find(
    reader: Reader,
    log: LogName,
    subject: str,
    span: tuple[int, int],
    *,
    end: int | None,
) -> _Found:
    size = await reader.log_size(log) if end is None else end
    first, last = await span_of(reader, log, *span)
    last = min(last, size)
    erasures = await _erasures(reader, log, first, size)
    found = _Found(size)
    for index in await entries_naming(reader, log, {subject}, since=first, end=last):
        [event] = await _events_at(reader, log, index)
        if not is_within(event.at, *span):
            continue
        if len(found.entries) == MOST_EVENTS:
            found.more = True
            break
        found.entries.append(await _entry(reader, log, event, erasures))
    found.nameless = await _nameless(reader, log, first, last, erasures)
    return found


async def _events_at(reader: Reader, log: LogName, index: int) -> list[AuditEvent]:
    events = await read_log_events(reader, log, index, 1)
    if not events:
        raise MissingEntriesError(log, index, Phrase("the entry is missing"))
    return events


async def _entry(
    reader: Reader, log: LogName, event: AuditEvent, erasures: list[_Erasure]
) -> ReportEntry:
    kept = await reader.openings(log, event.index, 1)
    there = {each.group for each in kept}
    await check_openings(reader, log, event.index, (*_TOLD, SUBJECT), there)
    erased = [
        ErasedPart(
            group=each.group,
            erased_at=each.erased_at,
            why=_why(erasures, each.index, each.group, each.erased_at),
        )
        for each in kept
        if each.opening is None and each.group in _TOLD
    ]
    gone = {part.group for part in erased}
    person = None
    if ACTOR not in gone:
        person = PSEUDONYM.fullmatch(event.actor or "") is not None
    names = AuditEvent.__struct_fields__
    return ReportEntry(
        **{name: getattr(event, name) for name in names},
        access=event.event in _LOOKS,
        person=person,
        erased=erased,
    )


async def _nameless(
    reader: Reader, log: LogName, first: int, last: int, erasures: list[_Erasure]
) -> list[ErasedEntries]:
    """Sum up the entries whose account is erased, by class, day and reason."""
    sums: dict[tuple[str, int | None, ErasedFor], list[tuple[int, int | None]]] = {}
    for index, erased_at in await _without_account(reader, log, first, last):
        record = await reader.record(log, index)
        event = class_of(log, index, record or b"")
        why = _why(erasures, index, SUBJECT, erased_at)
        day = None if erased_at is None else erased_at // _DAY
        sums.setdefault((event, day, why), []).append((index, erased_at))
    return [
        ErasedEntries(
            event=event,
            count=len(rows),
            first=rows[0][0],
            last=rows[-1][0],
            erased_at=rows[0][1],
            why=why,
        )
        for (event, _, why), rows in sums.items()
    ]


async def _without_account(
    reader: Reader, log: LogName, first: int, last: int
) -> list[tuple[int, int | None]]:
    """Find the entries whose account is erased, and when; None if its key is gone."""
    found: dict[int, int | None] = {}
    for part in await _without_key(reader, log, first, last):
        for start in range(part.start, part.stop, _PAGE):
            count = min(_PAGE, part.stop - start)
            for kept in await reader.openings(log, start, count, group=SUBJECT):
                if kept.opening is None:
                    found[kept.index] = kept.erased_at
    found.update(await reader.erased_places(log, SUBJECT, first, last))
    return sorted(found.items())


async def _without_key(
    reader: Reader, log: LogName, first: int, last: int
) -> list[range]:
    """Find the entries of months whose key is gone, and a little around each."""
    if first >= last:
        return []
    began, ended = [
        datetime.fromtimestamp(await moment_of(reader, log, index), UTC)
        for index in (first, last - 1)
    ]
    found: list[range] = []
    month = began.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    month -= _WAIT
    while month <= ended + _WAIT:
        month = month.replace(day=1)
        after = (month + timedelta(days=32)).replace(day=1)
        if reader.index_key(period_of(month)) is None:
            since, until = month - _WAIT, after + _WAIT
            start = await first_since(reader, log, last, int(since.timestamp()))
            stop = await end_until(reader, log, last, int(until.timestamp()))
            found.append(range(max(first, start), stop))
        month = after
    return found


async def _erasures(
    reader: Reader, log: LogName, first: int, size: int
) -> list[_Erasure]:
    """Find what the log says of erasures: they come after what they erased."""
    found: list[_Erasure] = []
    async for entries in candidates(reader, log, _ERASING, (first, size)):
        for run in runs(entries):
            records = await reader.records(log, run.start, len(run))
            for index, record in zip(run, records, strict=False):
                if any(mark in record for mark in _ERASURES):
                    [event] = await _events_at(reader, log, index)
                    found += _told(event)
    return found


def _told(event: AuditEvent) -> list[_Erasure]:
    at = int(datetime.fromisoformat(event.at).timestamp())
    said: Mapping[str, str | int | bool | None] = event.detail or {}
    if event.event == Event.REQUEST_CLOSED:
        return [_Erasure(at, "subject")] if said.get("outcome") == "granted" else []
    if event.event != Event.AUDIT_ERASED:
        return []
    if event.outcome == Erasing.SUBJECT:
        return [_Erasure(at, "subject")]
    first, last = said.get("first"), said.get("last")
    if not isinstance(first, int) or not isinstance(last, int):
        return [_Erasure(at, "retention")]
    return [_Erasure(at, "retention", said.get("group"), first, last)]


def _why(erasures: list[_Erasure], index: int, group: str, at: int | None) -> ErasedFor:
    if at is None:
        return "key"
    fitting = [each for each in erasures if each.may_be_of(index, group, at)]
    # What names the entry says more than what happened in the same second.
    fitting.sort(key=lambda each: each.group is None)
    return fitting[0].why if fitting else "unknown"
