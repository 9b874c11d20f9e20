# SPDX-License-Identifier: Apache-2.0
"""What a case owes by when, and when people are told of it, for every urgency."""

from datetime import datetime
from typing import Any, Final

import pytest

from fedsafe_policies.escalation.clocks import (
    Alarm,
    Course,
    Milestone,
    Stage,
    alarms,
    terms,
)
from fedsafe_policies.escalation.laender import Calendar, Land
from fedsafe_policies.escalation.urgency import Fallback
from fedsafe_policies.escalation.vocabulary import Urgency

BERLIN: Final = Calendar(Land.BE)
BAVARIA: Final = Calendar(Land.BY)
DAY: Final = 86_400


def seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


KNOWN: Final = seconds(
    "2026-10-23T22:00+02:00"
)  # a Friday, two days before winter time


def due(
    urgency: Urgency,
    calendar: Calendar = BERLIN,
    **facts: Any,  # noqa: ANN401
) -> dict[str, int]:
    course = Course(urgency=urgency, known_at=KNOWN, **facts)
    return {term.milestone.value: term.due_at for term in terms(course, calendar)}


def test_each_urgency_has_its_deadlines() -> None:
    assert due(Urgency.U0, released_at=KNOWN + 600) == {
        "call": KNOWN + 300,
        "dispatch": KNOWN + 1_800,
        "acknowledgement": KNOWN + 1_800,
        "second_look": KNOWN + 600 + 12 * 3_600,
    }
    assert due(Urgency.U1) == {
        "dispatch": KNOWN + 4 * 3_600,
        "acknowledgement": KNOWN + DAY,
    }
    assert due(Urgency.U2) == {
        "dispatch": seconds("2026-10-29T00:00+01:00"),
        "acknowledgement": seconds("2026-10-31T00:00+01:00"),
    }
    assert due(Urgency.U3) == {
        "dispatch": seconds("2027-01-23T22:00+01:00"),
        "acknowledgement": seconds("2026-11-22T22:00+01:00"),
    }
    assert due(Urgency.UH) == {
        "dispatch": KNOWN + DAY,
        "acknowledgement": seconds("2026-10-26T22:00+01:00"),
    }


def test_working_days_follow_the_land() -> None:
    late = seconds("2026-12-30T12:00+01:00")
    ends = {
        land: terms(Course(urgency=Urgency.U2, known_at=late), calendar)[0].due_at
        for land, calendar in (("BE", BERLIN), ("BY", BAVARIA))
    }

    assert ends == {
        "BE": seconds("2027-01-06T00:00+01:00"),
        "BY": seconds("2027-01-06T00:00+01:00"),
    }
    later = Course(urgency=Urgency.U2, known_at=late + DAY)
    assert terms(later, BERLIN)[0].due_at == seconds("2027-01-07T00:00+01:00")
    assert terms(later, BAVARIA)[0].due_at == seconds("2027-01-08T00:00+01:00")


def told(course: Course, now: int) -> list[tuple[str, str, int, int]]:
    return [_short(alarm) for alarm in alarms(course, BERLIN, now)]


def _short(alarm: Alarm) -> tuple[str, str, int, int]:
    return (
        alarm.term.milestone.value,
        (alarm.fallback or alarm.stage).value,
        alarm.number,
        alarm.at - KNOWN,
    )


def test_imminent_danger_goes_down_its_chain_within_the_hour() -> None:
    course = Course(urgency=Urgency.U0, known_at=KNOWN)

    assert told(course, KNOWN) == []
    assert told(course, KNOWN + 149) == []
    assert told(course, KNOWN + 150) == [("call", "near", 0, 150)]
    assert told(course, KNOWN + 300) == [("call", "overdue", 0, 300)]
    assert ("dispatch", "near", 0, 900) in told(course, KNOWN + 900)
    assert told(course, KNOWN + 1_799)[1:] == [
        ("dispatch", "near", 0, 900),
        ("acknowledgement", "near", 0, 900),
    ]
    assert told(course, KNOWN + 3_600) == [
        ("call", "overdue", 0, 300),
        ("dispatch", "overdue", 0, 1_800),
        ("acknowledgement", "next_contact", 0, 1_800),
        ("acknowledgement", "management", 1, 3_600),
    ]


def test_what_was_done_is_not_reminded_of() -> None:
    done = Course(
        urgency=Urgency.U0,
        known_at=KNOWN,
        called_at=KNOWN + 60,
        dispatched_at=KNOWN + 1_000,
        acknowledged_at=KNOWN + 1_200,
        released_at=KNOWN + 900,
        looked_at=KNOWN + 5_000,
    )

    assert told(done, KNOWN + 30 * DAY) == []
    assert [term.met_at for term in terms(done, BERLIN)] == [
        KNOWN + 60,
        KNOWN + 1_000,
        KNOWN + 1_200,
        KNOWN + 5_000,
    ]


def test_the_second_look_is_asked_for_until_it_came() -> None:
    half = 6 * 3_600
    course = Course(
        urgency=Urgency.U0,
        known_at=KNOWN,
        called_at=KNOWN,
        dispatched_at=KNOWN,
        acknowledged_at=KNOWN,
        released_at=KNOWN,
    )

    assert told(course, KNOWN + half - 1) == []
    assert told(course, KNOWN + half) == [("second_look", "near", 0, half)]
    over = 2 * half
    assert told(course, KNOWN + over) == [("second_look", "overdue", 0, over)]
    assert told(course, KNOWN + over + 2 * DAY + 5) == [
        ("second_look", "overdue", 2, over + 2 * DAY)
    ]


@pytest.mark.parametrize(
    ("urgency", "chain"),
    [
        (Urgency.U1, [("second_channel", DAY), ("phone", 2 * DAY)]),
        (Urgency.UH, [("other_offers", 3 * DAY + 3_600)]),
        (
            Urgency.U2,
            [
                ("reminder", seconds("2026-10-31T00:00+01:00") - KNOWN),
                ("reminder", seconds("2026-11-07T00:00+01:00") - KNOWN),
            ],
        ),
        (Urgency.U3, []),
    ],
)
def test_each_step_of_a_chain_has_its_moment(
    urgency: Urgency, chain: list[tuple[str, int]]
) -> None:
    course = Course(urgency=urgency, known_at=KNOWN, dispatched_at=KNOWN)
    end = KNOWN + 60 * DAY
    found = [each for each in alarms(course, BERLIN, end) if each.fallback is not None]

    assert [(str(each.fallback), each.at - KNOWN) for each in found] == chain
    for each in found:
        before = alarms(course, BERLIN, each.at - 1)
        assert each not in before
        assert each in alarms(course, BERLIN, each.at)


def test_who_was_away_is_reminded_once_and_no_step_of_a_chain_is_left_out() -> None:
    course = Course(urgency=Urgency.U1, known_at=KNOWN)
    found = alarms(course, BERLIN, KNOWN + 10 * DAY)
    kinds = [(each.term.milestone, each.stage) for each in found]

    assert kinds.count((Milestone.DISPATCH, Stage.OVERDUE)) == 1
    assert kinds.count((Milestone.ACKNOWLEDGEMENT, Stage.OVERDUE)) == 1
    assert [each.fallback for each in found if each.fallback] == [
        Fallback.SECOND_CHANNEL,
        Fallback.PHONE,
    ]
