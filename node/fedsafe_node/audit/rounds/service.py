# SPDX-License-Identifier: Apache-2.0
"""Open, draw, mark and sign review rounds; every step is an entry and an audit event.

One round is open at a time, so nobody opens another until the sample suits. Its opening
fixes in one act how far the log goes and by which seed the sample is drawn; the next
round begins where it ended. Nobody marks an own act: it is left to somebody else, and
the signature says how many are.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from secrets import token_bytes, token_hex
from typing import Final

from fedsafe_crypto.errors import CryptoError
from fedsafe_crypto.primitives.framing import lp_text
from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.audit import AuditEvent
from fedsafe_node.acts.rounds import (
    AnswerQuestion,
    AskedEntry,
    AskedQuestion,
    AskedQuestions,
    DrawnFrom,
    MarkRound,
    OpenRound,
    RoundAnswer,
    RoundEntries,
    RoundEntry,
    RoundEntryShown,
    RoundMark,
    RoundMarks,
    RoundsAnswer,
    Verdict,
)
from fedsafe_node.audit.event_view import read_log_events
from fedsafe_node.audit.rounds.clock import due_at
from fedsafe_node.audit.rounds.kinds import TAKEN
from fedsafe_node.audit.rounds.sample import (
    MOST_TRIED,
    Drawn,
    Opened,
    People,
    draw,
    end_of,
    entries_of,
    kind_of,
)
from fedsafe_node.ground.errors import ConflictError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import join
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.log.event_index import MOST_OPENED, Looked, count_unread, take_in
from fedsafe_node.log.openings import PeriodKeys, period_of
from fedsafe_node.log.proofs import log_root
from fedsafe_node.people.office import Office
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.oversight_rows import RoundRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Purpose

Admit = Callable[[Principal, Purpose | None], Awaitable[Detail]]
_DOMAIN: Final = "fedsafe/v1/round-note"
_SEED: Final = 32


class _Marked(Row, frozen=True, kw_only=True):
    v: int
    entries: list[int]
    verdict: Verdict
    breach: str | None = None
    answers: int | None = None


class _Signed(Row, frozen=True, kw_only=True):
    v: int
    left: int


class Rounds:
    """Keeps the review rounds of the audit log."""

    def __init__(self, office: Office, keys: PeriodKeys, admit: Admit) -> None:
        self._office = office
        self._keys = keys
        self._admit = admit
        self._people = People(office.trail)

    async def open(
        self, request: OpenRound, who: Principal, *, once: Once | None = None
    ) -> RoundAnswer:
        """Open a round of all that nobody has reviewed yet, and draw its sample.

        Raises:
            WrongStateError: one is open.
            DeniedError: this role may not read the log.
        """
        await self._admit(who, None)
        office, round_id = self._office, token_hex(16)
        log, sample = office.trail.log, request.sample
        seed = token_bytes(_SEED).hex()
        await self._take_in()
        end = await office.store.scan(lambda reader: _end(reader, log))

        async def act(tx: Transaction) -> RoundAnswer:
            before = _by_round(await tx.rounds())
            if any("signed" not in steps for steps in before.values()):
                raise WrongStateError(
                    "round_open", Phrase("a round is open; sign it first")
                )
            tail = await tx.tail(log)
            since, root = _reviewed_to(before), tail.root
            is_cut = end is not None and since < end < tail.size
            size = end if is_cut and end is not None else tail.size
            if is_cut:
                root = await log_root(tx, log, size)
            opened = Opened(
                v=1,
                since=since,
                size=size,
                root=root.hex(),
                seed=seed,
                sample=sample,
                cut=is_cut,
            )
            await self._add(tx, round_id, "opened", opened, who)
            detail: Detail = {
                "round": round_id,
                "since": opened.since,
                "size": opened.size,
                "root": opened.root,
                "seed": opened.seed,
                "sample": opened.sample,
                "cut": opened.cut,
            }
            await office.note(tx, Event.ROUND_OPENED, who.name, detail)
            answer = _answer(await tx.round_entries(round_id))
            await self._keep(tx, once, answer)
            return answer

        await office.store.write(act)
        return _answer(await self._drawn(round_id))

    async def listed(self, who: Principal) -> RoundsAnswer:
        """List all rounds; of their marks each tells by itself.

        Raises:
            DeniedError: this role may not read the log.
        """
        grounds = await self._admit(who, None)

        async def act(tx: Transaction) -> RoundsAnswer:
            rounds = _by_round(await tx.rounds())
            detail: Detail = {"rounds": len(rounds), **grounds}
            await self._office.note(tx, Event.ROUND_READ, who.name, detail)
            return RoundsAnswer(
                rounds=[_answer(list(steps.values())) for steps in rounds.values()],
                reviewed_to=_reviewed_to(rounds),
                due_at=await due_at(tx, self._office.trail.log),
            )

        return await self._office.store.write(act)

    async def show(self, round_id: str, who: Principal) -> RoundAnswer:
        """Tell how a round stands.

        Raises:
            NotFoundError: there is no such round.
            DeniedError: this role may not read the log.
        """
        grounds = await self._admit(who, None)
        rows = await self._drawn(round_id)
        await self._read(who, {"round": round_id, **grounds})
        return _answer(rows)

    async def entries(
        self, round_id: str, since: int, limit: int, who: Principal
    ) -> RoundEntries:
        """List what is to be reviewed; neither who acted nor about whom.

        Raises:
            NotFoundError: there is no such round.
            DeniedError: this role may not read the log.
        """
        grounds, rows = await self._admit(who, None), await self._drawn(round_id)
        opened, drawn, marks = _opened(rows), _drawn_of(rows), _marks(rows)
        log = self._office.trail.log
        events = await self._office.store.scan(
            lambda r: entries_of(r, log, opened, drawn, since=since, limit=limit + 1)
        )
        shown, more = events[:limit], len(events) > limit
        detail: Detail = {"round": round_id, "events": len(shown), **grounds}
        await self._read(who, detail)
        return RoundEntries(
            entries=[
                RoundEntry(
                    index=event.index,
                    event=event.event,
                    at=event.at,
                    outcome=event.outcome,
                    kind=kind_of(event).value,
                    verdict=marks.get(event.index),
                    own=self._is_own(event, who),
                )
                for event in shown
            ],
            next=shown[-1].index + 1 if shown else opened.size,
            more=more,
        )

    async def entry(self, round_id: str, index: int, who: Principal) -> RoundEntryShown:
        """Show one entry whole, under pseudonyms; the reading is about its account.

        Raises:
            NotFoundError: there is no such round, or it does not review this entry.
            DeniedError: this role may not read the log.
        """
        grounds, rows = await self._admit(who, None), await self._drawn(round_id)
        office = self._office
        event = await office.store.scan(lambda r: self._meant(r, rows, index))
        subject = event.subject_ref
        if subject is not None and event.service is not None:
            subject = join(event.service, subject)
        entry = office.trail.entry(
            Event.ROUND_READ,
            at=office.clock.now(),
            actor=who.name,
            subject=subject,
            detail={"round": round_id, "index": index, **grounds},
        )
        await office.store.write(
            lambda tx: tx.append(office.trail.log, entry.record, entry.openings)
        )
        found = [
            (row, mark)
            for row in rows
            if row.step == "marked"
            and index in (mark := decode(row.record, _Marked)).entries
        ]
        notes = [note for row, _ in found if (note := self._note_of(row)) is not None]
        return RoundEntryShown(
            entry=event,
            kind=kind_of(event).value,
            own=self._is_own(event, who),
            verdict=found[-1][1].verdict if found else None,
            breach=found[-1][1].breach if found else None,
            notes=notes,
        )

    async def marks(self, round_id: str, who: Principal) -> RoundMarks:
        """List what was found, in its order, with the reasons.

        Raises:
            NotFoundError: there is no such round.
            DeniedError: this role may not read the log.
        """
        grounds, rows = await self._admit(who, None), await self._drawn(round_id)
        found = [
            RoundMark(
                mark=row.number or 0,
                at=row.recorded_at,
                by=row.recorded_by,
                verdict=mark.verdict,
                entries=mark.entries,
                note=self._note_of(row),
                breach=mark.breach,
                answers=mark.answers,
            )
            for row in rows
            if row.step == "marked"
            for mark in (decode(row.record, _Marked),)
        ]
        detail: Detail = {"round": round_id, "marks": len(found), **grounds}
        await self._read(who, detail)
        return RoundMarks(marks=found)

    async def mark(
        self,
        round_id: str,
        request: MarkRound,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> RoundAnswer:
        """Say what somebody finds of entries, all of them or none.

        Raises:
            NotFoundError: there is no such round or breach, or the round does not
                review one of the entries.
            WrongStateError: the round is signed, or an entry is about an own act.
            DeniedError: this role may not read the log.
        """
        await self._admit(who, None)
        await self._drawn(round_id)
        office, entries = self._office, sorted(set(request.entries))

        async def act(tx: Transaction) -> RoundAnswer:
            rows = _open_rows(await tx.round_entries(round_id))
            if request.breach and not await tx.breach_entries(request.breach):
                raise NotFoundError(Phrase("no such breach"))
            for index in entries:
                if self._is_own(await self._meant(tx, rows, index), who):
                    raise WrongStateError(
                        "own_entry",
                        Phrase(
                            "entry {index} is an act of your own; somebody else "
                            "reviews it"
                        ).filled(index=index),
                    )
            marked = _Marked(
                v=1, entries=entries, verdict=request.verdict, breach=request.breach
            )
            await self._add(tx, round_id, "marked", marked, who, note=request.note)
            detail: Detail = {
                "round": round_id,
                "verdict": request.verdict.value,
                "entries": " ".join(map(str, entries)),
                "breach": request.breach,
            }
            await office.note(tx, Event.ROUND_MARKED, who.name, detail)
            answer = _answer(await tx.round_entries(round_id))
            await self._keep(tx, once, answer)
            return answer

        return await office.store.write(act)

    async def questions(self, who: Principal) -> AskedQuestions:
        """List what open rounds ask somebody about own acts, without those answered.

        It shows nobody anything of anybody else, so it is no event.
        """
        found = await self._office.store.scan(lambda reader: self._asked(reader, who))
        return AskedQuestions(questions=[question for question, _ in found])

    async def reply(
        self,
        question: int,
        request: AnswerQuestion,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> AskedQuestion:
        """Answer a question about own acts; the entries stay to be asked about.

        The answer is kept under the pseudonym that the person has in this quarter.

        Raises:
            NotFoundError: nobody asks this person that, or not any more.
        """
        office = self._office

        async def act(tx: Transaction) -> AskedQuestion:
            waiting = {
                each.question: (each, name) for each, name in await self._asked(tx, who)
            }
            if question not in waiting:
                raise NotFoundError(Phrase("no such question to you"))
            asked, round_id = waiting[question]
            entries = [each.index for each in asked.entries]
            marked = _Marked(
                v=1, entries=entries, verdict=Verdict.ASK, answers=question
            )
            shown = office.trail.shown(who.name, office.clock.now())
            note = request.answer
            await self._add(tx, round_id, "marked", marked, None, by=shown, note=note)
            detail: Detail = {
                "round": round_id,
                "question": question,
                "entries": " ".join(map(str, entries)),
            }
            await office.note(tx, Event.ROUND_ANSWERED, who.name, detail)
            if once is not None:
                await tx.add_idempotent_answer(once.row(asked, now=office.now()))
            return asked

        return await office.store.write(act)

    async def _asked(
        self, reader: Reader, who: Principal
    ) -> list[tuple[AskedQuestion, str]]:
        """Find what is asked of somebody, each with its round."""
        found: list[tuple[AskedQuestion, str]] = []
        for round_id, steps in _by_round(await reader.rounds()).items():
            if "signed" in steps or "drawn" not in steps:
                continue
            rows = await reader.round_entries(round_id)
            marks = _marks(rows)
            for row in rows:
                if row.step != "marked":
                    continue
                mark = decode(row.record, _Marked)
                if mark.verdict is not Verdict.ASK or mark.answers is not None:
                    continue
                open_ = [each for each in mark.entries if marks[each] is Verdict.ASK]
                own = [
                    event
                    for index in open_
                    if index not in _answered(rows, row.number)
                    for event in [await self._meant(reader, rows, index)]
                    if self._is_own(event, who)
                ]
                if own:
                    found.append((self._question(row, own), round_id))
        return found

    def _question(self, row: RoundRow, own: list[AuditEvent]) -> AskedQuestion:
        return AskedQuestion(
            question=row.number or 0,
            at=row.recorded_at,
            entries=[AskedEntry(each.index, each.event, each.at) for each in own],
            asks=self._note_of(row),
        )

    async def sign(
        self, round_id: str, who: Principal, *, once: Once | None = None
    ) -> RoundAnswer:
        """Sign that the log is reviewed to where the round ends.

        Raises:
            NotFoundError: there is no such round.
            WrongStateError: it is signed, somebody marked an entry meanwhile, or an
                entry that is not the signer's own act has no final mark.
            DeniedError: this role may not read the log.
        """
        await self._admit(who, None)
        rows = _open_rows(await self._drawn(round_id))
        office, marks, opened = self._office, _marks(rows), _opened(rows)
        events = await office.store.scan(
            lambda r: entries_of(r, office.trail.log, opened, _drawn_of(rows))
        )
        waiting = [
            event
            for event in events
            if marks.get(event.index) not in {Verdict.PLAUSIBLE, Verdict.INCIDENT}
        ]
        left = sum(self._is_own(event, who) for event in waiting)
        if count := len(waiting) - left:
            raise WrongStateError(
                "round_unmarked",
                Phrase("{count} entries have no final mark yet").filled(count=count),
            )

        async def act(tx: Transaction) -> RoundAnswer:
            now = _open_rows(await tx.round_entries(round_id))
            if now[-1].number != rows[-1].number:
                raise WrongStateError(
                    "act_changed", Phrase("the round has changed meanwhile")
                )
            await self._add(tx, round_id, "signed", _Signed(v=1, left=left), who)
            detail: Detail = {
                "round": round_id,
                "reviewed_to": opened.size,
                "left": left,
            }
            await office.note(tx, Event.ROUND_SIGNED, who.name, detail)
            answer = _answer(await tx.round_entries(round_id))
            await self._keep(tx, once, answer)
            return answer

        return await office.store.write(act)

    async def _drawn(self, round_id: str) -> list[RoundRow]:
        """Return a round's entries, its sample drawn if it was not yet.

        The opening fixed what is drawn, so it does not matter who does it, or when.
        """
        office, log = self._office, self._office.trail.log
        rows = await office.store.read(lambda r: r.round_entries(round_id))
        if not rows:
            raise NotFoundError(Phrase("no such round"))
        if any(row.step == "drawn" for row in rows):
            return rows
        await self._take_in()
        opened, opener = _opened(rows), rows[0].recorded_by
        drawn = await office.store.scan(
            lambda r: draw(r, log, opened, self._people, opener)
        )
        detail: Detail = {
            "round": round_id,
            "reads": len(drawn.reads),
            "decisions": len(drawn.decisions),
            "exports": len(drawn.exports),
            "alarms": drawn.alarms,
            "refusals": drawn.refusals,
            "own": drawn.own,
            "unattributable": drawn.unattributable,
        }

        async def keep(tx: Transaction) -> None:
            await self._add(tx, round_id, "drawn", drawn, None, by=opener)
            await office.note(tx, Event.ROUND_DRAWN, opener, detail)

        with suppress(ConflictError):  # another request has drawn the same
            await office.store.write(keep)
        return await office.store.read(lambda r: r.round_entries(round_id))

    async def _take_in(self) -> None:
        """Take into the index what a question would have to open entry by entry."""
        store, log = self._office.store, self._office.trail.log
        looked = Looked(events=frozenset())
        unread = await store.read(lambda r: count_unread(r, log, looked))
        if unread > MOST_OPENED:
            await take_in(store, log)

    async def _meant(
        self, reader: Reader, rows: list[RoundRow], index: int
    ) -> AuditEvent:
        opened, drawn, log = _opened(rows), _drawn_of(rows), self._office.trail.log
        first = max(opened.since, await reader.minimum(log))
        if first <= index < opened.size:
            [event] = await read_log_events(reader, log, index, 1)
            if index in drawn.chosen or kind_of(event) in TAKEN:
                return event
        raise NotFoundError(
            Phrase("the round does not review entry {index}").filled(index=index)
        )

    def _is_own(self, event: AuditEvent, who: Principal) -> bool:
        return self._people.behind(event.actor) == who.name

    async def _read(self, who: Principal, detail: Detail) -> None:
        office = self._office
        await office.store.write(
            lambda tx: office.note(tx, Event.ROUND_READ, who.name, detail)
        )

    async def _add(  # noqa: PLR0913 - what an entry says
        self,
        tx: Transaction,
        round_id: str,
        step: str,
        record: Row,
        who: Principal | None,
        *,
        by: str = "",
        note: str | None = None,
    ) -> None:
        period = sealed = None
        if note is not None:
            period = period_of(self._office.clock.now())
            place = _place(round_id, period)
            sealed = self._keys.seal(period, note.encode(), place)
        name = by if who is None else who.name
        now = self._office.now()
        await tx.add_round_entry(
            RoundRow(None, round_id, step, encode(record), period, sealed, now, name)
        )

    def _note_of(self, row: RoundRow) -> str | None:
        if row.note is None or row.period is None:
            return None
        try:
            place = _place(row.round, row.period)
            found = self._keys.unseal(row.period, row.note, place)
        except CryptoError:
            return None
        return None if found is None else found.decode()

    async def _keep(
        self, tx: Transaction, once: Once | None, answer: RoundAnswer
    ) -> None:
        if once is not None:
            row = once.row(answer, now=self._office.now())
            await tx.add_idempotent_answer(row)


async def _end(reader: Reader, log: str) -> int | None:
    """Return where a round that is opened now ends, if before the log does."""
    whole = Opened(
        v=1,
        since=_reviewed_to(_by_round(await reader.rounds())),
        size=await reader.log_size(log),
        root="",
        seed="",
        sample=0,
    )
    return await end_of(reader, log, whole)


def _by_round(rows: list[RoundRow]) -> dict[str, dict[str, RoundRow]]:
    found: dict[str, dict[str, RoundRow]] = {}
    for row in rows:
        found.setdefault(row.round, {})[row.step] = row
    return found


def _reviewed_to(rounds: dict[str, dict[str, RoundRow]]) -> int:
    ends = [
        decode(steps["opened"].record, Opened).size
        for steps in rounds.values()
        if "signed" in steps
    ]
    return max(ends, default=0)


def _opened(rows: list[RoundRow]) -> Opened:
    return decode(rows[0].record, Opened)


def _drawn_of(rows: list[RoundRow]) -> Drawn:
    [found] = [decode(row.record, Drawn) for row in rows if row.step == "drawn"]
    return found


def _marks(rows: list[RoundRow]) -> dict[int, Verdict]:
    found: dict[int, Verdict] = {}
    for row in rows:
        if row.step == "marked":
            mark = decode(row.record, _Marked)
            found |= dict.fromkeys(mark.entries, mark.verdict)
    return found


def _answered(rows: list[RoundRow], question: int | None) -> frozenset[int]:
    """Name the entries about which the asked have answered a question."""
    marks = (decode(row.record, _Marked) for row in rows if row.step == "marked")
    return frozenset(
        index for mark in marks if mark.answers == question for index in mark.entries
    )


def _open_rows(rows: list[RoundRow]) -> list[RoundRow]:
    if any(row.step == "signed" for row in rows):
        raise WrongStateError("round_signed", Phrase("this round is signed"))
    return rows


def _answer(rows: list[RoundRow]) -> RoundAnswer:
    steps, opened = {row.step: row for row in rows}, _opened(rows)
    drawn = decode(steps["drawn"].record, Drawn) if "drawn" in steps else None
    signed, verdicts = steps.get("signed"), list(_marks(rows).values())
    return RoundAnswer(
        round=rows[0].round,
        state="open" if signed is None else "signed",
        since=opened.since,
        size=opened.size,
        root=opened.root,
        opened_at=rows[0].recorded_at,
        opened_by=rows[0].recorded_by,
        reads=len(drawn.reads) if drawn else 0,
        decisions=len(drawn.decisions) if drawn else 0,
        exports=len(drawn.exports) if drawn else 0,
        alarms=drawn.alarms if drawn else 0,
        refusals=drawn.refusals if drawn else 0,
        own=drawn.own if drawn else 0,
        unattributable=drawn.unattributable if drawn else 0,
        drawn_from=[
            DrawnFrom(kind=kind, entries=count, tried=min(count, MOST_TRIED))
            for kind, count in (drawn.of if drawn else {}).items()
        ],
        cut=opened.cut,
        marked=len(verdicts),
        asked=verdicts.count(Verdict.ASK),
        incidents=verdicts.count(Verdict.INCIDENT),
        left=decode(signed.record, _Signed).left if signed else None,
        signed_at=signed.recorded_at if signed else None,
        signed_by=signed.recorded_by if signed else None,
    )


def _place(round_id: str, period: str) -> bytes:
    return lp_text(_DOMAIN) + lp_text(round_id) + lp_text(period)
