# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

import pytest
from tests.support.keeper_kills import Keepers

SEED = 7
ROUNDS = 2


@pytest.mark.timeout(180)
def test_a_killed_node_keeps_what_its_people_did(tmp_path: Path) -> None:
    keepers = Keepers(tmp_path / "n", SEED)
    for _ in range(ROUNDS):
        keepers.round()

    assert len(keepers.said) > ROUNDS
    assert keepers.ends == ROUNDS
    keepers.said.append(["placed", "0" * 32])
    with pytest.raises(AssertionError, match="is lost"):
        keepers.check()
