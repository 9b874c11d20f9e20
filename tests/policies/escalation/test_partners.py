# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from fedsafe_policies.errors import PolicyFileError
from fedsafe_policies.escalation.channels import MailChannel
from fedsafe_policies.escalation.partners import (
    FactKind,
    Partner,
    Standing,
    landscape,
    load_landscape,
    offices,
    standing_of,
)
from fedsafe_policies.escalation.vocabulary import PartnerClass

ENTRY: Final[dict[str, Any]] = {
    "name": "Erfundene Stelle",
    "partner_class": "law_enforcement",
    "country": "DE",
    "test": False,
    "function": "Dauerdienst",
    "ways": ["portal"],
}


def test_the_entry_that_the_docs_show_is_taken() -> None:
    page = Path(__file__).parents[3] / "docs/howto/partners.md"
    (shown,) = re.findall(r"```json\n(.*?)```", page.read_text(), re.DOTALL)
    partner = msgspec.json.decode(shown, type=Partner)

    assert partner.chain


def test_every_fact_of_the_landscape_has_a_source_and_two_languages() -> None:
    facts = [fact for office in offices().values() for fact in office.facts]

    assert len(facts) > 15
    assert all(fact.source and fact.text.de and fact.text.en for fact in facts)


def test_the_landscape_names_who_is_asked_in_germany_and_invents_no_number() -> None:
    phones = {
        name: fact.text.de
        for name, office in offices().items()
        for fact in office.facts
        if fact.about is FactKind.PHONE
    }

    assert phones == {"police": "110", "hilfe_telefon": "0800 22 55 530"}
    assert set(offices()) == {
        *("police", "bka", "zit", "zac", "jugendschutz_net", "eco", "fsm", "bzkj"),
        *("hilfe_telefon", "jugendamt"),
    }
    assert FactKind.URL in offices()["bka"].open
    assert offices()["zit"].template
    assert not offices()["zit"].facts
    assert landscape().dated.year == 2026


def test_another_provider_is_never_a_partner() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(ENTRY | {"partner_class": PartnerClass.PEER.value}, Partner)
    text = (
        b'format = 1\ndated = 2026-01-01\n[partner.x]\nname = {de = "x", en = "x"}\n'
        b'partner_class = "peer"\ncountry = "DE"\n'
    )
    with pytest.raises(PolicyFileError, match="line 5"):
        load_landscape(text)


@pytest.mark.parametrize(
    "change", [{"ways": []}, {"ways": ["mail"]}, {"more": 1}, {"country": "Germany"}]
)
def test_an_entry_is_closed(change: dict[str, object]) -> None:
    assert msgspec.convert(ENTRY, Partner).name == ENTRY["name"]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(ENTRY | change, Partner)


def test_a_partner_is_reached_by_hand_or_by_a_channel_and_by_none_twice() -> None:
    mail = {"by": "mail", "address": "intake@office.example"}
    entry = msgspec.convert(ENTRY | {"ways": [], "channels": [mail]}, Partner)

    assert entry.channels == (MailChannel(address="intake@office.example"),)
    for channels in ([], [mail, mail], [mail] * 4, [{"address": "a@office.example"}]):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(ENTRY | {"ways": [], "channels": channels}, Partner)


def test_an_entry_from_before_channels_is_read_as_it_was() -> None:
    before = msgspec.json.encode(ENTRY)

    assert msgspec.json.decode(before, type=Partner).channels == ()


def test_a_verification_counts_until_its_second() -> None:
    assert standing_of(None, 5) is Standing.UNVERIFIED
    assert standing_of(10, 9) is Standing.VERIFIED
    assert standing_of(10, 10) is Standing.EXPIRED
