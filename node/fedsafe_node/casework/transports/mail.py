# SPDX-License-Identifier: Apache-2.0
"""Mail sealed packages through the provider's mail server, always over TLS.

The subject says FedSafe and the reply token, and the text says nothing. The same
dispatch has the same Message-ID at every attempt, so that what comes twice is seen to
be one mail. The signature of the sealed file stands in a header: one more part would
hide from mail programs that the message is S/MIME or OpenPGP.
"""

import smtplib
import ssl
from base64 import b64encode
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final, assert_never

from fedsafe_federation.wire.tls import client_context, flaw
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.parcels import (
    Handed,
    Parcel,
    Sealing,
    armored,
    name_of,
    proof_of,
)
from fedsafe_node.ground.carrier_settings import MailSending
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.errors import ConfigError
from fedsafe_node.ground.mail_settings import Tls
from fedsafe_node.ground.smtp import BusyError, Line, MailServer, MailThreads, connected
from fedsafe_policies.escalation.channels import MailChannel
from fedsafe_policies.ground.catalogue import Phrase

UNDER_WAY: Final = 4
WITHIN: Final = 60.0
"""Seconds that one mail may take in all, however the server drips."""
SIGNATURE: Final = "FedSafe-Signature"
_WIDTH: Final = 48
"""How long a piece of it is: lines are folded between pieces."""
_TAKEN: Final = 250
_LATER: Final = range(400, 500)


class MailCarrier:
    """Mails packages. Owned by the event loop."""

    def __init__(
        self,
        settings: MailSending,
        directory: Path,
        clock: Clock,
        *,
        within: float = WITHIN,
    ) -> None:
        password = settings.password_file
        self._server = MailServer(
            settings.host,
            settings.port,
            Tls(settings.security),
            settings.user,
            None if password is None else directory / password,
        )
        self._ca = None if settings.ca is None else directory / settings.ca
        self._sender = settings.sender
        self._clock = clock
        self._threads = MailThreads(UNDER_WAY, within)

    async def carry(self, parcel: Parcel, channel: MailChannel) -> Handed:
        """Hand a package to the mail server; that is no receipt of the partner.

        Raises:
            SendingError: the server did not take it, or nobody knows.
        """
        line, message = Line(), self._message(parcel, channel.address)
        try:
            await self._threads.use(
                line, lambda: self._send(message, channel.address, line)
            )
        except (OSError, smtplib.SMTPException, ConfigError, ValueError) as error:
            if line.answer is None:
                raise _told(error, line, parcel.reply_token) from None
        said = proof_of(line.answer or "", hidden=parcel.reply_token)
        return Handed(said, message["Message-ID"])

    def _begin(self, server: smtplib.SMTP, back: str) -> None:
        """Say where a mail that cannot be delivered goes back to.

        Best to an address that says which dispatch it was; where the server lets us
        use ours alone, to that.
        """
        if server.mail(back)[0] // 100 != 2:  # noqa: PLR2004 - every 2xx
            server.rset()
            _accept(*server.mail(self._sender))

    def _send(self, message: EmailMessage, to: str, line: Line) -> None:
        back = str(message["Reply-To"])
        with connected(self._server, line, self._context) as server:
            server.ehlo_or_helo_if_needed()
            self._begin(server, back)
            _accept(*server.rcpt(to), Fault.REFUSED)
            line.is_given = True
            code, said = server.data(message.as_bytes(policy=SMTP))
            if code != _TAKEN:
                raise smtplib.SMTPDataError(code, said)
            line.answer = f"{code} {said.decode('ascii', 'replace')}"

    def _context(self) -> ssl.SSLContext:
        try:
            return client_context(self._ca)
        except (OSError, ValueError):
            raise ConfigError(self._ca, Phrase("it holds no certificates")) from None

    def _message(self, parcel: Parcel, to: str) -> EmailMessage:
        local, _, domain = self._sender.rpartition("@")
        message = EmailMessage(policy=SMTP)
        message["From"] = self._sender
        name, _, host = to.rpartition("@")
        message["To"] = Address(username=name, domain=host)
        message["Reply-To"] = f"{local}+{parcel.reply_token}@{domain}"
        message["Subject"] = f"FedSafe {parcel.reply_token}"
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = f"<fedsafe.{parcel.dispatch}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        if parcel.signature is not None:
            message[SIGNATURE] = _in_pieces(parcel.signature)
        _fill(message, parcel)
        return message


def _in_pieces(signature: bytes) -> str:
    text = b64encode(signature).decode()
    return " ".join(text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH))


def _fill(message: EmailMessage, parcel: Parcel) -> None:
    name = name_of(parcel)
    match parcel.sealing:
        case Sealing.HPKE:
            message.set_content("FedSafe\n")
            message.add_attachment(
                parcel.data,
                maintype="application",
                subtype="octet-stream",
                filename=name,
            )
        case Sealing.SMIME:
            kind = {"smime-type": "authEnveloped-data", "name": name}
            message.set_content(
                parcel.data,
                maintype="application",
                subtype="pkcs7-mime",
                disposition="attachment",
                filename=name,
                params=kind,
            )
        case Sealing.OPENPGP:
            message["MIME-Version"] = "1.0"
            message["Content-Type"] = (
                'multipart/encrypted; protocol="application/pgp-encrypted"'
            )
            version = EmailMessage(policy=SMTP)
            version.set_content(
                b"Version: 1\n", "application", "pgp-encrypted", cte="7bit"
            )
            sealed = EmailMessage(policy=SMTP)
            sealed.set_content(
                armored(parcel.data).encode(),
                "application",
                "octet-stream",
                cte="7bit",
                filename="encrypted.asc",
            )
            message.attach(version)
            message.attach(sealed)
        case _:
            assert_never(parcel.sealing)


def _accept(code: int, said: bytes, fault: Fault = Fault.MISCONFIGURED) -> None:
    """Raise unless an answer is an agreement.

    Raises:
        SendingError: it is none.
    """
    if code // 100 != 2:  # noqa: PLR2004 - every 2xx
        words = proof_of(f"{code} {said.decode('ascii', 'replace')}")
        raise SendingError(fault, words, retry=code in _LATER)


def _told(error: Exception, line: Line, token: str) -> SendingError:
    """Say what went wrong by how far the line came."""
    if isinstance(error, ConfigError):
        return SendingError(Fault.MISCONFIGURED, error.why)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        if line.is_secure:
            return SendingError(Fault.MISCONFIGURED, "it knows no login")
        return SendingError(Fault.UNTRUSTED, "it offers no TLS")
    if isinstance(error, smtplib.SMTPResponseException):
        return _answered(error, line, token)
    return _lost(error, line)


def _answered(
    error: smtplib.SMTPResponseException, line: Line, token: str
) -> SendingError:
    said, later = error.smtp_error, error.smtp_code in _LATER
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return SendingError(Fault.MISCONFIGURED, "it refuses the login", retry=later)
    if not line.is_secure and not isinstance(error, smtplib.SMTPConnectError):
        return SendingError(Fault.UNTRUSTED, "it offers no TLS", retry=later)
    text = said.decode("ascii", "replace") if isinstance(said, bytes) else said
    words = proof_of(f"{error.smtp_code} {text}", hidden=token)
    return SendingError(Fault.REFUSED, words, retry=later)


def _lost(error: Exception, line: Line) -> SendingError:
    if isinstance(error, BusyError):
        return SendingError(Fault.UNREACHABLE, "too many mails are under way")
    if line.is_given:
        return SendingError(Fault.IN_DOUBT, "the line was cut after the mail went")
    if isinstance(error, ssl.SSLCertVerificationError):
        return SendingError(Fault.UNTRUSTED, flaw(error))
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return SendingError(Fault.UNTRUSTED, "it speaks no TLS that can be trusted")
    return SendingError(Fault.UNREACHABLE, "it does not answer, or not in time")
