# SPDX-License-Identifier: Apache-2.0
"""GnuPG with a home of its own, as a partner has it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Final

from tests.programs import program

_ALWAYS: Final = ("--batch", "--quiet", "--pinentry-mode", "loopback")
_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class GnuPG:
    """Runs it, without a terminal."""

    home: Path

    def __call__(
        self, *words: str, data: bytes = b"", password: str = ""
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it; no password of this suite is anybody's."""
        return self._run("gpg", *_ALWAYS, "--passphrase", password, *words, data=data)

    def end(self) -> None:
        """End its agent."""
        self._run("gpgconf", "--kill", "all")

    def _run(
        self, *words: str, data: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            words,
            env=os.environ | {"GNUPGHOME": str(self.home)},
            input=data,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )


@contextmanager
def gnupg() -> Iterator[GnuPG]:
    """Give one with no keys; skip the test where none is installed."""
    program("gpg", "gpg")
    home = Path(tempfile.mkdtemp(prefix="fg"))  # short: sockets are in it
    found = GnuPG(home)
    try:
        yield found
    finally:
        found.end()
        rmtree(home, ignore_errors=True)
