# SPDX-License-Identifier: Apache-2.0
"""Check what was kept of restrictions against the statements of their authors.

A statement that was put into the database, or changed there, could stop a signal that
nobody stopped, or let a revoked one match (`signal_row_check.py`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from fedsafe_federation.charter.charter import Charter
from fedsafe_federation.charter.former_keys import Trust
from fedsafe_federation.errors import FederationError, MalformedError
from fedsafe_federation.evaluation.statements import digest
from fedsafe_federation.feed.appeals import UNNUMBERED, open_stop, signals_of
from fedsafe_federation.feed.records import RestrictionRecord, decode_record
from fedsafe_federation.feed.restrictions import Restriction
from fedsafe_federation.feed.verification import feed_name
from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import decode
from fedsafe_node.audit.signal_row_check import bad_row
from fedsafe_node.ground.errors import CorruptRowError, words_of
from fedsafe_node.ground.signal_ids import signal_name
from fedsafe_node.keys.charter_chain import opened_under, read_back
from fedsafe_node.rules.policy_context import Situation
from fedsafe_node.signals.dispute_check import (
    check_dispute,
    check_taken,
    check_unstated,
    read_disputes,
)
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rights_rows import DisputeRow
from fedsafe_node.store.rows import LogName, NamedRow, RestrictionRow, SignalStatus
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Effect

RESTRICTIONS: Final = "restrictions"
RESTRICTED: Final = "restricted"

_PAGE: Final = 1_024
_STATEMENTS: Final = 256
_FEED: Final = feed_name("")
_AT_LEAST: Final[Mapping[str, frozenset[SignalStatus]]] = {
    "expired": frozenset(
        {SignalStatus.EXPIRED, SignalStatus.REVOKED, SignalStatus.ERASED}
    ),
    "revoked": frozenset({SignalStatus.REVOKED, SignalStatus.ERASED}),
    "erased": frozenset({SignalStatus.ERASED}),
}
_OTHERWISE: Final = Phrase("its statement says something else")
_NO_ROW: Final = Phrase("{log} restricts it, but no row does")


class RestrictionRows:
    """Checks what was kept of restriction statements, once, on one snapshot."""

    def __init__(self, reader: Reader, situation: Situation) -> None:
        self._reader = reader
        self._disputes: dict[bytes, DisputeRow] = {}
        self._own = situation.own.name
        self._charters: list[Charter] = []

    async def check_statements(self) -> int:
        """Check that each statement is its author's; return how many.

        Raises:
            CorruptRowError: names the first row at fault.
        """
        after, count = b"", 0
        self._disputes = await read_disputes(self._reader)
        self._charters = await read_back(self._reader)
        while page := await self._reader.restrictions_after(after, _PAGE):
            after, count = page[-1].digest, count + len(page)
            for row in page:
                self._check_statement(row)
        for unstated in self._disputes.values():
            check_unstated(unstated, self._own)
        return count

    def _check_statement(self, row: RestrictionRow) -> None:
        name = row.digest.hex()
        try:
            statement = decode(row.statement, Signed)
            restriction = self._open(statement)
        except FederationError as error:
            raise CorruptRowError(RESTRICTIONS, None, name, words_of(error)) from None
        if restriction is None or digest(statement) != row.digest:
            reason = Phrase("the statement is not the one of this digest")
            raise CorruptRowError(RESTRICTIONS, None, name, reason)
        said = (
            restriction.origin,
            restriction.author,
            restriction.sequence,
            restriction.effect.value,
        )
        if said != (row.origin, row.author, row.sequence, row.effect):
            reason = Phrase("its columns are not what the statement says")
            raise CorruptRowError(RESTRICTIONS, None, name, reason)
        if restriction.effect is Effect.DISPUTED:
            check_dispute(self._disputes.pop(row.digest, None), restriction, name)

    def _open(self, statement: Signed) -> Restriction | None:
        if not self._charters:
            return None
        return opened_under(
            self._charters,
            lambda charter: open_stop(statement, charter, trust=Trust.KEPT),
        )

    def _open_record(self, statement: Signed) -> Restriction | None:
        """Open what a feed holds, as far as whoever took it in had to heed it.

        What keys signed that were called stolen is in the feed, and has no effect.
        """
        for charter in self._charters:
            if any(each.name == statement.signer for each in charter.members):
                return open_stop(statement, charter, trust=Trust.VOUCHED)
        return None

    async def check_names(self) -> int:
        """Check each named signal, in the table and in the feeds; return how many.

        Raises:
            CorruptRowError: names the first row at fault.
        """
        count, after = 0, None
        self._charters = await read_back(self._reader)
        named = lru_cache(_STATEMENTS)(_named)
        while page := await self._reader.restricted_after(after, _PAGE):
            after, count = page[-1], count + len(page)
            for row in page:
                kept = await self._reader.restriction(row.digest)
                if kept is None or row.signal_id not in named(kept.statement):
                    reason = Phrase("no statement that was kept names it")
                    raise _bad_name(row.signal_id, reason)
                if (kept.origin, kept.effect) != (row.origin, row.effect):
                    raise _bad_name(row.signal_id, _OTHERWISE)
            await self._check_statuses(page)
        for log in await self._reader.logs():
            if log.endswith(_FEED):  # no other log holds statements that count
                await self._check_feed(log)
        return count

    async def _check_statuses(self, named: Iterable[NamedRow]) -> set[bytes]:
        ids: dict[tuple[str, str], list[bytes]] = defaultdict(list)
        for row in named:
            ids[row.origin, row.effect].append(row.signal_id)
        found: set[bytes] = set()
        for (origin, effect), names in ids.items():
            for signal in await self._reader.signals_named(origin, names):
                found.add(signal.signal_id)
                if signal.status not in _AT_LEAST[effect]:
                    status = signal.status.value
                    reason = Phrase(
                        "it is {status}, but was {before} by a statement of {origin}"
                    ).filled(status=status, before=effect, origin=origin)
                    raise bad_row(signal, reason)
        return found

    async def _check_feed(self, log: LogName) -> None:
        # An author's own feed says what was restricted, whatever the tables say.
        for start in range(0, await self._reader.log_size(log), _PAGE):
            for record in await self._reader.records(log, start, _PAGE):
                restriction = self._restriction(record)
                if restriction is None or feed_name(restriction.author) != log:
                    continue
                if restriction.effect is Effect.DISPUTED:
                    await check_taken(self._reader, restriction, log)
                    continue
                if not await self._counted(restriction):
                    continue
                origin, effect = restriction.origin, restriction.effect.value
                found = await self._check_statuses(
                    NamedRow(origin=origin, signal_id=name, effect=effect, digest=b"")
                    for name in restriction.signals
                )
                settled = await self._reader.settled(origin, restriction.signals)
                for name in restriction.signals:
                    if name not in found and name not in settled:
                        raise _bad_name(name, _NO_ROW.filled(log=log))

    async def _counted(self, said: Restriction) -> bool:
        """Tell whether a record counts: a ruling on an appeal may have come too late.

        The first on an appeal does, within the budget of its author's day.
        """
        if said.sequence != UNNUMBERED:
            return True
        kept = await self._reader.restrictions_on(said.origin, said.signals[0])
        return any(
            (row.author, row.sequence) == (said.author, UNNUMBERED) for row in kept
        )

    def _restriction(self, record: bytes) -> Restriction | None:
        try:
            entry = decode_record(record)
            if isinstance(entry, RestrictionRecord):
                said = self._open_record(entry.statement)
                return said if said is not None and self._was_taken(said) else None
        except FederationError:
            pass  # an audit event, or a record that never had an effect
        return None

    def _was_taken(self, said: Restriction) -> bool:
        """Tell whether a record had an effect whenever it came.

        Whom it disputes may have parted before it came, or have joined after.
        """
        listed = ({each.name for each in charter.members} for charter in self._charters)
        return all(said.origin in names for names in listed if said.author in names)


def _named(statement: bytes) -> frozenset[bytes]:
    try:
        return frozenset(signals_of(decode(statement, Signed)))
    except MalformedError:
        return frozenset()


def _bad_name(signal_id: bytes, reason: Phrase) -> CorruptRowError:
    return CorruptRowError(RESTRICTED, None, signal_name(signal_id), reason)
