# SPDX-License-Identifier: Apache-2.0
"""From a request to cases: one account's questions each, in canonical form.

A machine may leave out whom it asks about; a person may not, or the log could not
say on whom somebody of the staff has looked.

A question that cannot be read hides no other: it is left out and named, and only
where there is no other the whole account is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fedsafe_node.acts.bodies import (
    Bilingual,
    ItemProblem,
    Question,
    made_of,
)
from fedsafe_node.acts.lookup import LeftOut, Subject
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.keys.lookup_items import Asked, File, Person
from fedsafe_node.people.services import Naming
from fedsafe_node.rules.budgets.lookups import Wanted
from fedsafe_node.rules.canonical_question import Unread, plane_of, try_question
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.rules.lookups import IMPLIED_SURFACES, NEED_SURFACE
from fedsafe_policies.vocabulary import Plane, Purpose, Surface

_CORRECT: Final = Bilingual.of(
    Phrase(
        "Have the value corrected and ask with that, or leave the question out; asking "
        "again unchanged changes nothing."
    )
)
_SEND_ANOTHER: Final = Bilingual.of(
    Phrase(
        "Nothing to do. If it is the value of a proxy of yours, or a default, send "
        "that of the person."
    )
)


@dataclass(frozen=True, slots=True)
class Case:
    """One account's questions in canonical form; `place` is its batch position.

    `asked` has them by their place among the account's questions. Those that are
    compared with nothing are in none of it; `planes` are those of all.
    """

    place: int
    subject: str | None
    asked: Mapping[int, Asked]
    planes: frozenset[Plane]
    unreadable: Sequence[LeftOut] = ()
    not_compared: Sequence[LeftOut] = ()

    @property
    def persons(self) -> list[Person]:
        """The questions about identifiers."""
        return [item for item in self.asked.values() if isinstance(item, Person)]

    @property
    def questions(self) -> int:
        """How many questions there are, whether they could be read or not."""
        return len(self.asked) + len(self.unreadable) + len(self.not_compared)


def read_case(  # noqa: PLR0913 - whose questions, and their place
    questions: Sequence[Question],
    written: str | None,
    *,
    naming: Naming,
    named: bool,
    place: int = 0,
    pointer: str = "",
) -> Case:
    """Read one account's questions; with *named* its name has to be there.

    Raises:
        BadRequestError: none of the questions can be read, or the account has no name
            or another's.
    """
    subject = naming.subject(written, pointer=f"{pointer}/subject_ref")
    asked: dict[int, Asked] = {}
    unread: list[tuple[int, Unread]] = []
    for position, question in enumerate(questions):
        found = try_question(question, turned=True)
        if isinstance(found, Unread):
            unread.append((position, found))
        else:
            asked[position] = found
    if unread and not asked and not any(each.names_nobody for _, each in unread):
        position, first = unread[0]
        place_of_it = f"{pointer}/questions/{position}"
        raise first.error(questions[position], pointer=place_of_it)
    planes = frozenset(map(plane_of, questions))
    left_out = [
        (each.names_nobody, _left_out(position, questions[position], each))
        for position, each in unread
    ]
    case = Case(
        place,
        subject,
        asked,
        planes,
        unreadable=[each for is_nobody, each in left_out if not is_nobody],
        not_compared=[each for is_nobody, each in left_out if is_nobody],
    )
    if named and subject is None and Plane.ACTOR in planes:
        raise BadRequestError(
            "subject_ref_missing",
            Phrase("a person who looks somebody up names the account (subject_ref)"),
            pointer=f"{pointer}/subject_ref",
        )
    return case


def _left_out(position: int, question: Question, why: Unread) -> LeftOut:
    return LeftOut(
        question=position,
        kind=question.kind,
        code=why.code,
        detail=why.detail,
        **made_of(why.why),
        way_out=_SEND_ANOTHER if why.names_nobody else _CORRECT,
    )


def read_cases(
    lookups: Sequence[Subject], *, naming: Naming, named: bool
) -> tuple[list[Case], list[ItemProblem]]:
    """Read a batch; an account of which nothing can be read becomes a problem."""
    cases: list[Case] = []
    problems: list[ItemProblem] = []
    for place, each in enumerate(lookups):
        pointer = f"/lookups/{place}"
        try:
            case = read_case(
                each.questions,
                each.subject_ref,
                naming=naming,
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
                    **made_of(error.phrase),
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
            Phrase(
                "with the purpose {purpose}, say where the account or file is met"
            ).filled(purpose=purpose.value),
            pointer="/surface",
        )
    return given or IMPLIED_SURFACES.get(purpose)


def wanted_of(cases: Sequence[Case]) -> Wanted:
    """Say what cases cost of a budget."""
    return Wanted(
        [(case.subject, _identifiers(case)) for case in cases],
        more=sum(map(_more, cases)),
    )


def _more(case: Case) -> int:
    """Count the questions that claim to be about one picture, and are not."""
    files = (item for item in case.asked.values() if isinstance(item, File))
    return sum(file.questions - 1 for file in files)


def _identifiers(case: Case) -> list[bytes]:
    return [bytes([item.kind]) + item.canonical.value.encode() for item in case.persons]
