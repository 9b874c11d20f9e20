# SPDX-License-Identifier: Apache-2.0
"""CPU that the API's border adds to a lookup, beside a bare aiohttp handler.

Each server runs in a process of its own on uvloop; one client keeps a connection
and asks N times. The server's own CPU time is read before and after. The bare
handler reads the same body and answers the same bytes. The service behind the real
route answers at once, so what is left is the border: credential or socket, limits,
decoding, encoding, counting and the log line (written to /dev/null).

    python benchmarks/api_overhead.py [N]
"""

import asyncio
import http.client
import json
import multiprocessing
import os
import resource
import socket
import statistics
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

from fedsafe_node.acts.lookup import (
    LookupAnswer,
    LookupRequest,
    Result,
)
from fedsafe_node.api.ports import bind_socket
from fedsafe_node.api.server import ApiServer
from fedsafe_node.api.services import Services
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import Metrics, configure_logging

BODY = json.dumps(
    {"questions": [{"kind": "email", "value": "anna@example.de"}], "subject_ref": "u-1"}
).encode()
ANSWER = LookupAnswer(result=Result.NONE, matches=[], not_covered=[], subject_ref="u-1")
BYTES = (
    b'{"result":"none","matches":[],"not_covered":[],"subject_ref":"u-1",'
    b'"retry_after_ms":null,"reminder":null}'
)
ROUNDS = 5


@dataclass
class Instant:
    """A lookup service that answers at once."""

    async def lookup(self, request: LookupRequest, who: Principal) -> LookupAnswer:
        """Answer."""
        del request, who
        return ANSWER


def services() -> Services:
    nothing: Any = None
    return Services("a.example", Instant(), *[nothing] * 7)  # type: ignore[arg-type]


async def serve_bare(path: Path, pipe: Connection) -> None:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=BYTES, content_type="application/json")

    app = web.Application()
    app.router.add_post("/v1/lookup", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, bind_socket(path)).start()
    await answer_cpu(pipe)
    await runner.cleanup()


async def serve_api(path: Path, pipe: Connection) -> None:
    server = ApiServer(services(), metrics=Metrics())
    await server.start(socket_path=path)
    await answer_cpu(pipe)
    await server.stop()


async def answer_cpu(pipe: Connection) -> None:
    pipe.send("ready")
    while await asyncio.to_thread(pipe.recv):
        usage = resource.getrusage(resource.RUSAGE_SELF)
        pipe.send(usage.ru_utime + usage.ru_stime)


def child(name: str, path: Path, pipe: Connection) -> None:
    with Path(os.devnull).open("w", buffering=1, encoding="utf-8") as sys.stderr:
        configure_logging()
        serve = serve_bare if name == "bare" else serve_api
        uvloop.run(serve(path, pipe))


class Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("node")
        self.path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self.path))


def ask(connection: Unix, times: int) -> None:
    for _ in range(times):
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/lookup", BODY, headers)
        response = connection.getresponse()
        if response.read() != BYTES:
            raise SystemExit("the two servers do not answer the same")


def measure(name: str, times: int) -> float:
    here, there = multiprocessing.Pipe()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "node.sock"
        process = multiprocessing.Process(target=child, args=(name, path, there))
        process.start()
        here.recv()
        connection = Unix(path)
        ask(connection, times // 5)
        here.send("now")
        before = here.recv()
        ask(connection, times)
        here.send("now")
        after = here.recv()
        here.send(None)
        connection.close()
        process.join()
    return float(after - before) / times * 1e6


def main() -> None:
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    found: dict[str, list[float]] = {"bare": [], "api": []}
    for _ in range(ROUNDS):
        for name, figures in found.items():
            figures.append(measure(name, times))
    bare, api = (statistics.median(found[name]) for name in ("bare", "api"))
    print(f"bare aiohttp handler  {bare:6.1f} µs CPU a request")
    print(f"POST /v1/lookup       {api:6.1f} µs CPU a request")
    print(f"added                 {api - bare:6.1f} µs, ratio {api / bare:.2f}")


if __name__ == "__main__":
    main()
