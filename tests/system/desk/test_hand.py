# SPDX-License-Identifier: Apache-2.0
"""Work is done at the desk by keyboard alone, and in a browser that runs no script."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.support.browser import Desktop, chromium, log_in
from tests.support.desk import Reader
from tests.support.desk_house import ROUNDS, House, enter_request, house, review_all

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(240)
_MOST_TABS: Final = 120
_HOW: Final = ("keyboard", "no scripts")


@pytest.fixture(scope="module")
def desktop() -> Iterator[Desktop]:
    """Give a browser before a node of its own: these tests change what stands there."""
    with house() as made, chromium() as browser:
        yield Desktop(browser, made)


def _reach(page: "Page", selector: str) -> None:
    """Go to something by the Tab key."""
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")


class Hand:
    """Somebody at a page: by keyboard alone, or by a browser without scripts."""

    def __init__(self, desktop: Desktop, name: str | None, how: str) -> None:
        self.house: House = desktop.house
        self.by_keys = how == "keyboard"
        self.page = desktop.window(name, "en", scripts=self.by_keys)

    def go(self, selector: str) -> None:
        """Follow a link or send a form, which leads to a page."""
        with self.page.expect_navigation():
            self.press(selector)

    def press(self, selector: str) -> None:
        """Press a button or link."""
        if self.by_keys:
            _reach(self.page, selector)
            self.page.keyboard.press("Enter")
        else:
            self.page.locator(selector).first.click()

    def enter(self, selector: str, text: str) -> None:
        """Write into a field."""
        if self.by_keys:
            _reach(self.page, selector)
            self.page.keyboard.type(text)
        else:
            self.page.locator(selector).first.fill(text)

    def choose(self, selector: str, word: str) -> None:
        """Choose from a list by its word, or one of some buttons."""
        if not self.by_keys:
            field = self.page.locator(selector).first
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(label=word)
            else:
                field.check()
            return
        _reach(self.page, selector)
        page = self.page
        if page.evaluate("() => document.activeElement.tagName") == "SELECT":
            page.keyboard.type(word)
        else:
            page.keyboard.press("Space")


@pytest.fixture(params=_HOW)
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_somebody_logs_in(desktop: Desktop, how: str) -> None:
    hand = Hand(desktop, None, how)
    hand.page.goto("/desk/login")
    hand.enter("#f-name", "erik")
    hand.enter("#f-password", "korrekt pferd batterie")
    hand.enter("#f-code", desktop.house.code("erik"))
    hand.go("main form button")
    assert hand.page.url.endswith("/desk/today")
    assert "erik" in hand.page.inner_text("header")
    hand.page.context.close()


def test_a_second_person_approves(desktop: Desktop, how: str) -> None:
    hand = Hand(desktop, "rita", how)
    hand.page.goto("/desk/today")
    hand.go("a[href='/desk/approvals']")
    waiting = hand.page.locator(".cards").first.locator("li").count()
    hand.go("main .cards a")
    if hand.page.locator("#f-step_up").count():
        hand.enter("#f-step_up", desktop.house.code("rita"))
    hand.go("form[action$='/approve'] button")
    assert hand.page.get_by_role("status").inner_text() == "Done."
    left = hand.page.locator("h2 + .cards").first.locator("li").count()
    assert "Nothing waits for your approval." in hand.page.inner_text("main") or (
        left < waiting
    )
    hand.page.context.close()


def test_an_officer_asks_about_an_account_and_takes_a_pack(
    desktop: Desktop, how: str
) -> None:
    hand = Hand(desktop, "dora", how)
    hand.page.goto("/desk/today")
    hand.go("nav.places a[href^='/desk/log']")
    hand.enter("#f-subject_ref", "konto-1041")
    hand.enter("#f-of_service", "local")
    hand.go("main form button")
    assert "konto-1041" in hand.page.inner_text("main")
    assert "konto-1041" not in hand.page.url + hand.page.title()
    assert hand.page.locator("main table").count() > 0
    hand.go("main a[href='/desk/log/pack']")
    hand.enter("#f-last", "9")
    with hand.page.expect_download() as taken:
        hand.press("main form button")
    with zipfile.ZipFile(io.BytesIO(taken.value.path().read_bytes())) as pack:
        assert any(name.endswith("verify.py") for name in pack.namelist())
    hand.page.context.close()


def test_a_reviewer_decides(desktop: Desktop, how: str) -> None:
    hand = Hand(desktop, "ruth", how)
    hand.page.goto("/desk/today")
    hand.go("nav.places a[href^='/desk/reviews']")
    hand.go("main tbody a")
    hand.go("main a[href$='/dismiss']")
    hand.enter("#f-reason", "vermerk-12")
    desktop.house.later(timedelta(minutes=1))  # nobody decides in a second
    hand.go("main form button")
    assert hand.page.get_by_role("status").inner_text() == "Done."
    hand.page.context.close()


async def _something_read(house_: House) -> None:
    """Sign the round that is open, if one is, and let somebody else read a list."""
    async with Reader(house_.origin) as dora:
        await dora.log_in(house_.staff, "dora")
        listed = await dora.open(ROUNDS)
        if f"{ROUNDS}/new/open" not in listed.links:
            await review_all(dora)
    async with Reader(house_.origin) as rita:
        await rita.log_in(house_.staff, "rita")
        await rita.open("/desk/reviews/matches")


def test_an_officer_reviews_a_round(desktop: Desktop, how: str) -> None:
    desktop.house.wait(_something_read(desktop.house))
    hand = Hand(desktop, "dora", how)
    hand.page.goto("/desk/log/account")
    hand.go("nav.beside a[href='/desk/log/rounds']")
    hand.go("main a[href$='/new/open']")
    hand.enter("#f-sample", "1")
    hand.go("main form button")
    hand.go("main a[href$='/next']")
    marked = 0
    while "/entries/" in hand.page.url:
        hand.choose("input[name='verdict']", "plausible")
        hand.enter("#f-note", "vermerk-12")
        hand.go("main form button")
        marked += 1
    assert marked > 0
    hand.go("main a[href$='/sign']")
    hand.go("main form button")
    assert hand.page.get_by_role("status").inner_text() == "Done."
    hand.go("main a[href$='/record']")
    assert hand.page.inner_text("main").count("vermerk-12") == marked
    hand.page.context.close()


def test_a_request_is_entered(desktop: Desktop, how: str) -> None:
    hand = Hand(desktop, "dora", how)
    hand.page.goto("/desk/persons/requests")
    hand.go("main a[href='/desk/persons/requests/new/open']")
    hand.choose("[name='kind'][value='access']", "")
    hand.choose("[id='f-about-kind']", "e-mail address")
    hand.enter("[id='f-about-value']", "somebody@mail.example")
    if hand.by_keys:  # the arrows go through buttons of one field
        hand.choose("[name='control']", "")
        hand.page.keyboard.press("ArrowDown")
    else:
        hand.choose("[name='control'][value='identity_document']", "")
    day = "11242026" if hand.by_keys else "2026-11-24"
    hand.enter("[id='f-checked-seen_on']", day)
    hand.enter("[id='f-checked-reference']", "vermerk-9")
    hand.go("main form button")
    text = hand.page.inner_text("main")
    assert "somebody@mail.example" not in text
    assert hand.page.locator("#summary").count() == 0, text
    hand.page.context.close()


def test_somebody_calls_110_and_then_opens_a_case(desktop: Desktop, how: str) -> None:
    hand = Hand(desktop, "erik", how)
    hand.page.goto("/desk/today")
    hand.go("nav.places a[href^='/desk/cases']")
    hand.go("a[href='/desk/cases/danger']")
    assert hand.page.locator("main a[href='tel:110']").is_visible()
    fields = hand.page.locator(
        "main input:not([type=hidden]), main textarea, main select"
    )
    assert fields.count() == 0
    hand.go("main form button[value='called']")
    hand.enter("#f-danger_reason", "Ein Treffen ist heute.")
    hand.choose("[name='sources'][value='user_report']", "")
    hand.go("main form button")
    assert "your call stands in it" in hand.page.get_by_role("status").inner_text()
    assert "fedsafe case show" in hand.page.inner_text("main")
    hand.page.context.close()


def test_a_second_person_refuses_with_a_reason(desktop: Desktop, how: str) -> None:
    hand = Hand(desktop, "dora", how)
    hand.page.goto("/desk/today")
    hand.go("a[href='/desk/approvals']")
    hand.go("main .cards a")
    hand.choose("#f-refuse-reason", "something is missing")
    hand.enter("#f-refuse-reference", f"vermerk-{how[0]}")
    hand.go("form[action$='/refuse'] button:not([hidden])")
    assert hand.page.get_by_role("status").inner_text() == "Done."
    refused = hand.page.locator(".cards li", has_text=f"vermerk-{how[0]}").inner_text()
    assert "something is missing" in refused
    hand.page.context.close()


async def _checked_request(house_: House) -> str:
    """Have a request entered, and its identity check agreed to; give its path."""
    begins = "/desk/persons/requests/"
    async with Reader(house_.origin) as reader:
        await reader.log_in(house_.staff, "dora")
        before = set((await reader.open(begins[:-1])).links)
        await enter_request(reader, house_.fleet.clock.now())
        (path,) = {
            link
            for link in (await reader.open(begins[:-1])).links
            if link.startswith(begins) and link not in before
        }
    house_.fleet.clock.advance(timedelta(minutes=1))
    async with Reader(house_.origin) as reader:
        await reader.log_in(house_.staff, "rita")
        waiting = await reader.open("/desk/approvals")
        acts = [each for each in waiting.links if each.startswith("/desk/approvals/")]
        for act in acts:
            page = await reader.open(act)
            if path.removeprefix(begins) in page.html:
                shown = await reader.send(f"{act}/approve", {})
                assert shown.status == 200, shown.text
    return path


def test_an_officer_answers_a_request(desktop: Desktop, how: str) -> None:
    path = desktop.house.wait(_checked_request(desktop.house))
    hand = Hand(desktop, "dora", how)
    hand.page.goto("/desk/today")
    hand.go("nav.places a[href^='/desk/persons']")
    hand.go(f"main a[href='{path}']")
    hand.go("main a[href$='/answer']")
    hand.go("main form button")
    assert hand.page.get_by_role("status").inner_text() == "Done."
    assert "answered" in hand.page.inner_text("main")
    hand.page.context.close()


def _timed(desktop: Desktop) -> tuple[Any, "Page"]:
    page = desktop.window("dora")
    page.clock.install()
    page.goto("/desk/log/account")
    page.fill("#f-subject_ref", "konto-7")
    return page.locator("#ending"), page


def test_a_session_warns_and_goes_on(desktop: Desktop) -> None:
    ending, page = _timed(desktop)
    page.clock.run_for(27 * 60 * 1_000)
    assert not ending.is_visible()
    desktop.house.later(timedelta(minutes=28))
    page.clock.run_for(61 * 1_000)
    assert ending.is_visible()
    assert page.evaluate("document.activeElement.id") == "go-on"
    with page.expect_response("**/desk/session") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status == 204
    page.wait_for_selector("#ending", state="hidden")
    desktop.house.later(timedelta(minutes=28))
    assert page.input_value("#f-subject_ref") == "konto-7"
    page.goto("/desk/today")
    assert page.url.endswith("/desk/today")
    assert "dora" in page.inner_text("header")
    page.context.close()
    desktop.sessions.clear()


def test_a_form_of_an_ended_session_comes_back_filled(desktop: Desktop) -> None:
    page = desktop.window("dora")
    page.goto("/desk/log/account")
    page.fill("#f-subject_ref", "konto-8")
    desktop.house.later(timedelta(minutes=31))
    page.click("main form button")
    page.wait_for_selector("#f-password")
    assert "konto-8" not in page.url
    page.fill("#f-name", "dora")
    page.fill("#f-password", "korrekt pferd batterie")
    page.fill("#f-code", desktop.house.code("dora"))
    page.click("main form button")
    page.wait_for_selector("form[action='/desk/log/account']")
    assert "konto-8" in page.inner_text("main")
    page.click("main form button")
    page.wait_for_selector("h2")
    assert "konto-8" in page.inner_text("main")
    page.context.close()
    desktop.sessions.clear()


def test_a_second_log_in_of_the_same_person_works(desktop: Desktop) -> None:
    page = desktop.window()
    log_in(page, desktop.house, "anna")
    assert "anna" in page.inner_text("header")
    page.context.close()
