# SPDX-License-Identifier: Apache-2.0
"""What protects and bounds the way to others, on real sockets."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from ipaddress import ip_address
from itertools import repeat
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web
from tests.node.casework.transports.conftest import Papers, issue_papers
from tests.support.fleet import Fleet, eventually

from fedsafe_federation.charter.invitation import Invitation
from fedsafe_federation.errors import InnerNetworkError, PeerUnreachableError
from fedsafe_federation.exchange.transfer import converse, member_session, member_tls
from fedsafe_node.ground import networks
from fedsafe_node.ground.errors import BadRequestError
from fedsafe_node.ground.networks import (
    LOOPBACK,
    _plain,
    is_allowed,
    is_broad,
    leads_inside,
    permitted_sockets,
)


@pytest.fixture
def papers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Papers]:
    papers = issue_papers(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(papers.ca))
    member_tls.cache_clear()
    yield papers
    member_tls.cache_clear()


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2])
async def test_a_member_is_asked_over_tls_1_3_only(
    papers: Papers, newest: ssl.TLSVersion
) -> None:
    context = papers.server()
    context.maximum_version = newest
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "localhost", 0, ssl_context=context)
    await site.start()
    url = f"https://localhost:{runner.addresses[0][1]}/"
    try:
        async with await member_session(permitted_sockets(LOOPBACK)) as session:
            asked = converse(
                session, "b.demo", "GET", url, headers={}, body=None, seconds=5, most=99
            )
            if newest is ssl.TLSVersion.TLSv1_3:
                assert (await asked)[0] == 404
            else:
                with pytest.raises(PeerUnreachableError, match="ClientConnector"):
                    await asked
    finally:
        await runner.cleanup()


OUTSIDE: Final = ["192.88.98.1", "8.8.8.8", "2606:4700::1"]
INSIDE: Final = [
    "127.0.0.1",
    "127.255.255.254",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.0.192",
    "198.18.0.1",
    "0.0.0.0",  # noqa: S104 - nothing is bound
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::7f00:1",
    "fe80::1",
    "fe80::1%lo",
    "fec0::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2001:0:4136:e378:8000:63bf:80ff:fffe",  # Teredo, of a client at 127.0.0.1
]


@pytest.mark.parametrize("address", INSIDE)
def test_no_inner_address_is_allowed_unless_it_is_named(address: str) -> None:
    plain = str(_plain(ip_address(address.partition("%")[0])))

    assert not is_allowed(address, ())
    assert not is_allowed(address, ("10.200.0.0/16", "fd77::/16"))
    assert is_allowed(address, (plain,))


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_internet_is_allowed(address: str) -> None:
    assert is_allowed(address, ())


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("https://127.0.0.1", True),
        ("https://127.1", True),
        ("https://0x7f000001", True),
        ("https://2130706433", True),
        ("https://0177.0.0.1:8443", True),
        ("https://10.1.2.3", True),
        ("http://[::1]:8443", True),
        ("http://localhost:8443", True),
        ("https://node.localhost", True),
        ("https://localhost.", True),
        ("https://node.internal", False),
        ("https://192.88.98.1", False),
        ("https://chat.example.de", False),
    ],
)
def test_a_url_that_leads_inside_is_told_before_it_is_asked(
    url: str, *, inside: bool
) -> None:
    assert leads_inside(url, ()) is inside
    assert not leads_inside(url, ("0.0.0.0/0", "::/0"))


class Listener:
    """A server on loopback that counts who connects to it."""

    def __init__(self, answer: Callable[[web.Request], web.Response]) -> None:
        self.lines = 0
        self.asked: list[str] = []
        self._answer = answer

    async def _handle(self, request: web.Request) -> web.Response:
        self.asked.append(request.raw_path)
        return self._answer(request)

    async def start(self) -> int:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        made = server.__call__

        def counted() -> asyncio.BaseProtocol:
            self.lines += 1
            return made()

        loop = asyncio.get_running_loop()
        self._socket = await loop.create_server(counted, "127.0.0.1", 0)
        return int(self._socket.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._socket.close()
        await self._runner.cleanup()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener(lambda _: web.Response(text="inner"))
    yield listener
    await listener.stop()


async def ask(url: str, inside: Sequence[str]) -> tuple[int, bytes]:
    async with await member_session(permitted_sockets(inside)) as session:
        return await converse(
            session, "b.demo", "GET", url, headers={}, body=None, seconds=5, most=99
        )


def resolve(monkeypatch: pytest.MonkeyPatch, answers: Iterator[list[str]]) -> None:
    """Let every name have the addresses that are given, one answer after the other."""

    async def getaddrinfo(
        _self: object, _host: object, port: int, **_: object
    ) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
        return [
            (
                (socket.AF_INET6, socket.SOCK_STREAM, 6, "", (each, port, 0, 0))
                if ":" in each
                else (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
            )
            for each in next(answers)
        ]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "0x7f000001", "localhost", "127.9.9.9"],
)
async def test_no_member_is_met_on_loopback_unless_it_is_named(
    listener: Listener, host: str
) -> None:
    url = f"http://{host}:{await listener.start()}/"
    for inside in ((), ("10.0.0.0/8",)):
        with pytest.raises(InnerNetworkError, match=r"peering\.inside"):
            await ask(url, inside)
    assert listener.lines == 0

    if host != "127.9.9.9":
        assert await ask(url, LOOPBACK) == (200, b"inner")


@pytest.mark.parametrize("host", ["127.1", "2130706433"])
async def test_a_number_that_is_no_address_is_not_asked(
    listener: Listener, host: str
) -> None:
    with pytest.raises(PeerUnreachableError):
        await ask(f"http://{host}:{await listener.start()}/", LOOPBACK)
    assert listener.lines == 0


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["::1", "127.0.0.1"],
        ["fe80::1", "10.0.0.1"],
    ],
)
async def test_a_name_is_judged_by_all_its_addresses(
    listener: Listener, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await listener.start()
    resolve(monkeypatch, repeat(addresses))

    with pytest.raises(InnerNetworkError):
        await ask(f"http://member.example:{port}/", ())
    assert listener.lines == 0


async def test_a_name_that_turns_inwards_is_judged_anew(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = await listener.start()
    named = ("127.0.0.1/32",)
    resolve(monkeypatch, iter([["127.0.0.1"], ["127.0.0.2"], ["127.0.0.1"]]))

    async with await member_session(permitted_sockets(named)) as session:
        for status in (200, None, 200):
            session.connector._cached_hosts.clear()  # type: ignore[union-attr] # noqa: SLF001
            asked = converse(
                session,
                "b.demo",
                "GET",
                f"http://member.example:{port}/",
                headers={"connection": "close"},
                body=None,
                seconds=5,
                most=99,
            )
            if status is None:
                with pytest.raises(InnerNetworkError):
                    await asked
            else:
                assert (await asked)[0] == status
    assert listener.lines == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_leads_inside(listener: Listener, status: int) -> None:
    inner = f"http://127.0.0.1:{await listener.start()}/secret"
    outer = Listener(lambda _: web.Response(status=status, headers={"Location": inner}))
    port = await outer.start()
    try:
        # The member's own address is named; where it sends to is not asked at all.
        assert (await ask(f"http://127.0.0.1:{port}/", ("127.0.0.1/32",)))[0] == status
    finally:
        await outer.stop()
    assert (listener.lines, outer.asked) == (0, ["/"])


@pytest.fixture
async def providers(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Give nodes that are no demonstration, of which only a.demo names loopback."""
    monkeypatch.setattr(networks, "DEMO_SUFFIX", ".none")
    path = fleet.place("a.demo").config
    empty, named = "[peering]\ninside = []", '[peering]\ninside = ["127.0.0.0/8"]'
    text = path.read_text()
    assert empty in text
    text = text.replace(empty, named)
    await asyncio.to_thread(path.write_text, text)
    return fleet


async def test_a_node_asks_members_inside_only_where_it_names_the_network(
    providers: Fleet, caplog: pytest.LogCaptureFixture
) -> None:
    await providers.start("a.demo", "b.demo")
    members = {
        name: running.base.situation.shared.membership.others  # type: ignore[union-attr]
        for name, running in providers.running.items()
    }
    reached = {each.name: each for each in members["a.demo"]}["b.demo"]
    refused = {each.name: each for each in members["b.demo"]}["a.demo"]

    assert (await providers["a.demo"].client.attestation(reached)).signer == "b.demo"
    with pytest.raises(InnerNetworkError):
        await providers["b.demo"].client.attestation(refused)

    async def logged() -> bool:
        said = [getattr(each, "fedsafe", {}) for each in caplog.records]
        return any(
            each.get("reason") == "InnerNetworkError" and each.get("peer") == "a.demo"
            for each in said
        )

    await eventually(logged)  # as the operator sees it


async def test_no_invitation_leads_inside(alone: Fleet) -> None:
    for url in ("https://10.1.2.3", "https://0x0a010203", "http://127.0.0.1:1"):
        invitation = Invitation(
            federation="demo#1",
            urls=(url,),
            charter=bytes(32),
            expires=int(alone.clock.now().timestamp()) + 60,
            secret=bytes(16),
        )
        joining = alone["a.demo"].services.joining.join(invitation.text())
        if url.startswith("https"):
            with pytest.raises(BadRequestError, match=r"peering\.inside"):
                await joining
        else:  # a demonstration may meet members there: nobody answers
            with pytest.raises(PeerUnreachableError, match="ClientConnectorError"):
                await joining


@pytest.mark.parametrize(
    ("network", "broad"),
    [
        ("0.0.0.0/0", True),
        ("128.0.0.0/1", True),
        ("0.0.0.0/7", True),
        ("10.0.0.0/8", False),
        ("::/0", True),
        ("c000::/2", True),
        ("fc00::/7", False),
        ("10.1.2.0/24", False),
    ],
)
def test_a_network_that_is_as_good_as_all_is_known(network: str, broad: bool) -> None:  # noqa: FBT001 - a case
    assert is_broad(network) is broad
