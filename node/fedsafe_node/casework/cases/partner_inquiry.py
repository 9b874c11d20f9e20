# SPDX-License-Identifier: Apache-2.0
"""A partner that has acknowledged a case asks for more, and is answered; pure.

Noted is that it asked and that it was answered, each with when and under which
reference, and nothing of what was said. A question is open until it is answered under
its reference, wherever the case goes meanwhile; asked again meanwhile it is the same.
What was approved stays as it is: what goes beyond that goes out as a case of its own.
"""

from typing import Final

import msgspec

from fedsafe_node.acts.cases import NoteInquiry
from fedsafe_node.casework.cases.changes import check_since
from fedsafe_node.casework.cases.content import CaseFile, KeptInquiry
from fedsafe_node.casework.cases.keeper import Change
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_policies.escalation.states import ANSWERED, CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase

_MOST: Final = 100
_S: Final = CaseState


def inquired(
    row: CaseRow, file: CaseFile, request: NoteInquiry, by: str, *, is_there: bool
) -> Change | None:
    """Note that a partner asked, or that what it asked is answered.

    None of what was noted before: a question that is open under this reference, or
    the very same once more. *is_there*: a partner has acknowledged a package of it.

    Raises:
        WrongStateError: it is closed, nobody has acknowledged it, or nobody has asked
            under this reference.
        BadRequestError: it lies before the case was known.
    """
    state = CaseState(row.state)
    is_asked = request.step == _S.NEEDS_INFO.value
    if state is _S.CLOSED:
        raise WrongStateError(
            "case_closed", Phrase("a closed case is not changed any more")
        )
    if is_asked and not is_there:
        raise WrongStateError(
            "not_acknowledged",
            Phrase(
                "no partner has acknowledged this case yet: note that first "
                "(`fedsafe case acknowledged`)"
            ),
        )
    if not is_asked and request.reference not in file.open_questions:
        raise _none_open(file)
    at = check_since(request.at, row.known_at, Phrase("anybody knew of the case"))
    if is_asked and _is_known(file, request):
        return None
    # For the answers to all that is open there is always room.
    if is_asked and len(file.inquiries) + len(file.open_questions) + 1 >= _MOST:
        raise WrongStateError(
            "case_full", Phrase("a case keeps no more than 100 of them")
        )
    inquiry = KeptInquiry(
        step=request.step,
        at=at,
        reference=request.reference,
        by=by,
    )
    after = msgspec.structs.replace(file, inquiries=(*file.inquiries, inquiry))
    return Change(
        step=request.step,
        state=_state(state, is_open=bool(after.open_questions)),
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        file=after,
    )


def _state(state: CaseState, *, is_open: bool) -> CaseState:
    """Return where a case is then: one that is on its way, or recalled, stays there."""
    if state not in ANSWERED:
        return state
    if is_open:
        return _S.NEEDS_INFO
    return _S.SUPPLEMENTED if state is _S.NEEDS_INFO else state


def _is_known(file: CaseFile, request: NoteInquiry) -> bool:
    """Tell whether a question is open already, or was answered since it was noted."""
    asked = request.step, request.at, request.reference
    return request.reference in file.open_questions or any(
        (each.step, each.at, each.reference) == asked for each in file.inquiries
    )


def _none_open(file: CaseFile) -> WrongStateError:
    if file.inquiries and not file.open_questions:
        return WrongStateError(
            "already_answered",
            Phrase(
                "all that was asked is answered already: look (`fedsafe case show`)"
            ),
        )
    if not file.open_questions:
        return WrongStateError(
            "nothing_asked",
            Phrase(
                "no partner has asked for more: note that first (`fedsafe case asked`)"
            ),
        )
    return WrongStateError(
        "other_reference",
        Phrase(
            "no open question has this reference: give that under which it was asked "
            "(`fedsafe case show`)"
        ),
    )
