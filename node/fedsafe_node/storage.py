# SPDX-License-Identifier: Apache-2.0
"""Where a node's store is: in its directory, or on a PostgreSQL server.

The address of a server never holds a password, and never leaves open where it leads or
whether the way there is protected: what libpq would take from its environment instead
of it has to be in it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import msgspec

from fedsafe_node.errors import ConfigError, KeyFileError
from fedsafe_node.keyfiles import read_secret
from fedsafe_node.store.postgresql.instances import instance_of
from fedsafe_node.store.postgresql.server import Server

SCHEME: Final = "postgresql"
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_VERIFIED: Final = "verify-full"
_OPTIONS: Final = frozenset(
    {
        "channel_binding",
        "connect_timeout",
        "host",
        "keepalives_count",
        "keepalives_idle",
        "keepalives_interval",
        "passfile",
        "port",
        "sslcert",
        "sslcrl",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "tcp_user_timeout",
    }
)
_FORM: Final = f"want {SCHEME}://USER@HOST/DATABASE - at `$.store.url`"


class Storage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A PostgreSQL server that keeps the store.

    A password lies in a file of its own, relative to the node's directory, or where
    libpq looks for it.
    """

    url: Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]+(?!\n)$", max_length=4_096)]
    password_file: (
        Annotated[
            str,
            msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$", max_length=4_096),
        ]
        | None
    ) = None


def store_at(
    database: Path, storage: Storage | None, owner_url: str | None = None
) -> str | Server:
    """Say where a store is; without *storage* it is the embedded one. It blocks.

    With *owner_url* its schema may be made or brought up to date.

    Raises:
        ConfigError: the file with the password does not fit.
    """
    if storage is None:
        return f"sqlite://{quote(str(database.absolute()))}"
    password = password_of(database.parent, storage)
    instance = instance_of(database.parent)
    return Server(storage.url, password, owner_url, instance=instance)


def unfit_storage(storage: Storage) -> str | None:
    """Say what is wrong with the address of a server; it may hold a secret."""
    try:
        parts = urlsplit(storage.url)
        options = parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        return _FORM
    if parts.scheme == "sqlite":
        return "leave it out: the embedded store is in the directory - at `$.store.url`"
    if parts.scheme != SCHEME or not parts.path.strip("/") or parts.fragment:
        return _FORM
    account, _, place = parts.netloc.rpartition("@")
    names = [name for name, _ in options]
    if ":" in account or "password" in names:
        return (
            "a password is never in here: put it into a file and name that as "
            "`password_file` - at `$.store.url`"
        )
    unknown = sorted(set(names) - _OPTIONS)
    if unknown or len(set(names)) != len(names):
        known = ", ".join(sorted(_OPTIONS))
        return f"each option once, and only {known} - at `$.store.url`"
    return _unfit_way(place, dict(options))


def _unfit_way(place: str, options: Mapping[str, str]) -> str | None:
    hosts = _hosts(place, options.get("host", ""))
    if not all(hosts):
        return (
            "name the host, or host=/run/postgresql for a Unix socket - at "
            "`$.store.url`"
        )
    far = [each for each in hosts if not each.startswith("/") and each not in _LOOPBACK]
    if far and options.get("sslmode") != _VERIFIED:
        return (
            f"a server on another machine is reached with sslmode={_VERIFIED} only - "
            "at `$.store.url`"
        )
    return None


def _hosts(place: str, option: str) -> list[str]:
    if option:  # libpq prefers it
        return option.split(",")
    return [_host(each) for each in place.split(",")]


def _host(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return unquote(text.partition(":")[0])


def password_of(directory: Path, storage: Storage) -> str | None:
    """Read the password of a server; None if no file is named. It blocks.

    Raises:
        ConfigError: the file cannot be read, others can read it, or it holds none.
    """
    if storage.password_file is None:
        return None
    path = directory / storage.password_file
    try:
        password = read_secret(path).decode().strip("\r\n")
    except (KeyFileError, UnicodeDecodeError) as error:
        why = str(error) if isinstance(error, KeyFileError) else "it is not UTF-8"
        raise ConfigError(path, why) from None
    if not password or not password.isprintable():
        raise ConfigError(path, "want one line with the password, and nothing else")
    return password
