# SPDX-License-Identifier: Apache-2.0
"""Disputes, rulings and requests in SQL: halves for the store's two classes.

They are mixed into `Reader` and `Transaction`, which own the connection.
"""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.rights_rows import (
    DisputeRow,
    RequestRow,
    RequestState,
    RulingRow,
    WaitingRow,
    Weight,
)
from fedsafe_node.store.sql import Connection, IntegrityError
from fedsafe_node.store.sql_appeals import SqlAppealsReader, SqlAppealsWriter
from fedsafe_policies.rules.disputes import ATTESTED

T = TypeVar("T")
_MOST_VARIABLES: Final = 500
_DISPUTE: Final = (
    "SELECT digest, origin, signal_id, author, seq, contention, control, weight, "
    "received_at, charged_at, due_at, opened_by, reminded_at, recorded, let_go_at, "
    "shared FROM disputes "
)
_RULING: Final = (
    "SELECT dispute, origin, signal_id, outcome, at, ruled_by, reason FROM rulings "
)
_REQUEST_COLUMNS: Final = (
    *("id", "kind", "way", "control", "language", "opened_at", "opened_by"),
    *("due_at", "period", "sealed", "proof", "collect", "extended_for"),
    *("reminded_at", "state", "outcome", "reason", "ended_at", "ended_by"),
)
_REQUEST: Final = f"SELECT {', '.join(_REQUEST_COLUMNS)} FROM requests"  # noqa: S608 - our own
_WAITING_COLUMNS: Final = WaitingRow.__struct_fields__
_WAITING: Final = f"SELECT {', '.join(_WAITING_COLUMNS)} FROM requests_waiting"  # noqa: S608
_CAME: Final = "received_at, author, seq"
UNRULED: Final = (
    "NOT EXISTS (SELECT 1 FROM rulings WHERE rulings.dispute = disputes.digest "
    "AND rulings.origin = disputes.origin "
    "AND rulings.signal_id = disputes.signal_id)"
)
_HERE: Final = (
    "EXISTS (SELECT 1 FROM signals WHERE signals.origin = disputes.origin "
    "AND signals.signal_id = disputes.signal_id)"
)
_ALIVE: Final = _HERE.replace(
    "disputes.signal_id)", "disputes.signal_id AND status IN ('active', 'disputed'))"
)
_RESTS: Final = "weight = 'suspends' AND let_go_at IS NULL"
_OF_USE: Final = f"({_ALIVE} OR (weight = 'suspends' AND {_HERE}))"

_ATTESTED: Final = {
    True: f"control = '{ATTESTED.value}'",
    False: f"control <> '{ATTESTED.value}'",
}


class SqlRightsReader(SqlAppealsReader):
    """Reads disputes, how they ended, and requests."""

    _connection: Connection

    def _requests(self, where: str, *values: object) -> list[RequestRow]:
        rows = self._connection.execute(f"{_REQUEST} {where}", values)
        return [_request(row) for row in rows]

    async def request(self, request_id: str) -> RequestRow | None:
        """Return a person's request."""
        return _first(self._requests("WHERE id = ?", request_id))

    async def requests(
        self, state: RequestState, limit: int, after: RequestRow | None = None
    ) -> list[RequestRow]:
        """Return requests of a state behind another one; first due first."""
        begin = (-1, "") if after is None else (after.due_at, after.id)
        where = "WHERE state = ? AND (due_at, id) > (?, ?) ORDER BY due_at, id LIMIT ?"
        return self._requests(where, state.value, *begin, limit)

    async def requests_due(self, before: int, limit: int) -> list[RequestRow]:
        """Return open requests, due by a moment, that nobody was reminded of."""
        where = (
            "WHERE state = 'open' AND reminded_at IS NULL AND due_at <= ? "
            "ORDER BY due_at, id LIMIT ?"
        )
        return self._requests(where, before, limit)

    async def requests_opened(self, first: int, last: int) -> list[RequestRow]:
        """Return the requests that were opened between two moments, both included."""
        return self._requests("WHERE opened_at BETWEEN ? AND ?", first, last)

    async def requests_ended(self, before: int, limit: int) -> list[RequestRow]:
        """Return those answered or closed by a moment, with something sealed."""
        where = "WHERE state <> 'open' AND sealed IS NOT NULL AND ended_at <= ? LIMIT ?"
        return self._requests(where, before, limit)

    def _waiting(self, where: str, *values: object) -> list[WaitingRow]:
        rows = self._connection.execute(f"{_WAITING} {where}", values)
        return [WaitingRow(*row) for row in rows]

    async def waiting(self, request_id: str) -> WaitingRow | None:
        """Return what waits of a request to be looked up; None if nothing does."""
        return _first(self._waiting("WHERE request = ?", request_id))

    async def waiting_due(self, now: int, limit: int) -> list[WaitingRow]:
        """Return what may be looked up again by now; the lowest turn first."""
        where = "WHERE again_at <= ? ORDER BY turn, since, request LIMIT ?"
        return self._waiting(where, now, limit)

    async def waiting_oldest(self) -> WaitingRow | None:
        """Return what has waited for longest."""
        return _first(self._waiting("ORDER BY since, request LIMIT 1"))

    async def count_waiting(self, before: int | None = None) -> int:
        """Count what waits; with *before* what has since a moment."""
        where, values = ("", ()) if before is None else ("WHERE since <= ?", (before,))
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM requests_waiting {where}",  # noqa: S608 - our own
            values,
        ).fetchone()
        return int(count)

    async def next_turn(self, domain: str, place: str) -> int:
        """Give the turn of what comes now of a domain and place.

        Behind all of the same two, and not before what is next.
        """
        (last,) = self._connection.execute(
            "SELECT max(turn) FROM requests_waiting WHERE domain = ? AND place = ?",
            (domain, place),
        ).fetchone()
        (present,) = self._connection.execute(
            "SELECT min(turn) FROM requests_waiting WHERE turn > 0"
        ).fetchone()
        return max(int(last or 0) + 1, int(present or 1))

    async def epochs_listed(self) -> set[int]:
        """Return the epochs under which others' and shared signals list persons.

        It walks the signals, so use it in `scan`.
        """
        rows = self._connection.execute(
            "SELECT DISTINCT epoch FROM signals WHERE plane = 'actor' AND own = 0 "
            "AND status IN ('active', 'disputed', 'expired')"
        )
        return {epoch for (epoch,) in rows}

    def _disputes(self, where: str, *values: object) -> list[DisputeRow]:
        return [_dispute(row) for row in self._connection.execute(where, values)]

    async def dispute(self, digest: bytes) -> DisputeRow | None:
        """Return a dispute by the digest of its statement."""
        return _first(self._disputes(_DISPUTE + "WHERE digest = ?", digest))

    async def disputes_numbered(self, author: str, sequence: int) -> list[DisputeRow]:
        """Return the disputes that an author gave this number; one, if it is honest."""
        where = f"{_DISPUTE}WHERE author = ? AND seq = ? ORDER BY received_at, digest"
        return self._disputes(where, author, sequence)

    async def disputes_unrecorded(
        self, besides: str, before: int, limit: int
    ) -> list[DisputeRow]:
        """Return what rests signals since before a moment, without a record.

        Those of one origin are left out. What has its ruling rests nothing.
        """
        where = (
            f"WHERE recorded = 0 AND let_go_at IS NULL AND {_RESTS} AND {UNRULED} "
            "AND received_at <= ? AND charged_at <= ? AND origin <> ? "
            "ORDER BY author, received_at, digest LIMIT ?"
        )
        return self._disputes(_DISPUTE + where, before, before, besides, limit)

    async def disputes_let_go(self, author: str) -> list[DisputeRow]:
        """Return an author's disputes that rest nothing any more."""
        where = "WHERE author = ? AND let_go_at IS NOT NULL ORDER BY seq, digest"
        return self._disputes(_DISPUTE + where, author)

    async def disputes_overdue(
        self, besides: str, first: int, last: int, limit: int
    ) -> list[DisputeRow]:
        """Return what rests signals, was due between two moments, and is unruled.

        Those of one origin are left out, and those that somebody was told of.
        """
        where = (
            f"WHERE due_at BETWEEN ? AND ? AND reminded_at IS NULL AND {_RESTS} "
            f"AND origin <> ? AND {UNRULED} AND {_ALIVE} "
            "ORDER BY due_at, digest LIMIT ?"
        )
        return self._disputes(_DISPUTE + where, first, last, besides, limit)

    async def disputes_on(self, origin: str, signal_id: bytes) -> list[DisputeRow]:
        """Return the disputes of a signal, in the order in which they came."""
        where = f"{_DISPUTE}WHERE origin = ? AND signal_id = ? ORDER BY {_CAME}"
        return self._disputes(where, origin, signal_id)

    async def disputes_due(
        self, origin: str, before: int, limit: int
    ) -> list[DisputeRow]:
        """Return an origin's disputes without a ruling that are due by a moment.

        Those that rest a signal stand in front. One that names no signal here is
        never due; nor is one beyond its author's budget, a repeat with proof once
        somebody was reminded that it was, or a repeat about a stopped signal.
        """
        where = (
            f"WHERE origin = ? AND due_at <= ? AND weight <> 'flood' AND {UNRULED} "
            f"AND {_OF_USE} AND ({_RESTS} AND {_ATTESTED[False]} "
            "OR control = 'officer' AND let_go_at IS NULL "
            "OR coalesce(reminded_at, 0) < due_at) "
        )
        order = f"ORDER BY weight = 'suspends' DESC, due_at, {_CAME} LIMIT ?"
        return self._disputes(_DISPUTE + where + order, origin, before, limit)

    async def disputes(self, limit: int, *, ruled: bool) -> list[DisputeRow]:
        """Return disputes that wait for a ruling, or that have one; first due first."""
        unruled = f"NOT {UNRULED}" if ruled else UNRULED
        where = f"WHERE {unruled} ORDER BY due_at, {_CAME} LIMIT ?"
        return self._disputes(_DISPUTE + where, limit)

    async def disputes_here(
        self, limit: int, after: DisputeRow | None = None, *, ruled: bool
    ) -> list[DisputeRow]:
        """Return disputes of signals that are here, from behind one on.

        What rests a signal stands in front, then what is due first. What rests a
        stopped signal not, waits for nothing.
        """
        which = f"NOT {UNRULED} AND {_HERE}" if ruled else f"{UNRULED} AND {_OF_USE}"
        where = f"WHERE {which} "
        values: tuple[object, ...] = ()
        if after is not None:
            where += (
                "AND (weight <> 'suspends', due_at, digest) > (? <> 'suspends', ?, ?) "
            )
            values += (after.weight.value, after.due_at, after.digest)
        order = "ORDER BY weight <> 'suspends', due_at, digest LIMIT ?"
        return self._disputes(_DISPUTE + where + order, *values, limit)

    async def authors_beyond(self) -> list[str]:
        """Name whose disputes beyond their budget wait, of signals that live here."""
        rows = self._connection.execute(
            "SELECT DISTINCT author FROM disputes WHERE weight = 'flood' "  # noqa: S608
            f"AND {UNRULED} AND {_ALIVE} ORDER BY author"
        )
        return [author for (author,) in rows]

    async def disputes_beyond(
        self, author: str, limit: int, *, attested: bool
    ) -> list[DisputeRow]:
        """Return those of an author that are attested, or not; the oldest in front."""
        where = (
            f"WHERE author = ? AND {_ATTESTED[attested]} "
            f"AND weight = 'flood' AND {UNRULED} AND {_ALIVE} ORDER BY seq LIMIT ?"
        )
        return self._disputes(_DISPUTE + where, author, limit)

    async def is_ruled(self, dispute: bytes, origin: str, signal_id: bytes) -> bool:
        """Tell whether a dispute has its ruling, though it may not have come yet."""
        found = self._connection.execute(
            "SELECT 1 FROM rulings WHERE dispute = ? AND origin = ? AND signal_id = ?",
            (dispute, origin, signal_id),
        ).fetchone()
        return found is not None

    async def resting(self, origin: str, signal_ids: Sequence[bytes]) -> set[bytes]:
        """Return which of an origin's ids a dispute rests that nobody has ruled on."""
        found: set[bytes] = set()
        for start in range(0, len(signal_ids), _MOST_VARIABLES):
            part = signal_ids[start : start + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            rows = self._connection.execute(
                "SELECT signal_id FROM disputes WHERE origin = ? "  # noqa: S608
                f"AND signal_id IN ({marks}) AND {_RESTS} AND {UNRULED}",
                (origin, *part),
            )
            found |= {signal_id for (signal_id,) in rows}
        return found

    async def suspensions_since(
        self, author: str, since: int, *, attested: bool
    ) -> int:
        """Count an author's disputes that rest a signal and count from a moment on.

        Those that are *attested* are counted apart from the others; what is shared
        does not count.
        """
        (count,) = self._connection.execute(
            "SELECT count(*) FROM disputes WHERE author = ? "  # noqa: S608 - our own
            "AND charged_at >= ? AND weight = 'suspends' AND shared = 0 "
            f"AND {_ATTESTED[attested]}",
            (author, since),
        ).fetchone()
        return int(count)

    async def is_charged(  # noqa: PLR0913 - what is said, and of what
        self,
        author: str,
        origin: str,
        signal_id: bytes,
        since: int,
        *,
        contention: str,
        control: str,
    ) -> bool:
        """Tell whether an author has said so of another signal of the same listing.

        That is: of one of the same origin that has the same token, in a dispute that
        rests it and counts from a moment on.
        """
        row = self._connection.execute(
            "SELECT 1 FROM disputes JOIN signals other "
            "ON other.origin = disputes.origin "
            "AND other.signal_id = disputes.signal_id "
            "JOIN signals asked ON asked.origin = other.origin "
            "AND asked.token = other.token AND asked.signal_id <> other.signal_id "
            "WHERE asked.origin = ? AND asked.signal_id = ? AND author = ? "
            "AND charged_at >= ? AND weight = 'suspends' "
            "AND contention = ? AND control = ? LIMIT 1",
            (origin, signal_id, author, since, contention, control),
        ).fetchone()
        return row is not None

    async def last_charged(self, author: str) -> int:
        """Return the newest moment that an author's disputes count against; or 0."""
        (last,) = self._connection.execute(
            "SELECT max(charged_at) FROM disputes WHERE author = ?", (author,)
        ).fetchone()
        return int(last or 0)

    async def open_disputes(self) -> int:
        """Count the disputes that wait for a ruling, as `disputes_here` lists them."""
        (count,) = self._connection.execute(
            f"SELECT count(*) FROM disputes WHERE {UNRULED} AND {_OF_USE}"  # noqa: S608
        ).fetchone()
        return int(count)

    async def floods_since(self, since: int) -> dict[str, int]:
        """Count by author the disputes beyond their budgets since a moment."""
        rows = self._connection.execute(
            "SELECT author, count(*) FROM disputes WHERE received_at >= ? "
            "AND weight = 'flood' GROUP BY author",
            (since,),
        )
        return dict(rows.fetchall())

    async def ruling(self, dispute: DisputeRow) -> RulingRow | None:
        """Return how a dispute ended."""
        rows = self._connection.execute(
            _RULING + "WHERE dispute = ? AND origin = ? AND signal_id = ?",
            (dispute.digest, dispute.origin, dispute.signal_id),
        )
        return _first([_ruling(row) for row in rows])

    async def rulings_on(self, origin: str, signal_id: bytes) -> list[RulingRow]:
        """Return what was ruled on the disputes of a signal."""
        rows = self._connection.execute(
            _RULING + "WHERE dispute IN (SELECT digest FROM disputes "  # noqa: S608
            "WHERE origin = ? AND signal_id = ?) AND origin = ? AND signal_id = ? "
            "ORDER BY at, dispute",
            (origin, signal_id, origin, signal_id),
        )
        return [_ruling(row) for row in rows]


class SqlRightsWriter(SqlAppealsWriter):
    """Keeps disputes, rulings and requests."""

    _connection: Connection

    async def add_request(self, request: RequestRow) -> None:
        """Keep a person's request.

        Raises:
            ConflictError: its proof has opened another one.
        """
        marks = ", ".join("?" * len(_REQUEST_COLUMNS))
        try:
            self._connection.execute(
                f"INSERT INTO requests ({', '.join(_REQUEST_COLUMNS)}) "  # noqa: S608
                f"VALUES ({marks})",
                _request_values(request),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def put_request(self, request: RequestRow) -> None:
        """Keep what has become of a request; one that is closed waits no more.

        Raises:
            ConflictError: it was closed, or something else of it would change.
        """
        named = ", ".join(f"{name} = ?" for name in _REQUEST_COLUMNS)
        try:
            self._connection.execute(
                f"UPDATE requests SET {named} WHERE id = ?",  # noqa: S608
                (*_request_values(request), request.id),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None
        if request.state is RequestState.CLOSED:
            await self.end_waiting(request.id)

    async def add_waiting(self, waiting: WaitingRow) -> None:
        """Keep that a request waits to be looked up."""
        marks = ", ".join("?" * len(_WAITING_COLUMNS))
        self._connection.execute(
            f"INSERT INTO requests_waiting ({', '.join(_WAITING_COLUMNS)}) "  # noqa: S608
            f"VALUES ({marks})",
            tuple(getattr(waiting, name) for name in _WAITING_COLUMNS),
        )

    async def put_off_waiting(
        self,
        until: int,
        *,
        domain: str | None = None,
        place: str | None = None,
        vouched: bool = False,
    ) -> None:
        """Look nothing up before a moment of a domain or place, or of any.

        With *vouched* also what has neither.
        """
        of = {"domain": domain, "place": place}
        named = {name: value for name, value in of.items() if value is not None}
        also = "".join(f" AND {name} = ?" for name in named)
        also += "" if vouched else " AND turn > 0"
        self._connection.execute(
            f"UPDATE requests_waiting SET again_at = ? WHERE again_at < ?{also}",  # noqa: S608
            (until, until, *named.values()),
        )

    async def set_waiting_again(self, request_id: str, at: int) -> None:
        """Look up a request no earlier than at a moment."""
        self._connection.execute(
            "UPDATE requests_waiting SET again_at = ? WHERE request = ?",
            (at, request_id),
        )

    async def end_waiting(self, request_id: str) -> None:
        """Forget that a request waits, with the identifier that it waits for."""
        self._connection.execute(
            "DELETE FROM requests_waiting WHERE request = ?", (request_id,)
        )

    async def add_dispute(self, dispute: DisputeRow) -> None:
        """Keep a dispute.

        Raises:
            ConflictError: it is kept already.
        """
        try:
            self._connection.execute(
                "INSERT INTO disputes (digest, origin, signal_id, author, seq, "
                "contention, control, weight, received_at, charged_at, due_at, "
                "opened_by, reminded_at, recorded, let_go_at, shared) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    dispute.digest,
                    dispute.origin,
                    dispute.signal_id,
                    dispute.author,
                    dispute.sequence,
                    dispute.contention,
                    dispute.control,
                    dispute.weight.value,
                    dispute.received_at,
                    dispute.charged_at,
                    dispute.due_at,
                    dispute.opened_by,
                    dispute.reminded_at,
                    int(dispute.recorded),
                    dispute.let_go_at,
                    int(dispute.shared),
                ),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def add_ruling(self, ruling: RulingRow) -> bool:
        """Keep how a dispute ended; False if that was kept before."""
        added = self._connection.execute(
            "INSERT INTO rulings (dispute, origin, signal_id, outcome, at, ruled_by, "
            "reason) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                ruling.dispute,
                ruling.origin,
                ruling.signal_id,
                ruling.outcome,
                ruling.at,
                ruling.ruled_by,
                ruling.reason,
            ),
        )
        return added.rowcount > 0

    async def weigh_dispute(
        self,
        digest: bytes,
        weight: Weight,
        *,
        charged_at: int,
        due_at: int,
        shared: bool = False,
    ) -> None:
        """Keep what a dispute weighs now that was beyond its author's budget.

        Raises:
            ConflictError: it was not beyond it.
        """
        try:
            self._connection.execute(
                "UPDATE disputes SET weight = ?, charged_at = ?, due_at = ?, "
                "shared = ? WHERE digest = ?",
                (weight.value, charged_at, due_at, int(shared), digest),
            )
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def set_reminded(self, digest: bytes, at: int) -> None:
        """Note that somebody was reminded of a dispute."""
        self._connection.execute(
            "UPDATE disputes SET reminded_at = ? WHERE digest = ?", (at, digest)
        )

    async def set_recorded(self, digest: bytes) -> None:
        """Note that its author's feed has shown a dispute."""
        self._connection.execute(
            "UPDATE disputes SET recorded = 1 WHERE digest = ?", (digest,)
        )

    async def set_let_go(self, digest: bytes, at: int | None) -> None:
        """Note since when a dispute rests nothing; None if it does again."""
        self._connection.execute(
            "UPDATE disputes SET let_go_at = ? WHERE digest = ?", (at, digest)
        )

    async def wake_signal(self, origin: str, signal_id: bytes) -> bool:
        """Let a disputed signal match again; False if it is in no such state."""
        changed = self._connection.execute(
            "UPDATE signals SET status = 'active' "
            "WHERE origin = ? AND signal_id = ? AND status = 'disputed'",
            (origin, signal_id),
        )
        if woken := changed.rowcount > 0:
            self._connection.execute(
                "UPDATE inventory SET state = 'active' "
                "WHERE signal_id = ? AND origin = ?",
                (signal_id, origin),
            )
        return woken


def _first(rows: Sequence[T]) -> T | None:
    return rows[0] if rows else None


def _request(row: Any) -> RequestRow:  # noqa: ANN401 - a raw row
    found: dict[str, Any] = dict(zip(_REQUEST_COLUMNS, row, strict=True))
    found["state"] = RequestState(found["state"])
    return RequestRow(**found)


def _request_values(request: RequestRow) -> tuple[object, ...]:
    values = (getattr(request, name) for name in _REQUEST_COLUMNS)
    return tuple(str(v) if isinstance(v, RequestState) else v for v in values)


def _dispute(row: Any) -> DisputeRow:  # noqa: ANN401 - a raw row
    return DisputeRow(
        digest=row[0],
        origin=row[1],
        signal_id=row[2],
        author=row[3],
        sequence=row[4],
        contention=row[5],
        control=row[6],
        weight=Weight(row[7]),
        received_at=row[8],
        charged_at=row[9],
        due_at=row[10],
        opened_by=row[11],
        reminded_at=row[12],
        recorded=bool(row[13]),
        let_go_at=row[14],
        shared=bool(row[15]),
    )


def _ruling(row: Any) -> RulingRow:  # noqa: ANN401 - a raw row
    return RulingRow(
        dispute=row[0],
        origin=row[1],
        signal_id=row[2],
        outcome=row[3],
        at=row[4],
        ruled_by=row[5],
        reason=row[6],
    )
