# SPDX-License-Identifier: Apache-2.0
"""Hooks for codes to phone numbers: the documented one, and one that misbehaves."""

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

from aiohttp import web
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver
from http_message_signatures.algorithms import HMAC_SHA256

from fedsafe_cli.demo.fleet import free_ports
from fedsafe_node.ground.clock import Clock

SECRET: Final = "5d" * 32
_GUIDE: Final = Path(__file__).parents[2] / "docs/howto/phone-codes.md"
_CODE: Final = re.compile(r"([0-9]{5}) ([0-9]{5})")
Answer = Callable[[web.Request, dict[str, Any]], Awaitable[web.StreamResponse]]


class _Secret(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> bytes:
        assert key_id.endswith(".demo")
        return SECRET.encode()


class _Verifier(HTTPMessageVerifier):
    """The library's, for nodes whose clock stands: a test compares the moments."""

    def validate_created_and_expires(self, *_: object, **__: object) -> None:
        """Leave the moments to the test."""


@dataclass
class FakeHook:
    """A provider's hook whose answers a test chooses; it checks each signature."""

    port: int
    clock: Clock
    asked: list[dict[str, Any]] = field(default_factory=list)
    answer: Answer | None = None
    elsewhere: int = 0

    @property
    def settings(self) -> str:
        return (
            f'\n[phone]\nurl = "http://127.0.0.1:{self.port}/code"\n'
            'secret_file = "keys/phone-hook"\n'
        )

    def code(self, number: int = -1) -> str:
        return code_in(self.asked[number]["text"])

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        verifier = _Verifier(signature_algorithm=HMAC_SHA256, key_resolver=_Secret())
        signed = SimpleNamespace(
            method=request.method, url=str(request.url), headers=dict(request.headers)
        )
        (found,) = verifier.verify(
            signed,
            body=body,
            expect_tag="fedsafe-code-v1",
            require_components=("@method", "@path", "content-type", "content-digest"),
            max_age=timedelta(minutes=5),
        )
        asked = json.loads(body)
        assert found.parameters["created"] == int(self.clock.now().timestamp())
        assert found.parameters["nonce"] == asked["request"]
        self.asked.append(asked)
        if self.answer is not None:
            return await self.answer(request, asked)
        return outcome(asked, "accepted")

    async def other(self, request: web.Request) -> web.StreamResponse:
        del request
        self.elsewhere += 1
        return web.Response()


def outcome(asked: dict[str, Any], said: str) -> web.Response:
    return web.json_response({"request": asked["request"], "outcome": said})


def code_in(text: str) -> str:
    found = _CODE.search(text)
    assert found is not None
    return f"{found[1]}{found[2]}"


@asynccontextmanager
async def fake_hook(clock: Clock) -> AsyncIterator[FakeHook]:
    (port,) = free_ports(1)
    hook = FakeHook(port, clock)
    app = web.Application()
    app.router.add_post("/code", hook.take)
    app.router.add_route("*", "/elsewhere", hook.other)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield hook
    finally:
        await runner.cleanup()


def write_secret(directory: Path, secret: str = SECRET) -> None:
    path = directory / "keys" / "phone-hook"
    path.write_text(f"{secret}\n")
    path.chmod(0o600)


@contextmanager
def documented_hook(folder: Path, gateway: str) -> Iterator[tuple[str, Path]]:
    """Run the hook of the guide as a process; give its address and its output.

    Its port is found by being asked until it answers.
    """
    (program,) = re.findall(r"```python\n(.*?)```", _GUIDE.read_text(), re.DOTALL)
    source, secret = folder / "hook.py", folder / "hook.secret"
    source.write_text(program)
    secret.write_text(SECRET)
    (port,) = free_ports(1)
    env = os.environ | {
        "HOOK_SECRET": str(secret),
        "HOOK_GATEWAY": gateway,
        "HOOK_PORT": str(port),
    }
    said = folder / "hook.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(source)], env=env, stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{port}/code", said
        finally:
            process.terminate()
            process.wait()
