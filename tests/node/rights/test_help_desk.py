# SPDX-License-Identifier: Apache-2.0
"""Offers and replies as a node gives them."""

from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.node.conftest import FixedClock
from tests.support.help_desk import NOON, VERIFIED, help_desk

from fedsafe_node.acts.help import HelpQuery
from fedsafe_node.ground.config import Config, Listen, Place
from fedsafe_node.ground.errors import ConfigError, WrongStateError
from fedsafe_node.rights.help_directory import read_directory
from fedsafe_policies.help.offers import (
    Age,
    Sort,
    Tongue,
    Way,
    load_directory,
    shipped_directory,
)
from fedsafe_policies.help.replies import Block, shipped_reply


def a_config() -> Config:
    return Config(
        format=1,
        name="chat.example.de",
        url="https://fedsafe.chat.example.de",
        jurisdiction="DE",
        contact="trust@chat.example.de",
        policy="strict",
        listen=Listen("127.0.0.1", 8790),
        custody_key="custody.pub",
    )


class Shape(HTMLParser):
    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]


def test_an_answer_says_until_when_each_number_is_good() -> None:
    answer = help_desk().offers(HelpQuery())
    phone = next(
        channel
        for offer in answer.offers
        for channel in offer.channels
        if offer.id == "hilfe_telefon"
    )

    assert answer.covered
    assert (phone.way, phone.address) == (Way.PHONE, "0800 22 55 530")
    assert phone.valid_until is not None
    assert phone.valid_until.isoformat() == "2027-05-19"


def test_an_answer_without_chat_or_phone_says_so() -> None:
    assert not help_desk(shipped_directory()).offers(HelpQuery()).covered
    assert not help_desk().offers(HelpQuery(lang=Tongue.EN)).covered


def test_a_number_that_has_grown_old_is_not_shown() -> None:
    clock = FixedClock(NOON)
    desk = help_desk(clock=clock)
    before = desk.fragment(HelpQuery(urgent=True))
    clock.advance(timedelta(days=180))
    after = desk.fragment(HelpQuery(urgent=True))

    assert b"0800 22 55 530" in before
    assert b"0800 22 55 530" not in after
    assert b"tel:110" in after


def test_a_fragment_has_no_script_no_style_and_no_tracking() -> None:
    html = help_desk().fragment(HelpQuery(urgent=True))
    shape = Shape(html)

    assert set(shape.tags) <= {"div", "h2", "ul", "li", "p", "strong", "a"}
    assert shape.links[0] == "tel:110"
    assert all(
        link.startswith(("https://", "tel:", "mailto:")) and not set("?#") & set(link)
        for link in shape.links
    )
    assert html.startswith(b'<div class="fedsafe-help" lang="de">')


def test_a_fragment_escapes_what_a_document_says() -> None:
    own = b"""
format = 1
dated = 2026-11-27
[offers.odd]
name = { de = "<b>A & B</b>", en = "<i>" }
audiences = ["affected"]
ages = ["minor"]
url = "https://help.example.org"
channels = [{ way = "form", languages = ["de"], source = "an example" }]
"""
    html = help_desk(load_directory(own)).fragment(HelpQuery())

    assert b"&lt;b&gt;A &amp; B&lt;/b&gt;" in html


@pytest.mark.parametrize("tongue", Tongue)
def test_a_reply_has_the_seven_blocks_in_order_and_offers_chat_first(
    tongue: Tongue,
) -> None:
    answer = help_desk().reply(tongue)
    words = [
        (text.de if tongue is Tongue.DE else text.en).split("{")[0].strip()
        for text in map(shipped_reply().block, Block)
    ]
    places = [answer.text.index(each) for each in words]

    assert places == sorted(places)
    assert "chat.example.de" in answer.text
    assert "trust@chat.example.de" in answer.text
    assert (answer.person, answer.organisation) == (
        *("Rosa Beispiel", "Beratungsstelle Musterstadt"),
    )
    if tongue is Tongue.DE:
        assert 0 < answer.text.index("krisenchat") < answer.text.index("0800 22 55")


def test_a_draft_is_not_given_and_an_approval_ends() -> None:
    clock = FixedClock(NOON)
    desk = help_desk(clock=clock)
    desk.reply(Tongue.DE)
    clock.advance(timedelta(days=365))

    for refused in (desk, help_desk(shipped_directory())):
        with pytest.raises(WrongStateError) as caught:
            refused.reply(Tongue.DE)
        assert caught.value.code == "reply_not_approved"


def test_a_node_reads_the_document_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "help.toml").write_bytes(VERIFIED)
    named = replace(a_config(), help="help.toml")
    directory = read_directory(Place(tmp_path), named)

    assert directory.verified.keys() == {
        ("hilfe_telefon", Way.PHONE),
        ("krisenchat", Way.MESSENGER),
    }
    assert read_directory(Place(tmp_path), a_config()) is shipped_directory()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "No such file"),
        (b"format = 2\n", "invalid"),
        (b"\xff", "not UTF-8"),
        (b"#" * (1 << 20) + b"\n", "more than one MiB"),
    ],
)
def test_a_bad_document_stops_the_start_with_its_reason(
    tmp_path: Path, text: bytes | None, problem: str
) -> None:
    if text is not None:
        (tmp_path / "help.toml").write_bytes(text)

    with pytest.raises(ConfigError, match=problem):
        read_directory(Place(tmp_path), replace(a_config(), help="help.toml"))


def test_a_reply_with_harmful_advice_stops_the_start(tmp_path: Path) -> None:
    blocks = "".join(
        f'[reply.{block.value}]\nde = "Gut."\nen = "Good."\n' for block in Block
    ).replace('de = "Gut."', 'de = "Warum hast du das getan?"', 1)
    (tmp_path / "help.toml").write_text(f"format = 1\ndated = 2026-11-27\n{blocks}")

    with pytest.raises(
        ConfigError, match=r"reply\.thanks\.de contains harmful advice \(blames\)"
    ):
        read_directory(Place(tmp_path), replace(a_config(), help="help.toml"))


def test_complaint_offices_are_not_in_a_reply_but_in_every_answer() -> None:
    answer = help_desk().offers(HelpQuery(age=Age.ADULT, lang=Tongue.EN))
    offices = [offer.id for offer in answer.offers if offer.sort is Sort.COMPLAINTS]

    assert len(offices) == 4
    assert "jugendschutz.net" not in help_desk().reply(Tongue.DE).text
