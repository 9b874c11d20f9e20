# SPDX-License-Identifier: Apache-2.0
"""What a class of partner lacks is just what keeps the case from going there."""

from itertools import product
from typing import Any, Final

import msgspec
import pytest
from msgspec import UNSET
from tests.node.people.conftest import team
from tests.support.case_team import KNOWN, ada, ben, desk, tables
from tests.support.maximal import MAXIMAL
from tests.support.store_rows import CASE

from fedsafe_node.acts.cases import AssessCase
from fedsafe_node.casework.cases.content import CaseFile
from fedsafe_node.casework.cases.release import check_release
from fedsafe_node.casework.cases.view import class_lacks, own_gaps
from fedsafe_node.ground.errors import WrongStateError
from fedsafe_node.ground.principal import Principal
from fedsafe_policies.escalation.case_start import CaseSource
from fedsafe_policies.escalation.matrix import shipped_matrix
from fedsafe_policies.escalation.states import CaseState
from fedsafe_policies.escalation.vocabulary import (
    Absence,
    Condition,
    Element,
    PartnerClass,
    Urgency,
)

__all__ = ["ada", "ben", "desk", "tables", "team"]

NO_CASE: Final = {PartnerClass.PEER, PartnerClass.BZKJ}
ONE: Final = (Urgency.U0, Urgency.U1, Urgency.U2, Urgency.UH)


def file_of(
    *missing: Element,
    conditions: frozenset[Condition] = frozenset(),
    unavailable: dict[Element, Absence] | None = None,
) -> CaseFile:
    gone = dict.fromkeys((each.value for each in missing), UNSET)
    return CaseFile(
        sources=frozenset({CaseSource.OWN_REVIEW}),
        evidence=(),
        elements=msgspec.structs.replace(MAXIMAL, **gone),
        conditions=conditions,
        unavailable=unavailable or {},
    )


def refused(row: Any, file: CaseFile, partner: PartnerClass) -> bool:  # noqa: ANN401
    try:
        check_release(row, file, (partner,), shipped_matrix())
    except WrongStateError:
        return True
    return False


@pytest.mark.parametrize("urgency", ONE)
@pytest.mark.parametrize("conditions", [frozenset(), frozenset(Condition)])
def test_a_case_is_refused_for_a_class_just_where_something_is_said_to_lack(
    urgency: Urgency, conditions: frozenset[Condition]
) -> None:
    row = msgspec.structs.replace(CASE, state="draft", urgency=urgency.value)
    matrix = shipped_matrix()
    seen = set()
    for missing, said in product([None, *Element], [{}, {Element.NETWORK: "unknown"}]):
        left_out = () if missing is None else (missing,)
        absent = {element: Absence(why) for element, why in said.items()}
        file = file_of(*left_out, conditions=conditions, unavailable=absent)
        own = bool(own_gaps(row, file, matrix))
        lacks = {each.partner: each for each in class_lacks(row, file, matrix)}
        for partner in set(PartnerClass) - NO_CASE:
            found = lacks.get(partner)
            clear = found is not None and not (own or found.needs or found.lacks)
            assert refused(row, file, partner) is not clear, (partner, missing)
            seen.add(clear)

    assert seen == {True, False}


def test_nothing_is_said_for_whom_receives_no_single_case_or_once_it_has_left() -> None:
    matrix, file = shipped_matrix(), file_of()
    for state, urgency in product(CaseState, Urgency):
        row = msgspec.structs.replace(CASE, state=state.value, urgency=urgency.value)
        found = {each.partner for each in class_lacks(row, file, matrix)}
        is_open = state in {
            *(CaseState.DRAFT, CaseState.LEGAL_REVIEW, CaseState.RECALLED)
        }

        assert not found & NO_CASE
        assert bool(found) is (is_open and urgency is not Urgency.U3)
        assert urgency is not Urgency.UH or found <= {PartnerClass.COUNSELLING}


async def test_a_case_says_what_each_class_lacks(
    desk: Any,  # noqa: ANN401
    ada: Principal,
) -> None:
    case = await desk.full(ada)
    await desk.cases.assess(case, AssessCase(remove=(Element.SUSPICION,)), ada)
    shown = await desk.cases.show(case, ada)
    lacking = {each.partner: each for each in shown.lacking}

    office = lacking[PartnerClass.LAW_ENFORCEMENT]
    assert [each.element for each in office.lacks] == [Element.SUSPICION]
    assert office.needs == []
    assert lacking[PartnerClass.HOTLINE].lacks == []
    assert lacking[PartnerClass.NCMEC].needs == [Condition.TRANSFER_BASIS]
    assert KNOWN.suspicion is not UNSET
