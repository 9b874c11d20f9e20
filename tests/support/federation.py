# SPDX-License-Identifier: Apache-2.0
"""A real federation for the system tests: processes, sockets, disks, signals.

What `fedsafe demo up` makes, with calls to its nodes that show the bare status and
body of every answer, and with the means to kill a node and to start it again.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final
from urllib.parse import urlsplit

from tests.support import ready_programme
from tests.support.commands import command_of

from fedsafe_cli.demo.fleet import Process, answers, find, stop
from fedsafe_cli.demo.nodes import DemoNode, load_demo

PATIENCE: Final = 20.0
_ROOT: Final = Path(__file__).parents[2]
_PACE: Final = 0.02
_SLOWER: Final = 0.1
_SLOWEST: Final = 0.25
_TIMEOUT: Final = 60.0
_ACTOR: Final = {
    "phenomenon": "grooming",
    "surface": "public_content",
    "grade": "confirmed_conduct",
    "provenance": "own_finding",
    "rule": "tos-4.2",
    "findings": ["adult"],
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came over the line; `raw` is head and body."""

    status: int
    body: Any
    raw: bytes = field(repr=False)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Caller:
    """Calls one node: a person over TCP, the local service over the Unix socket.

    `heard` is told of every answer.
    """

    node: DemoNode
    token: str | None = field(default=None, repr=False)
    heard: Callable[[Answer], None] = field(default=lambda _: None, repr=False)

    def get(self, target: str, *, timeout: float = _TIMEOUT) -> Answer:
        return self.send("GET", target, None, timeout=timeout)

    def post(
        self,
        target: str,
        document: object = None,
        *,
        key: str | None = None,
        timeout: float = _TIMEOUT,
    ) -> Answer:
        body = None if document is None else json.dumps(document).encode()
        return self.send("POST", target, body, key=key, timeout=timeout)

    def send(  # noqa: PLR0913 - the parts of a request
        self,
        method: str,
        target: str,
        body: bytes | None,
        *,
        key: str | None = None,
        content_type: str = "application/json",
        timeout: float = _TIMEOUT,
    ) -> Answer:
        headers = {} if body is None else {"Content-Type": content_type}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if key is not None:
            headers["Idempotency-Key"] = key
        line = self._line(timeout)
        try:
            line.request(method, target, body, headers)
            response = line.getresponse()
            raw = response.read()
            head = "".join(
                f"{name}: {value}\n" for name, value in response.getheaders()
            )
        finally:
            line.close()
        answer = Answer(response.status, _decoded(raw), head.encode() + b"\n" + raw)
        self.heard(answer)
        return answer

    def _line(self, timeout: float) -> http.client.HTTPConnection:
        if self.token is None:
            return _UnixConnection(str(self.node.directory / "node.sock"), timeout)
        address = urlsplit(self.node.url)
        return http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=timeout
        )


def _decoded(raw: bytes) -> Any:  # noqa: ANN401 - the tests look into it where it arrives
    try:
        return json.loads(raw)
    except ValueError:
        return None


class Federation:
    """The nodes of one demo directory."""

    def __init__(self, root: Path, count: int = 3) -> None:
        self.root = root
        self.starter: Callable[[Path], Process] = ready_programme.start
        self.printed: list[bytes] = []
        self.heard: list[Answer] = []
        self.ran: set[str] = set()
        up = self.fedsafe(
            "demo", "up", "--dir", str(root), "--nodes", str(count), "--json"
        )
        assert up.returncode == 0, up.stderr.decode()
        self.nodes = load_demo(root)

    @property
    def a(self) -> DemoNode:
        return self.nodes[0]

    @property
    def b(self) -> DemoNode:
        return self.nodes[1]

    @property
    def c(self) -> DemoNode:
        return self.nodes[2]

    def caller(self, node: DemoNode, person: str | None = None) -> Caller:
        token = None
        if person is not None:
            path = self.root / "credentials" / node.name / f"{person}.key"
            token = path.read_text(encoding="ascii").strip()
        return Caller(node, token, self.heard.append)

    def fedsafe(
        self,
        *arguments: str,
        node: DemoNode | None = None,
        person: str | None = None,
        typed: bytes = b"",
        **environment: str,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the command line, with *typed* on its standard input."""
        self.ran.add(command_of(arguments))
        where = [] if node is None else ["--config", node.dir]
        if node is not None and person is not None:
            key = self.root / "credentials" / node.name / f"{person}.key"
            where += ["--credential", str(key)]
        done = ready_programme.run(
            [*arguments, *where],
            typed=typed,
            environment=os.environ | {"LC_ALL": "C.UTF-8"} | environment,
        )
        self.printed += [done.stdout, done.stderr]
        return done

    def propose(
        self, node: DemoNode, abouts: Sequence[dict[str, str]], **facts: object
    ) -> list[str]:
        """Let anna record signals; return their ids."""
        removed = time.strftime("%Y-%m-%d", time.gmtime())
        signals = [
            _ACTOR
            | {"scope": "federation", "removed_on": removed, "about": about}
            | facts
            for about in abouts
        ]
        answer = self.caller(node, "anna").post(
            "/v1/signals/import", {"signals": signals}
        )
        assert (answer.status, answer.body["problems"]) == (200, [])
        return list(answer.body["signals"])

    def publish(self, node: DemoNode, abouts: Sequence[dict[str, str]]) -> list[str]:
        """Let anna record and ben approve; return the signals' ids."""
        drafts = self.propose(node, abouts)
        ben = self.caller(node, "ben")
        answer = ben.post("/v1/signals/approve", {"signals": drafts})
        assert (answer.status, answer.body["approved"]) == (200, drafts)
        return drafts

    def lookup(self, node: DemoNode, about: dict[str, str], **more: object) -> Answer:
        """Ask as the node's local service."""
        return self.caller(node).post("/v1/lookup", {"questions": [about]} | more)

    def caught_up(self) -> bool:
        """Whether every node holds all of every other node's feed."""
        states = [self.caller(node).get("/v1/status").body for node in self.nodes]
        sizes = {state["node"]: state["feed_size"] for state in states}
        return all(
            peer["covered"] and peer["cursor"] == sizes[peer["name"]]
            for state in states
            for peer in state["peers"]
        )

    def listens(self, node: DemoNode) -> bool:
        """Whether a node answers, be it that it is not well."""
        try:
            self.caller(node).get("/v1/health", timeout=2)
        except (OSError, http.client.HTTPException):
            return False
        return True

    def kill(self, node: DemoNode) -> None:
        """Kill a node without warning, and wait until it is gone."""
        process = find(node.directory)
        assert process is not None
        os.kill(process.pid, SIGKILL)
        until(lambda: not process.alive(), f"the end of {node.name}")

    def start(self, *nodes: DemoNode, patience: float = PATIENCE) -> None:
        """Start nodes, and wait until they answer."""
        processes = {node.name: self.starter(node.directory) for node in nodes}
        for node in nodes:
            process = processes[node.name]
            until(
                lambda node=node, process=process: (  # type: ignore[misc]
                    answers(node.directory) or not process.alive()
                ),
                f"the start of {node.name}",
                patience=patience,
            )
            assert process.alive(), f"{node.name} does not start"

    @contextmanager
    def lying(self, node: DemoNode, how: str) -> Iterator[None]:
        """Let an evil programme (`lying_node`) take the place of a node for a while."""
        self.kill(node)
        with subprocess.Popen(
            [sys.executable, "-m", "tests.support.lying_node", node.dir, how],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as liar:
            try:
                until(lambda: answers(node.directory), "the start of the liar")
                yield
            finally:
                liar.kill()
                liar.wait()
                self.start(node)

    def stop(self) -> None:
        for node in self.nodes:
            stop(node.directory)

    def copy(self, node: DemoNode, target: Path) -> Path:
        """Copy a node's whole directory, as it lies there at this moment."""
        shutil.copytree(
            node.directory, target, ignore=shutil.ignore_patterns("node.sock")
        )
        return target


@contextmanager
def federation(root: Path, count: int = 3) -> Iterator[Federation]:
    """Raise a federation, and stop it whatever happens."""
    raised = Federation(root, count)
    try:
        yield raised
    finally:
        raised.stop()


def until(
    ready: Callable[[], bool],
    what: str,
    *,
    patience: float = PATIENCE,
    pace: float = _PACE,
) -> float:
    """Ask until it is so; return how many seconds that took."""
    begin = time.monotonic()
    while not ready():
        waited = time.monotonic() - begin
        if waited > patience:
            raise AssertionError(f"{what} takes longer than {patience:g} s")
        # The pace of asking; what counts is the answer. To ask costs nodes more than
        # what they are waited for, so who has waited long asks less often.
        time.sleep(max(pace, min(waited * _SLOWER, _SLOWEST)))
    return time.monotonic() - begin
