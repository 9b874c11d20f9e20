# SPDX-License-Identifier: Apache-2.0
"""Which entries of the audit log name an account, and which packs hold them."""

from collections.abc import Collection
from typing import Final

import msgspec

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wireformat import decode
from fedsafe_node.errors import CorruptLogError
from fedsafe_node.log.audit import SUBJECT, decode_audit_record
from fedsafe_node.store.protocol import LogName, Reader
from fedsafe_node.store.recipients_rows import PackRow
from fedsafe_node.store.rows import KeptOpening
from fedsafe_node.subject_refs import join, split

_PAGE: Final = 2_000


class NamedSubject(msgspec.Struct, frozen=True):
    """The account that an entry names; of one from before services were told, none."""

    ref: str
    service: str | None = None


def subject_of(kept: KeptOpening) -> str | None:
    """Return the account that an opening names; None if it is erased or names none."""
    if kept.group != SUBJECT or kept.opening is None:
        return None
    try:
        named = decode(kept.opening.payload, NamedSubject)
    except MalformedError:
        return None
    return named.ref if named.service is None else join(named.service, named.ref)


async def entries_naming(
    reader: Reader,
    log: LogName,
    subjects: Collection[str],
    *,
    since: int = 0,
    end: int | None = None,
) -> list[int]:
    """Return the entries from `since` to below `end` that name one of the accounts.

    Raises:
        CorruptLogError: what is stored is not what was sealed.
    """
    size = await reader.log_size(log) if end is None else end
    # What is from before services were told counts for each, entry or hold.
    wanted = {*subjects, *(split(subject)[1] for subject in subjects)}
    unclaimed = {subject for subject in subjects if split(subject)[0] is None}
    found: list[int] = []
    for start in range(since, size if subjects else 0, _PAGE):
        count = min(_PAGE, size - start)
        page = await reader.openings(log, start, count, group=SUBJECT)
        found += [
            kept.index
            for kept in page
            if (named := subject_of(kept)) is not None
            and (named in wanted or split(named)[1] in unclaimed)
        ]
    return found


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
        raise CorruptLogError(log, index, "it is no audit event") from None


def _has(events: str | None, event: str) -> bool:
    return events is None or event in events.split(",")
