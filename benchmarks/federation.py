# SPDX-License-Identifier: Apache-2.0
"""A federation of node processes on loopback, and lean HTTP lines to them.

The nodes are those of `fedsafe demo`: each its own process, founded over the
network, under the `synthetic` policy. A line keeps one connection and does as
little as it can, so that what is measured is the other end.
"""

import json
import multiprocessing
import selectors
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from fedsafe_cli.demo.fleet import find, free_ports, stop
from fedsafe_cli.demo.nodes import STAFF, DemoNode, raise_demo
from fedsafe_cli.terminal.client import Client
from fedsafe_policies.vocabulary import Role
from measuring import cpu_of

MOST_SECONDS = 600.0
SERVICE = "shop"
"""Under its credential a back-end asks, as providers are told to let it ask."""
_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Federation:
    """Running nodes; the first three are called a, b and c."""

    nodes: Sequence[DemoNode]

    @property
    def pids(self) -> list[int]:
        """The nodes' processes."""
        return [pid_of(node) for node in self.nodes]

    def cpu(self) -> float:
        """Tell the CPU seconds of all nodes together."""
        return cpu_of(self.pids)


def pid_of(node: DemoNode) -> int:
    process = find(node.directory)
    if process is None:
        raise SystemExit(f"{node.name} has ended; see its node.log")
    return process.pid


@contextmanager
def running(directory: Path, count: int = 3) -> Iterator[Federation]:
    """Bring a federation up, and down again."""
    staff = (*STAFF, (SERVICE, Role.SERVICE))
    nodes = raise_demo(directory / "f", count, staff=staff)
    try:
        yield Federation(nodes)
    finally:
        for node in nodes:
            stop(node.directory)


def post(client: Client, path: str, document: object) -> dict[str, object]:
    """Ask a node with a generous deadline."""
    answer: dict[str, object] = client.post(path, document, timeout=MOST_SECONDS)
    return answer


class Line:
    """One kept connection that sends ready requests."""

    def __init__(self, port: int, statuses: Sequence[bytes] = (b" 200",)) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = b""
        self._statuses = statuses
        self.asked = 0.0

    def send(self, request: bytes) -> None:
        """Send a request."""
        self.asked = perf_counter()
        self.socket.sendall(request)

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for its answer's body."""
        self.send(request)
        while True:
            body = self.receive()
            if body is not None:
                return body

    def receive(self) -> bytes | None:
        """Take what has come; give the body when it is whole."""
        part = self.socket.recv(65_536)
        if not part:  # a closed line is readable for ever
            raise SystemExit("the other end has closed the connection")
        self._held += part
        head, end, body = self._held.partition(_END)
        if not end:
            return None
        status, *fields = head.lower().split(b"\r\n")
        length = next(f for f in fields if f.startswith(b"content-length:"))
        if len(body) < int(length.partition(b":")[2]):
            return None
        if not any(each in status for each in self._statuses):
            raise SystemExit(f"a refusal: {self._held.decode()}")
        self._held = b""
        return body

    def close(self) -> None:
        """Close the connection."""
        self.socket.close()


def port_of(node: DemoNode) -> int:
    return int(node.url.rpartition(":")[2])


def request_of(path: str, document: object, token: str | None = None) -> bytes:
    """Make a request ready to be sent."""
    body = json.dumps(document, separators=(",", ":")).encode()
    head = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1"]
    head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    if token is not None:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*head, "", ""]).encode() + body


def swarm(
    lines: Sequence[Line],
    request: bytes,
    seconds: float,
    taken: list[float] | None = None,
) -> int:
    """Let every line ask as soon as it was answered; count the answers.

    How long each took is added to *taken*.
    """
    done, end = 0, perf_counter() + seconds
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.socket, selectors.EVENT_READ, line)
            line.send(request)
        waiting = len(lines)
        while waiting:
            for key, _ in selector.select():
                line = key.data
                if line.receive() is None:
                    continue
                done += 1
                now = perf_counter()
                if taken is not None:
                    taken.append(now - line.asked)
                if now < end:
                    line.send(request)
                else:
                    waiting -= 1
    return done


def _serve_bare(port: int, answer: bytes) -> None:
    import uvloop  # noqa: PLC0415 - only this process needs them
    from aiohttp import web  # noqa: PLC0415

    async def handle(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=answer, content_type="application/json")

    app = web.Application()
    app.router.add_post("/", handle)
    web.run_app(
        app,
        host="127.0.0.1",
        port=port,
        print=None,
        access_log=None,
        loop=uvloop.new_event_loop(),
    )


@contextmanager
def bare_handler(answer: bytes) -> Iterator[tuple[int, int]]:
    """Serve one fixed answer with aiohttp alone; give port and process."""
    (port,) = free_ports(1)
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve_bare, args=(port, answer), daemon=True)
    process.start()
    end = perf_counter() + 60
    while True:
        try:
            Line(port).close()
            break
        except ConnectionRefusedError:
            if perf_counter() > end:
                raise
    try:
        yield port, process.pid or 0
    finally:
        process.terminate()
        process.join()
