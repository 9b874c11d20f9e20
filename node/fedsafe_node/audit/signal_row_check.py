# SPDX-License-Identifier: Apache-2.0
"""Check the rows that decide a match against what logs and signatures say.

Logs are verifiable by themselves; the tables beside them are not. Whoever can
write the database file could let a revoked signal match again, or a listed one
never match, without touching a log. Here every row has to agree with its entry, its
opening and the statements of its author, and every opening has to have its row.

All of it runs on one snapshot and page by page; beside a page only one byte for
each log entry is held. What has merely run out and waits for its job is well.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.oprf.tokens import media_token
from fedsafe_federation.errors import MalformedError
from fedsafe_federation.feed.records import SignalRecord, decode_record
from fedsafe_federation.feed.signals import SIGNAL_GROUP, decode_opening
from fedsafe_federation.feed.verification import feed_name
from fedsafe_node.audit.reconcile import Sums
from fedsafe_node.audit.reconcile_sums import Reckoner, missing_row
from fedsafe_node.ground.errors import CorruptLogError, CorruptRowError
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.log.audit import Event, audit_log_name, decode_audit_record
from fedsafe_node.log.openings import period_of
from fedsafe_node.rules.media_bodies import media_keys, open_media_body
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.dispute_check import Contested, read_contested
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import KeptOpening, LogName, SignalRow, SignalStatus
from fedsafe_policies.ground.catalogue import Phrase

SIGNALS: Final = "signals"

_PAGE: Final = 1_024
_FEED: Final = feed_name("")
_GAP: Final = 8  # rather read some entries too many than ask for each
_OWN_EVENTS: Final = frozenset({Event.OWN_BAN, Event.DRAFT})
_MATCHABLE: Final = frozenset({SignalStatus.ACTIVE, SignalStatus.DISPUTED})
_RELOCKS: Final = (Event.GATE_RELOCKED, Event.MEMBER_ERASED)
_STOPPED: Final = frozenset({SignalStatus.REVOKED, SignalStatus.ERASED})
_HEADER: Final = ("epoch", "generation", "match_until", "erase_after")
_header_of: Final = attrgetter(*_HEADER)


class SignalRows:
    """Checks the table of signals, once, on one snapshot."""

    def __init__(self, reader: Reader, situation: Situation, now: datetime) -> None:
        self._reader = reader
        self._situation = situation
        self._audit = audit_log_name(situation.node)
        self._feed = feed_name(situation.node)
        self._ours = (situation.node, situation.own.name)
        self._reckoner = Reckoner(reader, self._audit, period_of(now))
        self._now = int(now.timestamp())
        self._claimed: dict[LogName, bytearray] = {}
        self._kept: Counter[str] = Counter()
        self._contested = Contested()
        self._ended = 0
        self._unstated: list[CorruptRowError] = []
        self._bare: list[CorruptRowError] = []

    async def check(self) -> int:
        """Check all rows and that no signal lacks one; return how many rows.

        Raises:
            CorruptRowError: names the first row at fault.
        """
        for log in await self._reader.logs():
            self._claimed[log] = bytearray(await self._reader.log_size(log))
        self._contested = await read_contested(self._reader)
        last = count = 0
        while page := await self._reader.signals_after(last, _PAGE):
            last, count = page[-1].row, count + len(page)
            places: dict[LogName, list[SignalRow]] = defaultdict(list)
            for row in page:
                self._check_place(row)
                self._check_rest(row)
                places[row.log].append(row)
            for log, rows in places.items():
                await self._check_spans(log, rows)
        for log in self._claimed:
            if log != self._audit:  # of which the reckoner looks at each entry
                await self._check_unclaimed(log)
        claimed = self._claimed.get(self._audit, bytearray())
        said = await self._reckoner.reckon(claimed)
        if len(self._bare) > said.bare and (said.whole or not said.restored):
            raise self._bare[said.bare]
        sums = Sums(self._reader, said)
        await sums.check(self._kept, self._ended, self._unstated, ours=self._ours)
        return count

    def _check_place(self, row: SignalRow) -> None:
        own = row.origin == self._situation.own.name
        log = self._audit if own else feed_name(row.origin)
        claimed = self._claimed.get(log, b"")
        if row.own is not own or row.log != log or row.group != SIGNAL_GROUP:
            raise bad_row(row, Phrase("it points into the log of another list"))
        if not 0 <= row.index < len(claimed):
            raise bad_row(
                row,
                Phrase("it points to entry {index} of {log}: there is none").filled(
                    index=row.index, log=log
                ),
            )
        if claimed[row.index]:
            raise bad_row(
                row,
                Phrase("another signal points to entry {index} as well").filled(
                    index=row.index
                ),
            )
        self._claimed[log][row.index] = 1
        self._kept[row.origin] += 1

    def _check_rest(self, row: SignalRow) -> None:
        name, status = (row.origin, row.signal_id), row.status
        if status is SignalStatus.ACTIVE and name in self._contested.resting:
            raise bad_row(row, Phrase("it is active, but a dispute rests it"))
        if status is SignalStatus.DISPUTED and name not in self._contested.named:
            raise bad_row(row, Phrase("it is disputed, but no statement says so"))

    async def _check_spans(self, log: LogName, rows: Sequence[SignalRow]) -> None:
        minimum = await self._reader.minimum(log)
        for row in rows:
            if row.index < minimum:
                await self._check_pruned(row)
        for span in _spans([row for row in rows if row.index >= minimum]):
            await self._check_span(log, span)

    async def _check_pruned(self, row: SignalRow) -> None:
        if row.status is not SignalStatus.ERASED:
            raise bad_row(
                row,
                Phrase("it is {status}, but its entry was pruned").filled(
                    status=row.status.value
                ),
            )
        await self._check_stop(row, erased=True)

    async def _check_span(self, log: LogName, rows: Sequence[SignalRow]) -> None:
        first = rows[0].index
        count = rows[-1].index - first + 1
        records = await self._reader.records(log, first, count)
        if len(records) != count:
            raise bad_row(
                rows[0],
                Phrase("entries of {log} are missing near {first}").filled(
                    log=log, first=first
                ),
            )
        try:
            kept = await self._reader.openings(log, first, count, group=SIGNAL_GROUP)
        except CorruptLogError as error:
            at_fault = [row for row in rows if row.index == error.index]
            raise bad_row((at_fault or rows)[0], error.told) from None
        openings = {item.index: item for item in kept}
        for row in rows:
            self._check_record(row, records[row.index - first])
            await self._check_opening(row, openings.get(row.index))

    def _check_record(self, row: SignalRow, record: bytes) -> None:
        try:
            if row.own:
                event = decode_audit_record(record)
                fits = event.event in _OWN_EVENTS and SIGNAL_GROUP in event.commitments
            else:
                entry = decode_record(record)
                fits = isinstance(entry, SignalRecord) and entry.signal == row.signal_id
        except MalformedError:
            fits = False
        if not fits:
            raise bad_row(
                row,
                Phrase("entry {index} of {log} is not of this signal").filled(
                    index=row.index, log=row.log
                ),
            )

    async def _check_opening(self, row: SignalRow, kept: KeptOpening | None) -> None:
        if kept is None:
            raise bad_row(
                row,
                Phrase("entry {index} of {log} has no opening").filled(
                    index=row.index, log=row.log
                ),
            )
        if kept.opening is None and kept.erased_at is None:
            place = (row.log, row.index, row.group)
            if not await self._reckoner.lost_its_key(*place):
                raise bad_row(
                    row, Phrase("its opening is of a month that never had a key")
                )
        erased, status = kept.erased_at is not None, row.status
        if erased and status in _MATCHABLE:
            raise bad_row(
                row,
                Phrase("it is {status}, but its opening is erased").filled(
                    status=status.value
                ),
            )
        if not erased and status in _STOPPED:
            raise bad_row(
                row,
                Phrase("it is {status}, but its opening is not erased").filled(
                    status=status.value
                ),
            )
        if status is SignalStatus.ERASED or self._needs_statement(row, erased=erased):
            await self._check_stop(row, erased=erased)
        if kept.opening is not None:
            self._check_payload(row, kept.opening.payload)

    async def _check_stop(self, row: SignalRow, *, erased: bool) -> None:
        status = row.status
        said = await self._reader.restrictions_on(row.origin, row.signal_id)
        stated = status.value in {statement.effect for statement in said}
        if stated or await self._relocked(row):
            return
        if self._needs_statement(row, erased=erased):
            fault = bad_row(
                row,
                Phrase("it is {status}, but no statement says so").filled(
                    status=status.value
                ),
            )
            if status is SignalStatus.DISPUTED:
                raise fault
            self._unstated.append(fault)
        else:
            self._ended += status is SignalStatus.ERASED

    async def _relocked(self, row: SignalRow) -> bool:
        if row.status is not SignalStatus.ERASED:
            return False
        event = await self._reader.relock_event(row.origin, row.signal_id)
        record = None
        if event is not None:
            record = await self._reader.record(self._audit, event)
        if record is None:
            return False
        try:
            return decode_audit_record(record).event in _RELOCKS
        except MalformedError:
            return False  # the check of the log itself names the entry

    def _needs_statement(self, row: SignalRow, *, erased: bool) -> bool:
        match row.status:
            case SignalStatus.ACTIVE:
                return False
            case SignalStatus.DISPUTED:
                return False  # `_check_rest` has looked at it
            case SignalStatus.REVOKED:
                return True
            case SignalStatus.EXPIRED:
                return erased or row.match_until > self._now
            case SignalStatus.ERASED:
                lives = not row.own and row.erase_after > self._now
                return lives and not self._is_over(row.epoch)

    def _is_over(self, epoch: int) -> bool:
        shared = self._situation.shared
        return shared is not None and epoch not in shared.membership.live(self._now)

    def _check_payload(self, row: SignalRow, payload: bytes) -> None:
        try:
            header, opening = decode_opening(payload)
        except MalformedError:
            raise bad_row(row, Phrase("its opening is none of a signal")) from None
        if _header_of(header) != _header_of(row):
            pairs = zip(_HEADER, _header_of(header), _header_of(row), strict=True)
            name = next(name for name, said, kept in pairs if said != kept)
            raise bad_row(
                row, Phrase("its {name} is not that of its opening").filled(name=name)
            )
        if (header.plane.value, header.scope.value) != (row.plane, row.scope):
            raise bad_row(row, Phrase("its plane or scope is not that of its opening"))
        kind, token = None, opening.token
        if token is None:
            try:
                body = open_media_body(
                    row.signal_id, row.origin, header, opening, self._situation
                )
                _, keys = media_keys(row.origin, header, self._situation)
            except (CryptoError, MalformedError):
                raise bad_row(
                    row, Phrase("the body of its opening does not open")
                ) from None
            kind, token = body.kind, media_token(keys.token, body.kind, body.digest)
        if (kind, token) != (row.media_kind, row.token):
            raise bad_row(row, Phrase("its token is not that of its opening"))

    async def _check_unclaimed(self, log: LogName) -> None:
        claimed = self._claimed[log]
        for start in range(0, len(claimed), _PAGE):
            if all(claimed[start : start + _PAGE]):
                continue  # nothing is left over: every entry has its row
            for kept in await self._reader.sealed_openings(
                log, start, _PAGE, group=SIGNAL_GROUP
            ):
                if not claimed[kept.index] and (
                    log != self._feed or kept.sealed is not None
                ):
                    raise missing_row(log, kept.index)
            if log == self._feed:
                await self._check_own(log, start)

    async def _check_own(self, log: LogName, start: int) -> None:
        """Note own signals without a row: a restore may have lost what they said."""
        records = await self._reader.records(log, start, _PAGE)
        self._bare += [
            missing_row(log, index)
            for index, record in enumerate(records, start=start)
            if not self._claimed[log][index] and _is_signal(record)
        ]


def _spans(rows: list[SignalRow]) -> Iterator[list[SignalRow]]:
    """Cut rows of one log into runs of entries that lie close to each other."""
    rows.sort(key=lambda row: row.index)
    begin = 0
    for at in range(1, len(rows) + 1):
        if at == len(rows) or rows[at].index - rows[at - 1].index > _GAP:
            yield rows[begin:at]
            begin = at


def _is_signal(record: bytes) -> bool:
    try:
        return isinstance(decode_record(record), SignalRecord)
    except MalformedError:
        return False  # the check of the log itself names it


def bad_row(row: SignalRow, reason: Phrase) -> CorruptRowError:
    """Name a row of a signal that does not fit, and why."""
    return CorruptRowError(SIGNALS, row.row, signal_name(row.signal_id), reason)
