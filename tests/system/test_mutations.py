# SPDX-License-Identifier: Apache-2.0
"""Eighty changes to a node's directory: each is found and named, none crashes it.

The long version is `tests.campaigns.mutations`.
"""

from pathlib import Path

import pytest
from tests.campaigns.mutations import run
from tests.support.change_reports import Judgement

pytestmark = pytest.mark.timeout(180)  # eighty starts, one after the other

SEED = 20_261_124
COUNT = 50


@pytest.mark.promise("TM-06")
async def test_whatever_is_changed_in_a_directory_is_found(tmp_path: Path) -> None:
    judged = [each async for each in run(tmp_path, range(COUNT), SEED)]
    wrong = [str(each) for each in judged if each.is_wrong]
    found = [each for each in judged if each.outcome == "found"]

    assert wrong == []
    assert len(found) > COUNT * 3 // 4
    assert len({kind_of(each) for each in found}) > 10


def kind_of(judgement: Judgement) -> str:
    """Return what was done, without to which table or file."""
    words = judgement.change.what.partition(" (")[0].split()
    return " ".join(word for word in words if word.isalpha())
