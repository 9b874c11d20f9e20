# SPDX-License-Identifier: Apache-2.0
"""Against aiohttp's server for faults, and nginx where it is installed."""

import asyncio
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import ED25519
from tests.node.casework.transports.conftest import INSIDE, PARCEL, Papers
from tests.programs import program

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.keys import key_fingerprint
from fedsafe_federation.exchange.signed_requests import Request
from fedsafe_node.casework.transports.carriers import Carriers
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.hosts import permitted
from fedsafe_node.casework.transports.webhook import COVERED, TAG, WebhookCarrier
from fedsafe_node.ground.carrier_settings import Sending, WebhookSending
from fedsafe_node.ground.clock import SystemClock
from fedsafe_policies.escalation.channels import MailChannel, WebhookChannel

KEY = SigningKey.generate()
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[..., Awaitable[WebhookChannel]]
MUTUAL: Final[dict[str, Any]] = {"certificate": "client.pem", "key": "client.key"}
STRANGE: Final[dict[str, Any]] = {"certificate": "stranger.pem", "key": "stranger.key"}


def carrier(papers: Papers, *, within: float = 20.0, **more: Any) -> WebhookCarrier:  # noqa: ANN401
    settings = WebhookSending(**({"ca": papers.ca.name} | more))
    return WebhookCarrier(
        settings, papers.folder, INSIDE, SystemClock(), lambda: KEY, within=within
    )


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def start(
            answer: Answer, context: ssl.SSLContext | None = None
        ) -> WebhookChannel:
            app = web.Application(client_max_size=1 << 20)
            app.router.add_post("/in", answer)
            runner = web.AppRunner(app)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            (port,) = free_ports(1)
            site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=context)
            await site.start()
            scheme = "http" if context is None else "https"
            return WebhookChannel(url=f"{scheme}://127.0.0.1:{port}/in")

        yield start


async def fault(post: WebhookCarrier, channel: WebhookChannel) -> SendingError:
    with pytest.raises(SendingError) as found:
        await post.carry(PARCEL, channel)
    return found.value


def says(status: int, **more: Any) -> Answer:  # noqa: ANN401
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, **more)

    return answer


class _Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey:
        assert key_id == key_fingerprint(KEY.public)
        return Ed25519PublicKey.from_public_bytes(KEY.public)


async def test_a_post_is_signed_over_all_that_a_partner_acts_on(
    papers: Papers, serve: Serve
) -> None:
    seen: list[tuple[Request, bytes]] = []

    async def answer(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append((Request("POST", str(request.url), headers), body))
        return web.Response(status=202, text="taken for in@office.example")

    channel = await serve(answer, papers.server())
    handed = await carrier(papers).carry(PARCEL, channel)
    request, body = seen[0]
    verifier = HTTPMessageVerifier(signature_algorithm=ED25519, key_resolver=_Keys())
    (result,) = verifier.verify(
        request, expect_tag=TAG, require_components=COVERED, body=body
    )

    assert body == PARCEL.data
    assert request.headers["idempotency-key"] == f'"{PARCEL.dispatch}"'
    assert '"content-digest"' in result.covered_components
    assert handed.proof == "202 taken for [address]"
    assert PARCEL.reply_token not in str(request)


async def test_only_2xx_is_a_hand_over_and_no_redirect_is_followed(
    papers: Papers, serve: Serve
) -> None:
    found = {}
    for status in (302, 307, 400, 403, 409, 429, 500, 503):
        answer = says(status, headers={"Location": "/in"})
        error = await fault(carrier(papers), await serve(answer))
        assert error.why is Fault.REFUSED
        found[status] = error.retry

    assert {status for status, retry in found.items() if retry} == {429, 500, 503}


async def test_a_certificate_of_another_authority_is_not_trusted(
    papers: Papers, serve: Serve
) -> None:
    channel = await serve(says(200), papers.server())
    plain = await serve(says(200))
    other = await fault(carrier(papers, ca=papers.other_ca.name), channel)
    no_tls = WebhookChannel(url=plain.url.replace("http:", "https:"))
    without = await fault(carrier(papers), no_tls)

    assert (other.why, other.retry) == (Fault.UNTRUSTED, False)
    assert without.why is Fault.UNTRUSTED


async def test_a_refused_client_certificate_is_told(papers: Papers) -> None:
    context = papers.server(asks=True)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def refuse() -> None:
            peer, _ = server.accept()
            with closing(peer), suppress(ssl.SSLError):
                context.wrap_socket(peer, server_side=True).close()

        thread = Thread(target=refuse)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/in"
        found = await fault(carrier(papers), WebhookChannel(url=url))
        await asyncio.to_thread(thread.join, 5)

    assert (found.why, found.retry) == (Fault.REFUSED, False)


async def test_a_certificate_refused_late_leaves_doubt_at_most(
    papers: Papers, serve: Serve
) -> None:
    seen: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response()

    channel = await serve(answer, papers.server(asks=True))  # TLS 1.3
    found = await fault(carrier(papers, **STRANGE), channel)

    assert found.why in {Fault.REFUSED, Fault.IN_DOUBT}
    assert seen == []
    await carrier(papers, **MUTUAL).carry(PARCEL, channel)
    assert len(seen) == 1


async def test_a_line_cut_after_the_package_went_leaves_doubt(
    papers: Papers, serve: Serve
) -> None:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    found = await fault(carrier(papers), await serve(answer))

    assert (found.why, found.retry) == (Fault.IN_DOUBT, True)


async def test_an_answer_that_never_comes_leaves_doubt(
    papers: Papers, serve: Serve
) -> None:
    never = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        await never.wait()
        return web.Response()

    found = await fault(carrier(papers, within=0.3), await serve(answer))
    never.set()

    assert found.why is Fault.IN_DOUBT


async def test_of_a_huge_answer_the_beginning_is_read(
    papers: Papers, serve: Serve
) -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(status=200)
        await response.prepare(request)
        try:
            while sent < 1 << 30:
                await response.write(b"x" * 65_536)
                sent += 65_536
        except ConnectionError:
            pass
        return response

    handed = await carrier(papers).carry(PARCEL, await serve(answer))

    assert handed.proof.startswith("200 xxx")
    assert len(handed.proof) <= 300
    assert sent < 1 << 26


async def test_nobody_there_is_unreachable(papers: Papers) -> None:
    (port,) = free_ports(1)
    found = await fault(
        carrier(papers), WebhookChannel(url=f"https://127.0.0.1:{port}/in")
    )

    assert (found.why, found.retry) == (Fault.UNREACHABLE, True)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "192.0.0.192",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "0x7f000001",
    ],
)
async def test_no_channel_leads_inside_unless_the_network_is_named(host: str) -> None:
    with pytest.raises(SendingError) as found:
        await permitted(host, 443, ("10.9.0.0/16",))

    assert found.value.why in {Fault.MISCONFIGURED, Fault.UNREACHABLE}


async def test_the_internet_and_named_networks_are_permitted() -> None:
    assert await permitted("192.88.98.1", 443, ()) == ["192.88.98.1"]
    assert await permitted("10.9.1.1", 443, ("10.9.0.0/16",)) == ["10.9.1.1"]
    assert await permitted("2606:4700::1", 443, ()) == ["2606:4700::1"]


def test_no_pass_phrase_is_asked_for_at_the_terminal(papers: Papers) -> None:
    locked = papers.folder / "locked.key"
    key = load_pem_private_key((papers.folder / "client.key").read_bytes(), None)
    phrase = BestAvailableEncryption(b"phrase")
    locked.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, phrase))
    script = (
        "import sys; from pathlib import Path\n"
        "from fedsafe_node.casework.transports.errors import SendingError\n"
        "from fedsafe_node.ground.carrier_settings import WebhookSending\n"
        "from fedsafe_node.casework.transports.webhook import WebhookCarrier\n"
        "settings = WebhookSending(certificate='client.pem', key='locked.key')\n"
        "carrier = WebhookCarrier(settings, Path(sys.argv[1]), (), None, None)\n"
        "try: carrier._tls()\n"
        "except SendingError as error: print(error.why.value)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(papers.folder)],
        input=b"phrase\n",  # OpenSSL reads it from here, without a terminal
        capture_output=True,
        start_new_session=True,
        timeout=50,
        check=True,
    )

    assert done.stdout == b"misconfigured\n"
    assert done.stderr == b""


async def test_what_is_not_set_is_not_sent_by(tmp_path: Path) -> None:
    carriers = Carriers(Sending(), tmp_path, SystemClock(), lambda: KEY)
    with pytest.raises(SendingError, match=r"sending\.mail") as found:
        await carriers.carry(PARCEL, MailChannel(address="in@office.example"))

    assert (found.value.why, found.value.retry) == (Fault.MISCONFIGURED, False)


@pytest.fixture
def nginx(tmp_path: Path, papers: Papers) -> Iterator[WebhookChannel]:
    server = program("nginx", "nginx-light")
    (port,) = free_ports(1)
    for name in ("body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (tmp_path / name).mkdir()
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};"
        for name in ("proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = tmp_path / "nginx.conf"
    file.write_text(
        f"user root; daemon off; pid {tmp_path}/pid; error_log stderr notice;\n"
        "events {}\nhttp { access_log off;"
        f"client_body_temp_path {tmp_path}/body; {temporary}\n"
        f"server {{ listen 127.0.0.1:{port} ssl;\n"
        f"ssl_certificate {papers.certificate('server')};\n"
        f"ssl_certificate_key {papers.key('server')};\n"
        f"ssl_client_certificate {papers.ca}; ssl_verify_client on;\n"
        "location = /in { return 202 taken; } } }\n"
    )
    process = subprocess.Popen(
        [server, "-c", file, "-p", tmp_path], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if "start worker process" in line:
            break
    yield WebhookChannel(url=f"https://127.0.0.1:{port}/in")
    process.terminate()
    process.communicate(timeout=10)


async def test_nginx_takes_a_package_from_whom_it_knows(
    papers: Papers, nginx: WebhookChannel
) -> None:
    handed = await carrier(papers, **MUTUAL).carry(PARCEL, nginx)
    unknown = await fault(carrier(papers), nginx)
    other = await fault(carrier(papers, **STRANGE), nginx)

    assert handed.proof == "202 taken"
    assert (unknown.why, unknown.retry) == (Fault.REFUSED, False)
    assert other.why is Fault.REFUSED
