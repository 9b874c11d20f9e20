# SPDX-License-Identifier: Apache-2.0
"""Answers of a case: what closing asks for, and what one that has left still takes.

What went out was approved as it stood, and stays so: help, level, evidence and opinion
are in no package, and a feature that was named too late for one is kept apart.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from fedsafe_node.acts.cases import AssessCase
from fedsafe_node.casework.cases.assessment import check_role
from fedsafe_node.casework.cases.changes import CHANGEABLE
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.keeper import Change
from fedsafe_node.casework.cases.release import waits_for_look
from fedsafe_node.ground.errors import BadRequestError, WrongStateError
from fedsafe_node.store.casework_rows import CaseRow
from fedsafe_policies.escalation.closure import unanswered
from fedsafe_policies.escalation.package import Elements, present
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import Urgency
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

_QUESTIONS: Final = {
    "feature": "feature",
    "elements.feature": "feature",
    "help": "help",
    "level": "level",
    "evidence_decision": "evidence",
    "opinion": "opinion",
}
"""Which field answers what; phenomenon and threat are in every package that left."""


def has_left(row: CaseRow) -> bool:
    """Tell whether a case is past its release, and neither recalled nor closed."""
    state = CaseState(row.state)
    return state not in CHANGEABLE and state is not CaseState.CLOSED


def answered(row: CaseRow, file: CaseFile, request: AssessCase, role: Role) -> Change:
    """Enter open answers of a case that has left; it stays where it is.

    Raises:
        WrongStateError: something else is changed, or answered anew; what, is named.
        BadRequestError: nothing is said.
        ForbiddenError: an opinion of somebody who is no legal adviser, or more than
            an opinion of one.
    """
    check_role(request, role)
    asked, fields = unanswered(file.answers), list(_fields(request))
    if not fields:
        raise BadRequestError(
            "invalid_body", Phrase("say what is known"), pointer="/elements"
        )
    beyond = [field for field in fields if _QUESTIONS.get(field) not in asked]
    if beyond:
        raise WrongStateError(
            "case_state",
            Phrase(
                "a case that is {case_state} is not changed before it is recalled, "
                "except for what is open before it closes: {fields}"
            ).filled(case_state=row.state, fields=", ".join(beyond)),
        )
    elements = request.elements or Elements()
    told = request.feature or elements.feature
    return Change(
        step="answered",
        state=CaseState(row.state),
        urgency=Urgency(row.urgency),
        known_at=row.known_at,
        answered=tuple(sorted({_QUESTIONS[field] for field in fields})),
        file=msgspec.structs.replace(
            file,
            late_feature=told or file.late_feature,
            help=request.help or file.help,
            level=request.level or file.level,
            evidence_decision=request.evidence_decision or file.evidence_decision,
            opinion=request.opinion or file.opinion,
        ),
    )


def _fields(request: AssessCase) -> Iterator[str]:
    """Name the fields that say something."""
    nothing = AssessCase()
    for name in request.__struct_fields__:
        if getattr(request, name) == getattr(nothing, name):
            continue
        if name == "elements" and request.elements is not None:
            yield from (
                f"elements.{each}" for each in sorted(present(request.elements))
            )
        else:
            yield name


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
        raise WrongStateError(
            "unanswered",
            Phrase("not answered yet: {questions}").filled(questions=", ".join(found)),
        )
