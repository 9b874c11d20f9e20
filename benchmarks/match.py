# SPDX-License-Identifier: Apache-2.0
"""Measure digests in columns, and single questions about files, at one node.

A node process on loopback, under the credential of a service, with own bans of files
in its index. What is asked in turn: bodies of 10,000 SHA-256 digests as MessagePack
and as JSON, none of which is listed, or ten; pictures, alone and in eight orientations;
one digest by many callers, beside a bare aiohttp handler that reads and answers as
many bytes. Bodies are made before, so CPU is the node's alone, and a core is a second
of it. Then lookups at a fixed rate, alone and beside bodies without end: how long they
wait; and beside bodies of pictures that many listed ones are near to.

    python benchmarks/match.py [--listed 5000] [--callers 64] [--seconds 3] [--rate 100]
                               [--slow-rate 10] [--near 500] [--only-beside]
"""

import argparse
import json
import multiprocessing
import os
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import chain, cycle
from multiprocessing.synchronize import Event
from pathlib import Path
from time import perf_counter, sleep

import msgspec

from federation import SERVICE, Line, bare_handler, post, request_of, swarm
from fedsafe_policies.vocabulary import Role
from measuring import (
    Figures,
    Row,
    Work,
    cpu_of,
    interleave,
    once,
    parser,
    percentile,
    report,
    waited,
)
from own_nodes import OwnNode, made

DIGESTS = 10_000
PICTURES = 1_000
HITS = 10
BODIES = 4
PIECE = 1_000
NEAR_ASKED = 60
PACKED = "application/vnd.msgpack"
ONE = "one digest"
BARE = "bare aiohttp handler"
WHY = {"purpose": "media_matching", "surface": "public_content"}


def body(kind: str, digests: bytes, orientations: int = 1) -> dict[str, object]:
    column = {"kind": kind, "digests": digests, "orientations": orientations}
    return {**WHY, "columns": [column]}


def packed(document: dict[str, object], token: str) -> bytes:
    """Make a request of MessagePack ready to be sent."""
    data = msgspec.msgpack.encode(document)
    head = [
        "POST /v1/match HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {PACKED}",
        f"Content-Length: {len(data)}",
        f"Authorization: Bearer {token}",
    ]
    return "\r\n".join([*head, "", ""]).encode() + data


def plain(document: dict[str, object], token: str) -> bytes:
    """Make a request of JSON ready to be sent, as msgspec writes bytes: base64."""
    found = msgspec.to_builtins(document, builtin_types=(bytes,))
    for column in found["columns"]:
        column["digests"] = b64encode(column["digests"]).decode()
    return request_of("/v1/match", found, token)


def list_files(node: OwnNode, count: int) -> list[bytes]:
    """List files as own bans; give their digests."""
    digests = [os.urandom(32) for _ in range(count)]
    list_digests(node, "sha256", digests)
    return digests


def list_digests(node: OwnNode, kind: str, digests: list[bytes]) -> None:
    fields = {
        "phenomenon": "abuse_depiction",
        "surface": "public_content",
        "grade": "confirmed_media",
        "rule": "tos-4.2",
    }
    client = node.client("anna")
    for start in range(0, len(digests), PIECE):
        signals = [
            {"about": {"kind": kind, "value": digest.hex()}, **fields}
            for digest in digests[start : start + PIECE]
        ]
        post(client, "/v1/signals/import", {"signals": signals})


def with_hits(listed: list[bytes], hits: int) -> bytes:
    """Draw a column of digests, so many of them listed."""
    drawn = [os.urandom(32) for _ in range(DIGESTS - hits)]
    step = DIGESTS // max(1, hits)
    for number in range(hits):
        drawn.insert(number * step, listed[number])
    return b"".join(drawn)


def asking(line: Line, requests: list[bytes], reviews: int) -> Callable[[], None]:
    """Send one request after the other, and check what is answered."""
    turns = cycle(requests)

    def ask() -> None:
        request = next(turns)
        answer = line.ask(request)
        is_packed = PACKED.encode() in request[:300]
        read = msgspec.msgpack.decode if is_packed else msgspec.json.decode
        (column,) = read(answer)["columns"]
        if column["review"] != reviews:
            raise SystemExit(f"{column['review']} reviews, {reviews} expected")

    return ask


def bodies(node: OwnNode, stack: ExitStack, listed: list[bytes]) -> dict[str, Work]:
    token = node.token(SERVICE)
    line = stack.enter_context(closing(Line(node.port)))
    works: dict[str, Work] = {}
    for form, write in (("MessagePack", packed), ("JSON", plain)):
        for hits in (0, HITS):
            requests = [
                write(body("sha256", with_hits(listed, hits)), token)
                for _ in range(BODIES)
            ]
            name = f"{form}, {hits} of {DIGESTS:,} hit"
            works[name] = once(asking(line, requests, hits), DIGESTS)
    for orientations in (1, 8):
        digests = os.urandom(32 * PICTURES)
        request = packed(body("pdq", digests, orientations), token)
        name = f"{PICTURES:,} digests of pictures, {orientations} each"
        works[name] = once(asking(line, [request], 0), PICTURES)
    return works


def singles(
    node: OwnNode, stack: ExitStack, options: argparse.Namespace
) -> tuple[dict[str, Work], int]:
    """Ask about one digest at a time; give the bare handler's process too."""
    question = {"kind": "sha256", "value": "00" * 32}
    asked = {"questions": [question], **WHY}
    token, seconds = node.token(SERVICE), options.seconds
    request = request_of("/v1/lookup", asked, token)
    lines = [
        stack.enter_context(closing(Line(node.port))) for _ in range(options.callers)
    ]
    answer = lines[0].ask(request)
    if json.loads(answer)["result"] != "none":
        raise SystemExit(f"not ready: {answer.decode()}")
    port, pid = stack.enter_context(bare_handler(answer))
    bare = request_of("/", asked, token)
    others = [stack.enter_context(closing(Line(port))) for _ in range(options.callers)]
    works: dict[str, Work] = {
        f"{ONE}, {options.callers} callers": lambda: swarm(lines, request, seconds),
        f"{BARE}, {options.callers} callers": lambda: swarm(others, bare, seconds),
    }
    return works, pid


# --- lookups beside -------------------------------------------------------------------


def ask_without_end(port: int, request: bytes, ends: Event) -> None:
    with closing(Line(port)) as line:
        while not ends.is_set():
            line.ask(request)


@contextmanager
def beside(port: int, request: bytes) -> Iterator[None]:
    """Have bodies asked by another process meanwhile."""
    context = multiprocessing.get_context("spawn")
    ends = context.Event()
    arguments = (port, request, ends)
    process = context.Process(target=ask_without_end, args=arguments, daemon=True)
    process.start()
    sleep(1)  # it loads
    try:
        yield
    finally:
        ends.set()
        process.join(10)
        process.kill()


def waits(node: OwnNode, options: argparse.Namespace) -> list[float]:
    """Ask at a fixed rate; tell how long each waited from when it was due."""
    asked = {"questions": [{"kind": "sha256", "value": "00" * 32}], **WHY}
    request = request_of("/v1/lookup", asked, node.token(SERVICE))
    found: list[float] = []
    with closing(Line(node.port)) as line:
        due, end = perf_counter(), perf_counter() + 2 * options.seconds
        while due < end:
            if (early := due - perf_counter()) > 0:
                sleep(early)
            line.ask(request)
            found.append(perf_counter() - due)
            due += 1 / options.rate
    return found


def near_pictures(count: int) -> list[bytes]:
    """Draw pictures each of which is near to all others."""
    middle = int.from_bytes(os.urandom(32))
    changes = [{each % 256 for each in os.urandom(8)} for _ in range(count)]
    return [(middle ^ sum(1 << bit for bit in bits)).to_bytes(32) for bits in changes]


def side_by_side(
    node: OwnNode,
    options: argparse.Namespace,
    beside_what: str,
    asked: dict[str, object],
) -> list[Row]:
    request = packed(asked, node.token(SERVICE))
    alone: list[list[float]] = []
    crowded: list[list[float]] = []
    for number in range(options.rounds + 1):
        first = waits(node, options)
        with beside(node.port, request):
            second = waits(node, options)
        if number:
            alone.append(first)
            crowded.append(second)
    ratios = [
        percentile(more, 0.99) / percentile(less, 0.99)
        for less, more in zip(alone, crowded, strict=True)
    ]
    return [
        {"lookups at a fixed rate": "alone", **waited([*chain(*alone)])},
        {
            "lookups at a fixed rate": f"beside {beside_what}",
            **waited([*chain(*crowded)]),
            "longest ms": round(max(chain(*crowded)) * 1e3, 1),
            "p99 to alone": round(sorted(ratios)[len(ratios) // 2], 2),
        },
    ]


# --- all ------------------------------------------------------------------------------


def measure(directory: Path, options: argparse.Namespace) -> list[Row]:
    with ExitStack() as stack:
        shop = ((SERVICE, Role.SERVICE),)
        node = stack.enter_context(made(directory / "a.demo", None, 1, shop))
        listed = list_files(node, options.listed)
        table = [] if options.only_beside else alone(node, stack, listed, options)
        exact = body("sha256", os.urandom(32 * DIGESTS))
        table += side_by_side(node, options, "bodies", exact)
        near = near_pictures(options.near + NEAR_ASKED)
        list_digests(node, "pdq", near[NEAR_ASKED:])
        crowded = body("pdq", b"".join(near[:NEAR_ASKED]))
        name = f"{NEAR_ASKED} pictures near to {options.near} listed"
        options.rate = options.slow_rate  # whoever waits asks no more meanwhile
        table += side_by_side(node, options, name, crowded)
    return table


def alone(
    node: OwnNode, stack: ExitStack, listed: list[bytes], options: argparse.Namespace
) -> list[Row]:
    columns = bodies(node, stack, listed)
    found = interleave(columns, options.rounds, cpu=lambda: cpu_of([node.pid]))
    table = [_column_row(name, took) for name, took in found.items()]
    works, bare = singles(node, stack, options)
    pids = [node.pid, bare]
    one, other = interleave(works, options.rounds, cpu=lambda: cpu_of(pids)).items()
    return [*table, *(_single_row(*each, other[1]) for each in (one, other))]


def _column_row(name: str, took: Figures) -> Row:
    return {
        "columns": name,
        "digests a second": round(took.rate),
        "a second and core": round(1 / took.cpu),
        "CPU µs a digest": round(took.cpu * 1e6, 2),
    }


def _single_row(name: str, took: Figures, bare: Figures) -> Row:
    return {
        "questions": name,
        "per second": round(took.rate),
        "CPU µs each": round(took.cpu * 1e6),
        "of the bare handler": round(bare.cpu / took.cpu, 3),
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--listed", type=int, default=5_000, help="files in the index")
    options.add_argument("--callers", type=int, default=64)
    options.add_argument("--seconds", type=float, default=3.0, help="of each a round")
    options.add_argument("--rate", type=float, default=100.0, help="lookups a second")
    options.add_argument(
        "--slow-rate", type=float, default=10.0, help="beside pictures"
    )
    options.add_argument("--near", type=int, default=500, help="pictures in a cluster")
    options.add_argument("--only-beside", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.dir) as directory:
        table = measure(Path(directory), chosen)
    report(table, chosen, listed=chosen.listed)


if __name__ == "__main__":
    main()
