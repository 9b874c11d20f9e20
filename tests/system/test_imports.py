# SPDX-License-Identifier: Apache-2.0
"""An import that is killed ends as one that is not, and can be undone.

A short campaign; `python -m tests.campaigns.imports` is long.
"""

from pathlib import Path

import pytest
from tests.campaigns.imports import campaign
from tests.support.federation import federation

pytestmark = pytest.mark.timeout(300)


def test_a_killed_import_ends_as_a_whole_one_and_is_undone(tmp_path: Path) -> None:
    with federation(tmp_path / "f") as fed:
        seen = campaign(fed, tmp_path, rows=240, kills=2, seed=21)

    assert seen.faults == []
    assert seen.killed > 0
