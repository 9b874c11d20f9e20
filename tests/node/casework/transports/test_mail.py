# SPDX-License-Identifier: Apache-2.0
import asyncio
import email
import socket
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from email.message import EmailMessage
from email.policy import default
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.node.casework.transports.conftest import PARCEL, Papers, sealed_as
from tests.support.openssl_desk import openpgp, signature, smime

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.casework.transports.errors import Fault, SendingError
from fedsafe_node.casework.transports.mail import SIGNATURE, MailCarrier
from fedsafe_node.casework.transports.parcels import Parcel, Sealing
from fedsafe_node.ground.carrier_settings import MailSending
from fedsafe_node.ground.clock import SystemClock
from fedsafe_policies.escalation.channels import MailChannel

TO = MailChannel(address="intake@office.example")
Serve = Callable[..., "Box"]


class Box:
    """A mail server; it keeps what it is given, and can misbehave at DATA."""

    def __init__(self, port: int, answer: str | None) -> None:
        self.port = port
        self.answer = answer
        self.envelopes: list[Envelope] = []

    async def handle_DATA(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        self.envelopes.append(envelope)
        if self.answer is None:
            assert isinstance(server.transport, asyncio.WriteTransport)
            server.transport.abort()
        return self.answer or "250 taken"

    def mail(self) -> EmailMessage:
        content = self.envelopes[-1].content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=default)
        assert isinstance(found, EmailMessage)
        return found


@pytest.fixture
def serve(papers: Papers) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(answer: str | None = "250 queued as 4F", **more: Any) -> Box:  # noqa: ANN401
            (port,) = free_ports(1)
            box = Box(port, answer)
            context = papers.server()
            more = more or {"tls_context": context, "require_starttls": True}
            controller = Controller(box, hostname="127.0.0.1", port=port, **more)
            controller.start()
            stack.callback(controller.stop)
            return box

        yield start


def carrier(papers: Papers, port: int, **more: Any) -> MailCarrier:  # noqa: ANN401
    within = more.pop("within", 20.0)
    settings = MailSending(
        host="127.0.0.1",
        sender="cases@chat.example",
        port=port,
        **{"ca": papers.ca.name, **more},
    )
    clock = SystemClock()
    return MailCarrier(settings, papers.folder, clock, within=within)


async def fault(mailer: MailCarrier, parcel: Parcel = PARCEL) -> SendingError:
    with pytest.raises(SendingError) as found:
        await mailer.carry(parcel, TO)
    assert "@" not in str(found.value)
    return found.value


async def test_a_mail_says_nothing_and_carries_the_package(
    papers: Papers, serve: Serve
) -> None:
    box = serve()
    mailer = carrier(papers, box.port)
    handed = await mailer.carry(PARCEL, TO)
    again = await mailer.carry(PARCEL, TO)
    mail = box.mail()

    assert mail["Subject"] == f"FedSafe {PARCEL.reply_token}"
    assert mail["Reply-To"] == f"cases+{PARCEL.reply_token}@chat.example"
    assert [part.get_content() for part in mail.iter_attachments()] == [PARCEL.data]
    assert handed == again
    assert (handed.message, handed.proof) == (
        mail["Message-ID"],
        "250 queued as 4F",
    )
    assert PARCEL.dispatch in mail["Message-ID"]
    assert box.envelopes[0].rcpt_tos == [TO.address]
    assert box.envelopes[0].mail_from == mail["Reply-To"]


async def test_a_server_that_knows_our_address_alone_is_given_that(
    papers: Papers, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = serve()

    async def strict(
        _box: Box,
        _server: SMTP,
        _session: Session,
        envelope: Envelope,
        address: str,
        _options: list[str],
    ) -> str:
        if address != "cases@chat.example":
            return "553 5.7.1 not your address"
        envelope.mail_from = address
        return "250 ok"

    monkeypatch.setattr(Box, "handle_MAIL", strict, raising=False)
    await carrier(papers, box.port).carry(PARCEL, TO)

    assert [each.mail_from for each in box.envelopes] == ["cases@chat.example"]


async def test_each_sealing_is_mailed_as_mail_programs_know_it(
    papers: Papers, serve: Serve
) -> None:
    box = serve()
    mailer = carrier(papers, box.port)
    await mailer.carry(sealed_as(Sealing.SMIME, smime()), TO)
    first = box.mail()
    await mailer.carry(sealed_as(Sealing.OPENPGP, openpgp()), TO)
    second = box.mail()

    assert first.get_content_type() == "application/pkcs7-mime"
    assert first["Content-Type"].params["smime-type"] == "authEnveloped-data"
    assert first.get_content() == smime()
    assert second.get_content_type() == "multipart/encrypted"
    assert second["Content-Type"].params["protocol"] == "application/pgp-encrypted"
    version, sealed = second.iter_parts()
    assert version.get_content() == b"Version: 1\r\n"
    lines = sealed.get_content().decode().replace("\r", "").strip().split("\n")
    assert (lines[0], lines[-1]) == (
        "-----BEGIN PGP MESSAGE-----",
        "-----END PGP MESSAGE-----",
    )
    assert b64decode("".join(lines[1:-1])) == openpgp()


async def test_the_signature_of_the_sealed_file_stands_in_a_header(
    papers: Papers, serve: Serve
) -> None:
    box = serve()
    mailer = carrier(papers, box.port)
    await mailer.carry(PARCEL, TO)
    unsigned = box.mail()
    found = []
    for parcel in (
        sealed_as(Sealing.SMIME, smime()),
        sealed_as(Sealing.OPENPGP, openpgp()),
    ):
        await mailer.carry(parcel, TO)
        content = box.envelopes[-1].content
        assert isinstance(content, bytes)
        found.append((box.mail()[SIGNATURE], content.split(b"\r\n\r\n", 1)[0]))

    assert unsigned[SIGNATURE] is None
    for (value, head), sealed in zip(found, (smime(), openpgp()), strict=True):
        assert b64decode(value.replace(" ", ""), validate=True) == signature(sealed)
        assert max(map(len, head.split(b"\r\n"))) <= 78
        assert b"=?" not in head
        assert f"{SIGNATURE}: {value[:48]}\r\n {value[49:]}\r\n".encode() in head


async def test_implicit_tls_works_as_well(papers: Papers, serve: Serve) -> None:
    box = serve(ssl_context=papers.server())

    await carrier(papers, box.port, security="tls").carry(PARCEL, TO)
    assert len(box.envelopes) == 1


async def test_a_server_without_tls_gets_nothing(papers: Papers, serve: Serve) -> None:
    box = serve(decode_data=False)
    plain = await fault(carrier(papers, box.port))
    implicit = await fault(carrier(papers, box.port, security="tls"))

    assert (plain.why, plain.retry) == (Fault.UNTRUSTED, False)
    assert implicit.why is Fault.UNTRUSTED
    assert box.envelopes == []


async def test_a_certificate_of_another_authority_is_not_trusted(
    papers: Papers, serve: Serve
) -> None:
    box = serve()
    found = await fault(carrier(papers, box.port, ca=papers.other_ca.name))
    by_system = await fault(carrier(papers, box.port, ca=None))

    assert (found.why, by_system.why) == (Fault.UNTRUSTED, Fault.UNTRUSTED)
    assert box.envelopes == []


async def test_a_refusal_says_whether_to_come_again(
    papers: Papers, serve: Serve
) -> None:
    never = await fault(carrier(papers, serve("550 no in@office.example").port))
    later = await fault(carrier(papers, serve("451 later").port))

    assert (never.why, never.retry) == (Fault.REFUSED, False)
    assert (later.why, later.retry) == (Fault.REFUSED, True)


@pytest.mark.parametrize("code", ["250", "550"])
async def test_what_a_server_repeats_of_the_reply_token_is_left_out(
    papers: Papers, serve: Serve, code: str
) -> None:
    box = serve(f"{code} Subject: FedSafe {PARCEL.reply_token}")
    mailer = carrier(papers, box.port)
    if code == "250":
        said = (await mailer.carry(PARCEL, TO)).proof
    else:
        said = (await fault(mailer)).words

    assert said == f"{code} Subject: FedSafe [token]"


async def test_a_line_that_is_cut_after_the_mail_went_leaves_doubt(
    papers: Papers, serve: Serve
) -> None:
    found = await fault(carrier(papers, serve(None).port))

    assert (found.why, found.retry) == (Fault.IN_DOUBT, True)


async def test_a_server_that_drips_is_cut_off_and_has_got_nothing(
    papers: Papers,
) -> None:

    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with closing(peer):
                try:
                    while peer.send(b"2") and not peer.recv(1):
                        pass
                except OSError:
                    return

        thread = Thread(target=drip)
        thread.start()
        found = await fault(carrier(papers, server.getsockname()[1], within=0.2))
        await asyncio.to_thread(thread.join, 5)

    assert (found.why, found.retry) == (Fault.UNREACHABLE, True)


async def test_files_that_are_missing_are_named_as_settings(
    papers: Papers, serve: Serve
) -> None:
    box = serve()
    ca = await fault(carrier(papers, box.port, ca="none.pem"))

    assert ca.why is Fault.MISCONFIGURED
