# SPDX-License-Identifier: Apache-2.0
from pathlib import Path

from tests.drawn import ALWAYS, drawn

NAMES = [f"tests/node/test_{number}.py" for number in range(900)]


def test_a_third_is_drawn_and_another_third_by_another_seed() -> None:
    first, second = drawn(NAMES, "first"), drawn(NAMES, "second")

    assert 200 < len(first) < 400
    assert first == drawn(NAMES, "first")
    assert set(first) != set(second)


def test_every_file_is_drawn_by_some_seed() -> None:
    found = {name for seed in range(40) for name in drawn(NAMES, str(seed))}

    assert found == set(NAMES)


def test_what_told_one_python_from_another_is_always_drawn() -> None:
    for name in ALWAYS:
        assert Path(name).exists()
        assert drawn([name], "any") == [name]
