# SPDX-License-Identifier: Apache-2.0
"""The processes of a demo: started detached, known by pid, stopped for good.

A pid alone may have been given to another program since, so a pid file also holds
the process's start time, as the kernel tells it.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import CliError, ProgrammeError
from fedsafe_policies.ground.catalogue import Phrase

PID_FILE: Final = "node.pid"
LOG_FILE: Final = "node.log"
START_TIMEOUT: Final = 30.0
STOP_TIMEOUT: Final = 15.0
_PORTS: Final = range(10_000, 32_768)
_PACE: Final = 0.02
_START_FIELD: Final = 19  # of what follows the name in /proc/<pid>/stat
_THREADS_FIELD: Final = 17  # likewise
_LOG_TAIL: Final = 2_000


@contextmanager
def ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM act like Ctrl-C, so that what was started is stopped."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that we started, here or in an earlier call."""

    pid: int
    started: str

    def alive(self) -> bool:
        """Whether it is still the same process, and running."""
        return _start_time(self.pid) == self.started


def free_ports(count: int) -> list[int]:
    """Return loopback ports that nobody listens on.

    None of those that the system gives to outgoing connections, nor one that this or
    another process has been given here and may not yet listen at.
    """
    ports: list[int] = []
    with ExitStack() as stack:
        while len(ports) < count:
            line, port = stack.enter_context(socket.socket()), secrets.choice(_PORTS)
            with suppress(OSError):
                line.bind(("127.0.0.1", port))
                _reserve(port)
                ports.append(port)
    return ports


def _reserve(port: int) -> None:
    """Let a port be nobody else's who asks here, as long as this process lives.

    Raises:
        OSError: it is somebody's.
    """
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(f"\0fedsafe-port-{port}")  # in no directory
        held.detach()  # closed at the end of the process


def find(directory: Path) -> Process | None:
    """Return the running process of a node's directory, if there is one."""
    try:
        pid, started = (directory / PID_FILE).read_text(encoding="ascii").split()
        process = Process(int(pid), started)
    except (OSError, ValueError):
        return None
    return process if process.alive() else None


def fedsafe() -> list[str]:
    """Say how to start `fedsafe` as a process that loads nothing from where it starts.

    It heeds PYTHONPATH and the user's own packages just if this process does.
    """
    isolation = "-I" if sys.flags.isolated else "-P"
    return [sys.executable, isolation, "-m", "fedsafe_cli"]


def start(directory: Path) -> Process:
    """Start a node, detached; its output goes to its log.

    Raises:
        ProgrammeError: it cannot be started.
    """
    with (directory / LOG_FILE).open("ab") as log:
        try:
            child = subprocess.Popen(  # noqa: S603 (our own module)
                [*fedsafe(), "node", "run", "--config", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        except OSError as error:
            raise ProgrammeError(
                Phrase("a node cannot be started: {why}").filled(why=error)
            ) from None
    # It outlives this process, and nothing here waits for it.
    child.returncode = 0
    return noted(directory, child.pid)


def noted(directory: Path, pid: int) -> Process:
    """Note which process runs the node of a directory."""
    process = Process(pid, _start_time(pid) or "gone")
    text = f"{process.pid} {process.started}\n"
    (directory / PID_FILE).write_text(text, encoding="ascii")
    return process


def wait_until(
    ready: Callable[[], bool],
    processes: Sequence[tuple[Path, Process]],
    what: str,
    *,
    timeout: float = START_TIMEOUT,
) -> None:
    """Ask until it is ready; stop at once if a process has ended.

    Raises:
        ProgrammeError: a process has ended, or it takes too long.
    """
    end = time.monotonic() + timeout
    while not ready():
        for directory, process in processes:
            if not process.alive():
                raise ProgrammeError(
                    Phrase("{name} has ended").filled(name=directory.name),
                    log_tail(directory),
                )
        if time.monotonic() > end:
            raise ProgrammeError(
                Phrase("{what} takes longer than {timeout} s").filled(
                    what=what, timeout=f"{timeout:g}"
                )
            )
        time.sleep(_PACE)  # the pace of asking; what counts is the answer


def answers(directory: Path) -> bool:
    """Whether the node of a directory answers."""
    client = Client(str(directory / "node.sock"), None, str(directory))
    try:
        client.get("/v1/health", timeout=2)
    except CliError:
        return False
    return True


def stop(directory: Path) -> bool:
    """Stop the node of a directory: SIGTERM, and SIGKILL if it lingers."""
    process = find(directory)
    if process is not None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if _end(process, number):
                break
    (directory / PID_FILE).unlink(missing_ok=True)
    return process is not None


def _end(process: Process, number: signal.Signals) -> bool:
    end = time.monotonic() + STOP_TIMEOUT
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return True
    while process.alive():
        if time.monotonic() > end:
            return False
        time.sleep(_PACE)
    return True


def log_tail(directory: Path) -> Phrase:
    """Return where a node's log lies and how it ends."""
    path = directory / LOG_FILE
    try:
        text = path.read_bytes()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
    except OSError:
        text = ""
    last = text.splitlines()[-1] if text else Phrase("nothing was logged")
    return Phrase("see {file}: {last}").filled(file=path, last=last)


def _start_time(pid: int) -> str | None:
    """Return when a process started; of one that ended, nothing.

    Its first thread may have ended before others, which still hold its files and locks.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    if not fields or (fields[0] in {"Z", "X"} and int(fields[_THREADS_FIELD]) <= 1):
        return None
    return fields[_START_FIELD]
