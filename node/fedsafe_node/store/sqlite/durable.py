# SPDX-License-Identifier: Apache-2.0
"""Makes the write-ahead log durable that another process left, or a failed sync.

A log may hold commits that only the page cache has: the process was killed before it
synced them, or the disk refused. Whoever opens the file sees them as committed, and
behind a gap on the disk all that is added would be lost in a power cut. To sync once
more is not enough: after a failed sync Linux takes the pages for clean, and writes
only what is written anew.

A checkpoint is no way out. It waits for readers, and where the log on the disk ends
too early its old pages would, after a power cut, hide some of the new ones that are
in the database: a mixture that never was. The same bytes at the same place hurt
nobody, at no moment.
"""

import os
from pathlib import Path
from typing import Final

from fedsafe_node.ground.key_files import sync_directory

_CHUNK: Final = 1 << 16


def make_log_durable(database: Path) -> None:
    """Write the log of a database anew, if it has one, before SQLite looks at it.

    What the disk cannot give back whole fails SQLite's checksums afterwards: then it
    is not there, for nobody.

    Raises:
        OSError: the disk refuses; what is in the log may not be built on.
    """
    real = database.resolve()  # beside which SQLite has the log
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(real.with_name(f"{real.name}-wal"), flags)
    except FileNotFoundError:
        return  # as after each orderly end
    try:
        at = 0
        while chunk := os.pread(descriptor, _CHUNK, at):
            at += os.pwrite(descriptor, chunk, at)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(real.parent)
