# SPDX-License-Identifier: Apache-2.0
"""Who has only a phone is unmatched everywhere, by HTTP alone.

Nodes, the hook of the guide and the gateway behind it are real processes or servers on
loopback, under the clock on the wall.
"""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from tests.support import fleet as fleets
from tests.support.federation import Caller, until
from tests.support.gate_nodes import running
from tests.support.phone_hooks import code_in, documented_hook, write_secret

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_cli.demo.nodes import DemoNode
from fedsafe_node.acts.bodies import Kind
from fedsafe_node.app.init import create_node
from fedsafe_node.ground.clock import SystemClock
from fedsafe_node.ground.config import Place

pytestmark = pytest.mark.timeout(400)

FORM: Final = "b.demo"
WITHIN: Final = 300.0
LISTED: Final = {"dispute": "+4915112345678", "erasure": "+4916012345678"}
UNLISTED: Final = "+4917012345678"


async def _prepare(root: Path) -> None:
    """Make a federation of which one member lists two numbers."""
    clock = fleets.StandingClock(SystemClock().now())
    fleet, names = fleets.Fleet(root, clock), fleets.NAMES
    for name, port in zip(names, free_ports(len(names)), strict=True):
        await create_node(
            Place(root / name),
            fleets.config_of(name, port),
            custody_private=root / "custody" / f"{name}.key",
            staff=fleets.STAFF,
            clock=clock,
        )
    try:
        await fleet.start(*names)
        await fleets.found(fleet, *names)
        await fleet.attested()
        for number in LISTED.values():
            await fleet.publish(number, Kind.PHONE)
    finally:
        await fleet.close()


@contextmanager
def _gateway(messages: list[dict[str, str]]) -> Iterator[str]:
    """Take short messages as a gateway does; give its address."""

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            messages.append(json.loads(self.rfile.read(size)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/sms"
    finally:
        server.shutdown()
        server.server_close()


def _posted(node: DemoNode, path: str, **fields: str) -> str:
    data = urlencode({"lang": "en", "by": "phone"} | fields).encode()
    url = f"{node.url}{path}"
    with urlopen(url, data, timeout=30) as answer:  # noqa: S310 - on loopback
        return str(answer.read().decode())


def _request(
    node: DemoNode, messages: list[dict[str, str]], kind: str, number: str
) -> tuple[str, str]:
    """Make a request as a person does; give its number and collect code."""
    asked = _posted(node, "/rights/code", kind=kind, phone=number)
    (nonce,) = re.findall(r'name="nonce" value="([^"]*)"', asked)
    assert messages[-1]["to"] == number
    code = code_in(messages[-1]["text"])
    fields = {"kind": kind, "phone": number, "nonce": nonce, "code": code}
    name, collect = re.findall(
        r"<code>([^<]+)</code>", _posted(node, "/rights/proof", **fields)
    )
    return name, collect


def _matches(caller: Caller, number: str) -> list[Any] | None:
    question = {"questions": [{"kind": "phone", "value": number}]}
    answer = caller.post("/v1/lookup", question)
    return None if answer.status != 200 else list(answer.body["matches"])


def test_who_has_only_a_phone_is_unmatched_everywhere(tmp_path: Path) -> None:
    root, messages = tmp_path / "n", list[dict[str, str]]()
    asyncio.run(_prepare(root))
    write_secret(root / FORM)
    with _gateway(messages) as gateway, documented_hook(tmp_path, gateway) as hook:
        url, said = hook
        config = root / FORM / "node.toml"
        phone = f'\n[phone]\nurl = "{url}"\nsecret_file = "keys/phone-hook"\n'
        config.write_text(config.read_text() + phone)
        with running(root) as nodes:
            callers = [Caller(node) for node in nodes.values()]
            until(
                lambda: all(
                    _matches(each, number)
                    for each in callers
                    for number in LISTED.values()
                ),
                "the match",
                patience=60,
            )
            (match,) = _matches(Caller(nodes[FORM]), LISTED["dispute"]) or [None]
            assert match["appeal"]["form"] == f"{nodes[FORM].url}/rights"
            for kind, number in LISTED.items():
                _request(nodes[FORM], messages, kind, number)
            took = until(
                lambda: all(
                    _matches(each, number) == []
                    for each in callers
                    for number in LISTED.values()
                ),
                "the rest",
                patience=WITHIN,
            )
            name, collect = _request(nodes[FORM], messages, "access", UNLISTED)
            answer = _posted(
                nodes[FORM], "/rights/answer", request=name, collect=collect
            )
    assert "Answer to your request" in answer
    assert took < WITHIN
    secret = [*LISTED.values(), UNLISTED, *(code_in(each["text"]) for each in messages)]
    for path in (*root.rglob("*"), said):
        if path.is_file() and not path.is_symlink():
            found = path.read_bytes()
            assert not any(each.lstrip("+").encode() in found for each in secret), path
