# SPDX-License-Identifier: Apache-2.0
"""End a server when nobody uses it any more: `python janitor.py DIRECTORY`.

Who uses a server holds a shared lock on its file `users`. The kernel lets go of it
however a process ends, kill -9 included. This process waits for the lock alone, ends
the server, and removes its directory. It needs nothing but the standard library.
"""

import fcntl
import os
import select
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path

USERS = "users"
CLUSTER = "data"
PATIENCE = 10.0


def server_of(directory: Path) -> int | None:
    """Find the process that serves a directory, if it runs."""
    cluster = directory / CLUSTER
    try:
        pid = int((cluster / "postmaster.pid").read_text().splitlines()[0])
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return None
    return pid if os.fsencode(cluster) in command else None


def wait_for_end(pid: int, seconds: float) -> bool:
    """Wait until a process has ended; say whether it has."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(handle)


def main(directory: Path) -> None:
    with suppress(FileNotFoundError), (directory / USERS).open("rb") as users:
        fcntl.flock(users, fcntl.LOCK_EX)
        if pid := server_of(directory):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGQUIT)
                if not wait_for_end(pid, PATIENCE):
                    os.kill(pid, signal.SIGKILL)
                    wait_for_end(pid, PATIENCE)
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
