# SPDX-License-Identifier: Apache-2.0
import re
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsafe_cli.terminal.errors import status_of
from fedsafe_cli.terminal.exit_codes import SEVERITY, ExitStatus, worst

REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "cli.md"


def test_the_numbers_never_change() -> None:
    assert {status.name: status.value for status in ExitStatus} == {
        "NO_SIGNAL": 0,
        "INTERNAL": 1,
        "USAGE": 2,
        "DENIED": 3,
        "UNREACHABLE": 4,
        "BAD_INPUT": 5,
        "MATCH": 10,
        "DEFERRED": 11,
        "INCOMPLETE": 12,
        "WAITING": 13,
        "FLOOD": 14,
        "LOG_TAMPERED": 20,
        "LOG_INCOMPLETE": 21,
        "LOG_UNREADABLE": 22,
    }


def test_the_order_of_severity_never_changes() -> None:
    assert [int(status) for status in SEVERITY] == [1, 4, 3, 10, 14, 5, 11, 12, 0]


@pytest.mark.parametrize(("worse", "better"), [*combinations(SEVERITY, 2)])
def test_the_more_serious_of_two_wins(worse: ExitStatus, better: ExitStatus) -> None:
    assert worst([better, worse]) is worse


@given(st.lists(st.sampled_from(SEVERITY)))
def test_the_worst_does_not_depend_on_the_order(statuses: list[ExitStatus]) -> None:
    assert worst(statuses) is worst(reversed(statuses))
    assert worst(statuses) in {*statuses, ExitStatus.NO_SIGNAL}


@pytest.mark.parametrize(
    ("http", "wanted"),
    [
        (400, 5),
        (401, 3),
        (403, 3),
        (404, 5),
        (409, 5),
        (413, 5),
        (422, 5),
        (426, 3),
        (429, 11),
        (451, 3),
        (500, 1),
        (502, 1),
        (503, 11),
    ],
)
def test_every_refusal_of_a_node_has_a_status(http: int, wanted: int) -> None:
    assert status_of(http) == wanted


def test_the_reference_lists_every_status() -> None:
    rows = re.findall(r"^\| (\d+) \|", REFERENCE.read_text(), re.MULTILINE)

    assert [int(row) for row in rows] == [*map(int, ExitStatus), 130, 141]
