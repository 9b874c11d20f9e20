# SPDX-License-Identifier: Apache-2.0
import json
import sys

import pytest
from tests.cli.conftest import Terminal

from fedsafe_cli.terminal.output import document, harmless, pairs, table

ROWS = [("a.demo", "\x1b[31mred\x07"), ("b.demo", None), ("c.demo", "[bold]x")]


def test_a_table_is_aligned_text(capsys: pytest.CaptureFixture[str]) -> None:
    table(("name", "state"), ROWS)

    assert capsys.readouterr().out == (
        "name    state\na.demo  �[31mred�\nb.demo\nc.demo  [bold]x\n"
    )


def test_a_terminal_gets_a_drawn_table_without_foreign_controls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    table(("name", "state"), ROWS)

    drawn = terminal.getvalue()
    assert "─" in drawn
    assert "�[31mred�" in drawn
    assert "[bold]x" in drawn


def test_a_table_without_rows_is_its_heading(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table(("name", "state"), [])

    assert capsys.readouterr().out == "name  state\n"


def test_missing_values_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    pairs([("name", "x"), ("gone", None)], indent="")
    pairs([])

    assert capsys.readouterr().out == "name  x\n"


def test_a_value_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    forged = "x\nthreshold  1 of 9\r\x1b[2J\u202e"
    pairs([("policy", forged), ("threshold", "2 of 3")], indent="")
    table(["name"], [["a\nb.demo"]])
    document({"policy": forged})

    shown = capsys.readouterr().out
    first, second, *rest = shown.split("\n")
    assert first == "policy     x↵ threshold  1 of 9��[2J�"
    assert second == "threshold  2 of 3"
    assert rest[:2] == ["name", "a↵ b.demo"]
    written = "\n".join(rest[2:])
    assert written.replace("\n", "").isprintable()
    assert json.loads(written) == {"policy": forged}


def test_lines_may_break_and_nothing_else() -> None:
    assert harmless("a\nb\r\u202e") == "a\nb��"
