# SPDX-License-Identifier: Apache-2.0
"""What `node.toml` says of the PostgreSQL server that keeps a node's store.

The address of a server never holds a password, and never leaves open where it leads or
whether the way there is protected: what libpq would take from its environment instead
of it has to be in it.
"""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from fedsafe_policies.ground.catalogue import Phrase

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
_FORM: Final = Phrase("want {scheme}://USER@HOST/DATABASE").filled(scheme=SCHEME)


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


def unfit_storage(storage: Storage) -> Phrase | None:
    """Say what is wrong with the address of a server; it may hold a secret."""
    try:
        parts = urlsplit(storage.url)
        options = parse_qsl(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        return _FORM
    if parts.scheme == "sqlite":
        return Phrase("leave it out: the embedded store is in the directory")
    if parts.scheme != SCHEME or not parts.path.strip("/") or parts.fragment:
        return _FORM
    account, _, place = parts.netloc.rpartition("@")
    names = [name for name, _ in options]
    if ":" in account or "password" in names:
        return Phrase(
            "a password is never in here: put it into a file and name that as "
            "`password_file`"
        )
    unknown = sorted(set(names) - _OPTIONS)
    if unknown or len(set(names)) != len(names):
        known = ", ".join(sorted(_OPTIONS))
        return Phrase("each option once, and only {known}").filled(known=known)
    return _unfit_way(place, dict(options))


def _unfit_way(place: str, options: Mapping[str, str]) -> Phrase | None:
    hosts = _hosts(place, options.get("host", ""))
    if not all(hosts):
        return Phrase("name the host, or host=/run/postgresql for a Unix socket")
    far = [each for each in hosts if not each.startswith("/") and each not in _LOOPBACK]
    if far and options.get("sslmode") != _VERIFIED:
        told = Phrase("a server on another machine is reached with sslmode={mode} only")
        return told.filled(mode=_VERIFIED)
    return None


def _hosts(place: str, option: str) -> list[str]:
    if option:  # libpq prefers it
        return option.split(",")
    return [_host(each) for each in place.split(",")]


def _host(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return unquote(text.partition(":")[0])
