# SPDX-License-Identifier: Apache-2.0
"""A real mail server on loopback, and nodes that mail through it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from tests.support.fleet import NAMES, Fleet

from fedsafe_cli.demo.fleet import free_ports

_CODE = re.compile(r"([0-9]{5}) ([0-9]{5})")


@dataclass
class MailBox:
    """What the mail server was given."""

    port: int
    envelopes: list[Envelope] = field(default_factory=list)
    refuses: bool = False

    async def handle_DATA(  # noqa: N802 - the server's name for it
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del server, session
        if self.refuses:
            return "550 no mailbox of person@mail.example here"
        self.envelopes.append(envelope)
        return "250 taken"

    @property
    def settings(self) -> str:
        return (
            f'\n[mail]\nhost = "127.0.0.1"\nport = {self.port}\ntls = "none"\n'
            'sender = "safety@b.demo"\n'
        )

    def last(self) -> Message:
        content = self.envelopes[-1].content
        assert isinstance(content, bytes)
        return message_from_bytes(content)

    def text(self) -> str:
        payload = self.last().get_payload(decode=True)
        assert isinstance(payload, bytes)
        return payload.decode()

    def code(self) -> str:
        found = _CODE.search(self.text())
        assert found is not None
        return f"{found[1]}{found[2]}"


@pytest.fixture
def box() -> Iterator[MailBox]:
    (port,) = free_ports(1)
    box = MailBox(port)
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    yield box
    controller.stop()


@pytest.fixture
async def mailing(fleet: Fleet, box: MailBox) -> Fleet:
    """Give three nodes of which b.demo mails codes."""
    path = fleet.place("b.demo").config
    path.write_text(path.read_text() + box.settings)
    await fleet.start(*NAMES)
    await fleet.covered()
    return fleet
