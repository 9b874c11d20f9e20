# SPDX-License-Identifier: Apache-2.0
"""What `node.toml` says of how people get their codes: a mail server, a phone hook."""

from enum import StrEnum, unique
from typing import Annotated, Final
from urllib.parse import urlsplit

import msgspec

from fedsafe_node.ground.setting_types import (
    USER_AND_PASSWORD,
    Host,
    Mailbox,
    Port,
    Printable,
    at_key,
)
from fedsafe_policies.ground.catalogue import Phrase

_HOOK: Final = r"^(https://|http://(127\.0\.0\.1|\[::1\]|localhost)(?=[:/]|$))[\x21\x24-\x7e]+(?!\n)$"
"""Plain on loopback only; no fragment."""
Country = Annotated[str, msgspec.Meta(pattern=r"^(EEA|[A-Z]{2})(?!\n)$")]
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


class Phone(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The provider's hook that delivers codes to phone numbers.

    The secret that signs requests lies in a file, relative to the node's directory;
    `ca` is a file with the only authorities that are trusted there. Only numbers of
    `countries` get codes; `EEA` is a group of them. All bounds are of a day (UTC):
    codes in all, to numbers that differ in their last four digits only, and from one
    network.
    """

    url: Annotated[str, msgspec.Meta(pattern=_HOOK, max_length=2_048)]
    secret_file: Printable
    ca: Printable | None = None
    countries: Annotated[
        tuple[Country, ...], msgspec.Meta(min_length=1, max_length=250)
    ] = (
        "EEA",
        "CH",
    )
    most_a_day: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 300
    most_a_day_block: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 30
    most_a_day_place: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 30


def unfit_phone(phone: Phone) -> Phrase | None:
    """Say what no type can: that settings do not agree."""
    try:
        parts = urlsplit(phone.url)
        fits = bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        fits = False
    if not fits:
        return at_key(Phrase("no address of that form"), "phone.url")
    if max(phone.most_a_day_block, phone.most_a_day_place) > phone.most_a_day:
        return at_key(Phrase("no part is larger than most_a_day"), "phone")
    return None


def unfit_mail(mail: Mail) -> Phrase | None:
    """Say what no type can: that settings do not agree."""
    if mail.tls is Tls.NONE and mail.host not in _LOOPBACK:
        return at_key(Phrase("mail goes unprotected to this machine only"), "mail.tls")
    if (mail.user is None) != (mail.password_file is None):
        return at_key(USER_AND_PASSWORD, "mail")
    return None
