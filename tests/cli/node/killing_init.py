# SPDX-License-Identifier: Apache-2.0
"""Run a command that kills itself (SIGKILL) at a step of what it does to the outside.

A step is a change of a file or directory, or a statement to a server. With a step that
does not come, the command ends by itself and says how many there were.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[3]
_CHILD: Final = """
import os, signal, sys

left = int(sys.argv.pop(1))
began = left
changes = {"os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir", "os.chmod"}
writes = os.O_WRONLY | os.O_RDWR

def step():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

def seen(event, args):
    if event in changes or (event == "open" and args[2] & writes):
        step()

def counted(function):
    def call(*args, **kwargs):
        step()
        result = function(*args, **kwargs)
        step()
        return result
    return call

import psycopg
from fedsafe_cli.main import main
import fedsafe_cli.node.node_factory

psycopg.Connection.execute = counted(psycopg.Connection.execute)
psycopg.RawCursor.execute = counted(psycopg.RawCursor.execute)
sys.addaudithook(seen)
try:
    sys.exit(main())
finally:
    print(f"steps: {began - left}", file=sys.stderr)
"""


def killed_at(step: int, words: Sequence[str]) -> int | None:
    """Run a command until a step; the number of steps if it ended before."""
    command = [sys.executable, "-c", _CHILD, str(step), *words]
    ended = subprocess.run(
        command, cwd=_ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    if ended.returncode == -9:
        return None
    assert ended.returncode == 0, ended.stderr
    return int(ended.stderr.rpartition("steps: ")[2])
