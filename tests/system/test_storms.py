# SPDX-License-Identifier: Apache-2.0
"""Whatever befalls nodes and links, all honest nodes agree with the model after it."""

from pathlib import Path

import pytest
from tests.system.storming import stormy

SEED = 7
ROUNDS = 6


@pytest.mark.timeout(500)
def test_after_storms_all_honest_nodes_agree(tmp_path: Path) -> None:
    with stormy(tmp_path / "f", 3, SEED) as loop:
        for _ in range(ROUNDS):
            loop.round()
        loop.claim("publish", "0198c0de-0000-7000-8000-000000000000")
        with pytest.raises(AssertionError, match="acts and audit log differ"):
            loop.check()

    assert loop.acts > ROUNDS
