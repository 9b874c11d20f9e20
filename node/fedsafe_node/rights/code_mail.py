# SPDX-License-Identifier: Apache-2.0
"""Mail a code, over SMTP with TLS; the message itself is kept nowhere.

Whatever goes wrong is told as one thing, without the address: the person tries again,
or writes to the provider.
"""

import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final

from fedsafe_federation.wire.tls import client_context
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import ConfigError, UnavailableError
from fedsafe_node.ground.mail_settings import Mail
from fedsafe_node.ground.smtp import Line, MailServer, MailThreads, connected
from fedsafe_node.rules.budgets.meter import HOUR, Counts, Meter
from fedsafe_policies.ground.catalogue import Phrase

WITHIN: Final = 20.0
"""Seconds that one letter may take in all, however the server drips."""
UNDER_WAY: Final = 8
RETRY_AFTER_MS: Final = 60_000
_WELL: Final = 250


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


class Mailer:
    """Sends letters through the provider's mail server. Owned by the event loop."""

    def __init__(  # noqa: PLR0913 - what a test sets otherwise
        self,
        settings: Mail,
        directory: Path,
        clock: Clock,
        *,
        context: Callable[[], ssl.SSLContext] = client_context,
        under_way: int = UNDER_WAY,
        within: float = WITHIN,
    ) -> None:
        self._settings = settings
        password = settings.password_file
        self._server = MailServer(
            settings.host,
            settings.port,
            settings.tls,
            settings.user,
            None if password is None else directory / password,
        )
        self._clock = clock
        self._context = context
        self.hourly = Hourly(settings.most_an_hour)
        self._threads = MailThreads(under_way, within)

    async def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server.

        Raises:
            UnavailableError: too many letters are under way, or the server takes it
                now from nobody, or not at all.
        """
        line = Line()
        try:
            message = self._message(letter)
            await self._threads.use(line, lambda: self._send(message, letter.to, line))
        except (OSError, smtplib.SMTPException, ConfigError, ValueError):
            # What a server answers may hold the address: it goes nowhere.
            raise _unavailable() from None

    async def try_out(self) -> None:
        """Go as far as a letter would: connect, protect, log in; send nothing.

        Raises:
            OSError: the server does not answer, not in time, or not as itself.
            SMTPException: it refuses protection, the log-in, or work.
            ConfigError: the password cannot be read.
        """
        line = Line()
        await self._threads.use(line, lambda: self._try(line))

    def _try(self, line: Line) -> None:
        with connected(self._server, line, self._context) as server:
            code, answer = server.noop()
            if code != _WELL:
                raise smtplib.SMTPResponseException(code, answer)

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

    def _send(self, message: EmailMessage, to: str, line: Line) -> None:
        with connected(self._server, line, self._context) as server:
            server.send_message(message, to_addrs=[to])


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "mail_unavailable",
        Phrase("no mail can be sent at the moment"),
        retry_after_ms=RETRY_AFTER_MS,
    )
