# SPDX-License-Identifier: Apache-2.0
"""What keeps a case from being closed: what nobody has answered yet; pure."""

from typing import Final

from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.release import waits_for_look
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.store.cases_rows import CaseRow
from fedsafe_policies.escalation.closure import unanswered

SECOND_LOOK: Final = "second_look"
INQUIRY: Final = "inquiry"


def open_before_closing(row: CaseRow, file: CaseFile) -> tuple[str, ...]:
    """Name what is open: the case's own questions, a second look, a partner's inquiry.

    The inquiry of a partner is answered in whatever state the case is.
    """
    found = unanswered(file.answers)
    if waits_for_look(row, file):
        found += (SECOND_LOOK,)
    if file.open_questions:
        found += (INQUIRY,)
    return found


def check_answered(row: CaseRow, file: CaseFile) -> None:
    """Refuse to close a case while something of it is open.

    Raises:
        WrongStateError: something is; all of it is named.
    """
    if found := open_before_closing(row, file):
        raise WrongStateError("unanswered", f"not answered yet: {', '.join(found)}")
