# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_policies.ground.span import SECONDS_A_DAY, today
from fedsafe_policies.rules.hearings import (
    Hearing,
    HearingException,
    HearingStep,
    completed,
    fault_of,
)

NOW = 1_789_992_000  # 2026-09-21, noon
DAY = date(1970, 1, 1) + timedelta(days=today(NOW))
INVITED = Hearing(HearingStep.INVITED, "letter-1", answer_until=DAY + timedelta(days=7))
HEARD = Hearing(HearingStep.HEARD, "minute-1")
SILENCE = Hearing(HearingStep.NO_ANSWER, "note-1")
SPARED = Hearing(
    HearingStep.EXCEPTION, "note-2", exception=HearingException.DANGER_TO_A_CHILD
)


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        (replace(INVITED, reference="we wrote to them"), "reference"),
        (replace(INVITED, answer_until=None), "answer_until"),
        (replace(INVITED, answer_until=DAY + timedelta(days=1)), "answer_until"),
        (replace(INVITED, answer_until=DAY + timedelta(days=31)), "answer_until"),
        (replace(HEARD, answer_until=DAY + timedelta(days=7)), "answer_until"),
        (replace(SPARED, exception=None), "exception"),
        (replace(HEARD, exception=HearingException.NO_WAY_TO_REACH), "exception"),
        (SILENCE, "step"),
    ],
)
def test_a_step_that_does_not_fit_is_named(step: Hearing, fault: str) -> None:
    assert fault_of(step, (), NOW) == fault


@pytest.mark.parametrize("step", [INVITED, HEARD, SPARED])
def test_a_hearing_goes_its_way(step: Hearing) -> None:
    assert fault_of(step, (), NOW) is None


@pytest.mark.promise("LR-50")
def test_nobody_is_silent_before_the_time_to_answer_is_over() -> None:
    last = NOW + 7 * SECONDS_A_DAY

    assert fault_of(SILENCE, (INVITED,), last) == "step"
    assert fault_of(SILENCE, (INVITED,), last + SECONDS_A_DAY) is None
    assert fault_of(SILENCE, (INVITED, HEARD), last + SECONDS_A_DAY) == "step"


@pytest.mark.promise("LR-50")
@given(st.lists(st.sampled_from([INVITED, HEARD, SILENCE, SPARED])))
def test_an_invitation_alone_is_no_hearing(steps: list[Hearing]) -> None:
    heard = completed(steps)

    assert (heard is None) is (not steps or steps[-1] is INVITED)
