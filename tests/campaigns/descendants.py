# SPDX-License-Identifier: Apache-2.0
"""All processes that this one has started, and those that they started, and so on.

Daemons leave their parents. The kernel gives orphans to the nearest process that asked
for them (prctl(2), PR_SET_CHILD_SUBREAPER), so that nothing can run away from here.
"""

import ctypes
import os
import threading
import time
from collections import defaultdict
from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL
from typing import Final

_PR_SET_CHILD_SUBREAPER: Final = 36
_PACE: Final = 0.01
_PATIENCE: Final = 60.0


def adopt_orphans(ours: Container[int]) -> None:
    """Become the parent of all descendants whose own parent ends.

    Nobody else buries them then, and whoever waits for one of them to end would wait
    for ever; `ours` are the processes that somebody here waits for.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    threading.Thread(target=_bury, args=(ours,), daemon=True).start()


def _bury(ours: Container[int]) -> None:
    while True:
        with suppress(ChildProcessError):  # there is none, or it was buried meanwhile
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
            if ended is not None and ended.si_pid not in ours:
                os.waitpid(ended.si_pid, 0)
                continue
        time.sleep(_PACE)


def below(pids: Iterable[int]) -> list[int]:
    """List all descendants of processes."""
    children = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                children[int(stat[1])].append(int(entry.name))
    found, ahead = [], list(pids)
    while ahead:
        more = children[ahead.pop()]
        found += more
        ahead += more
    return found


def kill(pids: Iterable[int]) -> None:
    """Kill processes, and wait until none of them is left."""
    left = list(dict.fromkeys(pids))
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, SIGKILL)
    end = time.monotonic() + _PATIENCE
    while left := [pid for pid in left if _alive(pid)]:
        if time.monotonic() > end:
            raise TimeoutError(f"{left} were killed {_PATIENCE:g} s ago and still live")
        time.sleep(_PACE)


def kill_all() -> None:
    """Kill every descendant of this process, those too that are born meanwhile."""
    while pids := below([os.getpid()]):
        kill(pids)


def _alive(pid: int) -> bool:
    with suppress(
        ChildProcessError
    ):  # a child of ours, or adopted: take it off the list
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    with suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state not in ("Z", "X")
    return False
