# SPDX-License-Identifier: Apache-2.0
"""The bodies of the API that speak of help, as closed types."""

from datetime import date

from fedsafe_node.acts.bodies import Bilingual, Message
from fedsafe_policies.help.offers import Age, Audience, Sort, Tongue, Way


class HelpQuery(Message, frozen=True):
    """Who looks for help; `urgent` when somebody is in danger now."""

    audience: Audience = Audience.AFFECTED
    lang: Tongue = Tongue.DE
    age: Age = Age.MINOR
    urgent: bool = False


class ReplyQuery(Message, frozen=True):
    """In which language the reply is."""

    lang: Tongue = Tongue.DE


class HelpChannel(Message, frozen=True):
    """One way to an offer; from `valid_until` on it is shown no more."""

    way: Way
    languages: list[Tongue]
    address: str | None = None
    hours: Bilingual | None = None
    valid_until: date | None = None


class HelpOffer(Message, frozen=True):
    """An offer with the ways to it that somebody has verified."""

    id: str
    sort: Sort
    name: Bilingual
    channels: list[HelpChannel]
    about: Bilingual | None = None
    url: str | None = None


class HelpAnswer(Message, frozen=True):
    """Offers in the order in which they are shown.

    `covered` tells whether there is a chat or messenger as well as a phone among them.
    """

    dated: date
    covered: bool
    offers: list[HelpOffer]


class ReplyAnswer(Message, frozen=True):
    """The reply to an affected minor, and who has approved its words."""

    lang: Tongue
    text: str
    person: str
    organisation: str
    approved_on: date
    digest: str
