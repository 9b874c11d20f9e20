# SPDX-License-Identifier: Apache-2.0
"""`./run` with an environment that another Python has made."""

import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

RUN = Path(__file__).parents[2] / "run"
TEST = RUN.with_name("test")
VENV = RUN.with_name("venv.sh")
LISTED = "one==1 \\\n    --hash=sha256:00\ntwo==2 \\\n    --hash=sha256:00\n"
INSTALL = "set -eu; BIN=.venv/bin; . ./venv.sh; install_into_venv requirements.txt 0.05"
# Waits, as a download does, until it is told to go on.
FETCHES = """#!/bin/sh
case "$*" in *--editable*) exit 0 ;; esac
echo 'Collecting one==1 (from -r requirements.txt (line 1))'
read -r _ <go
echo 'Installing collected packages: one, two'
mkdir .venv/lib/python3.11/site-packages/one-1.dist-info
read -r _ <go
"""


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


@pytest.fixture
def fetching(tmp_path: Path) -> Path:
    """A directory where pip fetches and installs as slowly as it is told to."""
    shutil.copy(VENV, tmp_path / "venv.sh")
    (tmp_path / "requirements.txt").write_text(LISTED)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/lib/python3.11/site-packages/pip-26.dist-info").mkdir(
        parents=True
    )
    os.utime(tmp_path / ".venv/lib/python3.11/site-packages/pip-26.dist-info", (0, 0))
    os.mkfifo(tmp_path / "go")
    written(tmp_path / ".venv/bin/python", FETCHES)
    return tmp_path


def written(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def until(told: str, stream: IO[str]) -> str:
    heard = ""
    while told not in heard:
        more = stream.read(1)
        assert more, heard
        heard += more
    return heard


@pytest.mark.parametrize("is_terminal", [False, True])
def test_an_installation_tells_how_far_it_is(
    fetching: Path, *, is_terminal: bool
) -> None:
    ours, theirs = pty.openpty() if is_terminal else os.pipe()
    with subprocess.Popen(
        ["/bin/sh", "-c", INSTALL], cwd=fetching, stderr=theirs
    ) as done:
        os.close(theirs)
        with os.fdopen(ours, newline="") as heard:
            first = until("package 1 of 2: fetching one", heard)
            (fetching / "go").write_text("on\n")
            until("package 1 of 2: installing", heard)
            (fetching / "go").write_text("on\n")

            assert done.wait() == 0
    assert ("\r" in first) is is_terminal


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("OSError: [Errno 28] No space left on device", "make room"),
        ("WARNING: Retrying (Retry(total=4)) after connection broken", "network"),
        ("/usr/bin/python3: No module named pip", "apt install python3-venv"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "proxy or mirror"),
        ("ERROR: something else", ".venv/.install.log"),
    ],
)
@pytest.mark.parametrize("script", [RUN, TEST])
def test_an_installation_that_fails_says_why_and_the_way_out(
    tmp_path: Path, script: Path, said: str, hint: str
) -> None:
    for path in (script, VENV):
        shutil.copy(path, tmp_path / path.name)
    for name in ("requirements.txt", "requirements-dev.txt", "pyproject.toml"):
        (tmp_path / name).touch()
    makes = f"""#!/bin/sh
case "$*" in
    *venv*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    *pip*) echo "{said}" >&2; exit 1 ;;
esac
"""
    written(tmp_path / "python", makes)
    done = subprocess.run(
        [str(tmp_path / script.name), *(["--setup"] if script == TEST else [])],
        env={**os.environ, "PYTHON": str(tmp_path / "python")},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert said in done.stderr
    assert "fedsafe: error: the packages could not be installed" in done.stderr
    assert hint in done.stderr.splitlines()[-1]
    assert list((tmp_path / ".venv").glob(".*-*")) == []  # it is tried again
