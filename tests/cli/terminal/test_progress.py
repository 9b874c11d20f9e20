# SPDX-License-Identifier: Apache-2.0
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.cli.conftest import Terminal

from fedsafe_cli.terminal.progress import CopyingBar, reading

if TYPE_CHECKING:
    from tests.cli.conftest import FakeNode, Run

IMPORT = (
    *("signal", "import", "--kind", "email", "--phenomenon", "grooming"),
    *("--surface", "public_content", "--grade", "confirmed_conduct", "--rule", "r1"),
)
Attach = Callable[[], Terminal]


@pytest.fixture
def attach(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Terminal]:
    """Make standard error a terminal, once the test has begun."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")

    def terminal() -> Terminal:
        found = Terminal()
        monkeypatch.setattr(sys, "stderr", found)
        return found

    return terminal


def test_a_bar_over_a_file_shows_how_far_it_is_read(
    attach: Attach, tmp_path: Path
) -> None:
    terminal = attach()
    file = tmp_path / "values"
    file.write_bytes(b"x" * 1_000)
    with file.open("rb") as stream, reading(stream) as advance:
        assert advance is not None
        stream.read(250)
        advance(1_000)
        stream.read()
        advance(500)

    shown = terminal.getvalue()
    assert "1,500" in shown
    assert "100%" in shown


def test_a_bar_over_rows_shows_their_pace(attach: Attach) -> None:
    terminal = attach()
    times = iter([0.0, 0.0, 2.0, 4.0])
    bar = CopyingBar(lambda: next(times))
    bar.begin("copying", 400)
    bar.advance("entries", 100)
    bar.advance("openings", 300)
    bar.stop()

    assert "openings 100/s" in terminal.getvalue()
    assert "100%" in terminal.getvalue()


def test_without_a_terminal_no_bar_over_rows_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = io.StringIO()
    monkeypatch.setattr(sys, "stderr", file)
    bar = CopyingBar(lambda: 0.0)
    bar.begin("copying", 400)
    bar.advance("entries", 400)
    bar.stop()

    assert file.getvalue() == ""


def test_a_stream_without_a_size_has_a_moving_bar(attach: Attach) -> None:
    terminal = attach()
    with reading(io.BytesIO(b"x")) as advance:
        assert advance is not None
        advance(7)

    assert "7" in terminal.getvalue()
    assert "100%" not in terminal.getvalue()


def test_nothing_read_shows_nothing(attach: Attach) -> None:
    terminal = attach()
    with reading(io.BytesIO()):
        pass

    assert not terminal.getvalue()


def test_no_bar_disturbs_results_on_the_same_terminal(
    attach: Attach, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = attach()
    monkeypatch.setattr(sys, "stdout", Terminal())
    with reading(io.BytesIO()) as advance:
        assert advance is None

    assert not terminal.getvalue()


def test_a_lookup_of_a_file_shows_its_progress(
    ask: "Run", node: "FakeNode", tmp_path: Path, attach: Attach
) -> None:
    terminal = attach()
    node.knows()
    file = tmp_path / "values"
    file.write_bytes(b"a@b.de\n" * 1_500)
    outcome = ask("lookup", "--kind", "email", "--file", str(file))

    assert outcome.status == 0
    assert len(outcome.out.splitlines()) == 1_500
    assert "1,500" in terminal.getvalue()


def test_an_import_shows_its_progress(
    ask: "Run", node: "FakeNode", attach: Attach
) -> None:
    terminal = attach()
    node.always("POST /v1/signals/import", {"signals": ["x"], "problems": []})
    outcome = ask(*IMPORT, stdin=b"a@b.de\n")

    assert outcome.status == 0
    assert "1" in terminal.getvalue()
