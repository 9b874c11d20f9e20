# SPDX-License-Identifier: Apache-2.0
"""Imports: many requests that are one act to whoever makes them, and its undoing.

An import is begun, its rows come in requests of their own, and it is finished. The
same file of the same person goes on with an import that was broken off: it is known by
a keyed digest, and each of its requests by a key that is derived, not kept, so that
what was recorded is answered again instead of being evaluated again.

An import knows which signals it added and which it met. To undo it stops what it added
and nothing else, in pieces, so that other writers get their turn. The intention is
durable before the first of them: after a stop of the node the same request goes on.
"""

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from fedsafe_federation.feed.restrictions import Reason
from fedsafe_node.acts.signal_reviews import (
    BegunImport,
    FinishImportRequest,
    ImportsAnswer,
    ImportShown,
    ImportsQuery,
    ImportState,
    UndoneImport,
)
from fedsafe_node.ground.errors import NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.signals.desk import Changed, Desk
from fedsafe_node.signals.stop import find_living, rule_on_stopping, stop_many
from fedsafe_node.signals.view import admit
from fedsafe_node.store.imports_rows import ImportPart, ImportRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import LogEntry
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.decision import Decision
from fedsafe_policies.vocabulary import Matter, Purpose

PIECE: Final = 500
"""So many signals one act of an undoing stops."""
PIECES: Final = 8
"""So many acts one request for an undoing takes."""
_ID_BYTES: Final = 16
_PAGE: Final = 5_000


class Imports:
    """Begins, finishes, shows and undoes imports."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def begin(self, digest: str | None, who: Principal) -> BegunImport:
        """Begin an import, or go on with the one of that file that is open.

        Raises:
            DeniedError: somebody has an account, and this is nobody.
        """
        desk = self._desk
        await desk.check_named(who, "import.begin")
        mark = None if digest is None else self._mark(f"import\n{who.name}\n{digest}")
        run = desk.randomness(_ID_BYTES)
        now = int(desk.clock.now().timestamp())

        async def act(tx: Transaction) -> Changed[BegunImport]:
            found = None if mark is None else await tx.open_import(mark)
            row = found or ImportRow(id=run, author=who.name, began_at=now, mark=mark)
            if found is None:
                await tx.add_import(row)
            said: Detail = {"import": row.id.hex(), "resumed": found is not None}
            await self._write(tx, desk.event(Event.IMPORT_BEGUN, who, said))
            key = self._mark(f"import-key\n{row.id.hex()}").hex()
            begun = BegunImport(run=row.id.hex(), key=key, resumed=found is not None)
            return Changed(begun)

        return await desk.commit(act)

    async def finish(
        self, run: str, request: FinishImportRequest, who: Principal
    ) -> ImportShown:
        """Say what came of all rows of an import.

        Raises:
            NotFoundError: there is no such import.
            WrongStateError: it is somebody else's, or undone.
        """
        desk = self._desk
        now = int(desk.clock.now().timestamp())

        async def act(tx: Transaction) -> Changed[ImportShown]:
            row = await open_run(tx, run, who, done=True)
            row = replace(
                row,
                state=ImportState.DONE,
                ended_at=now,
                lines=request.lines,
                listed=request.listed,
                refused=request.refused,
                lapsed=request.over,
                taken_off=request.taken_off,
            )
            await tx.put_import(row)
            shown = _shown(row)
            said: Detail = {
                "import": run,
                "lines": shown.lines,
                "added": shown.added,
                "listed": shown.listed,
                "refused": shown.refused,
                "over": shown.over,
                "taken_off": shown.taken_off,
            }
            await self._write(tx, desk.event(Event.IMPORT_FINISHED, who, said))
            return Changed(shown)

        return await desk.commit(act)

    async def listed(self, query: ImportsQuery, who: Principal) -> ImportsAnswer:
        """List imports, newest first.

        Raises:
            DeniedError: this role may not, or not for that purpose.
        """
        desk = self._desk
        decision = await admit(desk, who, Matter.SIGNALS, query.purpose, "import.list")
        before = None if query.before is None else bytes.fromhex(query.before)

        async def act(tx: Transaction) -> Changed[ImportsAnswer]:
            rows = await tx.imports(query.limit + 1, before=before)
            shown = [_shown(row) for row in rows[: query.limit]]
            said: Detail = {"imports": len(shown)}
            entry = desk.event(Event.SIGNAL_READ, who, said, decision=decision)
            await self._write(tx, entry)
            more = len(rows) > query.limit
            return Changed(ImportsAnswer(imports=shown, more=more))

        return await desk.commit(act)

    async def show(
        self, run: str, who: Principal, purpose: Purpose | None
    ) -> ImportShown:
        """Show an import.

        Raises:
            DeniedError: this role may not, or not for that purpose.
            NotFoundError: there is no such import.
        """
        desk = self._desk
        decision = await admit(desk, who, Matter.SIGNALS, purpose, "import.show")
        met_again = await self._met_again(run)

        async def act(tx: Transaction) -> Changed[ImportShown]:
            shown = _shown(await _run(tx, run), met_again)
            said: Detail = {"import": run}
            entry = desk.event(Event.SIGNAL_READ, who, said, decision=decision)
            await self._write(tx, entry)
            return Changed(shown)

        return await desk.commit(act)

    async def undo(self, run: str, reason: Reason, who: Principal) -> UndoneImport:
        """Stop what an import has added, or go on with that.

        What it met, because it stood before, stays.

        Raises:
            DeniedError: this role may not stop something that it added.
            NotFoundError: there is no such import.
            StoreFailedError: it could not be made durable.
        """
        withdrawn = revoked = 0
        row = await self._intend(run, reason, who)
        for _ in range(PIECES):
            if row.state is not ImportState.UNDOING:
                break
            more, gone, row = await self._stop_piece(row, who)
            withdrawn += more
            revoked += gone

        return UndoneImport(
            run=run,
            state=row.state,
            withdrawn=withdrawn,
            revoked=revoked,
            left=row.added - row.stopped,
            met_again=await self._met_again(run),
        )

    async def _met_again(self, run: str) -> int:
        """Count what came with other imports; walks all of it, away from the loop."""
        name = bytes.fromhex(run)
        return await self._desk.store.scan(lambda reader: reader.met_again(name))

    async def _intend(self, run: str, reason: Reason, who: Principal) -> ImportRow:
        """Make durable that the import is to be undone; nobody adds to it from now."""
        desk = self._desk
        now = int(desk.clock.now().timestamp())
        # Who may not stop something of it stops nothing.
        decision = await desk.store.scan(lambda reader: self._rule(reader, run, who))
        if not decision.allowed:
            await desk.refuse(decision, who, "import.undo")

        async def act(tx: Transaction) -> Changed[ImportRow]:
            row = await _run(tx, run)
            if row.state in {ImportState.OPEN, ImportState.DONE}:
                row = replace(
                    row,
                    state=ImportState.UNDOING,
                    ended_at=row.ended_at or now,
                    reason=reason.value,
                    undone_by=who.name,
                    undone_at=now,
                )
                await tx.put_import(row)
            said: Detail = {
                "import": run,
                "reason": row.reason,
                "count": row.added - row.stopped,
            }
            entry = desk.event(Event.IMPORT_UNDONE, who, said, decision=decision)
            await self._write(tx, entry)
            return Changed(row)

        return await desk.commit(act)

    async def _rule(self, reader: Reader, run: str, who: Principal) -> Decision:
        row, after = await _run(reader, run), b""
        decision: Decision | None = None
        while decision is None or decision.allowed:
            ids = await reader.import_signals(row.id, ImportPart.ADDED, after, _PAGE)
            if not ids and decision is not None:
                break
            living = await find_living(self._desk, reader, ids)
            decision = await rule_on_stopping(self._desk, reader, living, who)
            if not ids:
                break
            after = ids[-1]
        return decision

    async def _stop_piece(
        self, row: ImportRow, who: Principal
    ) -> tuple[int, int, ImportRow]:
        """Stop a piece of an import; return what was withdrawn, revoked, and is."""
        desk, run = self._desk, row.id.hex()

        async def act(
            tx: Transaction,
        ) -> Changed[tuple[int, int, ImportRow] | Decision]:
            now = await _run(tx, run)
            ids = await tx.import_signals(now.id, ImportPart.ADDED, b"", PIECE)
            if not ids:
                done = replace(now, state=ImportState.UNDONE)
                await tx.put_import(done)
                return Changed((0, 0, done))
            living = await find_living(desk, tx, ids)
            decision = await rule_on_stopping(desk, tx, living, who)
            if not decision.allowed:
                return Changed(decision)
            reason = Reason(now.reason or Reason.MISTAKE)
            said: Detail = {"import": run}
            changed = await stop_many(desk, tx, living, reason, who, decision, said)
            await tx.stop_import_signals(now.id, ids)
            now = replace(now, stopped=now.stopped + len(ids))
            await tx.put_import(now)
            withdrawn = len(living.bans) + len(living.drafts)
            result = (withdrawn, changed.result, now)
            return Changed(result, removed=changed.removed, feed=changed.feed)

        result = await desk.commit(act)
        if isinstance(result, Decision):
            await desk.refuse(result, who, "import.undo")
        return result

    def _mark(self, text: str) -> bytes:
        return self._desk.situation.own.mark(text)

    async def _write(self, tx: Transaction, entry: LogEntry) -> None:
        await tx.append(self._desk.trail.log, entry.record, entry.openings)


async def open_run(
    reader: Reader, run: str, who: Principal, *, done: bool = False
) -> ImportRow:
    """Return somebody's import that rows may belong to, or that is *done* already.

    Raises:
        NotFoundError: there is no such import.
        WrongStateError: it is somebody else's, or takes no more rows.
    """
    row = await _run(reader, run)
    if row.author != who.name:
        raise WrongStateError(
            "other_import", Phrase("somebody else has begun this import")
        )
    if row.state is ImportState.OPEN or (done and row.state is ImportState.DONE):
        return row
    raise WrongStateError(
        "import_closed",
        Phrase("this import is {state}, and takes no more rows: begin another").filled(
            state=row.state.value
        ),
    )


async def added_by(reader: Reader, row: ImportRow, signal_id: bytes) -> bool:
    """Tell whether an import has added a signal, and not stopped it since."""
    before = (int.from_bytes(signal_id) - 1).to_bytes(len(signal_id))
    found = await reader.import_signals(row.id, ImportPart.ADDED, before, 1)
    return signal_id in found


async def note_rows(
    tx: Transaction, row: ImportRow, added: Sequence[bytes], met: Sequence[bytes]
) -> None:
    """Keep what an import has added, and what it has met."""
    await tx.add_import_signals(row.id, ImportPart.ADDED, added)
    await tx.add_import_signals(row.id, ImportPart.MET, sorted(set(met)))
    await tx.put_import(replace(row, added=row.added + len(added)))


async def _run(reader: Reader, run: str) -> ImportRow:
    row = await reader.import_run(bytes.fromhex(run))
    if row is None:
        raise NotFoundError(Phrase("no such import"))
    return row


def _shown(row: ImportRow, met_again: int | None = None) -> ImportShown:
    return ImportShown(
        run=row.id.hex(),
        author=row.author,
        began_at=row.began_at,
        state=row.state,
        lines=row.lines,
        added=row.added,
        listed=row.listed,
        refused=row.refused,
        over=row.lapsed,
        taken_off=row.taken_off,
        stopped=row.stopped,
        met_again=met_again,
        list=row.list,
        ended_at=row.ended_at,
        undone_by=row.undone_by,
        undone_at=row.undone_at,
        reason=row.reason,
    )
