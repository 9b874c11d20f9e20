# SPDX-License-Identifier: Apache-2.0
"""Nodes die while keys change, and every node ends with whole keys that all know."""

from pathlib import Path

import pytest
from tests.support.ceremony_kills import KEYS, SHARES, ceremonies

SEED = 3


@pytest.mark.timeout(300)
def test_nodes_that_die_while_keys_change_end_with_whole_ones(tmp_path: Path) -> None:
    with ceremonies(tmp_path / "f", 3, SEED) as loop:
        for kind in (SHARES, KEYS):
            loop.round(kind)
        loop.claim("nobody@mail.example", "0198c0de-0000-7000-8000-000000000000")
        with pytest.raises(AssertionError, match="has lost a signal"):
            loop.check()

    assert loop.told.deaths
    assert loop.told.lookups["review"]
