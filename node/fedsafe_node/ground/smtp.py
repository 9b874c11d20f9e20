# SPDX-License-Identifier: Apache-2.0
"""Connections to mail servers, in threads that only mail uses.

A server that hangs holds up nothing else: the connection can be cut from outside, and
who comes while all threads are busy is refused, not queued.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.mail_settings import Tls
from fedsafe_policies.ground.catalogue import Phrase

TIMEOUT: Final = 15.0
"""Seconds that the mail server may be silent."""
_MOST_PASSWORD: Final = 1_024


class BusyError(OSError):
    """All threads are busy."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where a mail server is, how the way is protected, who logs in."""

    host: str
    port: int
    tls: Tls
    user: str | None
    password_file: Path | None

    def password(self) -> str:
        """Read the password; it blocks.

        Raises:
            ConfigError: the file cannot be read.
        """
        path = self.password_file or Path()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(
                path, Phrase("the mail password cannot be read")
            ) from None
        return text[:_MOST_PASSWORD].strip()


class Line:
    """A connection that can be cut from outside of its thread.

    It knows how far it came: `is_secure` once TLS stands, `is_given` once the mail
    itself is on its way, and what the server said to that.
    """

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None
        self._is_cut = False
        self.is_secure = False
        self.is_given = False
        self.answer: str | None = None

    def hold(self, server: smtplib.SMTP) -> None:
        """Take the connection that is made."""
        self._server = server

    def check(self) -> None:
        """Raise if the line was cut while it was being made.

        Raises:
            TimeoutError: it was.
        """
        if self._is_cut:
            raise TimeoutError

    def cut(self) -> None:
        """End whatever the thread waits for."""
        self._is_cut = True
        sock = self._server.sock if self._server is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class _Plain(smtplib.SMTP):
    """Is in the hand of a line before it connects."""

    def __init__(self, server: MailServer, line: Line) -> None:
        line.hold(self)
        super().__init__(server.host, server.port, timeout=TIMEOUT)


class _Secure(smtplib.SMTP_SSL):
    """The same, under TLS from the first byte."""

    def __init__(self, server: MailServer, line: Line, context: ssl.SSLContext) -> None:
        line.hold(self)
        super().__init__(server.host, server.port, timeout=TIMEOUT, context=context)


@contextmanager
def connected(
    server: MailServer, line: Line, context: Callable[[], ssl.SSLContext]
) -> Iterator[smtplib.SMTP]:
    """Give a connection, protected and logged in as the settings say. It blocks."""
    line.check()
    if server.tls is Tls.TLS:
        client: smtplib.SMTP = _Secure(server, line, context())
        line.is_secure = True
    else:
        client = _Plain(server, line)
    # Not by `with`, which says QUIT to a server that has stopped answering.
    try:
        line.check()
        if server.tls is Tls.STARTTLS:
            client.starttls(context=context())
            line.is_secure = True
        if server.user is not None:
            client.login(server.user, server.password())
        line.check()
        yield client
        with suppress(OSError, smtplib.SMTPException):
            client.quit()
    finally:
        client.close()


class MailThreads:
    """Threads for mail alone. Owned by the event loop; they give `_free` back."""

    def __init__(self, under_way: int, within: float) -> None:
        self._within = within
        self._pool = ThreadPoolExecutor(under_way, thread_name_prefix="mail")
        self._free = BoundedSemaphore(under_way)

    async def use(self, line: Line, act: Callable[[], None]) -> None:
        """Run what uses a line in a thread, and cut the line in time.

        Raises:
            BusyError: all threads are busy.
            TimeoutError: it took too long.
        """
        if not self._free.acquire(blocking=False):
            raise BusyError
        try:
            sending = self._start(act)
            async with asyncio.timeout(self._within):
                await asyncio.wrap_future(sending)
        finally:
            line.cut()

    def _start(self, act: Callable[[], None]) -> Future[None]:
        try:
            sending = self._pool.submit(act)
        except BaseException:
            self._free.release()
            raise
        # Whoever stops waiting frees nothing: the thread may still be held.
        sending.add_done_callback(lambda _: self._free.release())
        return sending
