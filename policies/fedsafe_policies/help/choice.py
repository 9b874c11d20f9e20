# SPDX-License-Identifier: Apache-2.0
"""Which offers somebody is shown, in which order, and which are missing."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

from fedsafe_policies.help.offers import (
    Age,
    Audience,
    Channel,
    Directory,
    Offer,
    Sort,
    Tongue,
    Way,
)

WRITTEN: Final = frozenset({Way.CHAT, Way.MESSENGER})
"""How minors talk: a phone number alone is no offer to them."""

_WAYS: Final = tuple(Way)  # chat first
_ADULTS_WAYS: Final = (Way.PHONE, *(way for way in Way if way is not Way.PHONE))


@dataclass(frozen=True, slots=True)
class Seeker:
    """Who looks for help; `urgent` when somebody is in danger now."""

    audience: Audience
    tongue: Tongue
    age: Age
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """An offer as it is shown: only the ways whose facts are current."""

    id: str
    offer: Offer
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """What nobody in this situation is offered: something to write to, or a phone."""

    audience: Audience
    tongue: Tongue
    age: Age
    missing: Way


def choose(directory: Directory, seeker: Seeker, day: int) -> tuple[Shown, ...]:
    """Choose the offers for somebody on a day, in the order in which they are shown.

    The emergency number is first when it is urgent and last of the help otherwise;
    minors see whom they can write to before whom they can call. An offer none of whose
    ways is current still has its page; without one there is nothing to show. Complaint
    offices end the list.
    """
    found = [
        Shown(name, offer, _current(directory, name, seeker, day))
        for name, offer in directory.offers.items()
        if _is_for(offer, seeker)
    ]
    useful = [shown for shown in found if shown.channels or shown.offer.url]
    return tuple(sorted(useful, key=lambda shown: _rank(shown, seeker)))


def gaps(directory: Directory, day: int) -> tuple[Gap, ...]:
    """List what is missing on a day, so that each audience has a chat and a phone."""
    return tuple(_gaps(directory, day))


def _gaps(directory: Directory, day: int) -> Iterator[Gap]:
    for audience, tongue, age in product(Audience, Tongue, Age):
        shown = choose(directory, Seeker(audience, tongue, age), day)
        ways = {
            channel.way
            for each in shown
            if each.offer.sort is Sort.HELP
            for channel in each.channels
        }
        if not ways & WRITTEN:
            yield Gap(audience, tongue, age, Way.CHAT)
        if Way.PHONE not in ways:
            yield Gap(audience, tongue, age, Way.PHONE)


def _is_for(offer: Offer, seeker: Seeker) -> bool:
    if offer.sort is not Sort.HELP:
        return True
    return (
        seeker.audience in offer.audiences
        and seeker.age in offer.ages
        and any(seeker.tongue in channel.languages for channel in offer.channels)
    )


def _current(
    directory: Directory, name: str, seeker: Seeker, day: int
) -> tuple[Channel, ...]:
    order = _WAYS if seeker.age is Age.MINOR else _ADULTS_WAYS
    offer = directory.offers[name]
    everywhere = offer.sort is not Sort.HELP
    current = [
        channel
        for channel in offer.channels
        if (everywhere or seeker.tongue in channel.languages)
        and directory.is_current(name, channel.way, day)
    ]
    return tuple(sorted(current, key=lambda channel: order.index(channel.way)))


def _rank(shown: Shown, seeker: Seeker) -> tuple[int, int]:
    order = _WAYS if seeker.age is Age.MINOR else _ADULTS_WAYS
    sort = shown.offer.sort
    if sort is Sort.EMERGENCY:
        return (0 if seeker.urgent else 2, 0)
    if sort is Sort.COMPLAINTS:
        return 3, 0
    first = shown.channels[0].way if shown.channels else None
    return 1, len(order) if first is None else order.index(first)
