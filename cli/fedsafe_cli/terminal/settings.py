# SPDX-License-Identifier: Apache-2.0
"""Which node, whose credential, which language, which form of output.

The node: `--config` (its directory, or the `node.toml` in it), else `FEDSAFE_URL`
(its address, or `unix:` and the path of its socket for lookups), else `FEDSAFE_CONFIG`,
else `./node.toml`, else `~/.fedsafe`. Two environment variables that name different
nodes are refused: whoever believes to act at one node must not act at another. The
credential: `--credential`, else `FEDSAFE_CREDENTIAL_FILE`; a file that only its owner
can read, never an argument. Without one the node takes us for a local service, if we
come by its socket.
"""

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fedsafe_cli.terminal.client import Client
from fedsafe_cli.terminal.errors import (
    NodeUnreachableError,
    SettingsError,
    words_of,
)
from fedsafe_policies.ground.catalogue import SOURCE, Phrase, languages
from fedsafe_policies.ground.system_reasons import reason_of

CONFIG: Final = "FEDSAFE_CONFIG"
URL: Final = "FEDSAFE_URL"
CREDENTIAL: Final = "FEDSAFE_CREDENTIAL_FILE"
FILE: Final = "node.toml"
SOCKET: Final = "node.sock"
_CREDENTIAL_BYTES: Final = 256
_CREDENTIAL: Final = re.compile(r"fs[12]_[A-Za-z0-9_-]{43}")
_OTHERS: Final = 0o077
_BY_ADDRESS: Final = Phrase(
    "run the command as the user whose node it is, or ask the node by its address: "
    "{url}=https://... with --credential FILE or `fedsafe login`"
).filled(url=URL)


@dataclass(slots=True, kw_only=True)
class Settings:
    """What the options of group and command said; an option wins over no option."""

    config: str | None = None
    url: str | None = None
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

    def address(self) -> str | None:
        """Return the address of the chosen node, if it is chosen by one.

        Raises:
            SettingsError: two things name a node.
        """
        if self.url is not None:
            if self.config:
                raise SettingsError(
                    Phrase("name a node by its address or by --config, not by both")
                )
            return self.url
        named = os.environ.get(URL)
        if self.config or not named:
            return None
        if os.environ.get(CONFIG):
            raise SettingsError(
                Phrase("both {url} and {config} name a node").filled(
                    url=URL, config=CONFIG
                ),
                Phrase("unset one of them, or name a directory with --config DIR"),
            )
        return named

    def directory(self) -> str:
        """Return the directory of the chosen node.

        Raises:
            SettingsError: the path that was named holds no node, may not be read, or
                the node is named by its address.
            NodeUnreachableError: nothing was named, and no node is found.
        """
        if self.address() is not None:
            raise SettingsError(
                Phrase(
                    "this takes the node's directory, and {url} names an address"
                ).filled(url=URL),
                Phrase("call it on the node's machine, with --config DIR"),
            )
        if self.named:
            return _named(self.named)
        for candidate in (".", os.path.expanduser("~/.fedsafe")):  # noqa: PTH111
            if _holds(os.path.join(candidate, FILE)):  # noqa: PTH118
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
        address = self.address()
        directory = self.directory() if address is None else ""
        path = self.credential or os.environ.get(CREDENTIAL)
        token = read_credential(path) if path else None
        if address is not None:
            from fedsafe_cli.terminal.remote import addressed  # noqa: PLC0415 (then)

            return addressed(address).holding(token)
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


def printed(said: Exception | str | Phrase) -> str | Phrase:
    """Return what an error says, the names in it as `printable` gives them."""
    words = words_of(said) if isinstance(said, Exception) else said
    if not isinstance(words, Phrase):
        return printable(words)
    if not words.values and not words.named:
        return words
    return words.filled(
        *map(_printed_value, words.values),
        **{name: _printed_value(each) for name, each in words.named.items()},
    )


def _printed_value(value: object) -> object:
    if isinstance(value, Phrase):
        return printed(value)
    return value if isinstance(value, int) else printable(str(value))


def _named(path: str) -> str:
    if os.path.isdir(path):  # noqa: PTH112
        path = os.path.join(path, FILE)  # noqa: PTH118
    if not _holds(path):
        raise SettingsError(
            Phrase("{file} does not exist").filled(file=printable(path)),
            Phrase(
                "--config takes a node's directory, as `fedsafe node init "
                "--dir` made it"
            ),
        )
    return os.path.dirname(path) or "."  # noqa: PTH120


def _holds(path: str) -> bool:
    """Tell whether a file is there.

    Raises:
        SettingsError: this user may not look.
    """
    try:
        os.stat(path)  # noqa: PTH116
    except PermissionError:
        raise SettingsError(
            Phrase("{file} may not be read by this user").filled(file=printable(path)),
            _BY_ADDRESS,
        ) from None
    except OSError:
        return False
    return True
