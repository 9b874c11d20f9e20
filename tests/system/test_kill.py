# SPDX-License-Identifier: Apache-2.0
"""Whole nodes are killed; nothing that was acknowledged is lost or done twice.

The long version, which starts each node as an operator does, is `tests.campaigns.kill`.
"""

from pathlib import Path

import pytest
from tests.support.federation import federation
from tests.support.hatchery import hatchery
from tests.support.node_kills import run

SEED = 1
ROUNDS = 5


@pytest.mark.promise("RM-06")
@pytest.mark.timeout(400)
def test_killed_nodes_keep_all_that_they_acknowledged(tmp_path: Path) -> None:
    with federation(tmp_path / "f") as fed, hatchery(tmp_path / "clock") as hatched:
        fed.starter = hatched.start
        loop = run(fed, seed=SEED, rounds=ROUNDS)
        loop.claim("publish", "0198c0de-0000-7000-8000-000000000000")
        with pytest.raises(AssertionError, match="acts and audit log differ"):
            loop.check()

    assert loop.acts > ROUNDS
