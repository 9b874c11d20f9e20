# SPDX-License-Identifier: Apache-2.0
"""P6, P8, P10, P13 and P16: what people may do, and not alone."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policy_requests import (
    ANNA,
    CONFIRM,
    DANA,
    DAY,
    GERMANY,
    HOUR,
    LEO,
    LIMIT,
    MOMENTS,
    NOW,
    OLGA,
    RUTH,
    TRAINED,
    WATCH,
    ask,
    near,
)

from fedsafe_policies.documents.policy import load_policy, shipped_text
from fedsafe_policies.ground.span import day_number, today
from fedsafe_policies.rules.access import ExportRequest, ReadRequest
from fedsafe_policies.rules.decision import Obligation
from fedsafe_policies.rules.disputes import (
    DisputeRequest,
    RulingRequest,
    ruling_ends,
    suspension_due,
)
from fedsafe_policies.rules.four_eyes import ActRequest
from fedsafe_policies.rules.notices import WithholdingRequest
from fedsafe_policies.rules.people import Person
from fedsafe_policies.rules.reviews import Habit, ReviewRequest, day_ends, review_ends
from fedsafe_policies.rules.roles import RoleRequest
from fedsafe_policies.vocabulary import (
    Act,
    Level,
    Matter,
    Outcome,
    Phenomenon,
    Purpose,
    Role,
    Withholding,
)

ROTATION = ActRequest(Act.KEY_ROTATION, OLGA, RUTH, "ticket-7")
EXPORT = ExportRequest(DANA, Purpose.AUDIT_REVIEW, Matter.AUDIT, True, RUTH)  # noqa: FBT003
DISPUTE = DisputeRequest(control_proved=True, repeated=False, suspended_today=0)
RULING = RulingRequest(
    LEO, frozenset({"anna", "ruth"}), NOW - DAY, stands=True, reason="ruling-3"
)
WITHHOLD = WithholdingRequest(RUTH, Withholding.BDSG_29_1, "note-4", date(2026, 10, 1))
ANALYST = RoleRequest("ida", Role.ANALYST, trained=TRAINED)
PEOPLE = st.builds(
    Person, st.sampled_from(["anna", "Anna ", "ruth"]), st.from_type(Role)
)


# --- P6, four eyes ------------------------------------------------------------------


@pytest.mark.parametrize(
    "request_",
    [
        replace(ROTATION, second=None),
        replace(ROTATION, second=OLGA),
        replace(ROTATION, second=Person(" OLGA", Role.REVIEWER)),
        replace(EXPORT, second=None),
        replace(EXPORT, second=Person("dana", Role.REVIEWER)),
        ActRequest(Act.PSEUDONYM_REVEAL, DANA, None, "minute-7"),
        ActRequest(Act.POLICY_CHANGE, RUTH, None, "minute-7"),
        ActRequest(Act.CHARTER_CHANGE, RUTH, None, "minute-7"),
        ActRequest(Act.PERMANENT_BAN, ANNA, None, "case-7"),
        ActRequest(
            Act.DISPATCH, Person("eva", Role.ESCALATION_OFFICER), None, "case-7"
        ),
    ],
)
def test_nobody_acts_alone(request_: ActRequest | ExportRequest) -> None:
    decision = ask(request_)

    assert (decision.effect, decision.rule, decision.code) == (
        "deny",
        "P6",
        "four_eyes",
    )


def test_two_people_may_act() -> None:
    assert ask(ROTATION).code == "two_people"
    assert ask(EXPORT).allowed
    assert ask(replace(EXPORT, openings=False, second=None)).allowed


def test_a_machine_is_no_second_person() -> None:
    bot = Person("bot", Role.SERVICE)

    assert ask(replace(ROTATION, second=bot)).code == "role"
    assert ask(replace(ROTATION, first=bot)).code == "role"


def test_an_act_refers_to_why_and_does_not_tell() -> None:
    decision = ask(replace(ROTATION, reason="because we must"))

    assert (decision.rule, decision.code) == ("P2", "free_text")


@pytest.mark.promise("TM-14")
@given(st.from_type(Act), PEOPLE, st.none() | PEOPLE)
def test_no_act_of_one_person_is_ever_allowed(
    act: Act, first: Person, second: Person | None
) -> None:
    decision = ask(ActRequest(act, first, second, "ticket-7"))

    if decision.allowed:
        assert second is not None
        assert first.identity != second.identity


GATE = ActRequest(Act.GATE_OPENING, RUTH, DANA, "legal-gate-record")


@pytest.mark.promise("LR-31")
@pytest.mark.parametrize(
    ("first", "second"),
    [(RUTH, DANA), (OLGA, DANA), (DANA, LEO), (DANA, RUTH), (DANA, OLGA)],
)
def test_the_officer_takes_part_in_opening_the_gate(
    first: Person, second: Person
) -> None:
    assert ask(replace(GATE, first=first, second=second)).code == "two_people"


@pytest.mark.parametrize(
    ("first", "second"), [(RUTH, LEO), (OLGA, RUTH), (RUTH, OLGA), (OLGA, LEO)]
)
def test_without_the_officer_no_two_open_the_gate(
    first: Person, second: Person
) -> None:
    decision = ask(replace(GATE, first=first, second=second))

    assert (decision.effect, decision.rule, decision.code) == ("deny", "P6", "role")


# --- P8, purpose --------------------------------------------------------------------

TASKS = ReadRequest(Role.ANALYST, Purpose.MODERATION_REVIEW, Matter.TASKS)


@pytest.mark.promise("LR-10")
@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (replace(TASKS, purpose=Purpose.OPERATIONS), "purpose"),
        (replace(TASKS, matter=Matter.AUDIT), "purpose"),
        (replace(TASKS, bound=frozenset({Purpose.RECHECK})), "purpose"),
        (ReadRequest(Role.OPERATOR, Purpose.OPERATIONS, Matter.CASES), "purpose"),
        (
            ReadRequest(Role.AUDITOR, Purpose.SUPERVISION, Matter.CASES),
            "role",
        ),
        (replace(EXPORT, purpose=Purpose.OPERATIONS), "purpose"),
        (replace(EXPORT, matter=Matter.SIGNALS), "not_allowed"),
    ],
)
def test_reading_outside_of_a_purpose_is_refused(
    request_: ReadRequest | ExportRequest, code: str
) -> None:
    assert ask(request_).code == code


def test_reading_for_a_purpose_of_the_role_is_allowed() -> None:
    assert ask(TASKS).about == Purpose.MODERATION_REVIEW
    assert ask(ReadRequest(Role.DPO, Purpose.SUPERVISION, Matter.CASES)).allowed


@given(near(TASKS))
def test_an_operator_sees_no_case_and_a_bond_holds(request: ReadRequest) -> None:
    if ask(request).allowed:
        assert request.bound is None or request.purpose in request.bound
        if request.role is Role.OPERATOR:
            assert request.matter in {Matter.STATUS, Matter.STATISTICS}


# --- P10, disputes ------------------------------------------------------------------


def test_a_dispute_rests_the_signal() -> None:
    decision = ask(DISPUTE)

    assert (decision.rule, decision.code) == ("P10", "dispute_open")
    assert Obligation.SUSPEND_MATCHING in decision.obligations
    assert suspension_due(NOW, GERMANY) == NOW + 300


def test_a_repeat_or_a_flood_is_reviewed_without_resting_anything() -> None:
    repeat = ask(replace(DISPUTE, repeated=True))
    flood = ask(replace(DISPUTE, suspended_today=50))

    for decision in (repeat, flood):
        assert decision.allowed
        assert Obligation.REVIEW_TASK in decision.obligations
        assert Obligation.SUSPEND_MATCHING not in decision.obligations
    assert Obligation.ALARM in flood.obligations


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (replace(DISPUTE, control_proved=False), "control_unproved"),
        (replace(DISPUTE, officer=ANNA), "role"),
        (replace(RULING, ruler=RUTH), "not_independent"),
        (replace(RULING, ruler=Person("Ruth ", Role.REVIEWER)), "not_independent"),
        (replace(RULING, ruler=ANNA), "role"),
        (replace(RULING, reason="because he is guilty"), "free_text"),
        (replace(RULING, opened=NOW - 20 * DAY), "ruling_late"),
        (replace(RULING, opened=NOW + DAY), "ruling_late"),
    ],
)
def test_disputes_and_rulings_are_refused(
    request_: DisputeRequest | RulingRequest, code: str
) -> None:
    assert ask(request_).code == code


def test_an_independent_ruling_in_time_stands_and_a_late_one_revokes() -> None:
    late = ask(replace(RULING, opened=NOW - 20 * DAY))
    revoked = ask(replace(RULING, opened=NOW - 20 * DAY, stands=False))

    assert ask(RULING).code == "ruling"
    assert Obligation.REVOKE in late.obligations
    assert revoked.allowed
    assert Obligation.REVOKE in revoked.obligations


@pytest.mark.promise("LR-22")
@given(near(RULING), MOMENTS)
def test_no_ruling_comes_late_or_from_who_was_involved(
    request: RulingRequest, now: int
) -> None:
    if ask(request, now=now).allowed:
        assert request.ruler.name not in request.involved
        in_time = request.opened <= now < ruling_ends(request.opened, GERMANY)
        assert in_time or not request.stands


@given(st.integers(0, 10**6), st.booleans())
def test_a_node_never_rests_more_than_its_budget(spent: int, repeated: bool) -> None:  # noqa: FBT001
    request = DisputeRequest(
        control_proved=True, repeated=repeated, suspended_today=spent
    )
    rests = Obligation.SUSPEND_MATCHING in ask(request).obligations

    assert rests is (spent < 50 and not repeated)


# --- P13, human decision --------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "rule", "code"),
    [
        (replace(CONFIRM, evidence=None), "P13", "evidence_missing"),
        (replace(CONFIRM, evidence="their signal says so"), "P13", "evidence_missing"),
        (replace(CONFIRM, hearing=None), "P13", "hearing_missing"),
        (replace(CONFIRM, second=None), "P6", "four_eyes"),
        (replace(CONFIRM, second=Person("anna", Role.REVIEWER)), "P6", "four_eyes"),
        (replace(CONFIRM, level=None), "P13", "level"),
        (replace(CONFIRM, opened=NOW - 7 * DAY), "P9", "lapsed"),
        (replace(CONFIRM, reviewer=Person("bot", Role.SERVICE)), "P6", "role"),
        (replace(WATCH, until=None), "P13", "until_too_long"),
        (replace(WATCH, until=date(2026, 10, 22)), "P13", "until_too_long"),
        (replace(WATCH, until=date(2026, 9, 21)), "P13", "until_too_long"),
        (replace(WATCH, renewals=2, reason="note-1"), "P13", "until_too_long"),
        (replace(WATCH, renewals=1), "P13", "evidence_missing"),
        (replace(WATCH, level=Level.L4), "P13", "level"),
        (replace(LIMIT, reason=None), "P13", "evidence_missing"),
        (replace(LIMIT, level=Level.L4), "P13", "level"),
        (replace(LIMIT, rule=None), "P13", "rule_unfit"),
        (replace(CONFIRM, rule=None, second=None), "P13", "rule_unfit"),
        (replace(CONFIRM, rule="house-9"), "P13", "rule_unfit"),
        (replace(CONFIRM, phenomenon=Phenomenon.SEXTORTION), "P13", "rule_unfit"),
        (
            replace(LIMIT, rule="house-6", phenomenon=Phenomenon.SEXTING_EXPOSURE),
            "P13",
            "rule_unfit",
        ),
    ],
)
def test_hearsay_haste_and_solitude_are_refused(
    request_: ReviewRequest, rule: str, code: str
) -> None:
    decision = ask(request_)

    assert (decision.effect, decision.rule, decision.code) == ("deny", rule, code)


def test_all_five_outcomes_fit_real_life() -> None:
    dismiss = ReviewRequest(Outcome.DISMISS, NOW - 9 * DAY, ANNA)
    inquire = ReviewRequest(Outcome.INQUIRE, NOW - HOUR, ANNA)

    for request in (dismiss, inquire, WATCH, LIMIT, CONFIRM):
        assert ask(request).code == "reviewed"
    assert Obligation.NOTICE_TO_THE_PERSON in ask(LIMIT).obligations


def test_a_watched_account_can_be_decided_on_until_the_watch_ends() -> None:
    old = replace(CONFIRM, opened=NOW - 12 * DAY)
    last = date(1970, 1, 1) + timedelta(days=today(NOW))

    assert ask(replace(old, watched=last)).allowed
    assert ask(replace(old, watched=last - timedelta(days=1))).code == "lapsed"


def test_a_match_waits_until_the_end_of_the_third_working_day() -> None:
    friday = 1_789_740_000  # 2026-09-18, 14:00 UTC
    before_unity_day = 1_790_863_200  # 2026-10-01, a Thursday; the 3rd is a Saturday
    easter = 1_774_440_000  # 2026-03-25; Good Friday is 2026-04-03
    holy_week = easter + 7 * DAY

    def end(opened: int) -> date:
        last = review_ends(opened, GERMANY) - 1
        return date(1970, 1, 1) + timedelta(days=today(last))

    assert end(friday) == date(2026, 9, 23)
    assert end(before_unity_day) == date(2026, 10, 6)
    assert end(easter) == date(2026, 3, 30)
    assert end(holy_week) == date(2026, 4, 8)  # seven days are the most


@given(st.integers(NOW - 4000 * DAY, NOW + 4000 * DAY))
def test_no_match_waits_longer_than_seven_days(opened: int) -> None:
    assert opened + 2 * DAY < review_ends(opened, GERMANY) <= opened + 7 * DAY


@pytest.mark.parametrize(
    ("habit", "alarms"),
    [
        (Habit(50, 48, 40), True),
        (Habit(50, 47, 40), False),
        (Habit(49, 49, 1), False),
        (Habit(60, 3, 9), True),
        (Habit(60, 3, 10), False),
    ],
)
def test_a_rubber_stamp_raises_an_alarm(habit: Habit, alarms: bool) -> None:  # noqa: FBT001
    decision = ask(replace(CONFIRM, habit=habit))

    assert decision.allowed
    assert (Obligation.ALARM in decision.obligations) is alarms


@given(near(CONFIRM, LIMIT, WATCH), MOMENTS)
def test_no_account_is_lost_without_own_evidence_and_two_people(
    request: ReviewRequest, now: int
) -> None:
    if not ask(request, now=now).allowed or request.level is None:
        return
    watched = day_ends(request.watched) if request.watched else 0
    assert now < max(review_ends(request.opened, GERMANY), watched)
    if request.level >= Level.L5:
        assert request.evidence
        assert request.second is not None
        assert request.second.identity != request.reviewer.identity
    if request.level is Level.L6:
        assert request.hearing


# --- P16, transparency ----------------------------------------------------------------


@pytest.mark.promise("LR-16")
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"note": "because of the police"}, "withholding"),
        ({"until": date(2026, 9, 21)}, "withholding"),
        ({"until": date(2026, 10, 22)}, "withholding"),
        ({"person": ANNA}, "role"),
        ({"person": Person("bot", Role.SERVICE)}, "role"),
    ],
)
def test_a_notice_is_not_withheld_without_reason_and_end(
    change: dict[str, object], code: str
) -> None:
    assert ask(replace(WITHHOLD, **change)).code == code  # type: ignore[arg-type]


@pytest.mark.promise("LR-16")
def test_a_reason_that_the_policy_does_not_list_is_refused() -> None:
    text = shipped_text("germany").decode().replace('["bdsg_29_1", ', "[")
    decision = ask(WITHHOLD, load_policy(text.encode()))

    assert (decision.rule, decision.code) == ("P16", "withholding")


def test_a_notice_may_wait_for_a_listed_reason() -> None:
    decision = ask(WITHHOLD)

    assert (decision.rule, decision.about) == ("P16", "bdsg_29_1")
    assert Obligation.NOTICE_TO_THE_PERSON in decision.obligations


@given(near(WITHHOLD), MOMENTS)
def test_no_notice_waits_beyond_thirty_days(
    request: WithholdingRequest, now: int
) -> None:
    if ask(request, now=now).allowed:
        assert 0 < day_number(request.until) - today(now) <= 30
