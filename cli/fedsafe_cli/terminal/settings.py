# SPDX-License-Identifier: Apache-2.0
"""Which node, whose credential, which language, which form of output.

The node: `--config` (its directory, or the `node.toml` in it), else
`FEDSAFE_CONFIG`, else `./node.toml`, else `~/.fedsafe`. The credential:
`--credential`, else `FEDSAFE_CREDENTIAL_FILE`; a file that only its owner can
read, never an argument. Without one the node takes us for a local service.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import NodeUnreachableError, SettingsError, reason_of
from fedsafe_policies.ground.catalogue import SOURCE, Phrase, languages

CONFIG: Final = "FEDSAFE_CONFIG"
CREDENTIAL: Final = "FEDSAFE_CREDENTIAL_FILE"
FILE: Final = "node.toml"
SOCKET: Final = "node.sock"
_CREDENTIAL_BYTES: Final = 256
_CREDENTIAL: Final = re.compile(r"fs[12]_[A-Za-z0-9_-]{43}")
_OTHERS: Final = 0o077


@dataclass(slots=True, kw_only=True)
class Settings:
    """What the options of group and command said; an option wins over no option."""

    config: str | None = None
    credential: str | None = None
    json: bool = False
    lang: str | None = None

    @property
    def language(self) -> str:
        """The language to speak."""
        return self.lang or language_of(os.environ)

    @property
    def named(self) -> str | None:
        """The node that an option or the environment names, if either does."""
        return self.config or os.environ.get(CONFIG) or None

    def directory(self) -> str:
        """Return the directory of the chosen node.

        Raises:
            SettingsError: the path that was named holds no node.
            NodeUnreachableError: nothing was named, and no node is found.
        """
        if self.named:
            return _named(self.named)
        for candidate in (".", os.path.expanduser("~/.fedsafe")):  # noqa: PTH111
            if os.path.exists(os.path.join(candidate, FILE)):  # noqa: PTH110, PTH118
                return candidate
        raise NodeUnreachableError(
            Phrase("there is no node here or in ~/.fedsafe"),
            Phrase(
                "name its directory with --config DIR or {config}, or make one "
                "with `fedsafe node init`"
            ).filled(config=CONFIG),
        )

    def client(self) -> Client:
        """Return a client of the chosen node.

        Raises:
            SettingsError: node or credential do not fit.
            NodeUnreachableError: no node is found.
        """
        directory = self.directory()
        path = self.credential or os.environ.get(CREDENTIAL)
        token = read_credential(path) if path else None
        return Client(f"{directory}/{SOCKET}", token=token, directory=directory)


def language_of(environment: Mapping[str, str]) -> str:
    """Choose a language as the locale's variables say; English if it is unknown."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name)
        if value:
            code = value.lower()[:2]
            return code if code in languages() else SOURCE
    return SOURCE


def read_credential(path: str) -> str:
    """Read a credential, or a session's token, out of its file.

    Raises:
        SettingsError: no such file, open to others, or no credential in it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise SettingsError(
            Phrase("credential file {file}: {why}").filled(
                file=printable(path), why=reason_of(error)
            )
        ) from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise SettingsError(
                Phrase("credential file {file} is no file").filled(file=printable(path))
            )
        if status.st_uid != os.geteuid() or status.st_mode & _OTHERS:
            raise SettingsError(
                Phrase("credential file {file} is open to others").filled(
                    file=printable(path)
                ),
                Phrase("chmod 600 {file}").filled(file=printable(path)),
            )
        content = os.read(descriptor, _CREDENTIAL_BYTES)
    finally:
        os.close(descriptor)
    text = content.decode("ascii", "replace").strip()
    if _CREDENTIAL.fullmatch(text) is None:
        raise SettingsError(
            Phrase("credential file {file} holds no credential").filled(
                file=printable(path)
            )
        )
    return text


def printable(name: str) -> str:
    """Return a file's name so that it stays on one line and encodes."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text
    )


def _named(path: str) -> str:
    if os.path.isdir(path):  # noqa: PTH112
        path = os.path.join(path, FILE)  # noqa: PTH118
    try:
        os.stat(path)  # noqa: PTH116
    except PermissionError:
        raise SettingsError(
            Phrase("{file} may not be read by this user").filled(file=printable(path)),
            Phrase("run the command as the user whose node it is"),
        ) from None
    except OSError:
        raise SettingsError(
            Phrase("{file} does not exist").filled(file=printable(path)),
            Phrase(
                "--config takes a node's directory, as `fedsafe node init "
                "--dir` made it"
            ),
        ) from None
    return os.path.dirname(path) or "."  # noqa: PTH120
