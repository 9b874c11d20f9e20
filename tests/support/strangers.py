# SPDX-License-Identifier: Apache-2.0
"""Strangers without a key, who hold many connections to a node and hammer it.

    python -m tests.support.strangers PORT --each 100 --ways ask stall silent

Runs until its standard input ends, then prints how many answers of each status came.
What it asks is taken from the route table: every route that is open to strangers, and
those for members, badly signed in a member's name. Traffic goes to loopback only.
"""

import argparse
import asyncio
import json
import re
import resource
import selectors
import socket
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final, TextIO, get_args, get_origin

import msgspec

from fedsafe_federation.wire.signed import Signed
from fedsafe_federation.wire.wireformat import encode
from fedsafe_node.api.auth import Auth
from fedsafe_node.api.route import Route
from fedsafe_node.api.routes import ROUTES

OPEN: Final = frozenset({Auth.OPEN, Auth.STATEMENT})
WAYS: Final = ("ask", "large", "stall", "silent", "half", "connect")
MEMBER: Final = "a.demo"
_TICK: Final = 0.05
_HALF_HEAD: Final = b"GET /v1/attestation HTTP/1.1\r\nHost: node\r\nX-Slow: "
_WORDS: Final[dict[object, object]] = {int: 0, bytes: b"", str: "x", bool: False}


def open_routes() -> list[Route]:
    """Give every route that somebody without a key can ask."""
    return [route for route in ROUTES if route.auth in OPEN]


def statement(type_: str = "evaluation.request", size: int = 3) -> Signed:
    """Give a statement that a member has not signed, in its name."""
    return Signed(type_, MEMBER, b"{}" + b" " * (size - 2), bytes(64))


def body_of(route: Route) -> bytes:
    """Make the body of a request that fits as far as a stranger can make it fit."""
    if route.body is None:
        return b""
    return b"x" if route.body is bytes else encode(_example(route.body))


def _example(type_: object) -> object:
    while get_origin(type_) is Annotated:
        type_ = get_args(type_)[0]
    if type_ is Signed:
        return statement()
    if get_origin(type_) is list:
        return []
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        fields = [each for each in msgspec.structs.fields(type_) if each.required]
        return {each.encode_name: _example(each.type) for each in fields}
    return _WORDS.get(type_, "x")


def head_of(route: Route, length: int) -> bytes:
    """Write the head of a request to a route."""
    path = re.sub(r"{\w+}", "b.demo", route.path)
    lines = [f"{route.method} {path} HTTP/1.1", "Host: node"]
    if route.body is not None:
        lines += [
            f"Content-Type: {route.takes or 'application/json'}",
            f"Content-Length: {length}",
        ]
    if route.auth is Auth.PEER:
        lines += [
            "Fedsafe-Destination: b.demo",
            f"Content-Digest: sha-256=:{'A' * 43}=:",
            'Signature-Input: fedsafe=("@method");created=1;keyid="a.demo";nonce="x"',
            f"Signature: fedsafe=:{'A' * 86}==:",
        ]
    return "\r\n".join([*lines, "", ""]).encode()


def requests_of(way: str, routes: Sequence[Route]) -> list[bytes]:
    """Write what one connection sends to each route, in one of the ways."""
    with_body = [route for route in routes if route.body is not None]
    match way:
        case "ask":
            sent = [(route, body_of(route)) for route in routes]
            return [head_of(route, len(body)) + body for route, body in sent]
        case "large":
            return [
                head_of(route, route.limit) + b"[" + b" " * (route.limit - 1)
                for route in with_body
            ]
        case "stall":
            return [
                head_of(route, route.limit) + b"[" + b" " * (route.limit // 2)
                for route in with_body
            ]
        case "half":
            return [_HALF_HEAD]
        case _:  # to say nothing
            return [b""]


@dataclass(slots=True, eq=False)
class Line:
    """One connection: what it sends again and again, and what has come back."""

    sent: bytes
    again: bool
    sock: socket.socket = field(init=False)
    left: memoryview = field(init=False)
    heard: bytearray = field(init=False)
    head: int = -1

    def open(self, port: int) -> None:
        """Connect anew."""
        self.sock = socket.socket()
        self.sock.settimeout(0)
        self.sock.connect_ex(("127.0.0.1", port))
        self.begin()

    def begin(self) -> None:
        """Send from the beginning."""
        self.left, self.heard, self.head = memoryview(self.sent), bytearray(), -1

    def take(self, data: bytes) -> str | None:
        """Take bytes; give the status of an answer that is whole."""
        self.heard += data
        if self.head < 0:
            self.head = self.heard.find(b"\r\n\r\n")
        if self.head < 0:
            return None
        head = bytes(self.heard[: self.head]).lower()
        length = int(head.partition(b"content-length: ")[2].split(b"\r")[0] or 0)
        if len(self.heard) < self.head + 4 + length:
            return None
        return head[9:12].decode()


class Crowd:
    """All connections, each opened again when it is closed."""

    def __init__(self, port: int, lines: Sequence[Line]) -> None:
        self._port = port
        self._selector = selectors.DefaultSelector()
        self.counts: Counter[str] = Counter()
        for line in lines:
            self._open(line)

    def run(self, until: TextIO) -> None:
        """Hammer until *until* can be read."""
        self._selector.register(until, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select(_TICK):
                if key.fileobj is until:
                    return
                self._serve(key.data, events)

    def _open(self, line: Line) -> None:
        line.open(self._port)
        events = selectors.EVENT_READ | selectors.EVENT_WRITE
        self._selector.register(line.sock, events, line)

    def _again(self, line: Line, why: str) -> None:
        self.counts[why] += 1
        self._selector.unregister(line.sock)
        line.sock.close()
        self._open(line)

    def _serve(self, line: Line, events: int) -> None:
        try:
            if events & selectors.EVENT_WRITE:
                self._write(line)
            if events & selectors.EVENT_READ:
                self._read(line)
        except BlockingIOError:
            return
        except OSError:
            self._again(line, "broken")

    def _write(self, line: Line) -> None:
        if line.left:
            line.left = line.left[line.sock.send(line.left) :]
        if not line.left:
            self.counts["sent"] += 1
            if line.again:  # of those that only connect, and connect again
                self._again(line, "connected")
                return
            self._selector.modify(line.sock, selectors.EVENT_READ, line)

    def _read(self, line: Line) -> None:
        if not (data := line.sock.recv(65_536)):
            self._again(line, "closed")
        elif (status := line.take(data)) is not None:
            self.counts[status] += 1
            line.begin()
            events = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(line.sock, events, line)


@asynccontextmanager
async def hammered(
    port: int, ways: Sequence[str], each: int, routes: Sequence[str] = ()
) -> AsyncIterator[dict[str, int]]:
    """Have a node hammered by another process; in the end tell what came back."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.strangers", str(port)),
        *("--each", str(each), "--ways", *ways, "--routes", *routes),
        stdin=PIPE,
        stdout=PIPE,
    )
    counts: dict[str, int] = {}
    told, heard = process.stdin, process.stdout
    assert told is not None
    assert heard is not None
    try:
        assert await heard.readline() == b"{}\n"
        yield counts
    finally:
        told.close()
        counts |= json.loads(await heard.readline())
        await process.wait()


def lines_of(ways: Sequence[str], each: int, routes: Sequence[Route]) -> Iterator[Line]:
    """Make as many connections as there are to be to each route, in all ways."""
    for way in ways:
        for sent in requests_of(way, routes):
            yield from (Line(sent, way == "connect") for _ in range(each))


def main() -> None:
    """Hammer a node until the standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--each", type=int, default=100)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=["ask"])
    parser.add_argument("--routes", nargs="*", default=None, metavar="NAME")
    given = parser.parse_args()
    named = [
        route
        for route in (ROUTES if given.routes else open_routes())
        if not given.routes or route.name in given.routes
    ]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd(given.port, list(lines_of(given.ways, given.each, named)))
    sys.stdout.write("{}\n")
    sys.stdout.flush()
    crowd.run(sys.stdin)
    sys.stdout.write(json.dumps(crowd.counts) + "\n")


if __name__ == "__main__":
    main()
