# SPDX-License-Identifier: Apache-2.0
"""Answers from the help directory: what it holds on this day, and the reply.

The directory is what is shipped, with what the provider's own document adds. Nobody
is noted: who looks for help leaves no trace here.
"""

from datetime import UTC, date, datetime
from typing import Final

from fedsafe_node.acts.bodies import Bilingual
from fedsafe_node.acts.help import (
    HelpAnswer,
    HelpChannel,
    HelpOffer,
    HelpQuery,
    ReplyAnswer,
)
from fedsafe_node.ground.clock import Clock
from fedsafe_node.ground.config import Config, Place
from fedsafe_node.ground.errors import ConfigError, WrongStateError, words_of
from fedsafe_node.notices.help_offers import fragment, in_words
from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.ground.catalogue import Phrase
from fedsafe_policies.ground.reasons import Text
from fedsafe_policies.ground.span import SECONDS_A_DAY, today
from fedsafe_policies.help.choice import WRITTEN, Seeker, Shown, choose
from fedsafe_policies.help.harm import find_harm
from fedsafe_policies.help.offers import (
    Age,
    Audience,
    Channel,
    Directory,
    Sort,
    Tongue,
    Way,
    load_directory,
    shipped_directory,
)
from fedsafe_policies.help.replies import Block

_MOST_BYTES: Final = 1 << 20


def read_directory(place: Place, config: Config) -> Directory:
    """Read the directory that a configuration names, upon what is shipped.

    Raises:
        ConfigError: it cannot be read, does not fit (with key and line), or its reply
            holds harmful advice.
    """
    if config.help is None:
        return shipped_directory()
    path = place.directory / config.help
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(path, error.strerror or Phrase("cannot be read")) from None
    if len(text) > _MOST_BYTES:
        raise ConfigError(path, Phrase("more than one MiB"))
    try:
        directory = load_directory(text, shipped_directory())
    except PolicyFileError as error:
        raise ConfigError(path, words_of(error)) from None
    if found := find_harm(directory.reply):
        first = found[0]
        raise ConfigError(
            path,
            Phrase(
                "the text reply.{block}.{tongue} contains harmful advice "
                "({harm}); see `fedsafe help-directory check`"
            ).filled(
                block=first.block.value,
                tongue=first.tongue.value,
                harm=first.harm.value,
            ),
        )
    return directory


class HelpDesk:
    """Shows offers, and gives the reply to an affected minor."""

    def __init__(
        self, directory: Directory, *, provider: str, contact: str, clock: Clock
    ) -> None:
        self._directory = directory
        self._reply = directory.reply
        self._facts = {"provider": provider, "contact": contact}
        self._clock = clock

    def offers(self, query: HelpQuery) -> HelpAnswer:
        """Show the offers for somebody."""
        shown = self._choose(query)
        ways = {
            channel.way
            for each in shown
            if each.offer.sort is Sort.HELP
            for channel in each.channels
        }
        return HelpAnswer(
            dated=self._directory.dated,
            covered=bool(ways & WRITTEN) and Way.PHONE in ways,
            offers=[self._offer(each) for each in shown],
        )

    def fragment(self, query: HelpQuery) -> bytes:
        """Show them as a fragment of HTML."""
        return fragment(self._choose(query), query.lang)

    def reply(self, tongue: Tongue) -> ReplyAnswer:
        """Give the reply to an affected minor, with today's offers in it.

        Raises:
            WrongStateError: nobody has approved its words, or longer than a year ago.
        """
        reply, day = self._reply, self._today()
        approved = reply.approved
        if approved is None or not reply.is_approved(day):
            raise WrongStateError(
                "reply_not_approved",
                Phrase(
                    "a specialised counselling centre must first approve "
                    "the text of this reply"
                ),
            )
        seeker = Seeker(Audience.AFFECTED, tongue, Age.MINOR)
        offers = [
            each
            for each in choose(self._directory, seeker, day)
            if each.offer.sort is not Sort.COMPLAINTS
        ]
        blocks = []
        for block in Block:
            words = reply.block(block)
            said = words.de if tongue is Tongue.DE else words.en
            blocks.append(said.format_map(self._facts).strip())
            if block is Block.OFFERS:
                blocks.append(in_words(tuple(offers), tongue))
        return ReplyAnswer(
            lang=tongue,
            text="\n\n".join(blocks) + "\n",
            person=approved.person,
            organisation=approved.organisation,
            approved_on=approved.on,
            digest=reply.digest,
        )

    def _choose(self, query: HelpQuery) -> tuple[Shown, ...]:
        seeker = Seeker(query.audience, query.lang, query.age, query.urgent)
        return choose(self._directory, seeker, self._today())

    def _offer(self, shown: Shown) -> HelpOffer:
        offer = shown.offer
        return HelpOffer(
            id=shown.id,
            sort=offer.sort,
            name=_both(offer.name),
            channels=[self._channel(shown.id, each) for each in shown.channels],
            about=None if offer.about is None else _both(offer.about),
            url=offer.url,
        )

    def _channel(self, offer: str, channel: Channel) -> HelpChannel:
        until = self._directory.valid_until(offer, channel.way)
        return HelpChannel(
            way=channel.way,
            languages=sorted(channel.languages),
            address=channel.address,
            hours=None if channel.hours is None else _both(channel.hours),
            valid_until=None if until is None else _date(until),
        )

    def _today(self) -> int:
        return today(int(self._clock.now().timestamp()))


def _both(text: Text) -> Bilingual:
    return Bilingual.of(text)


def _date(day: int) -> date:
    return datetime.fromtimestamp(day * SECONDS_A_DAY, UTC).date()
