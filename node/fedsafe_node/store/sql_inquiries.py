# SPDX-License-Identifier: Apache-2.0
"""The tables of what comes back to origins: a reading and a writing half."""

from typing import Any, Final

import msgspec

from fedsafe_federation.feed.inquiries import InquiryState
from fedsafe_node.acts.inquiries import SentState
from fedsafe_node.store.review_rows import (
    InquirerRow,
    InquiryRow,
    SentInquiryRow,
    ToldRow,
)
from fedsafe_node.store.rows import Row
from fedsafe_node.store.sql import Connection


def _columns(kind: type[Row]) -> str:
    return ", ".join(kind.__struct_fields__)


def _put(table: str, kind: type[Row], *key: str) -> str:
    fields = kind.__struct_fields__
    changes = ", ".join(f"{e} = excluded.{e}" for e in fields if e not in key)
    return (
        f"INSERT INTO {table} ({_columns(kind)}) "  # noqa: S608 - our own columns
        f"VALUES ({', '.join('?' * len(fields))}) "
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


_SENT: Final = f"SELECT {_columns(SentInquiryRow)} FROM sent_inquiries "  # noqa: S608
_INQUIRY: Final = f"SELECT {_columns(InquiryRow)} FROM inquiries "  # noqa: S608
_INQUIRER: Final = f"SELECT {_columns(InquirerRow)} FROM inquirers "  # noqa: S608
_RANKED: Final = (
    "WHERE state = ? ORDER BY (SELECT count(*) FROM inquirers "
    "WHERE inquirers.signal_id = inquiries.signal_id) DESC, "
    "opened_at, signal_id LIMIT ?"
)
_PUT_SENT: Final = _put("sent_inquiries", SentInquiryRow, "origin", "signal_id")
_PUT_INQUIRY: Final = _put("inquiries", InquiryRow, "signal_id")
_PUT_INQUIRER: Final = _put("inquirers", InquirerRow, "signal_id", "member")
_PUT_TOLD: Final = _put("told_sightings", ToldRow, "member")
_GONE: Final = (
    "SELECT i.signal_id FROM inquiries i WHERE i.state = 'open' AND NOT EXISTS ("
    "SELECT 1 FROM signals s WHERE s.origin = i.origin AND s.signal_id = i.signal_id "
    "AND s.status IN ('active', 'disputed')) ORDER BY i.opened_at LIMIT ?"
)


def _named(kind: type[Row], row: Any) -> dict[str, Any]:  # noqa: ANN401 - a raw row
    named: dict[str, Any] = dict(zip(kind.__struct_fields__, row, strict=True))
    if "signal_id" in named:
        named["signal_id"] = bytes(named["signal_id"])
    return named


def _sent(row: Any) -> SentInquiryRow:  # noqa: ANN401 - a raw row
    named = _named(SentInquiryRow, row)
    named["state"] = SentState(named["state"])
    return SentInquiryRow(**named)


def _inquiry(row: Any) -> InquiryRow:  # noqa: ANN401 - a raw row
    named = _named(InquiryRow, row)
    named["state"] = InquiryState(named["state"])
    return InquiryRow(**named)


class SqlInquiriesReader:
    """Reads inquiries, and sums of how reviews ended."""

    _connection: Connection

    async def sent_inquiry(
        self, origin: str, signal_id: bytes
    ) -> SentInquiryRow | None:
        """Return the inquiry of this node about a signal."""
        row = self._connection.execute(
            _SENT + "WHERE origin = ? AND signal_id = ?", (origin, signal_id)
        ).fetchone()
        return None if row is None else _sent(row)

    async def sent_inquiries(self, limit: int) -> list[SentInquiryRow]:
        """Return the inquiries of this node, the newest first."""
        sql = _SENT + "ORDER BY changed_at DESC, origin, signal_id LIMIT ?"
        return [_sent(row) for row in self._connection.execute(sql, (limit,))]

    async def inquiries_due(self, now: int, limit: int) -> list[SentInquiryRow]:
        """Return the inquiries to bring, or to ask after, at `now`."""
        sql = _SENT + "WHERE next_at <= ? ORDER BY next_at, origin, signal_id LIMIT ?"
        return [_sent(row) for row in self._connection.execute(sql, (now, limit))]

    async def inquiry(self, signal_id: bytes) -> InquiryRow | None:
        """Return what is to be reviewed of a signal of this node."""
        row = self._connection.execute(
            _INQUIRY + "WHERE signal_id = ?", (signal_id,)
        ).fetchone()
        return None if row is None else _inquiry(row)

    async def inquiries(self, state: InquiryState, limit: int) -> list[InquiryRow]:
        """Return inquiries in a state; those of the most members first, then by age."""
        rows = self._connection.execute(_INQUIRY + _RANKED, (state.value, limit))
        return [_inquiry(row) for row in rows]

    async def inquirers(self, signal_id: bytes) -> list[InquirerRow]:
        """Return which members have asked for a signal's review, by name."""
        rows = self._connection.execute(
            _INQUIRER + "WHERE signal_id = ? ORDER BY member", (signal_id,)
        )
        return [InquirerRow(**_named(InquirerRow, row)) for row in rows]

    async def count_inquired(self, member: str, since: int) -> int:
        """Count about how many signals a member has inquired since a moment."""
        (count,) = self._connection.execute(
            "SELECT count(*) FROM inquirers WHERE member = ? AND received_at >= ?",
            (member, since),
        ).fetchone()
        return int(count)

    async def sighting_counts(self, origin: str) -> dict[tuple[str, str], int]:
        """Return by kind and ending what an origin is told; in whole steps, or 0."""
        rows = self._connection.execute(
            "SELECT kind, ending, told FROM sighting_counts WHERE origin = ?",
            (origin,),
        )
        return {(kind, ending): told for kind, ending, told in rows}

    async def told_sightings(self) -> list[ToldRow]:
        """Return what members have told last, by name."""
        rows = self._connection.execute(
            "SELECT member, received_at, statement FROM told_sightings ORDER BY member"
        )
        return [
            ToldRow(member=member, received_at=at, statement=bytes(statement))
            for member, at, statement in rows
        ]


class SqlInquiriesWriter:
    """Keeps inquiries, and counts how reviews ended."""

    _connection: Connection

    async def put_sent_inquiry(self, row: SentInquiryRow) -> None:
        """Keep an inquiry of this node, or where it stands."""
        self._put_row(_PUT_SENT, row)

    async def put_inquiry(self, row: InquiryRow) -> None:
        """Keep what is to be reviewed of a signal, or how that came out."""
        self._put_row(_PUT_INQUIRY, row)

    async def put_inquirer(self, row: InquirerRow) -> None:
        """Keep that a member has asked for a signal's review, or asks anew."""
        self._put_row(_PUT_INQUIRER, row)

    def _put_row(self, sql: str, row: Row) -> None:
        values = (
            each.value if isinstance(each, InquiryState | SentState) else each
            for each in msgspec.structs.astuple(row)
        )
        self._connection.execute(sql, tuple(values))

    async def end_inquiries(self, now: int, limit: int) -> list[bytes]:
        """End the open inquiries whose signal matches no more; return the signals."""
        rows = self._connection.execute(_GONE, (limit,)).fetchall()
        gone = [bytes(signal_id) for (signal_id,) in rows]
        for signal_id in gone:
            self._connection.execute(
                "UPDATE inquiries SET state = 'ended', ruled_at = ? "
                "WHERE signal_id = ?",
                (now, signal_id),
            )
        return gone

    async def forget_inquiries(self, before: int) -> int:
        """Drop what was ruled on, or has ended, before a moment; count it."""
        which = "SELECT signal_id FROM inquiries WHERE ruled_at < ?"
        self._connection.execute(
            f"DELETE FROM inquirers WHERE signal_id IN ({which})",  # noqa: S608
            (before,),
        )
        ruled = self._connection.execute(
            "DELETE FROM inquiries WHERE ruled_at < ?", (before,)
        ).rowcount
        sent = self._connection.execute(
            "DELETE FROM sent_inquiries WHERE next_at IS NULL AND changed_at < ?",
            (before,),
        ).rowcount
        return int(ruled + sent)

    async def count_sighting(self, origin: str, kind: str, ending: str) -> None:
        """Count that a review of an origin's signal has ended so."""
        self._connection.execute(
            "INSERT INTO sighting_counts (origin, kind, ending, count, told) "
            "VALUES (?, ?, ?, 1, 0) ON CONFLICT (origin, kind, ending) "
            "DO UPDATE SET count = sighting_counts.count + 1",
            (origin, kind, ending),
        )

    async def tell_sightings(self, step: int) -> None:
        """Bring what is told up to the counts, in whole steps."""
        self._connection.execute(
            "UPDATE sighting_counts SET told = count - count % ? "
            "WHERE count >= told + ?",
            (step, step),
        )

    async def put_told(self, row: ToldRow) -> None:
        """Keep what a member tells; what it told before goes."""
        self._put_row(_PUT_TOLD, row)
