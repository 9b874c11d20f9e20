# SPDX-License-Identifier: Apache-2.0
"""The channels of a partner as a command line takes and shows them."""

import re
from typing import Any, Final

import click

from fedsafe_cli.terminal.errors import BadInputError
from fedsafe_cli.terminal.files import read_small
from fedsafe_cli.terminal.help_texts import misused
from fedsafe_cli.terminal.settings import printable
from fedsafe_node.words.casework import WAYS, word
from fedsafe_policies.escalation.channels import host_key_fingerprint, read_host_key
from fedsafe_policies.ground.catalogue import Phrase

_KEY: Final = "fedsafe.channels"
_HOST_KEY: Final = "fedsafe.host_key"
_MOST: Final = 16 * 1024
_SFTP: Final = re.compile(
    r"([^@:/]+)@(\[[0-9A-Fa-f:.]+\]|[^@:/\[\]]+)(?::([0-9]{1,5}))?(/.*)?"
)


def collect(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Keep a channel in the order of the command line: the first is preferred."""
    if value is not None:
        channels = context.meta.setdefault(_KEY, [])
        by = option.name or ""
        channels.append({"by": by} | _read(by, value))


def keep_host_key(
    context: click.Context, _option: click.Parameter, value: str | None
) -> None:
    """Keep the name of the file with the server's host key."""
    context.meta[_HOST_KEY] = value


def collected(context: click.Context) -> list[dict[str, Any]]:
    """Return the channels of the command line, an SFTP server with its host key.

    Raises:
        click.UsageError: there is a host key and no server, or the other way round.
        BadInputError: the file holds no host key, or several.
    """
    channels: list[dict[str, Any]] = context.meta.get(_KEY, [])
    host_key: str | None = context.meta.get(_HOST_KEY)
    servers = [each for each in channels if each["by"] == "sftp"]
    if bool(servers) != (host_key is not None):
        raise misused(Phrase("--sftp and --host-key belong together"))
    if host_key is not None:
        servers[0]["host_key"] = _host_key(host_key)
    return channels


def channel_line(channel: dict[str, Any], language: str) -> str:
    """Show where a channel leads; a server with what to compare its key with."""
    way = word(WAYS, channel["by"], language)
    if channel["by"] == "mail":
        return f"{way} {channel['address']}"
    if channel["by"] == "webhook":
        return f"{way} {channel['url']}"
    host = f"[{channel['host']}]" if ":" in channel["host"] else channel["host"]
    port, directory = channel.get("port", 22), channel.get("directory", ".")
    directory = directory if directory.startswith("/") else f"/{directory}"
    fingerprint = host_key_fingerprint(channel["host_key"])
    return f"{way} {channel['user']}@{host}:{port}{directory} {fingerprint}"


def _host_key(file: str) -> str:
    try:
        return read_host_key(read_small(file, _MOST).decode("ascii", "replace"))
    except ValueError as error:
        raise BadInputError(
            Phrase("{file}: {why}").filled(file=printable(file), why=error)
        ) from None


def _read_sftp(value: str) -> dict[str, Any]:
    found = _SFTP.fullmatch(value)
    if found is None:
        raise misused(
            Phrase("--sftp wants an address such as fedsafe@sftp.office.example:22/in")
        )
    user, host, port, directory = found.groups()
    return {
        "host": host.strip("[]"),
        "port": int(port or 22),
        "user": user,
        "directory": directory or ".",
    }


def _read(by: str, value: str) -> dict[str, Any]:
    if by == "sftp":
        return _read_sftp(value)
    return {"address" if by == "mail" else "url": value}
