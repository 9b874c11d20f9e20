# SPDX-License-Identifier: Apache-2.0
"""Which numbers get a code, and how many codes go out: short messages cost money.

Who is paid for messages to numbers of a range lets forms send them there. So numbers
at a premium, of others' services or of no assigned range get none, nor do countries
that the provider has not named; and a day has budgets: for a number, for a block of
ten thousand numbers, for a network, and for all together. They count in the store, so
for all processes and beyond a restart, under blinded names. What is decided here hangs
on the number alone: whether it is listed, nobody has asked yet.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from fedsafe_node.ground.mail_settings import Phone
from fedsafe_node.people.throttle import Counter
from fedsafe_node.people.vault import Vault
from fedsafe_policies.documents.policy import expand

MOST_A_NUMBER: Final = 12
"""Codes that one number gets in a day, whoever asks for them."""
_BLOCK: Final = 4  # a block's numbers differ in so many last digits
_DAY: Final = 86_400


def gets_codes(number: str, countries: Sequence[str]) -> bool:
    """Tell whether a canonical number is one of people's, in one of the *countries*."""
    from phonenumbers import (  # noqa: PLC0415 - loads dozens of ms
        PhoneNumberType,
        number_type,
        parse,
        region_code_for_number,
    )

    parsed = parse(number, None)
    of_people = {
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    }
    region = region_code_for_number(parsed)
    return number_type(parsed) in of_people and region in expand(countries)


def person_counters(
    vault: Vault, settings: Phone, name: str, source: str, now: datetime
) -> Sequence[Counter]:
    """Name the counters of who asks: number and network, network, number (*name*)."""
    day, rest = _day(now)
    place = vault.blind("rights_phone_place", f"{day}\n{source}")
    whole = vault.blind("rights_phone_number", f"{day}\n{name}")
    return (
        Counter(vault.blind("rights_phoned", f"{name}\n{source}"), 3),
        Counter(place, settings.most_a_day_place, rest, budget=True),
        Counter(whole, MOST_A_NUMBER, rest, budget=True),
    )


def budget_counters(
    vault: Vault, settings: Phone, number: str, now: datetime
) -> Sequence[Counter]:
    """Name the counters of what a day may cost: the number's block, and all."""
    day, rest = _day(now)
    block = vault.blind("rights_phone_block", f"{day}\n{number[:-_BLOCK]}")
    whole = vault.blind("rights_phone_all", day)
    return (
        Counter(block, settings.most_a_day_block, rest, budget=True),
        Counter(whole, settings.most_a_day, rest, budget=True),
    )


def _day(now: datetime) -> tuple[str, int]:
    """Return the day, and how many seconds of it are left."""
    moment = now.astimezone(UTC)
    return f"{moment:%Y-%m-%d}", _DAY - int(moment.timestamp()) % _DAY
