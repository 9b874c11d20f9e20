# SPDX-License-Identifier: Apache-2.0
"""Open, assess, notify and close breaches; every step is an entry and an audit event.

Whoever opens one states when they became aware; from then on 72 hours run. A breach is
closed by one person once everybody was told who must be. Where somebody was not, it
takes a reason that the law knows and two persons (P6).
"""

from collections.abc import Awaitable, Callable
from secrets import token_hex
from typing import Final

import msgspec

from fedsafe_federation.wire.wireformat import decode, encode
from fedsafe_node.acts.breaches import (
    AssessBreach,
    BreachAnswer,
    BreachesAnswer,
    CloseBreach,
    Notified,
    NotifyBreach,
    OpenBreach,
    Risk,
    Silence,
)
from fedsafe_node.acts.people import ActAnswer
from fedsafe_node.audit.breaches.entries import (
    REMINDED,
    WITHIN,
    Breach,
    Notes,
    breach_record,
    fits,
    read_breach,
    show_breach,
)
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.approvals import Approvals
from fedsafe_node.people.office import Office
from fedsafe_node.rules.idempotency import Once
from fedsafe_node.store.oversight_rows import BreachRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.rows import Row
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.vocabulary import Act

_KIND: Final = Act.BREACH_SILENCE
_EVENTS: Final = {
    "opened": Event.BREACH_OPENED,
    "assessed": Event.BREACH_ASSESSED,
    "notified": Event.BREACH_NOTIFIED,
    "closed": Event.BREACH_CLOSED,
}


class Closing(Row, frozen=True, kw_only=True):
    """What a second person stands by: this closing of the breach as it stood."""

    breach: str
    silence: Silence
    risk: str
    entry: int


class BreachSilence:
    """The effect of an approved closing without notification (`approvals.Effect`)."""

    def __init__(self, office: Office, notes: Notes) -> None:
        self._office = office
        self._notes = notes

    async def request(
        self, reader: Reader, content: bytes, first: Person, second: Person
    ) -> ActRequest:
        """Put the closing to the policy, with both persons."""
        del reader
        decode(content, Closing)
        return ActRequest(_KIND, first, second, "breach-register")

    async def carry_out(
        self, tx: Transaction, content: bytes, first: Person, second: Person
    ) -> None:
        """Close the breach, if nothing has become known meanwhile.

        Raises:
            WrongStateError: there is a newer entry.
        """
        closing = decode(content, Closing)
        entry, breach = await _newest(tx, closing.breach)
        if entry != closing.entry:
            raise WrongStateError(
                "act_changed", Phrase("the breach has changed meanwhile")
            )
        closed = msgspec.structs.replace(
            breach, silence=closing.silence, closed_at=self._office.now()
        )
        keep = _Keeper(self._office, self._notes, f"{first.name}, {second.name}")
        detail = {"second": second.name, "silence": closing.silence.value}
        await keep.add(tx, closing.breach, "closed", closed, detail=detail)


class Breaches:
    """Keeps the register."""

    def __init__(
        self,
        office: Office,
        approvals: Approvals,
        notes: Notes,
        *,
        has_others: Callable[[], bool],
    ) -> None:
        self._office = office
        self._approvals = approvals
        self._notes = notes
        self._has_others = has_others

    async def open(
        self, request: OpenBreach, who: Principal, *, once: Once | None = None
    ) -> BreachAnswer:
        """Open a breach; the clock runs from when somebody became aware of it.

        Raises:
            BadRequestError: that moment lies in the future.
        """
        self._check_past(request.aware_at, "/aware_at")
        breach = Breach(
            v=1,
            aware_at=request.aware_at,
            kinds=list(dict.fromkeys(request.kinds)),
            cause=request.cause,
            opened_by=who.name,
        )
        breach_id = token_hex(16)

        async def act(tx: Transaction) -> BreachAnswer:
            keep = _Keeper(self._office, self._notes, who.name)
            await keep.add(tx, breach_id, "opened", breach, note=request.note)
            return show_breach(breach_id, breach, self._office.now())

        return await self._write(act, once)

    async def assess(
        self,
        breach_id: str,
        request: AssessBreach,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> BreachAnswer:
        """Enter what is known now.

        Raises:
            NotFoundError: there is no such breach.
            WrongStateError: it is closed.
        """
        return await self._step(
            breach_id,
            "assessed",
            who,
            lambda breach: breach.assessed(request),
            once=once,
            note=request.note,
        )

    async def notify(
        self,
        breach_id: str,
        request: NotifyBreach,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> BreachAnswer:
        """Enter that somebody was told.

        Raises:
            NotFoundError: there is no such breach.
            WrongStateError: it is closed.
            BadRequestError: the moment is none, or the authority was told late and
                nothing says why.
        """
        self._check_past(request.at, "/at")

        def told(breach: Breach) -> Breach:
            if request.at < breach.aware_at:
                raise BadRequestError(
                    "bad_span",
                    Phrase("nobody is told before it is known"),
                    pointer="/at",
                )
            late = request.at > breach.aware_at + WITHIN
            if late and request.to is Notified.AUTHORITY and request.late is None:
                raise BadRequestError(
                    "late_reason_missing",
                    Phrase("after 72 hours the authority is told why (Art. 33 (1))"),
                    pointer="/late",
                )
            return msgspec.structs.replace(
                breach, notifications=[*breach.notifications, request]
            )

        detail = {"to": request.to.value, "reference": request.reference}
        return await self._step(
            breach_id, "notified", who, told, once=once, detail=detail
        )

    async def close(
        self,
        breach_id: str,
        request: CloseBreach,
        who: Principal,
        *,
        once: Once | None = None,
    ) -> BreachAnswer:
        """Close a breach, or ask for it where somebody was not told.

        Raises:
            NotFoundError: there is no such breach.
            WrongStateError: it is closed or not assessed, the other members were
                not told, or nobody else could stand by it.
            BadRequestError: the reason does not cover whoever was not told.
        """
        office = self._office
        entry, breach = await office.store.read(
            lambda reader: _newest(reader, breach_id)
        )
        risk = self._check_closing(breach, request.silence)
        if request.silence is None:
            return await self._step(breach_id, "closed", who, self._closed, once=once)
        await office.store.scan(
            lambda reader: self._approvals.check_second(reader, _KIND, who)
        )
        closing = Closing(
            breach=breach_id,
            silence=request.silence,
            risk=risk.value,
            entry=entry,
        )

        async def keep(tx: Transaction, act: ActAnswer) -> None:
            await self._keep_answer(tx, once, self._waiting(breach_id, breach, act))

        asked = await self._approvals.ask(_KIND, encode(closing), who, keep=keep)
        return self._waiting(breach_id, breach, asked)

    async def show(self, breach_id: str, who: Principal) -> BreachAnswer:
        """Tell how a breach stands, with its notes.

        Raises:
            NotFoundError: there is no such breach.
        """
        office = self._office

        async def act(tx: Transaction) -> BreachAnswer:
            rows = await tx.breach_entries(breach_id)
            if not rows:
                raise NotFoundError(Phrase("no such breach"))
            notes = [note for row in rows if (note := self._notes.read(row))]
            await office.note(tx, Event.BREACH_READ, who.name, {"breach": breach_id})
            breach = read_breach(rows[-1])
            return show_breach(breach_id, breach, office.now(), notes=notes)

        return await office.store.write(act)

    async def list(self, who: Principal) -> BreachesAnswer:
        """List all breaches, without their notes."""
        office = self._office

        async def act(tx: Transaction) -> BreachesAnswer:
            rows = await tx.breaches()
            detail: Detail = {"breaches": len(rows)}
            await office.note(tx, Event.BREACH_READ, who.name, detail)
            now = office.now()
            return BreachesAnswer(
                [show_breach(row.breach, read_breach(row), now) for row in rows]
            )

        return await office.store.write(act)

    async def _step(  # noqa: PLR0913 - what a step leaves behind
        self,
        breach_id: str,
        step: str,
        who: Principal,
        change: Callable[[Breach], Breach],
        *,
        once: Once | None,
        note: str | None = None,
        detail: Detail | None = None,
    ) -> BreachAnswer:
        async def act(tx: Transaction) -> BreachAnswer:
            _, breach = await _newest(tx, breach_id)
            changed = change(breach)
            keep = _Keeper(self._office, self._notes, who.name)
            await keep.add(tx, breach_id, step, changed, note=note, detail=detail)
            return show_breach(breach_id, changed, self._office.now())

        return await self._write(act, once)

    async def _write(
        self, act: Callable[[Transaction], Awaitable[BreachAnswer]], once: Once | None
    ) -> BreachAnswer:
        async def whole(tx: Transaction) -> BreachAnswer:
            answer = await act(tx)
            await self._keep_answer(tx, once, answer)
            return answer

        return await self._office.store.write(whole)

    async def _keep_answer(
        self, tx: Transaction, once: Once | None, answer: BreachAnswer
    ) -> None:
        if once is not None:
            now = self._office.now()
            await tx.add_idempotent_answer(once.row(answer, now=now))

    def _waiting(self, breach_id: str, breach: Breach, act: ActAnswer) -> BreachAnswer:
        return show_breach(breach_id, breach, self._office.now(), act=act.act)

    def _check_closing(self, breach: Breach, silence: Silence | None) -> Risk:
        if breach.risk is None:
            raise WrongStateError("not_assessed", Phrase("assess it first"))
        if self._has_others() and not breach.told(Notified.MEMBERS):
            raise WrongStateError(
                "members_not_told",
                Phrase("tell the other members first, and enter that they were told"),
            )
        if not fits(breach, silence):
            silent = ", ".join(sorted(breach.silent)) or "nobody"
            raise BadRequestError(
                "bad_silence",
                Phrase(
                    "not told yet: {silent}; with this risk that reason does not fit"
                ).filled(silent=silent),
                pointer="/silence",
            )
        return breach.risk

    def _closed(self, breach: Breach) -> Breach:
        self._check_closing(breach, None)  # it may have been assessed anew meanwhile
        return msgspec.structs.replace(breach, closed_at=self._office.now())

    def _check_past(self, at: int, pointer: str) -> None:
        if at > self._office.now():
            raise BadRequestError(
                "bad_span", Phrase("that lies in the future"), pointer=pointer
            )


class _Keeper:
    """Adds an entry and its audit event in one act."""

    def __init__(self, office: Office, notes: Notes, by: str) -> None:
        self._office = office
        self._notes = notes
        self._by = by

    async def add(  # noqa: PLR0913 - what an entry says
        self,
        tx: Transaction,
        breach_id: str,
        step: str,
        breach: Breach,
        *,
        note: str | None = None,
        detail: Detail | None = None,
    ) -> None:
        office = self._office
        period = sealed = None
        if note is not None:
            period, sealed = self._notes.seal(breach_id, note, office.clock.now())
        number = await tx.add_breach_entry(
            BreachRow(
                None,
                breach_id,
                step,
                breach_record(breach),
                period,
                sealed,
                office.now(),
                self._by,
            )
        )
        told: Detail = {
            "breach": breach_id,
            "entry": number,
            "risk": None if breach.risk is None else breach.risk.value,
            **(detail or {}),
        }
        await office.note(tx, _EVENTS[step], self._by, told)


async def _newest(reader: Reader, breach_id: str) -> tuple[int, Breach]:
    """Return the number of the last entry that a person made, and what is known."""
    rows = await reader.breach_entries(breach_id)
    if not rows:
        raise NotFoundError(Phrase("no such breach"))
    breach = read_breach(rows[-1])
    if breach.closed_at is not None:
        raise WrongStateError("already_closed", Phrase("this breach is closed"))
    return max(row.number or 0 for row in rows if row.step != REMINDED), breach
