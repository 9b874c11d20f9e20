# SPDX-License-Identifier: Apache-2.0
"""Two collections of tests are compared by the map of moved files."""

import pytest

from tests.codemod_tests import differences, successors

FILES = {"tests/node/test_a.py": "tests/node/log/test_b.py"}
BEFORE = "tests/node/test_a.py::test_one[x y]\ntests/test_c.py::test_two\n\n2 tests\n"
AFTER = "tests/test_c.py::test_two\ntests/node/log/test_b.py::test_one[x y]\n"


def test_tests_that_moved_by_the_map_are_the_same() -> None:
    assert differences(BEFORE, AFTER, FILES) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (AFTER.replace("[x y]", ""), "lost: tests/node/log/test_b.py::test_one[x y]"),
        (AFTER + "tests/test_c.py::test_three", "new: tests/test_c.py::test_three"),
        (AFTER + "tests/test_c.py::test_two", "2 tests before, 3 after"),
        (BEFORE, "new: tests/node/test_a.py::test_one[x y]"),
    ],
    ids=["lost", "new", "twice", "where it was"],
)
def test_a_test_that_one_side_lacks_is_named(after: str, told: str) -> None:
    assert told in differences(BEFORE, after, FILES)


OLD = "tests/c.py::test_two[a]\ntests/c.py::test_gone[x-y-1]\ntests/c.py::test_kept\n"
NEW = "tests/c.py::test_kept\ntests/c.py::test_heir[a]\ntests/c.py::test_more\n"
TABLE = {
    "files": {},
    "succeeded": [
        {"tests": "tests/c.py::test_two[*]", "by": ["tests/c.py::test_heir"]}
    ],
    "moved": [{"tests": "*[*-y-*]"}],
}


def test_each_test_has_a_successor() -> None:
    counts = {"the same": 1, "succeeded": 1, "run elsewhere": 1, "new": 2}

    assert successors(OLD, NEW, TABLE) == ([], counts)


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        (OLD, NEW.replace("heir", "other"), "tests/c.py::test_two[a]"),
        (OLD.replace("-y-", "-z-"), NEW, "tests/c.py::test_gone[x-z-1]"),
        (OLD, NEW.replace("kept", "now"), "tests/c.py::test_kept"),
    ],
    ids=["no heir", "in no row", "not there"],
)
def test_a_test_without_a_successor_is_named(old: str, new: str, lost: str) -> None:
    assert successors(old, new, TABLE)[0] == [f"lost: {lost}"]
