# SPDX-License-Identifier: Apache-2.0
"""Audiences and the recipient ledger in SQL: a reading and a writing half.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.peering_rows import (
    HandedRow,
    HeardRow,
    LedgerRow,
    PackRow,
    ReceiptRow,
    RepeatRow,
    ServedRow,
)
from fedsafe_node.store.sql import Connection, IntegrityError

_FIELDS: Final = HandedRow.__struct_fields__
_COLUMNS: Final = ", ".join(_FIELDS)
_ADD: Final = (
    f"INSERT INTO recipients ({_COLUMNS}) "  # noqa: S608 - our own columns
    f"VALUES ({', '.join('?' * len(_FIELDS))})"
)

_LINES: Final = (
    f"SELECT {_COLUMNS}, number, parts FROM recipients "  # noqa: S608 - our own columns
    "LEFT JOIN handed_again ON line = number "
)
_SERVED_FIELDS: Final = ServedRow.__struct_fields__
_SERVED_COLUMNS: Final = ", ".join(_SERVED_FIELDS)
_ADD_SERVED: Final = (
    f"INSERT INTO served_again ({_SERVED_COLUMNS}) "  # noqa: S608 - our own columns
    f"VALUES ({', '.join('?' * len(_SERVED_FIELDS))}) "
    "ON CONFLICT (recipient, origin, hour) DO UPDATE SET "
    "times = served_again.times + excluded.times, "
    "openings = served_again.openings + excluded.openings, "
    "first = CASE WHEN excluded.first < served_again.first "
    "THEN excluded.first ELSE served_again.first END, "
    "last = CASE WHEN excluded.last > served_again.last "
    "THEN excluded.last ELSE served_again.last END, "
    "last_at = CASE WHEN excluded.last_at > served_again.last_at "
    "THEN excluded.last_at ELSE served_again.last_at END"
)
_encode: Final = msgspec.json.Encoder().encode
_parts: Final = msgspec.json.Decoder(list[tuple[int, int, int, int, int]])

_PACK_FIELDS: Final = PackRow.__struct_fields__
_PACK_COLUMNS: Final = ", ".join(_PACK_FIELDS)
_ADD_PACK: Final = (
    f"INSERT INTO packs ({_PACK_COLUMNS}) "  # noqa: S608 - our own columns
    f"VALUES ({', '.join('?' * len(_PACK_FIELDS))})"
)

_RECEIPT_FIELDS: Final = ReceiptRow.__struct_fields__
_RECEIPT_COLUMNS: Final = ", ".join(_RECEIPT_FIELDS)
_ADD_RECEIPT: Final = (
    f"INSERT INTO erasure_receipts ({_RECEIPT_COLUMNS}) "  # noqa: S608 - our own
    f"VALUES ({', '.join('?' * len(_RECEIPT_FIELDS))}) ON CONFLICT DO NOTHING"
)


def _names(written: str) -> frozenset[str]:
    return frozenset(written.split())


def _line(row: Sequence[Any]) -> LedgerRow:
    *cells, number, parts = row
    again = [] if parts is None else _parts.decode(parts)
    return LedgerRow(
        **dict(zip(_FIELDS, cells, strict=True)),
        number=number,
        again=tuple(RepeatRow(*each) for each in again),
    )


class SqlRecipientsReader:
    """Reads for whom signals are meant, and who has got them."""

    _connection: Connection

    async def handed(self, index: int, longest: int) -> list[LedgerRow]:
        """Return the lines that hold an entry of the own feed, oldest first.

        `longest` is the most entries that a line may have.
        """
        rows = self._connection.execute(
            _LINES + "WHERE first > ? AND first <= ? AND last >= ? ORDER BY number",
            (index - longest, index, index),
        )
        return [_line(row) for row in rows]

    async def handed_to(
        self, recipient: str, first: int, last: int, longest: int, *, after: int
    ) -> list[LedgerRow]:
        """Return the lines of a member behind one that hold any of these entries."""
        rows = self._connection.execute(
            _LINES + "WHERE recipient = ? AND first > ? AND first <= ? AND last >= ? "
            "AND number > ? ORDER BY first",
            (recipient, first - longest, last, first, after),
        )
        return [_line(row) for row in rows]

    async def newest_handed(self) -> int:
        """Return the number of the ledger's last line; 0 if it is empty."""
        (newest,) = self._connection.execute(
            "SELECT coalesce(max(number), 0) FROM recipients"
        ).fetchone()
        return int(newest)

    async def served_again(self, before: int) -> list[ServedRow]:
        """Return what was served again in the hours before one."""
        rows = self._connection.execute(
            f"SELECT {_SERVED_COLUMNS} FROM served_again "  # noqa: S608 - our own
            "WHERE hour < ? ORDER BY hour, recipient, origin",
            (before,),
        )
        named = (dict(zip(_SERVED_FIELDS, row, strict=True)) for row in rows)
        return [ServedRow(**each) for each in named]

    async def handed_after(self, number: int) -> dict[str, int]:
        """Return who got something behind a line of the ledger, with the newest line.

        From 0 it walks the ledger, so use it in `scan`.
        """
        rows = self._connection.execute(
            "SELECT recipient, max(number) FROM recipients WHERE number > ? "
            "GROUP BY recipient",
            (number,),
        )
        return {recipient: int(newest) for recipient, newest in rows}

    async def audience(self, signal_id: bytes) -> frozenset[str] | None:
        """Return the members that a signal is meant for; None for all."""
        row = self._connection.execute(
            "SELECT names FROM audiences WHERE signal_id = ?", (signal_id,)
        ).fetchone()
        return None if row is None else _names(row[0])

    async def audiences(self, since: int, limit: int) -> dict[int, frozenset[str]]:
        """Return whom the signals of `limit` entries from `since` on are meant for.

        Those that are meant for all are left out.
        """
        rows = self._connection.execute(
            "SELECT idx, names FROM audiences WHERE idx >= ? AND idx < ?",
            (since, since + limit),
        )
        return {index: _names(written) for index, written in rows}

    async def ungiven(
        self, log: str, names: Collection[str], recipient: str, before: int
    ) -> int | None:
        """Return the first entry before another one that a member has never got.

        Of those that are meant for exactly one of *names*, and still have their
        opening. Walks the audiences, so use it in `scan`.
        """
        marks = ",".join("?" * len(names))
        (index,) = self._connection.execute(
            f"SELECT min(idx) FROM audiences WHERE names IN ({marks}) AND idx < ? "  # noqa: S608
            "AND EXISTS (SELECT 1 FROM openings WHERE sealed IS NOT NULL "
            "AND openings.idx = audiences.idx "
            "AND log = (SELECT id FROM logs WHERE origin = ?)) "
            "AND NOT EXISTS (SELECT 1 FROM recipients WHERE recipient = ? "
            "AND audiences.idx BETWEEN first AND last)",
            (*names, before, log, recipient),
        ).fetchone()
        return index if index is None else int(index)

    async def heard(self) -> list[HeardRow]:
        """Return which restrictions of this node each member has applied."""
        rows = self._connection.execute(
            "SELECT recipient, sequence, at FROM heard ORDER BY recipient"
        )
        return [
            HeardRow(recipient=recipient, sequence=sequence, at=at)
            for recipient, sequence, at in rows
        ]

    async def receipts_for(self, sequence: int) -> list[ReceiptRow]:
        """Return of each member the first receipt that covers a restriction."""
        return self._receipts(
            "AS r WHERE parted = 0 AND seq = (SELECT min(seq) FROM erasure_receipts "
            "WHERE member = r.member AND parted = 0 AND seq >= ?) ORDER BY member",
            sequence,
        )

    async def receipted(self) -> dict[str, int]:
        """Return up to which of this node's restrictions each member has receipts."""
        rows = self._connection.execute(
            "SELECT member, max(seq) FROM erasure_receipts GROUP BY member"
        )
        return {member: int(newest) for member, newest in rows}

    async def partings(self) -> list[ReceiptRow]:
        """Return the receipts of those who were parted from, in order."""
        return self._receipts("WHERE parted > 0 ORDER BY member, parted")

    def _receipts(self, where: str, *values: int) -> list[ReceiptRow]:
        rows = self._connection.execute(
            f"SELECT {_RECEIPT_COLUMNS} FROM erasure_receipts {where}",  # noqa: S608
            values,
        )
        named = (dict(zip(_RECEIPT_FIELDS, row, strict=True)) for row in rows)
        return [ReceiptRow(**each) for each in named]

    async def packs(self) -> list[PackRow]:
        """Return all packs with openings, oldest first."""
        return self._packs("")

    async def packs_with(self, signal_id: bytes) -> list[PackRow]:
        """Return the packs whose openings tell of a signal, oldest first."""
        where = "WHERE entry IN (SELECT pack FROM pack_signals WHERE signal_id = ?)"
        return self._packs(where, signal_id)

    def _packs(self, where: str, *values: bytes) -> list[PackRow]:
        rows = self._connection.execute(
            f"SELECT {_PACK_COLUMNS} FROM packs {where} ORDER BY entry",  # noqa: S608
            values,
        )
        return [PackRow(**dict(zip(_PACK_FIELDS, row, strict=True))) for row in rows]

    async def signals_placed(self, log: str, first: int, last: int) -> dict[int, bytes]:
        """Return which signals have their opening from `first` to `last` of a log.

        Walks the signals, so use it in `scan`.
        """
        rows = self._connection.execute(
            "SELECT idx, signal_id FROM signals WHERE log = ? AND idx BETWEEN ? AND ?",
            (log, first, last),
        )
        return {index: bytes(signal_id) for index, signal_id in rows}

    async def sightings(self) -> dict[tuple[str, str], int]:
        """Count decided reviews by (origin, newest outcome) of the signals behind.

        Walks the decisions, so use it in `scan`.
        """
        rows = self._connection.execute(
            "SELECT s.origin, d.outcome, count(DISTINCT d.task) "
            "FROM task_decisions d JOIN task_signals s ON s.task = d.task "
            "WHERE d.number = (SELECT max(number) FROM task_decisions "
            "WHERE task = d.task) GROUP BY s.origin, d.outcome"
        )
        return {(origin, outcome): count for origin, outcome, count in rows}


class SqlRecipientsWriter:
    """Extends the ledger."""

    _connection: Connection

    async def add_handed(self, runs: Sequence[HandedRow]) -> None:
        """Enter what is handed over."""
        self._connection.executemany(
            _ADD, [tuple(getattr(run, field) for field in _FIELDS) for run in runs]
        )

    async def add_repeats(
        self, line: int, repeats: Sequence[RepeatRow], *, at: int
    ) -> None:
        """Enter that entries of a line were handed over once more at that moment.

        *repeats* is all that the line has been repeated, this time included.
        """
        parts = [
            (each.first, each.last, each.times, each.first_at, each.last_at)
            for each in repeats
        ]
        self._connection.execute(
            "INSERT INTO handed_again (line, times, last_at, parts) "
            "VALUES (?, 1, ?, ?) ON CONFLICT (line) DO UPDATE SET "
            "times = handed_again.times + 1, last_at = CASE WHEN "
            "excluded.last_at > handed_again.last_at THEN excluded.last_at "
            "ELSE handed_again.last_at END, parts = excluded.parts",
            (line, at, _encode(parts).decode()),
        )

    async def add_served_again(self, row: ServedRow) -> None:
        """Count a request that gave a member only what it had before."""
        values = tuple(getattr(row, field) for field in _SERVED_FIELDS)
        self._connection.execute(_ADD_SERVED, values)

    async def forget_served_again(self, before: int) -> None:
        """Drop what was served again in the hours before one."""
        self._connection.execute("DELETE FROM served_again WHERE hour < ?", (before,))

    async def add_pack(self, row: PackRow, signals: Collection[bytes]) -> None:
        """Enter a pack with openings, and the signals that they tell of."""
        values = tuple(getattr(row, field) for field in _PACK_FIELDS)
        self._connection.execute(_ADD_PACK, values)
        self._connection.executemany(
            "INSERT INTO pack_signals (signal_id, pack) VALUES (?, ?)",
            [(signal_id, row.entry) for signal_id in signals],
        )

    async def add_audience(self, signal_id: bytes, names: frozenset[str]) -> None:
        """Keep the members that a signal is meant for.

        Raises:
            ConflictError: that was said before.
        """
        try:
            self._connection.execute(
                "INSERT INTO audiences (signal_id, names) VALUES (?, ?)",
                (signal_id, " ".join(sorted(names))),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def place_audience(self, signal_id: bytes, index: int) -> None:
        """Note where in the own feed a signal is that is not meant for all."""
        self._connection.execute(
            "UPDATE audiences SET idx = ? WHERE signal_id = ?", (index, signal_id)
        )

    async def add_receipt(self, row: ReceiptRow) -> bool:
        """Keep a receipt; False if one of the same member covers the same already."""
        values = tuple(getattr(row, field) for field in _RECEIPT_FIELDS)
        return self._connection.execute(_ADD_RECEIPT, values).rowcount == 1

    async def set_heard(self, row: HeardRow) -> None:
        """Note which restrictions a member has applied; never fewer than before."""
        self._connection.execute(
            "INSERT INTO heard (recipient, sequence, at) VALUES (?, ?, ?) "
            "ON CONFLICT (recipient) DO UPDATE SET sequence = excluded.sequence, "
            "at = excluded.at WHERE excluded.sequence > heard.sequence",
            (row.recipient, row.sequence, row.at),
        )
