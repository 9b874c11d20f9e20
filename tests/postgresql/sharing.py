# SPDX-License-Identifier: Apache-2.0
"""One server of each version for all processes of a run.

The first process that asks makes it and leaves a note in the run's own directory;
the others hold the same one.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgresql.databases import Databases
from tests.postgresql.installation import Installation
from tests.postgresql.making import attach, make
from tests.postgresql.server import Server


@contextmanager
def shared(base: Path, installation: Installation) -> Iterator[Databases]:
    """Hold the server of the run whose directory is `base`.

    Raises:
        NoServerError: none can be started here.
    """
    note = base / f"postgresql-{installation.major}.json"
    with note.with_suffix(".lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = _noted(note, installation) or _begin(note, installation)
    try:
        yield server
    finally:
        server.leave()


def _noted(note: Path, installation: Installation) -> Server | None:
    try:
        told = json.loads(note.read_text())
    except FileNotFoundError:
        return None
    told["directory"] = Path(told["directory"])
    return attach(Databases(**told), installation)


def _begin(note: Path, installation: Installation) -> Server:
    server = make(installation)
    try:
        server.start()
    except BaseException:
        server.close()
        raise
    told = {
        "major": server.major,
        "directory": str(server.directory),
        "port": server.port,
        "password": server.password,
    }
    note.touch(mode=0o600)
    note.write_text(json.dumps(told))
    return server
