# SPDX-License-Identifier: Apache-2.0
"""A page reads nothing by itself, says of nobody where it is, and is light.

What people only rest on, wait before or point at leaves no event.
"""

import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.browser import (
    READERS,
    TIMEOUT,
    Desktop,
    Screen,
    again,
    drawn,
    submit,
)
from tests.support.desk import Reader
from tests.support.desk_house import NODE, PERSONS, House

from fedsafe_node.desk.frame import static_files

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(TIMEOUT)
_FIRST: Final = 150_000
_LATER: Final = 40_000
_NAMED: Final = ("konto-", "mail.example", *(value for value, _ in PERSONS))
"""What names a person of the house, or an account of one."""
_WITH_PEOPLE: Final = (
    *("account answered", "tasks.one", "requests.one", "requests.one.answer"),
    *("holds.one", "signals.one", "disputes.one", "approval", "log.entry"),
    *("refused form", "form after the session", "kept form", "requests.new.open wrong"),
)


def _written(house: House) -> int:
    """Count what stands in the log."""
    base = house.fleet[NODE].base

    async def size() -> int:
        return await base.store.read(lambda reader: reader.log_size(base.trail.log))

    return house.wait(size())


@pytest.fixture
def asked() -> list[str]:
    """Give a list of what the browser asks."""
    return []


@pytest.fixture
def quiet(desktop: Desktop, asked: list[str]) -> Iterator["Page"]:
    """Give a page with links to people, once it is there and nothing more is asked."""
    page = desktop.window("dora")
    page.clock.install()
    page.goto("/desk/persons/requests")
    page.wait_for_load_state("networkidle")
    page.on("request", lambda each: asked.append(each.url))
    yield page
    page.context.close()


def test_ten_idle_minutes_ask_and_write_nothing(
    desktop: Desktop, quiet: "Page", asked: list[str]
) -> None:
    before = _written(desktop.house)

    for _ in range(10):
        quiet.clock.run_for(60 * 1_000)
        desktop.house.later(timedelta(minutes=1))
    quiet.wait_for_load_state("networkidle")

    assert asked == []
    assert _written(desktop.house) == before
    assert not quiet.locator("#ending").is_visible()
    desktop.sessions.clear()


def test_pointing_at_links_and_fetching_ahead_write_nothing(
    desktop: Desktop, quiet: "Page", asked: list[str]
) -> None:
    before = _written(desktop.house)
    answers: list[int] = []
    quiet.on("response", lambda each: answers.append(each.status))
    # What leads to the content is out of sight until it has the focus.
    links = quiet.locator("a:not(.skip):visible").all()

    for link in links:
        link.hover()
        link.focus()
    assert (asked, _written(desktop.house)) == ([], before)
    ahead = quiet.evaluate(_AHEAD)
    quiet.wait_for_load_state("networkidle")

    assert len(links) > 10
    assert ahead > 10
    assert set(answers) <= {403}
    assert _written(desktop.house) == before


_AHEAD: Final = """() => {
  const links = [...document.querySelectorAll("a[href^='/desk/']")];
  for (const kind of ["prefetch", "prerender", "preload", "dns-prefetch"]) {
    for (const link of links) {
      const wanted = document.createElement("link");
      wanted.rel = kind;
      wanted.href = link.href;
      if (kind === "preload") wanted.as = "document";
      document.head.append(wanted);
    }
  }
  return links.length;
}"""


def _told(page: "Page") -> list[tuple[str, str]]:
    """Keep what the browser tells: addresses, and from where it comes."""
    told: list[tuple[str, str]] = []

    def keep(request: Any) -> None:  # noqa: ANN401 - of Playwright
        told.append(("address", request.url))
        told.append(("referer", request.headers.get("referer", "")))

    page.on("request", keep)
    page.on("framenavigated", lambda frame: told.append(("url", frame.url)))
    return told


def test_no_address_title_or_line_of_a_log_names_anybody(
    desktop: Desktop, screens: list[Screen], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    amiss: dict[str, list[tuple[str, str]]] = {}
    seen = 0
    for screen in drawn(screens, "quiet", *_WITH_PEOPLE):
        page = desktop.window(screen.reader)
        told = _told(page)
        screen.show(page, desktop.house)
        seen += any(each in page.inner_text("body") for each in _NAMED)
        told.append(("title", page.title()))
        page.locator("footer a").first.click()  # who is led there hears from where
        page.wait_for_url("**/desk/accessibility")
        named = [(what, text) for what, text in told if _names(text)]
        page.context.close()
        if named:
            amiss[again(screen.name)] = named
    lines = [each.getMessage() for each in caplog.records if _names(each.getMessage())]

    assert amiss == {}
    assert lines == []
    assert seen > 2


def _names(text: str) -> bool:
    return any(each in text for each in _NAMED)


def test_an_account_is_asked_about_and_no_address_says_so(desktop: Desktop) -> None:
    page = desktop.window("dora")
    told = _told(page)
    page.goto("/desk/log/account")
    page.fill("#f-subject_ref", "konto-1041")
    page.fill("#f-of_service", "local")
    submit(page)
    assert "konto-1041" in page.inner_text("main")
    page.locator("main table a").first.click()
    page.wait_for_url("**/desk/log/entries/*")
    page.reload()

    assert [(what, text) for what, text in told if "konto" in text] == []
    assert "konto" not in page.title()
    assert "konto" not in page.evaluate(
        "JSON.stringify([history.state, location.href])"
    )
    page.context.close()


async def _weights(house: House, screens: list[Screen]) -> dict[str, int]:
    weights: dict[str, int] = {}
    for name in (None, *READERS):
        async with Reader(house.origin, "de") as reader:  # its words are longer
            if name is not None:
                await reader.log_in(house.staff, name)
            for screen in screens:
                if screen.reader == name and screen.does is None:
                    shown = await reader.open(screen.path)
                    head = sum(len(a) + len(b) + 4 for a, b in shown.headers.items())
                    weights[screen.name] = len(shown.body) + head
    return weights


def test_each_page_is_light(full_house: House, screens: list[Screen]) -> None:
    weights = full_house.wait(_weights(full_house, screens))
    beside = sum(len(body) for body, _ in static_files().values())

    assert {name: size for name, size in weights.items() if size > _LATER} == {}
    assert beside + max(weights.values()) <= _FIRST
    assert len(weights) > 80
