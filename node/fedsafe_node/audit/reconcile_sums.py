# SPDX-License-Identifier: Apache-2.0
"""Add up what the audit log says became of signals, for `reconcile` to compare.

A row that is not there, or that is erased, holds nothing by which it could be
checked. But rows are never deleted, and each event says in a detail that it commits
to how many came, went and came back. So the sums have to be those of the tables.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final, cast

from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.signals import SIGNAL_GROUP
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.ground.errors import CorruptRowError
from fedsafe_node.log.audit import DETAIL, AuditRecord, Event, decode_audit_record
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogName
from fedsafe_policies.ground.catalogue import Phrase

_PAGE: Final = 1_024
_TABLE: Final = "signals"
_COUNTED: Final = frozenset(
    {
        Event.FEED_APPLIED,
        Event.GATE_RELOCKED,
        Event.MEMBER_ERASED,
        Event.EXPIRED,
        Event.EPOCH_ERASED,
        Event.WITHDRAWN,
        Event.PUBLISHED,
        Event.RESTRICTED,
        Event.RESTORED,
        Event.ORIGIN_SUSPENDED,
        Event.GATE_RECORDED,
        Event.REGISTER_ENTERED,
        Event.REGISTER_REVIEWED,
    }
)
_ENDED: Final = ("erased", "bans")
# How a record begins of which there are most. It counts nothing and has no signal, and
# whatever else begins so was not written by the node: the check of the log names it.
_LOOKUP: Final = f'{{"v":1,"event":"{Event.LOOKUP}",'.encode()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record of the gate or the register; its digest is SHA-256 in hex."""

    id: str
    digest: str


@dataclass(slots=True)
class Reckoning:
    """What all events together say; by origin, but for `ended`.

    `ended` counts erasures that no statement and no relock explains: dates that
    passed, and own bans that were withdrawn or published. `unkept` counts what was
    stopped by statements beyond the bound of their author, which are not kept.
    `bare` counts own signals that a restore brought back without what they said.
    `whole` is false once a period key was destroyed or events were pruned, and with
    them what some events said.
    """

    kept: Counter[str] = field(default_factory=Counter)
    relocked: Counter[str] = field(default_factory=Counter)
    lacking: dict[str, int | None] = field(default_factory=dict)
    ended: int = 0
    unkept: int = 0
    suspended: set[str] = field(default_factory=set)
    register: list[Recorded] = field(default_factory=list)
    gate: Recorded | None = None
    whole: bool = True
    restored: bool = False
    bare: int = 0

    def add(self, event: Event, detail: dict[str, object]) -> None:
        """Take in one event."""
        origin, digest = str(detail.get("origin")), str(detail.get("digest"))
        match event:
            case Event.FEED_APPLIED | Event.GATE_RELOCKED:
                self.lacking[origin] = cast("int | None", detail.get("lacking"))
                self.kept[origin] += _count(detail, "kept")
                self.relocked[origin] += _count(detail, "signals")
                self.relocked[origin] -= _count(detail, "granted")
            case Event.MEMBER_ERASED:
                self.relocked[origin] += _count(detail, "signals")
                if "lacking" in detail:
                    self.lacking[origin] = cast("int | None", detail["lacking"])
                else:  # a node before this detail; another event tells it again
                    self.lacking.pop(origin, None)
            case Event.RESTRICTED:
                self.unkept += _count(detail, "unkept")
            case Event.RESTORED:
                self.bare += _count(detail, "bare")
                self.ended += _count(detail, "bans")
            case Event.ORIGIN_SUSPENDED:
                self.suspended.add(origin)
            case Event.ORIGIN_RESUMED:
                self.suspended.discard(origin)
            case Event.GATE_RECORDED:
                self.gate = Recorded(str(detail.get("record")), digest)
            case Event.REGISTER_ENTERED | Event.REGISTER_REVIEWED:
                self.register.append(Recorded(str(detail.get("entry")), digest))
            case _:
                self.ended += sum(_count(detail, name) for name in _ENDED)


class Reckoner:
    """Reads an audit log once, on one snapshot."""

    def __init__(self, reader: Reader, audit: LogName, present: str) -> None:
        self._reader = reader
        self._audit = audit
        self._present = present
        self._first: str | None = None

    async def reckon(self, claimed: bytearray) -> Reckoning:
        """Add up all events; `claimed` has a 1 for each entry that a row points to.

        Raises:
            CorruptRowError: an own ban has no row, or a detail that counts is gone.
        """
        minimum = await self._reader.minimum(self._audit)
        found = Reckoning(whole=minimum == 0)
        for start in range(minimum, len(claimed), _PAGE):
            records = await self._reader.records(self._audit, start, _PAGE)
            for index, data in enumerate(records, start=start):
                if data.startswith(_LOOKUP):
                    continue
                try:
                    record = decode_audit_record(data)
                except MalformedError:
                    continue  # the check of the log itself names it
                if SIGNAL_GROUP in record.commitments and not claimed[index]:
                    raise missing_row(self._audit, index)
                found.restored |= record.event is Event.RESTORED
                if record.event in _COUNTED and DETAIL in record.commitments:
                    await self._add(found, index, record)
        return found

    async def _add(self, found: Reckoning, index: int, record: AuditRecord) -> None:
        kept = await self._reader.openings(self._audit, index, 1, group=DETAIL)
        if not kept or kept[0].erased_at is not None:
            raise self._lost(index)
        opening = kept[0].opening
        if opening is None:
            if not await self.lost_its_key(self._audit, index, DETAIL):
                raise self._lost(index)
            found.whole = False
            return
        try:
            detail = decode(opening.payload, dict[str, str | int | bool | None])
        except MalformedError:
            raise self._lost(index) from None
        found.add(record.event, dict(detail))

    def _lost(self, index: int) -> CorruptRowError:
        name = f"entry {index} of {self._audit}"
        reason = Phrase("what it says of signals was taken away")
        return CorruptRowError(_TABLE, None, name, reason)

    async def lost_its_key(self, log: LogName, index: int, group: str) -> bool:
        """Tell if an opening was sealed in a month in which this node ran.

        Else it was moved to a month of which there never was a key.
        """
        if self._first is None:
            self._first = await self._beginning()
        sealed = await self._reader.sealed_openings(log, index, 1, group=group)
        return all(self._first <= row.period <= self._present for row in sealed)

    async def _beginning(self) -> str:
        for row in await self._reader.pruned():
            if row.log == self._audit:
                return row.since
        record = await self._reader.record(self._audit, 0)
        try:
            return decode_audit_record(record).at[:7] if record else ""
        except MalformedError:
            return ""


def missing_row(log: LogName, index: int) -> CorruptRowError:
    """Say that an entry's signal has no row."""
    return CorruptRowError(
        _TABLE, None, f"entry {index} of {log}", Phrase("it has no row")
    )


def _count(detail: dict[str, object], name: str) -> int:
    value = detail.get(name)
    return value if isinstance(value, int) else 0
