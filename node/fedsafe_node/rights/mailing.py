# SPDX-License-Identifier: Apache-2.0
"""Mail a code, over SMTP with TLS; the message itself is kept nowhere.

The standard library's client runs in a thread of its own. Whatever goes wrong is told
as one thing, without the address: the person tries again, or writes to the provider.
"""

import asyncio
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final

from fedsafe_node.clock import Clock
from fedsafe_node.config import Mail, Tls
from fedsafe_node.errors import ConfigError, UnavailableError

TIMEOUT: Final = 15.0
RETRY_AFTER_MS: Final = 60_000
_MOST_PASSWORD: Final = 1_024


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to one address; neither is shown."""

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


class Mailer:
    """Sends letters through the provider's mail server."""

    def __init__(
        self,
        settings: Mail,
        directory: Path,
        clock: Clock,
        *,
        context: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._settings = settings
        self._directory = directory
        self._clock = clock
        self._context = context

    async def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server.

        Raises:
            UnavailableError: the server takes it now from nobody, or not at all.
        """
        message = self._message(letter)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException, ConfigError, ValueError):
            # What a server answers may hold the address: it goes nowhere.
            raise UnavailableError(
                "mail_unavailable",
                "no mail can be sent at the moment",
                retry_after_ms=RETRY_AFTER_MS,
            ) from None

    def _message(self, letter: Letter) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(self._clock.now())
        domain = self._settings.sender.rpartition("@")[2]
        message["Message-ID"] = make_msgid(domain=domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message

    def _send(self, message: EmailMessage) -> None:
        settings = self._settings
        if settings.tls is Tls.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=TIMEOUT, context=self._context()
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=TIMEOUT)
        with server:
            if settings.tls is Tls.STARTTLS:
                server.starttls(context=self._context())
            if settings.user is not None:
                server.login(settings.user, self._password())
            server.send_message(message)

    def _password(self) -> str:
        path = self._directory / (self._settings.password_file or "")
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise ConfigError(path, "the mail password cannot be read") from None
        return text[:_MOST_PASSWORD].strip()
