# SPDX-License-Identifier: Apache-2.0
"""Which entries of the audit log name an account, and which packs hold them."""

from collections.abc import AsyncIterator, Collection
from typing import Final

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import CorruptLogError
from fedsafe_node.ground.subject_refs import join, split
from fedsafe_node.log.audit import (
    DETAIL,
    SUBJECT,
    Event,
    NamedSubject,
    decode_audit_record,
)
from fedsafe_node.log.event_index import Looked, Name, candidates, runs
from fedsafe_node.store.peering_rows import PackRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import KeptOpening, LogName
from fedsafe_policies.ground.catalogue import Phrase

_PAGE: Final = 2_000
_MOST_NAMES: Final = 16
_TELLING: Final = frozenset(
    {
        Event.OWN_BAN.value,
        Event.DRAFT.value,
        Event.LOOKUP.value,
        Event.NOTICE_QUEUED.value,
        Event.NOTICE_ANNOUNCED.value,
        Event.NOTICE_DELIVERED.value,
    }
)
"""Classes of events that tell of an account by which signals it is listed or found."""


class _Signals(msgspec.Struct, frozen=True):
    signal: str = ""
    signals: str = ""


def subject_of(kept: KeptOpening) -> str | None:
    """Return the account that an opening names; None if it is erased or names none."""
    if kept.group != SUBJECT or kept.opening is None:
        return None
    try:
        named = decode(kept.opening.payload, NamedSubject)
    except MalformedError:
        return None
    return named.ref if named.service is None else join(named.service, named.ref)


async def entries_naming(  # noqa: PLR0913 - what is looked for, and where
    reader: Reader,
    log: LogName,
    subjects: Collection[str],
    *,
    signals: Collection[str] = (),
    since: int = 0,
    end: int | None = None,
) -> list[int]:
    """Return the entries from `since` to below `end` that name one of the accounts.

    With *signals*, also those that name any account as listed or found by these, and by
    no others: what people did with a match is not among them.

    Raises:
        CorruptLogError: what is stored is not what was sealed.
    """
    size = await reader.log_size(log) if end is None else end
    # What is from before services were told counts for each, entry or hold.
    wanted = {*subjects, *(split(subject)[1] for subject in subjects)}
    unclaimed = {subject for subject in subjects if split(subject)[0] is None}
    found: list[int] = []
    async for part in _where_named(reader, log, subjects, signals, (since, size)):
        page = await reader.openings(log, part[0], len(part), group=SUBJECT)
        for kept in page:
            named = subject_of(kept)
            if named is None:
                continue
            if (
                named in wanted
                or split(named)[1] in unclaimed
                or (signals and await _tells_of(reader, log, kept.index, signals))
            ):
                found.append(kept.index)
        for index in sorted({*part} - {kept.index for kept in page}):
            await check_openings(reader, log, index, (SUBJECT,), ())
    return found


async def check_openings(
    reader: Reader,
    log: LogName,
    index: int,
    groups: Collection[str],
    there: Collection[str],
) -> None:
    """Check that of these groups an entry commits to no other than those *there*.

    An opening that was erased is there, without its content.

    Raises:
        CorruptLogError: an opening is gone.
    """
    record = await reader.record(log, index)
    if record is None:
        return
    try:
        commitments = decode_audit_record(record).commitments
    except MalformedError:
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None
    for group in groups:
        if group in commitments and group not in there:
            raise CorruptLogError(
                log,
                index,
                Phrase("the opening of {group} is missing").filled(group=repr(group)),
            )


async def _where_named(
    reader: Reader,
    log: LogName,
    subjects: Collection[str],
    signals: Collection[str],
    span: tuple[int, int],
) -> AsyncIterator[range]:
    """Give the parts of a span, in order, in which one may be named."""
    references = {split(subject)[1] for subject in subjects}
    names = [Name(SUBJECT, "ref", each) for each in references]
    names += [Name(DETAIL, "signal", each) for each in signals]
    if len(names) > _MOST_NAMES:  # to read all is less
        for start in range(span[0], span[1], _PAGE):
            yield range(start, min(start + _PAGE, span[1]))
        return
    named = set[int]()
    for name in names:
        async for entries in candidates(reader, log, Looked(names=(name,)), span):
            named.update(entries)
    for run in runs(sorted(named)):
        yield run


async def _tells_of(
    reader: Reader, log: LogName, index: int, signals: Collection[str]
) -> bool:
    record = await reader.record(log, index)
    if class_of(log, index, record or b"") not in _TELLING:
        return False
    kept = await reader.opening(log, index, DETAIL)
    try:
        said = _Signals() if kept is None else decode(kept.payload, _Signals)
    except MalformedError:
        return False
    named = {*said.signals.split(), *said.signal.split()}
    return bool(named) and named <= {*signals}


async def packs_naming(reader: Reader, log: LogName, subject: str) -> list[PackRow]:
    """Return the packs with openings that name an account, as far as the log does.

    Walks the log if there is any pack, so use it in `scan`.

    Raises:
        CorruptLogError: what is stored is not what was sealed.
    """
    packs = await reader.packs()
    if not packs:
        return []
    since, end = min(row.first for row in packs), max(row.last for row in packs) + 1
    named = await entries_naming(reader, log, {subject}, since=since, end=end)
    classes = {
        index: class_of(log, index, await reader.record(log, index) or b"")
        for index in named
    }
    return [
        row
        for row in packs
        if any(
            row.first <= index <= row.last and _has(row.events, event)
            for index, event in classes.items()
        )
    ]


def class_of(log: LogName, index: int, record: bytes) -> str:
    """Return the class of an event.

    Raises:
        CorruptLogError: it is none.
    """
    try:
        return decode_audit_record(record).event.value
    except MalformedError:
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None


def _has(events: str | None, event: str) -> bool:
    return events is None or event in events.split(",")
