# SPDX-License-Identifier: Apache-2.0
"""Logging in at a provider of identities in Debian's chromium, and back to the desk."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final

import pytest
from tests.programs import program
from tests.support.browser import chromium
from tests.support.desk import COOKIE
from tests.support.desk_house import House, house, link
from tests.support.provider import PASSWORD, Provider, serve_provider

from fedsafe_node.people.identity_provider import BACK

pytestmark = pytest.mark.timeout(240)
_PATIENCE_MS: Final = 20_000
_HISTORY: Final = "performance.getEntriesByType('navigation')[0].name"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a node whose analyst logs in at a provider, if there is a browser for it."""
    program("chromium", "chromium")
    with ExitStack() as stack:
        served: list[Provider] = []

        def identities(origin: str) -> str:
            place = tmp_path_factory.mktemp("provider")
            running = serve_provider(place, f"{origin}{BACK}")
            served.append(stack.enter_context(running))
            return served[0].settings()

        with house(full=False, identities=identities) as made:
            made.wait(link(made, "anna", served[0].url))
            yield made


@pytest.fixture(scope="module")
def browser(office: House) -> Iterator[Any]:
    """Start chromium once the node runs: it takes the thread's event loop."""
    del office
    with chromium() as made:
        yield made


def window(browser: Any, *, scripts: bool = True) -> Any:  # noqa: ANN401
    context = browser.new_context(locale="en-GB", java_script_enabled=scripts)
    context.set_default_timeout(_PATIENCE_MS)
    return context.new_page()


def log_in_there(page: Any, office: House) -> list[str]:  # noqa: ANN401
    """Go to the provider from a page that wants a log-in, and log in; tell addresses.

    They are those that requests name as the page before.
    """
    before: list[str] = []
    page.on("request", lambda sent: before.append(sent.headers.get("referer", "")))
    page.goto(f"{office.origin}/desk/account/passkeys")
    page.get_by_role("button", name="Log in with Haus-Anmeldung").click()
    page.wait_for_selector("[name=login]")  # led on without a further click
    page.fill("[name=login]", "anna")
    page.press("[name=login]", "Enter")
    page.wait_for_selector("[name=password]")
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    return before


def cookies(page: Any) -> dict[str, str]:  # noqa: ANN401
    return {each["name"]: each["sameSite"] for each in page.context.cookies()}


def test_a_person_logs_in_at_the_provider_and_lands_where_they_wanted(
    browser: Any,  # noqa: ANN401
    office: House,
) -> None:
    page = window(browser)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    before = log_in_there(page, office)
    page.wait_for_url("**/desk/account/passkeys")

    assert "anna · analyst" in page.locator(".who").inner_text()
    assert cookies(page)[COOKIE] == "Strict"
    assert not [each for each in before if "code=" in each or "state=" in each]
    assert "code=" not in page.evaluate(_HISTORY)
    assert errors == []
    page.go_back()
    assert "code=" not in page.url
    page.goto(f"{office.origin}/desk/today")
    assert "anna · analyst" in page.locator(".who").inner_text()
    page.context.close()


def test_without_scripts_a_button_goes_on(
    browser: Any,  # noqa: ANN401
    office: House,
) -> None:
    page = window(browser, scripts=False)

    log_in_there(page, office)
    page.wait_for_url(f"**{BACK}?*")
    assert COOKIE not in cookies(page)
    page.get_by_role("button", name="Go on to the desk").click()
    page.wait_for_url("**/desk/account/passkeys")

    assert "anna · analyst" in page.locator(".who").inner_text()
    page.context.close()


def test_a_link_that_another_browser_has_set_out_for_logs_nobody_in(
    browser: Any,  # noqa: ANN401
    office: House,
) -> None:
    attacker = window(browser, scripts=False)
    log_in_there(attacker, office)
    attacker.wait_for_url(f"**{BACK}?*")
    victim = window(browser)
    victim.goto(f"{office.origin}/desk/login")

    victim.goto(attacker.url)  # with scripts, which send the form at once
    victim.get_by_text("is not accepted; begin anew").wait_for()

    assert COOKIE not in cookies(victim)
    assert victim.locator(".who").count() == 0
    for page in (attacker, victim):
        page.context.close()
