# SPDX-License-Identifier: Apache-2.0
"""P19: who may hold which role."""

from dataclasses import replace
from datetime import date
from itertools import product
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.policy_requests import (
    ANNA,
    BAN,
    CONFIRM,
    GERMANY,
    MOMENTS,
    NOW,
    OLGA,
    PICTURE,
    RUTH,
    TRAINED,
    ask,
    near,
)

from fedsafe_policies.checks.rehearsal import able_pairs
from fedsafe_policies.checks.staff_levels import gaps, suggest
from fedsafe_policies.documents.policy import SHIPPED, shipped
from fedsafe_policies.engine import Request
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.access import ExportRequest
from fedsafe_policies.rules.disputes import RulingRequest
from fedsafe_policies.rules.four_eyes import ActRequest, seconds_of
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.roles import RoleRequest, TrainingRecord
from fedsafe_policies.vocabulary import Act, Matter, Module, Purpose, Role

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


BEN_RULES_ALONE: Final = {
    "anna": frozenset({Role.ANALYST, Role.ESCALATION_OFFICER}),
    "ben": frozenset({Role.REVIEWER, Role.LEGAL_ADVISER, Role.OPERATOR}),
    "dora": frozenset({Role.DPO, Role.YOUTH_PROTECTION_OFFICER}),
}


def test_whoever_approved_a_signal_leaves_somebody_to_rule_on_it() -> None:
    lacking = gaps(BEN_RULES_ALONE, GERMANY)
    dora = BEN_RULES_ALONE["dora"] | {Role.LEGAL_ADVISER}

    assert "ruling:anna+ben" in lacking
    assert gaps(BEN_RULES_ALONE | {"dora": dora}, GERMANY) == ()


def test_each_act_that_finds_no_two_people_is_named() -> None:
    without = frozenset({Role.LEGAL_ADVISER, Role.YOUTH_PROTECTION_OFFICER})
    lacking = gaps(BEN_RULES_ALONE | {"dora": without}, GERMANY)

    assert {
        "act:gate_opening",
        "act:pseudonym_reveal",
        "act:request_grant",
        "act:subject_erasure",
    } <= set(lacking)
    assert "act:policy_change" not in lacking


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("count", [3, 4, 5, 6])
def test_what_is_suggested_suffices(name: str, count: int) -> None:
    seats = suggest([f"p{number}" for number in range(count)], shipped(name))

    assert seats is not None
    assert gaps(seats, shipped(name)) == ()


@pytest.mark.parametrize("name", SHIPPED)
def test_every_act_of_two_people_is_rehearsed(name: str) -> None:
    policy = shipped(name)
    published = {Act.ACTOR_SIGNAL, Act.OWN_BAN, Act.MEDIA_SIGNAL}

    assert able_pairs(policy).keys() == policy.document.four_eyes.acts - published


@pytest.mark.parametrize("act", sorted(shipped(SHIPPED[0]).document.four_eyes.acts))
def test_who_may_stand_by_an_act_is_told_as_it_is_ruled(act: Act) -> None:
    if act in {Act.ACTOR_SIGNAL, Act.OWN_BAN, Act.MEDIA_SIGNAL}:
        return  # drafts, which are approved as such
    for first, second in product(Role, Role):
        if carried_out(act, Person("anna", first), Person("ben", second)):
            assert second in seconds_of(act, first)


def carried_out(act: Act, one: Person, other: Person) -> bool:
    """Put an act to the engine with these two people."""
    match act:
        case Act.ACTOR_SIGNAL:
            request: Request = replace(BAN, author=one, approver=other)
        case Act.MEDIA_SIGNAL:
            request = replace(PICTURE, author=one, approver=other)
        case Act.PERMANENT_BAN:
            request = replace(CONFIRM, reviewer=one, second=other)
        case Act.EXPORT_WITH_OPENINGS:
            why = Purpose.AUDIT_REVIEW
            request = ExportRequest(one, why, Matter.AUDIT, openings=True, second=other)
        case Act.ROLE_GRANT:
            request = RoleRequest(
                "ida", Role.ANALYST, trained=TRAINED, granted_by=one, second=other
            )
        case _:
            request = ActRequest(act, one, other, "ticket-7")
    return ask(request).allowed


@given(
    st.dictionaries(
        st.sampled_from(["anna", "ben", "cem", "dora"]),
        st.frozensets(st.sampled_from(sorted(set(Role) - {Role.SERVICE}))),
        min_size=3,
    )
    | st.permutations(["anna", "ben", "cem", "dora"]).map(
        lambda names: dict(suggest(names, GERMANY) or {})
    ),
    st.none()
    | st.tuples(
        st.sampled_from(["anna", "ben", "cem", "dora"]), st.sampled_from(sorted(Role))
    ),
)
@settings(max_examples=60, deadline=None)
def test_what_suffices_lets_every_act_and_a_ruling_go_through(
    people: dict[str, frozenset[Role]], twist: tuple[str, Role] | None
) -> None:
    if twist is not None:  # a role more or fewer
        name, role = twist
        people = people | {name: people.get(name, frozenset()) ^ {role}}
    if gaps(people, GERMANY):
        return
    hats = [Person(name, role) for name in people for role in people[name]]
    pairs = [(one, other) for one in hats for other in hats if one.name != other.name]
    for act in GERMANY.document.four_eyes.acts:
        assert any(carried_out(act, *pair) for pair in pairs), act
    for one, other in pairs:
        if carried_out(Act.ACTOR_SIGNAL, one, other):
            involved = frozenset({one.name, other.name})
            assert any(
                ask(RulingRequest(hat, involved, NOW - 60, True, "ruling-3")).allowed  # noqa: FBT003
                for hat in hats
            )


@pytest.mark.promise("LR-31")
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
