# SPDX-License-Identifier: Apache-2.0
"""A real provider of identities on loopback, in its own process, and who logs in there.

What it is stands in `tests.node.people.provider`.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from aiohttp import ClientSession, CookieJar
from tests.node.people.provider import CLIENT, REDIRECT

from fedsafe_cli.demo.fleet import free_ports

PASSWORD: Final = "provider geheim 1"
SETTINGS: Final = """
[oidc]
name = "Haus-Anmeldung"
issuer = "{issuer}"
client_id = "{client}"
redirect = "{redirect}"
"""
_SCRIPT: Final = Path(__file__).parents[1] / "node/people/provider.py"


@dataclass(frozen=True)
class Provider:
    """The process of the provider."""

    url: str
    process: subprocess.Popen[str]

    def turn_keys(self) -> None:
        """Have it sign with a new key, and drop the old one."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "turned\n"

    def settings(self) -> str:
        """Write the settings of a node whose people log in here."""
        return SETTINGS.format(issuer=self.url, client=CLIENT, redirect=REDIRECT)


@contextmanager
def serve_provider(place: Path, *redirects: str) -> Iterator[Provider]:
    """Run a provider that may lead browsers back to *redirects* as well."""
    (port,) = free_ports(1)
    with subprocess.Popen(
        [sys.executable, str(_SCRIPT), str(port), PASSWORD, *redirects],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=place,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Provider(f"http://127.0.0.1:{port}", process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(20)


async def log_in_there(url: str, name: str, back: str = REDIRECT) -> str:
    """Log in at the provider's pages as a person does; give where it leads back to."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:

        async def ask(
            method: str, at: str, form: dict[str, str] | None
        ) -> tuple[str, str | None, str]:
            async with browser.request(
                method, at, data=form, allow_redirects=False
            ) as response:
                target = response.headers.get("Location")
                return str(response.url), target, await response.text()

        page, target, text = await ask("GET", url, None)
        for field, value in (("login", name), ("password", PASSWORD)):
            while target is not None:
                page, target, text = await ask("GET", urljoin(url, target), None)
            found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
            assert found is not None, text
            form = {"csrf_token": unescape(found[1]), field: value, "answer": ""}
            page, target, text = await ask("POST", page, form)
        while target is not None:
            if target.startswith(back):
                return target
            page, target, text = await ask("GET", urljoin(url, target), None)
    raise AssertionError(text)
