# SPDX-License-Identifier: Apache-2.0
"""Whatever befalls nodes and links, all honest nodes agree with the model after it."""

from pathlib import Path

import pytest
from tests.support.links import CALM
from tests.support.lying_node import FORGED
from tests.support.storm_federation import stormy
from tests.support.storm_terms import Storm

SEED = 97
ROUNDS = 2
LIES = Storm(
    CALM,
    seconds=0.3,
    liar=("a.demo", FORGED),
    views="c.demo",
    behind="b.demo",
    deals="c.demo",
)


@pytest.mark.timeout(500)
def test_after_storms_all_honest_nodes_agree(tmp_path: Path) -> None:
    with stormy(tmp_path / "f", 3, SEED) as loop:
        loop.round()
        loop.round(LIES)
        told = set(loop.tally.last)
        for _ in range(ROUNDS):
            loop.round()
        loop.claim("publish", "0198c0de-0000-7000-8000-000000000000")
        with pytest.raises(AssertionError, match="acts and audit log differ"):
            loop.check()

    assert loop.acts > ROUNDS
    assert told == {
        "liar: forged and replayed statements",
        "liar: two views of a feed",
        "liar: stale charter",
        "liar: bad shares dealt",
    }
