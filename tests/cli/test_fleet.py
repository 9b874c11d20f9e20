# SPDX-License-Identifier: Apache-2.0
"""Processes of nodes, as they start and end."""

import subprocess
import sys
from pathlib import Path

from tests.system.federation import until

from fedsafe_cli.fleet import noted

_ENDS_BY_PARTS = """
import ctypes, os, sys, threading

threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0))).start()
ctypes.CDLL(None).pthread_exit(None)
"""


def test_a_process_lives_until_its_last_thread_has_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _ENDS_BY_PARTS], stdin=subprocess.PIPE
    ) as child:
        process = noted(tmp_path, child.pid)
        status = Path(f"/proc/{child.pid}/stat")
        until(lambda: ") Z " in status.read_text(), "the end of its first thread")
        lived = process.alive()
        assert child.stdin is not None
        child.stdin.close()

        assert lived
        until(lambda: not process.alive(), "the end of its last thread")
