# SPDX-License-Identifier: Apache-2.0
"""`./run` with an environment that another Python has made."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"
TEST = RUN.with_name("test")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with a `.venv` whose programmes are there."""
    shutil.copy(RUN, tmp_path / "run")
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "pyproject.toml").touch()
    programmes = tmp_path / ".venv" / "bin"
    programmes.mkdir(parents=True)
    (programmes / "fedsafe").write_text("#!/bin/sh\n")
    (programmes / "fedsafe").chmod(0o755)
    return tmp_path


def start(clone: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(clone / "run"), "--once"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_python_that_is_gone_is_named_as_the_cause(clone: Path) -> None:
    (clone / ".venv/bin/python").symlink_to(clone / "gone")
    done = start(clone)

    assert done.returncode == 2
    assert "the Python that made .venv is not here any more" in done.stderr
    assert "python3-venv" not in done.stderr


def test_another_python_is_named_as_the_cause(clone: Path) -> None:
    other = clone / ".venv/bin/python"
    other.write_text("#!/bin/sh\necho 3.99\n")
    other.chmod(0o755)
    done = start(clone)

    assert done.returncode == 2
    assert ".venv was made by Python 3.99" in done.stderr
    assert "PYTHON=python3.99" in done.stderr
    assert (clone / ".venv/bin/fedsafe").exists()  # nothing was deleted


def test_the_tests_say_that_their_environment_takes_a_while(tmp_path: Path) -> None:
    shutil.copy(TEST, tmp_path / "test")
    (tmp_path / "requirements-dev.txt").touch()
    (tmp_path / "pyproject.toml").touch()
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\n[ "$1" != -m ]\n')
    python.chmod(0o755)
    done = subprocess.run(
        [str(tmp_path / "test"), "--setup"],
        env={**os.environ, "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("Making .venv; this takes a minute or two, once.\n")
