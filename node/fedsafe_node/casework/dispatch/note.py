# SPDX-License-Identifier: Apache-2.0
"""What a note of a dispatch asks for before it is kept, and what it answers after."""

import msgspec

from fedsafe_node.acts.dispatches import DispatchReceipt, ReceiptWay, ReplyReceipt
from fedsafe_node.casework.cases.changes import check_since
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.packages import (
    correction_of,
    held,
    is_recalled,
    may_be_there,
    needs_recall,
)
from fedsafe_node.casework.dispatch.replies import Reply
from fedsafe_node.ground.errors import BadRequestError, NotFoundError, WrongStateError
from fedsafe_node.log.audit import Detail
from fedsafe_node.store.casework_rows import CaseRow, DispatchRow
from fedsafe_node.store.reader import Reader
from fedsafe_policies.escalation.dispatches import (
    MAY_HAVE_ARRIVED,
    UNDER_WAY,
    DispatchState,
    Outcome,
)
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.ground.catalogue import Phrase


def check_kept(file: CaseFile, found: DispatchRow) -> None:
    """Refuse what is noted of an erased case, but for what brings a correction there.

    Of that nothing is kept with the case: where the dispatch is by it, and the event.

    Raises:
        WrongStateError: it is erased.
    """
    is_open = found.recalls is not None and DispatchState(found.state) in UNDER_WAY
    if file.erased_at is not None and not is_open:
        raise WrongStateError("wiped", Phrase("this case is erased"))


async def replied_to(reader: Reader, reply: Reply) -> DispatchRow:
    """Return the dispatch that a reply answers.

    Raises:
        NotFoundError: it carries the token of none.
        BadRequestError: it carries those of several.
    """
    rows = [await reader.dispatch_replied_to(each) for each in reply.tokens]
    found = {row.id: row for row in rows if row is not None}
    if not found:
        raise NotFoundError(Phrase("no such dispatch that this message answers"))
    if len(found) > 1:
        raise BadRequestError(
            "bad_reply",
            Phrase(
                "this message carries the tokens of several dispatches; note each "
                "by hand: `fedsafe case acknowledged`"
            ),
            pointer="/headers",
        )
    return next(iter(found.values()))


async def check_left(reader: Reader, found: DispatchRow) -> None:
    """Refuse the acknowledgement of what nobody can have: it would never be sent.

    Raises:
        WrongStateError: nothing of it can have arrived.
    """
    if not await may_be_there(reader, found):
        raise WrongStateError(
            "nothing_arrived",
            Phrase(
                "nothing of this dispatch can have arrived: note first that it "
                "was handed over (`fedsafe case handed`), or let the node send it"
            ),
        )


async def check_mailed(reader: Reader, found: DispatchRow) -> None:
    """Refuse a reply to a package that nobody can have got by mail.

    Who refuses a package and replies all the same must not stop it from being sent.

    Raises:
        WrongStateError: no mail of it can have arrived.
    """
    mailed = [
        each.outcome
        for each in await reader.attempts(found.id)
        if each.way == ReceiptWay.MAIL.value
    ]
    if not any(each is None or Outcome(each) in MAY_HAVE_ARRIVED for each in mailed):
        raise WrongStateError(
            "nothing_arrived",
            Phrase("no mail of this dispatch can have arrived; call the partner"),
        )


async def dispatch_of(reader: Reader, case_id: str, dispatch_id: str) -> DispatchRow:
    """Return a dispatch of a case.

    Raises:
        NotFoundError: there is none.
    """
    found = await reader.dispatch(dispatch_id)
    if found is None or found.case_id != case_id:
        raise NotFoundError(Phrase("no such dispatch"))
    return found


def told_at(at: int, found: DispatchRow) -> int:
    """Return when something came of a dispatch: nothing does before it is made.

    Raises:
        BadRequestError: it is said to have come before.
    """
    return check_since(at, found.made_at, Phrase("the package was made"))


def unless_stopped(found: DispatchRow, state: DispatchState) -> str:
    """Return where a dispatch is now; one that was stopped is not brought again."""
    stopped = DispatchState.STOPPED.value
    return stopped if found.state == stopped else state.value


def there_already(found: DispatchRow) -> WrongStateError:
    """Say that a dispatch is delivered, or acknowledged, already."""
    state = DispatchState(found.state)
    if found.acknowledged_at is not None:  # of a stopped one its state does not show it
        state = DispatchState.ACKNOWLEDGED
    elif found.delivered_at is not None:
        state = DispatchState.DELIVERED
    return WrongStateError(
        "already_noted",
        Phrase("this dispatch is {dispatch_state} already").filled(
            dispatch_state=state
        ),
    )


def told_of_note(row: DispatchRow, way: str, outcome: str) -> Detail:
    """Say in an event what was noted of a dispatch."""
    return {
        "case": row.case_id,
        "dispatch": row.id,
        "partner": row.partner,
        "way": way,
        "outcome": outcome,
    }


async def receipt_for(
    reader: Reader, row: CaseRow, found: DispatchRow
) -> DispatchReceipt:
    """Say where a dispatch and its case are now, and what of a recall is left to do."""
    correction, in_hand = None, held(await reader.takings(found.id))
    if found.recalls is None:
        correction = await correction_of(reader, found)
    return DispatchReceipt(
        case=row.id,
        state=CaseState(row.state),
        dispatch=found.id,
        dispatch_state=DispatchState(found.state),
        recall_again=await needs_recall(reader, found),
        held_by=[] if found.delivered_at is not None else list(in_hand),
        correction=None if correction is None else DispatchState(correction.state),
        recalled=found.recalls is None and await is_recalled(reader, found),
        delivered_at=found.delivered_at,
        acknowledged_at=found.acknowledged_at,
    )


def replied(
    done: DispatchReceipt,
    signed_by: str | None,
    *,
    noted: bool,
    bounced: bool = False,
) -> ReplyReceipt:
    """Say what a reply has done to a dispatch."""
    told = msgspec.structs.asdict(done)
    return ReplyReceipt(**told, noted=noted, signed_by=signed_by, bounced=bounced)
