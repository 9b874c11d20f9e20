# SPDX-License-Identifier: Apache-2.0
"""What failed in a whole run passes alone, or the run has failed."""

import json
from pathlib import Path

import pytest

from tests.alone import FAILED, MOST, main


def failed(directory: Path, body: str, names: list[str]) -> None:
    (directory / "test_it.py").write_text(f"def test_it():\n    {body}\n")
    kept = directory / FAILED
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps(dict.fromkeys(names, True)))


@pytest.mark.parametrize(("body", "ends"), [("pass", 0), ("assert False", 1)])
def test_what_failed_has_to_pass_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    body: str,
    ends: int,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # they start slowly
    failed(tmp_path, body, ["test_it.py::test_it"])

    assert main() == ends
    told = "to be mended: test_it.py::test_it" in capfd.readouterr().err
    assert told == (ends == 0)


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_much_that_failed_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.chdir(tmp_path)
    failed(tmp_path, "pass", [f"test_it.py::test_{each}" for each in range(count)])

    assert main() == 1
