# SPDX-License-Identifier: Apache-2.0
"""A node dies while its cases go to partners, and each arrives where it belongs."""

from pathlib import Path

import pytest
from tests.support.case_kills import case_loop

SEED = 5


@pytest.mark.timeout(300)
def test_a_killed_node_loses_no_package_and_leaves_nothing_half_done(
    tmp_path: Path,
) -> None:
    with case_loop(tmp_path / "n", SEED) as loop:
        while not loop.lose():
            loop.round()
        with pytest.raises(AssertionError, match="is lost"):
            loop.check()

    assert loop.told.deaths
