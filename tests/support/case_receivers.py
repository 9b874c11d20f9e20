# SPDX-License-Identifier: Apache-2.0
"""Partners on loopback: a mail server, an SSH server and a web server, in threads.

Each takes what comes and keeps which dispatch it was, where it came and its bytes.
`struck` is told of each parcel before its sender hears that it was taken.
"""

import asyncio
import email
import re
import ssl
import threading
from asyncio import Runner
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Final

import asyncssh
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.node.casework.transports.conftest import Papers

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.ground.carrier_settings import (
    MailSending,
    Sending,
    SftpSending,
    WebhookSending,
)
from fedsafe_policies.escalation.channels import (
    MailChannel,
    SftpChannel,
    WebhookChannel,
    read_host_key,
)

_FILE: Final = re.compile(r"fedsafe-([0-9a-f]{32})\.fedsafe")
_SENDER: Final = "cases@chat.example"
_START: Final = 60.0


@dataclass(frozen=True, slots=True)
class Taken:
    """A parcel that has arrived: by which way, at which place, under which key."""

    way: str
    place: str
    dispatch: str
    data: bytes = field(repr=False)
    token: str = field(default="", repr=False)


class Receivers:
    """The servers of all partners."""

    def __init__(self, papers: Papers, directory: Path) -> None:
        self._papers = papers
        self._root = directory / "sftp"
        self._root.mkdir()
        self._own, self._host = (
            asyncssh.generate_private_key("ssh-ed25519") for _ in range(2)
        )
        self.mail_port, self.ssh_port, self.web_port = free_ports(3)
        self._lock = threading.Lock()
        self._taken: list[Taken] = []
        self.struck: Callable[[Taken], None] = lambda _: None

    def taken(self) -> list[Taken]:
        """Return all that has arrived until now."""
        with self._lock:
            return list(self._taken)

    def forget(self, dispatch: str) -> None:
        """Let what has arrived of a dispatch not have arrived."""
        with self._lock:
            self._taken = [each for each in self._taken if each.dispatch != dispatch]

    def settings(self, directory: Path) -> Sending:
        """Return how a node reaches them, whose key files are put in its directory."""
        key = directory / "partners.key"
        self._own.write_private_key(key)
        key.chmod(0o600)
        ca = str(self._papers.ca)
        return Sending(
            mail=MailSending(
                host="127.0.0.1", sender=_SENDER, port=self.mail_port, ca=ca
            ),
            sftp=SftpSending(key=key.name),
            webhook=WebhookSending(ca=ca),
            inside=("127.0.0.0/8",),
        )

    def mail(self, name: str) -> MailChannel:
        """Return a mailbox."""
        return MailChannel(address=f"{name}@office.example")

    def directory(self, name: str) -> SftpChannel:
        """Return a directory on the SSH server."""
        (self._root / name).mkdir()
        return SftpChannel(
            host="127.0.0.1",
            port=self.ssh_port,
            user="fedsafe",
            directory=name,
            host_key=read_host_key(self._host.export_public_key().decode()),
        )

    def hook(self, name: str) -> WebhookChannel:
        """Return an address of the web server; one named `closed` takes nothing."""
        return WebhookChannel(url=f"https://127.0.0.1:{self.web_port}/{name}")

    def take(self, taken: Taken) -> None:
        """Keep what has arrived."""
        with self._lock:
            self._taken.append(taken)
        self.struck(taken)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve all of them as long as this lasts."""
        post = Controller(
            _Post(self),
            hostname="127.0.0.1",
            port=self.mail_port,
            tls_context=self._papers.server(),
            require_starttls=True,
        )
        with ThreadPoolExecutor(1) as thread, Runner() as runner:
            loop = runner.get_loop()
            stop, ready = asyncio.Event(), threading.Event()
            served = thread.submit(runner.run, self._serve(stop, ready))
            assert ready.wait(_START)
            post.start()
            try:
                yield
            finally:
                post.stop()
                loop.call_soon_threadsafe(stop.set)
                served.result(_START)

    async def _serve(self, stop: asyncio.Event, ready: threading.Event) -> None:
        keys = self._own.export_public_key().decode()
        server = await asyncssh.listen(
            "127.0.0.1",
            self.ssh_port,
            server_host_keys=[self._host],
            authorized_client_keys=asyncssh.import_authorized_keys(keys),
            sftp_factory=lambda channel: _Box(channel, self, self._root),
        )
        app = web.Application(client_max_size=1 << 20)
        app.router.add_post("/{name}", self._posted)
        runner = web.AppRunner(app)
        await runner.setup()
        context: ssl.SSLContext = self._papers.server()
        site = web.TCPSite(runner, "127.0.0.1", self.web_port, ssl_context=context)
        await site.start()
        ready.set()
        await stop.wait()
        await runner.cleanup()
        server.close()
        await server.wait_closed()

    async def _posted(self, request: web.Request) -> web.Response:
        if request.match_info["name"] == "closed":
            return web.Response(status=410)
        data = await request.read()
        key = request.headers["Idempotency-Key"].strip('"')
        self.take(Taken("webhook", request.path, key, data))
        return web.Response(status=202)


class _Post:
    """Takes mail."""

    def __init__(self, receivers: Receivers) -> None:
        self._receivers = receivers

    async def handle_DATA(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        assert isinstance(envelope.content, bytes)
        found = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(found, EmailMessage)
        (part,) = found.iter_attachments()
        name = _FILE.fullmatch(part.get_filename() or "")
        assert name is not None
        (to,) = envelope.rcpt_tos
        token = str(found["Subject"]).removeprefix("FedSafe ")
        self._receivers.take(Taken("mail", to, name[1], part.get_content(), token))
        return "250 taken"


class _Box(asyncssh.SFTPServer):
    """Takes files: they have arrived once they have their final names."""

    def __init__(
        self,
        channel: "asyncssh.SSHServerChannel[bytes]",
        receivers: Receivers,
        root: Path,
    ) -> None:
        super().__init__(channel, chroot=bytes(root))
        self._receivers = receivers
        self._root = root

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().rename(oldpath, newpath)
        path = Path(newpath.decode().lstrip("/"))
        name = _FILE.fullmatch(path.name)
        assert name is not None, path.name
        data = (self._root / path).read_bytes()
        self._receivers.take(Taken("sftp", path.parent.name, name[1], data))
