# SPDX-License-Identifier: Apache-2.0
import gc
import os
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.measuring import is_traced


def test_an_example_is_traced(request: pytest.FixtureRequest) -> None:
    assert is_traced(request.node)


@given(st.integers())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_property_is_not_traced(request: pytest.FixtureRequest, number: int) -> None:
    assert isinstance(number, int)
    assert not is_traced(request.node)


def test_what_is_compiled_is_kept_for_all_processes_of_a_run() -> None:
    assert not sys.dont_write_bytecode
    assert "PYTHONDONTWRITEBYTECODE" not in os.environ


def test_garbage_is_looked_for_as_seldom_as_in_a_node() -> None:
    assert gc.get_threshold() == (50_000, 20, 20)
