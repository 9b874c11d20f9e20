# SPDX-License-Identifier: Apache-2.0
"""Reading either store: one class, one query a method.

Its coroutines never suspend, so they run on the loop for a few rows and on the
writer's or a scanning thread else.
"""

from collections.abc import Sequence

from fedsafe_node.store.rows import (
    Counts,
    CredentialRow,
    DraftRow,
    DraftState,
    GateRow,
    IdempotencyRow,
    NamedRow,
    Opening,
    PeerRow,
    RestrictionRow,
    SealedOpening,
    SignalRow,
    TokenRow,
)
from fedsafe_node.store.seal_check import examine_seal
from fedsafe_node.store.seal_protocol import SealReport, Surroundings
from fedsafe_node.store.sql import Connection
from fedsafe_node.store.sql_cases import SqlCasesReader
from fedsafe_node.store.sql_event_index import SqlEventIndexReader
from fedsafe_node.store.sql_events import SqlEventsReader
from fedsafe_node.store.sql_floods import SqlFloodsReader
from fedsafe_node.store.sql_gate import SqlGateReader
from fedsafe_node.store.sql_imports import SqlImportsReader
from fedsafe_node.store.sql_inquiries import SqlInquiriesReader
from fedsafe_node.store.sql_inventory import SqlInventoryReader
from fedsafe_node.store.sql_keeping import SqlKeepingReader
from fedsafe_node.store.sql_log_reader import SqlLogReader, Unsealing
from fedsafe_node.store.sql_metering import SqlMeteringReader
from fedsafe_node.store.sql_notices import SqlNoticesReader
from fedsafe_node.store.sql_orders import SqlOrdersReader
from fedsafe_node.store.sql_oversight import SqlOversightReader
from fedsafe_node.store.sql_people import SqlPeopleReader
from fedsafe_node.store.sql_pruning import SqlPruneReader
from fedsafe_node.store.sql_recipients import SqlRecipientsReader
from fedsafe_node.store.sql_review import SqlReviewReader
from fedsafe_node.store.sql_rights import SqlRightsReader
from fedsafe_node.store.sql_rows import (
    SIGNAL_COLUMNS,
    credential_row,
    draft_row,
    named_row,
    peer_row,
    restriction_row,
    signal_row,
)
from fedsafe_node.store.sql_samples import SqlSamplesReader
from fedsafe_node.store.sql_trials import SqlTrialsReader
from fedsafe_node.store.sql_witness import SqlWitnessReader

_SIGNAL = f"SELECT {SIGNAL_COLUMNS} FROM signals "  # noqa: S608 - our own columns
_OPENING_COLUMNS = 2
_MEDIA = (
    f"SELECT {', '.join(f's.{each}' for each in SIGNAL_COLUMNS.split(', '))}, "  # noqa: S608 - our own columns
    "o.period, o.sealed FROM signals s LEFT JOIN logs l ON l.origin = s.log "
    "LEFT JOIN openings o ON o.log = l.id AND o.idx = s.idx AND o.grp = s.grp "
)
_DRAFT = (
    "SELECT signal_id, author, created_at, period, sealed, state, decided_by, "
    "decided_at, plane, scope FROM drafts "
)
_CREDENTIAL = (
    "SELECT id, name, role, secret_hash, created_at, expires_at FROM credentials "
)
_PEER = "SELECT origin, cursor, root, checkpoint, synced_at, state FROM peers "
_RESTRICTION = (
    "SELECT r.digest, r.origin, r.author, r.seq, r.effect, r.statement "
    "FROM restrictions r "
)
_SETTLED = (
    "SELECT signal_id FROM signals WHERE origin = ?1 AND signal_id IN ({0}) "
    "UNION SELECT signal_id FROM restricted WHERE origin = ?1 AND signal_id IN ({0})"
)
_MOST_VARIABLES = 500
_FIRST_NAME = NamedRow(origin="", signal_id=b"", effect="", digest=b"")


class Reader(
    SqlLogReader,
    SqlCasesReader,
    SqlMeteringReader,
    SqlOrdersReader,
    SqlOversightReader,
    SqlPeopleReader,
    SqlGateReader,
    SqlEventIndexReader,
    SqlEventsReader,
    SqlRecipientsReader,
    SqlNoticesReader,
    SqlReviewReader,
    SqlKeepingReader,
    SqlPruneReader,
    SqlRightsReader,
    SqlFloodsReader,
    SqlSamplesReader,
    SqlImportsReader,
    SqlTrialsReader,
    SqlInquiriesReader,
    SqlInventoryReader,
    SqlWitnessReader,
):
    """Reads everything on one snapshot, over one connection."""

    def __init__(self, connection: Connection, unsealing: Unsealing) -> None:
        self._connection = connection
        self._execute = connection.execute
        self._unsealing = unsealing

    # --- signals ----------------------------------------------------------------

    async def signal(self, origin: str, signal_id: bytes) -> SignalRow | None:
        """Return an origin's signal by its id."""
        where = "WHERE signal_id = ? AND origin = ?"
        row = self._one(_SIGNAL + where, signal_id, origin)
        return row and signal_row(row)

    async def signals_named(
        self, origin: str, signal_ids: Sequence[bytes]
    ) -> list[SignalRow]:
        """Return an origin's signals of these ids; those not there are left out."""
        found: list[SignalRow] = []
        for start in range(0, len(signal_ids), _MOST_VARIABLES):
            part = signal_ids[start : start + _MOST_VARIABLES]
            where = f"WHERE origin = ? AND signal_id IN ({','.join('?' * len(part))})"
            found += map(signal_row, self._all(_SIGNAL + where, origin, *part))
        return found

    async def settled(self, origin: str, signal_ids: Sequence[bytes]) -> set[bytes]:
        """Return which of an origin's ids are there, or named by a restriction."""
        found: set[bytes] = set()
        for start in range(0, len(signal_ids), _MOST_VARIABLES):
            part = signal_ids[start : start + _MOST_VARIABLES]
            marks = ",".join(f"?{number}" for number in range(2, len(part) + 2))
            rows = self._all(_SETTLED.format(marks), origin, *part)
            found.update(signal_id for (signal_id,) in rows)
        return found

    async def signals_at(self, rows: Sequence[int]) -> list[SignalRow]:
        """Return the signals at these rows; rows that are not there are left out."""
        found: list[SignalRow] = []
        for start in range(0, len(rows), _MOST_VARIABLES):
            part = rows[start : start + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            where = f"WHERE row IN ({marks}) ORDER BY row"
            found += map(signal_row, self._all(_SIGNAL + where, *part))
        return found

    async def tokens_after(self, row: int, limit: int) -> list[TokenRow]:
        """Return tokens in row order from behind `row`, to rebuild the index."""
        sql = (
            "SELECT row, token FROM signals WHERE row > ? AND token IS NOT NULL "
            "ORDER BY row LIMIT ?"
        )
        return [
            TokenRow(row=at, token=token) for at, token in self._all(sql, row, limit)
        ]

    async def signals_after(self, row: int, limit: int) -> list[SignalRow]:
        """Return signals in row order from behind `row`."""
        rows = self._all(_SIGNAL + "WHERE row > ? ORDER BY row LIMIT ?", row, limit)
        return [signal_row(found) for found in rows]

    async def newest_signal(self) -> int:
        """Return the highest row that a signal has; 0 if there is none."""
        row = self._one("SELECT max(row) FROM signals")
        return int(row[0] or 0) if row is not None else 0

    async def media_after(
        self, media_kind: int, row: int, limit: int
    ) -> list[tuple[SignalRow, Opening | None]]:
        """Return media signals of a kind that are not erased, from behind `row`.

        Each with its opening, if that is here: one query reads them all.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        where = (
            "WHERE s.media_kind = ? AND s.row > ? AND s.status <> 'erased' "
            "ORDER BY s.row LIMIT ?"
        )
        return self._media(where, media_kind, row, limit)

    async def media_at(
        self, rows: Sequence[int]
    ) -> list[tuple[SignalRow, Opening | None]]:
        """Return the media signals at these rows that are not erased, as above.

        Raises:
            CorruptLogError: what is stored is not what was sealed.
        """
        found: list[tuple[SignalRow, Opening | None]] = []
        for start in range(0, len(rows), _MOST_VARIABLES):
            part = rows[start : start + _MOST_VARIABLES]
            marks = ",".join("?" * len(part))
            where = (
                f"WHERE s.row IN ({marks}) AND s.media_kind IS NOT NULL "
                "AND s.status <> 'erased' ORDER BY s.row"
            )
            found += self._media(where, *part)
        return found

    def _media(
        self, where: str, *values: object
    ) -> list[tuple[SignalRow, Opening | None]]:
        found: list[tuple[SignalRow, Opening | None]] = []
        for raw in self._all(_MEDIA + where, *values):
            signal = signal_row(raw[:-_OPENING_COLUMNS])
            opening = None
            if raw[-1] is not None:
                period, sealed = raw[-_OPENING_COLUMNS:]
                kept = SealedOpening(
                    index=signal.index,
                    group=signal.group,
                    period=period,
                    sealed=sealed,
                    erased_at=None,
                )
                opening = self._unsealing.unseal(signal.log, kept)
            found.append((signal, opening))
        return found

    async def media_rows_after(
        self, media_kind: int, row: int, limit: int
    ) -> list[int]:
        """Return the rows alone of what `media_after` returns."""
        sql = (
            "SELECT row FROM signals WHERE media_kind = ? AND row > ? "
            "AND status <> 'erased' ORDER BY row LIMIT ?"
        )
        return [at for (at,) in self._all(sql, media_kind, row, limit)]

    async def expired_signals(self, now: int, limit: int) -> list[SignalRow]:
        """Return active or disputed signals with `match_until` at or before `now`."""
        where = (
            "WHERE match_until <= ? AND status IN ('active', 'disputed') "
            "ORDER BY match_until LIMIT ?"
        )
        return [signal_row(row) for row in self._all(_SIGNAL + where, now, limit)]

    async def erasable_signals(self, now: int, limit: int) -> list[SignalRow]:
        """Return signals, not yet erased, with `erase_after` at or before `now`."""
        where = (
            "WHERE erase_after <= ? AND status <> 'erased' ORDER BY erase_after LIMIT ?"
        )
        return [signal_row(row) for row in self._all(_SIGNAL + where, now, limit)]

    async def restriction(self, digest: bytes) -> RestrictionRow | None:
        """Return an accepted restriction statement."""
        row = self._one(_RESTRICTION + "WHERE r.digest = ?", digest)
        return row and restriction_row(row)

    async def restrictions_on(
        self, origin: str, signal_id: bytes
    ) -> list[RestrictionRow]:
        """Return the statements that name a signal, whether it has arrived or not."""
        where = (
            "JOIN restricted n ON n.digest = r.digest "
            "WHERE n.origin = ? AND n.signal_id = ? ORDER BY r.author, r.seq"
        )
        rows = self._all(_RESTRICTION + where, origin, signal_id)
        return [restriction_row(row) for row in rows]

    async def restrictions_by(
        self, author: str, after: int, limit: int
    ) -> list[RestrictionRow]:
        """Return an author's statements with a sequence number above `after`."""
        where = "WHERE r.author = ? AND r.seq > ? ORDER BY r.seq LIMIT ?"
        rows = self._all(_RESTRICTION + where, author, after, limit)
        return [restriction_row(row) for row in rows]

    async def restrictions_after(
        self, digest: bytes, limit: int
    ) -> list[RestrictionRow]:
        """Return statements in the order of their digests from behind `digest`."""
        where = "WHERE r.digest > ? ORDER BY r.digest LIMIT ?"
        rows = self._all(_RESTRICTION + where, digest, limit)
        return [restriction_row(row) for row in rows]

    async def restricted_after(
        self, row: NamedRow | None, limit: int
    ) -> list[NamedRow]:
        """Return what statements name, in a fixed order from behind `row`."""
        sql = (
            "SELECT origin, signal_id, effect, digest FROM restricted "
            "WHERE (origin, signal_id, effect, digest) > (?, ?, ?, ?) "
            "ORDER BY origin, signal_id, effect, digest LIMIT ?"
        )
        after = _FIRST_NAME if row is None else row
        place = (after.origin, after.signal_id, after.effect, after.digest)
        return [named_row(found) for found in self._all(sql, *place, limit)]

    async def draft(self, signal_id: bytes) -> DraftRow | None:
        """Return a draft."""
        row = self._one(_DRAFT + "WHERE signal_id = ?", signal_id)
        return row and draft_row(row)

    async def drafts(
        self, state: DraftState, limit: int, *, after: DraftRow | None = None
    ) -> list[DraftRow]:
        """Return drafts of a state, oldest first, from behind *after*."""
        where = (
            "WHERE state = ? AND (created_at, signal_id) > (?, ?) "
            "ORDER BY created_at, signal_id LIMIT ?"
        )
        behind = (-1, b"") if after is None else (after.created_at, after.signal_id)
        found = self._all(_DRAFT + where, state.value, *behind, limit)
        return [draft_row(row) for row in found]

    async def custody(self, signal_id: bytes) -> bytes | None:
        """Return the origin's own identifier, sealed to its custody key."""
        return self._bytes("SELECT sealed FROM custody WHERE signal_id = ?", signal_id)

    # --- node -------------------------------------------------------------------

    async def peer(self, origin: str) -> PeerRow | None:
        """Return how far a peer's feed is replicated."""
        row = self._one(_PEER + "WHERE origin = ?", origin)
        return row and peer_row(row)

    async def peers(self) -> list[PeerRow]:
        """Return all peers by name."""
        return [peer_row(row) for row in self._all(_PEER + "ORDER BY origin")]

    async def credential(self, credential_id: str) -> CredentialRow | None:
        """Return a credential by its id."""
        row = self._one(_CREDENTIAL + "WHERE id = ?", credential_id)
        return row and credential_row(row)

    async def credential_named(self, name: str) -> CredentialRow | None:
        """Return a credential by its name."""
        row = self._one(_CREDENTIAL + "WHERE name = ?", name)
        return row and credential_row(row)

    async def credentials(self) -> list[CredentialRow]:
        """Return all credentials by name."""
        return [credential_row(row) for row in self._all(_CREDENTIAL + "ORDER BY name")]

    async def newest_gate(self) -> GateRow | None:
        """Return the legal-gate record that was entered last."""
        row = self._one(
            "SELECT id, record, valid_until, recorded_at, recorded_by FROM gate "
            "ORDER BY number DESC LIMIT 1"
        )
        return row and GateRow(
            id=row[0],
            record=row[1],
            valid_until=row[2],
            recorded_at=row[3],
            recorded_by=row[4],
        )

    async def idempotent_answer(self, key: str) -> IdempotencyRow | None:
        """Return the answer kept for an Idempotency-Key."""
        row = self._one(
            "SELECT key, request_digest, status, body, expires_at FROM idempotency "
            "WHERE key = ?",
            key,
        )
        return row and IdempotencyRow(
            key=row[0],
            request_digest=row[1],
            status=row[2],
            body=row[3],
            expires_at=row[4],
        )

    async def due(self, now: int) -> list[tuple[str, int]]:
        """Return the jobs (job, at) that are due, longest overdue first."""
        return self._all("SELECT job, at FROM due WHERE at <= ? ORDER BY at, job", now)

    async def meta(self, key: str) -> bytes | None:
        """Return a small value that the node keeps about itself."""
        return self._bytes("SELECT value FROM meta WHERE key = ?", key)

    async def document(self, name: str) -> bytes | None:
        """Return a public document: charter, card, founding state."""
        return self._bytes("SELECT body FROM documents WHERE name = ?", name)

    async def seal_report(self, around: Surroundings, newest: int) -> SealReport:
        """Compare all with the seal, whose number is *newest* at least."""
        return examine_seal(self._connection, around, newest)

    async def damage(self) -> str | None:
        """Return what is wrong with pages and indexes, None if nothing; walks all."""
        return self._connection.damage()

    async def counts(self) -> Counts:
        """Count what the store holds; walks the signals, so use it in `scan`."""
        signals, active, own = self._one(
            "SELECT count(*), count(*) FILTER (WHERE status = 'active'), "
            "count(*) FILTER (WHERE own = 1) FROM signals WHERE status <> 'erased'"
        )
        drafts, peers, restrictions = self._one(
            "SELECT (SELECT count(*) FROM drafts WHERE state = 'pending'), "
            "(SELECT count(*) FROM peers), (SELECT count(*) FROM restrictions)"
        )
        return Counts(
            signals=signals,
            active=active,
            own=own,
            drafts=drafts,
            peers=peers,
            restrictions=restrictions,
        )
