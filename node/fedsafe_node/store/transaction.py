# SPDX-License-Identifier: Apache-2.0
"""Writing either store, within one act on the writer's thread."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from fedsafe_node.ground.errors import ConflictError
from fedsafe_node.store.keeping_rows import PrunedRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import (
    CredentialRow,
    DraftRow,
    DraftState,
    GateRow,
    IdempotencyRow,
    LogEntry,
    LogName,
    NewSignal,
    Opening,
    PeerRow,
    PeerState,
    RestrictionRow,
    SignalStatus,
    Tail,
)
from fedsafe_node.store.sql import IntegrityError, WriteConnection
from fedsafe_node.store.sql_cases import SqlCasesWriter
from fedsafe_node.store.sql_event_index import PartSealing, SqlEventIndexWriter
from fedsafe_node.store.sql_events import SqlEventsWriter
from fedsafe_node.store.sql_floods import SqlFloodsWriter
from fedsafe_node.store.sql_gate import SqlGateWriter
from fedsafe_node.store.sql_imports import SqlImportsWriter
from fedsafe_node.store.sql_inquiries import SqlInquiriesWriter
from fedsafe_node.store.sql_inventory import SET_STATE, WITHDRAW, SqlInventoryWriter
from fedsafe_node.store.sql_keeping import SqlKeepingWriter
from fedsafe_node.store.sql_log_reader import Unsealing
from fedsafe_node.store.sql_logs import SqlLogRows
from fedsafe_node.store.sql_metering import SqlMeteringWriter
from fedsafe_node.store.sql_notices import SqlNoticesWriter
from fedsafe_node.store.sql_orders import SqlOrdersWriter
from fedsafe_node.store.sql_oversight import SqlOversightWriter
from fedsafe_node.store.sql_people import SqlPeopleWriter
from fedsafe_node.store.sql_recipients import SqlRecipientsWriter
from fedsafe_node.store.sql_review import SqlReviewWriter
from fedsafe_node.store.sql_rights import SqlRightsWriter
from fedsafe_node.store.sql_samples import SqlSamplesWriter
from fedsafe_node.store.sql_trials import SqlTrialsWriter
from fedsafe_node.store.sql_witness import SqlWitnessWriter

_ADD_SIGNAL = (
    "INSERT INTO signals (row, signal_id, origin, plane, scope, epoch, generation, "
    "media_kind, token, match_until, erase_after, status, own, log, idx, grp) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Undo(Protocol):
    """Memory that has to follow when the database takes something back."""

    def begin_act(self) -> None:
        """Remember the present as the start of an act."""
        ...

    def undo_act(self) -> None:
        """Go back to the start of the act."""
        ...

    def forget(self) -> None:
        """Drop everything; read it from disk when it is needed."""
        ...

    def catch_up(self) -> None:
        """Be told that others have added to the database since the last commit."""
        ...


class Sequencing(Unsealing, PartSealing, Undo, Protocol):
    """The part of the log engine that runs inside an act."""

    def append(
        self,
        rows: SqlLogRows,
        log: LogName,
        record: bytes,
        openings: Sequence[Opening],
    ) -> int:
        """Append a record; return its index."""
        ...

    def append_many(
        self, rows: SqlLogRows, log: LogName, entries: Sequence[LogEntry]
    ) -> range:
        """Append many entries; return their indices."""
        ...

    def tail(self, rows: SqlLogRows, log: LogName) -> Tail:
        """Return a log's end as it was appended."""
        ...

    def vouch(self, sealed: Mapping[LogName, tuple[int, bytes]]) -> None:
        """Be told where each log stands, as the last commit has left it."""
        ...

    def grown(
        self, sealed: Mapping[LogName, tuple[int, bytes]]
    ) -> Mapping[LogName, tuple[int, bytes]]:
        """Return size and root of the logs that have another size than these."""
        ...

    def erase(
        self, rows: SqlLogRows, log: LogName, index: int, group: str, *, at: int
    ) -> bool:
        """Erase an opening; False if there is none."""
        ...

    def grant(
        self, rows: SqlLogRows, log: LogName, index: int, opening: Opening
    ) -> None:
        """Keep the opening of an entry that lacks it."""
        ...

    def prune(self, rows: SqlLogRows, row: PrunedRow) -> None:
        """Keep the hashes of the entries below a size, and nothing else of them."""
        ...


class Transaction(
    Reader,
    SqlCasesWriter,
    SqlMeteringWriter,
    SqlOrdersWriter,
    SqlOversightWriter,
    SqlPeopleWriter,
    SqlGateWriter,
    SqlEventIndexWriter,
    SqlEventsWriter,
    SqlRecipientsWriter,
    SqlNoticesWriter,
    SqlReviewWriter,
    SqlKeepingWriter,
    SqlRightsWriter,
    SqlFloodsWriter,
    SqlSamplesWriter,
    SqlImportsWriter,
    SqlTrialsWriter,
    SqlInquiriesWriter,
    SqlInventoryWriter,
    SqlWitnessWriter,
):
    """Reads and writes within one act, and sees its own writes."""

    def __init__(self, connection: WriteConnection, sequencing: Sequencing) -> None:
        super().__init__(connection, sequencing)
        self._writing = connection
        self._sequencing = self._part_sealing = sequencing
        self._log_rows = SqlLogRows(connection)

    def _insert(self, sql: str, *values: object) -> None:
        try:
            self._execute(sql, values)
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    def _changed(self, sql: str, *values: object) -> bool:
        return self._execute(sql, values).rowcount > 0

    # --- logs -------------------------------------------------------------------

    async def append(
        self, log: LogName, record: bytes, openings: Sequence[Opening] = ()
    ) -> int:
        """Append a record that holds the openings' commitments; return its index."""
        return self._sequencing.append(self._log_rows, log, record, openings)

    async def append_many(self, log: LogName, entries: Sequence[LogEntry]) -> range:
        """Append many entries at once; return their indices."""
        return self._sequencing.append_many(self._log_rows, log, entries)

    async def tail(self, log: LogName) -> Tail:
        """Return a log's end as it was appended, not as the disk has it now.

        What was not used since the store was opened is read from disk.

        Raises:
            CorruptLogError: it has to be read, and does not add up.
        """
        return self._sequencing.tail(self._log_rows, log)

    async def erase_opening(
        self, log: LogName, index: int, group: str, *, at: int
    ) -> bool:
        """Erase an opening for good; False if there is none or it was erased.

        The row stays as the mark of erasure; record, tree and proofs don't change.
        """
        return self._sequencing.erase(self._log_rows, log, index, group, at=at)

    async def grant_opening(self, log: LogName, index: int, opening: Opening) -> None:
        """Keep the opening of an entry that came without it, or was relocked.

        Raises:
            ConflictError: it is there, or was erased for good.
        """
        try:
            self._sequencing.grant(self._log_rows, log, index, opening)
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    async def prune(self, row: PrunedRow) -> None:
        """Keep the hashes of the entries below a size, and nothing else of them.

        Raises:
            CorruptLogError: they are not those of the tiles above them.
            ConflictError: no so much may be pruned, or not so far.
        """
        try:
            self._sequencing.prune(self._log_rows, row)
        except IntegrityError as error:
            raise ConflictError(str(error)) from None

    # --- signals ----------------------------------------------------------------

    async def add_signal(self, signal: NewSignal) -> int:
        """Keep a signal; return its row.

        Raises:
            ConflictError: its origin used the id before.
        """
        row = self._next_signal_row()
        self._insert(_ADD_SIGNAL, *_signal_values(row, signal))
        return row

    async def add_signals(self, signals: Sequence[NewSignal]) -> range:
        """Keep many signals in consecutive rows; return the rows.

        Raises:
            ConflictError: an origin used an id before.
        """
        first = self._next_signal_row()
        rows = range(first, first + len(signals))
        self._execute("SAVEPOINT signals")  # an act may catch the conflict and go on
        try:
            self._connection.executemany(
                _ADD_SIGNAL, map(_signal_values, rows, signals)
            )
        except IntegrityError as error:
            self._execute("ROLLBACK TO signals")
            raise ConflictError(str(error)) from None
        finally:
            if self._writing.in_transaction:
                self._execute("RELEASE signals")
        return rows

    def _next_signal_row(self) -> int:
        (last,) = self._one("SELECT max(row) FROM signals")
        return (last or 0) + 1

    async def set_signal_status(
        self, origin: str, signal_id: bytes, status: SignalStatus
    ) -> bool:
        """Set whether a signal may match; False if it is not there.

        `ERASED` is final and wipes the token as well.
        """
        if status is SignalStatus.ERASED:  # its token goes, here as well
            self._execute(
                "DELETE FROM listed_tokens WHERE signal_id = ? AND origin = ?",
                (signal_id, origin),
            )
        changed = self._changed(
            "UPDATE signals SET status = ?1, "
            "token = CASE WHEN ?1 = 'erased' THEN NULL ELSE token END "
            "WHERE signal_id = ?2 AND origin = ?3 AND status <> 'erased'",
            status.value,
            signal_id,
            origin,
        )
        if changed:
            self._execute(SET_STATE, (status.value, signal_id, origin))
        return changed

    async def add_restriction(
        self, restriction: RestrictionRow, signal_ids: Sequence[bytes]
    ) -> bool:
        """Keep a statement and what it names; False if it was kept before."""
        added = self._changed(
            "INSERT INTO restrictions (digest, origin, author, seq, effect, statement) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (digest) DO NOTHING",
            restriction.digest,
            restriction.origin,
            restriction.author,
            restriction.sequence,
            restriction.effect,
            restriction.statement,
        )
        if added:
            named = (restriction.origin, restriction.effect, restriction.digest)
            self._connection.executemany(
                "INSERT INTO restricted (origin, effect, digest, signal_id) "
                "VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                ((*named, signal_id) for signal_id in signal_ids),
            )
        return added

    async def add_draft(self, draft: DraftRow) -> None:
        """Keep a draft.

        Raises:
            ConflictError: its id is taken.
        """
        self._insert(
            "INSERT INTO drafts (signal_id, author, created_at, period, sealed, state, "
            "decided_by, decided_at, plane, scope) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            draft.signal_id,
            draft.author,
            draft.created_at,
            draft.period,
            draft.sealed,
            draft.state.value,
            draft.decided_by,
            draft.decided_at,
            draft.plane,
            draft.scope,
        )

    async def decide_draft(
        self, signal_id: bytes, state: DraftState, *, by: str, at: int
    ) -> bool:
        """Decide a pending draft and wipe its payload; False if none is pending."""
        if state is DraftState.WITHDRAWN:
            self._execute("DELETE FROM listed_tokens WHERE signal_id = ?", (signal_id,))
        decided = self._changed(
            "UPDATE drafts SET state = ?, decided_by = ?, decided_at = ?, "
            "sealed = NULL WHERE signal_id = ? AND state = 'pending'",
            state.value,
            by,
            at,
            signal_id,
        )
        if decided and state is DraftState.WITHDRAWN:
            self._execute(WITHDRAW, (signal_id,))
        return decided

    async def add_custody(self, signal_id: bytes, sealed: bytes) -> None:
        """Keep a sealed identifier; an older one of the signal is replaced."""
        self._insert(
            "INSERT INTO custody (signal_id, sealed) VALUES (?, ?) "
            "ON CONFLICT (signal_id) DO UPDATE SET sealed = excluded.sealed",
            signal_id,
            sealed,
        )

    async def remove_custody(self, signal_id: bytes) -> bool:
        """Erase a sealed identifier; False if there was none."""
        return self._changed("DELETE FROM custody WHERE signal_id = ?", signal_id)

    # --- node -------------------------------------------------------------------

    async def put_peer(self, peer: PeerRow) -> None:
        """Keep a peer's position together with what was applied up to it."""
        self._insert(
            "INSERT INTO peers (origin, cursor, root, checkpoint, synced_at, state) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE SET "
            "cursor = excluded.cursor, root = excluded.root, "
            "checkpoint = excluded.checkpoint, synced_at = excluded.synced_at, "
            "state = excluded.state",
            peer.origin,
            peer.cursor,
            peer.root,
            peer.checkpoint,
            peer.synced_at,
            peer.state.value,
        )

    async def set_peer_state(self, origin: str, state: PeerState) -> bool:
        """Suspend or resume a peer; False if it is not there."""
        return self._changed(
            "UPDATE peers SET state = ? WHERE origin = ?", state.value, origin
        )

    async def add_credential(self, credential: CredentialRow) -> None:
        """Keep a credential.

        Raises:
            ConflictError: its id or name is taken.
        """
        self._insert(
            "INSERT INTO credentials (id, name, role, secret_hash, created_at, "
            "expires_at) VALUES (?, ?, ?, ?, ?, ?)",
            credential.id,
            credential.name,
            credential.role,
            credential.secret_hash,
            credential.created_at,
            credential.expires_at,
        )

    async def remove_credential(self, credential_id: str) -> bool:
        """Remove a credential; False if there was none."""
        return self._changed("DELETE FROM credentials WHERE id = ?", credential_id)

    async def add_gate(self, gate: GateRow) -> None:
        """Enter a legal-gate record.

        Raises:
            ConflictError: its id is taken.
        """
        self._insert(
            "INSERT INTO gate (id, record, valid_until, recorded_at, recorded_by) "
            "VALUES (?, ?, ?, ?, ?)",
            gate.id,
            gate.record,
            gate.valid_until,
            gate.recorded_at,
            gate.recorded_by,
        )

    async def add_idempotent_answer(self, answer: IdempotencyRow) -> None:
        """Keep the answer to a request.

        Raises:
            ConflictError: the key is taken by another request of the same batch.
        """
        self._insert(
            "INSERT INTO idempotency (key, request_digest, status, body, expires_at) "
            "VALUES (?, ?, ?, ?, ?)",
            answer.key,
            answer.request_digest,
            answer.status,
            answer.body,
            answer.expires_at,
        )

    async def forget_idempotent_answers(self, now: int) -> int:
        """Drop the answers that expired; return how many."""
        return self._execute(
            "DELETE FROM idempotency WHERE expires_at <= ?", (now,)
        ).rowcount

    async def set_due(self, job: str, at: int | None) -> None:
        """Set when a job is due next; None for never."""
        if at is None:
            self._execute("DELETE FROM due WHERE job = ?", (job,))
            return
        self._insert(
            "INSERT INTO due (job, at) VALUES (?, ?) "
            "ON CONFLICT (job) DO UPDATE SET at = excluded.at",
            job,
            at,
        )

    async def set_meta(self, key: str, value: bytes) -> None:
        """Keep a small value that the node keeps about itself."""
        self._insert(
            "INSERT INTO meta (key, value) VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            key,
            value,
        )

    async def put_document(self, name: str, body: bytes) -> None:
        """Keep a public document; an older one is replaced."""
        self._insert(
            "INSERT INTO documents (name, body) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET body = excluded.body",
            name,
            body,
        )


def _signal_values(row: int, signal: NewSignal) -> tuple[object, ...]:
    return (
        row,
        signal.signal_id,
        signal.origin,
        signal.plane,
        signal.scope,
        signal.epoch,
        signal.generation,
        signal.media_kind,
        signal.token,
        signal.match_until,
        signal.erase_after,
        signal.status.value,
        signal.own,
        signal.log,
        signal.index,
        signal.group,
    )
