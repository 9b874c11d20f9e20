# SPDX-License-Identifier: Apache-2.0
"""`fedsafe`, imported once: its commands and nodes are forked from that process.

A command spends nine tenths of its time on importing, and a node as much of its start.
What is forked is a process of its own with the arguments, environment, directory and
files that it was given. It shows its arguments, runs what `python -m fedsafe_cli`
runs, ends with its status and dies of its signals; nodes that it starts itself are
forked as well. Where a test is about the start of a process, `python -m fedsafe_cli`
remains.

    python -m tests.support.ready_programme SOCKET ROOM

forks by requests to a socket, until its standard input ends. ROOM is what forked
processes write their arguments over.
"""

import atexit
import ctypes
import io
import json
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from contextvars import Context
from dataclasses import asdict, dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, Final, NoReturn

from fedsafe_cli.demo import fleet
from fedsafe_cli.demo.fleet import LOG_FILE, Process, noted

_ROOT: Final = Path(__file__).parents[2]
_ROOM: Final = "." * 32_768
_MOST: Final = 1 << 17  # octets of a request
_TYPED: Final = 1 << 15  # octets that a pipe takes before anybody reads them
_ARGUMENTS_FIELD: Final = 45  # of what follows the name in /proc/<pid>/stat
_PACKAGES: Final = (
    "fedsafe_cli",
    "fedsafe_node",
    "fedsafe_federation",
    "fedsafe_policies",
    "fedsafe_crypto",
)
_SPOKEN: Final = ("LC_ALL", "LC_CTYPE", "LANG")
"""By these a process decides once how it reads and writes text."""
_AT_START: Final = ("PYTHON", "LD_")
"""What Python and the loader look at, once."""
_USUAL: Final = {
    name: value for name, value in os.environ.items() if name.startswith(_AT_START)
}
"""That of these which was set before any test; what is ready was started with it."""
_SHELL_COMMAND: Final = """\
#!{python} -IS
import json, os, signal, socket, sys

line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
line.connect({address!r})
request = {{
    "arguments": sys.argv[1:],
    "environment": dict(os.environ),
    "directory": os.getcwd(),
}}
socket.send_fds(line, [json.dumps(request).encode()], [0, 1, 2])
pid = int(line.recv(16))
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, lambda number, _: os.kill(pid, number))
status = int(line.recv(16))
if status < 0:
    signal.signal(-status, signal.SIG_DFL)
    os.kill(os.getpid(), -status)
sys.exit(status)
"""
"""What a shell finds as `fedsafe`: it hands over its files, signals and status."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to run; a session of its own is for what outlives who asks."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    session: bool = False


class ReadyProgramme:
    """Asks the process that has imported all to fork."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="ready")
        self.address = f"{self._home.name}/s"
        self._parent = subprocess.Popen(
            [sys.executable, "-m", __spec__.name, self.address, _ROOM],
            cwd=_ROOT,
            env={
                name: value
                for name, value in os.environ.items()
                if not name.startswith(_AT_START)
            }
            | _USUAL
            | {"LC_ALL": "C.UTF-8"},
            stdin=subprocess.PIPE,  # its end is the end of who asks, however that ends
            stdout=subprocess.PIPE,
        )
        assert self._parent.stdout is not None
        assert self._parent.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """End the process; what it has forked goes on."""
        with self._parent:  # its standard input ends
            pass
        self._home.cleanup()

    def fork(self, request: Request, *files: int) -> tuple[socket.socket, int]:
        """Run it with these files as its first; give what tells its end, and its id."""
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.connect(self.address)
        sent = json.dumps(asdict(request)).encode()
        assert len(sent) <= _MOST
        socket.send_fds(line, [sent], files)
        pid = line.recv(16)
        assert pid, "nothing is forked any more"
        return line, int(pid)

    def run(self, request: Request, typed: bytes) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        with ExitStack() as stack:
            ends = [os.pipe() for _ in range(3)]
            (read, write), *outputs = ends
            stack.callback(_close, read, *(written for _, written in outputs))
            os.write(write, typed)
            os.close(write)
            line, _ = self.fork(request, read, *(written for _, written in outputs))
            stack.pop_all().close()
            with line:
                said = _read_all([reading for reading, _ in outputs])
                status = int(line.recv(16))
        return subprocess.CompletedProcess(list(request.arguments), status, *said)


def _close(*files: int) -> None:
    for file in files:
        os.close(file)


def _read_all(pipes: Sequence[int]) -> list[bytes]:
    """Read pipes to their ends, whichever has something."""
    said: dict[int, bytearray] = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select():
                part = os.read(key.fd, 1 << 16)
                said[key.fd] += part
                if not part:
                    selector.unregister(key.fd)
                    os.close(key.fd)
    return [bytes(each) for each in said.values()]


@cache
def _ready() -> ReadyProgramme:
    programme = ReadyProgramme()
    atexit.register(programme.close)
    return programme


def _can_be_forked(request: Request, typed: bytes = b"") -> bool:
    """Whether a forked process does what one of its own would do.

    That is not so where the start decides: how text is read, what Python does, and
    what of it is traced.
    """
    environment = request.environment
    spoken = next((environment[each] for each in _SPOKEN if environment.get(each)), "")
    own = {
        name: value for name, value in environment.items() if name.startswith(_AT_START)
    }
    return (
        spoken == "C.UTF-8"
        and own == _USUAL
        and "COVERAGE_PROCESS_CONFIG" not in environment
        and len(typed) <= _TYPED
        and sum(len(each.encode()) + 1 for each in request.arguments) < len(_ROOM)
    )


def run(
    arguments: Sequence[str],
    *,
    typed: bytes = b"",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run a command with *typed* on its standard input."""
    environment = os.environ if environment is None else environment
    request = Request(arguments, dict(environment), str(Path.cwd()))
    if _can_be_forked(request, typed):
        return _ready().run(request, typed)
    return subprocess.run(
        [sys.executable, "-m", "fedsafe_cli", *arguments],
        input=typed,
        capture_output=True,
        check=False,
        env=environment,
    )


def start(directory: Path) -> Process:
    """Start a node as `fedsafe_cli.demo.fleet.start` does."""
    arguments = ("node", "run", "--config", str(directory))
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    request = Request(arguments, environment, str(Path.cwd()), session=True)
    if not _can_be_forked(request):
        return fleet.start(directory)
    with (directory / LOG_FILE).open("ab") as log, Path(os.devnull).open("rb") as none:
        line, pid = _ready().fork(request, none.fileno(), log.fileno(), log.fileno())
    line.close()
    return noted(directory, pid)


def write_command(folder: Path) -> None:
    """Give a shell a `fedsafe` in this folder; its environment says LC_ALL=C.UTF-8."""
    environment = os.environ | {"LC_ALL": "C.UTF-8"}
    own = Path(sys.executable).with_name("fedsafe")
    if not _can_be_forked(Request((), environment, "")):
        (folder / "fedsafe").symlink_to(own)
        return
    text = _SHELL_COMMAND.format(python=sys.executable, address=_ready().address)
    (folder / "fedsafe").write_text(text)
    (folder / "fedsafe").chmod(0o755)


# --- the process that has imported all ---------------------------------------------


def main() -> None:
    _import_all()
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    address = sys.argv[1]
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        # What a forked command starts is asked for here too.
        asks = SimpleNamespace(DEVNULL=subprocess.DEVNULL, Popen=_nodes_at(address))
        setattr(fleet, "subprocess", asks)  # noqa: B010 - it is no part of what that exports
        os.write(1, b"ready\n")
        lines: dict[int, socket.socket] = {}
        while True:
            ready, _, _ = select.select([0, listener.fileno(), woken], [], [])
            if 0 in ready:
                return
            if listener.fileno() in ready:
                _serve(listener, lines)
            if woken in ready:
                os.read(woken, 1_024)
                _tell_ends(lines)


def _import_all() -> None:
    for package in map(import_module, _PACKAGES):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                with suppress(ImportError):  # of what is not installed here
                    import_module(found.name)
    import_module("uvloop")
    import_module("tests.support.new_tables").copy_new_tables()
    import gc  # noqa: PLC0415 - what was imported stays

    gc.collect()
    gc.freeze()


def _serve(listener: socket.socket, lines: dict[int, socket.socket]) -> None:
    line, _ = listener.accept()
    sent, files, _, _ = socket.recv_fds(line, _MOST, 3)
    if not sent:  # who asked has ended
        line.close()
        return
    pid = os.fork()
    if pid == 0:
        _become(Request(**json.loads(sent)), files)
    _close(*files)
    lines[pid] = line
    line.send(str(pid).encode())


def _tell_ends(lines: dict[int, socket.socket]) -> None:
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with lines.pop(pid) as line, suppress(OSError):  # nobody waits for a node
                line.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request: Request, files: Sequence[int]) -> NoReturn:
    """Be the process that was asked for, from here to its end."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if request.session:
            os.setsid()
        for target, source in enumerate(files):
            os.dup2(source, target)
        os.closerange(len(files), os.sysconf("SC_OPEN_MAX"))
        _open_streams()
        os.chdir(request.directory)
        os.environ.clear()
        os.environ.update(request.environment)
        time.tzset()
        tempfile.tempdir = None
        package = import_module("fedsafe_cli").__path__[0]
        sys.argv = [f"{package}/__main__.py", *request.arguments]
        _show([sys.executable, "-m", "fedsafe_cli", *request.arguments])
        status = Context().run(_run)
    except BaseException:  # noqa: BLE001 - the end of the process
        traceback.print_exc()
    finally:
        os._exit(status)


def _open_streams() -> None:
    """Open standard streams anew: whether one can be sought is asked once."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before = getattr(sys, name)
        stream = io.TextIOWrapper(
            open(number, "wb" if number else "rb", closefd=False),  # noqa: SIM115
            encoding=before.encoding,
            errors=before.errors,
            newline="\n",
            line_buffering=name == "stderr" or os.isatty(number),
            write_through=before.write_through,
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def _run() -> int:
    entry = import_module("fedsafe_cli.entry")
    try:
        status: Any = entry.main()
    except SystemExit as end:
        status = end.code
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 - as at any end
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    return int(status or 0)


def _show(arguments: Sequence[str]) -> None:
    """Let the list of processes show these arguments, as if they had been given."""
    stat = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
    begin, end = stat.rpartition(")")[2].split()[_ARGUMENTS_FIELD:][:2]
    room = int(end) - int(begin)
    told = b"".join(os.fsencode(each) + b"\0" for each in arguments)
    ctypes.memmove(int(begin), told[:room].ljust(room, b"\0"), room)


def _nodes_at(address: str) -> Callable[..., SimpleNamespace]:
    def popen(
        command: Sequence[str], *, stdout: IO[bytes], **_: object
    ) -> SimpleNamespace:  # as `fleet.start` calls it
        """Have a node forked from the process that has done nothing yet."""
        arguments = command[command.index("fedsafe_cli") + 1 :]
        request = Request(arguments, dict(os.environ), str(Path.cwd()), session=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line,
            Path(os.devnull).open("rb") as none,
        ):
            line.connect(address)
            files = (none.fileno(), stdout.fileno(), stdout.fileno())
            socket.send_fds(line, [json.dumps(asdict(request)).encode()], files)
            return SimpleNamespace(pid=int(line.recv(16)), returncode=None)

    return popen


if __name__ == "__main__":
    main()
