# SPDX-License-Identifier: Apache-2.0
"""A request that a member has signed, and somebody who has it sends otherwise."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from tests.support.fleet import Fleet

from fedsafe_federation.exchange.signed_requests import AUTHORITY, Request, sign_request

PATH: Final = "/v1/feed/a.demo/records"
QUERY: Final = "since=0&known=0"
TARGET: Final = f"{PATH}?{QUERY}"


@dataclass(frozen=True, slots=True)
class Thief:
    """Has what b.demo signed for a.demo, before a.demo has seen it."""

    fleet: Fleet
    port: int

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def named(self, host: str) -> str:
        return host.replace("{host}", self.host).replace("{port}", str(self.port))

    def captured(
        self,
        target: str = TARGET,
        *,
        authority: str | None = None,
        also: tuple[str, ...] = (AUTHORITY,),
    ) -> dict[str, str]:
        request = Request("GET", f"http://{authority or self.host}{target}")
        sign_request(
            request,
            body=None,
            signer="b.demo",
            destination="a.demo",
            key=self.fleet["b.demo"].base.keys.transport,
            now=self.fleet.clock.now(),
            nonce=token_urlsafe(16),
            also=also,
        )
        return request.headers

    async def send(
        self, target: str, headers: dict[str, str], hosts: tuple[str, ...]
    ) -> tuple[int, bytes]:
        lines = [f"GET {target} HTTP/1.1", "Connection: close"]
        lines += [f"Host: {host}" for host in hosts]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
        writer.close()
        return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


@pytest.fixture
async def thief(trio: Fleet) -> AsyncIterator[Thief]:
    url = urlsplit(trio["a.demo"].base.config.url)
    assert url.port is not None
    thief = Thief(trio, url.port)
    yield thief
    # Whatever was refused has used up no nonce and broken nothing.
    assert (await thief.send(TARGET, thief.captured(), (thief.host,)))[0] == 200


BOTH: Final = ((AUTHORITY,), ())
"""What members cover beside path and query: as they do now, and as they did before."""
TARGETS: Final = [
    # The signed target in the Host header; what is routed hidden behind it.
    ("/v1/feed/b.demo/records?since=0&known=0", f"x{TARGET}#"),
    ("/v1/feed/b.demo/records?since=9&known=0", f"127.0.0.1{TARGET}#"),
    ("/v1/feed/a.demo/records?since=9&known=0", f"a.demo{TARGET}&x="),
    (TARGET.replace("since=0", "since=1"), None),
    (TARGET.replace("a.demo", "b.demo"), None),
    (TARGET.replace("a.demo", "%61.demo"), None),
    (TARGET.replace("/records", "/%72ecords"), None),
    (TARGET.replace("/feed", "//feed"), None),
    (TARGET.replace("/feed", "/x/../feed"), None),
    (TARGET.replace("/feed", "/x/%2e%2e/feed"), None),
    (TARGET.replace("/feed", "/./feed"), None),
    (TARGET.replace("/records", "/records/"), None),
    (TARGET.replace("/records", "/records;x"), None),
    (TARGET.upper(), None),
    (TARGET + "#", None),
    (TARGET + "#/v1/feed/b.demo/records", None),
    (TARGET + "&since=0", None),
    (TARGET + "&limit=1", None),
    (TARGET + "&", None),
    (TARGET + "?", None),
    (TARGET.replace("since", "%73ince"), None),
    (TARGET.replace("=0", "=00"), None),
    ("/".join(TARGET.rpartition("&")[::2]), None),
    (PATH, None),
    (PATH + "?", None),
    ("http://{host}" + TARGET, None),
    ("http://b.demo" + TARGET, None),
    ("{host}", None),
    ("*", None),
]
HOSTS: Final[list[tuple[int, tuple[str, ...]]]] = [
    (400, ()),
    (400, ("",)),
    (400, ("{host}", "{host}")),
    (400, ("{host}", "b.demo")),
    (400, ("b.demo, {host}",)),
    (400, ("b.demo@{host}",)),
    (400, ("{host}/",)),
    (400, ("{host}?",)),
    (400, ("{host}#",)),
    (400, ("127.0.0.1:",)),
    (400, ("127.0.0.1:\u0668\u0660",)),
    (400, ("127.0.0.1:99999",)),
    (400, ("[::1",)),
    (400, ("[127.0.0.1]:{port}",)),
    (400, ("[fe80::1%25lo]:{port}",)),
    (400, ("a b",)),
    (400, ("a%2edemo",)),
    (400, ("\u212a.demo",)),
    (421, ("b.demo",)),
    (421, ("a.demo",)),  # a member is met by its address, not by its name
    (421, ("b.demo:{port}",)),
    (421, ("127.0.0.1",)),
    (421, ("127.0.0.1:80",)),
    (421, ("127.0.0.2:{port}",)),
    (421, ("[::1]:{port}",)),
    (421, ("[::ffff:127.0.0.1]:{port}",)),
    (421, ("2130706433:{port}",)),
    (200, ("{host}",)),
    (200, ("localhost:{port}",)),
    (200, ("LOCALHOST.:{port}",)),
]


async def test_a_request_is_served_as_it_was_signed_and_once(thief: Thief) -> None:
    added_by_a_proxy = {
        "X-Forwarded-Host": "b.demo",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "443",
        "Forwarded": "for=192.0.2.1;host=b.demo;proto=https",
        "X-Original-URL": "/v1/feed/b.demo/records",
        "X-Rewrite-URL": "/v1/feed/b.demo/records",
        "X-HTTP-Method-Override": "POST",
    }
    for also in BOTH:
        for more in ({}, added_by_a_proxy):
            headers = thief.captured(also=also) | more
            hosts = (thief.host,)
            answers = [await thief.send(TARGET, headers, hosts) for _ in range(2)]

            assert [status for status, _ in answers] == [200, 409], (also, more)


async def test_no_other_target_passes(thief: Thief) -> None:
    wrong = []
    for target, host in TARGETS:
        for also in BOTH:
            asked = target.replace("{host}", thief.host)
            headers = thief.captured(also=also)
            status, body = await thief.send(asked, headers, (host or thief.host,))
            if status not in {400, 403, 404} or b'"code":' not in body:
                wrong.append((status, target, host, also))
    for signed in (PATH, PATH + "?"):  # a bare question mark is another target
        status, _ = await thief.send(PATH + "?", thief.captured(signed), (thief.host,))
        if status != 400:
            wrong.append((status, signed, None, ()))

    assert wrong == []


async def test_no_other_host_or_authority_passes(thief: Thief) -> None:
    wrong: list[tuple[int, int, tuple[str, ...]]] = []
    for wanted, hosts in HOSTS:
        named = tuple(map(thief.named, hosts))
        status, body = await thief.send(TARGET, thief.captured(), named)
        if status != wanted or (wanted == 421 and b"public address" not in body):
            wrong.append((status, wanted, hosts))
    for authority in ("b.demo", "127.0.0.2:{port}", "a.demo", "127.0.0.1", "[::1]"):
        other = thief.named(authority)
        forwarded = {"X-Forwarded-Host": other, "Forwarded": f"host={other}"}
        for host in (thief.host, other):
            for more in ({}, forwarded):
                headers = thief.captured(authority=other) | more
                status, _ = await thief.send(TARGET, headers, (host,))
                wanted = 403 if host == thief.host else 421
                if status != wanted:
                    wrong.append((status, wanted, (authority, host)))

    assert wrong == []


async def test_members_sign_the_authority_once_it_is_understood(trio: Fleet) -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.headers["Signature-Input"])
        return web.Response(text="x")

    client = trio["b.demo"].client
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        for name in ("a.demo", "stranger.demo"):
            await client.witnessed(name, url, "a.demo/feed")

    assert [AUTHORITY in each for each in seen] == [True, False]


async def test_a_local_client_may_name_any_host(trio: Fleet) -> None:
    path = str(trio.place("a.demo").socket)
    for host, wanted in (("localhost", 200), ("node", 200), ("x.example:1", 200)):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(f"GET /v1/status HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        answer = await reader.readline()
        writer.close()

        assert int(answer.split()[1]) == wanted
