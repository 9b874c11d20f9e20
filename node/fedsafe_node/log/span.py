# SPDX-License-Identifier: Apache-2.0
"""Which part of the audit log is meant: by index, or by time, and of which classes.

Acts that share a commit may be written a moment out of order, so a part that is
named by time begins with the first and ends with the last entry that fits, among
those near the place where the moment would be.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.wire.signed import Count, Seconds
from fedsafe_node.acts.bodies import Message
from fedsafe_node.ground.errors import BadRequestError, CorruptLogError, PrunedError
from fedsafe_node.log.audit import Event, decode_audit_record
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase

MAX_ENTRIES: Final = 1_000_000
_NEAR: Final = 256
Recipient = Annotated[
    str,
    msgspec.Meta(
        pattern=r"^[0-9A-Za-zÀ-ÖØ-öø-ž][0-9A-Za-zÀ-ÖØ-öø-ž .,&/()'-]{0,79}(?!\n)$"
    ),
]
Events = Annotated[str, msgspec.Meta(pattern=r"^[a-z_.,]*$", max_length=1_000)]


class ExportRequest(Message, frozen=True):
    """A part of the audit log: entries `first` to `last`, or a span of time.

    `since` and `until` are seconds in UTC, the second one excluded. `events` are
    classes, divided by commas; all unless given. `recipient` is whom the pack is made
    for, an authority or a court; unless given it stays with this provider.
    """

    first: Count | UnsetType = UNSET
    last: Count | UnsetType = UNSET
    since: Seconds | UnsetType = UNSET
    until: Seconds | UnsetType = UNSET
    events: Events = ""
    recipient: Recipient | UnsetType = UNSET


class Part(Message, frozen=True):
    """The part that was meant, entries from `start` to below `end`, and for whom."""

    start: int
    end: int
    events: tuple[str, ...] | None = None
    recipient: str | UnsetType = UNSET


async def find_part(reader: Reader, log: LogName, request: ExportRequest) -> Part:
    """Find the part of the log that a request means.

    Raises:
        BadRequestError: there is no such part, or it is too long.
        PrunedError: of its first entries only hashes are left.
        CorruptLogError: an entry that was looked at is no audit event.
    """
    size, minimum = await reader.log_size(log), await reader.minimum(log)
    events = read_events(request.events)
    by_index = request.first is not UNSET or request.last is not UNSET
    if by_index and (request.since is not UNSET or request.until is not UNSET):
        raise BadRequestError(
            "bad_span", Phrase("name entries or times"), pointer="/since"
        )
    _check_order(request)
    start, end = minimum if request.first is UNSET else request.first, size
    if request.last is not UNSET:
        end = request.last + 1
    if request.since is not UNSET:
        start = await first_since(reader, log, size, request.since)
    if request.until is not UNSET:
        end = await end_until(reader, log, size, request.until)
    if start < minimum:
        raise PrunedError(log, start, minimum)
    if not start < end <= size:
        detail = Phrase("no such entries: the log has {size}").filled(size=size)
        raise BadRequestError("bad_span", detail, pointer="/last")
    if end - start > MAX_ENTRIES:
        detail = Phrase("at most {most} entries are taken out at once").filled(
            most=MAX_ENTRIES
        )
        raise BadRequestError("bad_span", detail, pointer="/last")
    return Part(start=start, end=end, events=events, recipient=request.recipient)


def _check_order(request: ExportRequest) -> None:
    first, last = request.first, request.last
    if first is not UNSET and last is not UNSET and first > last:
        detail = Phrase(
            "the first entry ({first}) is after the last one ({last})"
        ).filled(first=first, last=last)
        raise BadRequestError("bad_span", detail, pointer="/last")
    since, until = request.since, request.until
    if since is not UNSET and until is not UNSET and since >= until:
        detail = Phrase("the span does not begin before it ends")
        raise BadRequestError("bad_span", detail, pointer="/until")


def read_events(text: str) -> tuple[str, ...] | None:
    """Read classes of events, divided by commas; None for all.

    Raises:
        BadRequestError: one is no class of events.
    """
    named = sorted(set(filter(None, text.split(","))))
    known = {event.value for event in Event}
    if not known.issuperset(named):
        raise BadRequestError(
            "bad_event", Phrase("no such class of events"), pointer="/events"
        )
    return tuple(named) or None


async def first_since(reader: Reader, log: LogName, size: int, moment: int) -> int:
    """Return the first entry that is not before a moment; *size* if there is none.

    What was pruned lies before all moments.

    Raises:
        CorruptLogError: an entry that was looked at is no audit event.
    """
    place = await _bisect(reader, log, size, moment)
    least = await reader.minimum(log)
    for index in range(max(least, place - _NEAR), place):
        if await moment_of(reader, log, index) >= moment:
            return index
    return place


async def end_until(reader: Reader, log: LogName, size: int, moment: int) -> int:
    """Return the entry behind the last one that is before a moment.

    Raises:
        CorruptLogError: an entry that was looked at is no audit event.
    """
    place = await _bisect(reader, log, size, moment)
    for index in reversed(range(place, min(size, place + _NEAR))):
        if await moment_of(reader, log, index) < moment:
            return index + 1
    return place


async def span_of(
    reader: Reader, log: LogName, after: int | UnsetType, before: int | UnsetType
) -> tuple[int, int]:
    """Return the first entry of a span of time, and the one behind its last.

    Raises:
        BadRequestError: the span ends before it begins.
        CorruptLogError: an entry that was looked at is no audit event.
    """
    if after is not UNSET and before is not UNSET and after >= before:
        detail = Phrase("the span does not begin before it ends")
        raise BadRequestError("bad_span", detail, pointer="/before")
    size = await reader.log_size(log)
    first, end = await reader.minimum(log), size
    if after is not UNSET:
        first = await first_since(reader, log, size, after)
    if before is not UNSET:
        end = await end_until(reader, log, size, before)
    return first, end


def is_within(at: str, after: int | UnsetType, before: int | UnsetType) -> bool:
    """Whether a moment, as a record has it, lies in a span."""
    moment = datetime.fromisoformat(at).timestamp()
    if after is not UNSET and moment < after:
        return False
    return before is UNSET or moment < before


async def _bisect(reader: Reader, log: LogName, size: int, moment: int) -> int:
    low, high = await reader.minimum(log), size
    while low < high:
        middle = (low + high) // 2
        if await moment_of(reader, log, middle) < moment:
            low = middle + 1
        else:
            high = middle
    return low


async def moment_of(reader: Reader, log: LogName, index: int) -> float:
    """Tell when an entry was written, in seconds in UTC.

    Raises:
        CorruptLogError: it is no audit event.
    """
    data = await reader.record(log, index)
    try:
        record = decode_audit_record(data or b"")
        moment = datetime.fromisoformat(record.at)
    except (MalformedError, ValueError):
        raise CorruptLogError(log, index, Phrase("it is no audit event")) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
