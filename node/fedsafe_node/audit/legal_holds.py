# SPDX-License-Identifier: Apache-2.0
"""Legal holds: what somebody may need stays, though it is old or was to be erased.

A hold is about an account, or about entries of the log; it has a reason (a reference:
a ticket, an order), a person and an end. What is held is not erased by retention; to
erase a held account answers `held`. A hold that is over is lifted by itself, and the
account goes out of its row.
"""

from datetime import datetime
from secrets import token_hex
from typing import Final

from fedsafe_node.acts.audit_upkeep import HoldAnswer, HoldRequest, HoldsAnswer
from fedsafe_node.ground.errors import (
    BadRequestError,
    NotFoundError,
    PrunedError,
    WrongStateError,
)
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.subject_refs import account_of, is_about
from fedsafe_node.log.audit import AuditTrail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.people.services import naming_of
from fedsafe_node.store.keeping_rows import HoldRow
from fedsafe_node.store.reader import Reader
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.references import is_reference

_ID_BYTES: Final = 16
_EXPIRY: Final = "expiry"
_PLACED: Final = "placed"


class Holding:
    """Places, lists and lifts holds."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def add(self, request: HoldRequest, who: Principal) -> HoldAnswer:
        """Place a hold.

        Raises:
            BadRequestError: it holds nothing, ends in the past, or its reason is none.
            PrunedError: it begins with entries of which only hashes are left.
        """
        office, now = self._office, self._office.now()
        _check(request, now)
        naming = await office.store.read(lambda reader: naming_of(reader, who))
        row = HoldRow(
            id=token_hex(_ID_BYTES),
            subject=naming.subject(request.subject_ref, pointer="/subject_ref"),
            first=request.first,
            last=request.last,
            reason=request.reason,
            until=request.until,
            placed_at=now,
            placed_by=who.name,
        )

        async def act(tx: Transaction) -> None:
            minimum = await tx.minimum(office.trail.log)
            if row.first is not None and row.first < minimum:
                raise PrunedError(office.trail.log, row.first, minimum)
            await tx.add_hold(row)
            at = office.clock.now()
            await _note(tx, office.trail, at, row, who.name, _PLACED)

        await office.store.write(act)
        return _shown(row)

    async def shown(self, who: Principal) -> HoldsAnswer:
        """List the holds in force, oldest first; that somebody looked is an event."""
        office, now = self._office, self._office.now()

        async def act(tx: Transaction) -> HoldsAnswer:
            rows = [row for row in await tx.holds() if row.until > now]
            detail = {"holds": len(rows)}
            await office.note(tx, Event.AUDIT_READ, who.name, detail)
            return HoldsAnswer(holds=[_shown(row) for row in rows])

        return await office.store.write(act)

    async def lift(self, hold_id: str, who: Principal) -> HoldAnswer:
        """Lift a hold.

        Raises:
            NotFoundError: no hold of that name is in force.
        """
        office = self._office

        async def act(tx: Transaction) -> HoldRow:
            row = next((row for row in await tx.holds() if row.id == hold_id), None)
            if row is None:
                raise NotFoundError(Phrase("no such hold"))
            await tx.lift_hold(hold_id, by=who.name, at=office.now())
            at = office.clock.now()
            await _note(tx, office.trail, at, row, who.name, "lifted")
            return row

        row = await office.store.write(act)
        await office.store.scrub()
        return _shown(row)


async def check_not_held(reader: Reader, subject: str, now: int) -> None:
    """Check that nobody holds an account.

    Raises:
        WrongStateError: somebody does; the message names hold and end.
    """
    for hold in await reader.holds():
        if is_about(hold.subject, subject) and hold.until > now:
            raise WrongStateError(
                "held",
                Phrase("hold {hold} ({reason}) keeps this account").filled(
                    hold=hold.id, reason=hold.reason
                ),
            )


async def end_holds(tx: Transaction, trail: AuditTrail, at: datetime) -> int:
    """Lift the holds that are over; returns how many."""
    now = int(at.timestamp())
    over = [row for row in await tx.holds() if row.until <= now]
    for row in over:
        await tx.lift_hold(row.id, by=_EXPIRY, at=now)
        await _note(tx, trail, at, row, _EXPIRY, "expired")
    return len(over)


async def _note(  # noqa: PLR0913 - the parts of an event
    tx: Transaction,
    trail: AuditTrail,
    at: datetime,
    row: HoldRow,
    who: str,
    outcome: str,
) -> None:
    entry = trail.entry(
        Event.AUDIT_HELD,
        at=at,
        outcome=outcome,
        actor=who,
        # Its end names the hold alone: the account may be due to be erased.
        subject=row.subject if outcome == _PLACED else None,
        detail={
            "hold": row.id,
            "reference": row.reason,
            "until": row.until,
            "first": row.first,
            "last": row.last,
        },
    )
    await tx.append(trail.log, entry.record, entry.openings)


def _check(request: HoldRequest, now: int) -> None:
    if (request.subject_ref is None) == (request.first is None):
        detail = Phrase("a hold names an account, or entries, and not both")
        raise BadRequestError("bad_hold", detail, pointer="/subject_ref")
    first, last = request.first, request.last
    if (first is None) != (last is None) or (first or 0) > (last or 0):
        detail = Phrase("entries are named by the first and the last")
        raise BadRequestError("bad_hold", detail, pointer="/last")
    if request.until <= now:
        detail = Phrase("a hold ends in the future")
        raise BadRequestError("bad_hold", detail, pointer="/until")
    if not is_reference(request.reason):
        detail = Phrase("a reason refers, such as order:17-2026; it tells nothing")
        raise BadRequestError("bad_hold", detail, pointer="/reason")


def _shown(row: HoldRow) -> HoldAnswer:
    service, reference = account_of(row.subject)
    return HoldAnswer(
        hold=row.id,
        service=service,
        subject_ref=reference,
        first=row.first,
        last=row.last,
        reason=row.reason,
        until=row.until,
        placed_at=row.placed_at,
        placed_by=row.placed_by,
    )
