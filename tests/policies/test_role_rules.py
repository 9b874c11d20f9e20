# SPDX-License-Identifier: Apache-2.0
"""P19: who may hold which role."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policies.asking import (
    ANNA,
    GERMANY,
    MOMENTS,
    OLGA,
    RUTH,
    TRAINED,
    ask,
    near,
)

from fedsafe_policies.days import day_number, today
from fedsafe_policies.people import Person
from fedsafe_policies.policy import shipped
from fedsafe_policies.roles import RoleRequest, TrainingRecord
from fedsafe_policies.staffing import gaps, suggest
from fedsafe_policies.vocabulary import (
    Module,
    Role,
)

ANALYST = RoleRequest("ida", Role.ANALYST, trained=TRAINED)


# --- P19, training and staffing -------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"trained": frozenset()}, "training"),
        (
            {"trained": frozenset([TrainingRecord(Module.BASIC, date(2026, 5, 4))])},
            "training",
        ),
        ({"held": frozenset({Role.DPO})}, "roles_apart"),
        ({"role": Role.DPO, "held": frozenset({Role.OPERATOR})}, "roles_apart"),
        ({"role": Role.AUDITOR}, "external_seat"),
        ({"external": True, "until": date(2026, 12, 1)}, "external_seat"),
        ({"role": Role.DPO, "external": True}, "external_seat"),
        ({"role": Role.OPERATOR, "trained": frozenset()}, "training"),
        ({"granted_by": Person("IDA", Role.OPERATOR), "second": RUTH}, "four_eyes"),
        ({"granted_by": OLGA}, "four_eyes"),
        ({"granted_by": ANNA, "second": RUTH}, "role"),
        ({"role": Role.SERVICE, "held": frozenset({Role.ANALYST})}, "roles_apart"),
    ],
)
def test_a_role_is_refused(change: dict[str, object], code: str) -> None:
    assert ask(replace(ANALYST, **change)).code == code  # type: ignore[arg-type]


def test_a_policy_for_demonstrations_grants_no_role_elsewhere() -> None:
    assert ask(ANALYST, shipped("synthetic")).code == "synthetic_only"


def test_a_role_is_granted_to_the_trained_and_lapses_with_the_training() -> None:
    last_second = 1_809_388_799  # 2027-05-03T23:59:59Z
    granted = ask(replace(ANALYST, granted_by=OLGA, second=RUTH))

    assert (granted.rule, granted.code) == ("P19", "role_granted")
    assert ask(ANALYST, now=last_second).allowed
    assert ask(ANALYST, now=last_second + 1).code == "training"
    assert ask(ANALYST, now=last_second + 1).about == "basic, trauma_informed"


@given(near(ANALYST, replace(ANALYST, granted_by=OLGA, second=RUTH)), MOMENTS)
def test_nobody_holds_a_role_untrained(request: RoleRequest, now: int) -> None:
    if not ask(request, now=now).allowed or request.role is Role.SERVICE:
        return
    wanted = GERMANY.document.training[request.role]
    for module in wanted.modules:
        days = [
            today(now) - day_number(record.on)
            for record in request.trained
            if record.module is module
        ]
        assert any(0 <= age <= 366 for age in days)


def test_three_named_people_suffice_for_the_german_policy() -> None:
    seats = suggest(["anna", "ben", "cem"], GERMANY)

    assert seats is not None
    assert gaps(seats, GERMANY) == ()
    assert suggest(["anna", "ben"], GERMANY) is None


def test_what_a_staff_lacks_is_named() -> None:
    everything = frozenset(GERMANY.document.staffing.seats)
    lacking = gaps({"anna": everything}, GERMANY)

    assert "apart:anna:dpo+operator" in lacking
    assert "four_eyes" in lacking
    assert "seat:dpo" in gaps({"anna": frozenset({Role.ANALYST})}, GERMANY)


@given(
    st.dictionaries(
        st.sampled_from("abc"), st.frozensets(st.from_type(Role)), max_size=3
    )
)
def test_no_staff_without_gaps_lets_a_dpo_operate_or_analyse(
    people: dict[str, frozenset[Role]],
) -> None:
    if gaps(people, shipped("germany")):
        return
    for roles in people.values():
        assert Role.DPO not in roles or not roles & {Role.OPERATOR, Role.ANALYST}
