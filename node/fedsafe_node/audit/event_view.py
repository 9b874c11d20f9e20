# SPDX-License-Identifier: Apache-2.0
"""Events of the audit log as people read them: what is not erased, what was lost."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from fedsafe_crypto.primitives.commitment import commit
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.acts.audit import AuditEvent, LostEntries
from fedsafe_node.ground.errors import CorruptLogError, PrunedError, StoreFailedError
from fedsafe_node.log.audit import (
    ACTOR,
    DETAIL,
    SOURCE,
    SUBJECT,
    Event,
    Group,
    NamedSubject,
    decode_audit_record,
)
from fedsafe_node.store.disk_errors import BY_WRONG_CELLS
from fedsafe_node.store.keeping_rows import RESTORED
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName, Opening
from fedsafe_policies.ground.catalogue import Phrase


class _Actor(msgspec.Struct, frozen=True):
    name: str


class _Source(msgspec.Struct, frozen=True):
    prefix: str


async def read_log_events(
    reader: Reader, log: LogName, since: int, limit: int
) -> list[AuditEvent]:
    """Read the events of the `limit` entries from `since` on.

    Raises:
        PrunedError: the first of them was pruned.
        CorruptLogError: an entry is no audit event.
    """
    minimum = await reader.minimum(log)
    if since < minimum:
        raise PrunedError(log, since, minimum)
    records = await reader.records(log, since, limit)
    opened: dict[tuple[int, str], Opening] = {}
    if records:
        for kept in await reader.openings(log, since, len(records)):
            if kept.opening is not None:
                opened[kept.index, kept.group] = kept.opening
    events: list[AuditEvent] = []
    for index, record in enumerate(records, start=since):
        try:
            events.append(_event(log, index, record, opened))
        except MalformedError:
            raise CorruptLogError(log, index, Phrase("it is no audit event")) from None
    return events


def _event(
    log: LogName,
    index: int,
    data: bytes,
    opened: Mapping[tuple[int, str], Opening],
) -> AuditEvent:
    record = decode_audit_record(data)

    def payload(group: Group) -> bytes | None:
        opening = opened.get((index, group))
        if opening is None:
            return None
        commitment = commit(log, group, opening.salt, opening.payload)
        if record.commitments.get(group) != commitment:
            reason = Phrase(
                "the opening of {group} is not what the entry commits to"
            ).filled(group=repr(group))
            raise CorruptLogError(log, index, reason)
        return opening.payload

    actor, detail = payload(ACTOR), payload(DETAIL)
    subject, source = payload(SUBJECT), payload(SOURCE)
    account = None if subject is None else decode(subject, NamedSubject)
    said: dict[str, str | int | bool | None] = {}
    if detail is not None:
        said = decode(detail, dict[str, str | int | bool | None])
    return AuditEvent(
        index=index,
        event=record.event.value,
        at=record.at,
        outcome=record.outcome,
        purpose=record.purpose.value,
        basis=record.basis.value,
        rule=record.rule,
        code=record.code,
        policy=record.policy,
        policy_hash=record.policy_hash,
        trace=_word(said.pop("trace", None)),
        peer=_word(said.get("peer")),
        actor=decode(actor, _Actor).name if actor is not None else None,
        service=None if account is None else account.service,
        subject_ref=None if account is None else account.ref,
        source=decode(source, _Source).prefix if source is not None else None,
        detail=said or None,
    )


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None


_PAGE: Final = 500
_MARK: Final = f'"{Event.RESTORED.value}"'.encode()


async def lost_entries(reader: Reader, log: LogName) -> list[LostEntries]:
    """Tell which entries restores have declared lost; of damage others tell."""
    try:
        if not any(gap.reason == RESTORED for gap in await reader.gaps()):
            return []
        return await _read(reader, log)
    except (CorruptLogError, StoreFailedError, *BY_WRONG_CELLS):
        return []


async def _read(reader: Reader, log: LogName) -> list[LostEntries]:
    found: list[LostEntries] = []
    for start in range(await reader.minimum(log), await reader.log_size(log), _PAGE):
        records = await reader.records(log, start, _PAGE)
        for index, record in enumerate(records, start=start):
            if _MARK in record:
                found += await _lost_by(reader, log, index)
    return found


async def _lost_by(reader: Reader, log: LogName, index: int) -> list[LostEntries]:
    [event] = await read_log_events(reader, log, index, 1)
    detail = event.detail or {}
    first, lost = detail.get("first"), detail.get("lost")
    if event.event != Event.RESTORED or not isinstance(first, int):
        return []
    if not isinstance(lost, int) or lost <= 0:
        return []  # nothing was, or nobody knew how much
    at = int(datetime.fromisoformat(event.at).timestamp())
    return [LostEntries(first, first + lost - 1, at, index)]
