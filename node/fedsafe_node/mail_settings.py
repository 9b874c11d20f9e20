# SPDX-License-Identifier: Apache-2.0
"""What `node.toml` says of the mail server through which people get their codes."""

from enum import StrEnum, unique
from typing import Annotated, Final

import msgspec

from fedsafe_node.setting_types import Host, Mailbox, Port, Printable

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


@unique
class Tls(StrEnum):
    """How the way to the mail server is protected; `none` on loopback only."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class Mail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The mail server through which people get their codes.

    The password lies in a file, relative to the node's directory.
    """

    host: Host
    sender: Mailbox
    port: Port = 587
    tls: Tls = Tls.STARTTLS
    user: Printable | None = None
    password_file: Printable | None = None
    most_an_hour: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 300


def unfit_mail(mail: Mail) -> str | None:
    """Say what no type can: that settings do not agree."""
    if mail.tls is Tls.NONE and mail.host not in _LOOPBACK:
        return "mail goes unprotected to this machine only - at `$.mail.tls`"
    if (mail.user is None) != (mail.password_file is None):
        return "user and password_file belong together - at `$.mail`"
    return None
