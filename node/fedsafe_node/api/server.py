# SPDX-License-Identifier: Apache-2.0
"""Serves API version 1 over TCP and over the node's Unix socket.

Both listeners serve the same routes, and neither answers before all addresses are
bound: whoever gets an answer has reached a node that could start. The socket file has
mode 0600; one that a crashed node left behind is removed only after nobody has
answered on it. Connections over TCP are bounded, so that strangers cannot take the
file descriptors that the socket, the store and the node's own requests need.

A second Unix socket may be a group's (`make_lookup_app`): it takes lookups alone, with
a service's credential, and its callers are bounded and counted by user. Whatever
the client sends, the answer is a problem document: for paths and methods that do
not exist, and for bytes that are no HTTP at all.

```python
server = ApiServer(services, metrics=Metrics())
await server.start(host="127.0.0.1", port=8443, socket_path=place.socket)
...
await server.stop()
```
"""

import asyncio
import logging
import resource
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.typedefs import Handler, Middleware

from fedsafe_node.api.auth import Auth, user_of
from fedsafe_node.api.codes import Code
from fedsafe_node.api.endpoint import (
    LANES,
    Border,
    Endpoint,
    line_of,
    make_endpoint,
)
from fedsafe_node.api.forwarded import Proxies
from fedsafe_node.api.openapi import document
from fedsafe_node.api.ports import (
    bind_group_socket,
    bind_port,
    bind_socket,
    unusable,
)
from fedsafe_node.api.problems import RefusedError
from fedsafe_node.api.route import Lane, Route
from fedsafe_node.api.routes import ROUTES
from fedsafe_node.api.services import Services
from fedsafe_node.api.strangers import TURN_BYTES, Doorway, prefix_of
from fedsafe_node.ground.telemetry import LOGGER, AccessLog, Metrics, fields
from fedsafe_node.ground.trace import Asker
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.vocabulary import Role

IDLE_SECONDS: Final = 75.0  # bounds a slow request head as well
FIRST_BYTES: Final = 16 * 1024  # that are read before it is served
FIRST_SECONDS: Final = 10.0  # until something is said
LINGER_SECONDS: Final = 5.0
STOP_SECONDS: Final = 10.0
BACKLOG: Final = 1_024
TCP_BACKLOG: Final = 128  # so many are accepted at once, whatever the bound is
_ACCEPTING: Final = 3  # turns of the loop until an accepted line can be closed
MOST_CONNECTIONS: Final = 4_096
_DESCRIPTORS: Final = 2 * MOST_CONNECTIONS
_LOOKUPS_PART: Final = 8  # of the bound on connections, for the socket of a group
OPEN: Final = frozenset(
    f"{route.method} {route.path}".encode()
    for route in ROUTES
    if route.is_open and not route.probe
)
LOOKUP_ROUTES: Final = tuple(
    replace(route, auth=Auth.CREDENTIAL, roles=frozenset({Role.SERVICE}))
    for route in ROUTES
    if route.scope == "lookup"
)
"""What the socket of a group takes, and from whom."""
BORDER: Final = web.AppKey("border", Border)
OF_GROUP: Final = web.AppKey("of_group", bool)
"""Whether other users may open its Unix socket, so that nobody there is the node's."""
STRAIGHT: Final = web.AppKey("straight", Mapping[tuple[str, str], Endpoint])
"""The endpoints of paths without parameters, by method and request target."""
_Served = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
_LOG = logging.getLogger(f"{LOGGER}.api")


def make_app(
    services: Services,
    *,
    metrics: Metrics,
    access: AccessLog | None = None,
    lanes: Mapping[Lane, int] = LANES,
    proxies: Proxies | None = None,
) -> web.Application:
    """Build the application: every route of the table, and problems for the rest."""
    border = Border(
        services,
        metrics=metrics,
        document=document,  # written when it is first asked for
        access=access or AccessLog(),
        lanes=lanes,
        proxies=proxies,
    )
    return _routed(border, ROUTES, _refusing(border, RefusedError(Code.NOT_FOUND)))


def make_lookup_app(border: Border) -> web.Application:
    """Build the application of a socket that a group may open: lookups alone.

    Whoever asks needs a service's credential, root and the node's own user as well.
    """
    other = Phrase("this socket takes lookups alone, and nothing else")
    nowhere = _refusing(border, RefusedError(Code.NOT_FOUND, other))
    app = _routed(border, LOOKUP_ROUTES, nowhere)
    app[OF_GROUP] = True
    return app


def _routed(
    border: Border, routes: Sequence[Route], nowhere: Endpoint
) -> web.Application:
    app = web.Application(middlewares=[_catching(nowhere)])
    app[BORDER], app[OF_GROUP] = border, False
    straight: dict[tuple[str, str], Endpoint] = {}
    app[STRAIGHT] = straight
    methods: defaultdict[str, list[str]] = defaultdict(list)
    # One resource a path: each further one costs its share of every start.
    resources = {
        path: app.router.add_resource(path)
        for path in dict.fromkeys(route.path for route in routes)
    }
    for route in routes:
        methods[route.path].append(route.method)
        endpoint = make_endpoint(route, border)
        resources[route.path].add_route(route.method, endpoint, expect_handler=_expect)
        if route.is_plain:
            straight[route.method, route.path] = endpoint
    for path, allowed in methods.items():
        refuse = _refusing(border, RefusedError(Code.METHOD_NOT_ALLOWED), allowed)
        resources[path].add_route("*", refuse, expect_handler=_expect)
    app.router.add_route("*", "/{path:.*}", nowhere, expect_handler=_expect)
    return app


def _refusing(
    border: Border, error: RefusedError, allowed: list[str] | None = None
) -> Endpoint:
    more = {"Allow": ", ".join(sorted(allowed))} if allowed else None
    tally = border.metrics.counter(error.code.value)

    async def refuse(request: web.Request) -> web.StreamResponse:
        await border.detain(line_of(request, border.proxies))
        response = border.refuse(error, border.request_id(), more=more)
        tally(response.status, 0.0)
        return response

    return refuse


def _catching(nowhere: Endpoint) -> Middleware:
    # `OPTIONS *` and `CONNECT host:port` name no path, so no route takes them.
    @web.middleware
    async def catch(request: web.Request, handler: Handler) -> web.StreamResponse:
        lost = request.match_info.http_exception is not None
        return await (nowhere if lost else handler)(request)

    return catch


async def _expect(request: web.Request) -> web.StreamResponse | None:
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return None
    border = request.app[BORDER]
    return border.refuse(RefusedError(Code.EXPECTATION_FAILED), border.request_id())


class _Connection(web.RequestHandler):
    """A connection that answers broken HTTP with a problem, and logs no bytes of it."""

    __slots__ = (
        "_asker",
        "_border",
        "_doorway",
        "_held",
        "_is_known",
        "_unpaid",
        "prefix",
    )

    def __init__(
        self, manager: web.Server, border: Border, doorway: Doorway, prefix: str
    ) -> None:
        super().__init__(
            manager,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]
            auto_decompress=False,
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGER_SECONDS,
        )
        self._border = border
        self._doorway = doorway
        self._is_known = not prefix
        self._asker: Asker | None = None
        self._unpaid = 0
        self._held: bytes | None = None  # while the next bytes wait for a turn
        self.prefix = prefix

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it as a stranger's, unless it is the node's own user's."""
        super().connection_made(transport)
        if self.prefix:
            self._doorway.serve(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it no more."""
        self._doorway.lose(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; after so many a stranger's wait for another turn."""
        if self._is_known or not data:
            super().data_received(data)
        elif self._held is not None:  # somebody has let it be read on meanwhile
            self._held += data
            self._pause()
        else:
            self._unpaid += len(data)
            super().data_received(data)
            if self._unpaid >= TURN_BYTES:
                self._hold()

    def _hold(self) -> None:
        self._held, size, self._unpaid = b"", self._unpaid, 0
        turns = self._doorway.turns
        turns.ask(self.prefix, self._go_on, self.give_up, size=size)
        if self._held is not None:
            self._pause()

    def _go_on(self) -> None:
        held, self._held = self._held, None
        if held:
            self.data_received(held)
        self._read_on()

    def _read_on(self) -> None:
        is_full = self._reading_paused or self._buffer_paused
        if self.transport is not None and self._held is None and not is_full:
            self.transport.resume_reading()

    def _pause(self) -> None:
        if self.transport is not None:
            self.transport.pause_reading()

    def give_up(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way, or its answer."""
        return self._request_in_progress

    def known(self, asker: Asker) -> None:
        """Be told who is at the other end."""
        self._is_known = True
        if asker is not self._asker and asker != self._asker and self._may_count():
            self._asker = asker
            self._doorway.hold(self, asker)
        if self._held is not None:
            self._go_on()

    def turned_away(self) -> None:
        """Be told that whoever is at the other end has no business here."""
        if self._may_count():
            self._is_known, self._asker = False, None
            self._doorway.serve(self)

    def answered(self) -> None:
        """Be told that it was of use just now."""
        self._doorway.answered(self)

    def _may_count(self) -> bool:
        is_open = self.transport is not None and not self.transport.is_closing()
        return bool(self.prefix) and is_open

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Say what is wrong with the request's form; then close the connection."""
        del message
        if self.prefix:
            self._doorway.turns.charge()
        if request.writer.output_size > 0 or isinstance(exc, ConnectionResetError):
            raise ConnectionResetError
        error: Exception
        if isinstance(exc, LineTooLong):
            error = RefusedError(Code.HEADERS_TOO_LARGE)
        elif (
            isinstance(exc, HttpProcessingError)
            or status < web.HTTPServerError.status_code
        ):
            error = RefusedError(Code.MALFORMED_REQUEST)
        else:
            error = exc if isinstance(exc, Exception) else RuntimeError("no answer")
        response = self._border.refuse(error, self._border.request_id())
        response.force_close()
        return response


class _Caller(asyncio.BufferedProtocol):
    """A connection of which it is not known yet whether it will say anything.

    What serves it is made once it has, and once it is its turn. Until then no more is
    read from it than what fits into a small buffer.
    """

    __slots__ = (
        "_buffer",
        "_data",
        "_doorway",
        "_is_of_group",
        "_make",
        "_server",
        "_timer",
        "_transport",
        "prefix",
    )

    def __init__(
        self,
        server: web.Server,
        doorway: Doorway,
        make: Callable[[str], asyncio.Protocol],
        *,
        is_of_group: bool,
    ) -> None:
        self._is_of_group = is_of_group
        self._server = server
        self._doorway = doorway
        self._make = make
        self._buffer = bytearray()
        self._data = b""
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.prefix = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Serve it at once, if it is of the node's own user."""
        self._transport = cast("asyncio.Transport", transport)
        sock = transport.get_extra_info("socket")
        if sock is not None and sock.family == socket.AF_UNIX:
            if not self._is_of_group:
                self._serve()
                return
            self.prefix = f"user {user_of(sock)}"
        else:
            peer = transport.get_extra_info("peername")
            self.prefix = prefix_of(peer[0] if peer else None)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(FIRST_SECONDS, self.give_up)
        self._doorway.arrive(self, len(self._server.connections))

    def get_buffer(self, sizehint: int) -> bytearray:
        """Give the buffer for what comes first."""
        del sizehint
        self._buffer = bytearray(FIRST_BYTES)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Ask to be served: it has said something."""
        has_asked = bool(self._data)
        self._data += self._buffer[:nbytes]
        self._buffer = bytearray()
        self._transport.pause_reading()
        if not has_asked:
            self._stop_timer()
            self._doorway.enter(self, self._data, self._go_on)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        del exc
        self._end()

    @property
    def is_busy(self) -> bool:
        """Whether a request is under way: none is, before it is served."""
        return False

    def give_up(self) -> None:
        """Hang up at once."""
        self._end()
        self._transport.abort()

    def _go_on(self) -> None:
        if not self._transport.is_closing():
            self._serve()

    def _end(self) -> None:
        self._stop_timer()
        self._doorway.waiting.remove(self)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _serve(self) -> None:
        self._end()
        connection = self._make(self.prefix)
        self._transport.set_protocol(connection)
        connection.connection_made(self._transport)
        if self._data:
            self._transport.resume_reading()
            connection.data_received(self._data)


def _straight(
    otherwise: _Served, endpoints: Mapping[tuple[str, str], Endpoint]
) -> _Served:
    """Let the router look only for what is not found by the target as it came.

    It takes longer than anything else between the bytes of a request and its endpoint.
    """

    def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
        endpoint = endpoints.get((request.method, request.raw_path))
        if endpoint is None or "Expect" in request.headers:
            return otherwise(request)
        return endpoint(cast("web.Request", request))  # the factory's

    return handle


class _Server(web.Server):
    """Makes our kind of connections."""

    def __init__(
        self,
        made: web.Server,
        border: Border,
        straight: Mapping[tuple[str, str], Endpoint],
        most: int,
        *,
        is_of_group: bool,
    ) -> None:
        super().__init__(
            _straight(made.request_handler, straight),
            request_factory=made.request_factory,
            loop=asyncio.get_running_loop(),
        )
        self._border = border
        self._is_of_group = is_of_group
        self._doorway = Doorway(most, border.turns, OPEN)

    def __call__(self) -> asyncio.BufferedProtocol:  # type: ignore[override]
        return _Caller(self, self._doorway, self._make, is_of_group=self._is_of_group)

    def _make(self, prefix: str) -> asyncio.Protocol:
        return _Connection(self, self._border, self._doorway, prefix)

    def pre_shutdown(self) -> None:
        """Hang up on all that have said nothing; tell the others to end."""
        self._doorway.close()
        self._border.probes.close()
        self._border.excess.close()
        super().pre_shutdown()


class _Runner(web.AppRunner):
    def __init__(self, app: web.Application, most: int) -> None:
        super().__init__(app, shutdown_timeout=STOP_SECONDS)
        self._most = most

    async def _make_server(self) -> web.Server:
        made, app = await super()._make_server(), self.app
        return _Server(
            made,
            app[BORDER],
            app[STRAIGHT],
            self._most,
            is_of_group=app.get(OF_GROUP, False),
        )


class AppServer:
    """A running application of one node, on its listeners.

    Owned by the loop that starts it: the runner with its connections, and the
    socket file, which it removes when it stops.
    """

    def __init__(
        self, app: web.Application, most_connections: int | None = None
    ) -> None:
        self._runner = _Runner(app, most_connections or connection_limit())
        self._listening: list[socket.socket] = []
        self._socket_path: Path | None = None
        self.port: int | None = None

    async def start(
        self,
        *,
        host: str | None = None,
        port: int = 0,
        socket_path: Path | None = None,
        group: str | None = None,
    ) -> None:
        """Listen on TCP, on the Unix socket, or on both.

        With port 0 the system chooses; `port` then tells which. The socket is the
        node's own user's, and that of a *group* where one is named.

        Raises:
            ConfigError: an address is taken, or cannot be listened on.
        """
        await self._runner.setup()
        bound: list[socket.socket] = []
        try:
            if host is not None:
                bound += await bind_port(host, port)
                self.port = bound[0].getsockname()[1]
            if socket_path is not None:
                bound.append(await asyncio.to_thread(_bind, socket_path, group))
                self._socket_path = socket_path
            for sock in bound:
                await self._listen(sock)
        except BaseException:
            await self.stop()
            for sock in bound:
                sock.close()
            raise

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Listen on sockets that are bound; they are closed when it stops.

        Raises:
            ConfigError: an address cannot be listened on.
        """
        await self._runner.setup()
        for sock in sockets:
            await self._listen(sock)

    async def _listen(self, sock: socket.socket) -> None:
        unix = sock.family == socket.AF_UNIX
        backlog = BACKLOG if unix else TCP_BACKLOG
        try:
            await web.SockSite(self._runner, sock, backlog=backlog).start()
        except OSError as error:  # somebody else was bound there and is first
            raise unusable(sock.getsockname(), error) from None
        self._listening.append(sock)
        _LOG.info("listening", extra=fields(listener="unix" if unix else "tcp"))

    async def stop(self) -> None:
        """Take no more requests, finish those under way, close."""
        loop = asyncio.get_running_loop()
        while self._listening:  # asyncio loses a line accepted as its server closes
            loop.remove_reader(self._listening.pop())
        for _ in range(_ACCEPTING):
            await asyncio.sleep(0)
        for site in list(self._runner.sites):
            await site.stop()
        await self._runner.cleanup()
        if self._socket_path is not None:
            path, self._socket_path = self._socket_path, None
            await asyncio.to_thread(path.unlink, missing_ok=True)


class ApiServer(AppServer):
    """The running API of one node."""

    def __init__(  # noqa: PLR0913 - what is served, and within which bounds
        self,
        services: Services,
        *,
        metrics: Metrics,
        access: AccessLog | None = None,
        lanes: Mapping[Lane, int] = LANES,
        most_connections: int | None = None,
        proxies: Proxies | None = None,
    ) -> None:
        app = make_app(
            services, metrics=metrics, access=access, lanes=lanes, proxies=proxies
        )
        super().__init__(app, most_connections)
        self.border = app[BORDER]


def _bind(path: Path, group: str | None) -> socket.socket:
    return bind_socket(path) if group is None else bind_group_socket(path, group)


def lookup_connections() -> int:
    """How many connections the socket of a group has, beside those of others."""
    return max(1, connection_limit() // _LOOKUPS_PART)


def connection_limit() -> int:
    """How many connections leave half of this process's descriptors to the node."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(1, min(MOST_CONNECTIONS, soft // 2))


def raise_connection_limit() -> None:
    """Let this process have as many descriptors as its connections want, if it may.

    Services start with 1,024 by habit, and may have many more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= _DESCRIPTORS:
        return
    most = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    with suppress(OSError, ValueError):  # macOS has another bound as well
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    if most < _DESCRIPTORS:
        facts = fields(descriptors=most, connections=connection_limit())
        _LOG.warning("few descriptors are allowed", extra=facts)
