# SPDX-License-Identifier: Apache-2.0
"""The page about cases, and the desks that follow it."""

import json
import os
import re
import shutil
import subprocess
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from tests.support.ready_programme import start, write_command

from fedsafe_cli.demo.fleet import answers, free_ports, stop, wait_until
from fedsafe_cli.demo.nodes import make_shown
from fedsafe_node.ground.clock import SystemClock
from fedsafe_policies.vocabulary import Role

PAGE: Final = Path(__file__).parents[2] / "docs/howto/compliance/cases.md"
TEXT: Final = PAGE.read_text()
STAFF: Final = (("ella", Role.ESCALATION_OFFICER),)
PASSWORD: Final = "correct horse battery"
SHOWN: Final = {
    "FINGERPRINT": ("partner key", re.compile(r"((?:[0-9a-f]{4} ){7}[0-9a-f]{4})")),
    "CASE": ("case open", re.compile(r"\b([0-9a-f]{32})\b")),
    "ACT": ("case approve", re.compile(r"act approve ([0-9a-f]{32})")),
    "SENDER": ("partner list", re.compile(r"our key,.*?: ((?:[0-9a-f]{4} ){7}\S{4})")),
    "DISPATCH": ("case dispatches", re.compile(r"\b([0-9a-f]{32})\b")),
}
"""What the words in capitals stand for: where it was shown, and what it looks like."""


@dataclass
class Desks:
    """The people at their desks, in one directory, and what they were shown."""

    home: Path
    node: Path
    shown: dict[str, str] = field(default_factory=dict)

    def type(
        self, who: str, text: str, typed: str = "y\n"
    ) -> subprocess.CompletedProcess[str]:
        for word, value in self.shown.items():
            text = re.sub(rf"\b{word}\b", value, text)
        bash = shutil.which("bash")
        assert bash is not None
        settings = os.environ | {
            "LC_ALL": "C.UTF-8",
            "FEDSAFE_CONFIG": str(self.node),
            "PATH": f"{self.home}/bin:{os.environ['PATH']}",
            "XDG_STATE_HOME": str(self.home / who),
        }
        if who == "Ella":
            key = self.home / "credentials" / "chat.demo" / "ella.key"
            settings["FEDSAFE_CREDENTIAL_FILE"] = str(key)
        return subprocess.run(
            [bash, "-euc", text],
            cwd=self.home,
            env=settings,
            input=typed,
            capture_output=True,
            check=False,
            text=True,
            timeout=120,
        )

    def ask(self, who: str, text: str, *typed: str) -> dict[str, Any]:
        """Give a command that answers in JSON, with what it asks for."""
        done = self.type(who, f"{text} --json", "".join(f"{each}\n" for each in typed))
        assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def log_in(self, name: str, code: str) -> None:
        """Let somebody set their account up, and log in."""
        made = self.ask(name.title(), f"fedsafe account setup {name}", code, PASSWORD)
        totp = TOTP(b32decode(made["secret"]), 6, SHA1(), 30)  # noqa: S303 - RFC 6238
        now = totp.generate(SystemClock().now().timestamp()).decode()
        self.ask(name.title(), f"fedsafe login {name}", PASSWORD, now)


@pytest.fixture
def desks(tmp_path: Path) -> Iterator[Desks]:
    (port,) = free_ports(1)
    node = make_shown(tmp_path / "chat.demo", port, staff=STAFF)
    (tmp_path / "bin").mkdir()
    write_command(tmp_path / "bin")
    found = Desks(tmp_path, node.directory)
    first = found.ask("Olaf", "fedsafe account first olaf")["code"]
    process = start(node.directory)
    try:
        wait_until(
            lambda: answers(node.directory), [(node.directory, process)], "the node"
        )
        found.log_in("olaf", first)
        made = found.ask("Olaf", "fedsafe account add ben --display Ben")
        found.ask("Olaf", "fedsafe account roles ben --grant reviewer")
        found.log_in("ben", made["code"])
        yield found
    finally:
        stop(node.directory)


def blocks() -> list[tuple[str, str, int]]:
    """Give each block of the page: who types it, what, and with which status."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL):
        head, _, text = block.partition("\n")
        who, _, status = head.removeprefix("# ").partition(", status ")
        found.append((who, text, int(status or 0)))
    return found


def filled_in() -> dict[str, Any]:
    (text,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    found: dict[str, Any] = json.loads(text)
    return found
