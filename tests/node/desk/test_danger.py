# SPDX-License-Identifier: Apache-2.0
"""A child in acute danger: 110 first, then the form, without a script."""

from html.parser import HTMLParser

import pytest
from tests.node.desk.conftest import Readers
from tests.support.desk_house import House

from fedsafe_node.log.audit import Event
from fedsafe_policies.escalation.urgency import before_form
from fedsafe_policies.escalation.vocabulary import Urgency

PATH = "/desk/cases/danger"
REPORT = {"danger_reason": "Ein Treffen ist heute.", "sources": ["user_report"]}
FIELDS = {"input", "select", "textarea"}


class Order(HTMLParser):
    """Keeps what stands on the page in its order: words, and fields that are seen."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FIELDS and dict(attrs).get("type") != "hidden":
            self.words.append("[field]")

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@pytest.mark.parametrize("language", ["de", "en"])
async def test_110_and_what_to_say_stand_there_without_any_field(
    reader: Readers, language: str
) -> None:
    erik = await reader("erik", language)

    page = await erik.open(PATH)

    order = Order()
    order.feed(page.html)
    script = before_form(Urgency.U0)
    said = [each.de if language == "de" else each.en for each in script]
    assert page.status == 200
    assert [each for each in order.words if each in {"110", *said}] == ["110", *said]
    assert "[field]" not in order.words
    assert ("5 Minuten" if language == "de" else "5 minutes") in page.text
    assert 'href="tel:110"' in page.html


@pytest.mark.parametrize("language", ["de", "en"])
async def test_after_the_call_the_form_opens_a_case_that_has_the_call(
    office: House, reader: Readers, language: str
) -> None:
    erik = await reader("erik", language)
    await erik.open(PATH)
    calls = len(await office.written(Event.CASE_CALLED))
    form = await erik.send(PATH, button=("call", "called"))
    order = Order()
    order.feed(form.html)
    assert "[field]" in order.words

    given = REPORT | {"incident": "2026/4711"}
    done = await erik.send(f"{PATH}/open", given)
    await erik.send(f"{PATH}/open", given, page=form)  # a double click, or "back"

    assert done.status == 200
    assert "fedsafe case show" in done.text
    assert len(await office.written(Event.CASE_CALLED)) == calls + 1


async def test_if_nobody_answers_110_stands_above_the_form_and_after_it(
    office: House, reader: Readers
) -> None:
    erik = await reader("erik")
    await erik.open(PATH)
    calls = len(await office.written(Event.CASE_CALLED))
    form = await erik.send(PATH, button=("call", "no_answer"))
    order = Order()
    order.feed(form.html)
    assert order.words.index("110") < order.words.index("[field]")

    done = await erik.send(f"{PATH}/open", REPORT)

    assert "Call again now" in done.text
    assert 'href="tel:110"' in done.html
    noted = await office.written(Event.CASE_CALLED)
    assert len(noted) == calls + 1
    assert '"step":"not_reached"' in noted[-1].text


async def test_a_form_that_lacks_something_keeps_the_moment_of_the_call(
    reader: Readers,
) -> None:
    erik = await reader("erik")
    await erik.open(PATH)
    form = await erik.send(PATH, button=("call", "called"))
    at = dict(form.form(f"{PATH}/open").values)["called_at"]

    again = await erik.send(f"{PATH}/open", {"danger_reason": "heute"})

    kept = dict(again.form(f"{PATH}/open").values)
    assert again.status == 422
    assert (kept["called_at"], kept["danger_reason"]) == (at, "heute")


async def test_without_an_answer_to_the_call_there_is_no_form(reader: Readers) -> None:
    erik = await reader("erik")
    await erik.open(PATH)

    page = await erik.send(PATH)

    assert 'href="tel:110"' in page.html
    assert not any(each.action == f"{PATH}/open" for each in page.forms)


async def test_who_may_open_no_case_is_not_offered_the_page(reader: Readers) -> None:
    olaf = await reader("olaf")

    assert (await olaf.open(PATH)).status == 403
    assert PATH not in (await olaf.open("/desk/today")).links


async def test_a_moment_of_the_call_that_is_none_leads_back_to_110(
    reader: Readers,
) -> None:
    erik = await reader("erik")
    await erik.open(PATH)
    await erik.send(PATH, button=("call", "called"))

    page = await erik.send(f"{PATH}/open", REPORT | {"called_at": "9" * 5_000})

    assert (page.status, 'href="tel:110"' in page.html) == (200, True)
