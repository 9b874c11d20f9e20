# SPDX-License-Identifier: Apache-2.0
"""Two collections of tests are compared by the map of moved files."""

import pytest

from tests.codemod_tests import differences

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
