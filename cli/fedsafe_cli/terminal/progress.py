# SPDX-License-Identifier: Apache-2.0
"""A progress bar on standard error, once there is more than a moment to wait.

Only on a terminal, and only where results do not go to the same one. `rich` is
loaded with the first advance.
"""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Advance = Callable[[int], None]


def wanted() -> bool:
    """Whether a bar would be seen and would disturb nothing."""
    return sys.stderr.isatty() and not sys.stdout.isatty()


@contextmanager
def reading(stream: BinaryIO, *, ends: bool = False) -> Iterator[Advance | None]:
    """Show how far a stream has been read, and how many values were asked.

    Where results come when it *ends*, standard output may be a terminal as well.
    """
    if not (sys.stderr.isatty() if ends else wanted()):
        yield None
        return
    bar = _ReadingBar(stream)
    try:
        yield bar.advance
    finally:
        bar.stop()


@contextmanager
def receiving() -> Iterator[Advance | None]:
    """Show how many bytes have arrived; standard output may be a terminal as well."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = _ReceivingBar()
    try:
        yield bar.advance
    finally:
        bar.stop()


class CopyingBar:
    """A bar over rows, with the pace and the time that is left.

    Standard output may be a terminal as well; without one on standard error nothing
    is shown.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._copied = 0
        self._shown: tuple[Progress, TaskID] | None = None

    def begin(self, text: str, total: int | None) -> None:
        """Begin a step; one of unknown length moves."""
        self.stop()
        self._began, self._copied = self._clock(), 0
        if sys.stderr.isatty():
            progress, task = _begin(total)
            progress.update(task, description=text)
            self._shown = progress, task

    def advance(self, text: str, count: int) -> None:
        """Show that more rows are there."""
        self._copied += count
        if self._shown is not None:
            progress, task = self._shown
            pace = self._copied / max(self._clock() - self._began, 0.001)
            progress.update(task, description=f"{text} {pace:,.0f}/s", advance=count)

    def stop(self) -> None:
        """Take the bar away."""
        if self._shown is not None:
            self._shown[0].stop()
            self._shown = None


class _ReceivingBar:
    """A moving bar with a count of bytes."""

    def __init__(self) -> None:
        self._count = 0
        self._progress, self._task = _begin(None)

    def advance(self, count: int) -> None:
        self._count += count
        self._progress.update(self._task, description=f"{self._count:,} B")

    def stop(self) -> None:
        self._progress.stop()


class _ReadingBar:
    """A bar over a file's bytes; without a size, a moving one."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._count = 0
        self._shown: tuple[Progress, TaskID] | None = None

    def advance(self, count: int) -> None:
        self._count += count
        if self._shown is None:
            self._shown = _begin(_size(self._stream))
        progress, task = self._shown
        text = f"{self._count:,}"
        if _size(self._stream) is None:
            progress.update(task, description=text)
        else:
            progress.update(task, description=text, completed=self._stream.tell())

    def stop(self) -> None:
        if self._shown is not None:
            self._shown[0].stop()


def _begin(total: int | None) -> "tuple[Progress, TaskID]":
    from rich.console import Console  # noqa: PLC0415 (slow to load)
    from rich.progress import Progress  # noqa: PLC0415

    # Results keep their way: by default the bar's console would swallow them.
    progress = Progress(
        console=Console(stderr=True), transient=True, redirect_stdout=False
    )
    task = progress.add_task("", total=total)
    progress.start()
    return progress, task


def _size(stream: BinaryIO) -> int | None:
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
