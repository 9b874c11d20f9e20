# SPDX-License-Identifier: Apache-2.0
"""From a request to cases: one account's questions each, in canonical form.

A machine may leave out whom it asks about; a person may not, or the log could not
say on whom somebody of the staff has looked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsafe_node.asked import Asked, Person, read_question
from fedsafe_node.budgets.lookups import Wanted
from fedsafe_node.errors import BadRequestError
from fedsafe_node.lookup_messages import Subject
from fedsafe_node.messages import (
    ItemProblem,
    Question,
)
from fedsafe_policies.lookups import IMPLIED_SURFACES, NEED_SURFACE
from fedsafe_policies.vocabulary import Purpose, Surface


@dataclass(frozen=True, slots=True)
class Case:
    """One account's questions in canonical form; `place` is its batch position."""

    place: int
    subject: str | None
    asked: Sequence[Asked]

    @property
    def persons(self) -> list[Person]:
        """The questions about identifiers."""
        return [item for item in self.asked if isinstance(item, Person)]


def read_case(
    questions: Sequence[Question],
    subject: str | None,
    *,
    named: bool,
    place: int = 0,
    pointer: str = "",
) -> Case:
    """Read one account's questions; with *named* its name has to be there.

    Raises:
        BadRequestError: a question has no canonical form, or the account no name.
    """
    asked = [
        read_question(question, pointer=f"{pointer}/questions/{position}")
        for position, question in enumerate(questions)
    ]
    case = Case(place, subject, asked)
    if named and subject is None and case.persons:
        raise BadRequestError(
            "subject_ref_missing",
            "a person who looks somebody up names the account (subject_ref)",
            pointer=f"{pointer}/subject_ref",
        )
    return case


def read_cases(
    lookups: Sequence[Subject], *, named: bool
) -> tuple[list[Case], list[ItemProblem]]:
    """Read a batch; what cannot be read becomes a problem."""
    cases: list[Case] = []
    problems: list[ItemProblem] = []
    for place, each in enumerate(lookups):
        pointer = f"/lookups/{place}"
        try:
            case = read_case(
                each.questions,
                each.subject_ref,
                named=named,
                place=place,
                pointer=pointer,
            )
        except BadRequestError as error:
            problems.append(
                ItemProblem(
                    position=place,
                    code=error.code,
                    detail=error.detail,
                    pointer=error.pointer,
                )
            )
        else:
            cases.append(case)
    return cases, problems


def read_surface(purpose: Purpose, given: Surface | None) -> Surface | None:
    """Say where is looked; None if the purpose is none of a lookup.

    Raises:
        BadRequestError: the purpose needs a surface, and none is named.
    """
    if given is None and purpose in NEED_SURFACE:
        raise BadRequestError(
            "surface_missing",
            f"with the purpose {purpose.value}, say where the account or file is met",
            pointer="/surface",
        )
    return given or IMPLIED_SURFACES.get(purpose)


def wanted_of(cases: Sequence[Case]) -> Wanted:
    """Say what cases cost of a budget."""
    return Wanted([(case.subject, _identifiers(case)) for case in cases])


def _identifiers(case: Case) -> list[bytes]:
    return [bytes([item.kind]) + item.canonical.value.encode() for item in case.persons]
