# SPDX-License-Identifier: Apache-2.0
from collections.abc import Iterator

import pytest
from tests.support.outside_kills import CHANGES, Rounds, rounds

SEED = 23
MERGES = 3


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rounds]:
    with rounds(tmp_path_factory.mktemp("killed"), SEED) as made:
        yield made


@pytest.mark.timeout(180)
@pytest.mark.parametrize("change", CHANGES)
def test_a_killed_change_of_the_outside_key_leaves_nothing_half(
    killed: Rounds, change: str
) -> None:
    killed.change(change)

    assert killed.ends[change] == 1


@pytest.mark.timeout(180)
def test_a_merge_of_pictures_that_is_killed_loses_none(killed: Rounds) -> None:
    for _ in range(MERGES):
        killed.merge()

    assert killed.ends["pictures"] > MERGES
