# SPDX-License-Identifier: Apache-2.0
"""What happens around every handler: the node's border, in the order of its checks.

1. Headers that count must be there once; the path's values must fit. What another
   process of the node has changed is taken up, but not to tell how this one is.
2. Who asks? A credential is checked before a byte of the body is read, and again
   after a body that was slow, or an answer that may have been waited for; a member's
   signature covers the body, so there the bounded body comes first. The bodies of
   askers not yet known share a bound in each lane.
3. The lane: so many requests of a kind at a time, the next one is told to wait. A
   stranger takes a place only with the whole body; what is open to all has places
   of its own for the node's own user.
4. Body and query are decoded into closed types.
5. An Idempotency-Key that is known gets its answer again.
6. The handler acts; whatever it raises becomes a problem by the one table. What it
   gives leaves only if the census says that its event was made. A refusal is an event
   as well (`door`), durable before it leaves.

Each answer is counted and logged by its route, never by its path or content.
"""

import asyncio
import hmac
import logging
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter
from typing import Final, Protocol, cast

import msgspec
from aiohttp import web

from fedsafe_federation.exchange.handshake import SPEAKS
from fedsafe_federation.wire.wireformat import encode, pack
from fedsafe_node.acts.bodies import Problem
from fedsafe_node.api.auth import (
    Auth,
    check_bounds,
    check_headers,
    identify,
    identify_peer,
    identify_token,
    is_local,
    source_of,
)
from fedsafe_node.api.body import (
    JSON,
    MOST_PARTS,
    PACKED,
    body_decoder,
    is_packed,
    packed_decoder,
    query_of,
    read_body,
    read_query,
    too_large,
)
from fedsafe_node.api.call import Call
from fedsafe_node.api.census import UnauditedError, is_audited
from fedsafe_node.api.codes import CODES, Code
from fedsafe_node.api.door import is_turned_away, refusal_at
from fedsafe_node.api.forwarded import Proxies
from fedsafe_node.api.problems import (
    RefusedError,
    classify,
    explained,
    headers_of,
    problem_of,
)
from fedsafe_node.api.refusal_events import KEYLESS, MEMBER
from fedsafe_node.api.responses import (
    Answer,
    Verbatim,
    answer,
    limit_headers,
    problem_answer,
)
from fedsafe_node.api.route import HTML, Lane, Page, Route
from fedsafe_node.api.services import Services
from fedsafe_node.api.strangers import (
    EXCESS_PER_SECOND,
    PROBES_PER_SECOND,
    TURNS_PER_SECOND,
    Room,
    Turns,
    prefix_of,
)
from fedsafe_node.ground.errors import ConflictError, CrowdedError, StoreError
from fedsafe_node.ground.principal import Principal
from fedsafe_node.ground.telemetry import LOGGER, AccessLog, Metrics, fields
from fedsafe_node.ground.trace import (
    Asker,
    Asking,
    begin,
    current,
    recognised,
    trace_of,
)
from fedsafe_node.members.peering.evaluation_places import MOST_PLACES
from fedsafe_node.rules.idempotency import KEY, InFlight, Once, recognise
from fedsafe_node.store.rows import IdempotencyRow
from fedsafe_policies.ground.catalogue import Phrase

_NO_PARAMETERS: Final[Mapping[str, str]] = {}
LANES: Final[Mapping[Lane, int]] = {
    Lane.LOOKUPS: 512,
    Lane.BATCHES: 4,
    Lane.WRITES: 256,
    Lane.READS: 64,
    Lane.EVALUATIONS: MOST_PLACES,
    Lane.PEERS: 64,
    Lane.STRANGERS: 32,
    Lane.WITNESS: 64,
    Lane.HEALTH: 32,
    Lane.METRICS: 8,
    Lane.LOGINS: 32,
    Lane.SIGN_ONS: 32,
    Lane.PROOFS: 32,
    Lane.PUBLIC: 16,
    Lane.MAILS: 16,
    Lane.EVENTS: 32,
    Lane.LOCAL: 32,
}
ROOM_BYTES: Final = 16 * 1024 * 1024
_LOG = logging.getLogger(f"{LOGGER}.api")
_SERVER_ERROR: Final = 500
_SIGNED: Final = frozenset({Auth.PEER, Auth.STATEMENT})
_UNKNOWN: Final = _SIGNED | {Auth.OPEN}
_ALONE: Final = frozenset({Lane.HEALTH, Lane.METRICS})  # tell how this process is
PATIENCE: Final = 20.0
"""Seconds for which a page waits for a place in a lane."""
MOST_WAITING: Final = 64
SETTLED_SECONDS: Final = 0.05  # after a slower body, who asks is asked again


class Line(Protocol):
    """The connection that a request came by.

    `prefix` is that of the address at its other end; empty for the node's own user.
    """

    prefix: str

    def known(self, asker: Asker) -> None:
        """Be told who is at the other end."""
        ...

    def turned_away(self) -> None:
        """Be told that whoever is at the other end has no business here."""
        ...

    def answered(self) -> None:
        """Be told that it was of use just now."""
        ...


Endpoint = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What somebody asks of a route from a page of the desk, in this process.

    `token` is that of their session, None on a route that is open to all; `query` and
    `path` are parameters by name, `body` is JSON. With `key` it happens once, however
    often it is sent. `line` is the connection that the page is for.
    """

    line: "Line"
    token: str | None = field(default=None, repr=False)
    source: str = ""
    languages: str = ""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    key: str | None = None


class TurnedDownError(Exception):
    """A route refuses what a page asks: as an API's client would be told it."""

    def __init__(self, problem: Problem, why: Phrase) -> None:
        super().__init__(problem.code)
        self.problem = problem
        self.why = why


class Gate:
    """A bound on how many requests of a lane are under way.

    Programs are refused beyond it and ask again; pages wait for a while.
    """

    __slots__ = ("_waiting", "inside", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.inside = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def load(self) -> float:
        """How many requests are under way."""
        return self.inside

    def __enter__(self) -> None:
        """Take a place.

        Raises:
            RefusedError: all are taken.
        """
        if self.inside >= self.limit:
            raise RefusedError(Code.BUSY)
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        """Give it back, or on to who waits longest."""
        while self._waiting:
            longest = self._waiting.popleft()
            if not longest.done():
                longest.set_result(None)
                return
        self.inside -= 1

    @asynccontextmanager
    async def waited_for(self, seconds: float = PATIENCE) -> AsyncIterator[None]:
        """Take a place, as soon as there is one.

        Raises:
            RefusedError: none was free for so long, or too many wait already.
        """
        if self.inside < self.limit:
            self.inside += 1
        elif len(self._waiting) >= MOST_WAITING:
            raise RefusedError(Code.BUSY)
        else:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            await self._place(place, seconds)
        try:
            yield
        finally:
            self.__exit__()

    async def _place(self, place: "asyncio.Future[None]", seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await place
        except TimeoutError:
            if place.cancelled():
                self._forget(place)
                raise RefusedError(Code.BUSY) from None
            # else it came at the last moment
        except asyncio.CancelledError:
            if place.cancelled():
                self._forget(place)
            else:
                self.__exit__()
            raise

    def _forget(self, place: "asyncio.Future[None]") -> None:
        with suppress(ValueError):  # who gave a place back may have passed it over
            self._waiting.remove(place)


class Border:
    """What all endpoints of one node share.

    Owned by the event loop: the gates' counts, the rooms, the turns of strangers, the
    keys in flight, the counter of request ids. Everything else never changes.
    """

    def __init__(  # noqa: PLR0913 - what is served, and within which bounds
        self,
        services: Services,
        *,
        metrics: Metrics,
        document: Callable[[], bytes],
        access: AccessLog,
        lanes: Mapping[Lane, int] = LANES,
        proxies: Proxies | None = None,
    ) -> None:
        self.services = services
        self.proxies = proxies or Proxies()
        self.metrics = metrics
        self.document = document
        self.access = access
        self.gates = {lane: Gate(lanes[lane]) for lane in Lane}
        self.rooms = {lane: Room(ROOM_BYTES) for lane in Lane}
        self.turns = Turns(TURNS_PER_SECOND)
        self.probes = Turns(PROBES_PER_SECOND)
        self.excess = Turns(EXCESS_PER_SECOND)
        self.in_flight = InFlight()
        self._run = secrets.token_hex(4)
        self._numbers = count(1)
        for lane, gate in self.gates.items():
            metrics.watch_lane(lane.value, gate.load)

    def request_id(self) -> str:
        """Name a request: the run of the node, and a number in it."""
        return f"{self._run}-{next(self._numbers):x}"

    async def detain(self, line: Line) -> float:
        """Let a stranger wait for a turn; tell how long it was."""
        if not line.prefix:
            return 0.0
        return await _waited(self.turns, line.prefix)

    async def hold_up(
        self, route: Route, asking: Asking, line: Line, error: Exception
    ) -> float:
        """Let a refusal wait for a turn, if it is one of those; tell how long it was.

        Strangers wait, and whoever asks for more than its share.
        """
        if asking.asker is None:
            return 0.0 if route.is_open else await self.detain(line)
        if isinstance(error, CrowdedError):
            return await _waited(self.excess, asking.asker.name)
        return 0.0

    async def tell(
        self, route: Route, asking: Asking, line: Line, status: int, code: str = ""
    ) -> None:
        """Have a refusal written down before it leaves.

        Raises:
            StoreError: it cannot be, and whoever asks is somebody.
        """
        refused = refusal_at(route, asking, line.prefix, status, code)
        if refused is not None:
            if refused.who == KEYLESS:  # no stranger chooses what an event says
                asking.trace = trace_of()
            await self.services.refusals.note(refused)

    async def told(
        self, route: Route, asking: Asking, line: Line, error: Exception
    ) -> Exception:
        """Have it written down if *error* is a refusal; give what is to be answered."""
        problem = problem_of(error, request_id="")
        try:
            await self.tell(route, asking, line, problem.status, problem.code)
        except StoreError as failed:
            return failed
        return error

    def refuse(
        self,
        error: Exception,
        request_id: str,
        page: Page | None = None,
        languages: str = "",
        *,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """Answer with the problem that *error* stands for; log the node's own.

        With *page*, readers of pages get it as one, in one of their *languages*.
        """
        asking = current()
        trace = asking.trace if asking is not None else None
        problem = problem_of(error, request_id=request_id, trace=trace)
        if problem.status == _SERVER_ERROR:
            facts = fields(request=request_id, trace=trace or "", code=problem.code)
            _LOG.error("a request failed", exc_info=error, extra=facts)
        if page is not None:
            more = {**headers_of(problem), **(more or {})}
            return answer(
                page(self.services, languages, problem.status),
                status=problem.status,
                media=HTML,
                request_id=request_id,
                more=more,
            )
        return problem_answer(problem, request_id=request_id, more=more)


class _ClientLine:
    """A proxy's connection, for one request of a client behind it."""

    __slots__ = ("_line", "prefix")

    def __init__(self, line: Line, prefix: str) -> None:
        self._line = line
        self.prefix = prefix

    def known(self, asker: Asker) -> None:
        """Tell the connection who is at the other end now."""
        self._line.known(asker)

    def turned_away(self) -> None:
        """Tell the connection that who is at the other end now has no business here."""
        self._line.turned_away()

    def answered(self) -> None:
        """Tell the connection that it was of use."""
        self._line.answered()


async def _waited(turns: Turns, share: str) -> float:
    began = perf_counter()
    with suppress(RefusedError):  # it has waited long enough
        await turns.take(share)
    return perf_counter() - began


def line_of(request: web.Request, proxies: Proxies) -> Line:
    """Give the connection that a request came by, as one of its client's.

    A proxy's connection brings the requests of many, each with its own prefix.
    """
    line = cast("Line", request.protocol)
    if line.prefix and proxies.speaks_for(request):
        return _ClientLine(line, prefix_of(proxies.client(request)))
    return line


def make_endpoint(route: Route, border: Border) -> Endpoint:
    """Put the border's checks around a route's handler."""
    serve = _Serving(route, border).serve
    tally = border.metrics.counter(route.name)
    name, method = route.path, route.method
    write_line = border.access.answered

    async def endpoint(request: web.Request) -> web.StreamResponse:
        began = perf_counter()
        request_id = border.request_id()
        parents = request.headers.getall("traceparent", ())
        asking = begin(parents[0] if len(parents) == 1 else None)
        line, waited = line_of(request, border.proxies), 0.0
        try:
            response = await serve(request, request_id, line)
            await border.tell(route, asking, line, response.status)
        except Exception as caught:  # noqa: BLE001 - the border; the table decides
            waited = await border.hold_up(route, asking, line, caught)
            error = await border.told(route, asking, line, caught)
            if request.transport is None:  # nobody is there to be answered
                raise ConnectionResetError from None
            languages = request.headers.get("Accept-Language", "")
            response = border.refuse(error, request_id, route.page, languages)
        status = response.status
        if is_turned_away(asking, status):
            line.turned_away()
        elif asking.asker is not None:
            line.known(asking.asker)
        line.answered()
        if route.handshake and (said := border.services.peering.speaks()):
            response.headers[SPEAKS] = said
        if asking.limits:
            response.headers.update(limit_headers(asking.limits))
        took = perf_counter() - began - waited
        tally(status, took)
        if _LOG.isEnabledFor(logging.INFO):
            write_line(request_id, asking.trace, name, method, status, took)
        return response

    return endpoint


def make_visits(
    routes: Iterable[Route], border: Border
) -> Callable[[str, Visit], Awaitable[Answer]]:
    """Let pages ask routes in this process, through the same checks.

    What is made asks a route, by its name, and gives its answer; it raises
    `TurnedDownError` with what the route refuses. Of routes for members it has none.
    """
    servings = {
        route.name: (
            route,
            _Serving(route, border),
            border.metrics.counter(route.name),
        )
        for route in routes
        if route.auth not in _SIGNED
    }

    async def ask(name: str, visit: Visit) -> Answer:
        route, serving, tally = servings[name]
        began, waited = perf_counter(), 0.0
        request_id, asking, line = border.request_id(), begin(), visit.line
        refused: TurnedDownError | None = None
        try:
            response = await serving.serve_visit(visit, request_id)
            await border.tell(route, asking, line, response.status)
        except Exception as caught:  # noqa: BLE001 - the border; the table decides
            waited = await border.hold_up(route, asking, line, caught)
            error = await border.told(route, asking, line, caught)
            response = border.refuse(error, request_id)
            problem = problem_of(error, request_id=request_id, trace=asking.trace)
            refused = TurnedDownError(problem, explained(error))
        if is_turned_away(asking, response.status):
            line.turned_away()
        elif asking.asker is not None:
            line.known(asking.asker)
        took = perf_counter() - began - waited
        tally(response.status, took)
        if _LOG.isEnabledFor(logging.INFO):
            border.access.answered(
                request_id,
                asking.trace,
                route.path,
                route.method,
                response.status,
                took,
            )
        if refused is not None:
            raise refused
        return response

    return ask


class _Serving:
    """One route's way from request to answer."""

    __slots__ = (
        "_border",
        "_bounds",
        "_cache",
        "_decode",
        "_gate",
        "_is_plain",
        "_path_types",
        "_route",
        "_unpack",
    )

    def __init__(self, route: Route, border: Border) -> None:
        self._route = route
        self._border = border
        self._bounds = route.bounds
        self._gate = border.gates[route.lane]
        most = MOST_PARTS if route.auth in _UNKNOWN else None
        self._decode = (
            body_decoder(route.body, most=most) if route.body is not None else None
        )
        self._unpack = packed_decoder(route.body) if route.packed else None
        self._is_plain = route.is_plain
        self._path_types = tuple(route.path_types.items())
        public = f"public, max-age={route.max_age}"
        self._cache = {"Cache-Control": public} if route.max_age else None

    async def serve(self, request: web.Request, request_id: str, line: Line) -> Answer:
        """Check, decode, act, encode."""
        route, border = self._route, self._border
        if route.is_open and line.prefix:
            turns = border.probes if route.probe else border.turns
            await turns.take(line.prefix)
        check_headers(request)
        path = _NO_PARAMETERS if self._is_plain else request.match_info
        for name, type_ in self._path_types:
            _check_path(path[name], type_)
        if route.lane not in _ALONE:
            await border.services.following.fresh()
        if route.handshake:
            border.services.peering.shake(request.headers.get(SPEAKS))
        call = Call(border.services, border.metrics, border.document, path)
        if route.auth in _UNKNOWN:
            body = await self._read(request, line.prefix)
            with self._gate_for(request):
                if route.auth is Auth.PEER:
                    peering = border.services.peering
                    call.peer = identify_peer(request, peering, body)
                    _belongs_to(call.peer)
                    line.known(Asker(MEMBER, call.peer))
                    call.accepts = ",".join(request.headers.getall("Accept", ()))
                elif route.auth is Auth.STATEMENT:
                    call.local = is_local(request)
                else:
                    call.source = source_of(request, border.proxies)
                    call.languages = request.headers.get("Accept-Language", "")
                return await self._act(call, request, body, request_id)
        call.who = await self._identify(request)
        with self._gate:
            began = perf_counter()
            body = await self._read(request, line.prefix)
            if perf_counter() - began > SETTLED_SECONDS:
                call.who = await self._identify(request)
            given = await self._act(call, request, body, request_id)
            if self._route.lane is Lane.EVENTS:  # it may have been waited for
                await self._identify(request)
            return given

    async def serve_visit(  # noqa: C901 - as for a request, in the same order
        self, visit: Visit, request_id: str
    ) -> Answer:
        """Check, decode, act, encode what a page asks."""
        route, border = self._route, self._border
        if route.is_open and visit.line.prefix:
            await border.turns.take(visit.line.prefix)
        for name, type_ in self._path_types:
            _check_path(visit.path[name], type_)
        if route.lane not in _ALONE:
            await border.services.following.fresh()
        call = Call(border.services, border.metrics, border.document, visit.path)
        if route.auth is Auth.OPEN:
            call.source, call.languages = visit.source, visit.languages
        else:
            call.who = await self._admit(visit.token)
        began = perf_counter()
        async with self._gate.waited_for():
            if call.who is not None and perf_counter() - began > SETTLED_SECONDS:
                call.who = await self._admit(visit.token)
            if len(visit.body) > route.limit:
                raise too_large(route.limit)
            if self._decode is not None:
                call.request = self._decode(visit.body)
            if route.query is not None:
                call.query = query_of(visit.query, route.query)
            if visit.key is not None and route.auth is not Auth.OPEN:
                once = recognise(
                    visit.key,
                    call.principal,
                    route=f"{route.method} {route.path.format_map(visit.path)}",
                    body=visit.body,
                    status=route.status,
                    periods=border.services.answers.periods,
                )
                await border.in_flight.wait(once)
                if route.idempotent:
                    return await self._act_once(call, once, request_id)
                return await self._act_unrepeated(call, once, request_id)
            result = await self._handled(call)
            if isinstance(result, AsyncIterator):  # a page holds all of it
                result = b"".join([piece async for piece in result])
            return self._answer(result, request_id)

    async def _admit(self, token: str | None) -> Principal:
        if token is None:
            raise RefusedError(Code.UNAUTHENTICATED)
        route, people = self._route, self._border.services.people
        who = await identify_token(token, people, route.auth, route.roles)
        check_bounds(who, self._bounds, demonstration=people.demonstration)
        return who

    def _gate_for(self, request: web.Request) -> Gate:
        if self._route.auth is Auth.OPEN and is_local(request):
            return self._border.gates[Lane.LOCAL]
        return self._gate

    async def _identify(self, request: web.Request) -> Principal:
        route, people = self._route, self._border.services.people
        who = await identify(request, people, route.auth, route.roles)
        check_bounds(who, self._bounds, demonstration=people.demonstration)
        asking = current()
        if asking is not None and asking.asker is not None:
            # Its body is no stranger's.
            line_of(request, self._border.proxies).known(asking.asker)
        return who

    async def _read(self, request: web.Request, prefix: str) -> bytes:
        if self._decode is not None:
            is_unknown = self._route.auth in _UNKNOWN
            room = self._border.rooms[self._route.lane] if is_unknown else None
            route = self._route
            return await read_body(
                request,
                route.limit,
                room,
                prefix=prefix,
                media=route.takes,
                packed=route.packed,
            )
        if request.can_read_body:
            raise RefusedError(Code.UNEXPECTED_BODY)
        return b""

    async def _act(
        self, call: Call, request: web.Request, body: bytes, request_id: str
    ) -> Answer:
        route = self._route
        packed = self._unpack is not None and is_packed(request)
        if packed and self._unpack is not None:
            call.request = self._unpack(body)
        elif self._decode is not None:
            call.request = self._decode(body)
        if route.query is not None or request.query_string:
            call.query = read_query(request, route.query)
        if route.idempotent and "Idempotency-Key" in request.headers:
            once = self._recognise(request, call.principal, body, packed=packed)
            return await self._act_once(call, once, request_id)
        return self._answer(await self._handled(call), request_id, packed=packed)

    def _recognise(
        self, request: web.Request, who: Principal, body: bytes, *, packed: bool
    ) -> Once:
        key = request.headers["Idempotency-Key"].strip('"')
        if not KEY.fullmatch(key):
            raise RefusedError(
                Code.INVALID_IDEMPOTENCY_KEY,
                Phrase(
                    "a key is 22 to 64 random letters, digits, - or _, such as a UUID"
                ),
            )
        return recognise(
            key,
            who,
            route=f"{self._route.method} {request.path}",
            body=body,
            status=self._route.status,
            packed=packed,
            periods=self._border.services.answers.periods,
        )

    async def _act_once(self, call: Call, once: Once, request_id: str) -> Answer:
        with self._border.in_flight.claim(once):
            kept = await self._border.services.answers.find(once.key)
            if kept is not None:
                return _replay(kept, once, request_id)
            call.once = once
            try:
                handled = await self._handled(call)
            except ConflictError:
                # Another process of the node may have acted on the same request.
                kept = await self._border.services.answers.find(once.key)
                if kept is None:
                    raise
                return _replay(kept, once, request_id)
            return self._answer(handled, request_id, packed=once.packed)

    async def _act_unrepeated(self, call: Call, once: Once, request_id: str) -> Answer:
        """Act unless the same form was sent before; its answer is not kept.

        If the node dies meanwhile, the form is not taken again: whoever sent it looks
        what came of it.
        """
        answers = self._border.services.answers
        with self._border.in_flight.claim(once):
            number = await answers.begin(once)
            try:
                handled = await self._handled(call)
            except Exception as error:
                if CODES[classify(error)][0] < _SERVER_ERROR:
                    await answers.end(once, number, done=False)
                raise
            await answers.end(once, number, done=True)
            return self._answer(handled, request_id)

    async def _handled(self, call: Call) -> object:
        result, asking = await self._route.handler(call), current()
        if asking is None or not is_audited(self._route.name, asking):
            raise UnauditedError(self._route.name)
        return result

    def _answer(
        self, result: object, request_id: str, *, packed: bool = False
    ) -> Answer:
        if isinstance(result, Verbatim):
            return answer(
                result.body,
                status=result.status,
                media=result.media,
                request_id=request_id,
                more=_later(result),
            )
        write = pack if packed else encode
        body = result if isinstance(result, bytes | AsyncIterator) else write(result)
        route = self._route
        return answer(
            body,
            status=route.status,
            media=PACKED if packed else route.media,
            request_id=request_id,
            more=self._cache,
        )


def _later(result: Verbatim) -> Mapping[str, str] | None:
    if result.retry_after is None:
        return None
    return {"Retry-After": str(result.retry_after)}


def _belongs_to(peer: str) -> None:
    """Name the member that asks in what is audited of its request."""
    asking = current()
    if asking is not None:
        asking.peer = peer
    recognised(MEMBER, peer)


def _check_path(value: str, type_: object) -> None:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError:
        raise RefusedError(Code.NOT_FOUND) from None


def _replay(kept: IdempotencyRow, once: Once, request_id: str) -> Answer:
    if not hmac.compare_digest(kept.request_digest, once.digest):
        raise RefusedError(Code.IDEMPOTENCY_MISMATCH)
    return answer(
        kept.body,
        status=kept.status,
        media=PACKED if once.packed else JSON,
        request_id=request_id,
        more={"Idempotency-Replayed": "true"},
    )
