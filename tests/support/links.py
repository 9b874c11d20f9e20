# SPDX-License-Identifier: Apache-2.0
"""The links between nodes, each a proxy that can be made to fail.

Every node is reached at the port of its proxy, which reads a request whole and knows
from its signature who asks. So a fault can be of one direction between two members.

| fault | what happens to a request |
|---|---|
| `lost` | the line breaks before the request arrives |
| `unanswered` | it arrives, and the line breaks before the answer does |
| `delayed` | it arrives late, so that later ones overtake it |
| `doubled` | it arrives twice |
| `replayed` | an earlier request of the same link arrives as well |
| `cut` | half of the answer arrives, as if it were whole |
| `broken` | half of the answer arrives, and then the line breaks |
| `flipped` | one bit of the answer is another one |
| `swollen` | the answer goes on with more than any answer may have |
| `dripping` | the answer comes in drops, and would never end |
"""

import asyncio
import contextlib
import re
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random  # noqa: TID251 - a seeded generator, to repeat a run
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, web
from multidict import CIMultiDict

FAULTS: Final = (
    "lost",
    "unanswered",
    "delayed",
    "doubled",
    "replayed",
    "cut",
    "broken",
    "flipped",
    "swollen",
    "dripping",
)
LATEST: Final = 0.4
"""Seconds that a delayed request is late, at most."""
_MOST: Final = 64 << 20
_SWOLLEN: Final = bytes(5 << 20)
_DROPS: Final = 30
_DROP_SECONDS: Final = 0.05
_KEY: Final = re.compile(rb'keyid="([^"]{1,100})"')
_SIGNER: Final = re.compile(rb'"signer":"([^"]{1,100})"')
_HOP: Final = {"connection", "transfer-encoding", "content-length", "keep-alive"}


@dataclass(frozen=True, slots=True)
class Weather:
    """What befalls requests: *share* of them a fault, all on a link that is *closed*.

    A link is named by who asks and who is asked.
    """

    share: float = 0.0
    faults: tuple[str, ...] = FAULTS
    closed: Collection[tuple[str, str]] = ()


CALM: Final = Weather()


@dataclass(slots=True)
class _Request:
    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes


@dataclass(slots=True)
class _Answered:
    status: int
    headers: CIMultiDict[str]
    body: bytes


@dataclass(slots=True)
class Links:
    """The proxies of all nodes; *ports* gives the node behind each.

    The weather may be changed from any thread.
    """

    random: Random
    ports: Mapping[str, tuple[int, int]]
    """By node: the port of its proxy, and its own."""
    weather: Weather = CALM
    count: Counter[str] = field(default_factory=Counter)
    """How many requests met which fault."""
    _before: dict[tuple[str, str], deque[_Request]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=8))
    )

    async def serve(self, ready: Callable[[], None], end: Awaitable[None]) -> None:
        """Serve until *end*."""
        timeout = ClientTimeout(total=70)
        async with (
            ClientSession(
                timeout=timeout, cookie_jar=DummyCookieJar(), auto_decompress=False
            ) as session,
            contextlib.AsyncExitStack() as stack,
        ):
            for node, (port, behind) in self.ports.items():
                app = web.Application(client_max_size=_MOST)
                handler = _handler(self, session, node, behind)
                app.router.add_route("*", "/{tail:.*}", handler)
                runner = web.AppRunner(app, access_log=None, handle_signals=False)
                await runner.setup()
                stack.push_async_callback(runner.cleanup)
                await web.TCPSite(runner, "127.0.0.1", port).start()
            ready()
            await end

    def draw(self, link: tuple[str, str]) -> str:
        """Say what befalls the next request of a link; nothing if it is empty."""
        weather = self.weather
        if link in weather.closed:
            return "lost"
        if not link[0] or self.random.random() >= weather.share:
            return ""
        return self.random.choice(weather.faults)

    def earlier(self, link: tuple[str, str], request: _Request) -> _Request | None:
        """Give an earlier request of a link, and remember this one."""
        known = self._before[link]
        found = self.random.choice(list(known)) if known else None
        known.append(request)
        return found


def _handler(
    links: Links, session: ClientSession, node: str, port: int
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def forward(request: _Request) -> _Answered:
        async with session.request(
            request.method,
            f"http://127.0.0.1:{port}{request.target}",
            headers=request.headers,
            data=request.body or None,
            allow_redirects=False,
        ) as answer:
            headers = CIMultiDict(
                (name, value)
                for name, value in answer.headers.items()
                if name.lower() not in _HOP
            )
            return _Answered(answer.status, headers, await answer.read())

    async def handle(incoming: web.Request) -> web.StreamResponse:
        request = _Request(
            incoming.method,
            incoming.raw_path,
            CIMultiDict(
                (name, value)
                for name, value in incoming.headers.items()
                if name.lower() not in _HOP
            ),
            await incoming.read(),
        )
        link = _asker(request), node
        fault, earlier = links.draw(link), links.earlier(link, request)
        if fault:
            links.count[fault] += 1
        if fault == "lost":
            return _gone(incoming)
        if fault == "delayed":
            await asyncio.sleep(links.random.uniform(0, LATEST))  # the fault itself
        if fault == "replayed" and earlier is not None:
            with contextlib.suppress(ClientError, OSError, TimeoutError):
                await forward(earlier)
        try:
            answer = await forward(request)
            if fault == "doubled":
                await forward(request)
        except (ClientError, OSError, TimeoutError):
            return _gone(incoming)
        return await _answer(incoming, answer, fault, links.random)

    return handle


async def _answer(
    incoming: web.Request, answer: _Answered, fault: str, random: Random
) -> web.StreamResponse:
    body = answer.body
    if fault == "unanswered":
        return _gone(incoming)
    if fault == "cut":
        body = body[: len(body) // 2]
    elif fault == "swollen":
        body += _SWOLLEN
    elif fault == "flipped" and body:
        at = random.randrange(len(body))
        body = (
            body[:at] + bytes([body[at] ^ (1 << random.randrange(8))]) + body[at + 1 :]
        )
    elif fault == "dripping":
        return await _drip(incoming, answer)
    elif fault == "broken":
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        response.content_length = len(body)
        await response.prepare(incoming)
        await response.write(body[: len(body) // 2])
        return _gone(incoming)
    return web.Response(status=answer.status, headers=answer.headers, body=body)


async def _drip(incoming: web.Request, answer: _Answered) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = max(len(answer.body), _MOST)
    await response.prepare(incoming)
    with contextlib.suppress(ConnectionError):  # it may have had enough
        for at in range(_DROPS):
            await response.write(answer.body[at : at + 1] or b"\0")
            await asyncio.sleep(_DROP_SECONDS)  # the fault itself
    return _gone(incoming)


def _gone(incoming: web.Request) -> web.Response:
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response(status=502)


def _asker(request: _Request) -> str:
    """Name the member that signed a request, believed without a proof."""
    signed = request.headers.get("signature-input", "").encode()
    found = _KEY.search(signed) or _SIGNER.search(request.body)
    return found[1].decode() if found else ""


@contextlib.contextmanager
def linked(links: Links) -> Iterator[Links]:
    """Serve the links from a thread of their own."""
    loop = asyncio.new_event_loop()
    ready, end = threading.Event(), loop.create_future()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(links.serve(ready.set, end))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        if not ready.wait(10):
            raise AssertionError("the links do not start")
        yield links
    finally:
        loop.call_soon_threadsafe(end.set_result, None)
        thread.join()
