# SPDX-License-Identifier: Apache-2.0
"""The page of promises is current, and no promise loses its tests unnoticed."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.conftest import pytest_collection_modifyitems
from tests.promises import (
    MARK,
    PAGE,
    ROOT,
    Chapter,
    Promise,
    find_faults,
    read_marks,
    read_promises,
    write_page,
)

LONE: Final = "tests/node/rights/test_requests.py"
"""Of the tests in it one alone shows LR-18."""
LAST: Final = "test_a_corrected_signal_takes_the_place_of_the_old_one"
LINE: Final = '@pytest.mark.promise("LR-18")\n'
MADE_UP: Final = "LR-99"


def without_its_mark(text: str) -> str:
    return text.replace(LINE, "")


def under_another_name(text: str) -> str:
    return text.replace(LAST, f"{LAST}_again")


def of_a_promise_that_is_none(text: str) -> str:
    return text.replace(LINE, LINE.replace("LR-18", MADE_UP))


def which_is_none_any_more(text: str) -> str:
    return text.replace(f"def {LAST}", f"def {LAST.removeprefix('test_')}")


def test_promises_and_marks_fit() -> None:
    assert find_faults(read_promises(), read_marks()) == []


def test_the_page_is_current() -> None:
    """Renew it with `python -m tests.promises > docs/reference/promises.md`."""
    assert PAGE.read_text() == write_page(read_promises(), read_marks())


def test_each_promise_is_one_sentence_with_its_source() -> None:
    for chapter in read_promises():
        for promise in chapter.promises:
            assert promise.says.endswith("."), promise.id
            assert promise.source, promise.id
            assert promise.applies, promise.id


@pytest.mark.parametrize(
    ("breaking", "said"),
    [
        (without_its_mark, "LR-18: no test shows it; mark one, or name the gap"),
        (under_another_name, None),
        (of_a_promise_that_is_none, f"::{LAST}: {MADE_UP} is in no promises.toml"),
        (which_is_none_any_more, f"{LONE}: a mark is on something else than a test"),
    ],
)
def test_a_test_that_is_broken_on_purpose_shows(
    tmp_path: Path, breaking: Callable[[str], str], said: str | None
) -> None:
    text = (ROOT / LONE).read_text()
    broken = breaking(text)
    copy = tmp_path / "root"
    for file in {test.file for test in read_marks().tests}:
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        (copy / file).write_text(broken if file == LONE else (ROOT / file).read_text())
    marks, chapters = read_marks(copy), read_promises()
    faults = find_faults(chapters, marks)

    assert text != broken
    assert PAGE.read_text() != write_page(chapters, marks)
    if said is None:
        assert faults == []
    else:
        assert any(said in fault for fault in faults), faults


def test_a_gap_that_a_test_shows_is_no_gap() -> None:
    marks = read_marks()
    shown = Promise("LR-18", "x.", "s", "a", gap="not built")
    both = Promise("LR-19", "x.", "s", "a", gap="not built", missing="much")
    lost = Promise("LR-98", "x.", "s", "a", missing="much")
    faults = find_faults([Chapter("t", "a", (shown, both, lost))], marks)

    assert "LR-18: a test shows it, so it is no gap; say what is missing" in faults
    assert "LR-19: it has both a gap and something missing" in faults
    assert "LR-98: no test shows it; mark one, or name the gap" in faults


@pytest.mark.parametrize(
    ("ids", "named"), [(("LR-18", MADE_UP), MADE_UP), ((), "no id")]
)
def test_an_unknown_mark_ends_the_collection(
    request: pytest.FixtureRequest, ids: tuple[str, ...], named: str
) -> None:
    item = request.node
    item.add_marker(getattr(pytest.mark, MARK)(*ids))

    with pytest.raises(pytest.UsageError, match=f"{named} is no promise of"):
        pytest_collection_modifyitems(request.config, [item])
