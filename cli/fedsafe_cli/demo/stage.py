# SPDX-License-Identifier: Apache-2.0
"""The stage of the story: a directory of its own, as long as the story lives.

The living story holds a lock on the directory, which ends with its process however
that ends. Nodes that run without a living story are either those of a story that
was killed, which the next one clears, or of `fedsafe demo up`, which it leaves
alone; `MARK` tells the two apart.
"""

import fcntl
import os
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Final

from fedsafe_cli.demo.fleet import Process, find, log_tail, stop
from fedsafe_cli.demo.nodes import MARK, load_demo
from fedsafe_cli.terminal.errors import (
    ProgrammeError,
    SettingsError,
    WrongStateError,
)
from fedsafe_cli.terminal.settings import printable
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.system_reasons import reason_of

_PACE: Final = 0.5


@contextmanager
def stage(directory: Path) -> Iterator[None]:
    """Take the directory for a story and clear it of an earlier one.

    Raises:
        WrongStateError: a demo runs in it.
        SettingsError: it cannot be made or opened, or holds something else.
    """
    root = directory.absolute()
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        why = reason_of(error)
        raise SettingsError(
            Phrase("{directory}: {why}").filled(
                directory=printable(str(directory)), why=why
            )
        ) from None
    try:
        _lock(descriptor, directory)
        _clear(root, directory)
        yield
    finally:
        os.close(descriptor)


def watch(
    running: Sequence[tuple[Path, Process | None]],
    pause: Callable[[float], object] | None = None,
) -> None:
    """Wait until a node ends, which it should not.

    Raises:
        ProgrammeError: one has ended.
    """
    pause = pause or Event().wait
    while True:
        check(running)
        pause(_PACE)


def check(running: Sequence[tuple[Path, Process | None]]) -> None:
    """Say so if a node has ended.

    Raises:
        ProgrammeError: one has.
    """
    for directory, process in running:
        if process is None or not process.alive():
            raise ProgrammeError(
                Phrase("{name} has ended, so this demo ends").filled(
                    name=directory.name
                ),
                Phrase("`fedsafe demo down` does that; else {directory}").filled(
                    directory=log_tail(directory)
                ),
            )


def _lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _runs(directory) from None


def _clear(root: Path, directory: Path) -> None:
    nodes = load_demo(root)
    killed = (root / MARK).exists()
    if not killed and any(find(node.directory) for node in nodes):
        raise _runs(directory)
    for node in nodes:
        stop(node.directory)
    if not nodes and not killed and any(root.iterdir()):
        raise SettingsError(
            Phrase("{root} is not empty and holds no demo").filled(root=root)
        )
    # The directory itself stays: it carries the lock.
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    (root / MARK).touch()


def _runs(directory: Path) -> WrongStateError:
    where = shlex.quote(str(directory))
    return WrongStateError(
        Phrase("a demo runs in {directory}").filled(
            directory=printable(str(directory))
        ),
        Phrase("stop it first: `fedsafe demo down --dir {where}`").filled(where=where),
    )
