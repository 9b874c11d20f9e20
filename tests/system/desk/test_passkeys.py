# SPDX-License-Identifier: Apache-2.0
"""Passkeys in Debian's chromium, with an authenticator that it has in software."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pytest
from tests.programs import program
from tests.support.browser import chromium
from tests.support.desk import PASSWORD
from tests.support.desk_house import House, house

from fedsafe_node.log.audit import Event
from fedsafe_node.people.sessions import FRESH

pytestmark = pytest.mark.timeout(240)
_PATIENCE_MS: Final = 20_000
_DEVICE: Final = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}
OWN: Final = "/desk/account/passkeys"


@dataclass
class Window:
    """A window of the browser at the desk, and the device that it asks."""

    office: House
    page: Any
    wire: Any
    device: str
    told: list[str]

    def open(self, path: str) -> None:
        """Open a page of the desk."""
        self.page.goto(self.office.origin + path)

    def log_in(self, name: str) -> None:
        """Log somebody in by password and code."""
        self.open("/desk/login")
        self.page.fill("#f-name", name)
        self.page.fill("#f-password", PASSWORD)
        self.page.fill("#f-code", self.office.code(name))
        self.press("Log in")
        self.page.wait_for_url("**/desk/today")

    def press(self, words: str) -> None:
        """Press the button that says something."""
        self.page.get_by_role("button", name=words, exact=True).click()

    def verifies(self, *, does: bool) -> None:
        """Say whether the device makes sure who holds it."""
        self.wire.send(
            "WebAuthn.setUserVerified",
            {"authenticatorId": self.device, "isUserVerified": does},
        )

    def alert(self) -> str:
        """Wait for a sentence that a screen reader is told at once; give it."""
        told = self.page.locator("[role=alert]:not(:empty)").first
        told.wait_for()
        text: str = told.inner_text()
        return text

    def keys(self) -> int:
        """Count the passkeys on the device."""
        asked = {"authenticatorId": self.device}
        found = self.wire.send("WebAuthn.getCredentials", asked)
        return len(found["credentials"])

    def add(self, name: str) -> None:
        """Add a passkey to whoever has just logged in."""
        self.open(OWN)
        self.page.fill("#f-name", name)
        self.press("Add a passkey")


@pytest.fixture(scope="module")
def office() -> Iterator[House]:
    """Give a node with a desk, if there is a browser for it."""
    program("chromium", "chromium")
    with house(full=False) as made:
        yield made


@pytest.fixture(scope="module")
def browser(office: House) -> Iterator[Any]:
    """Start chromium once the node runs: it takes the thread's event loop."""
    del office
    with chromium() as made:
        yield made


@pytest.fixture
def window(browser: Any, office: House) -> Iterator[Window]:  # noqa: ANN401
    """Give a window with a device of its own; its scripts err in nothing."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(_PATIENCE_MS)
    page, told = context.new_page(), list[str]()
    page.on("console", lambda said: told.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: told.append(f"error: {error}"))
    wire = context.new_cdp_session(page)
    wire.send("WebAuthn.enable")
    made = wire.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
    yield Window(office, page, wire, made["authenticatorId"], told)
    context.close()
    # Chromium calls it an error if a page's status is no success; nothing else may be.
    errors = [each for each in told if each.startswith("error: ")]
    assert [each for each in errors if "status of 4" not in each] == []


def log_out(window: Window) -> None:
    """Log out, whatever page is shown."""
    window.press("Log out")
    window.page.wait_for_url("**/desk/login")


def test_a_passkey_is_added_logs_in_and_steps_up(window: Window) -> None:
    page, office = window.page, window.office
    window.log_in("rita")
    window.add("the laptop")
    page.wait_for_url("**/passkeys?done=yes")
    assert page.get_by_role("heading", name="the laptop").is_visible()
    assert window.keys() == 1
    log_out(window)

    window.open("/desk/approvals")
    window.press("Log in with a passkey")
    page.wait_for_url("**/desk/approvals")
    assert "rita" in page.locator(".who").inner_text()

    office.later(timedelta(seconds=FRESH + 1))
    window.open(OWN)
    assert page.get_by_role("button", name="Add a passkey").count() == 0
    page.get_by_role("main").get_by_role("link").first.click()
    assert page.locator("#f-code").input_value() == ""
    window.press("Confirm with a passkey instead")
    page.wait_for_url(office.origin + OWN)
    assert page.get_by_role("button", name="Add a passkey").count() == 1
    proved = office.wait(office.fleet.audit("a.demo", Event.STEPPED_UP.value))
    assert '"way":"passkey"' in proved[-1].text

    window.page.fill("#f-name", "once more")
    window.press("Add a passkey")
    assert window.alert() == "This device has a passkey of yours already."
    assert page.get_by_role("button", name="Add a passkey").is_enabled()


def test_a_device_that_verifies_nobody_is_refused(window: Window) -> None:
    page = window.page
    window.log_in("anna")
    window.verifies(does=False)
    window.add("unverified")
    assert "could not make sure that it is you" in window.alert()
    assert window.keys() == 0
    window.verifies(does=True)
    window.press("Add a passkey")
    page.wait_for_url("**/passkeys?done=yes")
    log_out(window)

    window.verifies(does=False)
    window.press("Log in with a passkey")

    assert "could not make sure that it is you" in window.alert()
    assert page.url.endswith("/desk/login")
    window.verifies(does=True)
    window.press("Log in with a passkey")
    page.wait_for_url("**/desk/today")


def test_a_browser_that_passes_on_what_nobody_verified_is_refused_by_the_node(
    window: Window,
) -> None:
    page = window.page
    window.log_in("dora")
    window.add("weak")
    page.wait_for_url("**/passkeys?done=yes")
    log_out(window)
    # As a browser would that does not ask for it.
    page.add_init_script(
        """const get = navigator.credentials.get.bind(navigator.credentials);
        navigator.credentials.get = (asked) => {
          asked.publicKey.userVerification = "discouraged";
          return get(asked);
        };"""
    )
    window.verifies(does=False)
    window.open("/desk/login")
    window.press("Log in with a passkey")

    page.wait_for_url("**/desk/login/passkey")
    assert "did not make sure that it is you" in window.alert()
    assert page.locator(".who").count() == 0


def test_a_passkey_that_was_removed_is_unknown(window: Window) -> None:
    page = window.page
    window.log_in("erik")
    window.add("lost")
    page.wait_for_url("**/passkeys?done=yes")
    page.get_by_role("link", name="Remove “lost”").click()
    assert page.get_by_text("It logs nobody in any more").is_visible()
    window.press("Remove the passkey")
    page.get_by_text("You have no passkey yet.").wait_for()
    log_out(window)

    window.press("Log in with a passkey")

    page.wait_for_url("**/desk/login/passkey")
    assert "it is not known here" in window.alert()


def test_without_scripts_the_code_does_and_a_sentence_says_why(
    browser: Any,  # noqa: ANN401
    office: House,
) -> None:
    context = browser.new_context(locale="en-GB", java_script_enabled=False)
    context.set_default_timeout(_PATIENCE_MS)
    window = Window(office, context.new_page(), None, "", [])
    window.open("/desk/login")
    page = window.page

    assert page.get_by_text("There is no button for passkeys").is_visible()
    assert page.get_by_role("button", name="Log in with a passkey").count() == 0
    window.log_in("olaf")
    context.close()


def test_a_browser_without_passkeys_says_so_in_the_place_of_the_button(
    window: Window,
) -> None:
    window.page.add_init_script("delete window.PublicKeyCredential")
    window.open("/desk/login")

    assert window.alert().startswith("This browser has no passkeys")
    assert window.page.get_by_role("button", name="Log in with a passkey").count() == 0
