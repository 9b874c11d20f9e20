# SPDX-License-Identifier: Apache-2.0
"""The help directory: offers of help as data, each fact with its source.

Shipped as `data/help_directory.toml`. A number or an hour is good for 180 days after
somebody has looked whether it is right; a provider records in a document of its own
when that was, and adds its own offers. Nothing is verified as shipped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum, unique
from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Literal

import msgspec

from fedsafe_policies.documents.document import Label
from fedsafe_policies.documents.toml_file import locate, read_document
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import day_number
from fedsafe_policies.help.replies import Reply, ReplyFile, shipped_reply

VALID_DAYS: Final = 180
"""For how many days after it was verified a number or an hour is shown."""

_Line = Annotated[
    str, msgspec.Meta(pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$", max_length=200)
]
WebAddress = Annotated[
    str,
    msgspec.Meta(
        # Neither query nor fragment: nobody is followed on the way to help.
        pattern=r"^https://[a-z0-9.-]+(/[A-Za-z0-9._~/-]*)?(?!\n)$",
        max_length=200,
    ),
]
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_NUMBER: Final = frozenset("0123456789 +")


@unique
class Audience(StrEnum):
    """Who looks for help."""

    AFFECTED = "affected"
    RELATIVES = "relatives"
    FRIENDS = "friends"
    PROFESSIONALS = "professionals"
    WORRIED = "worried"
    """People who are worried about their own behaviour."""


@unique
class Age(StrEnum):
    """Whether somebody is under eighteen."""

    MINOR = "minor"
    ADULT = "adult"


@unique
class Tongue(StrEnum):
    """The languages in which the directory answers."""

    DE = "de"
    EN = "en"


@unique
class Way(StrEnum):
    """How an offer is reached."""

    __schema_name__ = "OfferWay"

    CHAT = "chat"
    MESSENGER = "messenger"
    PHONE = "phone"
    MAIL = "mail"
    FORM = "form"
    WEB = "web"


@unique
class Sort(StrEnum):
    """What an offer is."""

    HELP = "help"
    EMERGENCY = "emergency"
    """The number for emergencies: it is fixed by law, and always shown."""
    COMPLAINTS = "complaints"
    """An external complaint office: always listed, in each language."""


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One way to an offer, and whence it is known.

    `address` is a number or an address; where no source gives one it is left out, and
    the offer's own page leads on. `as_of` is how old the source is.
    """

    way: Way
    languages: frozenset[Tongue]
    source: _Line
    as_of: (
        Annotated[str, msgspec.Meta(pattern=r"^[0-9]{4}(-[0-9]{2}){0,2}(?!\n)$")] | None
    ) = None
    address: _Line | None = None
    hours: Text | None = None


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One offer of help."""

    name: Text
    sort: Sort = Sort.HELP
    audiences: frozenset[Audience]
    ages: frozenset[Age]
    channels: tuple[Channel, ...]
    about: Text | None = None
    url: WebAddress | None = None


class DirectoryFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The TOML of a directory, shipped or a provider's own.

    `verified` says of an offer on which day each way to it was looked up; `withdrawn`
    names shipped offers that this provider does not list; `reply` are its own words.
    """

    format: Literal[1]
    dated: date
    offers: dict[Label, Offer] = {}
    verified: dict[Label, dict[Way, date]] = {}
    withdrawn: frozenset[Label] = frozenset()
    reply: ReplyFile | None = None


@dataclass(frozen=True, slots=True)
class Directory:
    """Offers by id, and the number of the day on which each way was verified."""

    dated: date
    offers: Mapping[str, Offer]
    reply: Reply
    verified: Mapping[tuple[str, Way], int] = field(default_factory=dict)

    def is_current(self, offer: str, way: Way, day: int) -> bool:
        """Tell whether number and hours of a way may be shown on a day."""
        if self.offers[offer].sort is Sort.EMERGENCY:
            return True
        looked = self.verified.get((offer, way))
        return looked is not None and looked <= day < looked + VALID_DAYS

    def valid_until(self, offer: str, way: Way) -> int | None:
        """Give the day on which a way is shown no more; None if nobody verified it."""
        looked = self.verified.get((offer, way))
        return None if looked is None else looked + VALID_DAYS


def load_directory(text: bytes, base: Directory | None = None) -> Directory:
    """Read a directory; a provider's own adds to `base` and verifies its offers.

    Raises:
        PolicyFileError: it is malformed, or speaks of an offer or a way that is not
            there; with the key and its line.
    """
    own, written = read_document(text, DirectoryFile)
    offers = {**(base.offers if base else {}), **own.offers}
    try:
        if base is not None:
            _check_emergency(own, base)
        verified = _taken(own, offers)
        _check_approval(own)
    except PolicyFileError as error:
        raise locate(error, written) from None
    verified = {**(base.verified if base else {}), **verified}
    reply = base.reply if base else shipped_reply()
    if own.reply is not None:
        reply = own.reply.upon(reply)
    return Directory(own.dated, offers, reply, verified)


@cache
def shipped_directory() -> Directory:
    """Return the directory that is shipped, for Germany."""
    folder = files("fedsafe_policies").joinpath("data")
    return load_directory(folder.joinpath("help_directory.toml").read_bytes())


def _taken(own: DirectoryFile, offers: dict[str, Offer]) -> dict[tuple[str, Way], int]:
    for name in own.withdrawn:
        if name in offers and offers[name].sort is Sort.EMERGENCY:
            raise PolicyFileError(Phrase("the emergency number stays"), key="withdrawn")
        if offers.pop(name, None) is None:
            raise PolicyFileError(
                Phrase("no offer {name}").filled(name=name), key="withdrawn"
            )
    for name, offer in own.offers.items():
        _check_offer(name, offer)
    return _verified(own, offers)


def _check_emergency(own: DirectoryFile, base: Directory) -> None:
    """Refuse another number for emergencies: it is shown unverified."""
    for name, offer in own.offers.items():
        there = base.offers.get(name)
        if Sort.EMERGENCY in {offer.sort, None if there is None else there.sort}:
            raise PolicyFileError(
                Phrase("the emergency number stays"), key=f"offers.{name}"
            )


def _check_approval(own: DirectoryFile) -> None:
    approved = own.reply.approved if own.reply is not None else None
    if approved is not None and not _DIGEST.fullmatch(approved.digest):
        raise PolicyFileError(
            Phrase("not the 64 digits that `fedsafe help-directory reply` prints last"),
            key="reply.approved.digest",
        )


def _check_offer(name: str, offer: Offer) -> None:
    said = (offer.name, offer.about, *(each.hours for each in offer.channels))
    for text in said:
        if text is not None and not (text.de + text.en).isprintable():
            raise PolicyFileError(
                Phrase("name, about, hours: one line"), key=f"offers.{name}"
            )
    ways = [channel.way for channel in offer.channels]
    if len(set(ways)) != len(ways):
        raise PolicyFileError(Phrase("one channel of each way"), key=f"offers.{name}")
    for channel in offer.channels:
        address = channel.address
        if address is None:
            if channel.hours is not None:
                raise PolicyFileError(
                    Phrase("hours without an address"), key=f"offers.{name}"
                )
        elif channel.way is Way.PHONE and not set(address) <= _NUMBER:
            raise PolicyFileError(Phrase("no phone number"), key=f"offers.{name}")
        elif "?" in address or "#" in address:
            raise PolicyFileError(
                Phrase("an address without query and fragment"), key=f"offers.{name}"
            )


def _verified(
    own: DirectoryFile, offers: Mapping[str, Offer]
) -> dict[tuple[str, Way], int]:
    found: dict[tuple[str, Way], int] = {}
    for name, ways in own.verified.items():
        key = f"verified.{name}"
        if name not in offers:
            raise PolicyFileError(Phrase("no such offer"), key=key)
        there = {channel.way for channel in offers[name].channels}
        for way, day in ways.items():
            if way not in there:
                raise PolicyFileError(
                    Phrase("the offer has no {way}").filled(way=way.value), key=key
                )
            if day > own.dated:
                # Who writes a day ahead would show a number for longer than it is good.
                raise PolicyFileError(
                    Phrase("later than `dated`"), key=f"{key}.{way.value}"
                )
            found[name, way] = day_number(day)
    return found
