# SPDX-License-Identifier: Apache-2.0
"""A mail server that misbehaves holds up nothing but mail, and not for long."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from threading import Thread

import pytest
from tests.node.rights.conftest import MailBox
from tests.support.fleet import NAMES, Fleet
from tests.support.rights_form import proofs_of

from fedsafe_node.acts.requests import CodeRequest, Language
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.errors import UnavailableError
from fedsafe_node.ground.mail_settings import Mail, Tls
from fedsafe_node.rights.code_mail import UNDER_WAY, Mailer
from fedsafe_node.rights.letters import code_letter

LETTER = code_letter("person@mail.example", "0123456789", Language.EN, "b.demo")


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A mail server that takes connections and never says a word."""
    with closing(socket.socket()) as server:
        server.bind(("127.0.0.1", 0))
        server.listen(64)
        yield server


def mailer_to(server: socket.socket, *, within: float) -> Mailer:
    port = server.getsockname()[1]
    mail = Mail(host="127.0.0.1", port=port, sender="s@b.demo", tls=Tls.NONE)
    return Mailer(mail, Path(), SystemClock(), under_way=2, within=within)


async def test_who_comes_while_all_are_busy_is_refused_at_once(
    silent: socket.socket,
) -> None:
    mailer = mailer_to(silent, within=60)
    held = [asyncio.create_task(mailer.send(LETTER)) for _ in range(2)]
    peers = [(await asyncio.to_thread(silent.accept))[0] for _ in held]

    async with asyncio.timeout(5):
        with pytest.raises(UnavailableError):
            await mailer.send(LETTER)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    for peer in peers:
        peer.close()


async def test_a_server_that_drips_is_cut_off(silent: socket.socket) -> None:
    def drip() -> None:
        peer, _ = silent.accept()
        with closing(peer):
            try:
                while peer.send(b"2") and not peer.recv(1):
                    pass
            except OSError:
                return

    mailer = mailer_to(silent, within=0.2)
    for _ in range(4):  # more than there are threads: each comes back
        dripping = Thread(target=drip)
        dripping.start()
        async with asyncio.timeout(5):
            with pytest.raises(UnavailableError):
                await mailer.send(LETTER)
        await asyncio.to_thread(dripping.join, 5)
        assert not dripping.is_alive()


async def test_a_hanging_mail_server_stalls_no_thread_of_the_node(
    fleet: Fleet, silent: socket.socket
) -> None:
    path = fleet.place("b.demo").config
    path.write_text(path.read_text() + MailBox(silent.getsockname()[1]).settings)
    await fleet.start(*NAMES)
    proofs = proofs_of(fleet)
    strangers = [
        asyncio.create_task(
            proofs.send_code(CodeRequest(email=f"x{each}@x.example"), "192.0.2.7")
        )
        for each in range(4 * UNDER_WAY)
    ]
    ending = asyncio.as_completed(strangers)
    async with asyncio.timeout(20):
        for _ in range(3 * UNDER_WAY):
            with pytest.raises(UnavailableError):
                await next(ending)

    async with asyncio.timeout(5):
        await fleet["b.demo"].base.store.scan(lambda reader: reader.open_disputes())
        await asyncio.to_thread(int)
    held = [task for task in strangers if not task.done()]
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)

    assert len(held) == UNDER_WAY
