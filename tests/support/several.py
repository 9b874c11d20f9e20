# SPDX-License-Identifier: Apache-2.0
"""A node that runs as several processes, as its operator starts it."""

import asyncio
import http.client
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from tests.support.databases import Preparing
from tests.support.fleet import STAFF, config_of

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.app.init import create_node
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place, load_config
from fedsafe_node.ground.store_settings import Storage
from fedsafe_policies.vocabulary import Role

NAME = "a.demo"
PATIENCE = 120.0
PACE = 0.02
_NUMBER = b"--number="


def eventually(condition: Callable[[], object]) -> None:
    """Wait until a condition holds; other processes make it so, and tell nobody."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(PACE)


@dataclass(frozen=True, slots=True)
class Made:
    """A node whose store is on a server, and the credentials of its staff."""

    place: Place
    credentials: Mapping[str, str]


@contextmanager
def made_on(databases: Preparing, root: Path) -> Iterator[Made]:
    """Make a node with an empty store."""
    prepared = databases.borrow()
    yield make(root, store=Storage(prepared.node))
    databases.give_back(prepared)


def make(root: Path, name: str = NAME, *, store: Storage | None = None) -> Made:
    """Make a node, whose store is in its directory unless it is somewhere else."""
    place, (port,) = Place(root / name.partition(".")[0]), free_ports(1)
    created = asyncio.run(
        create_node(
            place,
            msgspec.structs.replace(config_of(name, port), store=store),
            custody_private=root / f"{name}.custody.key",
            staff=(*STAFF, ("shop", Role.SERVICE), ("audit", Role.AUDITOR)),
            clock=SystemClock(),
        )
    )
    return Made(place, created.credentials)


class Running:
    """Processes of a node, and the one that started them; its output is in a file."""

    def __init__(self, place: Place, count: int, *, output: str = "output") -> None:
        self.place = place
        self.output = place.directory.with_name(output)
        command = [sys.executable, "-m", "fedsafe_cli", "node", "run"]
        with self.output.open("wb") as file:
            self.process = subprocess.Popen(
                [*command, "--config", str(place.directory), "--workers", str(count)],
                stderr=file,
            )

    @property
    def log(self) -> str:
        return self.output.read_text()

    def workers(self) -> list[int]:
        """Give the processes that the parent has started."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]

    def numbers(self) -> dict[int, int]:
        """Give the processes that the parent has started, by their numbers."""
        found: dict[int, int] = {}
        for pid in self.workers():
            with suppress(OSError):  # it has just ended
                told = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                given = [each for each in told if each.startswith(_NUMBER)]
                found |= {int(each.removeprefix(_NUMBER)): pid for each in given}
        return found

    def are_ready(self) -> bool:
        return "all workers ready" in self.log

    def who_answers(self, *, local: bool = False) -> str | None:
        """Ask over TCP or the Unix socket; give the name of who answers."""
        listen = load_config(self.place).listen
        line = http.client.HTTPConnection(listen.host, listen.port, timeout=10)
        try:
            if local:
                line.sock = socket.socket(socket.AF_UNIX)
                line.sock.connect(str(self.place.socket))
            line.request("GET", "/v1/health")
            answer = line.getresponse()
            answer.read()
            return answer.headers["X-Request-Id"].partition("-")[0]
        except OSError:
            return None
        finally:
            line.close()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)
