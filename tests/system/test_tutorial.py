# SPDX-License-Identifier: Apache-2.0
"""The shell blocks of a tutorial do what its text says, word for word.

Only the ports are others, so that several runs have room on one machine.
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from signal import SIGTERM

import pytest
from tests.support.ready_programme import write_command

from fedsafe_cli.demo.fleet import free_ports

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial/four-providers.md"
_PORT = re.compile(r"\b1847[1-4]\b")
_PATIENCE = 540


@pytest.fixture
def ready(source: Path) -> Path:
    """Give the same, with a `fedsafe` that has been imported already.

    The other test here goes by the one that is installed.
    """
    (source / ".venv").unlink()
    place = source / ".venv/bin"
    place.mkdir(parents=True)
    write_command(place)
    python = place / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    return source


@pytest.fixture
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a directory like that of the source; end what was left running in it.

    Its name is short: nodes have Unix sockets there.
    """
    place = tmp_path_factory.mktemp("t")
    (place / ".venv").symlink_to(Path(sys.prefix))
    yield place
    for file in place.glob("providers/*.pid"):
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text()), SIGTERM)


def _script() -> str:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    text = "\n".join(blocks)
    named = sorted(set(_PORT.findall(text)))
    for old, new in zip(named, free_ports(len(named)), strict=True):
        text = text.replace(old, str(new))
    return f"set -eu\n{text}"


def test_four_providers_come_together_and_apart_word_for_word(ready: Path) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    with (ready / "told").open("wb") as told:
        done = subprocess.run(
            [bash, "-c", _script()],
            cwd=ready,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            check=False,
            timeout=_PATIENCE,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )
    said = (ready / "told").read_text()

    assert done.returncode == 0, said[-4_000:]
    assert not (ready / "providers").exists()
    for change in (
        "becomes a member",
        "is suspended",
        "takes part again",
        "is no member any more",
    ):
        assert f"violet.demo {change}" in said


def test_a_provider_whose_port_is_taken_says_so(source: Path) -> None:
    bash, blocks = shutil.which("bash"), _script().split("\nmake red")
    assert bash is not None
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [bash, "-c", f"{blocks[0]}\nmake red {port}"],
            cwd=source,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    assert done.returncode == 1
    assert "red does not run" in done.stderr
    assert f"port {port}" in done.stderr
