# SPDX-License-Identifier: Apache-2.0
"""Channels: by which carriers a node itself hands a sealed package to a partner.

A person enters them, so what could lead elsewhere is refused here by its form: a
password or a query in an address, a way out of a directory, a plain connection. Where
a host may lie is for whoever connects to check, since only then it has an address.
"""

import binascii
import re
from base64 import b64decode
from hashlib import sha256
from ipaddress import ip_address
from itertools import pairwise
from typing import Annotated, Final

import msgspec

MOST_CHANNELS: Final = 3
KINDS_OF_HOST_KEY: Final = frozenset(
    {
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "ssh-rsa",
    }
)

_NAME: Final = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_HOST: Final = re.compile(rf"{_NAME}(\.{_NAME})*", re.ASCII)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*@(.+)", re.ASCII)
_LONGEST_LOCAL: Final = 64
_LONGEST_HOST: Final = 253
_URL: Final = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?(/[A-Za-z0-9._~/%+-]*)?",
    re.ASCII,
)
_HIGHEST_PORT: Final = 65_535

HostName = Annotated[str, msgspec.Meta(min_length=1, max_length=_LONGEST_HOST)]


class _Channel(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="by",
):
    """What all channels are: closed, frozen, told apart by `by`."""


class MailChannel(_Channel, frozen=True, kw_only=True, tag="mail"):
    """A mailbox: the package is an attachment, and the mail says nothing else."""

    address: Annotated[str, msgspec.Meta(min_length=3, max_length=254)]

    def __post_init__(self) -> None:
        """Refuse what is no plain address."""
        found = _ADDRESS.fullmatch(self.address)
        if found is None or not _is_domain(found[2]):
            raise ValueError("want an address such as intake@office.example")
        if len(self.address) - len(found[2]) - 1 > _LONGEST_LOCAL:
            raise ValueError("the address has more than 64 signs before its @")


class SftpChannel(_Channel, frozen=True, kw_only=True, tag="sftp"):
    """A directory on a server over SSH, whose host key is known beforehand.

    `host_key` is the kind and the key as OpenSSH writes them, without a comment.
    """

    host: HostName
    port: Annotated[int, msgspec.Meta(ge=1, le=_HIGHEST_PORT)] = 22
    user: Annotated[
        str, msgspec.Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$(?!\n)")
    ]
    directory: Annotated[
        str, msgspec.Meta(pattern=r"^[A-Za-z0-9._/-]{1,512}$(?!\n)")
    ] = "."
    host_key: Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)]

    def __post_init__(self) -> None:
        """Refuse what is no host, no key, or leads out of the directory."""
        if not _is_host(self.host):
            raise ValueError("want a host's name or address, such as sftp.example.de")
        if ".." in self.directory.split("/"):
            raise ValueError("the directory leads out of itself")
        if read_host_key(self.host_key) != self.host_key:
            raise ValueError("want a host key as its kind and itself, no comment")

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, as OpenSSH shows it."""
        return host_key_fingerprint(self.host_key)


class WebhookChannel(_Channel, frozen=True, kw_only=True, tag="webhook"):
    """An address to which packages are posted over TLS; plain on loopback only."""

    url: Annotated[str, msgspec.Meta(min_length=1, max_length=2_000)]

    def __post_init__(self) -> None:
        """Refuse another kind of address, and one that could hold a secret."""
        found = _URL.fullmatch(self.url)
        if found is None:
            raise ValueError(
                "want an address such as https://office.example/cases, its host in "
                "small letters, without a user, a query or a fragment"
            )
        host, port = found[2], int((found[3] or ":443")[1:])
        if not _is_host(host.strip("[]")) or not 1 <= port <= _HIGHEST_PORT:
            raise ValueError("the address has no host, or no port, that can be")
        if found[1] == "http" and not is_loopback(host.strip("[]")):
            raise ValueError("a webhook is https, or http on loopback")


Channel = MailChannel | SftpChannel | WebhookChannel
Channels = Annotated[tuple[Channel, ...], msgspec.Meta(max_length=MOST_CHANNELS)]


def check_channels(channels: tuple[Channel, ...]) -> None:
    """Refuse the same channel twice: as its own fallback it would be none.

    Raises:
        ValueError: one is there twice.
    """
    if len(set(channels)) != len(channels):
        raise ValueError("a channel is there twice")


def read_host_key(text: str) -> str:
    """Return the one host key in what OpenSSH wrote, as its kind and itself.

    That is a ``.pub`` file, or what ``ssh-keyscan -t`` prints.

    Raises:
        ValueError: there is none, or more than one.
    """
    lines = [line.split() for line in text.splitlines()]
    found = {_key_in(words) for words in lines if words and words[0][0] != "#"}
    if len(found) != 1:
        raise ValueError("want one host key, as in /etc/ssh/ssh_host_ed25519_key.pub")
    return found.pop()


def host_key_fingerprint(host_key: str) -> str:
    """Return the fingerprint of a key that `read_host_key` has read."""
    digest = sha256(b64decode(host_key.split()[1])).digest()
    return "SHA256:" + binascii.b2a_base64(digest, newline=False).decode().rstrip("=")


def host_keys_of(channels: tuple[Channel, ...]) -> frozenset[str]:
    """Return the fingerprints of the servers that channels lead to over SSH."""
    servers = [each for each in channels if isinstance(each, SftpChannel)]
    return frozenset(each.fingerprint for each in servers)


def place_of(channel: Channel) -> str:
    """Say by what and to which host a channel leads, without naming a mailbox."""
    match channel:
        case MailChannel():
            return f"mail {channel.address.rpartition('@')[2]}"
        case SftpChannel():
            return f"sftp {channel.host}:{channel.port} {channel.fingerprint}"
        case WebhookChannel():
            found = _URL.fullmatch(channel.url)
            return f"webhook {found[2] if found else ''}{(found and found[3]) or ''}"


def is_loopback(host: str) -> bool:
    """Tell whether a host's name, or address, is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _key_in(words: list[str]) -> str:
    """Return the key in a line: behind its kind, perhaps behind hosts."""
    for kind, data in pairwise(words[:3]):
        if kind in KINDS_OF_HOST_KEY and _is_key(kind, data):
            return f"{kind} {data}"
    raise ValueError(
        "want a public host key such as ssh-ed25519 AAAA..., no private one"
    )


def _is_key(kind: str, data: str) -> bool:
    """Whether *data* is a key of that kind; it says itself of which it is."""
    try:
        raw = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return False
    named = len(kind).to_bytes(4, "big") + kind.encode()
    return raw.startswith(named) and len(raw) >= len(named) + 32


def _is_host(value: str) -> bool:
    try:
        return ip_address(value) is not None
    except ValueError:
        return _is_domain(value) or value == "localhost"


def _is_domain(value: str) -> bool:
    if len(value) > _LONGEST_HOST or _HOST.fullmatch(value) is None:
        return False
    # A name that ends in digits alone is read as an address, in other spellings too.
    return not value.rpartition(".")[2].isdigit()
