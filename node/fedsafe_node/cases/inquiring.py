# SPDX-License-Identifier: Apache-2.0
"""A partner that has acknowledged a case asks for more, and is answered; pure.

Noted is that it asked and that it was answered, each with when and under which
reference, and nothing of what was said. What was approved stays as it is: what goes
beyond that goes out as a case of its own.
"""

from typing import Final

import msgspec

from fedsafe_node.cases.changing import check_since
from fedsafe_node.cases.content import CaseFile, KeptInquiry
from fedsafe_node.cases.keeping import Change
from fedsafe_node.cases.messages import NoteInquiry
from fedsafe_node.errors import WrongStateError
from fedsafe_node.store.cases_rows import CaseRow
from fedsafe_policies.escalation.states import ANSWERED, CaseState
from fedsafe_policies.escalation.vocabulary import Urgency

_MOST: Final = 100
_S: Final = CaseState


def inquired(row: CaseRow, file: CaseFile, request: NoteInquiry, by: str) -> Change:
    """Note that a partner asked, or that what it asked is answered.

    Raises:
        WrongStateError: nobody has acknowledged the case, or nobody has asked.
        BadRequestError: it lies before the case was known.
    """
    state = CaseState(row.state)
    is_asked = request.step == _S.NEEDS_INFO.value
    if state not in ANSWERED:
        raise WrongStateError(
            "wrong_state",
            f"a case that is {state} waits for no question; what a partner asks who "
            "has it comes after its acknowledgement (`fedsafe case acknowledged`)",
        )
    if not is_asked and state is not _S.NEEDS_INFO:
        raise WrongStateError(
            "wrong_state",
            "no partner has asked for more: note that first (`fedsafe case asked`)",
        )
    if len(file.inquiries) >= _MOST:
        raise WrongStateError("wrong_state", "a case keeps no more than 100 of them")
    inquiry = KeptInquiry(
        step=request.step,
        at=check_since(request.at, row.known_at, "anybody knew of the case"),
        reference=request.reference,
        by=by,
    )
    return Change(
        step=request.step,
        state=CaseState(request.step),
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        file=msgspec.structs.replace(file, inquiries=(*file.inquiries, inquiry)),
    )
