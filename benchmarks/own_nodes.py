# SPDX-License-Identifier: Apache-2.0
"""Nodes without a federation, on the embedded store or a server, in several processes.

They are under the `synthetic` policy, as those of `fedsafe demo`, and run in the
foreground of a process that this one starts and ends.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

from fedsafe_cli.demo.fleet import answers, free_ports
from fedsafe_cli.demo.nodes import STAFF, make_shown
from fedsafe_cli.terminal.client import Client
from fedsafe_policies.vocabulary import Role
from measuring import tree_of

_LATEST = 120.0  # seconds until a node has to answer
_PACE = 0.02


@dataclass(slots=True)
class OwnNode:
    """A node of this process."""

    directory: Path
    port: int
    workers: int
    _process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def pid(self) -> int:
        """The process that was started; workers are its children."""
        return self._process.pid if self._process else 0

    def worker_pids(self) -> list[int]:
        """The processes that answer, in the order of their numbers."""
        return sorted(tree_of([self.pid])[1:]) or [self.pid]

    def start(self) -> None:
        """Start it, and wait until all of it answers."""
        several = [f"--workers={self.workers}"] if self.workers > 1 else []
        command = [sys.executable, "-m", "fedsafe_cli", "node", "run", *several]
        output = self.directory.with_suffix(".log")
        with output.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--config", str(self.directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        end = perf_counter() + _LATEST
        while not self._answers(output):
            if self._process.poll() is not None or perf_counter() > end:
                raise SystemExit(
                    f"{self.directory.name}: {output.read_text()[-2_000:]}"
                )
            sleep(_PACE)

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(_LATEST)
            self._process = None

    def token(self, person: str) -> str:
        """Return a person's credential."""
        path = self.directory.parent / "credentials" / self.directory.name
        return (path / f"{person}.key").read_text(encoding="ascii").strip()

    def client(self, person: str) -> Client:
        """Return a client over the Unix socket, with a person's credential."""
        address = str(self.directory / "node.sock")
        return Client(address, self.token(person), str(self.directory))

    def _answers(self, output: Path) -> bool:
        if self.workers > 1 and "all workers ready" not in output.read_text():
            return False
        return answers(self.directory)


@contextmanager
def made(
    directory: Path,
    store: str | None,
    workers: int,
    more: tuple[tuple[str, Role], ...] = (),
) -> Iterator[OwnNode]:
    """Make a node and run it; *store* is the URL of a migrated database.

    Besides the usual people *more* have credentials, such as a service.
    """
    (port,) = free_ports(1)
    make_shown(directory, port, store=store, staff=(*STAFF, *more))
    node = OwnNode(directory, port, workers)
    try:
        node.start()
        yield node
    finally:
        node.stop()
