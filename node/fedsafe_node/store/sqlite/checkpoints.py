# SPDX-License-Identifier: Apache-2.0
"""Brings a long write-ahead log of SQLite into the file, beside the writer's thread.

To copy thousands of pages takes tens of milliseconds, and whoever waits for the writer
would wait so long. A checkpoint that is PASSIVE lets others write meanwhile, so a
thread of its own makes it, over a connection of its own. What was committed meanwhile,
a few pages, is left for the writer; then the log can begin anew.

It begins anew only with a commit of the writer, so nothing in it is written over while
the writer has not looked at it. And it begins anew only once all of it is in the file,
which nobody else sees to meanwhile: SQLite before 3.51.3 can lose pages when a log does
so just as another checkpoint begins (sqlite.org/wal.html#walresetbug).
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Thread
from typing import Final

Connect = Callable[[], sqlite3.Connection]

_COPY: Final = "PRAGMA wal_checkpoint(PASSIVE)"


class Checkpoints:
    """What copies; owned by the writer's thread.

    `_log`: the last log that was long, and `_thread`: what copies it or has done so.
    """

    def __init__(self, connect: Connect) -> None:
        """Give what opens a connection that may write."""
        self._connect = connect
        self._log = b""
        self._thread: Thread | None = None

    def is_left(self, log: bytes) -> bool:
        """Be told that a log, named by its salt, is long, and have it copied.

        Returns whether that is done, and what is left of it for the writer.
        """
        if log != self._log:
            self.wait()
            self._log = log
            self._thread = self._start()
        return self._thread is None or not self._thread.is_alive()

    def wait(self) -> None:
        """Wait until nobody copies."""
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _start(self) -> Thread | None:
        thread = Thread(target=self._copy, name="fedsafe-checkpoint", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # there can be no more threads: all is left
            return None
        return thread

    def _copy(self) -> None:
        # What was committed stays in the log, and the writer tries as well.
        with suppress(sqlite3.Error, OSError), closing(self._connect()) as connection:
            connection.execute(_COPY)
