# SPDX-License-Identifier: Apache-2.0
"""A package that somebody took out was kept back, and what becomes of its correction.

Who took a package says what came of it, each for themselves or somebody else for them.
Once nobody has one in hand, and nothing else can have brought it there, its correction
is withdrawn: it would be about a package that the partner never had. So is that of an
attempt which was under way at the recall and went nowhere. If the package turns out to
have arrived after all, the same correction goes on its way again.
"""

from msgspec.structs import replace

from fedsafe_node.acts.dispatches import NoteHanded, ReceiptKind
from fedsafe_node.casework.cases.changes import check_since
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.packages import correction_of, held, may_be_there
from fedsafe_node.casework.cases.partners import read_partner
from fedsafe_node.casework.dispatch.note import there_already, told_of_note
from fedsafe_node.casework.dispatch.package import channels_of, mark_of
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.log.audit import Detail, Event
from fedsafe_node.people.office import Office
from fedsafe_node.store.casework_rows import DispatchRow
from fedsafe_node.store.transaction import Transaction
from fedsafe_policies.escalation.dispatches import UNDER_WAY, DispatchState
from fedsafe_policies.ground.catalogue import Phrase


async def keep_back(  # noqa: PLR0913 - a note, and what it is about
    office: Office,
    tx: Transaction,
    found: DispatchRow,
    file: CaseFile,
    request: NoteHanded,
    who: Principal,
) -> None:
    """Keep that a package which somebody took was never handed over.

    Where a hand-over is noted, it was that of who noted it, or of the last who has one.

    Raises:
        WrongStateError: that person has none of this dispatch in hand, or the one
            that they have was handed over.
        BadRequestError: they had yet to take it at that moment.
    """
    taker, takings = request.taken_by or who.name, await tx.takings(found.id)
    if taker not in held(takings):
        raise WrongStateError("not_in_hand", _nobody(taker, held(takings)))
    handed = _handed_by(file, found)
    if taker in handed or (handed and held(takings) == (taker,)):
        raise there_already(found)
    for each in takings:
        if each.by == taker and each.kept_back_at is None:
            at = check_since(
                request.at, each.at, Phrase("{taker} took it").filled(taker=taker)
            )
            ended = replace(each, kept_back_at=at, kept_back_by=who.name)
            await tx.end_taking(ended)
    detail = told_of_note(found, "", request.outcome)
    detail = {**detail, "taken_by": taker}
    await office.note(tx, Event.DISPATCH_NOTED, who.name, detail)
    if not await may_be_there(tx, found):
        await withdraw_correction(office, tx, found, who.name)


async def correct_after_all(
    office: Office, tx: Transaction, found: DispatchRow, by: str
) -> None:
    """Send a withdrawn correction of what turned out to be there."""
    known = await correction_of(tx, found)
    if known is None or known.state != DispatchState.STOPPED.value:
        return
    partner, entry = await read_partner(tx, known.partner)
    # As when it was made: another entry than the one that has the package is no place.
    is_same = {mark_of(partner)} == {known.mark, found.mark}
    is_sent = is_same and known.sealed is not None and bool(channels_of(entry))
    state = DispatchState.QUEUED if is_sent else DispatchState.BY_HAND
    due_at = office.now() if is_sent else None
    queued = replace(known, state=state.value, channel=0, tries=0, due_at=due_at)
    await tx.move_dispatch(queued)
    await office.note(tx, Event.DISPATCH_REQUEUED, by, _told(queued))


async def withdraw_correction(
    office: Office, tx: Transaction, found: DispatchRow, by: str
) -> None:
    """Stop the correction of what nobody can have; one that has arrived stays so."""
    known = await correction_of(tx, found)
    if known is None or DispatchState(known.state) not in UNDER_WAY:
        return
    stopped = replace(known, state=DispatchState.STOPPED.value, due_at=None)
    await tx.move_dispatch(stopped)
    await office.note(tx, Event.DISPATCH_WITHDRAWN, by, _told(stopped))


def _handed_by(file: CaseFile, found: DispatchRow) -> set[str]:
    """Name who has noted that a dispatch was handed over."""
    return {
        each.by
        for each in file.receipts
        if (each.dispatch, each.kind) == (found.id, ReceiptKind.HANDED.value)
    }


def _nobody(taker: str, others: tuple[str, ...]) -> Phrase:
    if not others:
        return Phrase(
            "{name} has no package of this dispatch in hand, nor has anybody else"
        ).filled(name=taker)
    return Phrase(
        "{name} has no package of this dispatch in hand; who has one: {others} "
        "(`--taken-by`)"
    ).filled(name=taker, others=", ".join(others))


def _told(row: DispatchRow) -> Detail:
    return {
        "case": row.case_id,
        "dispatch": row.id,
        "partner": row.partner,
        "recalls": row.recalls,
    }
