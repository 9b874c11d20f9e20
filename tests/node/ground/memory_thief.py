# SPDX-License-Identifier: Apache-2.0
"""Take the memory of processes of its own user: `memory_thief.py TARGETS`.

Starts each command of the JSON object TARGETS and waits until its output holds a text.
As their ancestor it may trace them wherever the system restricts that to children
(yama). Says in JSON what each way in gave: `taken`, or the name of the error.
"""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 60.0
PACE = 0.02
_ATTACH, _DETACH = 16, 17
_WALL = 0x40000000  # also those that are not our own children
_NOWHERE = 0x10000
_LIBC = ctypes.CDLL(None, use_errno=True)


class _Piece(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


def _checked(result: int) -> None:
    if result < 0:
        raise OSError(ctypes.get_errno(), "refused")


def attach(pid: int) -> None:
    """Trace it, as a debugger does."""
    _LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_long, ctypes.c_long]
    _checked(_LIBC.ptrace(_ATTACH, pid, 0, 0))
    os.waitpid(pid, _WALL)
    _checked(_LIBC.ptrace(_DETACH, pid, 0, 0))


def somewhere_in(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/maps").read_text().partition("-")[0], 16)
    except OSError:
        return _NOWHERE


def copy(pid: int) -> None:
    """Copy from it by process_vm_readv(2)."""
    into = ctypes.create_string_buffer(16)
    here = _Piece(ctypes.addressof(into), 16)
    there = _Piece(somewhere_in(pid), 16)
    call = _LIBC.process_vm_readv
    call.restype = ctypes.c_ssize_t
    _checked(call(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


def read_file(pid: int) -> None:
    """Read it as a file."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as file:
        file.seek(somewhere_in(pid))
        file.read(16)


def read_environment(pid: int) -> None:
    """Read its environment, and more."""
    for name in ("environ", "auxv", "maps"):
        Path(f"/proc/{pid}/{name}").read_bytes()


def take_file(pid: int) -> None:
    """Take a file or a socket that it has open (pidfd_getfd(2))."""
    number = 438  # the same on all machines
    held = os.pidfd_open(pid)
    try:
        found = _LIBC.syscall(number, held, 1, 0)
        _checked(found)
        os.close(found)
    finally:
        os.close(held)


WAYS: tuple[Callable[[int], None], ...] = (
    attach,
    copy,
    read_file,
    read_environment,
    take_file,
)


def tried(way: Callable[[int], None], pid: int) -> str:
    try:
        way(pid)
    except OSError as error:
        return "taken" if error.errno is None else os.strerror(error.errno)
    return "taken"


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    targets = json.loads(sys.argv[1])
    told = {name: robbed(name, **target) for name, target in targets.items()}
    sys.stdout.write(json.dumps(told))


def robbed(name: str, command: list[str], ready: str) -> dict[str, object]:
    output = Path(f"{name}.output")
    with output.open("wb") as file:
        target = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=file, stderr=file
        )
    try:
        wait_for(output, ready, target)
        children = Path(f"/proc/{target.pid}/task/{target.pid}/children").read_text()
        pids = [target.pid, *map(int, children.split())]
        found = [{way.__name__: tried(way, pid) for way in WAYS} for pid in pids]
        limits = [Path(f"/proc/{pid}/limits").read_text() for pid in pids]
        target.send_signal(signal.SIGABRT)
        _, status = os.waitpid(target.pid, 0)
        target.returncode = status
    finally:
        if target.returncode is None:
            target.kill()
    cores = [
        line.split()[4:6]
        for each in limits
        for line in each.splitlines()
        if line.startswith("Max core file size")
    ]
    left = [path.name for path in Path.cwd().glob("core*")]
    return {
        "ways": found,
        "dumped": os.WCOREDUMP(status) or left != [],
        "limits": cores,
    }


def wait_for(output: Path, ready: str, target: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + PATIENCE
    while ready not in output.read_text():
        if target.poll() is not None or time.monotonic() > end:
            sys.exit(f"not ready: {output.read_text()}")
        time.sleep(PACE)


if __name__ == "__main__":
    main()
