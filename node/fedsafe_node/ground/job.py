# SPDX-License-Identifier: Apache-2.0
"""What a node does again and again, and for whom the next of it waits."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto


class Lane(Enum):
    """For whom jobs wait; those of one lane run one after the other."""

    HERE = auto()
    MEMBERS = auto()
    PARTNERS = auto()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again, and in which lane.

    `is_own` says that it is about what a process has in its own memory: of the
    processes of one node each does it (`app.worker_loop`), all else only the one that
    leads.
    """

    work: Callable[[], Awaitable[None]]
    every: timedelta
    lane: Lane = Lane.HERE
    is_own: bool = False
