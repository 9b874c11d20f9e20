# SPDX-License-Identifier: Apache-2.0
"""One node runs out of one directory: a copy of it on another machine is noticed.

Two that run out of copies would each make keys that the other lacks, and tell peers and
people things that the other does not know. A lock file sees only its own machine. So
every session that writes holds a lock on the server, shared by all of one directory of
one running system; whoever finds one of another directory lets go and is refused. What
the lock says is in no file: so a directory may be moved once the node is stopped, and a
machine that is lost holds nothing once the server has missed it.

It looks after it has taken its own: of two that come at once one sees the other, or
both do.
"""

import platform
import sqlite3
import time
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # the driver, which a node with the embedded store has not
    from fedsafe_node.store.postgresql.connection import Raw

_BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
_CLASS: Final = 0x666564  # of the locks with two numbers
_GRACE: Final = 2.0  # seconds in which a session that was ended is still there
_PAUSE: Final = 0.1
_HOLD: Final = f"SELECT pg_advisory_lock_shared({_CLASS}, $1::int4)".encode()
_OTHERS: Final = (
    "SELECT coalesce(host(a.client_addr), 'a socket') FROM pg_locks l "  # noqa: S608 - our own words
    "JOIN pg_database d ON d.oid = l.database "
    "LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 "
    f"AND l.classid = {_CLASS} AND l.objid <> $1::int4::oid "
    "AND d.datname = current_database() ORDER BY 1 LIMIT 1"
).encode()


class ElsewhereError(sqlite3.OperationalError):
    """The node runs out of another directory; from where it is connected."""

    def __init__(self, address: str) -> None:
        super().__init__(f"the node runs elsewhere too, connected over {address}")
        self.address = address


def instance_of(directory: Path) -> int | None:
    """Name a directory of this running system; None if it is not there."""
    try:
        place = directory.stat()
    except OSError:
        return None
    try:
        system = _BOOT.read_bytes()
    except OSError:  # not Linux
        system = platform.node().encode()
    named = b"%b %d %d" % (system, place.st_dev, place.st_ino)
    return int.from_bytes(sha256(named).digest()[:4]) >> 1


def hold_instance(raw: "Raw", instance: int) -> None:
    """Keep copies of a directory away for as long as this session lives.

    Raises:
        ElsewhereError: a node runs out of another one.
        psycopg.Error: no server answers.
    """
    raw.execute(_HOLD, (instance,))
    until = time.monotonic() + _GRACE
    while (other := raw.execute(_OTHERS, (instance,)).fetchone()) is not None:
        if time.monotonic() > until:
            raise ElsewhereError(str(other[0]))
        time.sleep(_PAUSE)
