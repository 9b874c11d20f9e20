# SPDX-License-Identifier: Apache-2.0
"""Mail a code, over SMTP with TLS; the message itself is kept nowhere.

The standard library's client runs in threads that only mail uses: a mail server that
hangs holds up nothing else, and who comes while all are busy is refused, not queued.
Whatever goes wrong is told as one thing, without the address: the person tries again,
or writes to the provider.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from threading import BoundedSemaphore
from typing import Final

from fedsafe_node.budgets.meter import HOUR, Counts, Meter
from fedsafe_node.clock import Clock
from fedsafe_node.config import Mail, Tls
from fedsafe_node.errors import ConfigError, UnavailableError

TIMEOUT: Final = 15.0
"""Seconds that the mail server may be silent."""
WITHIN: Final = 20.0
"""Seconds that one letter may take in all, however the server drips."""
UNDER_WAY: Final = 8
RETRY_AFTER_MS: Final = 60_000
_MOST_PASSWORD: Final = 1_024


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one address; neither is shown."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


class Hourly:
    """Counts the letters of the last hour. Owned by the event loop."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._meter = Meter()
        self._quiet_until = 0

    def take(self, now: int) -> bool:
        """Count a letter; False if the hour has had its share."""
        if self._meter.within(now).spent >= self._most:
            return False
        self._meter.spend(now, Counts(spent=1))
        return True

    def alarms(self, now: int) -> bool:
        """Whether somebody has to hear of a refusal: the first one in an hour."""
        if now < self._quiet_until:
            return False
        self._quiet_until = now + HOUR
        return True

    def frees_in(self, now: int) -> int:
        """In how many seconds another letter may go."""
        return max(1, self._meter.frees_at(now) - now)


class _Line:
    """A connection that can be cut from outside of its thread."""

    def __init__(self) -> None:
        self._server: smtplib.SMTP | None = None
        self._is_cut = False

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

    def __init__(self, settings: Mail, line: _Line) -> None:
        line.hold(self)
        super().__init__(settings.host, settings.port, timeout=TIMEOUT)


class _Secure(smtplib.SMTP_SSL):
    """The same, under TLS from the first byte."""

    def __init__(self, settings: Mail, line: _Line, context: ssl.SSLContext) -> None:
        line.hold(self)
        super().__init__(settings.host, settings.port, timeout=TIMEOUT, context=context)


class Mailer:
    """Sends letters through the provider's mail server.

    Owned by the event loop; `_free` alone is given back by the threads.
    """

    def __init__(  # noqa: PLR0913 - what a test sets otherwise
        self,
        settings: Mail,
        directory: Path,
        clock: Clock,
        *,
        context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
        under_way: int = UNDER_WAY,
        within: float = WITHIN,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._clock = clock
        self._context = context
        self._within = within
        self.hourly = Hourly(settings.most_an_hour)
        self._pool = ThreadPoolExecutor(under_way, thread_name_prefix="mail")
        self._free = BoundedSemaphore(under_way)

    async def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server.

        Raises:
            UnavailableError: too many letters are under way, or the server takes it
                now from nobody, or not at all.
        """
        if not self._free.acquire(blocking=False):
            raise _unavailable()
        line = _Line()
        try:
            sending = self._start(letter, line)
            async with asyncio.timeout(self._within):
                await asyncio.wrap_future(sending)
        except (OSError, smtplib.SMTPException, ConfigError, ValueError):
            # What a server answers may hold the address: it goes nowhere.
            raise _unavailable() from None
        finally:
            line.cut()

    def _start(self, letter: Letter, line: _Line) -> Future[None]:
        try:
            message = self._message(letter)
            sending = self._pool.submit(self._send, message, letter.to, line)
        except BaseException:
            self._free.release()
            raise
        # Whoever stops waiting frees nothing: the thread may still be held.
        sending.add_done_callback(lambda _: self._free.release())
        return sending

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.sender
        # Given as text it would be parsed, and encoded words in it decoded.
        local, _, domain = letter.to.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock.now())
        sender_domain = self._settings.sender.rpartition("@")[2]
        message["Message-ID"] = make_msgid(domain=sender_domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message

    def _send(self, message: EmailMessage, to: str, line: _Line) -> None:
        settings = self._settings
        line.check()
        if settings.tls is Tls.TLS:
            server: smtplib.SMTP = _Secure(settings, line, self._context())
        else:
            server = _Plain(settings, line)
        # Not by `with`, which says QUIT to a server that has stopped answering.
        try:
            line.check()
            if settings.tls is Tls.STARTTLS:
                server.starttls(context=self._context())
            if settings.user is not None:
                server.login(settings.user, self._password())
            line.check()
            server.send_message(message, to_addrs=[to])
            with suppress(OSError, smtplib.SMTPException):
                server.quit()
        finally:
            server.close()

    def _password(self) -> str:
        path = self._directory / (self._settings.password_file or "")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(path, "the mail password cannot be read") from None
        return text[:_MOST_PASSWORD].strip()


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "mail_unavailable",
        "no mail can be sent at the moment",
        retry_after_ms=RETRY_AFTER_MS,
    )
