# SPDX-License-Identifier: Apache-2.0
"""Measure how long each carrier takes to hand a sealed package over, on loopback.

A package of 64 KiB goes by mail (STARTTLS, aiosmtpd), SFTP (asyncssh: log in, write,
read back, rename) and webhook (TLS, aiohttp), each time over a new connection as a
node does it. The servers run in this process too: what is told is both sides.

    python benchmarks/carrying.py [--times 50] [--json FILE]
"""

import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes, token_hex
from time import perf_counter

import asyncssh
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_crypto.primitives.identity import SigningKey
from fedsafe_federation.casework.container import MAGIC
from fedsafe_node.casework.transports.carriers import Carriers
from fedsafe_node.ground.carrier_settings import (
    MailSending,
    Sending,
    SftpSending,
    WebhookSending,
)
from fedsafe_node.ground.clock import SystemClock
from fedsafe_policies.escalation.channels import (
    Channel,
    MailChannel,
    SftpChannel,
    WebhookChannel,
    read_host_key,
)
from measuring import Row, parser, percentile, report

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.node.casework.transports.conftest import INSIDE, PARCEL, Papers, issue_papers

SIZE = 1 << 16


def serve_mail(papers: Papers, port: int, parts: AsyncExitStack) -> Channel:
    controller = Controller(
        Sink(),
        hostname="127.0.0.1",
        port=port,
        tls_context=papers.server(),
        require_starttls=True,
    )
    controller.start()
    parts.callback(controller.stop)
    return MailChannel(address="intake@office.example")


async def serve_sftp(papers: Papers, port: int, parts: AsyncExitStack) -> Channel:
    own, host = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    own.write_private_key(papers.folder / "own")
    (papers.folder / "own").chmod(0o600)
    own.write_public_key(papers.folder / "trusted")
    root = papers.folder / "root"
    root.mkdir()
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_host_keys=[host],
        authorized_client_keys=str(papers.folder / "trusted"),
        sftp_factory=lambda line: asyncssh.SFTPServer(line, chroot=bytes(root)),
    )
    parts.callback(server.close)
    key = read_host_key(host.export_public_key().decode())
    return SftpChannel(host="127.0.0.1", port=port, user="fedsafe", host_key=key)


async def serve_webhook(papers: Papers, port: int, parts: AsyncExitStack) -> Channel:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/in", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    parts.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=papers.server())
    await site.start()
    return WebhookChannel(url=f"https://127.0.0.1:{port}/in")


async def timed(times: int, act: Callable[[], Awaitable[object]]) -> list[float]:
    await act()
    taken = []
    for _ in range(times):
        begun = perf_counter()
        await act()
        taken.append((perf_counter() - begun) * 1_000)
    return taken


async def measure(folder: Path, times: int) -> list[Row]:
    papers, key = issue_papers(folder), SigningKey.generate()
    ports = free_ports(3)
    async with AsyncExitStack() as parts:
        channels = {
            "mail": serve_mail(papers, ports[0], parts),
            "sftp": await serve_sftp(papers, ports[1], parts),
            "webhook": await serve_webhook(papers, ports[2], parts),
        }
        sending = Sending(
            mail=MailSending(
                host="127.0.0.1", port=ports[0], sender="c@chat.example", ca="ca.pem"
            ),
            sftp=SftpSending(key="own"),
            webhook=WebhookSending(ca="ca.pem"),
            inside=INSIDE,
        )
        carriers = Carriers(sending, folder, SystemClock(), lambda: key)
        rows: list[Row] = []
        for name, channel in channels.items():

            async def carry(channel: Channel = channel) -> None:
                parcel = replace(
                    PARCEL,
                    dispatch=token_hex(16),
                    data=MAGIC + token_bytes(SIZE - len(MAGIC)),
                )
                await carriers.carry(parcel, channel)

            taken = await timed(times, carry)
            rows.append(
                {
                    "carrier": name,
                    "ms, median": round(percentile(taken, 0.5), 1),
                    "ms, p95": round(percentile(taken, 0.95), 1),
                }
            )
        return rows


def main() -> int:
    options = parser(__doc__)
    options.add_argument("--times", type=int, default=50)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.dir) as folder:
        rows = asyncio.run(measure(Path(folder), given.times))
    report(rows, given, times=given.times, bytes=SIZE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
