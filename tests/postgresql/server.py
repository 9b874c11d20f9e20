# SPDX-License-Identifier: Apache-2.0
"""A throw-away PostgreSQL server that can be stopped, killed and started again.

It ends, and its directory goes, with the last process that holds it (see `janitor`).
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from psycopg.pq import PGconn, Ping
from tests.postgresql.databases import Databases
from tests.postgresql.installation import Account, Installation, NoServerError
from tests.postgresql.janitor import CLUSTER, server_of, wait_for_end

LOG: Final = "log"
TIMEOUT: Final = 50.0
_PACE: Final = 0.01


@dataclass(eq=False, kw_only=True)
class Server(Databases):
    """A server whose directory this process holds until `leave` or `close`.

    `janitor` and `process` are ours if we made it and started it.
    """

    installation: Installation
    account: Account | None
    users: IO[bytes] = field(repr=False)
    janitor: "subprocess.Popen[bytes] | None" = None
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start it on its port, and wait until it answers.

        Raises:
            NoServerError: it has ended, or it takes too long.
        """
        if self.runs():
            raise RuntimeError("the server runs already")
        try:
            self.process = self._launch()
        except OSError as error:
            raise NoServerError(f"PostgreSQL cannot be run: {error}") from None
        end = time.monotonic() + TIMEOUT
        while PGconn.ping(self.url().encode()) != Ping.OK:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(_PACE)  # the pace of asking; the answer counts
                raise NoServerError(f"PostgreSQL ended at its start: {self._told()}")
            if time.monotonic() > end:
                raise NoServerError(f"PostgreSQL does not answer: {self._told()}")

    def stop(self) -> None:
        """End it as an operator does, with all that it knows written to disk."""
        if pid := server_of(self.directory):
            os.kill(pid, signal.SIGINT)
        self._see_off(pid)

    def kill(self) -> None:
        """Kill it and all its children (-9): none of them can clear up."""
        if pid := server_of(self.directory):
            os.kill(pid, signal.SIGSTOP)  # no child is born from now on
            while children := list(_children(pid)):
                for child in children:
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)
                for child in children:
                    wait_for_end(child, TIMEOUT)
            os.kill(pid, signal.SIGKILL)
        self._see_off(pid)

    def restart(self) -> None:
        """Stop it, and start it on the same port."""
        self.stop()
        self.start()

    def runs(self) -> bool:
        """Whether its process is there."""
        return server_of(self.directory) is not None

    def log(self) -> str:
        """Return all that it has written to its log."""
        return (self.directory / LOG).read_text(errors="replace")

    def leave(self) -> None:
        """Let go of it; it ends when nobody holds it any more."""
        self.users.close()
        for process in (self.process, self.janitor):
            if process is not None:
                process.returncode = 0  # it outlives this process

    def close(self) -> None:
        """Let go of it as the only one who holds it; wait until it is gone."""
        self.users.close()
        if self.janitor is not None:
            self.janitor.wait(TIMEOUT)
        if self.process is not None:
            self.process.wait(TIMEOUT)

    def _launch(self) -> "subprocess.Popen[bytes]":
        with (self.directory / LOG).open("ab") as log:
            return subprocess.Popen(
                [
                    self.installation.programs / "postgres",
                    "-D",
                    self.directory / CLUSTER,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C is for the tests
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            )

    def _see_off(self, pid: int | None) -> None:
        if self.process is not None:
            self.process.wait(TIMEOUT)
        elif pid is not None and not wait_for_end(pid, TIMEOUT):
            raise TimeoutError("the server does not end")

    def _told(self) -> str:
        return self.log().strip()[-500:]


def _children(pid: int) -> Iterator[int]:
    """List the children of a process that still live."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                yield int(stat.parent.name)
